//! What truly exists in the instance, for those who check from outside.

use serde::{Deserialize, Serialize};

use super::{
    picklists::{self, CLOSED},
    world::World,
};

/// A ticket, as `GET /_ledger/tickets` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerTicket {
    /// Halo's number.
    pub id: i64,
    /// The sender's mark: the value of `supplier_reference`.
    pub marker: Option<String>,
    /// The client's name.
    pub company: String,
    /// The title.
    pub summary: String,
    /// The status's name.
    pub status: String,
    /// Whether it is closed now.
    pub closed: bool,
    /// RFC 3339.
    pub created_at: String,
    /// In the order of writing.
    pub notes: Vec<LedgerNote>,
    /// The client's number.
    pub client_id: i64,
    /// The status's number.
    pub status_id: i64,
    /// The ticket type's number.
    pub tickettype_id: i64,
    /// The priority's number within its SLA.
    pub priority_id: i64,
    /// The body.
    pub details: String,
    /// RFC 3339.
    pub closed_at: Option<String>,
    /// Whether it was deleted; it stays in the ledger.
    pub deleted: bool,
}

/// A note on a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerNote {
    /// Unique within the ticket.
    pub id: i64,
    /// As written.
    pub text: String,
    /// Whether the customer cannot see it.
    pub private: bool,
    /// The agent's name.
    pub who: String,
    /// RFC 3339.
    pub at: String,
}

impl World {
    /// All tickets ever made, in the order of creation.
    pub(super) fn ledger(&self) -> Vec<LedgerTicket> {
        let mut tickets: Vec<_> = self.tickets.iter().collect();
        tickets.sort_by_key(|ticket| ticket.id);
        let told = tickets.into_iter().map(|ticket| {
            let status_id = ticket.int("status_id");
            LedgerTicket {
                id: ticket.id,
                marker: Some(ticket.text("supplier_reference").to_owned()).filter(|mark| !mark.is_empty()),
                company: self
                    .client(ticket.int("client_id"))
                    .map_or_else(String::new, |client| client.name.clone()),
                summary: ticket.text("summary").to_owned(),
                status: picklists::status_name(status_id).unwrap_or_default().to_owned(),
                closed: status_id == CLOSED,
                created_at: ticket.created_at.rfc3339(),
                notes: ticket
                    .actions
                    .iter()
                    .filter(|action| !action.new.note.is_empty())
                    .map(|action| LedgerNote {
                        id: action.id,
                        text: action.new.note.clone(),
                        private: action.new.hidden,
                        who: action.actor.name().to_owned(),
                        at: action.at.rfc3339(),
                    })
                    .collect(),
                client_id: ticket.int("client_id"),
                status_id,
                tickettype_id: ticket.int("tickettype_id"),
                priority_id: ticket.int("priority_id"),
                details: ticket.text("details").to_owned(),
                closed_at: ticket.closed_at.map(entity::Timestamp::rfc3339),
                deleted: ticket.deleted,
            }
        });
        told.collect()
    }
}
