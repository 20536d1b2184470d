//! What truly exists, for those who check from outside.

use serde_json::{Map, Value, json};

use super::{customers::Customer, settings, tickets::Ticket, world::SyncroWorld};
use crate::sandbox::frame::{LedgerNote, LedgerTicket, marker_in};

impl SyncroWorld {
    pub(super) fn tell_ledger(&self) -> Vec<LedgerTicket> {
        self.tickets.iter().map(|ticket| self.ledger_ticket(ticket)).collect()
    }

    fn ledger_ticket(&self, ticket: &Ticket) -> LedgerTicket {
        let body = ticket.comments.iter().find(|comment| comment.is_description);
        let notes = ticket.comments.iter().filter(|comment| !comment.is_description);
        LedgerTicket {
            id: ticket.id.into(),
            marker: marker(ticket),
            company: self.customer(ticket.customer_id).map_or_else(String::new, Customer::name),
            company_id: ticket.customer_id.into(),
            summary: ticket.subject.clone(),
            body: body.map_or_else(String::new, |comment| comment.body.clone()),
            status: ticket.status.clone(),
            closed: settings::is_closed(&ticket.status),
            created_at: ticket.created_at.rfc3339(),
            closed_at: ticket.resolved_at.map(entity::Timestamp::rfc3339),
            notes: notes
                .map(|comment| LedgerNote {
                    id: comment.id.into(),
                    text: comment.body.clone(),
                    private: comment.hidden,
                    who: comment.tech.clone().unwrap_or_default(),
                    at: comment.created_at.rfc3339(),
                })
                .collect(),
            deleted: ticket.deleted,
            more: more(ticket),
        }
    }
}

/// A tag, a property, the subject or the first comment may carry it.
fn marker(ticket: &Ticket) -> Option<String> {
    let properties = ticket.properties.values().filter_map(Value::as_str);
    let first = ticket.comments.iter().take(1).flat_map(|comment| [&comment.subject, &comment.body]);
    let mut texts = ticket
        .tag_list
        .iter()
        .map(String::as_str)
        .chain(properties)
        .chain([ticket.subject.as_str()])
        .chain(first.map(String::as_str));
    texts.find_map(marker_in).map(str::to_owned)
}

fn more(ticket: &Ticket) -> Map<String, Value> {
    let more = json!({
        "number": ticket.number,
        // How many mails the API's caller sent to the end customer.
        "mails": ticket.comments.iter().filter(|comment| comment.mailed).count(),
        "priority": ticket.priority,
        "problem_type": ticket.problem_type,
        "ticket_type_id": ticket.type_id,
        "contact_id": ticket.contact_id,
        "user_id": ticket.user_id,
        "asset_ids": ticket.asset_ids,
        "tag_list": ticket.tag_list,
        "properties": ticket.properties,
    });
    if let Value::Object(more) = more { more } else { Map::new() }
}
