//! What a person does in the vendor's own pages. Nobody is told of it.

use super::{
    cell,
    tickets::{COMPLETE, IN_PROGRESS, STATUSES},
    world::NableWorld,
};
use crate::sandbox::frame::{Deed, DeedError};

impl NableWorld {
    pub(super) fn do_deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError> {
        let mut people = self.users.iter().enumerate().skip(1);
        let person = people.find(|(_, user)| user.name().eq_ignore_ascii_case(who.trim()));
        let person = person.map(|(number, _)| number);
        let person = person.ok_or_else(|| DeedError(format!("nobody called {who} works here")))?;
        let found = cell::guid(ticket).and_then(|id| self.ticket(id)).cloned();
        let mut changed = found.ok_or_else(|| DeedError(format!("no ticket {ticket}")))?;
        let id = changed.id;
        let status = match deed {
            Deed::Note { text, private } => {
                self.add_response(id, text, person, *private);
                return Ok(());
            }
            Deed::Delete => {
                if let Some(ticket) = self.ticket_mut(id) {
                    ticket.deleted = true;
                }
                return Ok(());
            }
            Deed::Close { text } => {
                if !text.is_empty() {
                    self.add_response(id, text, person, false);
                    changed.responses =
                        self.ticket(id).map(|kept| kept.responses.clone()).unwrap_or_default();
                }
                COMPLETE
            }
            Deed::Reopen => IN_PROGRESS,
            Deed::Status { status } => {
                let known = status.trim().parse().ok().filter(|code| STATUSES.iter().any(|(c, _)| c == code));
                known.ok_or_else(|| DeedError(format!("no status {status}")))?
            }
        };
        self.set_status(&mut changed, status);
        changed.updated_at = self.now();
        changed.updated_by = person;
        if let Some(kept) = self.ticket_mut(id) {
            *kept = changed;
        }
        Ok(())
    }
}
