//! Creating, changing, closing and deleting tickets.

use serde_json::Value;

use super::{
    actions::NewAction,
    binding::{self, Reads, Record},
    dates, errors,
    events::{Actor, Event},
    listing,
    picklists::{self, CLOSED, UNASSIGNED},
    ticket::{Form, NOT_KEPT, TICKET_FIELDS, Ticket},
    world::HaloWorld,
};
use crate::sandbox::frame::{Call, Reply};

impl HaloWorld {
    /// `POST /Tickets`: with an id a change, without one a new ticket.
    pub(super) fn post_tickets(&mut self, call: &Call) -> Result<Reply, Reply> {
        let records = binding::records(call, "Faults", TICKET_FIELDS)?;
        let mut written = Vec::new();
        for record in records {
            let id = match record.int("id").filter(|id| *id > 0) {
                Some(id) => self.update_ticket(id, record)?,
                None => self.create_ticket(record, call.search_lag_ms)?,
            };
            let ticket = self.ticket(id).ok_or_else(errors::not_found)?;
            written.push(self.ticket_json(ticket, Form::Written));
        }
        listing::posted(&call.query(), written)
    }

    fn create_ticket(&mut self, mut record: Record, search_lag_ms: i64) -> Result<i64, Reply> {
        let validate = !record.flag("_novalidate").unwrap_or(false);
        if record.text("summary").is_none_or(|summary| summary.trim().is_empty()) {
            return Err(errors::exception("A Summary must be entered"));
        }
        let kind = picklists::ticket_type(record.int("tickettype_id").unwrap_or(1))
            .ok_or_else(|| errors::exception("Ticket Type not found"))?;
        if !kind.can_create {
            return Err(errors::exception("You do not have access to create this Ticket Type"));
        }
        // Mandatory on newer instances (tier2tickets, Halo integration page).
        if validate && self.options.require_impact_urgency {
            for (name, said) in [("impact", "Impact"), ("urgency", "Urgency")] {
                if record.int(name).is_none_or(|value| value < 1) {
                    return Err(errors::exception(&format!("{said} must be selected")));
                }
            }
        }
        let now = self.now();
        let client = record.int("client_id").unwrap_or(1);
        let defaults: [(&str, Value); 11] = [
            ("tickettype_id", kind.id.into()),
            ("client_id", client.into()),
            ("status_id", 1.into()),
            ("sla_id", kind.sla.into()),
            ("priority_id", kind.priority.into()),
            ("team", kind.team.into()),
            ("agent_id", UNASSIGNED.into()),
            ("impact", 3.into()),
            ("urgency", 3.into()),
            // Without a source Halo records "Manual" (CyberDrain/CIPP#321).
            ("source", 0.into()),
            ("dateoccurred", dates::zoneless(now).into()),
        ];
        self.resolve_user(client, &mut record)?;
        for (name, value) in defaults {
            record.entry(name).or_insert(value);
        }
        check_values(&record)?;
        self.check_assets(&record)?;
        self.check_closing(0, &record)?;
        settle_priority(&mut record, kind.priority);
        keep_text(&mut record);

        self.last_ticket_id += 1;
        let id = self.last_ticket_id;
        let closed = record.int("status_id") == Some(CLOSED);
        record.retain(|name, _| !NOT_KEPT.contains(&name.as_str()) && !name.starts_with('_'));
        self.tickets.push(Ticket {
            id,
            fields: record,
            created_at: now,
            updated_at: now,
            last_action_at: now,
            closed_at: closed.then_some(now),
            has_been_closed: closed,
            deleted: false,
            listed_from: now.plus_millis(search_lag_ms),
            actions: Vec::new(),
        });
        self.emit(Event::New, id, Actor::API, None);
        Ok(id)
    }

