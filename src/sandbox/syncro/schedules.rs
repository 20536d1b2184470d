//! Recurring invoices, as far as quantities are set on them.

use serde_json::{Value, json};

use super::{
    paging,
    params::{Fields, Kind, Params},
    replies,
    settings::{ACCOUNT, USERS},
    world::SyncroWorld,
};
use crate::sandbox::frame::{Call, LedgerBilling, Reply};

/// Recurring invoices a page.
const PER_PAGE: usize = 25;

/// A recurring invoice with one line.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) id: i64,
    pub(super) customer_id: i64,
    pub(super) name: String,
    pub(super) line: Line,
}

/// A line; its quantity in hundredths.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) hundredths: i64,
    pub(super) retail_cents: i64,
    /// How often its quantity was set.
    pub(super) writes: u32,
}

const LINE: Fields = &[("quantity", Kind::Number), ("name", Kind::Text), ("retail_cents", Kind::Int)];

impl Schedule {
    fn json(&self, with_lines: bool) -> Value {
        let lines = if with_lines { vec![self.line_json()] } else { Vec::new() };
        json!({
            "id": self.id,
            "account_id": ACCOUNT,
            "customer_id": self.customer_id,
            "email_customer": false,
            "frequency": "Monthly",
            "name": self.name,
            "next_run": "2027-01-01T00:00:00.000Z",
            "snail_mail": false,
            "charge_mop": false,
            "subtotal": 0,
            "invoice_unbilled_ticket_charges": false,
            "paused": true,
            "last_invoice_paid": Value::Null,
            "lines": lines,
        })
    }

    /// Quantities are texts, prices come in cents and in whole money.
    fn line_json(&self) -> Value {
        let line = &self.line;
        let price = format!("{}.{:02}", line.retail_cents / 100, line.retail_cents % 100);
        json!({
            "id": line.id,
            "cost_cents": 0,
            "description": line.name,
            "name": line.name,
            "position": 1,
            "product_id": Value::Null,
            "quantity": format!("{}.{:02}", line.hundredths / 100, line.hundredths % 100),
            "retail_cents": line.retail_cents,
            "schedule_id": self.id,
            "taxable": false,
            "user_id": USERS[0].id,
            "price_cost": 0.0,
            "price_retail": price.parse::<f64>().unwrap_or_default(),
            "product_category": Value::Null,
            "asset_type_id": Value::Null,
            "recurring_type_id": Value::Null,
            "device_ids": [],
            "one_time_charge": false,
        })
    }
}

impl SyncroWorld {
    /// `GET /schedules`: no meta, and no lines.
    pub(super) fn list_schedules(&self, call: &Call) -> Reply {
        let query = call.query();
        let customer = query.text("customer_id").map(|text| text.parse().unwrap_or(-1));
        let found =
            self.schedules.iter().filter(|schedule| customer.is_none_or(|id| schedule.customer_id == id));
        let page = paging::cut(&query, PER_PAGE, found.collect());
        let rows: Vec<_> = page.rows.iter().map(|schedule| schedule.json(false)).collect();
        Reply::ok(&json!({ "schedules": rows }))
    }

    /// What truly stands in the schedules.
    pub(super) fn tell_billing(&self) -> Vec<LedgerBilling> {
        let tell = |schedule: &Schedule| LedgerBilling {
            company_id: schedule.customer_id.into(),
            invoice_id: schedule.id.into(),
            id: schedule.line.id.into(),
            name: schedule.line.name.clone(),
            quantity: plain(schedule.line.hundredths),
            writes: schedule.line.writes,
        };
        self.schedules.iter().map(tell).collect()
    }

    pub(super) fn get_schedule(&self, id: i64) -> Result<Reply, Reply> {
        let schedule = self.schedules.iter().find(|schedule| schedule.id == id);
        let schedule = schedule.ok_or_else(replies::not_found)?;
        Ok(Reply::ok(&json!({ "schedule": schedule.json(true) })))
    }

    pub(super) fn update_schedule_line(&mut self, call: &Call, id: i64, line: i64) -> Result<Reply, Reply> {
        let schedule =
            self.schedules.iter_mut().find(|schedule| schedule.id == id && schedule.line.id == line);
        let schedule = schedule.ok_or_else(replies::not_found)?;
        let sent = Params::read(call)?;
        let mut wrong = sent.complaints(LINE);
        if sent.has("name") && sent.text("name").is_none() {
            wrong.push("Name can't be blank".to_owned());
        }
        let quantity = sent.get("quantity");
        let hundredths = hundredths(&quantity);
        if !quantity.is_null() && hundredths.is_none() {
            wrong.push("Quantity is not a number".to_owned());
        }
        if !wrong.is_empty() {
            return Err(replies::invalid_list(&wrong));
        }
        if let Some(name) = sent.text("name") {
            name.clone_into(&mut schedule.line.name);
        }
        schedule.line.writes += u32::from(hundredths.is_some());
        schedule.line.hundredths = hundredths.unwrap_or(schedule.line.hundredths);
        schedule.line.retail_cents = sent.int("retail_cents").unwrap_or(schedule.line.retail_cents);
        Ok(Reply::ok(&json!({ "schedule_line_item": schedule.line_json() })))
    }
}

/// Hundredths as people write them.
fn plain(hundredths: i64) -> String {
    let (whole, part) = (hundredths / 100, hundredths % 100);
    if part == 0 { whole.to_string() } else { format!("{whole}.{part:02}") }
}

/// A number of at most two decimal places, in hundredths.
fn hundredths(quantity: &Value) -> Option<i64> {
    let text = quantity.as_number()?.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let part: i64 = format!("{part:0<2}").get(..2)?.parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part).filter(|sum| *sum >= 0)
}
