//! Finding a ticket of unknown fate.
//!
//! Our mark stands in `supplier_reference`, which has a filter of its own, and on the last line of the
//! details. A filter may be ignored and a field may be dropped by a template, so "none" is answered only
//! after the client's tickets of the time in question were looked at one by one.

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

/// Clocks differ, and dates are taken coarsely by the query.
const QUERY_MARGIN_SECS: i64 = 86_400;
/// A ticket older than this before the search's own start is not read one by one.
const READ_MARGIN_SECS: i64 = 2 * 3_600;
/// Pages looked through at most, and tickets read one by one at most, before nothing can be told.
const PAGES: usize = 20;
const READS: usize = 60;

impl Connection {
    pub(super) async fn find_marked(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError> {
        let by_field = self.by_field(&search.marker).await?.unwrap_or_default().marked;
        if by_field.is_empty() { self.by_looking(search).await } else { Ok(by_field) }
    }

    /// Asks for the field, and believes only what it can see: one page, because a mark is unique. Rows
    /// without the field are left to [`Self::by_looking`] beyond the first few.
    pub(super) async fn by_field(&self, marker: &str) -> Result<Option<Asked>, PsaError> {
        let query =
            [("search_supplier_reference", marker.to_owned()), ("includeclosed", String::from("true"))];
        let page = match self.page("/Tickets", "tickets", &query, Place::START).await {
            Ok(page) => page,
            // A build that does not know the filter; the look at every ticket decides.
            Err(PsaError::Rejected { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        let mut reads = 0;
        for row in &page.items {
            if wire::text(row, "supplier_reference") == Some(marker) {
                found.extend(self.ticket(row));
            } else if row.get("supplier_reference").is_none() && reads < 5 {
                reads += 1;
                if let Some(whole) = self.reread(row).await?
                    && marker_of(&whole).as_deref() == Some(marker)
                {
                    found.extend(self.ticket(&whole));
                }
            }
        }
        let is_all = page.next.is_none() && !page.is_stuck;
        Ok(Some(Asked::of(oldest_first(found), page.items.len(), is_all)))
    }

    async fn by_looking(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError> {
        let from = search.since.plus_secs(-QUERY_MARGIN_SECS);
        let until = search.until.unwrap_or_else(|| self.api.http.clock.now()).plus_secs(QUERY_MARGIN_SECS);
        let query = [
            ("client_id", integer("client_id", &search.company_external_id)?.to_string()),
            ("datesearch", String::from("dateoccurred")),
            ("startdate", wire::query_time(from)),
            ("enddate", wire::query_time(until)),
            ("includeclosed", String::from("true")),
        ];
        let read_from = search.since.plus_secs(-READ_MARGIN_SECS);
        let (mut exact, mut by_details) = (Vec::new(), Vec::new());
        let (mut reads, mut place) = (0, Some(Place::START));
        for _ in 0..PAGES {
            let Some(at) = place.take() else { break };
            let rows = self.page("/Tickets", "tickets", &query, at).await?;
            if rows.is_stuck {
                return Err(cannot_tell("Halo does not give all pages of its tickets"));
            }
            place = rows.next;
            for row in &rows.items {
                match judge(row, &search.marker, read_from) {
                    Verdict::Exact => exact.extend(self.ticket(row)),
                    Verdict::ByDetails => by_details.extend(self.ticket(row)),
                    Verdict::Other => {}
                    Verdict::NotShown if reads == READS => {
                        return Err(cannot_tell(
                            "too many tickets of this client would have to be read one by one",
                        ));
                    }
                    Verdict::NotShown => {
                        reads += 1;
                        let Some(whole) = self.reread(row).await? else { continue };
                        match judge(&whole, &search.marker, read_from) {
                            Verdict::Exact => exact.extend(self.ticket(&whole)),
                            Verdict::ByDetails => by_details.extend(self.ticket(&whole)),
                            Verdict::Other | Verdict::NotShown => {}
                        }
                    }
                }
            }
        }
        if place.is_some() {
            return Err(cannot_tell("the client has too many tickets of that time"));
        }
        // A forwarded mail can end in our reference too; the field cannot be forwarded.
        Ok(oldest_first(if exact.is_empty() { by_details } else { exact }))
    }

    async fn reread(&self, row: &Value) -> Result<Option<Value>, PsaError> {
        match wire::id(row, "id") {
            Some(id) => self.raw_ticket(id).await,
            None => Err(cannot_tell("Halo lists a ticket without its id")),
        }
    }
}

/// What a row says about being the ticket looked for.
enum Verdict {
    Exact,
    ByDetails,
    Other,
    /// Neither of the two places is shown in full.
    NotShown,
}

fn judge(row: &Value, marker: &str, read_from: Timestamp) -> Verdict {
    let born = wire::time(row, "dateoccurred").or_else(|| wire::time(row, "datecreated"));
    let field = wire::text(row, "supplier_reference");
    let details = wire::text(row, "details");
    if field == Some(marker) {
        Verdict::Exact
    } else if field.is_some_and(wire::is_marker) || born.is_some_and(|born| born < read_from) {
        Verdict::Other // another one of ours, or from before it was asked for
    } else if details.and_then(wire::last_reference).as_deref() == Some(marker) {
        Verdict::ByDetails
    } else if details.is_some() && row.get("supplier_reference").is_some() {
        Verdict::Other
    } else {
        Verdict::NotShown
    }
}

fn cannot_tell(why: &str) -> PsaError {
    PsaError::CannotTell { detail: why.to_owned() }
}

/// Ids rise with time in Halo.
fn oldest_first(mut tickets: Vec<RemoteTicket>) -> Vec<RemoteTicket> {
    tickets.sort_by_key(|ticket| ticket.external_id.parse::<i64>().unwrap_or(i64::MAX));
    tickets.dedup_by(|a, b| a.external_id == b.external_id);
    tickets
}
