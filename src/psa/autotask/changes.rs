//! Which tickets changed since a time, the oldest change first.
//!
//! Autotask lists by id and by nothing else. So time is cut into windows that fit onto one page, and each is
//! put in order here: a reader who stops anywhere has missed nothing before the last time that it saw.

use entity::Timestamp;

use super::{
    Connection,
    api::{PAGE_SIZE, Page, Query, condition},
    tickets::{CHANGED_AT, FIELDS},
    wire,
};
use crate::{
    psa::PsaError,
    tickets::remote::{RemotePage, RemoteTicket},
};

/// The shortest window: all that changed within it is read, however many pages that takes.
const SHORTEST_SECS: i64 = 2;
/// How far Autotask's clock may be before ours.
const AHEAD_SECS: i64 = 3_600;

impl Connection {
    /// `page` is the time that the window before ended with.
    pub(super) async fn changed_page(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError> {
        let from = page.and_then(Timestamp::parse_rfc3339).filter(|at| *at >= since).unwrap_or(since);
        // What is in our future has changed by Autotask's clock; the last window is open at its end.
        let end = self.api.http.clock.now().plus_secs(AHEAD_SECS);
        let mut until = None;
        let rows = loop {
            let query = window(from, until);
            let Page { rows, next } = self.api.page(&query, None, PAGE_SIZE).await?;
            if next.is_none() {
                break rows;
            }
            let length = until.unwrap_or(end).as_secs().saturating_sub(from.as_secs()) / 2;
            if length < SHORTEST_SECS {
                until = Some(from.plus_secs(SHORTEST_SECS));
                break self.api.all(&window(from, until)).await?;
            }
            // Halves until it fits: a dozen calls for a month's worth of changes, none in everyday life.
            until = Some(from.plus_secs(length));
        };
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            items.extend(self.ticket(row).await);
        }
        items.sort_by_key(|ticket| ticket.updated_at);
        Ok(RemotePage { items, next: until.map(Timestamp::rfc3339), total: None })
    }
}

fn window(from: Timestamp, until: Option<Timestamp>) -> Query<'static> {
    let mut filter = vec![condition("gte", CHANGED_AT, wire::written_time(from))];
    filter.extend(until.map(|until| condition("lt", CHANGED_AT, wire::written_time(until))));
    Query { entity: "Tickets", fields: FIELDS, filter }
}
