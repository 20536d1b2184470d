//! Changing a ticket: read whole, change, put back whole.
//!
//! A PUT overwrites (the vendor says so), and no other way of changing a ticket is known. Everything that was
//! read goes back with it, in the names it came in. That nobody else saves the same ticket between the two
//! calls cannot be made sure of; what is certain is looked at again afterwards.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use super::{
    Connection,
    api::Found,
    tickets::{id_of, integer},
    wire,
};
use crate::{
    psa::PsaError,
    tickets::remote::{RemoteTicket, StatusChange},
};

/// Without these in what was read, putting it back would take them away from the ticket.
const NEEDED: [&str; 4] = ["Title", "Description", "ServiceItemId", "TicketStatusCode"];

/// What only the service may say: sent back, it is refused or would pretend that nothing had changed. Which of a
/// ticket's fields can be written is not documented; this is the one place to change. The id stands in the address.
const SERVERS_OWN: [&str; 11] = [
    "TicketId",
    "TicketNumber",
    "CreatedDate",
    "CreatedByFirstName",
    "CreatedByLastName",
    "CreatedByEmailAddress",
    "UpdatedDate",
    "UpdatedByFirstName",
    "UpdatedByLastName",
    "UpdatedByEmailAddress",
    "CompletedDate",
];

/// How one record is addressed: `Tickets/{id}`, as clients do with customers and sub-resources, or OData's
/// own `Tickets({id})`. Which of them tickets know is not proven; the one that works is remembered.
#[derive(Default)]
pub(super) struct Form(AtomicBool);

impl Form {
    fn path(in_brackets: bool, id: &str) -> String {
        if in_brackets { format!("Tickets({id})") } else { format!("Tickets/{id}") }
    }

    fn current(&self, id: &str) -> String {
        Self::path(self.0.load(Ordering::Relaxed), id)
    }
}

impl Connection {
    /// The ticket itself with all its fields; none where there is none.
    pub(super) async fn whole_ticket(&self, id: &str) -> Result<Option<Value>, PsaError> {
        let usual = self.form.0.load(Ordering::Relaxed);
        let mut is_missing = false;
        let mut seen = String::new();
        for in_brackets in [usual, !usual] {
            let found = match self.api.record(&Form::path(in_brackets, id)).await {
                // The other form may be no address at all.
                Err(PsaError::Rejected { .. }) if is_missing => Found::Missing,
                found => found?,
            };
            match found {
                Found::Record(row) if wire::guid(&row, "TicketId").as_deref() == Some(id) => {
                    self.form.0.store(in_brackets, Ordering::Relaxed);
                    return Ok(Some(row));
                }
                Found::Record(_) => {
                    let detail = String::from("MSP Manager answers with another ticket than was asked for");
                    return Err(PsaError::Unavailable { detail });
                }
                Found::Missing => is_missing = true,
                Found::NoAddress(what) => seen = what,
            }
        }
        if is_missing { Ok(None) } else { Err(PsaError::Unavailable { detail: seen }) }
    }

    /// The ticket to be changed.
    pub(super) async fn to_change(&self, id: &str) -> Result<Value, PsaError> {
        let row = self.whole_ticket(id).await?.ok_or_else(no_such_ticket)?;
        let is_shown = |key: &str| {
            // A description may be empty; one that is no text cannot be added to.
            wire::has(&row, key)
                && (key != "Description" || wire::get(&row, key).is_none_or(Value::is_string))
        };
        if let Some(missing) = NEEDED.iter().find(|key| !is_shown(key)) {
            let reason = format!(
                "MSP Manager does not show the {missing} of the ticket, and a change would take it away: \
                 nothing was changed"
            );
            return Err(PsaError::Rejected { field: Some((*missing).to_owned()), reason });
        }
        Ok(row)
    }

    /// Puts a ticket back with changes.
    pub(super) async fn put_back(
        &self,
        id: &str,
        row: &Value,
        changes: &[(&str, Value)],
    ) -> Result<(), PsaError> {
        let body = changed(row, changes);
        self.api.overwrite(&self.form.current(id), &Value::Object(body)).await.map(drop)
    }

    pub(super) async fn change_status(&self, change: &StatusChange) -> Result<RemoteTicket, PsaError> {
        let id = id_of("id", &change.external_id)?;
        let wanted = integer("status", &change.status)?;
        let row = self.to_change(&id).await?;
        if wire::int(&row, "TicketStatusCode") == Some(wanted) {
            return self.ticket(&row).ok_or_else(no_such_ticket);
        }
        let changes = [("TicketStatusCode", json!(wanted))];
        self.put_back(&id, &row, &changes).await?;
        // The answer to a PUT may be empty, and a rule of the service's may have undone the change.
        match self.read(&id, false).await {
            Ok(Some(ticket)) => Ok(ticket),
            Ok(None) => Err(PsaError::Unknown { detail: String::from("the changed ticket is not shown") }),
            Err(error) => Err(PsaError::Unknown { detail: format!("changed, and then: {error}") }),
        }
    }
}

/// What is put back: every plain field as it was read, with the changes.
fn changed(row: &Value, changes: &[(&str, Value)]) -> Map<String, Value> {
    let is_kept = |name: &str, value: &Value| {
        let is_named = |keys: &[&str]| keys.iter().any(|key| key.eq_ignore_ascii_case(name));
        // Annotations are OData's; objects and lists are other records, shown along with this one.
        !name.contains('@')
            && !value.is_object()
            && !value.is_array()
            && !is_named(&SERVERS_OWN)
            && !changes.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let fields = row.as_object().into_iter().flatten();
    let mut body: Map<_, _> = fields
        .filter(|(name, value)| is_kept(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (key, value) in changes {
        let known = row.as_object().and_then(|row| row.keys().find(|name| name.eq_ignore_ascii_case(key)));
        body.insert(known.cloned().unwrap_or_else(|| (*key).to_owned()), value.clone());
    }
    body
}

fn no_such_ticket() -> PsaError {
    PsaError::Rejected { field: None, reason: String::from("MSP Manager has no such ticket") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_plain_goes_back_in_its_own_names_and_only_the_change_differs() {
        let row: Value = serde_json::from_str(include_str!("fixtures/ticket.json")).unwrap();
        let body = changed(&row, &[("ticketstatuscode", json!(7))]);
        let mut wanted = row.as_object().unwrap().clone();
        let own = ["TicketId", "TicketNumber", "CreatedDate", "UpdatedDate", "CompletedDate"];
        for gone in own.into_iter().chain(["@odata.context", "ServiceItem"]) {
            assert!(wanted.remove(gone).is_some(), "{gone} is in the fixture");
        }
        wanted.insert("TicketStatusCode".into(), json!(7));
        assert_eq!(body, wanted);
    }
}
