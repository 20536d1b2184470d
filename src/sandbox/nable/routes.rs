//! Which path is whose.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    cell::{self, Cell, Row},
    customers::{Contact, Customer, Location, ServiceItem},
    query,
    refusal::Refusal,
    sets::Set,
    tickets::{STATUSES, Ticket, User},
    world::NableWorld,
};
use crate::sandbox::frame::{Call, Reply, Right};

impl NableWorld {
    pub(super) fn route(&mut self, call: &Call) -> Result<Reply, Refusal> {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let [root, path @ ..] = segments.as_slice() else { return Err(Refusal::Page) };
        if !root.eq_ignore_ascii_case("odata") {
            return Err(Refusal::Page);
        }
        self.authenticate(call)?;
        let (name, key) = match path {
            [] => return service_document(call),
            [name, ..] => self.parenthesized(name),
        };
        let nothing = || Refusal::no_path(&call.path);
        let set = Set::find(name).filter(|set| self.is_served(*set)).ok_or_else(nothing)?;
        let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
        match (key, path) {
            (None, [_]) => self.on_set(call, set),
            (Some(id), [_]) => self.on_record(call, set, id),
            (None, [_, id]) => self.on_record(call, set, cell::guid(id).ok_or_else(nothing)?),
            (None, [_, id, sub]) if set == Set::Tickets && is(sub, "customfields") => {
                self.access.may_read(set)?;
                if call.method != "GET" {
                    return Err(Refusal::no_verb(&call.method));
                }
                self.custom_fields(call, Some(cell::guid(id).ok_or_else(nothing)?))
            }
            _ => Err(nothing()),
        }
    }

