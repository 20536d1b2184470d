//! Whom at the customer a new ticket is for: who is named in its event, where that is a contact of the ticket's own company
//! in the PSA; else whom the policy or the profile names, and a note says that somebody else was meant.

use std::collections::BTreeMap;

use entity::{ticket, ticket_operation::OperationKind};
use sea_orm::DbErr;
use serde_json::json;

use super::{decide::Deciding, handling::Handling, trail::Trail};
use crate::{
    sync::contacts::naming,
    tickets::plan::{self, Place},
};

/// The key of the profile field that names a contact, on every platform.
pub const CONTACT: &str = "contact";

impl Deciding<'_> {
    /// The values that a new ticket has beside its profile's, with the contact that its event names; and the note for it
    /// where there is none such. An event that names nobody costs nothing.
    pub(super) async fn for_contact(
        &self,
        place: &Place,
        handling: &Handling,
        trail: &mut Trail,
    ) -> Result<(BTreeMap<String, String>, Option<String>), DbErr> {
        let mut values = handling.overrides.clone();
        let Some(named) = &self.event.contact else { return Ok((values, None)) };
        let mapping = &place.mapping;
        let found =
            naming::find(self.desk.tx, mapping.organization_id, mapping.psa_company_id, named).await?;
        if let Some(found) = found {
            trail.step("contact", format!("\"{}\", found {}", found.name, found.by));
            values.insert(CONTACT.to_owned(), found.external_id);
            return Ok((values, None));
        }
        let of_profile = place.profile.fields.get(CONTACT).and_then(|value| value.as_str());
        let instead = match (values.get(CONTACT).map(String::as_str), of_profile) {
            (Some(id), _) => format!("the policy's contact (number {id}) is taken"),
            (None, Some(id)) if !id.trim().is_empty() => {
                format!("the default contact of the profile (number {id}) is taken")
            }
            _ => "the ticket names no contact".to_owned(),
        };
        let whom = named.words();
        trail.step(
            "contact",
            format!("{whom} is no active contact of the company in the PSA, as read last: {instead}"),
        );
        let note = format!(
            "The event names the contact {whom}, who is not among the active contacts of this company in the PSA that were \
             read last; {instead}."
        );
        Ok((values, Some(note)))
    }

    /// Notes on a new ticket that it is not for whom its event names.
    pub(super) async fn tell_missed(
        &self,
        ticket: &ticket::Model,
        note: Option<String>,
    ) -> Result<(), DbErr> {
        let Some(text) = note else { return Ok(()) };
        // It is no note about the problem: it puts off none of those.
        let (kind, payload) = (OperationKind::Note, json!({ "text": text }));
        plan::add_operation(self.desk.pen(), ticket.clone(), kind, payload, Some(self.row.id)).await?;
        Ok(())
    }
}