    fn update_ticket(&mut self, id: i64, mut record: Record) -> Result<i64, Reply> {
        let missing = || errors::exception("Record not found");
        let ticket = self.ticket(id).ok_or_else(missing)?;
        // Some instances want to be told type and client again (dotMARC `HaloPsaClient.cs`).
        let named = record.contains_key("tickettype_id") && record.contains_key("client_id");
        if self.options.strict_update && !named {
            return Err(missing());
        }
        let mut merged = ticket.fields.clone();
        let old_status = ticket.int("status_id");
        let old_priority = ticket.int("priority_id");
        if ["client_id", "site_id", "user_id", "users_name", "userlookup"]
            .iter()
            .any(|name| record.contains_key(*name))
        {
            let client = record.int("client_id").unwrap_or(ticket.int("client_id"));
            if client == ticket.int("client_id") {
                let (site, user) = (ticket.int("site_id"), ticket.int("user_id"));
                record.entry("site_id").or_insert(site.into());
                if !record.contains_key("users_name") && !record.contains_key("userlookup") {
                    record.entry("user_id").or_insert(user.into());
                }
            }
            self.resolve_user(client, &mut record)?;
        }
        let note = record.text("note").map(str::to_owned);
        merged.extend(record);
        check_values(&merged)?;
        self.check_closing(old_status, &merged)?;
        settle_priority(&mut merged, old_priority);
        keep_text(&mut merged);
        merged.retain(|name, _| !NOT_KEPT.contains(&name.as_str()) && !name.starts_with('_'));
        let status = merged.int("status_id").unwrap_or(old_status);
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.fields = merged;
        }
        if let Some(note) = note.filter(|note| !note.trim().is_empty()) {
            self.append_action(id, NewAction::note(&note, false), Actor::API);
        }
        self.changed(id, old_status, status, Actor::API, None);
        Ok(id)
    }

    /// The assets of a ticket are its client's. What Halo says to others is not recorded; refusing is the strict reading.
    fn check_assets(&self, record: &Record) -> Result<(), Reply> {
        let client = record.int("client_id");
        let linked = record.get("assets").and_then(Value::as_array).into_iter().flatten();
        let is_theirs = |linked: &Value| {
            let id = linked.get("id").and_then(Value::as_i64);
            let found = self.assets.iter().find(|asset| asset.get("id").and_then(Value::as_i64) == id);
            found.is_some_and(|asset| asset.get("client_id").and_then(Value::as_i64) == client)
        };
        if linked.into_iter().all(is_theirs) { Ok(()) } else { Err(errors::exception("Asset not found")) }
    }

    /// An agent without any action that closes cannot close by a status either.
    fn check_closing(&self, old_status: i64, fields: &Record) -> Result<(), Reply> {
        let closes = fields.int("status_id") == Some(CLOSED) && old_status != CLOSED;
        if closes && !self.access.may_close() {
            return Err(errors::exception("You do not have access to this Action at the moment"));
        }
        Ok(())
    }

    /// Sets the status, keeps the dates right and tells the subscribers.
    pub(super) fn changed(&mut self, id: i64, old: i64, new: i64, actor: Actor, action: Option<&Value>) {
        let now = self.now();
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.fields.insert("status_id".to_owned(), new.into());
            ticket.updated_at = now;
            if new == CLOSED && old != CLOSED {
                ticket.closed_at = Some(now);
                ticket.has_been_closed = true;
            } else if new != CLOSED {
                ticket.closed_at = None;
            }
        }
        self.emit(Event::Updated, id, actor, action);
        if new != old {
            self.emit(Event::StatusChanged, id, actor, action);
        }
        if new == CLOSED && old != CLOSED {
            self.emit(Event::Closed, id, actor, action);
        }
        if old == CLOSED && new != CLOSED {
            self.emit(Event::Reopened, id, actor, action);
        }
    }

    pub(super) fn delete_ticket(&mut self, id: i64) -> Result<Reply, Reply> {
        let now = self.now();
        let ticket = self.ticket_mut(id).ok_or_else(errors::not_found)?;
        ticket.deleted = true;
        ticket.updated_at = now;
        Ok(Reply::ok(&serde_json::json!({ "id": id })))
    }

    /// Finds site and user of a ticket: a named user needs a site, and without one
    /// the ticket falls to the client's general user.
    fn resolve_user(&self, client: i64, record: &mut Record) -> Result<(), Reply> {
        let client = self.client(client).ok_or_else(|| errors::exception("Client not found"))?;
        let site = match record.int("site_id").filter(|id| *id > 0) {
            Some(id) => {
                self.site(id)
                    .filter(|site| site.client_id == client.id)
                    .ok_or_else(|| errors::exception("Site not found"))?
                    .id
            }
            None => client.main_site_id,
        };
        let looked_up = record.get("userlookup").and_then(|lookup| lookup.get("id")).and_then(Value::as_i64);
        let named = record.text("users_name").map(str::to_owned);
        let wanted = record.int("user_id").or(looked_up).filter(|id| *id > 0);
        let user = match (wanted, named) {
            (Some(_), _) if record.int("site_id").is_none_or(|site| site < 1) => {
                return Err(errors::exception("A Site must be selected"));
            }
            (Some(id), _) => self.user(id).filter(|user| user.client_id == client.id),
            (None, Some(name)) => self
                .users
                .iter()
                .find(|user| user.client_id == client.id && user.name().eq_ignore_ascii_case(&name)),
            (None, None) => self.general_user(client.id),
        };
        let user = user.ok_or_else(|| errors::exception("User not found"))?;
        record.insert("client_id".to_owned(), client.id.into());
        record.insert("site_id".to_owned(), site.into());
        record.insert("user_id".to_owned(), user.id.into());
        Ok(())
    }
}

