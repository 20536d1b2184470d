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
        let (rows, next) = self.changed_rows(since, page).await?;
        let mut items: Vec<_> = rows.iter().filter_map(|row| self.ticket(row)).collect();
        items.sort_by_key(|ticket| ticket.updated_at);
        Ok(RemotePage { items, next, total: None })
    }

    /// The rows of tickets that changed, the newest picture of each, and the word for the next ones.
    pub(super) async fn changed_rows(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<(Vec<Value>, Option<String>), PsaError> {
        // "Updated after the date": a second earlier, so that the very second counts.
        let query = [("since_updated_at", wire::sent_time(since.plus_secs(-1)))];
        let from = Place::read(page);
        let read = self.pages("/tickets", "tickets", &query, from.clone(), PAGES).await?;
        let mut tickets = BTreeMap::new();
        if newest(&mut tickets, read.items) {
            let again = self.pages("/tickets", "tickets", &query, from, read.count).await?;
            newest(&mut tickets, again.items);
        }
        let mut items: Vec<_> = tickets.into_values().collect();
        let ignored = since.plus_secs(-IGNORED_AFTER_SECS);
        let is_old = |row: &Value| updated_at(row).is_some_and(|at| at < ignored);
        if !items.is_empty() && items.iter().all(is_old) {
            let detail = String::from("Syncro does not keep to the time asked for");
            return Err(PsaError::Unavailable { detail });
        }
        let from = Timestamp::from_secs(since.as_secs());
        items.retain(|row| updated_at(row).is_none_or(|at| at >= from));
        Ok((items, read.next.map(|place| place.word())))
    }
}

fn updated_at(row: &Value) -> Option<Timestamp> {
    wire::time(row, "updated_at")
}

/// Adds rows, the newest picture of each ticket winning. Says whether one stands among them twice.
fn newest(tickets: &mut BTreeMap<i64, Value>, rows: Vec<Value>) -> bool {
    let mut seen = BTreeSet::new();
    let mut is_twice = false;
    for row in rows {
        let Some(id) = wire::id(&row, "id") else { continue };
        is_twice |= !seen.insert(id);
        if tickets.get(&id).is_none_or(|known| updated_at(known) <= updated_at(&row)) {
            tickets.insert(id, row);
        }
    }
    is_twice
}
