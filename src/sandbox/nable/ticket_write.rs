//! Creating, overwriting and deleting tickets.

use uuid::Uuid;

use super::{
    body::{Body, Shape},
    cell::{Cell, Columns, Type},
    refusal::Refusal,
    sets::Set,
    tickets::{self, PRIORITIES, STATUSES, Ticket},
    world::NableWorld,
};
use crate::sandbox::frame::{Call, Reply};

const RECORD: &str = "ticket";
const READ_ONLY: &[&str] = &["TicketId", "TicketNumber", "CreatedDate", "UpdatedDate", "CompletedDate"];
/// What a ticket may be created with where it may name its customer.
const WITH_CUSTOMER: Columns = &[
    ("Title", Type::Text),
    ("Description", Type::Text),
    ("TicketStatusCode", Type::Int),
    ("TicketPriorityCode", Type::Int),
    ("ServiceItemId", Type::Guid),
    ("ContactId", Type::Guid),
    ("LocationId", Type::Guid),
    ("IssueTypeId", Type::Guid),
    ("ProjectId", Type::Guid),
    ("AssignedResourceId", Type::Guid),
    ("IsBillable", Type::Flag),
    ("IsTaxable", Type::Flag),
    ("DueDate", Type::Date),
    ("CustomerId", Type::Guid),
];

impl NableWorld {
    /// `POST /Tickets`: a title and a service item are needed.
    pub(super) fn create_ticket(&mut self, call: &Call) -> Result<Reply, Refusal> {
        let takes_customer = self.options.create_takes_a_customer.holds();
        let columns = if takes_customer { WITH_CUSTOMER } else { Set::Tickets.columns() };
        let shape = Shape { record: RECORD, columns, read_only: READ_ONLY };
        let mut body = Body::read(call, &shape, &self.options)?;
        let theirs = body.guid("CustomerId").filter(|_| !body.has("ServiceItemId"));
        let item = theirs.and_then(|id| self.service_items.iter().find(|item| item.customer == id));
        match item {
            Some(_) => body.require(RECORD, &["Title"]),
            None => body.require(RECORD, &["Title", "ServiceItemId"]),
        }
        let item = item.map(|item| item.id).or(body.guid("ServiceItemId")).unwrap_or_default();
        let now = self.now();
        let mut ticket = Ticket {
            id: Uuid::nil(),
            number: self.last_number + 1,
            title: String::new(),
            description: None,
            first_description: body.text("Description").to_owned(),
            status: 1,
            priority: 2,
            service_item: item,
            contact: None,
            location: None,
            issue_type: None,
            assigned: None,
            is_billable: false,
            is_taxable: false,
            due: None,
            created_at: now,
            updated_at: now,
            updated_by: 0,
            completed_at: None,
            responses: Vec::new(),
            listed_from: now.plus_millis(call.search_lag_ms),
            deleted: false,
        };
        self.write_ticket(&mut ticket, &mut body);
        body.accepted()?;
        ticket.id = self.next_id();
        self.last_number = ticket.number;
        let row = ticket.row();
        self.tickets.push(ticket);
        Ok(self.created(call, Set::Tickets, &row))
    }

    /// `PUT /Tickets/{id}`: overwrites, so that what is not sent is emptied. Which properties are required is
    /// not known: those that a ticket cannot be without. With `keep`, what is not sent stays.
    pub(super) fn overwrite_ticket(&mut self, call: &Call, id: Uuid, keep: bool) -> Result<Reply, Refusal> {
        let mut ticket = self.ticket(id).ok_or(Refusal::NoRecord)?.clone();
        let shape = Shape { record: RECORD, columns: Set::Tickets.columns(), read_only: READ_ONLY };
        let mut body = Body::read(call, &shape, &self.options)?;
        if keep {
            body.fill(Set::Tickets.columns(), &ticket.row(), READ_ONLY);
        }
        body.require(RECORD, &["Title", "ServiceItemId", "TicketStatusCode", "TicketPriorityCode"]);
        ticket.service_item = body.guid("ServiceItemId").unwrap_or_default();
        self.write_ticket(&mut ticket, &mut body);
        body.accepted()?;
        ticket.updated_at = self.now();
        ticket.updated_by = 0;
        let row = ticket.row();
        if let Some(kept) = self.ticket_mut(id) {
            *kept = ticket;
        }
        Ok(self.overwritten(call, Set::Tickets, &row))
    }

