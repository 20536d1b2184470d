//! Customers.

use std::cmp::Ordering;

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    access::SUBDOMAIN,
    dates, paging,
    params::{self, Fields, Kind, Params},
    replies,
    world::SyncroWorld,
};
use crate::sandbox::frame::{Call, Query, Reply};

/// How many names `autocomplete` gives at most. Not documented.
const AUTOCOMPLETED: usize = 25;

/// A business, or a person who is none.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) id: i64,
    /// What was written.
    pub(super) fields: Map<String, Value>,
    pub(super) disabled: bool,
    /// Opens the customer's portal without a login: a secret.
    pub(super) portal_key: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

const FIELDS: Fields = &[
    ("business_name", Kind::Text),
    ("firstname", Kind::Text),
    ("lastname", Kind::Text),
    ("email", Kind::Text),
    ("phone", Kind::Text),
    ("mobile", Kind::Text),
    ("address", Kind::Text),
    ("address_2", Kind::Text),
    ("city", Kind::Text),
    ("state", Kind::Text),
    ("zip", Kind::Text),
    ("notes", Kind::Text),
    ("get_sms", Kind::Flag),
    ("opt_out", Kind::Flag),
    ("no_email", Kind::Flag),
    ("ref_customer_id", Kind::Int),
    ("referred_by", Kind::Text),
    ("tax_rate_id", Kind::Int),
    ("notification_email", Kind::Text),
    ("invoice_cc_emails", Kind::Text),
    ("invoice_term_id", Kind::Int),
    ("properties", Kind::Object),
];

impl Customer {
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn full_name(&self) -> String {
        format!("{} {}", self.text("firstname"), self.text("lastname")).trim().to_owned()
    }

    /// The business's name, else the person's: `business_then_name`.
    pub(super) fn name(&self) -> String {
        let business = self.text("business_name");
        if business.is_empty() { self.full_name() } else { business.to_owned() }
    }

    /// Whether a public comment would be mailed to somebody.
    pub(super) fn takes_mail(&self) -> bool {
        let declines = self.fields.get("no_email").and_then(Value::as_bool).unwrap_or(false);
        !declines && !self.text("email").is_empty()
    }

    fn business_and_full_name(&self) -> String {
        let (business, person) = (self.text("business_name"), self.full_name());
        match (business.is_empty(), person.is_empty()) {
            (false, false) => format!("{business} - {person}"),
            (true, _) => person,
            _ => business.to_owned(),
        }
    }
}

