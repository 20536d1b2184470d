//! What happens to tickets, and who is told.

use serde_json::{Value, json};

use super::{
    access::random_guid,
    dates,
    delivery::Payload,
    picklists::{self, API_AGENT},
    ticket::{Form, Ticket},
    world::HaloWorld,
};
use crate::sandbox::frame::Letter;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    pub(super) agent_id: i64,
}

impl Actor {
    /// The API application: its own writes come back as webhooks too.
    pub(super) const API: Self = Self { agent_id: API_AGENT };

    pub(super) fn name(self) -> &'static str {
        picklists::agent(self.agent_id).map_or("", |agent| agent.name)
    }
}

/// Something that a notification can be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    New,
    Updated,
    StatusChanged,
    Closed,
    Reopened,
}

impl Event {
    /// `GET /Lookup?lookupid=64` lists the numbers. 3, 39 and 61 are recorded
    /// (django-psa-connector `callbacks.py`, halocli); the other two are made up.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::New => 3,
            Self::Updated => 61,
            Self::StatusChanged => 22,
            Self::Closed => 39,
            Self::Reopened => 10,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::New => "new ticket logged",
            Self::Updated => "ticket updated",
            Self::StatusChanged => "ticket status changed",
            Self::Closed => "ticket closed",
            Self::Reopened => "ticket re-opened",
        }
    }

    fn message(self, ticket: &Ticket) -> String {
        let number = ticket.number();
        match self {
            Self::New => format!("A new Ticket has been logged with ID {number}"),
            Self::Updated => format!("Ticket ID {number} has been updated"),
            Self::StatusChanged => {
                let status = picklists::status_name(ticket.int("status_id")).unwrap_or_default();
                format!("The status of Ticket ID {number} has been changed to {status}")
            }
            Self::Closed => format!("Ticket ID {number} has been closed"),
            Self::Reopened => format!("Ticket ID {number} has been re-opened"),
        }
    }
}

impl HaloWorld {
    /// Queues a webhook for every subscription to the event.
    pub(super) fn emit(&mut self, event: Event, ticket_id: i64, actor: Actor, action: Option<&Value>) {
        let Some(ticket) = self.ticket(ticket_id) else { return };
        let bound = self.subscriptions.bound_to(event.number());
        let mut letters = Vec::new();
        for (webhook, notification_id) in bound {
            let mut body = json!({
                "id": random_guid(&self.ground.chance),
                "webhook_id": webhook.id,
                "notification_id": notification_id,
                "escmsg_id": random_guid(&self.ground.chance),
                "event": event.name(),
                "message": event.message(ticket),
                "object_id": ticket.id,
                "agent_id": actor.agent_id,
                "timestamp": dates::with_ticks(self.now()),
            });
            if let Some(ticket) = self.ticket_for(ticket, webhook.payload(self.payload))
                && let Some(fields) = body.as_object_mut()
            {
                fields.insert("ticket".to_owned(), ticket);
                if let Some(action) = action {
                    fields.insert("action".to_owned(), action.clone());
                }
            }
            letters.push(Letter {
                subscription: webhook.id.clone(),
                // Address and proof are those of the moment it goes.
                url: String::new(),
                headers: Vec::new(),
                body: body.to_string().into_bytes(),
                due: self.now(),
                tries: 0,
            });
        }
        for letter in letters {
            self.post.put(letter);
        }
    }

    fn ticket_for(&self, ticket: &Ticket, payload: Payload) -> Option<Value> {
        match payload {
            Payload::Full => Some(self.ticket_json(ticket, Form::Written)),
            Payload::Small => Some(json!({
                "id": ticket.id,
                "summary": ticket.text("summary"),
                "status_id": ticket.int("status_id"),
                "tickettype_id": ticket.int("tickettype_id"),
                "client_id": ticket.int("client_id"),
                "agent_id": ticket.int("agent_id"),
            })),
            Payload::EventOnly => None,
        }
    }
}
