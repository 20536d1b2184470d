//! Finding a ticket of unknown fate.
//!
//! Syncro has no field for a foreign reference that a list could be asked for, and its full-text search is
//! not exact. So our mark stands among the tags, which lists show, and on the last line of the first comment;
//! the customer's tickets of the time in question are looked at one by one.

use entity::Timestamp;
use serde_json::Value;

use super::{
    Connection,
    paging::Place,
    tickets::{integer, marker_of},
    wire,
};
use crate::{
    psa::PsaError,
    tickets::remote::{Asked, MarkerSearch, RemoteTicket},
};

/// Clocks differ, and a list may take the time for its date alone.
const QUERY_MARGIN_SECS: i64 = 86_400;
/// A ticket older than this before the search's own start is not read one by one.
const READ_MARGIN_SECS: i64 = 2 * 3_600;
/// Pages looked through at most, and tickets read one by one at most, before nothing can be told.
const PAGES: usize = 40;
const READS: usize = 40;

impl Connection {
    pub(super) async fn find_marked(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError> {
        let query = [
            ("customer_id", integer("customer_id", &search.company_external_id)?.to_string()),
            ("created_after", wire::sent_time(search.since.plus_secs(-QUERY_MARGIN_SECS))),
        ];
        let (found, pages) = self.look(search, &query).await?;
        if found.is_empty() && pages > 1 {
            // A ticket that was moved or deleted meanwhile may have pulled ours back over a page's edge.
            return Ok(self.look(search, &query).await?.0);
        }
        Ok(found)
    }

    /// Asks the full-text search, which may know our mark by the first comment.
    pub(super) async fn by_words(&self, marker: &str) -> Result<Option<Asked>, PsaError> {
        let query = [("query", marker.to_owned())];
        let page = match self.page("/tickets", "tickets", &query, Place::START).await {
            Ok(page) => page,
            Err(PsaError::Rejected { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let ours = page.items.iter().filter(|row| marker_of(row).as_deref() == Some(marker));
        let found = oldest_first(ours.filter_map(|row| self.ticket(row)).collect());
        Ok(Some(Asked::of(found, page.items.len(), page.next.is_none())))
    }

    /// Looks through the list once; the count of its pages comes along.
    async fn look(
        &self,
        search: &MarkerSearch,
        query: &[(&str, String)],
    ) -> Result<(Vec<RemoteTicket>, usize), PsaError> {
        let listed = self.pages("/tickets", "tickets", query, Place::START, PAGES).await?;
        let read_from = search.since.plus_secs(-READ_MARGIN_SECS);
        let (mut exact, mut by_text) = (Vec::new(), Vec::new());
        let mut reads = 0;
        for row in &listed.items {
            let mut verdict = judge(row, &search.marker, read_from);
            let latest = search.until.map(|until| until.plus_secs(READ_MARGIN_SECS));
            if verdict == Verdict::NotShown && latest.is_some_and(|latest| is_newer(row, latest)) {
                continue;
            }
            if verdict == Verdict::NotShown {
                if reads == READS {
                    return Err(cannot_tell("too many of the customer's tickets do not show their tags"));
                }
                reads += 1;
                verdict = self.judge_whole(row, &search.marker, read_from).await?;
            }
            match verdict {
                Verdict::Exact => exact.extend(self.ticket(row)),
                Verdict::ByText => by_text.extend(self.ticket(row)),
                Verdict::Other | Verdict::NotShown => {}
            }
        }
        // A forwarded mail can end in our reference too; a tag cannot be forwarded.
        let found = oldest_first(if exact.is_empty() { by_text } else { exact });
        if found.is_empty() && listed.next.is_some() {
            return Err(cannot_tell("the customer has too many tickets of that time"));
        }
        Ok((found, listed.count))
    }

    /// Reads what a row leaves out: the ticket, and its comments where it comes without.
    async fn judge_whole(&self, row: &Value, marker: &str, from: Timestamp) -> Result<Verdict, PsaError> {
        let Some(id) = wire::id(row, "id") else {
            return Err(cannot_tell("Syncro lists a ticket without its id"));
        };
        let Some(whole) = self.raw_ticket(id).await? else { return Ok(Verdict::Other) };
        let verdict = judge(&whole, marker, from);
        if verdict != Verdict::NotShown {
            return Ok(verdict);
        }
        let text = self.description(id).await?;
        let is_ours = text.as_deref().and_then(wire::last_reference).as_deref() == Some(marker);
        Ok(if is_ours { Verdict::ByText } else { Verdict::Other })
    }
}

/// What a row says about being the ticket looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Exact,
    ByText,
    Other,
    /// Neither of the two places is shown in full.
    NotShown,
}

/// Whether a row was made after the ticket that is looked for.
fn is_newer(row: &Value, latest: Timestamp) -> bool {
    wire::time(row, "created_at").is_some_and(|born| born > latest)
}

fn judge(row: &Value, marker: &str, read_from: Timestamp) -> Verdict {
    let tags = wire::tags(row);
    if tags.as_ref().is_some_and(|tags| tags.contains(&marker)) {
        return Verdict::Exact;
    }
    match marker_of(row) {
        Some(found) if found == marker => Verdict::ByText,
        Some(_) => Verdict::Other, // another one of ours
        // From before it was asked for.
        None if wire::time(row, "created_at").is_some_and(|born| born < read_from) => Verdict::Other,
        None if tags.is_some() && wire::first_comment(row).is_some() => Verdict::Other,
        // Every ticket of ours has a first comment, so one without does not show it.
        None => Verdict::NotShown,
    }
}

fn cannot_tell(why: &str) -> PsaError {
    PsaError::CannotTell { detail: why.to_owned() }
}

/// Ids rise with time in Syncro.
fn oldest_first(mut tickets: Vec<RemoteTicket>) -> Vec<RemoteTicket> {
    tickets.sort_by_key(|ticket| ticket.external_id.parse::<i64>().unwrap_or(i64::MAX));
    tickets.dedup_by(|a, b| a.external_id == b.external_id);
    tickets
}
