//! Tickets: opening, reading, moving.

use serde_json::{Map, Value, json};

use super::{Connection, draft::company_id, pick_lists::COMPLETE, wire};
use crate::{
    psa::PsaError,
    tickets::remote::{NoteDraft, RemoteTicket, StatusChange, TicketDraft},
};

/// The fields of a ticket that are read. The time of change is the one that Autotask keeps for keeping track
/// (changes by people and rules, not by mere looking); that it can be asked for is a field tester's word.
pub(super) const FIELDS: &[&str] = &[
    "id",
    "ticketNumber",
    "companyID",
    "status",
    "queueID",
    "externalID",
    "completedDate",
    "completedByResourceID",
    CHANGED_AT,
    "lastActivityDate",
];
pub(super) const CHANGED_AT: &str = "lastTrackedModificationDateTime";

/// A resolution that is safe where Autotask does not say more. From memory.
const RESOLUTION: usize = 3_200;

/// How often a record that was just written is looked for: replicas lag behind for a moment.
const LOOKS: usize = 3;

/// Notes that a long description may go on in.
const MORE_NOTES: usize = 5;

impl Connection {
    pub(super) async fn open(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError> {
        let (item, rest) = self.new_ticket(draft).await?;
        let id = self.api.create("Tickets", &item).await?;
        let mut made = RemoteTicket {
            external_id: id.to_string(),
            url: self.api.ticket_page(id).await,
            company_external_id: Some(company_id(&draft.company_external_id)?.to_string()),
            status: wire::int(&item, "status").map(|status| status.to_string()),
            board: wire::int(&item, "queueID").map(|queue| queue.to_string()),
            marker: Some(draft.marker.clone()),
            ..RemoteTicket::default()
        };
        // The answer is the id alone. The ticket is there, whatever becomes of reading it.
        for _ in 0..LOOKS {
            match self.api.get_item("Tickets", id).await {
                Ok(Some(row)) => {
                    made = self.ticket(&row).await.unwrap_or(made);
                    break;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(ticket.external_id = id, %error, "a new ticket could not be read back");
                    break;
                }
            }
        }
        self.go_on_in_notes(id, draft, rest).await;
        Ok(made)
    }

    /// The rest of a text that does not fit into the description, for the MSP's own people. A ticket whose
    /// making was of unknown fate goes without it: its number was not known then.
    async fn go_on_in_notes(&self, id: i64, draft: &TicketDraft, mut rest: String) {
        for number in 1..=MORE_NOTES {
            if rest.is_empty() {
                return;
            }
            let (text, left) = self.note_part(&rest).await;
            let note = NoteDraft {
                marker: format!("{}-{number}", draft.marker),
                text,
                is_private: true,
                fields: draft.fields.clone(),
            };
            if let Err(error) = self.write_note(&id.to_string(), &note).await {
                tracing::warn!(ticket.external_id = id, %error, "the rest of a long description was not written");
                return;
            }
            rest = left;
        }
    }

    pub(super) async fn read(
        &self,
        external_id: &str,
        with_closer: bool,
    ) -> Result<Option<RemoteTicket>, PsaError> {
        let id = wire::record_id("id", external_id)?;
        let Some(row) = self.api.get_item("Tickets", id).await? else { return Ok(None) };
        let Some(mut ticket) = self.ticket(&row).await else { return Ok(None) };
        if with_closer && wire::int(&row, "status") == Some(COMPLETE) {
            ticket.closed_by = match wire::id(&row, "completedByResourceID").filter(|id| *id > 0) {
                Some(resource) => Some(self.person(resource).await?),
                None => None,
            };
        }
        Ok(Some(ticket))
    }

    /// A person's name; the number where the login may not see people.
    async fn person(&self, id: i64) -> Result<String, PsaError> {
        let name = match self.api.get_item("Resources", id).await {
            Ok(Some(row)) => {
                let names = [wire::text(&row, "firstName"), wire::text(&row, "lastName")];
                names.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            Ok(None) | Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => String::new(),
            Err(error) => return Err(error),
        };
        Ok(if name.is_empty() { format!("resource {id}") } else { name })
    }

    /// Moves a ticket and sends nothing else: a whole ticket sent back is checked whole, and refused for
    /// reasons that have nothing to do with it (Anteris-Dev/autotask-client#70).
    pub(super) async fn change_status(&self, change: &StatusChange) -> Result<RemoteTicket, PsaError> {
        let wanted = wire::number("status", &change.status)?;
        let id = wire::record_id("id", &change.external_id)?;
        let Some(row) = self.api.get_item("Tickets", id).await? else {
            let reason = String::from("Autotask has no such ticket");
            return Err(PsaError::Rejected { field: None, reason });
        };
        if wire::int(&row, "status") == Some(wanted) {
            return self.ticket(&row).await.ok_or_else(unreadable);
        }
        let mut item = Map::new();
        item.insert("id".into(), json!(id));
        item.insert("status".into(), json!(wanted));
        if let Some(resolution) = self.resolution(change, &row).await {
            item.insert("resolution".into(), json!(resolution));
        }
        self.api.patch("Tickets", &Value::Object(item)).await?;
        let mut seen = None;
        for _ in 0..LOOKS {
            let read = self.api.get_item("Tickets", id).await;
            let row = read.map_err(|error| PsaError::Unknown { detail: error.to_string() })?;
            if let Some(row) = row {
                let is_there = wire::int(&row, "status") == Some(wanted);
                seen = self.ticket(&row).await;
                if is_there {
                    break;
                }
            }
        }
        seen.ok_or_else(unreadable)
    }

    /// What the resolution is to say; none where it stays. A category may demand one of a closed ticket. What a
    /// person wrote there is kept.
    async fn resolution(&self, change: &StatusChange, row: &Value) -> Option<String> {
        let text = wire::clean(change.text.as_deref().filter(|_| change.is_close)?);
        let text = text.trim();
        let before = wire::text(row, "resolution").unwrap_or_default();
        if text.is_empty() || before.contains(text) {
            return None;
        }
        let whole = if before.is_empty() { text.to_owned() } else { format!("{before}\n\n{text}") };
        let room = self.room("Tickets", "resolution", &whole, RESOLUTION).await;
        if wire::length(&whole) <= room {
            return Some(whole);
        }
        before.is_empty().then(|| wire::split(text, room).0.to_owned())
    }

    /// Our picture of a row.
    pub(super) async fn ticket(&self, row: &Value) -> Option<RemoteTicket> {
        let id = wire::id(row, "id").filter(|id| *id > 0)?;
        let status = wire::int(row, "status").map(|status| status.to_string());
        let label = match (&status, self.known_fields_of("Tickets").await) {
            (Some(status), Some(fields)) => fields.label("status", status),
            _ => None,
        };
        Some(RemoteTicket {
            external_id: id.to_string(),
            number: wire::text(row, "ticketNumber").map(ToOwned::to_owned),
            url: self.api.ticket_page(id).await,
            company_external_id: wire::id(row, "companyID").map(|id| id.to_string()),
            status,
            status_label: label,
            board: wire::int(row, "queueID").map(|queue| queue.to_string()),
            marker: wire::text(row, "externalID").filter(|text| wire::is_marker(text)).map(ToOwned::to_owned),
            updated_at: wire::time(row, CHANGED_AT).or_else(|| wire::time(row, "lastActivityDate")),
            closed_at: wire::time(row, "completedDate"),
            closed_by: None,
        })
    }
}

fn unreadable() -> PsaError {
    PsaError::Unknown { detail: String::from("Autotask's answer does not show the ticket") }
}
