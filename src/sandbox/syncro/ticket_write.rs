//! Creating and changing tickets.

use serde_json::Value;

use super::{
    comments::{self, COMMENT},
    events::Event,
    params::{Fields, Kind, Params},
    replies,
    settings::{self, PRIORITIES, PROBLEM_TYPES, RESOLVED, STATUSES},
    tickets::Ticket,
    world::SyncroWorld,
};
use crate::sandbox::frame::{Call, Reply};

const FIELDS: Fields = &[
    ("customer_id", Kind::Int),
    ("ticket_type_id", Kind::Int),
    ("number", Kind::Text),
    ("subject", Kind::Text),
    ("due_date", Kind::Time),
    ("start_at", Kind::Time),
    ("end_at", Kind::Time),
    ("location_id", Kind::Int),
    ("problem_type", Kind::Text),
    ("status", Kind::Text),
    ("user_id", Kind::Int),
    ("properties", Kind::Object),
    ("asset_ids", Kind::Ints),
    ("sla_id", Kind::Int),
    ("contact_id", Kind::Int),
    ("priority", Kind::Text),
    ("tag_list", Kind::Texts),
    ("comments_attributes", Kind::Objects),
];

impl SyncroWorld {
    /// `POST /tickets`: answers 200. `line_items` are passed over, as live.
    pub(super) fn create_ticket(&mut self, call: &Call) -> Result<Reply, Reply> {
        let sent = Params::read(call)?;
        let mut wrong = sent.complaints(FIELDS);
        let customer = sent.int("customer_id").and_then(|id| self.customer(id));
        let Some(customer_id) = customer.map(|customer| customer.id) else {
            return Err(replies::error(422, "Customer required field"));
        };
        let now = self.now();
        let mut ticket = Ticket {
            id: 0,
            number: self.last_number + 1,
            subject: String::new(),
            status: "New".to_owned(),
            priority: None,
            problem_type: None,
            customer_id,
            contact_id: None,
            user_id: None,
            type_id: None,
            due_date: Some(now),
            start_at: None,
            end_at: None,
            properties: serde_json::Map::new(),
            tag_list: Vec::new(),
            asset_ids: Vec::new(),
            created_at: now,
            updated_at: now,
            resolved_at: None,
            comments: Vec::new(),
            listed_from: now.plus_millis(call.search_lag_ms),
            deleted: false,
        };
        if let Some(number) = sent.text("number") {
            // Leaving it to the vendor is the rule; one that was used before is refused.
            match number.parse() {
                Ok(number) if self.tickets.iter().all(|other| other.number != number) => {
                    ticket.number = number;
                }
                _ => wrong.push("Number has already been taken".to_owned()),
            }
        }
        self.write_ticket(&mut ticket, &sent, &mut wrong);
        if self.options.require_ticket_type && ticket.type_id.is_none() {
            wrong.push("Ticket type can't be blank".to_owned());
        }
        let comments = self.new_comments(&sent, &ticket, &mut wrong);
        if !wrong.is_empty() {
            return Err(replies::invalid(&wrong));
        }
        ticket.id = self.next_id();
        self.last_number = self.last_number.max(ticket.number);
        let id = ticket.id;
        self.tickets.push(ticket);
        self.add_comments(id, comments);
        if let Some(first) = self.ticket_mut(id).and_then(|ticket| ticket.comments.first_mut()) {
            first.is_description = true;
        }
        self.notify(id, Event::Created);
        self.notify(id, Event::StatusChanged);
        self.get_ticket(id)
    }

    /// `PUT /tickets/{id}`: changes what was sent.
    pub(super) fn update_ticket(&mut self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let mut ticket = self.ticket(id).ok_or_else(replies::not_found)?.clone();
        let before = ticket.status.clone();
        let sent = Params::read(call)?;
        let mut wrong = sent.complaints(FIELDS);
        if sent.has("customer_id") {
            match sent.int("customer_id").and_then(|id| self.customer(id)) {
                Some(customer) => ticket.customer_id = customer.id,
                None => wrong.push("Customer can't be blank".to_owned()),
            }
        }
        self.write_ticket(&mut ticket, &sent, &mut wrong);
        if self.options.require_ticket_type && ticket.type_id.is_none() {
            wrong.push("Ticket type can't be blank".to_owned());
        }
        let comments = self.new_comments(&sent, &ticket, &mut wrong);
        if !wrong.is_empty() {
            return Err(replies::invalid(&wrong));
        }
        ticket.updated_at = self.now();
        let is_changed = ticket.status != before;
        if let Some(kept) = self.ticket_mut(id) {
            *kept = ticket;
        }
        let replied = !comments.is_empty();
        self.add_comments(id, comments);
        if is_changed {
            self.notify(id, Event::StatusChanged);
        }
        if replied {
            self.notify(id, Event::Replied);
        }
        self.get_ticket(id)
    }

