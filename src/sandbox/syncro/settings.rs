//! Lists of values, and the people of the account.

use serde_json::{Map, Value, json};

use super::{dates, replies, world::SyncroWorld};
use crate::sandbox::frame::Reply;

/// The account's number, which many records repeat.
pub(super) const ACCOUNT: i64 = 20_417;

/// `ticket_status_list` of a new account.
pub(super) const STATUSES: [&str; 8] = [
    "New",
    "In Progress",
    RESOLVED,
    "Invoiced",
    "Waiting for Parts",
    "Waiting on Customer",
    "Scheduled",
    "Customer Reply",
];
pub(super) const RESOLVED: &str = "Resolved";
const CLOSED: [&str; 2] = [RESOLVED, "Invoiced"];

/// `ticket.problem_types` of the settings.
pub(super) const PROBLEM_TYPES: [&str; 5] = ["Virus", "TuneUp", "Hardware", "Software", "Other"];
/// `ticket.priorities` of the settings.
pub(super) const PRIORITIES: [&str; 5] = ["", "0 Urgent", "1 High", "2 Normal", "3 Low"];

/// Ticket types: id and name.
pub(super) const TICKET_TYPES: [(i64, &str); 2] = [(701, "Support"), (702, "Security")];
/// Fields of ticket types: id, name, type.
pub(super) const TICKET_FIELDS: [(i64, &str, i64); 2] =
    [(811, "Requested by", 701), (812, "External Reference", 702)];

/// Asset types: id and name. The API cannot make more.
pub(super) const ASSET_TYPES: [(i64, &str); 3] =
    [(901, "Syncro Device"), (902, "Server"), (903, "Network Device")];

/// Somebody who works here.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    pub(super) admin: bool,
}

/// The token's owner first.
pub(super) const USERS: [User; 3] = [
    User { id: 10_501, name: "Gateway Token", email: "gateway@quayside-it.example", admin: false },
    User { id: 10_502, name: "Dana Smith", email: "dana.smith@quayside-it.example", admin: true },
    User { id: 10_503, name: "Sam Lee", email: "sam.lee@quayside-it.example", admin: false },
];

pub(super) fn is_closed(status: &str) -> bool {
    CLOSED.contains(&status)
}

pub(super) fn user(id: i64) -> Option<&'static User> {
    USERS.iter().find(|user| user.id == id)
}

pub(super) fn ticket_type_name(id: i64) -> Option<&'static str> {
    TICKET_TYPES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

impl SyncroWorld {
    /// People who can do deeds.
    pub(super) fn technicians() -> impl Iterator<Item = &'static User> {
        USERS.iter().skip(1)
    }

    /// `GET /users`: pairs, no objects, no meta.
    pub(super) fn list_users() -> Reply {
        let pairs: Vec<_> = USERS.iter().map(|user| json!([user.id, user.name])).collect();
        Reply::ok(&json!({ "users": pairs }))
    }

    pub(super) fn get_user(&self, id: i64) -> Result<Reply, Reply> {
        let user = user(id).ok_or_else(replies::not_found)?;
        Ok(Reply::ok(&json!({ "user": self.user_json(user) })))
    }

    pub(super) fn user_json(&self, user: &User) -> Value {
        let at = dates::written(self.founded, self.options.local_times);
        let group = if user.admin { "Admins" } else { "Techs" };
        json!({
            "id": user.id, "email": user.email, "full_name": user.name, "created_at": at, "updated_at": at,
            "group": group, "admin": user.admin, "color": "55b932",
        })
    }

    /// `GET /tickets/settings`. No permission is named for it.
    pub(super) fn ticket_settings(&self) -> Reply {
        let users: Vec<_> = USERS.iter().map(|user| json!({ "id": user.id, "name": user.name })).collect();
        Reply::ok(&json!({
            "ticket_status_list": STATUSES,
            "default_labor_product_id": Value::Null,
            "ticket_timer_charge_by_default": Value::Null,
            "saved_searches": [],
            "ticket_types": self.ticket_types(),
            "ticket_type_fields": self.ticket_fields(None),
            "ticket_type_field_answers": [],
            "appointment_types": [],
            "users": users,
            "dashboard_settings": Value::Null,
            "worksheet_templates": [],
            "require_ticket_type": if self.options.require_ticket_type { json!(true) } else { Value::Null },
            "require_intake_form_with_ticket": Value::Null,
            "require_outtake_form_with_ticket": Value::Null,
            "ticket_workflow_default_id": Value::Null,
        }))
    }

    /// `GET /settings`.
    pub(super) fn settings(&self) -> Reply {
        let at = dates::written(self.founded, self.options.local_times);
        let asset_types: Vec<_> = ASSET_TYPES
            .iter()
            .map(|(id, name)| {
                json!({ "id": id, "name": name, "account_id": ACCOUNT, "created_at": at, "updated_at": at })
            })
            .collect();
        let hours: Vec<_> = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
            .iter()
            .map(|day| json!({ "day": day, "start": "09:00", "end": "17:00", "closed": false }))
            .collect();
        Reply::ok(&json!({
            "customers": {
                "required_fields": Value::Null, "customer_fields": [], "customer_field_answers": [],
            },
            "assets": {
                "asset_types": asset_types, "asset_type_fields": [], "asset_type_field_answers": [],
            },
            "locale": {
                "iso_code": "en", "currency_symbol": "$",
                "date_format": "mm-dd-yy", "time_format": "hh:mm tt",
                "time_zone": "America/Los_Angeles", "time_offset": dates::OFFSET,
            },
            "ticket": {
                "ticket_types": self.ticket_types(),
                "ticket_type_fields": self.ticket_fields(None),
                "ticket_type_field_answers": [],
                "problem_types": PROBLEM_TYPES,
                "priorities": PRIORITIES,
            },
            "business_hours_enabled": true,
            "business_hours": hours,
            "default_holiday_calendar": "USA",
            "msp_addon": Value::Null,
        }))
    }

    fn ticket_types(&self) -> Vec<Value> {
        TICKET_TYPES.iter().filter_map(|(id, _)| self.ticket_type_json(*id)).collect()
    }

    pub(super) fn ticket_type_json(&self, id: i64) -> Option<Value> {
        let at = dates::written(self.founded, self.options.local_times);
        Some(json!({
            "id": id, "name": ticket_type_name(id)?, "account_id": ACCOUNT,
            "created_at": at, "updated_at": at, "disabled": false,
            "intake_terms": Value::Null, "skip_intake": false,
            "outtake_terms": Value::Null, "skip_outtake": false,
        }))
    }

    /// The fields of a ticket type, or of all.
    pub(super) fn ticket_fields(&self, of: Option<i64>) -> Vec<Value> {
        let at = dates::written(self.founded, self.options.local_times);
        let fields = TICKET_FIELDS.iter().filter(|(.., kind)| of.is_none_or(|of| of == *kind));
        let told = fields.map(|(id, name, kind)| {
            json!({
                "id": id, "name": name, "field_type": "text_field", "required": Value::Null,
                "account_id": ACCOUNT, "created_at": at, "updated_at": at, "ticket_type_id": kind,
                "hidden": false, "position": Value::Null,
            })
        });
        told.collect()
    }
}

/// What is kept of a ticket's `properties`: the fields of its type. A name that the type does not have is
/// passed over.
pub(super) fn known_properties(sent: &Map<String, Value>, kind: Option<i64>) -> Map<String, Value> {
    let has = |name: &str| TICKET_FIELDS.iter().any(|(_, field, of)| Some(*of) == kind && *field == name);
    sent.iter().filter(|(name, _)| has(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}
