//! Recurring invoices of a PSA: an ability that some have.

use async_trait::async_trait;

use super::PsaError;
use crate::sync::billing::remote::{LinePlace, QuantityChange, RemoteBillingLine};

/// The lines of recurring invoices, and what they bill.
///
/// As for everything else at a PSA: a call returns within its own time limit, and one that changes something answers
/// [`PsaError::Unknown`] wherever it may have been carried out all the same.
#[async_trait]
pub trait Billing: Send + Sync {
    /// All lines of all recurring invoices of a company; those of what was ended are left out. `day` is today, as in
    /// `2026-11-21`, for a PSA that keeps quantities by days.
    async fn lines(&self, company_external_id: &str, day: &str) -> Result<Vec<RemoteBillingLine>, PsaError>;

    /// A line as it is now; none where the PSA no longer has it.
    async fn line(&self, place: &LinePlace) -> Result<Option<RemoteBillingLine>, PsaError>;

    /// Sets the quantity of a line that was read a moment ago.
    async fn set_quantity(&self, change: &QuantityChange) -> Result<(), PsaError>;
}
