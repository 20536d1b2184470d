//! Registering callbacks, ConnectWise's webhooks.

use serde_json::{Value, json};

use super::{
    api,
    deeds::API_MEMBER,
    errors::{self, Problem},
    login, patch,
    resources::Table,
    row::{self, Row},
    world::ConnectWiseWorld,
    writing,
};
use crate::sandbox::frame::{Call, Reply};

/// What the `objectId` of a level names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Nothing: all records; it is kept as 1.
    All,
    /// A record of a table.
    Of(Table),
    /// A ticket.
    Ticket,
    /// A kind of record that there is none of here.
    Nothing,
}

/// Types and levels (the vendor's page "PSA Callbacks"), where a record names the level's object, and what
/// object that is.
const LEVELS: &[(&str, &str, &str, Object)] = &[
    ("ticket", "owner", "", Object::All),
    ("ticket", "board", "board/id", Object::Of(Table::Boards)),
    ("ticket", "status", "status/id", Object::Of(Table::Statuses)),
    ("ticket", "project", "project/id", Object::Nothing),
    ("ticket", "phase", "phase/id", Object::Nothing),
    ("ticket", "ticket", "id", Object::Ticket),
    ("ticket", "integratortag", "integratorTags", Object::Of(Table::IntegratorTags)),
    ("company", "owner", "", Object::All),
    ("company", "status", "status/id", Object::Of(Table::CompanyStatuses)),
    ("company", "type", "types", Object::Of(Table::CompanyTypes)),
    ("company", "territory", "territory/id", Object::Of(Table::Locations)),
    ("company", "company", "id", Object::Of(Table::Companies)),
    ("company", "integratortag", "integratorTags", Object::Of(Table::IntegratorTags)),
    ("configuration", "owner", "", Object::All),
    ("configuration", "type", "type/id", Object::Of(Table::ConfigurationTypes)),
    ("configuration", "status", "status/id", Object::Of(Table::ConfigurationStatuses)),
    ("configuration", "configuration", "id", Object::Of(Table::Configurations)),
    ("contact", "owner", "", Object::All),
    ("contact", "company", "company/id", Object::Of(Table::Companies)),
    ("contact", "contact", "id", Object::Of(Table::Contacts)),
    ("agreement", "owner", "", Object::All),
    ("agreement", "company", "company/id", Object::Of(Table::Companies)),
    ("agreement", "type", "type/id", Object::Of(Table::AgreementTypes)),
    ("agreement", "agreement", "id", Object::Of(Table::Agreements)),
];

/// Where a record names the object of a level, and what object that is; letters count without their case.
pub(super) fn level(kind: &str, level: &str) -> Option<(&'static str, Object)> {
    let found = LEVELS.iter().find(|(known_kind, known_level, ..)| {
        known_kind.eq_ignore_ascii_case(kind) && known_level.eq_ignore_ascii_case(level)
    });
    found.map(|(_, _, path, object)| (*path, *object))
}

impl ConnectWiseWorld {
    pub(super) fn create_callback(&mut self, call: &Call) -> Result<Reply, Reply> {
        let resource = Table::Callbacks.resource();
        let body = writing::object(call, resource.name)?;
        let refuse = |problems: Vec<Problem>| errors::invalid(resource.name, &problems);
        let mut row = writing::checked(resource, &[], body).map_err(refuse)?;
        row.retain(|_, value| !value.is_null());
        let usual = json!({
            "description": "", "payloadVersion": "3.0.0", "inactiveFlag": false, "isSoapCallbackFlag": false,
            "isSelfSuppressedFlag": false, "memberId": API_MEMBER, "connectWiseID": login::guid(&self.ground),
        });
        for (name, value) in row::row(usual) {
            row.entry(name).or_insert(value);
        }
        self.check_callback(&mut row, None).map_err(refuse)?;
        let id = self.next_id(Table::Callbacks);
        row.insert("id".to_owned(), id.into());
        self.stamp(&mut row, &self.member_name(API_MEMBER));
        let reply = api::one(call, 201, &row);
        self.keep(Table::Callbacks, row);
        Ok(reply)
    }

