//! Recurring invoices and their lines. Their ids are negative (such as -94).
//!
//! A line is sent back as it was read, with another quantity: whether Halo keeps what a line leaves out is written
//! nowhere. Other lines are not touched.

use async_trait::async_trait;
use entity::Quantity;
use serde_json::{Value, json};

use super::{Connection, errors::short, paging::Place, wire};
use crate::{
    psa::{Billing, PsaError},
    sync::billing::remote::{LinePlace, QuantityChange, RemoteBillingLine},
};

/// How many pages of a client's recurring invoices are read: more than anybody was seen to have.
const PAGES: usize = 20;

#[async_trait]
impl Billing for Connection {
    async fn lines(&self, company_external_id: &str, _day: &str) -> Result<Vec<RemoteBillingLine>, PsaError> {
        let client = number(company_external_id)?;
        let query = [("client_id", client.to_string()), ("includelines", String::from("true"))];
        let (mut lines, mut place) = (Vec::new(), Some(Place::START));
        for _ in 0..PAGES {
            let Some(at) = place.take() else { return Ok(lines) };
            let page = self.page("/RecurringInvoice", "invoices", &query, at).await?;
            if page.is_stuck {
                let detail = String::from("Halo does not give all pages of its recurring invoices");
                return Err(PsaError::Unavailable { detail });
            }
            // A filter that a build does not know is ignored.
            let own = page.items.iter().filter(|row| wire::int(row, "client_id") == Some(client));
            for invoice in own.filter(|row| wire::is(row, "disabled") != Some(true)) {
                if invoice.get("lines").is_some_and(Value::is_array) {
                    lines.extend(lines_of(invoice));
                } else if let Some(whole) = self.invoice(wire::int(invoice, "id")).await? {
                    lines.extend(lines_of(&whole));
                }
            }
            place = page.next;
        }
        if place.is_some() {
            let reason = format!("the client has more recurring invoices than {PAGES} pages hold");
            return Err(PsaError::Rejected { field: None, reason });
        }
        Ok(lines)
    }

    async fn line(&self, place: &LinePlace) -> Result<Option<RemoteBillingLine>, PsaError> {
        Ok(self.raw_line(place).await?.map(|(line, _)| line))
    }

    async fn set_quantity(&self, change: &QuantityChange) -> Result<(), PsaError> {
        let Some((_, mut row)) = self.raw_line(&change.place).await? else {
            let reason = String::from("Halo no longer has this line; pick another one");
            return Err(PsaError::Rejected { field: None, reason });
        };
        let quantity =
            change.sent.as_whole().map_or_else(|| json!(change.sent.as_f64()), |whole| json!(whole));
        if let Some(fields) = row.as_object_mut() {
            fields.insert("qty_order".to_owned(), quantity);
        }
        self.api.post("/RecurringInvoice/updatelines", row).await.map(|_| ())
    }
}

impl Connection {
    /// A recurring invoice with its lines.
    async fn invoice(&self, id: Option<i64>) -> Result<Option<Value>, PsaError> {
        let Some(id) = id else { return Ok(None) };
        let query = [("includedetails", String::from("true"))];
        let found = self.api.get_some(&format!("/RecurringInvoice/{id}"), &query).await?;
        // Some records that are not there answer 200 with an object of nulls.
        Ok(found.and_then(wire::record).filter(|row| wire::int(row, "id") == Some(id)))
    }

    /// A line, and the row that it was read from.
    async fn raw_line(&self, place: &LinePlace) -> Result<Option<(RemoteBillingLine, Value)>, PsaError> {
        let (client, invoice) = (number(&place.company_external_id)?, number(&place.invoice_external_id)?);
        let line = number(&place.external_id)?;
        let Some(whole) = self.invoice(Some(invoice)).await? else { return Ok(None) };
        if wire::int(&whole, "client_id") != Some(client) {
            let reason = String::from("the recurring invoice is another client's by now; pick another line");
            return Err(PsaError::Rejected { field: None, reason });
        }
        let rows = whole.get("lines").and_then(Value::as_array).into_iter().flatten();
        let row = rows.into_iter().find(|row| wire::int(row, "id") == Some(line));
        Ok(row.and_then(|row| Some((line_of(&whole, row)?, row.clone()))))
    }
}

