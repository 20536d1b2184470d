//! The account's own tickets, as people see them, and their thread of mails and notes.
//!
//! The thread can be read; no column is known that says what of it customers see, so that all of it counts as internal.

use async_trait::async_trait;
use entity::Timestamp;
use serde_json::Value;

use super::{
    Connection,
    changes::Look,
    paging::{List, Place},
    profile,
    tickets::{TICKET_PAGE, id_of},
    wire,
};
use crate::{
    psa::{
        PsaError,
        own_tickets::{MOST_NOTES, OwnTickets},
    },
    sync::psa_tickets::remote::{Named, RemoteNote, RemoteNotes, RemotePsaTicket, TicketAbilities},
    tickets::remote::RemotePage,
};

/// The columns of the view: all are in use by a client.
const COLUMNS: &str = "TicketId,TicketNumber,TicketTitle,TicketStatusCode,TicketStatusName,TicketCustomStatusName,\
                       TicketPriorityCode,TicketPriorityName,TicketIssueTypeName,CustomerId,ContactName,CreatedDate,\
                       CreatedByFirstName,CreatedByLastName,UpdatedDate,CompletedDate";

/// How many parts of a thread come at once.
const SIZE: u64 = 200;

/// What every account says of its tickets.
pub(super) const ABILITIES: TicketAbilities = TicketAbilities {
    boards: false,
    contacts: false,
    requesters: true,
    public_notes: false,
    // That the view can be filtered by the time of change is likely and unproven.
    all_changes: false,
};

#[async_trait]
impl OwnTickets for Connection {
    async fn own_tickets(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemotePsaTicket>, PsaError> {
        // Closes alone would not do: where the time of change cannot be asked for, tickets of the last weeks are listed.
        let (rows, next, total) =
            self.changed_rows(since, page, COLUMNS, &[Look::Updated, Look::Created]).await?;
        let items = rows.iter().filter_map(|row| self.own_ticket(row)).collect();
        Ok(RemotePage { items, next, total })
    }

    async fn own_notes(&self, external_id: &str) -> Result<RemoteNotes, PsaError> {
        let id = id_of("id", external_id)?;
        let filter = format!("TicketId eq {id}");
        // The name of a part's id is not recorded, so no order can be asked for.
        let list = List { path: "ticketsresponses", id: "", filter: Some(&filter), size: SIZE };
        let mut notes = RemoteNotes::default();
        let mut place = Some(Place::default());
        while let Some(at) = place.take() {
            if notes.items.len() >= MOST_NOTES {
                notes.has_more = true;
                break;
            }
            let page = self.page(list, &at).await?;
            let of_ticket = |row: &&Value| wire::guid(row, "TicketId").is_none_or(|ticket| ticket == id);
            notes.items.extend(page.items.iter().filter(of_ticket).filter_map(note));
            place = page.next;
        }
        Ok(notes)
    }
}

impl Connection {
    fn own_ticket(&self, row: &Value) -> Option<RemotePsaTicket> {
        let id = wire::guid(row, "TicketId")?;
        let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
        let named =
            |key: &str, labels: &[&str]| Some(Named::of(wire::int(row, key)?, wire::any_text(row, labels)));
        let maker = || {
            let parts = [wire::text(row, "CreatedByFirstName"), wire::text(row, "CreatedByLastName")];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
        };
        Some(RemotePsaTicket {
            number: wire::word(row, "TicketNumber"),
            url: self.api.login.is_vendors().then(|| format!("{TICKET_PAGE}{id}")),
            external_id: id,
            company_external_id: wire::guid(row, "CustomerId"),
            board: None,
            status: named("TicketStatusCode", &["TicketCustomStatusName", "TicketStatusName"]),
            is_closed: wire::int(row, "TicketStatusCode").map(profile::closes),
            priority: named("TicketPriorityCode", &["TicketPriorityName"]),
            ticket_type: wire::text(row, "TicketIssueTypeName").map(|name| Named::of(name, Some(name))),
            summary: wire::any_text(row, &["TicketTitle", "Title"]).unwrap_or_default().to_owned(),
            contact_external_id: None,
            contact_name: text("ContactName"),
            requester: text("ContactName").or_else(maker),
            opened_at: wire::time(row, "CreatedDate"),
            updated_at: wire::time(row, "UpdatedDate").max(wire::time(row, "CompletedDate")),
            closed_at: wire::time(row, "CompletedDate"),
        })
    }
}

fn note(row: &Value) -> Option<RemoteNote> {
    let written_at = wire::time(row, "CreatedDate");
    // Its id's name is not recorded; where none of these is it, the time tells it from the ticket's others.
    let id = wire::any_guid(row, &["TicketResponseId", "TicketsResponseId", "ResponseId", "Id"]);
    let id = id.or_else(|| written_at.map(|at| format!("at {}", at.rfc3339())))?;
    Some(RemoteNote {
        external_id: id,
        text: wire::text(row, "Description")?.to_owned(),
        author: wire::any_text(row, &["FromDisplay", "FromAddress"]).map(ToOwned::to_owned),
        is_internal: true,
        written_at,
    })
}
