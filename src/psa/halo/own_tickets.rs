//! The service desk's own tickets, as people see them, and their notes, which Halo calls actions.

use async_trait::async_trait;
use entity::Timestamp;
use serde_json::Value;

use super::{Connection, paging::Place, pick_lists::CLOSED, tickets::ticket_id, wire};
use crate::{
    psa::{
        PsaError,
        own_tickets::{MOST_NOTES, OwnTickets},
    },
    sync::psa_tickets::remote::{Named, RemoteNote, RemoteNotes, RemotePsaTicket, TicketAbilities},
    tickets::remote::RemotePage,
};

/// What every instance says of its tickets.
pub(super) const ABILITIES: TicketAbilities =
    TicketAbilities { boards: true, contacts: true, requesters: true, public_notes: true, all_changes: true };

#[async_trait]
impl OwnTickets for Connection {
    /// In the order of ids: what changes meanwhile joins the list and moves others to later pages only. In the order of
    /// change it would leave its place, and another one would slip back over a page's edge, unseen.
    async fn own_tickets(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemotePsaTicket>, PsaError> {
        let rows = self.changed_rows(since, page, "id").await?;
        let items = rows.items.iter().filter_map(|row| self.own_ticket(row)).collect();
        Ok(RemotePage { items, next: rows.next.map(|place| place.word()), total: rows.total })
    }

    async fn own_notes(&self, external_id: &str) -> Result<RemoteNotes, PsaError> {
        let query = [
            ("ticket_id", ticket_id(external_id)?.to_string()),
            ("excludesys", String::from("true")),
            ("includehtmlnote", String::from("false")),
        ];
        let mut notes = RemoteNotes::default();
        let mut place = Some(Place::START);
        while let Some(at) = place.take() {
            if notes.items.len() >= MOST_NOTES {
                notes.has_more = true;
                break;
            }
            let rows = self.page("/Actions", "actions", &query, at).await?;
            if rows.is_stuck {
                let detail = String::from("Halo does not show all actions of this ticket");
                return Err(PsaError::Unavailable { detail });
            }
            notes.items.extend(rows.items.iter().filter_map(note));
            place = rows.next;
        }
        Ok(notes)
    }
}

impl Connection {
    fn own_ticket(&self, row: &Value) -> Option<RemotePsaTicket> {
        let id = wire::id(row, "id")?;
        let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
        let time = |keys: &[&str]| keys.iter().find_map(|key| wire::time(row, key));
        let named = |key: &str, label: &str| Some(Named::of(wire::id(row, key)?, wire::text(row, label)));
        let status = wire::id(row, "status_id");
        Some(RemotePsaTicket {
            external_id: id.to_string(),
            number: None,
            company_external_id: wire::id(row, "client_id").map(|id| id.to_string()),
            board: named("tickettype_id", "tickettype_name"),
            status: named("status_id", "status_name"),
            // Other statuses that close are told by the list of statuses; `hasbeenclosed` stays after a reopening.
            is_closed: status.filter(|status| *status == CLOSED).map(|_| true),
            priority: named("priority_id", "priority_name"),
            ticket_type: named("tickettype_id", "tickettype_name"),
            summary: text("summary").unwrap_or_default(),
            contact_external_id: wire::id(row, "user_id").map(|id| id.to_string()),
            contact_name: text("user_name"),
            requester: text("user_email").or_else(|| text("reportedby")).or_else(|| text("user_name")),
            url: self.api.page(&format!("ticket?id={id}")),
            opened_at: time(&["dateoccurred", "datecreated"]),
            updated_at: time(&["last_update", "lastupdate"]).max(time(&["lastactiondate"])),
            closed_at: time(&["dateclosed"]),
        })
    }
}

fn note(row: &Value) -> Option<RemoteNote> {
    let agent = || Some(format!("agent {}", wire::id(row, "who_agentid")?));
    Some(RemoteNote {
        // Unique within its ticket.
        external_id: wire::id(row, "id")?.to_string(),
        text: wire::text(row, "note")?.to_owned(),
        author: wire::text(row, "who").map(ToOwned::to_owned).or_else(agent),
        is_internal: wire::is(row, "hiddenfromuser") != Some(false),
        written_at: wire::time(row, "datetime").or_else(|| wire::time(row, "actiondatecreated")),
    })
}
