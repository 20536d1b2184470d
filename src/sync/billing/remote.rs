//! Lines of recurring invoices as a PSA shows them, in no platform's own words.

use entity::Quantity;

/// A line of a recurring invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteBillingLine {
    /// The id of the recurring invoice (schedule, agreement, contract).
    pub invoice_external_id: String,
    /// Its name.
    pub invoice_name: String,
    /// How often and when next, in words.
    pub invoice_rhythm: Option<String>,
    /// The id of the line (addition, service).
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// What it bills now.
    pub quantity: Quantity,
    /// Why its quantity cannot be set; none where it can.
    pub fixed_because: Option<String>,
    /// Where a person opens it.
    pub url: Option<String>,
}

/// Which line is meant, on which day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePlace {
    /// Whom it bills.
    pub company_external_id: String,
    /// The recurring invoice.
    pub invoice_external_id: String,
    /// The line.
    pub external_id: String,
    /// The day, as in `2026-11-21`, for a PSA that keeps quantities by days.
    pub day: String,
}

/// A quantity to be told to a PSA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityChange {
    /// Of which line.
    pub place: LinePlace,
    /// What it had when it was read a moment ago.
    pub before: Quantity,
    /// What it is to have.
    pub proposed: Quantity,
    /// What is sent: the value, or the difference (see [`super::ledger::Way`]).
    pub sent: Quantity,
}
