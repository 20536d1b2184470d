//! What a person does in the vendor's own pages.

use super::{
    comments::New,
    events::Event,
    settings::{RESOLVED, STATUSES, User},
    world::SyncroWorld,
};
use crate::sandbox::frame::{Deed, DeedError};

impl SyncroWorld {
    pub(super) fn do_deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError> {
        let person = Self::technicians()
            .find(|user| user.name.eq_ignore_ascii_case(who.trim()))
            .ok_or_else(|| DeedError(format!("nobody called {who} works here")))?;
        let id = ticket.parse().ok().filter(|id| self.ticket(*id).is_some());
        let id = id.ok_or_else(|| DeedError(format!("no ticket {ticket}")))?;
        match deed {
            Deed::Close { text } => {
                if !text.is_empty() {
                    self.person_writes(id, person, text, false);
                }
                self.person_sets(id, RESOLVED)
            }
            Deed::Reopen => self.person_sets(id, "In Progress"),
            Deed::Note { text, private } => {
                self.person_writes(id, person, text, *private);
                Ok(())
            }
            Deed::Status { status } => self.person_sets(id, status),
            // There is no event for it.
            Deed::Delete => {
                if let Some(ticket) = self.ticket_mut(id) {
                    ticket.deleted = true;
                }
                Ok(())
            }
        }
    }

    fn person_writes(&mut self, ticket: i64, person: &User, text: &str, hidden: bool) {
        let new = New {
            subject: "Update".to_owned(),
            body: text.to_owned(),
            tech: None,
            hidden,
            user_id: person.id,
            mailed: false,
        };
        self.add_comments(ticket, vec![new]);
        self.notify(ticket, Event::Replied);
    }

    fn person_sets(&mut self, ticket: i64, status: &str) -> Result<(), DeedError> {
        if !STATUSES.contains(&status) {
            return Err(DeedError(format!("no status called {status}")));
        }
        let Some(mut changed) = self.ticket(ticket).cloned() else { return Ok(()) };
        if changed.status == status {
            return Ok(());
        }
        self.set_status(&mut changed, status);
        changed.updated_at = self.now();
        if let Some(kept) = self.ticket_mut(ticket) {
            *kept = changed;
        }
        self.notify(ticket, Event::StatusChanged);
        Ok(())
    }
}