    /// `Tickets({guid})`, taken apart where that form works.
    fn parenthesized<'a>(&self, name: &'a str) -> (&'a str, Option<Uuid>) {
        let parts = name.strip_suffix(')').and_then(|rest| rest.split_once('('));
        let parts = parts.filter(|_| self.options.key_in_parentheses_works.holds());
        let parts = parts.and_then(|(set, key)| Some((set, cell::guid(key)?)));
        parts.map_or((name, None), |(set, key)| (set, Some(key)))
    }

    fn is_served(&self, set: Set) -> bool {
        set != Set::TicketStatuses || self.options.statuses_are_listed.holds()
    }

    fn on_set(&mut self, call: &Call, set: Set) -> Result<Reply, Refusal> {
        match (call.method.as_str(), set) {
            ("GET", _) => {
                self.access.may_read(set)?;
                if set == Set::TicketsCustomFields {
                    return self.custom_fields(call, None);
                }
                let table = query::Table { name: set.name(), columns: set.columns(), rows: self.rows(set) };
                query::list(call, table, &self.options)
            }
            ("POST", Set::Customers) => {
                self.access.may(Right::Companies)?;
                self.create_customer(call)
            }
            ("POST", Set::Tickets) => {
                self.access.may(Right::WriteTickets)?;
                self.create_ticket(call)
            }
            ("POST", Set::TicketsResponses) => self.post_response(call),
            (method, _) => Err(Refusal::no_verb(method)),
        }
    }

    fn on_record(&mut self, call: &Call, set: Set, id: Uuid) -> Result<Reply, Refusal> {
        let keeps = call.method == "PATCH";
        if keeps && !self.options.patch_works.holds() {
            return Err(Refusal::no_verb(&call.method));
        }
        match (call.method.as_str(), set) {
            ("GET", Set::TicketsCustomFields | Set::TicketStatuses) => Err(Refusal::no_path(&call.path)),
            ("GET", _) => {
                self.access.may_read(set)?;
                let row = self.row(set, id).ok_or(Refusal::NoRecord)?;
                Ok(Reply::ok(&entity(call, set, &row, false)))
            }
            ("PUT" | "PATCH", Set::Customers) => {
                self.access.may(Right::Companies)?;
                self.overwrite_customer(call, id, keeps)
            }
            ("PUT" | "PATCH", Set::Tickets) => {
                self.access.may(Right::WriteTickets)?;
                self.overwrite_ticket(call, id, keeps)
            }
            ("DELETE", Set::Tickets) => {
                self.access.may(Right::WriteTickets)?;
                self.delete_ticket(id)
            }
            (method, _) => Err(Refusal::no_verb(method)),
        }
    }

    /// All rows that a list sees.
    pub(super) fn rows(&self, set: Set) -> Vec<Row> {
        match set {
            Set::Customers => self.customers.iter().map(Customer::row).collect(),
            Set::Contacts => self.contacts.iter().map(Contact::row).collect(),
            Set::Locations => self.locations.iter().map(Location::row).collect(),
            Set::ServiceItems => self.service_items.iter().map(ServiceItem::row).collect(),
            Set::IssueTypes => {
                self.issue_types.iter().map(|(id, name)| vec![Cell::Guid(*id), Cell::text(name)]).collect()
            }
            Set::Users => self.users.iter().map(User::row).collect(),
            Set::Tickets => self.listed().map(Ticket::row).collect(),
            Set::TicketsView => self.listed().map(|ticket| self.view(ticket)).collect(),
            Set::TicketsResponses => self
                .listed()
                .flat_map(|ticket| {
                    ticket.responses.iter().map(move |response| self.response_row(ticket, response))
                })
                .collect(),
            Set::TicketsCustomFields => self.listed().map(|ticket| self.custom_field_row(ticket)).collect(),
            Set::TicketStatuses => {
                STATUSES.iter().map(|(code, name)| vec![Cell::Int(*code), Cell::text(name)]).collect()
            }
        }
    }

    /// One row; a ticket is found by its id before lists see it.
    fn row(&self, set: Set, id: Uuid) -> Option<Row> {
        match set {
            Set::Tickets => self.ticket(id).map(Ticket::row),
            Set::TicketsView => self.ticket(id).map(|ticket| self.view(ticket)),
            _ => self.rows(set).into_iter().find(|row| row.first() == Some(&Cell::Guid(id))),
        }
    }

    /// The answer to a POST.
    pub(super) fn created(&self, call: &Call, set: Set, row: &Row) -> Reply {
        let camel = self.options.write_answers_are_camel_case.holds();
        Reply::json(self.options.created_status, &entity(call, set, row, camel))
    }

    /// The answer to a PUT.
    pub(super) fn overwritten(&self, call: &Call, set: Set, row: &Row) -> Reply {
        if !self.options.put_answers_with_the_record.holds() {
            return Reply::empty(204);
        }
        let camel = self.options.write_answers_are_camel_case.holds();
        Reply::ok(&entity(call, set, row, camel))
    }
}

/// One record with its context.
fn entity(call: &Call, set: Set, row: &Row, camel: bool) -> Value {
    let mut json = Map::new();
    let context = format!("{}/$metadata#{}/$entity", query::root(call), set.name());
    json.insert("@odata.context".to_owned(), context.into());
    if let Value::Object(fields) = query::record(set.columns(), row, &[]) {
        let name = |name: String| if camel { camel_case(&name) } else { name };
        json.extend(fields.into_iter().map(|(field, value)| (name(field), value)));
    }
    Value::Object(json)
}

fn camel_case(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// `GET /odata`: which sets there are.
fn service_document(call: &Call) -> Result<Reply, Refusal> {
    if call.method != "GET" {
        return Err(Refusal::no_verb(&call.method));
    }
    let sets: Vec<_> = Set::ALL
        .iter()
        .map(|set| json!({ "name": set.name(), "kind": "EntitySet", "url": set.name() }))
        .collect();
    let context = format!("{}/$metadata", query::root(call));
    Ok(Reply::ok(&json!({ "@odata.context": context, "value": sets })))
}
