//! Actions: what was done to a ticket, notes among them.

use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    binding::{self, Fields, Kind, Reads, Record},
    dates, errors,
    events::Actor,
    listing,
    picklists::{self, CLOSED, Outcome},
    query::ReadsQuery as _,
    world::HaloWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// One action; its id is unique only within its ticket (django-psa-connector `action/sync.py`).
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) id: i64,
    pub(super) new: NewAction,
    pub(super) actor: Actor,
    pub(super) at: Timestamp,
    pub(super) old_status: i64,
}

/// What is wanted of an action.
#[derive(Clone, Debug)]
pub(super) struct NewAction {
    pub(super) outcome: &'static Outcome,
    pub(super) note: String,
    pub(super) html: Option<String>,
    pub(super) hidden: bool,
    pub(super) time_taken: f64,
    pub(super) new_status: Option<i64>,
}

const ACTION_FIELDS: Fields = &[
    ("id", Kind::Int),
    ("ticket_id", Kind::Int),
    ("outcome_id", Kind::Int),
    ("outcome", Kind::Text),
    ("note", Kind::Text),
    ("note_html", Kind::Text),
    ("hiddenfromuser", Kind::Flag),
    ("sendemail", Kind::Flag),
    ("timetaken", Kind::Number),
    ("new_status", Kind::Int),
    ("dont_do_rules", Kind::Flag),
    ("attachments", Kind::List),
];

impl NewAction {
    /// A note as people write it in Halo's own pages.
    pub(super) fn note(text: &str, private: bool) -> Self {
        let outcome = if private { &picklists::PRIVATE_NOTE } else { &picklists::UPDATE };
        Self {
            outcome,
            note: text.to_owned(),
            html: None,
            hidden: private,
            time_taken: 0.0,
            new_status: None,
        }
    }
}

impl HaloWorld {
    /// `POST /Actions`.
    pub(super) fn post_actions(&mut self, call: &Call) -> Result<Reply, Reply> {
        let records = binding::records(call, "Actions", ACTION_FIELDS)?;
        let mut written = Vec::new();
        for record in records {
            let ticket_id = record.int("ticket_id").unwrap_or(0);
            let (kind, old_status) = self
                .ticket(ticket_id)
                .map(|ticket| (ticket.int("tickettype_id"), ticket.int("status_id")))
                .ok_or_else(|| errors::exception("Record not found"))?;
            let new = self.read_action(&record, kind)?;
            let status = new.new_status;
            if let Some(id) = record.int("id").filter(|id| *id > 0) {
                written.push(self.rewrite_action(ticket_id, id, new)?);
                continue;
            }
            let action = self.append_action(ticket_id, new, Actor::API);
            self.changed(ticket_id, old_status, status.unwrap_or(old_status), Actor::API, Some(&action));
            written.push(action);
        }
        listing::posted(&call.query(), written)
    }

    fn read_action(&self, record: &Record, kind: i64) -> Result<NewAction, Reply> {
        let (id, name) = (record.int("outcome_id").filter(|id| *id > 0), record.text("outcome"));
        let outcome = match (id, name.map(str::trim).filter(|name| !name.is_empty())) {
            (None, None) => return Err(errors::exception("An Outcome must be entered for this Action")),
            (Some(id), _) => picklists::outcomes().find(|outcome| outcome.id == id),
            (None, Some(name)) => {
                picklists::outcomes().find(|outcome| outcome.name.eq_ignore_ascii_case(name))
            }
        };
        let refused = || errors::exception("You do not have access to this Action at the moment");
        let outcome = outcome.ok_or_else(refused)?;
        if self.access.denied_outcomes.contains(&outcome.id) {
            return Err(refused());
        }
        let wanted = record.int("new_status").filter(|status| *status > 0);
        let own = Some(outcome.new_status).filter(|status| *status > 0);
        let allowed = picklists::ticket_type(kind).map_or(&[][..], |kind| kind.statuses);
        if wanted.is_some_and(|status| !allowed.contains(&status)) {
            return Err(errors::exception("The Status is not allowed for this Ticket Type"));
        }
        let new_status = wanted.or(own.filter(|status| allowed.contains(status)));
        if new_status == Some(CLOSED) && !self.access.may_close() {
            return Err(refused());
        }
        let html = record.text("note_html").map(str::to_owned);
        Ok(NewAction {
            outcome,
            note: record.text("note").map(str::to_owned).or_else(|| html.clone()).unwrap_or_default(),
            html,
            hidden: record.flag("hiddenfromuser").unwrap_or(outcome.hide_from_user),
            time_taken: record.get("timetaken").and_then(Value::as_f64).unwrap_or(0.0),
            new_status,
        })
    }

