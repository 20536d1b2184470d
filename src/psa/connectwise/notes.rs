//! Notes on tickets.
//!
//! Three tabs show them: Discussion (the customer sees it), Internal and Resolution (the customer sees
//! it too). A note stands on each tab whose flag it has, so a private one has the flag of Internal alone.

use serde_json::json;

use super::{
    Connection,
    conditions::Conditions,
    errors::Act,
    tickets::{clean, ticket_id},
    wire,
};
use crate::{psa::PsaError, tickets::remote::NoteDraft};

/// Pages of notes looked through at most, before nothing can be told.
const PAGES: usize = 20;

impl Connection {
    pub(super) async fn write_note(&self, external_id: &str, note: &NoteDraft) -> Result<(), PsaError> {
        let text = clean(&note.text);
        let text = format!("{}\n\n{}", text.trim_end(), wire::reference_line(&note.marker));
        let mut body = json!({
            "text": text.trim_start(),
            "detailDescriptionFlag": !note.is_private,
            "internalAnalysisFlag": note.is_private,
            "resolutionFlag": false,
        });
        if note.is_private
            && let Some(fields) = body.as_object_mut()
        {
            // A board's mails may quote any note, and go to contacts.
            fields.insert("processNotifications".into(), json!(false));
        }
        let path = format!("/service/tickets/{}/notes", ticket_id(external_id)?);
        let answer = self.api.post(Act::Add, &path, &body).await?;
        if wire::id(&answer, "id").is_none() {
            let detail = String::from("ConnectWise took the note and answered without its id");
            return Err(PsaError::Unknown { detail });
        }
        Ok(())
    }

    pub(super) async fn look_for_note(&self, external_id: &str, marker: &str) -> Result<bool, PsaError> {
        let path = format!("/service/tickets/{}/notes", ticket_id(external_id)?);
        let mut next = Some(0);
        for _ in 0..PAGES {
            let Some(after) = next else { return Ok(false) };
            let page = self.page_after(&path, Conditions::default(), &[], after).await?;
            if page
                .items
                .iter()
                .any(|row| wire::text(row, "text").is_some_and(|text| wire::has_reference(text, marker)))
            {
                return Ok(true);
            }
            next = page.next;
        }
        if next.is_none() {
            return Ok(false);
        }
        Err(PsaError::Unavailable {
            detail: String::from("ConnectWise does not show all notes of this ticket"),
        })
    }
}
