//! Notes, which Halo calls actions. Their ids are unique within a ticket only (django-psa-connector).

use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    Connection,
    paging::Place,
    profile,
    tickets::{clean, integer, ticket_id},
    wire,
};
use crate::{psa::PsaError, tickets::remote::NoteDraft};

/// How many pages of actions are looked through; more than that cannot be told.
const PAGES: usize = 20;

impl Connection {
    pub(super) async fn write_note(&self, external_id: &str, note: &NoteDraft) -> Result<(), PsaError> {
        let named =
            note.fields.get("note_outcome").map(|value| value.trim()).filter(|value| !value.is_empty());
        let outcome = match named {
            Some(value) => integer("note_outcome", value)?,
            None => profile::INTERNAL_NOTE,
        };
        let text = clean(&note.text);
        let item = json!({
            "ticket_id": ticket_id(external_id)?,
            // Without one: "An Outcome must be entered for this Action" (CIPP).
            "outcome_id": outcome,
            // Plain, as a ticket's details are.
            "note": format!("{}\n\n{}", text.trim_end(), wire::reference_line(&note.marker)),
            "hiddenfromuser": note.is_private,
            "sendemail": false,
        });
        self.api.post("/Actions", item).await?;
        Ok(())
    }

    pub(super) async fn look_for_note(&self, external_id: &str, marker: &str) -> Result<bool, PsaError> {
        let mut found = false;
        self.each_action(external_id, true, |row| {
            let texts = ["note", "note_html"];
            found =
                texts.iter().any(|key| wire::text(row, key).is_some_and(|t| wire::has_reference(t, marker)));
            found
        })
        .await?;
        Ok(found)
    }

    /// Who set the status a ticket has now, and when: the newest action that set it.
    pub(super) async fn closing_action(
        &self,
        external_id: &str,
        status: i64,
    ) -> Result<Option<(Option<String>, Option<Timestamp>)>, PsaError> {
        let mut newest: Option<(Option<Timestamp>, i64, Option<String>)> = None;
        self.each_action(external_id, false, |row| {
            if wire::int(row, "new_status") == Some(status) && wire::int(row, "old_status") != Some(status) {
                let at = wire::time(row, "datetime").or_else(|| wire::time(row, "actiondatecreated"));
                let who = wire::text(row, "who").map(ToOwned::to_owned).or_else(|| {
                    let agent = wire::id(row, "who_agentid").or_else(|| wire::id(row, "actionby_agent_id"));
                    agent.map(|id| format!("agent {id}"))
                });
                let action = (at, wire::int(row, "id").unwrap_or_default(), who);
                if newest.as_ref().is_none_or(|best| (action.0, action.1) > (best.0, best.1)) {
                    newest = Some(action);
                }
            }
            false
        })
        .await?;
        Ok(newest.map(|(at, _, who)| (who, at)))
    }

    /// Shows every action of a ticket until one is enough. An error where not all of them can be seen.
    async fn each_action(
        &self,
        external_id: &str,
        without_system: bool,
        mut is_enough: impl FnMut(&Value) -> bool + Send,
    ) -> Result<(), PsaError> {
        let query = [
            ("ticket_id", ticket_id(external_id)?.to_string()),
            ("excludesys", without_system.to_string()),
            ("includehtmlnote", without_system.to_string()),
        ];
        let mut place = Some(Place::START);
        for _ in 0..PAGES {
            let Some(at) = place.take() else { return Ok(()) };
            let rows = self.page("/Actions", "actions", &query, at).await?;
            if rows.items.iter().any(&mut is_enough) {
                return Ok(());
            }
            if rows.is_stuck {
                break;
            }
            place = rows.next;
            if place.is_none() {
                return Ok(());
            }
        }
        Err(PsaError::Unavailable { detail: String::from("Halo does not show all actions of this ticket") })
    }
}
