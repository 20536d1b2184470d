//! Tickets: reading them, and which path under `/service/tickets` does what.

use entity::Timestamp;

use super::{
    api, errors,
    listing::Listing,
    resources::TICKET,
    row::{self, Row},
    world::ConnectWiseWorld,
    writing,
};
use crate::sandbox::frame::{Call, Reply};

/// A ticket of the service desk or of a project.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// As a GET shows it.
    pub(super) row: Row,
    pub(super) notes: Vec<Row>,
    /// The note that was written with the ticket, and its text.
    pub(super) first_note: Option<(i64, String)>,
    /// Ids of the configurations that it is about.
    pub(super) configurations: Vec<i64>,
    pub(super) created_at: Timestamp,
    pub(super) closed_at: Option<Timestamp>,
    pub(super) is_deleted: bool,
    /// From when lists and searches see it.
    pub(super) listed_from: Timestamp,
}

impl Ticket {
    pub(super) fn id(&self) -> i64 {
        row::id(&self.row)
    }

    /// Of the service desk; the tickets of projects share ids and lists with them.
    pub(super) fn is_service(&self) -> bool {
        row::text(&self.row, "recordType") == Some("ServiceTicket")
    }
}

impl ConnectWiseWorld {
    /// A ticket that was not deleted, of either kind.
    pub(super) fn ticket(&self, id: i64) -> Option<&Ticket> {
        let at = self.tickets.binary_search_by_key(&id, Ticket::id).ok()?;
        self.tickets.get(at).filter(|ticket| !ticket.is_deleted)
    }

    pub(super) fn ticket_mut(&mut self, id: i64) -> Option<&mut Ticket> {
        let at = self.tickets.binary_search_by_key(&id, Ticket::id).ok()?;
        self.tickets.get_mut(at).filter(|ticket| !ticket.is_deleted)
    }

    /// A ticket as `/service/tickets/{id}` finds it: those of projects are in the lists and not here.
    pub(super) fn service_ticket(&self, id: i64) -> Result<&Ticket, Reply> {
        let found = self.ticket(id).filter(|ticket| ticket.is_service());
        found.ok_or_else(|| errors::not_found("Ticket", &id.to_string()))
    }

    fn listed(&self) -> impl Iterator<Item = &Ticket> {
        let now = self.now();
        self.tickets.iter().filter(move |ticket| !ticket.is_deleted && ticket.listed_from <= now)
    }

    pub(super) fn serve_tickets(&mut self, call: &Call, parts: &[&str]) -> Result<Reply, Reply> {
        let method = call.method.as_str();
        match (method, parts) {
            ("GET", []) => {
                Ok(Listing::read(call, TICKET.fields, &self.options)?.page(self.listed().map(|t| &t.row)))
            }
            ("POST", []) => self.create_ticket(call),
            ("GET", ["count"]) => {
                Ok(Listing::read(call, TICKET.fields, &self.options)?.count(self.listed().map(|t| &t.row)))
            }
            ("POST", ["search"]) => {
                let body = writing::object(call, "filterValues")?;
                let listing = Listing::search(call, &body, TICKET.fields, &self.options)?;
                Ok(listing.page(self.listed().map(|t| &t.row)))
            }
            (_, [] | ["count" | "search"]) => Err(errors::wrong_method(method)),
            ("GET", [id]) => Ok(api::one(call, 200, &self.service_ticket(api::number(id)?)?.row)),
            ("PATCH", [id]) => self.patch_ticket(call, api::number(id)?),
            ("DELETE", [id]) => self.delete_ticket(api::number(id)?),
            (_, [id, "notes", rest @ ..]) => self.serve_notes(call, api::number(id)?, rest),
            (_, [id, "configurations", rest @ ..]) => {
                self.serve_ticket_configurations(call, api::number(id)?, rest)
            }
            (_, [_]) => Err(errors::wrong_method(method)),
            _ => Err(errors::no_endpoint()),
        }
    }

    /// Tickets of projects are read only here.
    pub(super) fn serve_project_tickets(&self, call: &Call, parts: &[&str]) -> Result<Reply, Reply> {
        let own = || self.listed().filter(|ticket| !ticket.is_service()).map(|ticket| &ticket.row);
        match (call.method.as_str(), parts) {
            ("GET", []) => Ok(Listing::read(call, TICKET.fields, &self.options)?.page(own())),
            ("GET", ["count"]) => Ok(Listing::read(call, TICKET.fields, &self.options)?.count(own())),
            ("GET", [id]) => {
                let wanted = api::number(id)?;
                let found = self.ticket(wanted).filter(|ticket| !ticket.is_service());
                let found = found.ok_or_else(|| errors::not_found("Ticket", id))?;
                Ok(api::one(call, 200, &found.row))
            }
            (method, [] | [_]) => Err(errors::wrong_method(method)),
            _ => Err(errors::no_endpoint()),
        }
    }

    fn delete_ticket(&mut self, id: i64) -> Result<Reply, Reply> {
        self.service_ticket(id)?;
        self.remove_ticket(id, super::deeds::API_MEMBER);
        Ok(Reply::empty(204))
    }
}
