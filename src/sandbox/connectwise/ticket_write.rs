//! Creating, changing, closing and deleting tickets.

use serde_json::{Value, json};

use super::{
    api,
    deeds::API_MEMBER,
    deliveries::Action,
    errors,
    notes::Tabs,
    patch,
    resources::{TICKET, TICKET_WRITE_ONLY, Table},
    row::{self, Row},
    seed, store,
    ticket::Ticket,
    world::ConnectWiseWorld,
    writing,
};
use crate::sandbox::frame::{Call, Reply, Right};

impl ConnectWiseWorld {
    pub(super) fn create_ticket(&mut self, call: &Call) -> Result<Reply, Reply> {
        let body = writing::object(call, TICKET.name)?;
        let refuse = |problems: Vec<_>| errors::invalid(TICKET.name, &problems);
        let mut written = writing::checked(&TICKET, TICKET_WRITE_ONLY, body).map_err(refuse)?;
        written.retain(|_, value| !value.is_null());
        let mut row = self.draft(&Row::new(), &written).map_err(refuse)?;
        self.may_close(&row, false)?;

        let now = self.now();
        self.last_ticket += 1;
        let id = self.last_ticket;
        row.insert("id".to_owned(), id.into());
        finish(&mut row);
        self.tickets.push(Ticket {
            row,
            notes: Vec::new(),
            first_note: None,
            configurations: Vec::new(),
            created_at: now,
            closed_at: None,
            is_deleted: false,
            listed_from: now.plus_millis(call.search_lag_ms),
        });
        for (field, tabs) in [
            ("initialDescription", Tabs { discussion: true, ..Tabs::default() }),
            ("initialInternalAnalysis", Tabs { internal: true, ..Tabs::default() }),
            ("initialResolution", Tabs { resolution: true, ..Tabs::default() }),
        ] {
            let Some(text) = row::text(&written, field).filter(|text| !text.trim().is_empty()) else {
                continue;
            };
            let note = self.append_note(id, text, tabs, API_MEMBER);
            if let Some(ticket) = self.ticket_mut(id).filter(|ticket| ticket.first_note.is_none()) {
                ticket.first_note = Some((note, text.to_owned()));
            }
        }
        self.saved(id, API_MEMBER, Action::Added, row::flag(&written, "skipCallback"));
        Ok(api::one(call, 201, &self.service_ticket(id)?.row))
    }

