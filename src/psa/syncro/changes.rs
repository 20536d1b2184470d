//! What changed since a time.
//!
//! In which order Syncro lists tickets is said nowhere, and there is no word to ask for one. So the pages are
//! read together and sorted here. A ticket that changes meanwhile may move to the list's end and pull
//! another one back over a page's edge, unseen; then one stands in the list twice, and it is read once more.

use std::collections::{BTreeMap, BTreeSet};

use entity::Timestamp;
use serde_json::Value;

use super::{Connection, paging::Place, wire};
use crate::{
    psa::PsaError,
    tickets::remote::{RemotePage, RemoteTicket},
};

/// How many pages make one of ours.
const PAGES: usize = 20;

/// How far back a list may reach that was asked for changes since a time, before it is plain that the time
/// was ignored.
const IGNORED_AFTER_SECS: i64 = 86_400;

impl Connection {
    pub(super) async fn changed_page(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError> {
        // "Updated after the date": a second earlier, so that the very second counts.
        let query = [("since_updated_at", wire::sent_time(since.plus_secs(-1)))];
        let from = Place::read(page);
        let read = self.pages("/tickets", "tickets", &query, from.clone(), PAGES).await?;
        let mut tickets = BTreeMap::new();
        if self.newest(&mut tickets, &read.items) {
            let again = self.pages("/tickets", "tickets", &query, from, read.count).await?;
            self.newest(&mut tickets, &again.items);
        }
        let mut items: Vec<_> = tickets.into_values().collect();
        let ignored = since.plus_secs(-IGNORED_AFTER_SECS);
        let is_old = |ticket: &RemoteTicket| ticket.updated_at.is_some_and(|at| at < ignored);
        if !items.is_empty() && items.iter().all(is_old) {
            let detail = String::from("Syncro does not keep to the time asked for");
            return Err(PsaError::Unavailable { detail });
        }
        let from = Timestamp::from_secs(since.as_secs());
        items.retain(|ticket| ticket.updated_at.is_none_or(|at| at >= from));
        items.sort_by_key(|ticket| ticket.updated_at);
        Ok(RemotePage { items, next: read.next.map(|place| place.word()), total: None })
    }

    /// Adds rows, the newest picture of each ticket winning. Says whether one stands among them twice.
    fn newest(&self, tickets: &mut BTreeMap<String, RemoteTicket>, rows: &[Value]) -> bool {
        let mut seen = BTreeSet::new();
        let mut is_twice = false;
        for ticket in rows.iter().filter_map(|row| self.ticket(row)) {
            is_twice |= !seen.insert(ticket.external_id.clone());
            let known = tickets.get(&ticket.external_id);
            if known.is_none_or(|known| known.updated_at <= ticket.updated_at) {
                tickets.insert(ticket.external_id.clone(), ticket);
            }
        }
        is_twice
    }
}
