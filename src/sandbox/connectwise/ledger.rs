//! What truly exists, for those who check from outside.

use serde_json::{Map, Value};

use super::{
    row::{self, Row},
    ticket::Ticket,
    world::ConnectWiseWorld,
};
use crate::sandbox::frame::{LedgerId, LedgerNote, LedgerTicket, marker_in};

/// Fields that are worth checking, in the vendor's words, besides those that every ledger has.
const MORE: [&str; 13] = [
    "board",
    "priority",
    "type",
    "subType",
    "item",
    "team",
    "source",
    "severity",
    "impact",
    "contact",
    "externalXRef",
    "integratorTags",
    "closedBy",
];

impl ConnectWiseWorld {
    /// The tickets of the service desk; those of projects are part of the furniture.
    pub(super) fn told(&self) -> Vec<LedgerTicket> {
        self.tickets.iter().filter(|ticket| ticket.is_service()).map(tell).collect()
    }
}

fn tell(ticket: &Ticket) -> LedgerTicket {
    let text = |path: &str| row::text(&ticket.row, path).unwrap_or_default();
    let (first, body) = ticket.first_note.as_ref().map_or((0, ""), |(note, text)| (*note, text.as_str()));
    let tags = ticket.row.get("integratorTags").and_then(Value::as_array).into_iter().flatten();
    let custom = ticket.row.get("customFields").and_then(Value::as_array).into_iter().flatten();
    let custom = custom.filter_map(|field| field.get("value"));
    let places = [text("externalXRef"), text("poNumber"), text("summary"), body];
    let mut places = places.into_iter().chain(tags.chain(custom).filter_map(Value::as_str));
    let marker = places.find_map(marker_in).map(str::to_owned);
    let mut more: Map<String, Value> =
        MORE.iter().filter_map(|name| Some(((*name).to_owned(), ticket.row.get(*name)?.clone()))).collect();
    more.insert("configurations".to_owned(), ticket.configurations.clone().into());
    LedgerTicket {
        id: ticket.id().into(),
        marker,
        company: text("company/name").to_owned(),
        company_id: LedgerId::Number(row::int(&ticket.row, "company/id").unwrap_or(0)),
        summary: text("summary").to_owned(),
        status: text("status/name").to_owned(),
        closed: row::flag(&ticket.row, "closedFlag"),
        created_at: ticket.created_at.rfc3339(),
        closed_at: ticket.closed_at.map(entity::Timestamp::rfc3339),
        notes: ticket.notes.iter().filter(|note| row::id(note) != first).map(tell_note).collect(),
        deleted: ticket.is_deleted,
        body: body.to_owned(),
        more,
    }
}

fn tell_note(note: &Row) -> LedgerNote {
    let text = |path: &str| row::text(note, path).unwrap_or_default().to_owned();
    let shown = row::flag(note, "detailDescriptionFlag") || row::flag(note, "resolutionFlag");
    LedgerNote {
        id: row::id(note).into(),
        text: text("text"),
        private: !shown,
        who: text("member/name"),
        at: text("dateCreated"),
    }
}