    pub(super) fn patch_ticket(&mut self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let current = self.service_ticket(id)?.row.clone();
        let body = writing::body(call, TICKET.name)?;
        let written = patch::read(&TICKET, TICKET_WRITE_ONLY, &current, body)?;
        let draft = self.draft(&current, &written);
        let mut row = draft.map_err(|problems| errors::invalid(TICKET.name, &problems))?;
        self.may_close(&row, row::flag(&current, "closedFlag"))?;
        finish(&mut row);
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.row = row;
        }
        self.saved(id, API_MEMBER, Action::Updated, row::flag(&written, "skipCallback"));
        Ok(api::one(call, 200, &self.service_ticket(id)?.row))
    }

    /// Closing has a right of its own, which the right to edit does not include.
    fn may_close(&self, row: &Row, was_closed: bool) -> Result<(), Reply> {
        let closes = self.is_closed_status(row) && !was_closed;
        if closes && self.denied.contains(&Right::CloseTickets) { Err(errors::forbidden()) } else { Ok(()) }
    }

    fn is_closed_status(&self, row: &Row) -> bool {
        let status = row::int(row, "status/id").and_then(|id| self.find(Table::Statuses, id));
        status.is_some_and(|status| row::flag(status, "closedStatus"))
    }

    /// Sets what the status says about closing, notes who saved, and tells the subscribers: every save does.
    pub(super) fn saved(&mut self, id: i64, member: i64, action: Action, is_silent: bool) {
        let now = self.now();
        let who = self.member_name(member);
        let Some(ticket) = self.ticket(id) else { return };
        let closed = self.is_closed_status(&ticket.row);
        let was_closed = ticket.closed_at.is_some();
        let Some(ticket) = self.ticket_mut(id) else { return };
        if closed && !was_closed {
            ticket.closed_at = Some(now);
            for (name, value) in
                [("closedDate", row::time(now)), ("closedBy", who.clone()), ("dateResolved", row::time(now))]
            {
                ticket.row.insert(name.to_owned(), value.into());
            }
        } else if !closed {
            ticket.closed_at = None;
            for name in ["closedDate", "closedBy", "dateResolved"] {
                ticket.row.remove(name);
            }
        }
        ticket.row.insert("closedFlag".to_owned(), closed.into());
        store::stamp(&mut ticket.row, &who, now);
        if !is_silent {
            let row = ticket.row.clone();
            self.emit("ticket", action, &row, member);
        }
    }

    pub(super) fn remove_ticket(&mut self, id: i64, member: i64) {
        let Some(ticket) = self.ticket_mut(id) else { return };
        ticket.is_deleted = true;
        let row = ticket.row.clone();
        self.emit("ticket", Action::Deleted, &row, member);
    }

    /// `…/tickets/{id}/configurations`.
    pub(super) fn serve_ticket_configurations(
        &mut self,
        call: &Call,
        id: i64,
        parts: &[&str],
    ) -> Result<Reply, Reply> {
        let resource = Table::Configurations.resource();
        let ticket = self.service_ticket(id)?;
        let company = row::int(&ticket.row, "company/id");
        let linked = ticket.configurations.clone();
        let references = linked.iter().filter_map(|linked| self.find(Table::Configurations, *linked));
        let references: Vec<Row> =
            references.map(|found| row::row(store::reference(Table::Configurations, found))).collect();
        match (call.method.as_str(), parts) {
            ("GET", []) => {
                let listing = super::listing::Listing::read(call, resource.reference, &self.options)?;
                Ok(listing.page(references.iter()))
            }
            ("GET", ["count"]) => Ok(Reply::ok(&json!({ "count": references.len() }))),
            ("POST", []) => {
                let refuse = |problem| errors::invalid("configurationReference", &[problem]);
                let body = writing::object(call, "configurationReference")?;
                // By id alone; a deviceIdentifier is not enough (christaylorcodes/ConnectWiseManageAPI#30).
                let wanted = body.get("id").and_then(Value::as_i64);
                let wanted = wanted.ok_or_else(|| refuse(errors::Problem::missing("id")))?;
                let found = self.find(Table::Configurations, wanted);
                let found =
                    found.filter(|found| row::int(found, "company/id") == company).ok_or_else(|| {
                        refuse(errors::Problem::not_found("id", format!("Configuration {wanted} not found")))
                    })?;
                let reference = store::reference(Table::Configurations, found);
                if linked.contains(&wanted) {
                    return Err(refuse(errors::Problem::exists("id", "It is attached already.")));
                }
                if let Some(ticket) = self.ticket_mut(id) {
                    ticket.configurations.push(wanted);
                }
                self.saved(id, API_MEMBER, Action::Updated, false);
                Ok(Reply::json(201, &reference))
            }
            ("DELETE", [configuration]) => {
                let wanted = api::number(configuration)?;
                if !linked.contains(&wanted) {
                    return Err(errors::not_found("Configuration", configuration));
                }
                if let Some(ticket) = self.ticket_mut(id) {
                    ticket.configurations.retain(|known| *known != wanted);
                }
                self.saved(id, API_MEMBER, Action::Updated, false);
                Ok(Reply::empty(204))
            }
            ("GET", [configuration]) => {
                let wanted = api::number(configuration)?;
                let found = references.iter().find(|found| row::id(found) == wanted);
                let found = found.ok_or_else(|| errors::not_found("Configuration", configuration))?;
                Ok(api::one(call, 200, found))
            }
            (method, [] | [_]) => Err(errors::wrong_method(method)),
            _ => Err(errors::no_endpoint()),
        }
    }
}

/// The user-defined fields in full; one that was not written has lost its value.
fn finish(row: &mut Row) {
    let mut fields = row.get("customFields").and_then(Value::as_array).into_iter().flatten();
    let value = fields.find_map(|field| field.get("value").cloned());
    row.insert("customFields".to_owned(), json!([seed::custom_field(value)]));
}
