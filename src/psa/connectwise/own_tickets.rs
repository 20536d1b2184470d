//! The service desk's own tickets, as people see them, and their notes.

use async_trait::async_trait;
use entity::Timestamp;
use serde_json::Value;

use super::{
    Connection,
    conditions::Conditions,
    site,
    tickets::{is_of_project, ticket_id},
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

const FIELDS: &str = "id,summary,status,board,company,contact,contactName,contactEmailAddress,priority,type,\
                      recordType,closedFlag,closedDate,_info";

/// What every tenant says of its tickets.
pub(super) const ABILITIES: TicketAbilities =
    TicketAbilities { boards: true, contacts: true, requesters: true, public_notes: true, all_changes: true };

#[async_trait]
impl OwnTickets for Connection {
    async fn own_tickets(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemotePsaTicket>, PsaError> {
        let (rows, next) = self.changed_rows(since, page, FIELDS).await?;
        // Tickets of projects stand elsewhere: their own address answers 404 here.
        let of_service = rows.iter().filter(|row| !is_of_project(row));
        let items = of_service.filter_map(|row| self.own_ticket(row)).collect();
        Ok(RemotePage { items, next, total: None })
    }

    async fn own_notes(&self, external_id: &str) -> Result<RemoteNotes, PsaError> {
        let path = format!("/service/tickets/{}/notes", ticket_id(external_id)?);
        let mut notes = RemoteNotes::default();
        let mut next = Some(0);
        while let Some(after) = next {
            if notes.items.len() >= MOST_NOTES {
                notes.has_more = true;
                break;
            }
            let page = self.page_after(&path, Conditions::default(), &[], after).await?;
            notes.items.extend(page.items.iter().filter_map(note));
            next = page.next;
        }
        Ok(notes)
    }
}

impl Connection {
    fn own_ticket(&self, row: &Value) -> Option<RemotePsaTicket> {
        let id = wire::id(row, "id")?;
        let named = |key: &str| Some(Named::of(wire::reference(row, key)?, wire::name(row, key)));
        let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
        let entered_by = || {
            let info = wire::field(row, "_info")?;
            wire::text(info, "enteredBy").map(ToOwned::to_owned)
        };
        Some(RemotePsaTicket {
            external_id: id.to_string(),
            number: None,
            company_external_id: wire::reference(row, "company").map(|id| id.to_string()),
            board: named("board"),
            status: named("status"),
            is_closed: wire::is(row, "closedFlag"),
            priority: named("priority"),
            ticket_type: named("type"),
            summary: text("summary").unwrap_or_default(),
            contact_external_id: wire::reference(row, "contact").map(|id| id.to_string()),
            contact_name: wire::name(row, "contact").map(ToOwned::to_owned),
            requester: text("contactEmailAddress").or_else(|| text("contactName")).or_else(entered_by),
            url: site::ticket_page(&self.api.login.site, &self.api.login.company_id, id),
            opened_at: wire::info_time(row, "dateEntered"),
            updated_at: wire::info_time(row, "lastUpdated"),
            closed_at: wire::time(row, "closedDate"),
        })
    }
}

/// A note stands on each tab whose flag it has; on Internal alone it is hidden from the customer.
fn note(row: &Value) -> Option<RemoteNote> {
    let is = |key: &str| wire::is(row, key) == Some(true);
    Some(RemoteNote {
        external_id: wire::id(row, "id")?.to_string(),
        text: wire::text(row, "text")?.to_owned(),
        author: wire::name(row, "member")
            .or_else(|| wire::name(row, "contact"))
            .or_else(|| wire::text(row, "createdBy"))
            .map(ToOwned::to_owned),
        is_internal: !(is("detailDescriptionFlag") || is("resolutionFlag")),
        written_at: wire::time(row, "dateCreated").or_else(|| wire::info_time(row, "dateEntered")),
    })
}
