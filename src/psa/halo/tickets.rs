//! Tickets: opening, reading, moving.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Connection,
    paging::{Page, Place},
    profile, wire,
};
use crate::{
    psa::PsaError,
    tickets::remote::{RemotePage, RemoteTicket, StatusChange, TicketDraft},
};

/// The longest summary sent. The vendor's document names no limit; longer ones are cut at a place of our
/// choice rather than Halo's. The one place to change.
const SUMMARY_CHARS: usize = 255;

/// How far back a list may reach that was asked for changes since a time, before it is plain that the
/// time was ignored.
const IGNORED_AFTER_SECS: i64 = 86_400;

impl Connection {
    pub(super) async fn open(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError> {
        let mut item = new_ticket(draft, self.api.http.clock.now())?;
        if let Some(contact) = profile::value(draft, "contact") {
            self.add_contact(&mut item, draft, integer("contact", contact)?).await?;
        }
        let answer = self.api.post("/Tickets", Value::Object(item)).await?;
        let ticket = wire::record(answer).and_then(|row| self.ticket(&row));
        ticket.ok_or_else(|| PsaError::Unknown {
            detail: String::from("Halo took the ticket and answered without its id"),
        })
    }

    /// A user goes with the site it is at: Halo wants both. One of another client is refused, because the ticket
    /// would be shown to strangers.
    async fn add_contact(
        &self,
        item: &mut Map<String, Value>,
        draft: &TicketDraft,
        id: i64,
    ) -> Result<(), PsaError> {
        let refused = |reason: &str| PsaError::Rejected {
            field: Some(String::from("contact")),
            reason: format!("{reason}; change the contact in the ticket profile"),
        };
        let user = self.api.get_record(&format!("/Users/{id}"), &[]).await?;
        let user = user.ok_or_else(|| refused("Halo has no user with that number"))?;
        let client = wire::id(&user, "client_id").map(|id| id.to_string());
        if client.is_some_and(|client| client != draft.company_external_id.trim()) {
            return Err(refused("the user belongs to another client in Halo"));
        }
        item.insert("user_id".into(), json!(id));
        if let Some(site) = wire::id(&user, "site_id") {
            item.insert("site_id".into(), json!(site));
        }
        Ok(())
    }

    pub(super) async fn read(
        &self,
        external_id: &str,
        with_closer: bool,
    ) -> Result<Option<RemoteTicket>, PsaError> {
        let Some(row) = self.raw_ticket(ticket_id(external_id)?).await? else { return Ok(None) };
        let Some(mut ticket) = self.ticket(&row) else { return Ok(None) };
        if with_closer && let Some(status) = wire::int(&row, "status_id") {
            // Who closed it is worth a look, not a failure: the login may not be allowed to see actions.
            match self.closing_action(&ticket.external_id, status).await {
                Ok(Some((who, at))) => {
                    ticket.closed_by = who;
                    ticket.closed_at = at.or(ticket.closed_at);
                }
                Ok(None) | Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(ticket))
    }

    /// Moves a ticket. The type and the client go with it, because without them some instances answer
    /// "Record not found" (dotMARC).
    pub(super) async fn change_status(&self, change: &StatusChange) -> Result<RemoteTicket, PsaError> {
        let (external_id, status) = (change.external_id.as_str(), change.status.as_str());
        let wanted = integer("status", status)?;
        let Some(row) = self.raw_ticket(ticket_id(external_id)?).await? else {
            return Err(PsaError::Rejected { field: None, reason: String::from("Halo has no such ticket") });
        };
        let current = self.ticket(&row).ok_or_else(unreadable)?;
        if wire::int(&row, "status_id") == Some(wanted) {
            return Ok(current);
        }
        let mut item = Map::new();
        item.insert("id".into(), json!(wire::id(&row, "id")));
        for key in ["tickettype_id", "client_id"] {
            if let Some(id) = wire::id(&row, key) {
                item.insert(key.into(), json!(id));
            }
        }
        item.insert("status_id".into(), json!(wanted));
        let text =
            change.text.as_deref().map(clean).filter(|text| change.is_close && !text.trim().is_empty());
        if let Some(text) = text {
            // Ticket types can demand one (dotMARC).
            item.insert("closure_note".into(), json!(text.trim()));
        }
        // Mandatory closing fields are for people; a machine cannot fill in all of them.
        item.insert("_novalidate".into(), json!(true));
        let answer = self.api.post("/Tickets", Value::Object(item)).await?;
        let mut ticket = wire::record(answer).and_then(|row| self.ticket(&row)).unwrap_or(current);
        if ticket.status.as_deref() != Some(status.trim()) {
            // The answer does not show the change: only the ticket itself tells whether a rule undid it.
            ticket = match self.raw_ticket(ticket_id(external_id)?).await {
                Ok(Some(row)) => self.ticket(&row).ok_or_else(unreadable)?,
                Ok(None) => return Err(unreadable()),
                Err(error) => return Err(PsaError::Unknown { detail: error.to_string() }),
            };
        }
        Ok(ticket)
    }

    /// Pages are asked for in the order of change. An order that a build does not know is ignored, so only
    /// each page is sure to be in order: take the next `since` from before the first page was asked for.
    pub(super) async fn changed_page(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError> {
        let rows = self.changed_rows(since, page, "last_update").await?;
        let mut items: Vec<_> = rows.items.iter().filter_map(|row| self.ticket(row)).collect();
        items.sort_by_key(|ticket| ticket.updated_at);
        Ok(RemotePage { items, next: rows.next.map(|place| place.word()), total: rows.total })
    }

    /// One page of the rows of tickets that changed.
    pub(super) async fn changed_rows(
        &self,
        since: Timestamp,
        page: Option<&str>,
        order: &str,
    ) -> Result<Page, PsaError> {
        let query = [
            ("lastupdatefromdate", wire::query_time(since)),
            ("includeclosed", String::from("true")),
            ("order", order.to_owned()),
            ("orderdesc", String::from("false")),
        ];
        let mut rows = self.page("/Tickets", "tickets", &query, Place::read(page)).await?;
        let ignored = since.plus_secs(-IGNORED_AFTER_SECS);
        let is_old = |row: &Value| updated_at(row).is_some_and(|at| at < ignored);
        if rows.is_stuck || (!rows.items.is_empty() && rows.items.iter().all(is_old)) {
            let detail = String::from("Halo does not keep to the time asked for, or repeats its first page");
            return Err(PsaError::Unavailable { detail });
        }
        // Halo's query knows whole seconds.
        let from = Timestamp::from_secs(since.as_secs());
        rows.items.retain(|row| updated_at(row).is_none_or(|at| at >= from));
        Ok(rows)
    }

    pub(super) async fn raw_ticket(&self, id: i64) -> Result<Option<Value>, PsaError> {
        let query = [("includedetails", String::from("true"))];
        self.api.get_record(&format!("/Tickets/{id}"), &query).await
    }

    /// Our picture of a row. Names differ between GET and the answers of POST (django-psa-connector).
    pub(super) fn ticket(&self, row: &Value) -> Option<RemoteTicket> {
        let id = wire::id(row, "id")?;
        Some(RemoteTicket {
            external_id: id.to_string(),
            number: None,
            url: self.api.page(&format!("ticket?id={id}")),
            company_external_id: wire::id(row, "client_id").map(|id| id.to_string()),
            status: wire::id(row, "status_id").map(|id| id.to_string()),
            status_label: wire::text(row, "status_name").map(ToOwned::to_owned),
            board: wire::id(row, "tickettype_id").map(|id| id.to_string()),
            marker: marker_of(row),
            updated_at: updated_at(row),
            closed_at: wire::time(row, "dateclosed"),
            closed_by: None,
        })
    }
}

/// When a ticket was last changed. Names differ between GET and the answers of POST.
fn updated_at(row: &Value) -> Option<Timestamp> {
    ["last_update", "lastupdate", "lastactiondate"].iter().find_map(|key| wire::time(row, key))
}

/// Our mark on a ticket: in its own field, else on the last line of the details.
pub(super) fn marker_of(row: &Value) -> Option<String> {
    let field = wire::text(row, "supplier_reference").filter(|text| wire::is_marker(text));
    field.map(ToOwned::to_owned).or_else(|| wire::last_reference(wire::text(row, "details")?))
}

/// A ticket as Halo wants it. The texts are plain: they go into `details`, which Halo shows as text, and
/// never into `details_html`, so nothing a scanner sends becomes markup.
fn new_ticket(draft: &TicketDraft, now: Timestamp) -> Result<Map<String, Value>, PsaError> {
    let mut item = Map::new();
    let title = one_line(&draft.title);
    let summary: String = title.chars().take(SUMMARY_CHARS).collect();
    let whole_title = if summary == title { String::new() } else { format!("{title}\n\n") };
    let body = clean(&draft.body);
    let details = format!("{whole_title}{}\n\n{}", body.trim_end(), wire::reference_line(&draft.marker));
    item.insert("summary".into(), json!(summary));
    item.insert("details".into(), json!(details.trim_start()));
    item.insert("client_id".into(), json!(integer("client_id", &draft.company_external_id)?));
    item.insert("supplier_reference".into(), json!(draft.marker));
    profile::fill(&mut item, draft, now)?;
    if let Some(status) = &draft.status {
        item.insert("status_id".into(), json!(integer("status", status)?));
    }
    // Fields that the ticket type demands of people must not keep a machine's ticket out.
    item.insert("_novalidate".into(), json!(true));
    Ok(item)
}

fn unreadable() -> PsaError {
    PsaError::Unknown { detail: String::from("Halo's answer does not show the ticket") }
}

/// Halo refuses ids written as 95.0 or as text (CIPP), so what is no whole number is refused before it.
pub(super) fn integer(field: &str, value: &str) -> Result<i64, PsaError> {
    value.trim().parse().map_err(|_| PsaError::Rejected {
        field: Some(field.to_owned()),
        reason: format!("{field} must be a whole number in Halo"),
    })
}

pub(super) fn ticket_id(external_id: &str) -> Result<i64, PsaError> {
    integer("id", external_id)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect()
}

/// Without control characters other than line ends and tabs.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