/// Whether every value exists, and the type allows the status. What Halo says to an
/// unknown value is not recorded; refusing is the strict reading.
fn check_values(fields: &Record) -> Result<(), Reply> {
    let kind = picklists::ticket_type(fields.int("tickettype_id").unwrap_or(0))
        .ok_or_else(|| errors::exception("Ticket Type not found"))?;
    if fields.int("status_id").is_none_or(|status| !kind.statuses.contains(&status)) {
        return Err(errors::exception("The Status is not allowed for this Ticket Type"));
    }
    if fields.int("sla_id").is_none_or(|sla| !picklists::SLAS.iter().any(|(id, _)| *id == sla)) {
        return Err(errors::exception("SLA not found"));
    }
    let agent = picklists::agent(fields.int("agent_id").unwrap_or(UNASSIGNED));
    if agent.is_none_or(|agent| agent.disabled) {
        return Err(errors::exception("Agent not found"));
    }
    let team = fields.text("team").unwrap_or_default();
    if !picklists::TEAMS.iter().any(|(_, name, inactive)| *name == team && !inactive) {
        return Err(errors::exception("Team not found"));
    }
    for number in 1..=4 {
        let value = fields.text(&format!("category_{number}")).unwrap_or_default();
        if !value.is_empty() && !picklists::CATEGORIES.contains(&(number, value)) {
            return Err(errors::exception("Category not found"));
        }
    }
    Ok(())
}

/// A priority that the SLA does not have changes nothing (CyberDrain/CIPP#193).
fn settle_priority(fields: &mut Record, before: i64) {
    let (sla, wanted) = (fields.int("sla_id").unwrap_or(0), fields.int("priority_id").unwrap_or(0));
    if !picklists::has_priority(sla, wanted) {
        fields.insert("priority_id".to_owned(), before.into());
    }
}

/// HTML stands for the plain text where only HTML was sent; dates lose their zone.
fn keep_text(fields: &mut Record) {
    if let (None, Some(html)) = (fields.text("details"), fields.text("details_html").map(str::to_owned)) {
        fields.insert("details".to_owned(), html.into());
    }
    for name in ["dateoccurred", "targetdate"] {
        if let Some(at) = fields.text(name).and_then(dates::read) {
            fields.insert(name.to_owned(), dates::zoneless(at).into());
        }
    }
}
