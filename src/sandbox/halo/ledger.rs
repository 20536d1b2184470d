//! What truly exists in the instance, for those who check from outside.

use serde_json::{Map, Value};

use super::{
    picklists::{self, CLOSED},
    ticket::Ticket,
    world::HaloWorld,
};
use crate::sandbox::frame::{LedgerNote, LedgerTicket, marker_in};

/// What else the ledger tells of a ticket.
const MORE: [&str; 5] = ["client_id", "user_id", "status_id", "tickettype_id", "priority_id"];

impl HaloWorld {
    /// All tickets ever made, in the order of creation.
    pub(super) fn ledger_tickets(&self) -> Vec<LedgerTicket> {
        self.tickets.iter().map(|ticket| self.ledger_ticket(ticket)).collect()
    }

    fn ledger_ticket(&self, ticket: &Ticket) -> LedgerTicket {
        let (status_id, client_id) = (ticket.int("status_id"), ticket.int("client_id"));
        let assets = ticket.fields.get("assets").cloned().unwrap_or_default();
        let notes = ticket.actions.iter().filter(|action| !action.new.note.is_empty());
        LedgerTicket {
            id: ticket.id.into(),
            marker: marker(ticket),
            company: self.client(client_id).map_or_else(String::new, |client| client.name.clone()),
            company_id: client_id.into(),
            summary: ticket.text("summary").to_owned(),
            body: ticket.text("details").to_owned(),
            status: picklists::status_name(status_id).unwrap_or_default().to_owned(),
            closed: status_id == CLOSED,
            created_at: ticket.created_at.rfc3339(),
            closed_at: ticket.closed_at.map(entity::Timestamp::rfc3339),
            notes: notes
                .map(|action| LedgerNote {
                    id: action.id.into(),
                    text: action.new.note.clone(),
                    private: action.new.hidden,
                    who: action.actor.name().to_owned(),
                    at: action.at.rfc3339(),
                })
                .collect(),
            deleted: ticket.deleted,
            more: MORE
                .iter()
                .map(|name| ((*name).to_owned(), Value::from(ticket.int(name))))
                .chain([("assets".to_owned(), assets)])
                .collect::<Map<_, _>>(),
        }
    }
}

/// The value of `supplier_reference`, whatever it is; else a mark in another text.
fn marker(ticket: &Ticket) -> Option<String> {
    let own = Some(ticket.text("supplier_reference")).filter(|mark| !mark.is_empty());
    let texts = ["reference", "client_reference", "third_party_id_string", "summary", "details"];
    own.or_else(|| texts.iter().find_map(|name| marker_in(ticket.text(name)))).map(str::to_owned)
}
