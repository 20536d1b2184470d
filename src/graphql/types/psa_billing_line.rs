//! A line of a recurring invoice as the PSA knows it: a copy; and the reading of such lines.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use entity::{billing_refresh, psa_billing_line, psa_company, psa_connection};

use super::{OrderDirection, PsaCompany, PsaConnection, ReferenceFilter, filters::ordering};
use crate::{
    error::Error,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        scalars::{DateTime, Url},
    },
    sync::billing::{ledger, lists::PsaBillingLineList},
};

/// A line of a recurring invoice as the PSA knows it: a copy. Needs `MANAGE_BILLING`.
pub struct PsaBillingLine(pub psa_billing_line::Model);

impl From<psa_billing_line::Model> for PsaBillingLine {
    fn from(row: psa_billing_line::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of lines of a PSA's recurring invoices, by the names of these: the copy that was read last.
    PsaBillingLineConnection, PsaBillingLineEdge, PsaBillingLine, PsaBillingLineList
}

/// How a platform is told quantities. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ledger::Way")]
pub enum BillingWay {
    /// Not at all.
    NotOffered,
    /// As the value that the line is to have.
    Value,
    /// As the difference to the value that it has: what is of unknown fate is never sent again by itself.
    Difference,
}

/// Which lines; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PsaBillingLineFilter {
    /// Of which company of the PSA.
    pub psa_company: Option<ReferenceFilter>,
    /// Those whose quantity can be set, or that cannot.
    pub can_be_set: Option<bool>,
    /// Part of the name of the line or of its invoice, in upper or lower case.
    pub query: Option<String>,
}

ordering! {
    /// The order of lines of recurring invoices; those that are equal stand in the order of their ids.
    PsaBillingLineOrder, PsaBillingLineOrderField of psa_billing_line, Asc, [
        /// The names of their invoices.
        #[default]
        InvoiceName,
    ]
}

impl PsaBillingLineFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<PsaBillingLineOrder>) -> Result<PsaBillingLineList, Error> {
        Ok(PsaBillingLineList {
            psa_company_ids: ReferenceFilter::read::<psa_company::Entity>(
                self.psa_company.as_ref(),
                "psaCompany",
            )?,
            can_be_set: self.can_be_set,
            text: self.query,
            order: order_by.map(Into::into),
        })
    }
}

/// A line of a recurring invoice as the PSA knows it: a copy. Needs `MANAGE_BILLING`.
#[Object]
impl PsaBillingLine {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<psa_billing_line::Entity>(self.0.id)
    }

    /// Through which connection it was read.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// Whom it bills.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<PsaCompany> {
        Ok(ctx.loaders()?.named::<psa_company::Entity>(self.0.psa_company_id).await?.into())
    }

    /// The id of the recurring invoice (schedule, agreement, contract) in the PSA.
    async fn invoice_external_id(&self) -> &str {
        &self.0.invoice_external_id
    }

    /// Its name.
    async fn invoice_name(&self) -> &str {
        &self.0.invoice_name
    }

    /// How often it is billed and when next, in the PSA's words.
    async fn invoice_rhythm(&self) -> Option<&str> {
        self.0.invoice_rhythm.as_deref()
    }

    /// The id of the line (addition, service) in the PSA.
    async fn external_id(&self) -> &str {
        &self.0.external_id
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it billed when it was read last.
    async fn quantity(&self) -> f64 {
        self.0.quantity.as_f64()
    }

    /// Whether its quantity can be set.
    async fn can_be_set(&self) -> bool {
        self.0.fixed_because.is_none()
    }

    /// Why it cannot; null where it can.
    async fn fixed_because(&self) -> Option<&str> {
        self.0.fixed_because.as_deref()
    }

    /// Where a person opens it in the PSA.
    async fn external_url(&self) -> Option<Url> {
        self.0.external_url.clone().map(Url)
    }

    /// When it was last read with all lines of its company.
    async fn synced_at(&self) -> DateTime {
        self.0.synced_at.into()
    }
}

/// Reading the lines of a company's recurring invoices from its PSA. Needs `MANAGE_BILLING`.
pub struct BillingRefresh(pub billing_refresh::Model);

impl From<billing_refresh::Model> for BillingRefresh {
    fn from(row: billing_refresh::Model) -> Self {
        Self(row)
    }
}

/// Where a reading of lines stands. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "billing_refresh::RefreshState")]
pub enum BillingRefreshState {
    /// It waits for its turn.
    Queued,
    /// It is done.
    Succeeded,
    /// It was given up.
    Failed,
}

/// Reading the lines of a company's recurring invoices from its PSA. Needs `MANAGE_BILLING`.
#[Object]
impl BillingRefresh {
    /// Global id; the same for each reading of this company.
    pub async fn id(&self) -> ID {
        ids::encode::<billing_refresh::Entity>(self.0.id)
    }

    /// Whose lines.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<PsaCompany> {
        Ok(ctx.loaders()?.named::<psa_company::Entity>(self.0.psa_company_id).await?.into())
    }

    /// Where it stands.
    async fn state(&self) -> BillingRefreshState {
        self.0.state.into()
    }

    /// How many lines there were when they were last read.
    async fn line_count(&self) -> i32 {
        self.0.line_count
    }

    /// Why it failed, with the next step.
    async fn problem(&self) -> Option<&str> {
        self.0.problem.as_deref()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When the lines were last read; null where they never were.
    async fn refreshed_at(&self) -> Option<DateTime> {
        self.0.refreshed_at.map(Into::into)
    }
}
