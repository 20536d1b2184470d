//! What a PSA does not take of a new ticket, a contact or a configuration: the ticket is made without it, and people are
//! told.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use super::{Client, outcome::Failed};
use crate::{
    decisions::{contact::CONTACT, devices::CONFIGURATION},
    psa::PsaError,
    tickets::remote::{RemoteTicket, TicketDraft},
};

/// By which words a PSA's refusal speaks of a value: those of all platforms, in lower case.
const WORDS: [(&str, &[&str]); 2] = [
    (CONTACT, &["contact"]),
    (CONFIGURATION, &["configuration", "asset", "installed product", "installedproduct"]),
];

/// Something that a ticket was made without.
#[derive(Debug)]
pub(super) struct LeftOut {
    /// The step of the decision that chose it.
    pub(super) step: &'static str,
    /// For the decision's trail and the attempt.
    pub(super) words: String,
    /// The note that is to tell people, where the ticket's text does not.
    pub(super) note: Option<Value>,
}

/// A value of a ticket's own, and the profile's.
struct OwnValue {
    step: &'static str,
    words: &'static [&'static str],
    own: String,
    usual: Option<String>,
}

/// Values of a ticket's own that it can be made without.
pub(super) struct Own(Vec<OwnValue>);

impl Own {
    /// Those among a ticket's own values, beside its profile's.
    pub(super) fn of(own: &BTreeMap<String, String>, usual: &BTreeMap<String, String>) -> Self {
        let value = |(step, words): (&'static str, &'static [&'static str])| {
            let (own, usual) = (own.get(step)?.clone(), usual.get(step).cloned());
            (usual.as_ref() != Some(&own)).then_some(OwnValue { step, words, own, usual })
        };
        Self(WORDS.into_iter().filter_map(value).collect())
    }

    /// Takes the value that was refused from the draft, with the profile's in its place where that has one: what was there
    /// when it was read last may be gone. None where the ticket was refused for something else.
    pub(super) fn leave_out(&mut self, failed: &Failed, draft: &mut TicketDraft) -> Option<LeftOut> {
        let PsaError::Rejected { field, reason } = &failed.error else { return None };
        let speaks_of = |words: &[&str], text: &str| {
            let text = text.to_lowercase();
            words.iter().any(|word| text.contains(word))
        };
        let place = self.0.iter().position(|value| {
            speaks_of(value.words, reason)
                || field.as_deref().is_some_and(|field| speaks_of(value.words, field))
        })?;
        let OwnValue { step, own, usual, .. } = self.0.remove(place);
        match usual {
            Some(usual) => draft.fields.insert(step.to_owned(), usual),
            None => draft.fields.remove(step),
        };
        let words = format!("The {step} number {own} is left out: the PSA refuses it ({reason}).");
        let _ = write!(draft.body, "\n\n{words}");
        Some(LeftOut { step, words, note: None })
    }
}

/// Whether the PSA will say the same again.
fn is_no(error: &PsaError) -> bool {
    matches!(error, PsaError::Rejected { .. } | PsaError::Forbidden { .. })
}

/// Attaches the configuration of a new ticket, where the platform takes it no earlier. The ticket stands, whatever becomes
/// of it: a note tells that the PSA does not take it, or attaches it later.
pub(super) async fn attach(client: &Client, ticket: &RemoteTicket, draft: &TicketDraft) -> Option<LeftOut> {
    let id = draft.fields.get(CONFIGURATION).map(|id| id.trim()).filter(|id| !id.is_empty())?;
    let offered = client.psa.configurations()?;
    // Nothing more is done to a ticket that stands at another customer.
    if ticket.company_external_id.as_ref().is_some_and(|is| *is != draft.company_external_id) {
        return None;
    }
    let error = offered.attach(&ticket.external_id, id).await.err()?;
    let (words, note) = if is_no(&error) {
        let words = format!("The configuration number {id} is left out: the PSA refuses it ({error}).");
        let note = json!({ "text": words });
        (words, note)
    } else {
        let words =
            format!("The configuration number {id} could not be attached yet ({error}); it is tried again.");
        let text = format!("This ticket is about the configuration number {id}.");
        (words, json!({ "text": text, CONFIGURATION: id }))
    };
    Some(LeftOut { step: CONFIGURATION, words, note: Some(note) })
}

/// Attaches the configuration that a note speaks of, before it is written. Gives the note's text.
pub(super) async fn attach_with_note(
    client: &Client,
    external_id: &str,
    payload: &Value,
    text: String,
) -> Result<String, PsaError> {
    let id = payload.get(CONFIGURATION).and_then(Value::as_str);
    let Some((id, offered)) = id.zip(client.psa.configurations()) else { return Ok(text) };
    match offered.attach(external_id, id).await {
        Ok(()) => Ok(text),
        Err(error) if is_no(&error) => {
            Ok(format!("{text} It is not attached to it: the PSA refuses that ({error})."))
        }
        Err(error) => Err(error),
    }
}
