//! A ticket's thread, and its custom fields.

use uuid::Uuid;

use super::{
    body::{Body, Shape},
    cell::{Cell, Row},
    query,
    refusal::Refusal,
    sets::Set,
    tickets::{Response, Ticket},
    world::NableWorld,
};
use crate::sandbox::frame::{Call, Reply, Right};

const RECORD: &str = "response";

impl NableWorld {
    pub(super) fn response_row(&self, ticket: &Ticket, response: &Response) -> Row {
        let user = self.users.get(response.by);
        vec![
            Cell::Guid(response.id),
            Cell::Guid(ticket.id),
            Cell::text(&response.text),
            user.map_or(Cell::Null, |user| Cell::text(user.email)),
            user.map_or(Cell::Null, |user| Cell::Text(user.name())),
            Cell::Date(response.at),
            Cell::Date(response.at),
        ]
    }

    /// `POST /ticketsresponses`, where that works at all. Who sees it cannot be said: no property is known
    /// for it.
    pub(super) fn post_response(&mut self, call: &Call) -> Result<Reply, Refusal> {
        if !self.options.responses_can_be_posted.holds() {
            return Err(Refusal::no_verb(&call.method));
        }
        self.access.may(Right::WriteTickets)?;
        let shape = Shape {
            record: RECORD,
            columns: Set::TicketsResponses.columns(),
            read_only: &["TicketResponseId", "FromAddress", "FromDisplay", "CreatedDate", "UpdatedDate"],
        };
        let mut body = Body::read(call, &shape, &self.options)?;
        body.require(RECORD, &["TicketId", "Description"]);
        let ticket = body.guid("TicketId").filter(|id| self.ticket(*id).is_some());
        if body.guid("TicketId").is_some() && ticket.is_none() {
            body.complain(RECORD, "TicketId", "There is no such ticket.");
        }
        let body = body.accepted()?;
        let ticket = ticket.ok_or(Refusal::NoRecord)?;
        let response = self.add_response(ticket, body.text("Description"), 0, false);
        let response = response.ok_or(Refusal::NoRecord)?;
        let row = self.response_row(self.ticket(ticket).ok_or(Refusal::NoRecord)?, &response);
        Ok(self.created(call, Set::TicketsResponses, &row))
    }

    pub(super) fn add_response(
        &mut self,
        ticket: Uuid,
        text: &str,
        by: usize,
        private: bool,
    ) -> Option<Response> {
        let (id, at) = (self.next_id(), self.now());
        let response = Response { id, text: text.to_owned(), by, private, at };
        let ticket = self.ticket_mut(ticket)?;
        ticket.updated_at = at;
        ticket.updated_by = by;
        ticket.responses.push(response.clone());
        Some(response)
    }

    /// The one custom field of a ticket; it cannot be written here.
    pub(super) fn custom_field_row(&self, ticket: &Ticket) -> Row {
        vec![
            Cell::Guid(ticket.id),
            Cell::text("External Reference"),
            Cell::Null,
            Cell::Guid(self.custom_field),
        ]
    }

    /// `GET /tickets/{id}/customfields`, and the list of all.
    pub(super) fn custom_fields(&self, call: &Call, of: Option<Uuid>) -> Result<Reply, Refusal> {
        let rows = match of {
            Some(id) => vec![self.custom_field_row(self.ticket(id).ok_or(Refusal::NoRecord)?)],
            None => self.listed().map(|ticket| self.custom_field_row(ticket)).collect(),
        };
        let columns = Set::TicketsCustomFields.columns();
        if self.options.custom_fields_come_bare.holds() {
            let rows: Vec<_> = rows.iter().map(|row| query::record(columns, row, &[])).collect();
            return Ok(Reply::ok(&rows.into()));
        }
        let table = query::Table { name: Set::TicketsCustomFields.name(), columns, rows };
        query::list(call, table, &self.options)
    }
}
