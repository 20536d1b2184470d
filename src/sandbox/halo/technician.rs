//! What a person does in Halo's own pages.

use serde::Deserialize;

use super::{
    actions::NewAction,
    events::Actor,
    handle::HaloSandbox,
    picklists::{self, CLOSED},
    world::World,
};

/// A person at work; every deed fires the webhooks it would fire in Halo.
#[derive(Clone, Debug)]
pub struct Technician<'a> {
    pub(super) sandbox: &'a HaloSandbox,
}

/// Why a person could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TechnicianError {
    /// There is no such ticket.
    #[error("no ticket {0}")]
    NoTicket(i64),
    /// Nobody of that name works here.
    #[error("no agent called {0}")]
    NoAgent(String),
    /// The ticket's type does not have the status.
    #[error("status {0} is not allowed for this ticket")]
    NoStatus(i64),
}

/// The body of `POST /_technician/tickets/{id}`.
#[derive(Debug, Deserialize)]
pub(super) struct Deed {
    #[serde(rename = "do")]
    kind: DeedKind,
    who: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    status_id: Option<i64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeedKind {
    Close,
    Reopen,
    Note,
    Status,
}

#[expect(
    clippy::unused_async,
    reason = "tests read as one story, where people and servers are awaited alike"
)]
impl Technician<'_> {
    /// Sets the status Closed.
    pub async fn close(&self, ticket_id: i64, who: &str) -> Result<(), TechnicianError> {
        self.set(ticket_id, who, CLOSED, "")
    }

    /// Sets the status In Progress.
    pub async fn reopen(&self, ticket_id: i64, who: &str) -> Result<(), TechnicianError> {
        self.set(ticket_id, who, 2, "")
    }

    /// Sets any status that the ticket's type has.
    pub async fn set_status(&self, ticket_id: i64, who: &str, status_id: i64) -> Result<(), TechnicianError> {
        self.set(ticket_id, who, status_id, "")
    }

    /// Writes a note; a private one is hidden from the customer.
    pub async fn add_note(
        &self,
        ticket_id: i64,
        who: &str,
        text: &str,
        private: bool,
    ) -> Result<(), TechnicianError> {
        self.sandbox.shared.with(|world| world.person_notes(ticket_id, who, text, private))
    }

    fn set(&self, ticket_id: i64, who: &str, status: i64, text: &str) -> Result<(), TechnicianError> {
        self.sandbox.shared.with(|world| world.person_sets(ticket_id, who, status, text))
    }
}

impl World {
    pub(super) fn do_deed(&mut self, ticket_id: i64, deed: &Deed) -> Result<(), TechnicianError> {
        match deed.kind {
            DeedKind::Close => self.person_sets(ticket_id, &deed.who, CLOSED, &deed.text),
            DeedKind::Reopen => {
                self.person_sets(ticket_id, &deed.who, deed.status_id.unwrap_or(2), &deed.text)
            }
            DeedKind::Note => self.person_notes(ticket_id, &deed.who, &deed.text, deed.private),
            DeedKind::Status => {
                self.person_sets(ticket_id, &deed.who, deed.status_id.unwrap_or(0), &deed.text)
            }
        }
    }

    fn person_sets(
        &mut self,
        ticket_id: i64,
        who: &str,
        status: i64,
        text: &str,
    ) -> Result<(), TechnicianError> {
        let actor = person(who)?;
        let ticket = self.ticket(ticket_id).ok_or(TechnicianError::NoTicket(ticket_id))?;
        let (old, kind) = (ticket.int("status_id"), ticket.int("tickettype_id"));
        if picklists::ticket_type(kind).is_none_or(|kind| !kind.statuses.contains(&status)) {
            return Err(TechnicianError::NoStatus(status));
        }
        let new = NewAction { new_status: Some(status), ..NewAction::note(text, false) };
        let action = self.append_action(ticket_id, new, actor);
        self.changed(ticket_id, old, status, actor, Some(&action));
        Ok(())
    }

    fn person_notes(
        &mut self,
        ticket_id: i64,
        who: &str,
        text: &str,
        private: bool,
    ) -> Result<(), TechnicianError> {
        let actor = person(who)?;
        let ticket = self.ticket(ticket_id).ok_or(TechnicianError::NoTicket(ticket_id))?;
        let status = ticket.int("status_id");
        let action = self.append_action(ticket_id, NewAction::note(text, private), actor);
        self.changed(ticket_id, status, status, actor, Some(&action));
        Ok(())
    }
}

fn person(who: &str) -> Result<Actor, TechnicianError> {
    let found = picklists::agents().find(|agent| agent.name.eq_ignore_ascii_case(who.trim()));
    found.map(|agent| Actor { agent_id: agent.id }).ok_or_else(|| TechnicianError::NoAgent(who.to_owned()))
}
