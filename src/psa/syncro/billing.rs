//! Recurring invoices, which Syncro calls schedules, and their lines.
//!
//! The list shows no lines, so each schedule is read by itself. Quantities are read as texts and sent as numbers.

use async_trait::async_trait;
use entity::Quantity;
use serde_json::{Value, json};

use super::{Connection, errors::short, paging::Place, wire};
use crate::{
    psa::{Billing, PsaError},
    sync::billing::remote::{LinePlace, QuantityChange, RemoteBillingLine},
};

/// How many pages of one customer's schedules are read: more than anybody was seen to have.
const PAGES: usize = 40;

#[async_trait]
impl Billing for Connection {
    async fn lines(&self, company_external_id: &str, _day: &str) -> Result<Vec<RemoteBillingLine>, PsaError> {
        let customer = id(company_external_id)?;
        let query = [("customer_id", customer.to_string())];
        let schedules = self.pages("/schedules", "schedules", &query, Place::START, PAGES).await?;
        if schedules.next.is_some() {
            let reason = format!("the customer has more schedules than {PAGES} pages hold");
            return Err(PsaError::Rejected { field: None, reason });
        }
        let mut lines = Vec::new();
        for schedule in schedules.items {
            // A filter that was ignored must not show another customer's lines.
            if wire::id(&schedule, "customer_id") != Some(customer) {
                continue;
            }
            let Some(id) = wire::id(&schedule, "id") else { continue };
            let Some(whole) = self.api.get_record(&format!("/schedules/{id}"), "schedule").await? else {
                continue;
            };
            lines.extend(self.lines_of(&whole));
        }
        Ok(lines)
    }

    async fn line(&self, place: &LinePlace) -> Result<Option<RemoteBillingLine>, PsaError> {
        let schedule = id(&place.invoice_external_id)?;
        let Some(whole) = self.api.get_record(&format!("/schedules/{schedule}"), "schedule").await? else {
            return Ok(None);
        };
        if wire::id(&whole, "customer_id").map(|id| id.to_string()).as_deref()
            != Some(&place.company_external_id)
        {
            let reason = String::from("the schedule is another customer's by now; pick another line");
            return Err(PsaError::Rejected { field: None, reason });
        }
        Ok(self.lines_of(&whole).into_iter().find(|line| line.external_id == place.external_id))
    }

    /// Nothing but the quantity goes out.
    async fn set_quantity(&self, change: &QuantityChange) -> Result<(), PsaError> {
        let (schedule, line) = (id(&change.place.invoice_external_id)?, id(&change.place.external_id)?);
        let quantity =
            change.sent.as_whole().map_or_else(|| json!(change.sent.as_f64()), |whole| json!(whole));
        let path = format!("/schedules/{schedule}/line_items/{line}");
        self.api.put(&path, &json!({ "quantity": quantity })).await.map(|_| ())
    }
}

impl Connection {
    fn lines_of(&self, schedule: &Value) -> Vec<RemoteBillingLine> {
        let Some(schedule_id) = wire::id(schedule, "id") else { return Vec::new() };
        let rows = schedule.get("lines").and_then(Value::as_array).into_iter().flatten();
        rows.filter_map(|row| {
            let id = wire::id(row, "id")?;
            let name = wire::text(row, "name").or_else(|| wire::text(row, "description")).unwrap_or_default();
            Some(RemoteBillingLine {
                invoice_external_id: schedule_id.to_string(),
                invoice_name: short(wire::text(schedule, "name").unwrap_or_default()),
                invoice_rhythm: rhythm(schedule),
                external_id: id.to_string(),
                name: short(name),
                quantity: quantity(row)?,
                fixed_because: fixed(row),
                url: self.api.page(&format!("schedules/{schedule_id}")),
            })
        })
        .collect()
    }
}

/// "9.99", or 9.99 as the vendor's document has it for writing.
fn quantity(row: &Value) -> Option<Quantity> {
    match row.get("quantity")? {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => number.as_f64().and_then(Quantity::from_f64),
        Value::Null => Some(Quantity(0)),
        _ => None,
    }
}

fn rhythm(schedule: &Value) -> Option<String> {
    let frequency = wire::text(schedule, "frequency")?;
    let next = wire::text(schedule, "next_run").and_then(|at| at.get(..10).map(str::to_owned));
    let next = next.map(|day| format!(", next on {day}")).unwrap_or_default();
    let paused = if wire::is(schedule, "paused") == Some(true) { ", paused" } else { "" };
    Some(format!("{frequency}{next}{paused}"))
}

/// Lines that Syncro counts by itself, and those that are billed once.
fn fixed(row: &Value) -> Option<String> {
    let has = |key: &str| row.get(key).is_some_and(|value| !value.is_null());
    let counts = has("recurring_type_id")
        || has("asset_type_id")
        || row.get("device_ids").and_then(Value::as_array).is_some_and(|ids| !ids.is_empty());
    if counts {
        return Some("Syncro counts it by itself (by assets, contacts or a saved search)".to_owned());
    }
    (wire::is(row, "one_time_charge") == Some(true)).then(|| "it is a one-time charge".to_owned())
}

/// Ids of ours come from Syncro, and go into paths.
fn id(text: &str) -> Result<i64, PsaError> {
    let refuse =
        || PsaError::Rejected { field: None, reason: format!("\"{}\" is no id of Syncro", short(text)) };
    text.parse::<i64>().ok().filter(|id| *id > 0).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_texts_and_numbers_and_lines_that_syncro_counts_are_left_to_it() {
        for (row, whole) in [
            (json!({ "quantity": "9.99" }), Some(Quantity(9_990))),
            (json!({ "quantity": 42 }), Some(Quantity::whole(42))),
            (json!({ "quantity": null }), Some(Quantity(0))),
            (json!({ "quantity": [] }), None),
            (json!({}), None),
        ] {
            assert_eq!(quantity(&row), whole, "{row}");
        }
        assert_eq!(fixed(&json!({ "recurring_type_id": null, "device_ids": [] })), None);
        assert!(fixed(&json!({ "recurring_type_id": 3 })).is_some());
        assert!(fixed(&json!({ "device_ids": [1] })).is_some());
        assert!(fixed(&json!({ "one_time_charge": true })).is_some_and(|why| why.contains("one-time")));
    }

    #[test]
    fn what_is_no_id_never_becomes_part_of_a_path() {
        for text in ["", "../1", "-1", "1/2", "0"] {
            assert!(id(text).is_err(), "{text}");
        }
        assert_eq!(id("17").ok(), Some(17));
    }
}
