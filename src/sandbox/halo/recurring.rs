//! Recurring invoices and their lines, as far as quantities are set on them. Ids of the former are negative.

use serde_json::{Value, json};

use super::{
    binding::{self, Fields, Kind, Reads as _},
    customers::Client,
    errors, listing,
    query::ReadsQuery as _,
    world::HaloWorld,
};
use crate::sandbox::frame::{Call, LedgerBilling, Reply};

/// How many of the first clients have one.
const WITH_INVOICE: usize = 20;

/// A recurring invoice with its lines.
#[derive(Clone, Debug)]
pub(super) struct RecurringInvoice {
    id: i64,
    client_id: i64,
    name: String,
    lines: Vec<Line>,
}

/// A line.
#[derive(Clone, Debug)]
struct Line {
    id: i64,
    description: String,
    quantity: f64,
    unit_price: f64,
    /// Halo counts it by itself; what is written there is ignored.
    is_calculated: bool,
    /// How often its quantity was set.
    writes: u32,
}

/// What is looked at of a line.
const FIELDS: Fields = &[
    ("id", Kind::Int),
    ("ihid", Kind::Int),
    ("item_shortdescription", Kind::Text),
    ("qty_order", Kind::Number),
    ("unit_price", Kind::Number),
];

/// What clients have on the first day: one invoice each, with lines to set and one that Halo counts.
pub(super) fn seed(clients: &[Client]) -> Vec<RecurringInvoice> {
    let line = |id: i64, description: &str, quantity: f64, is_calculated: bool| Line {
        id,
        description: description.to_owned(),
        quantity,
        unit_price: 4.5,
        is_calculated,
        writes: 0,
    };
    clients
        .iter()
        .skip(1)
        .take(WITH_INVOICE)
        .map(|client| RecurringInvoice {
            id: -(client.id + 80),
            client_id: client.id,
            name: "Managed services".to_owned(),
            lines: vec![
                line(client.id * 10 + 1, "Protected devices", 10.0, false),
                line(client.id * 10 + 2, "Users", 25.0, true),
                line(client.id * 10 + 3, "Backup", 2.0, false),
                line(client.id * 10 + 4, "Mail filter", 7.0, false),
            ],
        })
        .collect()
}

impl RecurringInvoice {
    fn json(&self, with_lines: bool) -> Value {
        let mut shown = json!({
            "id": self.id, "client_id": self.client_id, "name": self.name, "is_recurring_invoice": true,
            "periodname": "Monthly", "nextcreationdate": "2027-01-01T00:00:00", "disabled": false,
        });
        if with_lines && let Some(fields) = shown.as_object_mut() {
            fields.insert("lines".to_owned(), self.lines.iter().map(|line| self.line_json(line)).collect());
        }
        shown
    }

    fn line_json(&self, line: &Line) -> Value {
        json!({
            "id": line.id, "ihid": self.id, "item_shortdescription": line.description,
            "qty_order": line.quantity, "unit_price": line.unit_price,
            "net_amount": line.quantity * line.unit_price, "isinactive": false,
            "recurring_invoice_quantity_type": i64::from(line.is_calculated),
            "quantity_users": if line.is_calculated { json!([{ "id": 1 }]) } else { json!([]) },
            "quantity_assets": [], "quantity_licences": [], "quantity_subscriptions": [],
        })
    }
}

impl HaloWorld {
    pub(super) fn list_recurring_invoices(&self, call: &Call) -> Result<Reply, Reply> {
        let query = call.query();
        let (client, with_lines) = (query.int("client_id")?, query.flag("includelines")?);
        let found = self.invoices.iter().filter(|invoice| client.is_none_or(|id| invoice.client_id == id));
        let rows = found.map(|invoice| invoice.json(with_lines)).collect();
        listing::page(&query, "invoices", rows, self.options.page_cap)
    }

    pub(super) fn get_recurring_invoice(&self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let with_lines = call.query().flag("includedetails")?;
        let found = self.invoices.iter().find(|invoice| invoice.id == id);
        found.map(|invoice| Reply::ok(&invoice.json(with_lines))).ok_or_else(|| Reply::empty(404))
    }

    /// `POST /RecurringInvoice/updatelines`: lines by their ids, and nothing else of their invoices.
    pub(super) fn update_invoice_lines(&mut self, call: &Call) -> Result<Reply, Reply> {
        let records = binding::records(call, "InvoiceDetail", FIELDS)?;
        let mut written = Vec::new();
        for record in records {
            let id = record.int("id");
            let found = self.invoices.iter_mut().find_map(|invoice| {
                let index = invoice.lines.iter().position(|line| Some(line.id) == id)?;
                Some((invoice, index))
            });
            let Some((invoice, index)) = found else {
                return Err(errors::exception("Record not found"));
            };
            if let Some(line) = invoice.lines.get_mut(index) {
                if let Some(quantity) = record.get("qty_order").and_then(Value::as_f64)
                    && !line.is_calculated
                {
                    line.quantity = quantity;
                    line.writes += 1;
                }
                if let Some(price) = record.get("unit_price").and_then(Value::as_f64) {
                    line.unit_price = price;
                }
                if let Some(text) = record.text("item_shortdescription") {
                    text.clone_into(&mut line.description);
                }
            }
            written.extend(invoice.lines.get(index).map(|line| invoice.line_json(line)));
        }
        listing::posted(&call.query(), written)
    }

    /// What truly stands in the recurring invoices.
    pub(super) fn tell_billing(&self) -> Vec<LedgerBilling> {
        let lines =
            self.invoices.iter().flat_map(|invoice| invoice.lines.iter().map(move |line| (invoice, line)));
        lines
            .map(|(invoice, line)| LedgerBilling {
                company_id: invoice.client_id.into(),
                invoice_id: invoice.id.into(),
                id: line.id.into(),
                name: line.description.clone(),
                quantity: line.quantity.to_string(),
                writes: line.writes,
            })
            .collect()
    }
}
