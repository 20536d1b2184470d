//! What people do in Halo's own pages.

use serde_json::{Value, json};

use super::{
    actions::NewAction,
    binding::Record,
    events::Actor,
    picklists::{self, API_AGENT, Agent, CLOSED, UNASSIGNED},
    world::HaloWorld,
};
use crate::sandbox::frame::{Deed, DeedError, Reply};

/// In Progress.
const REOPENED: i64 = 2;

/// Agents who can open Halo's pages: neither "nobody" nor the API's own, nor those who have left.
fn people() -> impl Iterator<Item = &'static Agent> {
    picklists::agents().filter(|agent| !agent.disabled && ![UNASSIGNED, API_AGENT].contains(&agent.id))
}

/// Their names.
pub(super) fn names() -> Vec<String> {
    people().map(|agent| agent.name.to_owned()).collect()
}

impl HaloWorld {
    /// Does it, and fires the webhooks that it fires in Halo.
    pub(super) fn do_deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError> {
        let agent = people().find(|agent| agent.name.eq_ignore_ascii_case(who.trim()));
        let agent = agent.ok_or_else(|| DeedError(format!("no agent called {who}")))?;
        let actor = Actor { agent_id: agent.id };
        let found = ticket.trim().parse().ok().and_then(|id| self.ticket(id));
        let found = found.ok_or_else(|| DeedError(format!("no ticket {ticket}")))?;
        let (id, old, kind) = (found.id, found.int("status_id"), found.int("tickettype_id"));
        let (new, status) = match deed {
            Deed::Close { text } => (NewAction::note(text, false), Some(CLOSED)),
            Deed::Reopen => (NewAction::note("", false), Some(REOPENED)),
            Deed::Status { status } => {
                let number = status.trim().parse();
                let number = number.map_err(|_| DeedError(format!("no status {status}")))?;
                (NewAction::note("", false), Some(number))
            }
            Deed::Note { text, private } => (NewAction::note(text, *private), None),
            Deed::Delete => {
                // No webhook is known that tells of it.
                return self.delete_ticket(id).map(drop).map_err(|_| DeedError(format!("no ticket {id}")));
            }
        };
        if let Some(status) = status
            && picklists::ticket_type(kind).is_none_or(|kind| !kind.statuses.contains(&status))
        {
            return Err(DeedError(format!("status {status} is not allowed for this ticket")));
        }
        let action = self.append_action(id, NewAction { new_status: status, ..new }, actor);
        self.changed(id, old, status.unwrap_or(old), actor, Some(&action));
        Ok(())
    }

    /// What an administrator enters under Configuration > Integrations > Webhooks: an address, and the events
    /// "ticket updated" and "ticket closed".
    pub(super) fn enter_webhook(&mut self, address: &str, secret: Option<&str>) -> Result<(), Reply> {
        let webhooks = &self.subscriptions.webhooks;
        let names =
            (1..).map(|number| if number == 1 { "gateway".to_owned() } else { format!("gateway {number}") });
        let name = names.into_iter().find(|name| webhooks.iter().all(|webhook| webhook.text("name") != name));
        let mut webhook = record(json!({
            "name": name, "url": address, "active": true, "type": 0, "method": 0,
            "content_type": "application/json", "authentication_type": 0,
        }));
        if let Some(secret) = secret {
            webhook.extend(record(json!({
                "authentication_type": 3, "algorithm": 0, "authentication_header": "Token",
                "basic_password": secret,
            })));
        }
        let made = self.write_webhooks(vec![webhook])?;
        let id = made.first().and_then(|webhook| webhook.get("id"));
        let bound = [61, 39].map(|event| {
            record(json!({
                "webhook_id": id, "eventno": event, "type": -2, "delivery_method": 6, "agent_id": 0,
                "name": format!("gateway {event}"), "filter_type": 2,
                // An update wants a condition; this one always holds.
                "conditions": [{ "tablename": "faults", "fieldname": "symptom", "type": 1, "value_string": "-" }],
            }))
        });
        self.write_notifications(bound.into()).map(drop)
    }
}

fn record(fields: Value) -> Record {
    match fields {
        Value::Object(fields) => fields,
        _ => Record::new(),
    }
}
