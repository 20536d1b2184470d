//! The ledger of what was sent to the lines of recurring invoices.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use entity::{Quantity, billing_entry, billing_line, organization, psa_connection};

use super::{
    BillingLine, BillingPeriod, DateTimeFilter, OrderDirection, Organization, PsaConnection, Reason,
    ReferenceFilter, TextFilter, all, filters::ordering,
};
use crate::{
    error::Error,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    sync::billing::lists::EntryList,
};

/// A row of the billing ledger: a value that a line was to have in a month, and what became of it. The same value of
/// the same line in the same month has one row, and is sent once. Needs `MANAGE_BILLING`.
pub struct BillingEntry(pub billing_entry::Model);

impl From<billing_entry::Model> for BillingEntry {
    fn from(row: billing_entry::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of rows of the billing ledger, the newest first.
    BillingEntryConnection, BillingEntryEdge, BillingEntry, EntryList
}

/// Where a row of the billing ledger stands. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "billing_entry::EntryState")]
pub enum BillingEntryState {
    /// To be sent.
    Planned,
    /// The PSA is being asked; written down before it was.
    Sending,
    /// The PSA took it; it is not read back yet.
    Sent,
    /// The PSA was asked and it is not known whether it did it; it is looked for before anything else is done.
    Unknown,
    /// It is not known and cannot be found out: look into the PSA, then `billingEntryDecide`.
    Held,
    /// Read back, and the line has the value.
    Settled,
    /// Read back, and the line has another value.
    Differs,
    /// The PSA said no; mend the reason, the next push tries it again.
    Failed,
    /// Not sent: another value took its place, or it was taken back.
    Superseded,
}

/// Where they stand.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BillingEntryStateFilter {
    /// Here.
    pub eq: Option<BillingEntryState>,
    /// In one of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<BillingEntryState>>,
}

impl BillingEntryStateFilter {
    /// The states meant; none where nothing is said.
    pub fn chosen(self) -> Option<Vec<BillingEntryState>> {
        match (self.eq, self.any_of) {
            (Some(eq), None) => Some(vec![eq]),
            (Some(eq), Some(any_of)) => Some(any_of.into_iter().filter(|state| *state == eq).collect()),
            (None, any_of) => any_of,
        }
    }
}

/// Which rows of the billing ledger; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BillingEntryFilter {
    /// Where they stand.
    pub state: Option<BillingEntryStateFilter>,
    /// Of which line.
    pub billing_line: Option<ReferenceFilter>,
    /// Of which month, by its first day.
    pub period: Option<TextFilter>,
    /// When they were planned.
    pub created_at: Option<DateTimeFilter>,
}

ordering! {
    /// The order of rows of the billing ledger; those that are equal stand in the order of their ids.
    BillingEntryOrder, BillingEntryOrderField of billing_entry, Desc, [
        /// When they were planned.
        #[default]
        CreatedAt,
    ]
}

impl BillingEntryFilter {
    /// The domain's list.
    pub fn read(self, of_line: bool, order_by: Option<BillingEntryOrder>) -> Result<EntryList, Error> {
        let states = self.state.and_then(BillingEntryStateFilter::chosen);
        Ok(EntryList {
            of_line,
            states: all(states),
            billing_line_ids: ReferenceFilter::read::<billing_line::Entity>(
                self.billing_line.as_ref(),
                "billingLine",
            )?,
            periods: TextFilter::read(self.period),
            created: DateTimeFilter::read(self.created_at),
            order: order_by.map(Into::into),
        })
    }
}

/// A row of the billing ledger: a value that a line was to have in a month, and what became of it. The same value of
/// the same line in the same month has one row, and is sent once. Needs `MANAGE_BILLING`.
#[Object]
impl BillingEntry {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<billing_entry::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Of which line.
    async fn billing_line(&self, ctx: &Context<'_>) -> Result<BillingLine> {
        Ok(ctx.loaders()?.named::<billing_line::Entity>(self.0.billing_line_id).await?.into())
    }

    /// At which PSA.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// Of which month.
    async fn period(&self) -> BillingPeriod {
        BillingPeriod {
            name: self.0.period.clone(),
            starts_at: self.0.period_starts_at.into(),
            ends_at: self.0.period_ends_at.into(),
        }
    }

    /// Where it stands.
    async fn state(&self) -> BillingEntryState {
        self.0.state.into()
    }

    /// Whether a person wanted this value, rather than usage.
    async fn is_correction(&self) -> bool {
        self.0.correction > 0
    }

    /// Why it was corrected.
    async fn correction_reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Who corrected it, or decided what became of it.
    async fn decided_by(&self) -> Option<&str> {
        self.0.decided_by.as_deref()
    }

    /// The most that was used in the month when it was planned; null where nothing was reported.
    async fn mark(&self) -> Option<f64> {
        self.0.mark.map(Quantity::as_f64)
    }

    /// What the line is to have.
    async fn proposed(&self) -> f64 {
        self.0.proposed.as_f64()
    }

    /// What the line had before it was sent.
    async fn before(&self) -> Option<f64> {
        self.0.before.map(Quantity::as_f64)
    }

    /// What was sent: the value, or the difference where the platform takes only these; null where nothing was, also
    /// because the line had the value already.
    async fn sent(&self) -> Option<f64> {
        self.0.sent.map(Quantity::as_f64)
    }

    /// When it was sent last.
    async fn sent_at(&self) -> Option<DateTime> {
        self.0.sent_at.map(Into::into)
    }

    /// The day from which it counts in the PSA, where that keeps quantities by days.
    async fn effective_on(&self) -> Option<&str> {
        self.0.effective_on.as_deref()
    }

    /// What the line had when it was read back; null where it was not yet.
    async fn read_back(&self) -> Option<f64> {
        self.0.read_back.map(Quantity::as_f64)
    }

    /// When that was.
    async fn read_back_at(&self) -> Option<DateTime> {
        self.0.read_back_at.map(Into::into)
    }

    /// `readBack` less `proposed`: 0 where all is well; null where it was not read back yet.
    async fn difference(&self) -> Option<f64> {
        self.0.read_back.map(|read| Quantity(read.0.saturating_sub(self.0.proposed.0)).as_f64())
    }

    /// What went wrong last, with the next step.
    async fn problem(&self) -> Option<Reason> {
        Reason::of(self.0.problem_code.as_ref(), self.0.problem.as_ref())
    }

    /// How often the PSA was asked to set it.
    async fn attempt_count(&self) -> i32 {
        self.0.attempts
    }

    /// When it is worked on next; null where nothing is to be done.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        self.0.run_at.map(Into::into)
    }

    /// When it was planned.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it last moved on.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}
