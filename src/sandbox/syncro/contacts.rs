//! Contacts: answered flat, without a wrapper.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    dates, paging,
    params::{self, Fields, Kind, Params},
    replies,
    settings::ACCOUNT,
    world::SyncroWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// A person at a customer.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub(super) id: i64,
    pub(super) customer_id: i64,
    pub(super) fields: Map<String, Value>,
    pub(super) properties: Map<String, Value>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

const TEXTS: [&str; 9] = ["name", "address1", "address2", "city", "state", "zip", "email", "phone", "mobile"];
const FIELDS: Fields = &[
    ("customer_id", Kind::Int),
    ("name", Kind::Text),
    ("address1", Kind::Text),
    ("address2", Kind::Text),
    ("city", Kind::Text),
    ("state", Kind::Text),
    ("zip", Kind::Text),
    ("email", Kind::Text),
    ("phone", Kind::Text),
    ("mobile", Kind::Text),
    ("title", Kind::Text),
    ("notes", Kind::Text),
];

impl Contact {
    pub(super) fn name(&self) -> &str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    fn write(&mut self, sent: &Params) {
        for name in TEXTS.into_iter().chain(["notes"]) {
            if sent.has(name) {
                self.fields.insert(name.to_owned(), sent.get(name));
            }
        }
        // There is no column for a title.
        if sent.has("title") {
            self.properties.insert("title".to_owned(), sent.get("title"));
        }
    }

    /// What is wrong with it, one sentence after the other.
    fn complaints(&self, sent: &Params) -> Vec<String> {
        let mut wrong = sent.complaints(FIELDS);
        let mail = self.fields.get("email").and_then(Value::as_str).unwrap_or_default();
        if !mail.is_empty() && !params::is_mail(mail) {
            wrong.push("Email is not an email".to_owned());
        }
        wrong
    }
}

impl SyncroWorld {
    pub(super) fn contact(&self, id: i64) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.id == id)
    }

    pub(super) fn contact_json(&self, contact: &Contact) -> Value {
        let local = self.options.local_times;
        let mut json = json!({
            "id": contact.id,
            "notes": contact.fields.get("notes").cloned().unwrap_or_default(),
            "latitude": Value::Null,
            "longitude": Value::Null,
            "customer_id": contact.customer_id,
            "account_id": ACCOUNT,
            "created_at": dates::written(contact.created_at, local),
            "updated_at": dates::written(contact.updated_at, local),
            "vendor_id": Value::Null,
            "properties": contact.properties,
            "opt_out": false,
            "extension": Value::Null,
        });
        if let Value::Object(json) = &mut json {
            for name in TEXTS {
                json.insert(name.to_owned(), contact.fields.get(name).cloned().unwrap_or_default());
            }
        }
        json
    }

    pub(super) fn list_contacts(&self, call: &Call) -> Reply {
        let query = call.query();
        let customer = query.text("customer_id").map(|text| text.parse().unwrap_or(-1));
        let found =
            self.contacts.iter().filter(|contact| customer.is_none_or(|id| contact.customer_id == id));
        let page = paging::cut(&query, self.options.contacts_per_page, found.collect());
        let rows: Vec<_> = page.rows.iter().map(|contact| self.contact_json(contact)).collect();
        Reply::ok(&json!({ "contacts": rows, "meta": page.meta(true, true) }))
    }

    pub(super) fn get_contact(&self, id: i64) -> Result<Reply, Reply> {
        let contact = self.contact(id).ok_or_else(replies::not_found)?;
        Ok(Reply::ok(&self.contact_json(contact)))
    }

    pub(super) fn create_contact(&mut self, call: &Call) -> Result<Reply, Reply> {
        let sent = Params::read(call)?;
        let now = self.now();
        let mut contact = Contact {
            id: 0,
            customer_id: sent.int("customer_id").unwrap_or(0),
            fields: Map::new(),
            properties: Map::new(),
            created_at: now,
            updated_at: now,
        };
        contact.write(&sent);
        let mut wrong = contact.complaints(&sent);
        if !sent.has("customer_id") {
            wrong.insert(0, "Customer can't be blank".to_owned());
        } else if wrong.is_empty() && self.customer(contact.customer_id).is_none() {
            return Err(replies::not_found());
        }
        self.accept_contact(&contact, &wrong)?;
        contact.id = self.next_id();
        let told = self.contact_json(&contact);
        self.contacts.push(contact);
        Ok(Reply::ok(&told))
    }

    pub(super) fn update_contact(&mut self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let mut contact = self.contact(id).ok_or_else(replies::not_found)?.clone();
        let sent = Params::read(call)?;
        contact.write(&sent);
        contact.updated_at = self.now();
        let mut wrong = contact.complaints(&sent);
        if sent.text("name").is_none() {
            wrong.push("Name can't be blank".to_owned());
        }
        if sent.has("customer_id") {
            contact.customer_id = sent.int("customer_id").unwrap_or(0);
            if self.customer(contact.customer_id).is_none() {
                wrong.push("Customer can't be blank".to_owned());
            }
        }
        self.accept_contact(&contact, &wrong)?;
        let told = self.contact_json(&contact);
        if let Some(kept) = self.contacts.iter_mut().find(|kept| kept.id == id) {
            *kept = contact;
        }
        Ok(Reply::ok(&told))
    }

    /// Refuses with the record and one text for all errors, a shape that only contacts have.
    fn accept_contact(&self, contact: &Contact, wrong: &[String]) -> Result<(), Reply> {
        if wrong.is_empty() {
            return Ok(());
        }
        let mut record = self.contact_json(contact);
        if let (0, Value::Object(record)) = (contact.id, &mut record) {
            for name in ["id", "created_at", "updated_at"] {
                record.insert(name.to_owned(), Value::Null);
            }
        }
        Err(Reply::json(422, &json!({ "record": record, "errors": wrong.join(", ") })))
    }
}