fn lines_of(invoice: &Value) -> Vec<RemoteBillingLine> {
    let rows = invoice.get("lines").and_then(Value::as_array).into_iter().flatten();
    rows.filter_map(|row| line_of(invoice, row)).collect()
}

fn line_of(invoice: &Value, row: &Value) -> Option<RemoteBillingLine> {
    let (invoice_id, id) = (wire::int(invoice, "id")?, wire::int(row, "id").filter(|id| *id != 0)?);
    let name = wire::text(invoice, "name").or_else(|| wire::text(invoice, "reference"));
    let quantity = match row.get("qty_order") {
        None | Some(Value::Null) => Quantity(0),
        Some(value) => Quantity::from_f64(value.as_f64()?)?,
    };
    Some(RemoteBillingLine {
        invoice_external_id: invoice_id.to_string(),
        invoice_name: name.map_or_else(|| format!("Recurring invoice {invoice_id}"), short),
        invoice_rhythm: rhythm(invoice),
        external_id: id.to_string(),
        name: short(wire::text(row, "item_shortdescription").unwrap_or_default()),
        quantity,
        fixed_because: fixed(invoice, row),
        // No source tells the address of a recurring invoice's page.
        url: None,
    })
}

fn rhythm(invoice: &Value) -> Option<String> {
    let next =
        wire::text(invoice, "nextcreationdate").and_then(|at| at.get(..10)).filter(|day| *day > "1900-01-02");
    let next = next.map(|day| format!("next on {day}"));
    let parts = [wire::text(invoice, "periodname").map(short), next];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

/// Lines that Halo counts by itself, and those that are not billed any more.
fn fixed(invoice: &Value, row: &Value) -> Option<String> {
    let counts = wire::is(row, "_is_calculated_line") == Some(true)
        || wire::int(row, "recurring_invoice_quantity_type").is_some_and(|kind| kind != 0)
        || ["quantity_users", "quantity_assets", "quantity_licences", "quantity_subscriptions"]
            .iter()
            .any(|key| row.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty()));
    let why = if counts {
        "Halo counts it by itself (by users, assets, licences or subscriptions)"
    } else if wire::is(invoice, "disabled") == Some(true) {
        "its recurring invoice is switched off"
    } else if wire::is(row, "isinactive") == Some(true) {
        "it is inactive"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// Ids of ours come from Halo, and go into paths.
fn number(text: &str) -> Result<i64, PsaError> {
    let refuse =
        || PsaError::Rejected { field: None, reason: format!("\"{}\" is no id of Halo", short(text)) };
    text.parse::<i64>().ok().filter(|id| *id != 0).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_negative_invoices_and_those_that_halo_counts_are_left_to_it() {
        let invoice = json!({ "id": -94, "client_id": 12, "name": "Monthly", "periodname": "Monthly",
            "nextcreationdate": "2026-12-01T00:00:00" });
        let row = json!({ "id": 7, "item_shortdescription": "Seats", "qty_order": 3.0 });
        let line = line_of(&invoice, &row).unwrap();
        assert_eq!((line.invoice_external_id.as_str(), line.quantity), ("-94", Quantity::whole(3)));
        assert_eq!(line.invoice_rhythm.as_deref(), Some("Monthly, next on 2026-12-01"));
        assert_eq!(line.fixed_because, None);
        for counted in [
            json!({ "recurring_invoice_quantity_type": 2 }),
            json!({ "quantity_users": [{ "id": 1 }] }),
            json!({ "_is_calculated_line": true }),
            json!({ "isinactive": true }),
        ] {
            assert!(fixed(&invoice, &counted).is_some(), "{counted}");
        }
        assert!(number("../1").is_err() && number("0").is_err() && number("-94").is_ok());
    }
}