    pub(super) fn patch_callback(&mut self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let resource = Table::Callbacks.resource();
        let missing = || errors::not_found(resource.label, &id.to_string());
        let current = self.find(Table::Callbacks, id).ok_or_else(missing)?.clone();
        let body = writing::body(call, resource.name)?;
        let written = patch::read(resource, &[], &current, body)?;
        let mut row = current;
        row.extend(written);
        row.retain(|_, value| !value.is_null());
        let checked = self.check_callback(&mut row, Some(id));
        checked.map_err(|problems| errors::invalid(resource.name, &problems))?;
        self.stamp(&mut row, &self.member_name(API_MEMBER));
        // Switched on again, it has its three days anew.
        self.failing_since.remove(&id);
        let reply = api::one(call, 200, &row);
        if let Some(kept) = self.find_mut(Table::Callbacks, id) {
            *kept = row;
        }
        Ok(reply)
    }

    pub(super) fn delete_callback(&mut self, id: i64) -> Result<Reply, Reply> {
        let label = Table::Callbacks.resource().label;
        self.find(Table::Callbacks, id).ok_or_else(|| errors::not_found(label, &id.to_string()))?;
        if let Some(rows) = self.tables.get_mut(&Table::Callbacks) {
            rows.retain(|row| row::id(row) != id);
        }
        self.failing_since.remove(&id);
        Ok(Reply::empty(204))
    }

    fn check_callback(&self, row: &mut Row, own_id: Option<i64>) -> Result<(), Vec<Problem>> {
        let missing =
            ["url", "objectId", "type", "level"].into_iter().filter(|name| !row.contains_key(*name));
        let missing: Vec<_> = missing.map(Problem::missing).collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let text = |name: &str| row::text(row, name).unwrap_or_default();
        let is_address = |text: &str| {
            url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if !is_address(text("url")) {
            return Err(vec![Problem::invalid("url", "The url field must be an absolute address.")]);
        }
        let Some((_, object)) = level(text("type"), text("level")) else {
            let message = format!("Level {} is not known for type {}.", text("level"), text("type"));
            return Err(vec![Problem::invalid("level", message)]);
        };
        let id = row::int(row, "objectId").unwrap_or(0);
        let exists = match object {
            Object::All => true,
            Object::Of(table) => self.find(table, id).is_some(),
            Object::Ticket => self.ticket(id).is_some(),
            Object::Nothing => false,
        };
        if !exists {
            return Err(vec![Problem::not_found("objectId", format!("Object {id} not found"))]);
        }
        // Registered with 0 and answered with 1 (amp-labs/connectors).
        let id = if object == Object::All { 1 } else { id };
        let same = |other: &Row, name: &str| {
            row::text(other, name).is_some_and(|other| other.eq_ignore_ascii_case(text(name)))
        };
        let is_taken = self.rows(Table::Callbacks).iter().any(|other| {
            own_id != Some(row::id(other))
                && row::int(other, "objectId") == Some(id)
                && ["url", "type", "level"].iter().all(|name| same(other, name))
        });
        if is_taken {
            return Err(vec![Problem::exists("objectId", "A matching callback entry already exists")]);
        }
        row.insert("objectId".to_owned(), id.into());
        Ok(())
    }

    pub(super) fn create_integrator_tag(&mut self, call: &Call) -> Result<Reply, Reply> {
        let resource = Table::IntegratorTags.resource();
        let body = writing::object(call, resource.name)?;
        let refuse = |problems: Vec<Problem>| errors::invalid(resource.name, &problems);
        let mut row = writing::checked(resource, &[], body).map_err(refuse)?;
        let text = row::text(&row, "text").filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| refuse(vec![Problem::missing("text")]))?;
        let is_taken =
            self.rows(Table::IntegratorTags).iter().any(|tag| row::text(tag, "text") == Some(text));
        if is_taken {
            return Err(refuse(vec![Problem::exists("text", "The tag exists already.")]));
        }
        let id = self.next_id(Table::IntegratorTags);
        row.insert("id".to_owned(), Value::from(id));
        self.stamp(&mut row, &self.member_name(API_MEMBER));
        let reply = api::one(call, 201, &row);
        self.keep(Table::IntegratorTags, row);
        Ok(reply)
    }
}
