//! Finding a ticket of unknown fate.
//!
//! Our mark stands in `externalXRef`, which is asked for directly. Whether every version can filter by it
//! is not known, and other integrations may write over it, so "none" is answered only after the company's
//! tickets of the time in question were looked at: the field of each, and the notes of those that may be
//! ours, because the first note of a ticket ends with the mark.

use entity::Timestamp;
use serde_json::Value;

use super::{
    Connection,
    conditions::Conditions,
    tickets::FIELDS,
    wire::{self, chosen},
};
use crate::{
    psa::PsaError,
    tickets::remote::{Asked, MarkerSearch, RemoteTicket},
};

/// Clocks differ.
const MARGIN_SECS: i64 = 600;
/// Pages looked through at most, before nothing can be told.
const PAGES: usize = 20;
/// Tickets whose notes are read at most, the oldest first. Beyond them the fields, which did show on every
/// row, are the answer: a busy company must not keep a ticket in doubt for ever.
const READS: usize = 40;

impl Connection {
    pub(super) async fn find_marked(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError> {
        let company = chosen("company", &search.company_external_id)?;
        let by_field = self.by_field(&search.marker).await?.unwrap_or_default().marked;
        if by_field.is_empty() { self.by_looking(search, company).await } else { Ok(by_field) }
    }

    /// Asks for the field, and believes only what it can see.
    pub(super) async fn by_field(&self, marker: &str) -> Result<Option<Asked>, PsaError> {
        let conditions = Conditions::default().word("externalXRef", marker)?;
        let query = [
            ("conditions", conditions.text()),
            ("orderBy", String::from("id asc")),
            ("pageSize", String::from("25")),
            ("fields", FIELDS.to_owned()),
        ];
        let rows = match self.api.rows("/service/tickets", &query).await {
            Ok(rows) => rows,
            // A version that cannot filter by it; the look at every ticket decides.
            Err(PsaError::Rejected { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let exact = rows.items.iter().filter(|row| is_marked(row, marker));
        let found = oldest_first(exact.filter_map(|row| self.ticket(row)).collect());
        Ok(Some(Asked::of(found, rows.items.len(), !rows.has_next)))
    }

    async fn by_looking(&self, search: &MarkerSearch, company: i64) -> Result<Vec<RemoteTicket>, PsaError> {
        let from = search.since.plus_secs(-MARGIN_SECS);
        let conditions = Conditions::default().is("company/id", company).since("lastUpdated", from);
        let fields = [("fields", FIELDS.to_owned())];
        let (mut exact, mut candidates) = (Vec::new(), Vec::new());
        let mut next = Some(0);
        for _ in 0..PAGES {
            let Some(after) = next else { break };
            let page = self.page_after("/service/tickets", conditions.clone(), &fields, after).await?;
            next = page.next;
            for row in &page.items {
                if is_marked(row, &search.marker) {
                    exact.extend(self.ticket(row));
                } else if may_be(row, company, from) && !is_newer(row, search.until) {
                    candidates.extend(self.ticket(row));
                }
            }
        }
        if next.is_some() {
            let detail = String::from("the company has too many tickets of that time");
            return Err(PsaError::CannotTell { detail });
        }
        if exact.is_empty() {
            for ticket in candidates.into_iter().take(READS) {
                match self.look_for_note(&ticket.external_id, &search.marker).await {
                    Ok(true) => exact.push(ticket),
                    // A ticket of a project stands in lists and has no notes here; ours never is one.
                    Ok(false) | Err(PsaError::Rejected { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(oldest_first(exact))
    }
}

/// Whether a row carries the mark in its field.
fn is_marked(row: &Value, marker: &str) -> bool {
    wire::text(row, "externalXRef") == Some(marker)
}

/// Whether a row that does not show the mark may be the ticket all the same.
fn may_be(row: &Value, company: i64, from: Timestamp) -> bool {
    let is_other = wire::text(row, "externalXRef").is_some_and(wire::is_marker);
    let is_older = wire::info_time(row, "dateEntered").is_some_and(|at| at < from);
    let is_elsewhere = wire::reference(row, "company").is_some_and(|id| id != company);
    !is_other && !is_older && !is_elsewhere
}

/// Whether a row was made after the ticket that is looked for.
fn is_newer(row: &Value, until: Option<Timestamp>) -> bool {
    let latest = until.map(|until| until.plus_secs(MARGIN_SECS));
    latest.zip(wire::info_time(row, "dateEntered")).is_some_and(|(latest, at)| at > latest)
}

/// Ids rise with time in ConnectWise.
fn oldest_first(mut tickets: Vec<RemoteTicket>) -> Vec<RemoteTicket> {
    tickets.sort_by_key(|ticket| ticket.external_id.parse::<i64>().unwrap_or(i64::MAX));
    tickets.dedup_by(|a, b| a.external_id == b.external_id);
    tickets
}
