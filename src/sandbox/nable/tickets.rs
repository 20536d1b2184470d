//! A ticket, as a record and as the view joins it.

use entity::Timestamp;
use uuid::Uuid;

use super::{
    cell::{Cell, Row},
    world::NableWorld,
};

/// `TicketStatusCode`: 7 and 9 are known to be the closed ones and 5 to be open; other names are invented.
pub(super) const STATUSES: [(i64, &str); 7] = [
    (1, "New"),
    (2, "Assigned"),
    (IN_PROGRESS, "In Progress"),
    (4, "Waiting on Customer"),
    (5, "On Hold"),
    (COMPLETE, "Complete"),
    (9, "Cancelled"),
];
pub(super) const COMPLETE: i64 = 7;
pub(super) const IN_PROGRESS: i64 = 3;
/// `TicketPriorityCode`.
pub(super) const PRIORITIES: [(i64, &str); 4] = [(1, "Low"), (2, "Normal"), (3, "High"), (4, "Critical")];

/// Somebody who works here.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: Uuid,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) email: &'static str,
}

impl User {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    pub(super) fn row(&self) -> Row {
        vec![
            Cell::Guid(self.id),
            Cell::text(self.email),
            Cell::text(self.first_name),
            Cell::text(self.last_name),
        ]
    }
}

/// A ticket. Its service item tells whose it is.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) id: Uuid,
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) description: Option<String>,
    /// As it was created: a client may append notes to the description.
    pub(super) first_description: String,
    pub(super) status: i64,
    pub(super) priority: i64,
    pub(super) service_item: Uuid,
    pub(super) contact: Option<Uuid>,
    pub(super) location: Option<Uuid>,
    pub(super) issue_type: Option<Uuid>,
    pub(super) assigned: Option<Uuid>,
    pub(super) is_billable: bool,
    pub(super) is_taxable: bool,
    pub(super) due: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// Who wrote last, by the number among the users; the first is the key's.
    pub(super) updated_by: usize,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) responses: Vec<Response>,
    pub(super) listed_from: Timestamp,
    pub(super) deleted: bool,
}

/// An entry of a ticket's thread.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) id: Uuid,
    pub(super) text: String,
    /// The writer's number among the users.
    pub(super) by: usize,
    /// No column for it is known.
    pub(super) private: bool,
    pub(super) at: Timestamp,
}

pub(super) fn is_closed(status: i64) -> bool {
    status == COMPLETE || status == 9
}

pub(super) fn name_of(list: &[(i64, &'static str)], code: i64) -> &'static str {
    list.iter().find(|(known, _)| *known == code).map_or("", |(_, name)| name)
}

impl Ticket {
    /// In the order of the set's columns.
    pub(super) fn row(&self) -> Row {
        vec![
            Cell::Guid(self.id),
            Cell::Int(self.number),
            Cell::text(&self.title),
            self.description.clone().map_or(Cell::Null, Cell::Text),
            Cell::Int(self.status),
            Cell::Int(self.priority),
            Cell::Guid(self.service_item),
            Cell::guid(self.contact),
            Cell::guid(self.location),
            Cell::guid(self.issue_type),
            Cell::Null,
            Cell::guid(self.assigned),
            Cell::Flag(self.is_billable),
            Cell::Flag(self.is_taxable),
            Cell::date(self.due),
            Cell::Date(self.created_at),
            Cell::Date(self.updated_at),
            Cell::date(self.completed_at),
        ]
    }
}

impl NableWorld {
    /// A ticket that was not deleted.
    pub(super) fn ticket(&self, id: Uuid) -> Option<&Ticket> {
        self.tickets.iter().find(|ticket| ticket.id == id && !ticket.deleted)
    }

    pub(super) fn ticket_mut(&mut self, id: Uuid) -> Option<&mut Ticket> {
        self.tickets.iter_mut().find(|ticket| ticket.id == id && !ticket.deleted)
    }

    /// Those that lists see.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Ticket> {
        let now = self.now();
        self.tickets.iter().filter(move |ticket| !ticket.deleted && ticket.listed_from <= now)
    }

    /// A row of the view.
    pub(super) fn view(&self, ticket: &Ticket) -> Row {
        let text = |text: Option<String>| text.map_or(Cell::Null, Cell::Text);
        let item = self.service_item(ticket.service_item);
        let customer = item.and_then(|item| self.customer(item.customer));
        let issue = ticket.issue_type.and_then(|id| self.issue_types.iter().find(|(known, _)| *known == id));
        let location = ticket.location.and_then(|id| self.locations.iter().find(|place| place.id == id));
        let contact = ticket.contact.and_then(|id| self.contacts.iter().find(|contact| contact.id == id));
        let person = |number: usize| {
            let user = self.users.get(number);
            let part =
                |part: fn(&User) -> &'static str| user.map_or(Cell::Null, |user| Cell::text(part(user)));
            [part(|user| user.first_name), part(|user| user.last_name), part(|user| user.email)]
        };
        let mut row = vec![
            Cell::Guid(ticket.id),
            Cell::Int(ticket.number),
            Cell::text(&ticket.title),
            text(ticket.description.clone()),
            Cell::Int(ticket.status),
            Cell::text(name_of(&STATUSES, ticket.status)),
            Cell::Null,
            Cell::Int(ticket.priority),
            Cell::text(name_of(&PRIORITIES, ticket.priority)),
            text(issue.map(|(_, name)| (*name).to_owned())),
            Cell::Null,
            Cell::guid(customer.map(|customer| customer.id)),
            text(customer.map(|customer| customer.name.clone())),
            text(location.map(|place| place.name.clone())),
            text(contact.map(super::customers::Contact::name)),
            text(item.map(|item| item.name.to_owned())),
            text(item.map(|item| item.kind.to_owned())),
            Cell::Date(ticket.created_at),
        ];
        // Tickets come through the API alone.
        row.extend(person(0));
        row.push(Cell::Date(ticket.updated_at));
        row.extend(person(ticket.updated_by));
        row.extend([
            Cell::date(ticket.completed_at),
            Cell::date(ticket.due),
            Cell::Flag(ticket.is_billable),
            Cell::Flag(ticket.is_taxable),
        ]);
        row
    }
}
