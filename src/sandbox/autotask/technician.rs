//! A person who works in Autotask's own pages.

use serde_json::json;

use super::{
    access::Actor,
    dates,
    events::Action,
    model::{Entity, Reads, Row},
    picks,
    store::Store,
    world::AutotaskWorld,
};
use crate::sandbox::frame::Deed;

impl AutotaskWorld {
    /// Names and ids of active people with a licence for people.
    pub(super) fn technicians(&self) -> Vec<(String, i64)> {
        let rows = self.store.rows(Entity::Resources);
        let people = rows.filter(|(_, row)| row.flag("isActive") && row.int("licenseType") == Some(1));
        people.map(|(id, row)| (format!("{} {}", row.text("firstName"), row.text("lastName")), id)).collect()
    }

    pub(super) fn do_deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), String> {
        let people = self.technicians();
        let person = people.iter().find(|(name, _)| name == who).map(|(_, id)| *id);
        let actor = Actor::one(person.ok_or_else(|| format!("nobody here is called {who}"))?);
        let id = ticket.parse().ok().filter(|id| self.store.get(Entity::Tickets, *id).is_some());
        let id = id.ok_or_else(|| format!("there is no ticket {ticket}"))?;
        match deed {
            Deed::Close { text } => {
                let mut values = json!({ "status": picks::COMPLETE });
                if !text.is_empty()
                    && let Some(values) = values.as_object_mut()
                {
                    values.insert("resolution".to_owned(), text.as_str().into());
                }
                self.set(id, actor, values.as_object())
            }
            Deed::Reopen => self.set(id, actor, json!({ "status": picks::IN_PROGRESS }).as_object()),
            Deed::Status { status } => {
                let known =
                    picks::STATUS.iter().find(|pick| pick.is_active && pick.value.to_string() == *status);
                let value = known.ok_or_else(|| format!("there is no status {status}"))?.value;
                self.set(id, actor, json!({ "status": value }).as_object())
            }
            Deed::Note { text, private } => self.note(id, actor, text, *private),
            Deed::Delete => {
                let before = self.store.get(Entity::Tickets, id).cloned();
                self.tell(Action::Delete, id, before.as_ref(), actor.resource);
                self.store.delete(Entity::Tickets, id);
                Ok(())
            }
        }
    }

    fn set(&mut self, id: i64, actor: Actor, values: Option<&Row>) -> Result<(), String> {
        let (Some(spec), Some(before)) =
            (Entity::Tickets.spec(), self.store.get(Entity::Tickets, id).cloned())
        else {
            return Err(format!("there is no ticket {id}"));
        };
        let mut row = before.clone();
        row.extend(values.cloned().unwrap_or_default());
        self.ticket_rules(Some(&before), &mut row, actor).map_err(|complaints| complaints.join(" "))?;
        self.keep(spec, id, &before, row, actor);
        Ok(())
    }

    fn note(&mut self, ticket: i64, actor: Actor, text: &str, is_private: bool) -> Result<(), String> {
        let spec = Entity::TicketNotes.spec().ok_or("there are no notes")?;
        let now = self.ground.clock.now();
        let publish = if is_private { picks::PUBLISH_INTERNALLY } else { picks::PUBLISH_TO_ALL };
        let mut row = Store::blank(spec);
        let values = json!({
            "ticketID": ticket,
            "title": "Note",
            "description": text,
            "noteType": 1,
            "publish": publish,
            "creatorResourceID": actor.resource,
            "createDateTime": dates::zoneless(now),
            "lastActivityDate": dates::zoneless(now),
        });
        row.extend(values.as_object().cloned().unwrap_or_default());
        let id = self.store.next_id(spec);
        self.store.put(spec.entity, id, row, now);
        self.touch_ticket(ticket, actor);
        Ok(())
    }
}