impl SyncroWorld {
    pub(super) fn customer(&self, id: i64) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.id == id)
    }

    /// As a list, a record and a ticket write it.
    pub(super) fn customer_json(&self, customer: &Customer) -> Value {
        let field = |name: &str| customer.fields.get(name).cloned().unwrap_or_default();
        let flag = |name: &str| Value::Bool(field(name).as_bool().unwrap_or(false));
        let text = |text: String| if text.is_empty() { Value::Null } else { text.into() };
        let (local, of_this) = (self.options.local_times, |id| id == customer.id);
        let contacts: Vec<_> = self
            .contacts
            .iter()
            .filter(|contact| of_this(contact.customer_id))
            .map(|contact| self.contact_json(contact))
            .collect();
        json!({
            "id": customer.id,
            "firstname": field("firstname"),
            "lastname": field("lastname"),
            "fullname": customer.full_name(),
            "business_name": text(customer.text("business_name").to_owned()),
            "email": field("email"),
            "phone": field("phone"),
            "mobile": field("mobile"),
            "created_at": dates::written(customer.created_at, local),
            "updated_at": dates::written(customer.updated_at, local),
            "pdf_url": Value::Null,
            "address": field("address"),
            "address_2": field("address_2"),
            "city": field("city"),
            "state": field("state"),
            "zip": field("zip"),
            "latitude": Value::Null,
            "longitude": Value::Null,
            "notes": field("notes"),
            "get_sms": flag("get_sms"),
            "opt_out": flag("opt_out"),
            "disabled": customer.disabled,
            "no_email": flag("no_email"),
            "location_name": Value::Null,
            "location_id": Value::Null,
            "properties": if field("properties").is_object() { field("properties") } else { json!({}) },
            "online_profile_url": format!(
                "https://{SUBDOMAIN}.syncromsp.com/my_profile/v2/index?portal_key={}",
                customer.portal_key
            ),
            "tax_rate_id": field("tax_rate_id"),
            "notification_email": field("notification_email"),
            "invoice_cc_emails": field("invoice_cc_emails"),
            "invoice_term_id": field("invoice_term_id"),
            "referred_by": field("referred_by"),
            "ref_customer_id": field("ref_customer_id"),
            "business_and_full_name": customer.business_and_full_name(),
            "business_then_name": customer.name(),
            "contacts": contacts,
        })
    }

    pub(super) fn list_customers(&self, call: &Call) -> Result<Reply, Reply> {
        let query = call.query();
        let with_disabled = query.text("include_disabled").is_some_and(|flag| flag == "true" || flag == "1");
        let (only, without) = (ids(&query, "id[]"), ids(&query, "not_id[]"));
        let like = |customer: &Customer, name: &str| {
            query.text(name).is_none_or(|part| paging::holds(customer.text(name), part))
        };
        let mut found: Vec<_> = self
            .customers
            .iter()
            .filter(|customer| {
                (with_disabled || !customer.disabled)
                    && ["business_name", "firstname", "lastname", "email"]
                        .iter()
                        .all(|name| like(customer, name))
                    && query.text("query").is_none_or(|part| is_found(customer, part))
                    && (only.is_empty() || only.contains(&customer.id))
                    && !without.contains(&customer.id)
            })
            .collect();
        if let Some(sort) = query.text("sort") {
            let (column, descends) = read_sort(sort)?;
            found.sort_by(|a, b| {
                let order = by_column(column, a, b);
                if descends { order.reverse() } else { order }
            });
        }
        let page = paging::cut(&query, self.options.customers_per_page, found);
        let rows: Vec<_> = page.rows.iter().map(|customer| self.customer_json(customer)).collect();
        Ok(Reply::ok(&json!({ "customers": rows, "meta": page.meta(true, true) })))
    }

    pub(super) fn autocomplete_customers(&self, call: &Call) -> Reply {
        let query = call.query();
        let part = query.text("query").unwrap_or_default();
        let found = self.customers.iter().filter(|customer| {
            let name = customer.business_and_full_name();
            !customer.disabled && paging::holds(&name, part)
        });
        let rows: Vec<_> = found.take(AUTOCOMPLETED).map(|customer| self.customer_json(customer)).collect();
        Reply::ok(&json!({ "customers": rows }))
    }

    /// A customer that is not there has an empty 404: the document gives that answer no body.
    pub(super) fn get_customer(&self, id: &str) -> Result<Reply, Reply> {
        let customer = id.parse().ok().and_then(|id| self.customer(id)).ok_or_else(|| Reply::empty(404))?;
        Ok(Reply::ok(&json!({ "customer": self.customer_json(customer) })))
    }

    /// `POST /customers`: 200, and a name is needed. What the vendor says without one is not recorded.
    pub(super) fn create_customer(&mut self, call: &Call) -> Result<Reply, Reply> {
        let sent = Params::read(call)?;
        let mut wrong = sent.complaints(FIELDS);
        if !["business_name", "firstname", "lastname"].iter().any(|name| sent.text(name).is_some()) {
            wrong.push("Business name can't be blank".to_owned());
        }
        if let Some(mail) = sent.text("email").filter(|mail| !params::is_mail(mail)) {
            wrong.push("Email is not an email".to_owned());
            wrong.push(format!("Email Only able to parse up to \"{mail}\""));
        }
        if !wrong.is_empty() {
            return Err(replies::invalid_echo(&wrong, &Value::Object(sent.0)));
        }
        let known = |name: &str| FIELDS.iter().any(|(field, _)| *field == name);
        let mut fields: Map<String, Value> = sent.0.into_iter().filter(|(name, _)| known(name)).collect();
        for name in ["phone", "mobile"] {
            if let Some(Value::String(number)) = fields.get_mut(name) {
                number.retain(|letter| letter.is_ascii_digit());
            }
        }
        let now = self.now();
        let customer = Customer {
            id: self.next_id(),
            fields,
            disabled: false,
            portal_key: self.ground.chance.alphanumeric(20).to_lowercase(),
            created_at: now,
            updated_at: now,
        };
        let told = self.customer_json(&customer);
        self.customers.push(customer);
        Ok(Reply::ok(&json!({ "customer": told })))
    }
}

fn is_found(customer: &Customer, part: &str) -> bool {
    paging::holds(&customer.business_and_full_name(), part)
        || ["email", "phone", "mobile"].iter().any(|name| paging::holds(customer.text(name), part))
}

/// The numbers of a list in a query; a list that holds something else finds nothing.
fn ids(query: &Query, name: &str) -> Vec<i64> {
    query.all(name).map(|text| text.trim().parse().unwrap_or(-1)).collect()
}

/// Reads "business_name ASC". What becomes of another column is not recorded: refused.
fn read_sort(sort: &str) -> Result<(&'static str, bool), Reply> {
    const COLUMNS: [&str; 7] =
        ["business_name", "firstname", "lastname", "email", "city", "created_at", "updated_at"];
    let (column, direction) = sort.split_once(char::is_whitespace).unwrap_or((sort, "ASC"));
    let column = COLUMNS.iter().find(|known| **known == column);
    let descends = match direction.trim().to_ascii_uppercase().as_str() {
        "ASC" => Some(false),
        "DESC" => Some(true),
        _ => None,
    };
    column.copied().zip(descends).ok_or_else(|| replies::error(422, &format!("Cannot sort by \"{sort}\"")))
}

fn by_column(column: &str, a: &Customer, b: &Customer) -> Ordering {
    match column {
        "created_at" => a.created_at.cmp(&b.created_at),
        "updated_at" => a.updated_at.cmp(&b.updated_at),
        _ => a.text(column).to_lowercase().cmp(&b.text(column).to_lowercase()),
    }
}