    /// Writes what was sent onto a ticket, and says what is wrong with it. Statuses, priorities and problem
    /// types are the strings of the settings; what the vendor says to others is not recorded.
    fn write_ticket(&self, ticket: &mut Ticket, sent: &Params, wrong: &mut Vec<String>) {
        let is_new = ticket.id == 0;
        if is_new || sent.has("subject") {
            sent.text("subject").unwrap_or_default().trim().clone_into(&mut ticket.subject);
        }
        let longest = self.options.longest_subject;
        if ticket.subject.is_empty() {
            wrong.push("Subject can't be blank".to_owned());
        } else if ticket.subject.chars().count() > longest {
            wrong.push(format!("Subject is too long (maximum is {longest} characters)"));
        }
        if sent.has("status") {
            match sent.text("status") {
                Some(status) if STATUSES.contains(&status) => self.set_status(ticket, status),
                Some(_) => wrong.push("Status is not included in the list".to_owned()),
                None => wrong.push("Status can't be blank".to_owned()),
            }
        }
        let chosen = |name: &str, list: &[&str], words: &str, wrong: &mut Vec<String>| {
            let value = sent.get(name).as_str().map(str::to_owned);
            if value.as_deref().is_some_and(|value| !list.contains(&value)) {
                wrong.push(words.to_owned());
            }
            value
        };
        if sent.has("priority") {
            let any = [sent.text("priority").unwrap_or_default()];
            let list: &[&str] = if self.options.any_priority { &any } else { &PRIORITIES };
            let priority = chosen("priority", list, "Priority is not included in the list", wrong);
            ticket.priority = priority.filter(|priority| !priority.is_empty());
        }
        if sent.has("problem_type") {
            let words = "Problem type is not included in the list";
            ticket.problem_type = chosen("problem_type", &PROBLEM_TYPES, words, wrong);
        }
        for (name, at) in [
            ("due_date", &mut ticket.due_date),
            ("start_at", &mut ticket.start_at),
            ("end_at", &mut ticket.end_at),
        ] {
            if sent.has(name) {
                *at = sent.time(name);
            }
        }
        if sent.has("tag_list") {
            let tags = sent.list("tag_list").iter().filter_map(Value::as_str);
            ticket.tag_list = tags.filter(|tag| !tag.trim().is_empty()).map(str::to_owned).collect();
        }
        self.write_references(ticket, sent, wrong);
        if let Value::Object(properties) = sent.get("properties") {
            ticket.properties.extend(settings::known_properties(&properties, ticket.type_id));
        }
    }

    /// Whom and what the ticket refers to.
    fn write_references(&self, ticket: &mut Ticket, sent: &Params, wrong: &mut Vec<String>) {
        let mut refer = |name: &str, exists: &dyn Fn(i64) -> bool, words: &str| {
            let id = sent.int(name);
            if id.is_some_and(|id| !exists(id)) {
                wrong.push(words.to_owned());
            }
            id
        };
        let customer = ticket.customer_id;
        if sent.has("contact_id") {
            let is_theirs = |id| self.contact(id).is_some_and(|contact| contact.customer_id == customer);
            ticket.contact_id = refer("contact_id", &is_theirs, "Contact is invalid");
        }
        if sent.has("user_id") {
            ticket.user_id = refer("user_id", &|id| settings::user(id).is_some(), "User is invalid");
        }
        if sent.has("ticket_type_id") {
            let exists = |id| settings::ticket_type_name(id).is_some();
            ticket.type_id = refer("ticket_type_id", &exists, "Ticket type is invalid");
        }
        // This account has neither locations nor service levels.
        refer("location_id", &|_| false, "Location is invalid");
        refer("sla_id", &|_| false, "Sla is invalid");
        if sent.has("asset_ids") {
            ticket.asset_ids = sent.list("asset_ids").iter().filter_map(Value::as_i64).collect();
            let is_theirs =
                |id: &i64| self.asset(*id).is_some_and(|asset| asset.customer_id == Some(customer));
            if !ticket.asset_ids.iter().all(is_theirs) {
                wrong.push("Assets is invalid".to_owned());
            }
        }
    }

    /// Resolving stamps `resolved_at`; what becomes of the stamp on reopening is not recorded: it goes.
    pub(super) fn set_status(&self, ticket: &mut Ticket, status: &str) {
        if !settings::is_closed(status) {
            ticket.resolved_at = None;
        } else if ticket.status != RESOLVED || ticket.resolved_at.is_none() {
            ticket.resolved_at = Some(self.now());
        }
        status.clone_into(&mut ticket.status);
    }

    /// The comments that come with a ticket.
    fn new_comments(&self, sent: &Params, ticket: &Ticket, wrong: &mut Vec<String>) -> Vec<comments::New> {
        let mut new = Vec::new();
        for comment in sent.list("comments_attributes") {
            let Value::Object(fields) = comment else { continue };
            let fields = Params(fields.clone());
            let of_types = fields.complaints(COMMENT);
            let complaints = of_types.into_iter().chain(comments::blanks(&fields));
            wrong.extend(complaints.map(|words| format!("Comments {}", words.to_lowercase())));
            new.push(self.read_comment(&fields, ticket.customer_id));
        }
        new
    }
}
