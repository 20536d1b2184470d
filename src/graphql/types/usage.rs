//! How much companies use: what was reported, and the most of each month.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use entity::{company, organization, usage_mark, usage_report};

use super::{
    BillingPeriod, Company, DateTimeFilter, OrderDirection, Organization, ReferenceFilter, TextFilter, all,
    filters::ordering,
};
use crate::{
    error::Error,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    sync::billing::lists::{MarkList, ReportList},
};

/// The most that a company has used of a product in a billing month. Needs `REPORT_USAGE`.
pub struct UsageMark(pub usage_mark::Model);

impl From<usage_mark::Model> for UsageMark {
    fn from(row: usage_mark::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of marks, those of the latest month first.
    UsageMarkConnection, UsageMarkEdge, UsageMark, MarkList
}

/// Which marks; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UsageMarkFilter {
    /// Of which company.
    pub company: Option<ReferenceFilter>,
    /// Of which product.
    pub product: Option<TextFilter>,
    /// Of which month, by its first day.
    pub period: Option<TextFilter>,
}

ordering! {
    /// The order of marks; those that are equal stand in the order of their ids.
    UsageMarkOrder, UsageMarkOrderField of usage_mark, Desc, [
        /// When their month begins.
        #[default]
        PeriodStartsAt,
    ]
}

impl UsageMarkFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<UsageMarkOrder>) -> Result<MarkList, Error> {
        Ok(MarkList {
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            products: TextFilter::read(self.product),
            periods: TextFilter::read(self.period),
            order: order_by.map(Into::into),
        })
    }
}

/// The most that a company has used of a product in a billing month. Needs `REPORT_USAGE`.
#[Object]
impl UsageMark {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<usage_mark::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Who used it.
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Ok(ctx.loaders()?.named::<company::Entity>(self.0.company_id).await?.into())
    }

    /// The product, by the name that reports have for it.
    async fn product(&self) -> &str {
        &self.0.product
    }

    /// In which month.
    async fn period(&self) -> BillingPeriod {
        BillingPeriod {
            name: self.0.period.clone(),
            starts_at: self.0.period_starts_at.into(),
            ends_at: self.0.period_ends_at.into(),
        }
    }

    /// The most that was reported.
    async fn high_water(&self) -> f64 {
        self.0.high_water.as_f64()
    }

    /// For when that was reported.
    async fn high_water_at(&self) -> DateTime {
        self.0.high_water_at.into()
    }

    /// What was reported for the latest moment.
    async fn last_quantity(&self) -> f64 {
        self.0.last_quantity.as_f64()
    }

    /// That moment.
    async fn last_observed_at(&self) -> DateTime {
        self.0.last_observed_at.into()
    }

    /// How many different reports say something of it.
    async fn report_count(&self) -> i32 {
        self.0.report_count
    }

    /// Whether it rose when the month was over: that is not pushed by itself, look at the invoice.
    async fn is_late(&self) -> bool {
        self.0.is_late
    }

    /// When a report last counted.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// What was reported of how much a company uses, kept for 100 days. Needs `REPORT_USAGE`.
pub struct UsageReport(pub usage_report::Model);

impl From<usage_report::Model> for UsageReport {
    fn from(row: usage_report::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of reports of usage, the newest first.
    UsageReportConnection, UsageReportEdge, UsageReport, ReportList
}

/// What became of a report. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "usage_report::UsageState")]
pub enum UsageReportState {
    /// It counts.
    Counted,
    /// Nobody here is known by that name; it counts as soon as a company has that alias.
    Held,
    /// It could not be read or cannot be right.
    Refused,
}

/// What became of them.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UsageReportStateFilter {
    /// This.
    pub eq: Option<UsageReportState>,
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<UsageReportState>>,
}

/// Which reports; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UsageReportFilter {
    /// What became of them.
    pub state: Option<UsageReportStateFilter>,
    /// Of which company.
    pub company: Option<ReferenceFilter>,
    /// Of which product.
    pub product: Option<TextFilter>,
    /// For which moments.
    pub observed_at: Option<DateTimeFilter>,
}

ordering! {
    /// The order of reports; those that are equal stand in the order of their ids.
    UsageReportOrder, UsageReportOrderField of usage_report, Desc, [
        /// When they came.
        #[default]
        CreatedAt,
    ]
}

impl UsageReportFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<UsageReportOrder>) -> Result<ReportList, Error> {
        let states = self.state.and_then(|state| match (state.eq, state.any_of) {
            (Some(eq), None) => Some(vec![eq]),
            (Some(eq), Some(any_of)) => Some(any_of.into_iter().filter(|state| *state == eq).collect()),
            (None, any_of) => any_of,
        });
        Ok(ReportList {
            states: all(states),
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            products: TextFilter::read(self.product),
            observed: DateTimeFilter::read(self.observed_at),
            order: order_by.map(Into::into),
        })
    }
}

/// What was reported of how much a company uses, kept for 100 days. Needs `REPORT_USAGE`.
#[Object]
impl UsageReport {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<usage_report::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Which company; null where that is not known.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(id) = self.0.company_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<company::Entity>(id).await?.map(Company))
    }

    /// Which product said it.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// The sender's name for the company, where it was named so.
    async fn client_ref(&self) -> Option<&str> {
        self.0.client_ref.as_deref()
    }

    /// What is used.
    async fn product(&self) -> &str {
        &self.0.product
    }

    /// How much.
    async fn quantity(&self) -> f64 {
        self.0.quantity.as_f64()
    }

    /// When it was so: decides the month.
    async fn observed_at(&self) -> DateTime {
        self.0.observed_at.into()
    }

    /// What became of it.
    async fn state(&self) -> UsageReportState {
        self.0.state.into()
    }

    /// Why it does not count, with the next step.
    async fn problem(&self) -> Option<&str> {
        self.0.problem.as_deref()
    }

    /// How often the same came again; that changes nothing.
    async fn duplicate_count(&self) -> i32 {
        self.0.duplicate_count
    }

    /// When it came.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}
