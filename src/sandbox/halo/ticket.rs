//! A ticket, and the several ways Halo writes one down.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    actions::Action,
    binding::{Fields, Kind, Reads, Record},
    dates,
    picklists::{self, CLOSED},
    world::HaloWorld,
};

/// A ticket; Halo's own word in its schema is "Fault".
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) id: i64,
    /// What was written, with the defaults filled in.
    pub(super) fields: Record,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) last_action_at: Timestamp,
    pub(super) closed_at: Option<Timestamp>,
    /// Stays true after a reopen.
    pub(super) has_been_closed: bool,
    pub(super) deleted: bool,
    /// From when lists and searches see it.
    pub(super) listed_from: Timestamp,
    pub(super) actions: Vec<Action>,
}

/// The fields of a ticket that are looked at, of the 835 in the vendor's document.
pub(super) const TICKET_FIELDS: Fields = &[
    ("id", Kind::Int),
    ("summary", Kind::Text),
    ("details", Kind::Text),
    ("details_html", Kind::Text),
    ("tickettype_id", Kind::Int),
    ("client_id", Kind::Int),
    ("site_id", Kind::Int),
    ("user_id", Kind::Int),
    ("users_name", Kind::Text),
    ("userlookup", Kind::Object),
    ("status_id", Kind::Int),
    ("priority_id", Kind::Int),
    ("sla_id", Kind::Int),
    ("impact", Kind::Int),
    ("urgency", Kind::Int),
    ("source", Kind::Int),
    ("team", Kind::Text),
    ("agent_id", Kind::Int),
    ("category_1", Kind::Text),
    ("category_2", Kind::Text),
    ("category_3", Kind::Text),
    ("category_4", Kind::Text),
    ("assets", Kind::List),
    ("customfields", Kind::List),
    ("third_party_id", Kind::Int),
    ("third_party_id_string", Kind::Text),
    ("reference", Kind::Text),
    ("client_reference", Kind::Text),
    ("supplier_reference", Kind::Text),
    ("userdef1", Kind::Text),
    ("userdef2", Kind::Text),
    ("userdef3", Kind::Text),
    ("userdef4", Kind::Text),
    ("userdef5", Kind::Text),
    ("closure_note", Kind::Text),
    ("parent_id", Kind::Int),
    ("contract_id", Kind::Int),
    ("dateoccurred", Kind::Date),
    ("targetdate", Kind::Date),
    ("note", Kind::Text),
    ("donotapplytemplateintheapi", Kind::Flag),
    ("_novalidate", Kind::Flag),
    ("_forcereassign", Kind::Flag),
    ("dont_do_rules", Kind::Flag),
    ("_dont_fire_automations", Kind::Flag),
];

/// Fields that steer a write and are not kept.
pub(super) const NOT_KEPT: [&str; 8] = [
    "id",
    "userlookup",
    "users_name",
    "note",
    "donotapplytemplateintheapi",
    "_forcereassign",
    "dont_do_rules",
    "_dont_fire_automations",
];

/// Which of Halo's spellings of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `GET /Tickets/{id}`, with `includedetails` or without.
    Detail { included: bool },
    /// A row of a list.
    Row,
    /// The answer to a POST, and the ticket inside a webhook (django-psa-connector).
    Written,
}

impl Ticket {
    pub(super) fn int(&self, name: &str) -> i64 {
        self.fields.int(name).unwrap_or(0)
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.text(name).unwrap_or_default()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.int("status_id") == CLOSED
    }

    /// As people see it: seven digits.
    pub(super) fn number(&self) -> String {
        format!("{:07}", self.id)
    }
}

impl HaloWorld {
    /// A ticket that was not deleted.
    pub(super) fn ticket(&self, id: i64) -> Option<&Ticket> {
        let at = self.tickets.binary_search_by_key(&id, |ticket| ticket.id).ok()?;
        self.tickets.get(at).filter(|ticket| !ticket.deleted)
    }

    pub(super) fn ticket_mut(&mut self, id: i64) -> Option<&mut Ticket> {
        let at = self.tickets.binary_search_by_key(&id, |ticket| ticket.id).ok()?;
        self.tickets.get_mut(at).filter(|ticket| !ticket.deleted)
    }

    pub(super) fn ticket_json(&self, ticket: &Ticket, form: Form) -> Value {
        let mut json = Map::new();
        let mut put = |name: &str, value: Value| json.insert(name.to_owned(), value);
        put("id", ticket.id.into());
        for (name, kind) in TICKET_FIELDS {
            if NOT_KEPT.contains(name) || name.starts_with('_') {
                continue;
            }
            let empty = match kind {
                Kind::Int | Kind::Number => json!(0),
                Kind::List => json!([]),
                Kind::Flag => json!(false),
                Kind::Date => json!(dates::EMPTY),
                Kind::Text | Kind::Guid | Kind::Object => json!(""),
            };
            put(name, ticket.fields.get(*name).cloned().unwrap_or(empty));
        }
        let client = self.client(ticket.int("client_id"));
        let user = self.user(ticket.int("user_id"));
        put("client_name", client.map_or("", |client| &client.name).into());
        put("site_name", self.site(ticket.int("site_id")).map_or("", |site| &site.name).into());
        put("user_name", user.map_or_else(String::new, super::customers::User::name).into());
        put("user_email", user.map_or("", |user| &user.email).into());
        put("dateclosed", dates::zoneless_or_empty(ticket.closed_at).into());
        put("last_update", dates::zoneless(ticket.updated_at).into());
        put("lastactiondate", dates::zoneless(ticket.last_action_at).into());
        put("hasbeenclosed", ticket.has_been_closed.into());
        put("inactive", false.into());
        let team = picklists::TEAMS.iter().find(|(_, name, _)| *name == ticket.text("team"));
        put("team_id", team.map_or(0, |(id, ..)| *id).into());
        match form {
            Form::Detail { included } => {
                put("priority", priority_json(ticket));
                if included {
                    put("status_name", picklists::status_name(ticket.int("status_id")).into());
                }
            }
            Form::Row => {
                // The vendor's schema of a row has none of these.
                let missing = [
                    "details_html",
                    "reference",
                    "client_reference",
                    "assets",
                    "closure_note",
                    "contract_id",
                    "team_id",
                ];
                for name in missing {
                    json.remove(name);
                }
            }
            Form::Written => {
                let old = [
                    ("last_update", "lastupdate"),
                    ("user_email", "useremail"),
                    ("category_1", "category1"),
                    ("category_2", "category2"),
                    ("category_3", "category3"),
                    ("category_4", "category4"),
                ];
                for (name, spelling) in old {
                    let value = json.remove(name).unwrap_or_default();
                    json.insert(spelling.to_owned(), value);
                }
            }
        }
        Value::Object(json)
    }
}

fn priority_json(ticket: &Ticket) -> Value {
    let rows = picklists::priority_rows(Some(ticket.int("sla_id")));
    let found = rows
        .into_iter()
        .find(|row| row.get("priorityid").and_then(Value::as_i64) == Some(ticket.int("priority_id")));
    found.unwrap_or_default()
}