    fn rewrite_action(&mut self, ticket_id: i64, id: i64, new: NewAction) -> Result<Value, Reply> {
        let missing = || errors::exception("Record not found");
        let ticket = self.ticket_mut(ticket_id).ok_or_else(missing)?;
        let action = ticket.actions.iter_mut().find(|action| action.id == id).ok_or_else(missing)?;
        action.new = NewAction { new_status: action.new.new_status, ..new };
        Ok(action.clone().json(ticket_id, true))
    }

    /// Writes the action down; the caller tells the subscribers.
    pub(super) fn append_action(&mut self, ticket_id: i64, new: NewAction, actor: Actor) -> Value {
        let now = self.now();
        let Some(ticket) = self.ticket_mut(ticket_id) else { return Value::Null };
        let id = ticket.actions.iter().map(|action| action.id).max().unwrap_or(0) + 1;
        let action = Action { id, new, actor, at: now, old_status: ticket.int("status_id") };
        let json = action.json(ticket_id, true);
        ticket.actions.push(action);
        ticket.last_action_at = now;
        ticket.updated_at = now;
        json
    }

    /// `GET /Actions?ticket_id=`; without a ticket there is nothing to list.
    pub(super) fn list_actions(&self, call: &Call) -> Result<Reply, Reply> {
        let query = call.query();
        let with_html = query.flag("includehtmlnote")?;
        let without_private = query.flag("excludeprivate")?;
        let ticket = query.int("ticket_id")?.and_then(|id| self.ticket(id));
        let rows = ticket.map_or_else(Vec::new, |ticket| {
            let actions =
                ticket.actions.iter().rev().filter(|action| !(without_private && action.new.hidden));
            actions.map(|action| action.json(ticket.id, with_html)).collect()
        });
        listing::page(&query, "actions", rows, self.options.page_cap)
    }

    /// `GET /Actions/{id}?ticket_id=`.
    pub(super) fn get_action(&self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let ticket = call.query().int("ticket_id")?.and_then(|id| self.ticket(id));
        let found = ticket.and_then(|ticket| {
            let action = ticket.actions.iter().find(|action| action.id == id)?;
            Some(action.json(ticket.id, true))
        });
        errors::found(found)
    }
}

impl Action {
    fn json(&self, ticket_id: i64, with_html: bool) -> Value {
        let mut json = json!({
            "ticket_id": ticket_id,
            "id": self.id,
            "outcome": self.new.outcome.name,
            "outcome_id": self.new.outcome.id,
            "who": self.actor.name(),
            // 0 is an agent, 1 an end user (Haley `halopsa.ts`).
            "who_type": 0,
            "who_agentid": self.actor.agent_id,
            "datetime": dates::zoneless(self.at),
            "actiondatecreated": dates::zoneless(self.at),
            "note": self.new.note,
            "hiddenfromuser": self.new.hidden,
            "timetaken": self.new.time_taken,
            "old_status": self.old_status,
            "new_status": self.new.new_status.unwrap_or(self.old_status),
            "emailfrom": "",
            "attachment_count": 0,
        });
        if with_html && let Some(fields) = json.as_object_mut() {
            let html = self.new.html.clone().unwrap_or_else(|| format!("<p>{}</p>", self.new.note));
            fields.insert("note_html".to_owned(), html.into());
        }
        json
    }
}