    pub(super) fn delete_ticket(&mut self, id: Uuid) -> Result<Reply, Refusal> {
        self.ticket_mut(id).ok_or(Refusal::NoRecord)?.deleted = true;
        Ok(Reply::empty(204))
    }

    fn write_ticket(&self, ticket: &mut Ticket, body: &mut Body) {
        body.text("Title").clone_into(&mut ticket.title);
        let longest = self.options.longest_title;
        if ticket.title.chars().count() > longest {
            let words = format!("The field Title must be a string with a maximum length of {longest}.");
            body.complain(RECORD, "Title", &words);
        }
        ticket.description = if let Cell::Text(text) = body.cell("Description") { Some(text) } else { None };
        let code = |body: &mut Body, name: &str, list: &[(i64, &str)], usual: i64| {
            let code = body.int(name).unwrap_or(usual);
            if !list.iter().any(|(known, _)| *known == code) {
                body.complain(RECORD, name, "There is no such code.");
            }
            code
        };
        let status = code(body, "TicketStatusCode", &STATUSES, 1);
        ticket.priority = code(body, "TicketPriorityCode", &PRIORITIES, 2);
        self.set_status(ticket, status);
        ticket.is_billable = body.flag("IsBillable");
        ticket.is_taxable = body.flag("IsTaxable");
        ticket.due = if let Cell::Date(at) = body.cell("DueDate") { Some(at) } else { None };
        self.write_references(ticket, body);
    }

    /// Everything that is referred to must exist, and be the customer's.
    fn write_references(&self, ticket: &mut Ticket, body: &mut Body) {
        let item = self.service_item(ticket.service_item);
        let customer = item.map(|item| item.customer);
        if body.guid("ServiceItemId").is_some() && item.is_none() {
            body.complain(RECORD, "ServiceItemId", "There is no such service item.");
        }
        ticket.contact = body.guid("ContactId");
        ticket.location = body.guid("LocationId");
        ticket.issue_type = body.guid("IssueTypeId");
        ticket.assigned = body.guid("AssignedResourceId");
        let exists = |id: Option<Uuid>, exists: &dyn Fn(Uuid) -> bool| id.is_none_or(exists);
        let checks = [
            (
                "ContactId",
                exists(ticket.contact, &|id| {
                    self.contacts.iter().any(|contact| contact.id == id && Some(contact.customer) == customer)
                }),
            ),
            (
                "LocationId",
                exists(ticket.location, &|id| {
                    self.locations.iter().any(|place| place.id == id && Some(place.customer) == customer)
                }),
            ),
            (
                "IssueTypeId",
                exists(ticket.issue_type, &|id| self.issue_types.iter().any(|(known, _)| *known == id)),
            ),
            (
                "AssignedResourceId",
                exists(ticket.assigned, &|id| self.users.iter().any(|user| user.id == id)),
            ),
            // There are no projects here.
            ("ProjectId", body.guid("ProjectId").is_none()),
        ];
        for (name, is_fine) in checks {
            if !is_fine {
                body.complain(RECORD, name, "There is no such record.");
            }
        }
    }

    /// Codes 7 and 9 close.
    pub(super) fn set_status(&self, ticket: &mut Ticket, status: i64) {
        let (was_closed, is_closed) = (tickets::is_closed(ticket.status), tickets::is_closed(status));
        ticket.status = status;
        if self.options.completed_date_is_set.holds() && was_closed != is_closed {
            ticket.completed_at = is_closed.then(|| self.now());
        }
    }
}
