//! Tickets: opening and reading.

use serde_json::{Map, Value, json};

use super::{Connection, profile, text, wire};
use crate::{
    psa::PsaError,
    tickets::remote::{RemoteTicket, TicketDraft},
};

/// Where a person opens a ticket in the vendor's own service.
pub(super) const TICKET_PAGE: &str = "https://app.mspmanager.com/tickets/";

/// A close and the last change of a ticket that lie so near, in seconds, are the same deed.
const SAME_DEED_SECS: i64 = 60;

/// Profile fields that hold ids, and the ticket's names for them. That a user's id is what
/// `AssignedResourceId` takes is inferred from the one client that sends it.
const IDS: &[(&str, &str)] = &[
    ("issue_type", profile::ISSUE_TYPE),
    ("sub_issue_type", profile::SUB_ISSUE_TYPE),
    ("agent", "AssignedResourceId"),
    ("contact", "ContactId"),
    ("location", "LocationId"),
];

impl Connection {
    pub(super) async fn open(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError> {
        let customer = id_of("company", &draft.company_external_id)?;
        // Everything of ours that can be wrong is said before anything is asked.
        let mut item = self.new_ticket(draft)?;
        let service_item = self.service_item(&customer, field(draft, "service_item")).await?;
        item.insert("ServiceItemId".into(), json!(service_item));
        let answer = self.api.create("Tickets", &Value::Object(item)).await?;
        let ticket = wire::record(answer).and_then(|row| self.ticket(&row));
        let mut ticket = ticket.ok_or_else(|| PsaError::Unknown {
            detail: String::from("MSP Manager took the ticket and answered without its id"),
        })?;
        // The service item is this customer's, and decides whose the ticket is.
        ticket.company_external_id = ticket.company_external_id.or(Some(customer));
        Ok(ticket)
    }

    /// A ticket as the service wants it, all but its service item: the fields a client sends every day, and
    /// what the profile asks for beyond them.
    fn new_ticket(&self, draft: &TicketDraft) -> Result<Map<String, Value>, PsaError> {
        let mut item = Map::new();
        let (title, whole) = text::title(&draft.title);
        item.insert("Title".into(), json!(title));
        item.insert(
            "Description".into(),
            json!(text::description(whole.as_deref(), &draft.body, &draft.marker)),
        );
        let priority = field(draft, "priority").map(|value| integer("priority", value)).transpose()?;
        item.insert("TicketPriorityCode".into(), json!(priority.unwrap_or(profile::USUAL_PRIORITY)));
        let is_billable = match field(draft, "billable") {
            None => false,
            Some(value) => value.parse().map_err(|_| refused("billable", "billable is true or false"))?,
        };
        item.insert("IsBillable".into(), json!(is_billable));
        item.insert("IsTaxable".into(), json!(false));
        for (ours, theirs) in IDS {
            if let Some(value) = field(draft, ours) {
                item.insert((*theirs).into(), json!(id_of(ours, value)?));
            }
        }
        if let Some(days) = field(draft, "due_days") {
            let days = integer("due_days", days)?;
            if !(0..=3_650).contains(&days) {
                return Err(refused("due_days", "due_days must lie between 0 and 3650"));
            }
            let due = self.api.http.clock.now().plus_secs(days * 86_400);
            item.insert("DueDate".into(), json!(wire::utc(due)));
        }
        if let Some(status) = draft.status.as_deref().filter(|status| !status.trim().is_empty()) {
            // Not among the documented fields of a create; sent only where a profile names a status.
            item.insert("TicketStatusCode".into(), json!(integer("status", status)?));
        }
        Ok(item)
    }

    /// The view shows everything that is wanted in one call; that a ticket is gone is believed only where
    /// the ticket's own address says so too.
    pub(super) async fn read(
        &self,
        external_id: &str,
        with_closer: bool,
    ) -> Result<Option<RemoteTicket>, PsaError> {
        let id = wire::parse_guid(external_id).ok_or_else(|| {
            // People know a ticket by its number, and link it by what they know.
            refused("id", "a ticket's id in MSP Manager is the GUID at the end of its address in the browser")
        })?;
        let query = [("$filter", format!("TicketId eq {id}")), ("$top", String::from("2"))];
        let rows = self.api.list("ticketsview", &query).await?.items;
        let row = match rows.into_iter().find(|row| wire::guid(row, "TicketId").as_ref() == Some(&id)) {
            Some(row) => row,
            None => match self.whole_ticket(&id).await? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let Some(mut ticket) = self.ticket(&row) else { return Ok(None) };
        if with_closer {
            ticket.closed_by = closer(&row, &ticket);
        }
        Ok(Some(ticket))
    }

    /// Our picture of a row, of the view or of the entity.
    pub(super) fn ticket(&self, row: &Value) -> Option<RemoteTicket> {
        let id = wire::guid(row, "TicketId")?;
        let label = wire::any_text(row, &["TicketCustomStatusName", "TicketStatusName"]);
        Some(RemoteTicket {
            number: wire::word(row, "TicketNumber"),
            url: self.api.login.is_vendors().then(|| format!("{TICKET_PAGE}{id}")),
            external_id: id,
            company_external_id: wire::guid(row, "CustomerId"),
            status: wire::int(row, "TicketStatusCode").map(|code| code.to_string()),
            status_label: label.map(ToOwned::to_owned),
            board: None,
            marker: description(row).and_then(text::ticket_marker),
            updated_at: wire::time(row, "UpdatedDate"),
            closed_at: wire::time(row, "CompletedDate"),
            closed_by: None,
        })
    }
}

/// The text of a ticket, as the view and the entity call it.
pub(super) fn description(row: &Value) -> Option<&str> {
    wire::any_text(row, &["TicketDescription", "Description"])
}

/// Who changed a closed ticket last, where that change was the close: nothing else says who closed it.
fn closer(row: &Value, ticket: &RemoteTicket) -> Option<String> {
    let is_closed = wire::int(row, "TicketStatusCode").is_some_and(profile::closes);
    let apart = ticket.updated_at?.as_secs() - ticket.closed_at?.as_secs();
    if !is_closed || apart.abs() > SAME_DEED_SECS {
        return None;
    }
    let part = |key: &str| wire::text(row, key).unwrap_or_default();
    let name = format!("{} {}", part("UpdatedByFirstName"), part("UpdatedByLastName"));
    let name = name.trim();
    if name.is_empty() { wire::text(row, "UpdatedByEmailAddress") } else { Some(name) }.map(ToOwned::to_owned)
}

fn field<'a>(draft: &'a TicketDraft, key: &str) -> Option<&'a str> {
    draft.fields.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// An id as it may stand in an address, a filter or a body: nothing but a GUID passes.
pub(super) fn id_of(field: &str, value: &str) -> Result<String, PsaError> {
    wire::parse_guid(value).ok_or_else(|| refused(field, &format!("{field} must be a GUID in MSP Manager")))
}

pub(super) fn integer(field: &str, value: &str) -> Result<i64, PsaError> {
    value
        .trim()
        .parse()
        .map_err(|_| refused(field, &format!("{field} must be a whole number in MSP Manager")))
}

fn refused(field: &str, reason: &str) -> PsaError {
    PsaError::Rejected { field: Some(field.to_owned()), reason: reason.to_owned() }
}
