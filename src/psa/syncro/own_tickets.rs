//! The account's own tickets, as people see them, and their notes, which Syncro calls comments.

use async_trait::async_trait;
use entity::Timestamp;
use serde_json::Value;

use super::{
    Connection,
    notes::{author, oldest_first},
    paging::Place,
    pick_lists,
    tickets::ticket_id,
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

/// What every account says of its tickets.
pub(super) const ABILITIES: TicketAbilities = TicketAbilities {
    boards: false,
    contacts: true,
    requesters: true,
    public_notes: true,
    all_changes: true,
};

#[async_trait]
impl OwnTickets for Connection {
    async fn own_tickets(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemotePsaTicket>, PsaError> {
        let (rows, next) = self.changed_rows(since, page).await?;
        let items = rows.iter().filter_map(|row| self.own_ticket(row)).collect();
        Ok(RemotePage { items, next, total: None })
    }

    async fn own_notes(&self, external_id: &str) -> Result<RemoteNotes, PsaError> {
        let path = format!("/tickets/{}/comments", ticket_id(external_id)?);
        let mut notes = RemoteNotes::default();
        let mut place = Some(Place::START);
        while let Some(at) = place.take() {
            if notes.items.len() >= MOST_NOTES {
                notes.has_more = true;
                break;
            }
            let page = self.page(&path, "comments", &oldest_first(), at).await?;
            notes.items.extend(page.items.iter().filter_map(note));
            place = page.next;
        }
        Ok(notes)
    }
}

impl Connection {
    /// Statuses, priorities and types are plain words.
    fn own_ticket(&self, row: &Value) -> Option<RemotePsaTicket> {
        let id = wire::id(row, "id")?;
        let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
        let word = |key: &str| wire::text(row, key).map(|word| Named::of(word, Some(word)));
        Some(RemotePsaTicket {
            external_id: id.to_string(),
            number: wire::int(row, "number").map(|number| number.to_string()).or_else(|| text("number")),
            company_external_id: wire::id(row, "customer_id").map(|id| id.to_string()),
            board: None,
            status: word("status"),
            is_closed: wire::text(row, "status").map(pick_lists::closes),
            priority: word("priority"),
            ticket_type: word("problem_type"),
            summary: text("subject").unwrap_or_default(),
            contact_external_id: wire::id(row, "contact_id").map(|id| id.to_string()),
            contact_name: text("contact_fullname"),
            requester: text("creator_name_or_email").or_else(|| text("contact_fullname")),
            url: self.api.page(&format!("tickets/{id}")),
            opened_at: wire::time(row, "created_at"),
            updated_at: wire::time(row, "updated_at"),
            closed_at: wire::time(row, "resolved_at"),
        })
    }
}

fn note(row: &Value) -> Option<RemoteNote> {
    Some(RemoteNote {
        external_id: wire::id(row, "id")?.to_string(),
        text: wire::text(row, "body")?.to_owned(),
        author: author(row),
        is_internal: wire::is(row, "hidden") != Some(false),
        written_at: wire::time(row, "created_at"),
    })
}
