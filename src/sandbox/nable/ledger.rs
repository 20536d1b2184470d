//! What truly exists, for those who check from outside.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    query,
    sets::Set,
    tickets::{STATUSES, Ticket, is_closed, name_of},
    world::NableWorld,
};
use crate::sandbox::frame::{LedgerNote, LedgerTicket, marker_in};

impl NableWorld {
    pub(super) fn tell_ledger(&self) -> Vec<LedgerTicket> {
        self.tickets.iter().map(|ticket| self.ledger_ticket(ticket)).collect()
    }

    fn ledger_ticket(&self, ticket: &Ticket) -> LedgerTicket {
        let item = self.service_item(ticket.service_item);
        let customer = item.and_then(|item| self.customer(item.customer));
        let marker = marker_in(&ticket.title).or_else(|| marker_in(&ticket.first_description));
        let notes = ticket.responses.iter().map(|response| LedgerNote {
            id: response.id.to_string().into(),
            text: response.text.clone(),
            private: response.private,
            who: self.users.get(response.by).map(super::tickets::User::name).unwrap_or_default(),
            at: response.at.rfc3339(),
        });
        LedgerTicket {
            id: ticket.id.to_string().into(),
            marker: marker.map(str::to_owned),
            company: customer.map(|customer| customer.name.clone()).unwrap_or_default(),
            company_id: customer.map(|customer| customer.id.to_string()).unwrap_or_default().into(),
            summary: ticket.title.clone(),
            // As people see it now: there is no place for notes but this.
            body: ticket.description.clone().unwrap_or_else(|| ticket.first_description.clone()),
            status: name_of(&STATUSES, ticket.status).to_owned(),
            closed: is_closed(ticket.status),
            created_at: ticket.created_at.rfc3339(),
            closed_at: ticket.completed_at.map(Timestamp::rfc3339),
            notes: notes.collect(),
            deleted: ticket.deleted,
            more: more(ticket),
        }
    }
}

/// The record as it stands; its description may have grown since the first text.
fn more(ticket: &Ticket) -> Map<String, Value> {
    let record = query::record(Set::Tickets.columns(), &ticket.row(), &[]);
    let more = json!({ "record": record, "number": ticket.number });
    if let Value::Object(more) = more { more } else { Map::new() }
}
