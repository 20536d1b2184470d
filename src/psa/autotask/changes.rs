//! Which tickets changed since a time, the oldest change first.
//!
//! Autotask lists by id and by nothing else. So time is cut into windows that fit onto one page, and each is
//! put in order here: a reader who stops anywhere has missed nothing before the last time that it saw.

use entity::Timestamp;
use serde_json::{Value, json};

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
    pub(super) async fn changed_page(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError> {
        let (rows, next) = self.changed_rows(since, page, FIELDS, &[CHANGED_AT]).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            items.extend(self.ticket(row).await);
        }
        items.sort_by_key(|ticket| ticket.updated_at);
        Ok(RemotePage { items, next, total: None })
    }

    /// The rows of tickets that changed by one of some columns, window by window, and the word for the next one: the time
    /// that this window ended with.
    pub(super) async fn changed_rows(
        &self,
        since: Timestamp,
        page: Option<&str>,
        fields: &[&str],
        by: &[&str],
    ) -> Result<(Vec<Value>, Option<String>), PsaError> {
        let from = page.and_then(Timestamp::parse_rfc3339).filter(|at| *at >= since).unwrap_or(since);
        // What is in our future has changed by Autotask's clock; the last window is open at its end.
        let end = self.api.http.clock.now().plus_secs(AHEAD_SECS);
        let mut until = None;
        let rows = loop {
            let query = Query { entity: "Tickets", fields, filter: window(by, from, until) };
            let Page { rows, next } = self.api.page(&query, None, PAGE_SIZE).await?;
            if next.is_none() {
                break rows;
            }
            let length = until.unwrap_or(end).as_secs().saturating_sub(from.as_secs()) / 2;
            if length < SHORTEST_SECS {
                until = Some(from.plus_secs(SHORTEST_SECS));
                let filter = window(by, from, until);
                break self.api.all(&Query { entity: "Tickets", fields, filter }).await?;
            }
            // Halves until it fits: a dozen calls for a month's worth of changes, none in everyday life.
            until = Some(from.plus_secs(length));
        };
        Ok((rows, until.map(Timestamp::rfc3339)))
    }
}

/// One of the columns lies in the window.
fn window(by: &[&str], from: Timestamp, until: Option<Timestamp>) -> Vec<Value> {
    let within = |column: &str| {
        let mut both = vec![condition("gte", column, wire::written_time(from))];
        both.extend(until.map(|until| condition("lt", column, wire::written_time(until))));
        both
    };
    match by {
        [column] => within(column),
        several => {
            let each = several.iter().map(|column| json!({ "op": "and", "items": within(column) }));
            vec![json!({ "op": "or", "items": each.collect::<Vec<_>>() })]
        }
    }
}
