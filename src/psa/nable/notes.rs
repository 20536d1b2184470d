//! Notes.
//!
//! Mails and notes can be read (`/ticketsresponses`); a way to write one is not recorded anywhere, nor a flag
//! that hides one from the customer. So a note is put at the end of the ticket's description. Whether the
//! customer sees the description is not known either: it is taken to be seen.

use serde_json::{Value, json};

use super::{
    Connection, text,
    tickets::{description, id_of},
    wire,
};
use crate::{psa::PsaError, tickets::remote::NoteDraft};

/// A save by somebody else in the same moment may take our note away again: it is written once more.
const ATTEMPTS: usize = 2;

impl Connection {
    pub(super) async fn write_note(&self, external_id: &str, note: &NoteDraft) -> Result<(), PsaError> {
        let id = id_of("id", external_id)?;
        if note.is_private {
            return Err(PsaError::Rejected {
                field: None,
                reason: String::from(
                    "MSP Manager's API has no private notes: a note stands in the ticket's description, which \
                     the customer may see. Nothing was written",
                ),
            });
        }
        let now = self.api.http.clock.now();
        let at = now.datetime().format("%Y-%m-%d %H:%M UTC").to_string();
        for _ in 0..ATTEMPTS {
            let row = self.to_change(&id).await?;
            let before = wire::get(&row, "Description").and_then(Value::as_str).unwrap_or_default();
            if text::has_note(before, &note.marker) {
                return Ok(());
            }
            let whole = text::with_note(before, &at, &note.text, &note.marker);
            self.put_back(&id, &row, &[("Description", json!(whole))]).await?;
            match self.look_for_note(&id, &note.marker).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    return Err(PsaError::Unknown { detail: format!("written, and then: {error}") });
                }
            }
        }
        // Looked at just now: it is not there, so it may be tried again later.
        let detail = String::from(
            "MSP Manager takes the note and does not keep it, or somebody else saves the ticket",
        );
        Err(PsaError::Unavailable { detail })
    }

    pub(super) async fn look_for_note(&self, external_id: &str, marker: &str) -> Result<bool, PsaError> {
        let row = self.to_change(&id_of("id", external_id)?).await?;
        Ok(description(&row).is_some_and(|text| text::has_note(text, marker)))
    }
}
