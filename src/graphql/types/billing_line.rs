//! Which line of a recurring invoice bills what a company uses of a product, and what the next push does to it.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use entity::{Quantity, billing_line, company, organization, psa_company, psa_connection};
use uuid::Uuid;

use super::{
    BillingEntryConnection, BillingEntryFilter, BillingEntryOrder, Company, OrderDirection, Organization,
    PsaCompany, PsaConnection, ReferenceFilter, TextFilter, filters::ordering,
};
use crate::{
    db::page::PageArgs,
    error::Error,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    sync::billing::{
        calendar,
        lists::BillingLineList,
        plan::{self, Proposal},
    },
};

/// Which line of a recurring invoice bills what a company uses of a product. Needs `MANAGE_BILLING`.
pub struct BillingLine(pub billing_line::Model);

impl From<billing_line::Model> for BillingLine {
    fn from(row: billing_line::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of billing lines, the newest first.
    BillingLineConnection, BillingLineEdge, BillingLine, BillingLineList
}

/// Which billing lines; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BillingLineFilter {
    /// Of which company.
    pub company: Option<ReferenceFilter>,
    /// At which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// Of which product.
    pub product: Option<TextFilter>,
    /// With pushing on, or off.
    pub is_enabled: Option<bool>,
    /// Part of the product, or of the name of the line or of its invoice, in upper or lower case.
    pub query: Option<String>,
}

ordering! {
    /// The order of billing lines; those that are equal stand in the order of their ids.
    BillingLineOrder, BillingLineOrderField of billing_line, Desc, [
        /// When they were made.
        #[default]
        CreatedAt,
    ]
}

impl BillingLineFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<BillingLineOrder>) -> Result<BillingLineList, Error> {
        Ok(BillingLineList {
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            products: TextFilter::read(self.product),
            is_enabled: self.is_enabled,
            text: self.query,
            order: order_by.map(Into::into),
        })
    }
}

/// A billing month.
#[derive(Clone, Debug, SimpleObject)]
pub struct BillingPeriod {
    /// Its first day, as in `2026-11-01`.
    pub name: String,
    /// When it begins.
    pub starts_at: DateTime,
    /// When it ends: the beginning of the next.
    pub ends_at: DateTime,
}

impl From<calendar::Period> for BillingPeriod {
    fn from(period: calendar::Period) -> Self {
        Self { name: period.name, starts_at: period.starts_at.into(), ends_at: period.ends_at.into() }
    }
}

/// What the next push does to a line. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "plan::Verdict")]
pub enum BillingVerdict {
    /// A value is sent.
    Sends,
    /// That value is planned already, and waits to be sent.
    IsPlanned,
    /// The line has the value: it was sent this month, and was there.
    Unchanged,
    /// It was sent this month, and something else was there when it was read back.
    Differs,
    /// A correction stands until more is used than when it was made.
    Corrected,
    /// It is not known yet what became of what was sent last.
    Blocked,
    /// Nothing was reported this month.
    NoUsage,
    /// Pushing is switched off for this line.
    Disabled,
    /// The company is not mapped to the one that the line bills.
    NotMapped,
    /// The connection is switched off.
    ConnectionOff,
}

/// What the next push would do to a line, by what is known now: the push itself runs the same code.
#[derive(Clone, Debug, SimpleObject)]
pub struct BillingProposal {
    /// What it does.
    pub verdict: BillingVerdict,
    /// The same in words, with the next step where there is one.
    pub explanation: String,
    /// Of which month.
    pub period: BillingPeriod,
    /// The most that was used in it; null where nothing was reported.
    pub mark: Option<f64>,
    /// What the line is to have; null where nothing is sent.
    pub proposed: Option<f64>,
    /// What the line had when the ledger read it last, this month; null where it did not yet.
    pub last_seen: Option<f64>,
    /// `proposed` less `lastSeen`, where both are known.
    pub difference: Option<f64>,
}

impl From<Proposal> for BillingProposal {
    fn from(proposal: Proposal) -> Self {
        Self {
            verdict: proposal.verdict.into(),
            explanation: proposal.verdict.words().to_owned(),
            mark: proposal.mark.map(Quantity::as_f64),
            proposed: proposal.proposed().map(Quantity::as_f64),
            last_seen: proposal.last_seen.map(Quantity::as_f64),
            difference: proposal.difference().map(Quantity::as_f64),
            period: proposal.period.into(),
        }
    }
}

/// Key of a loader: what the next push would do to a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct NextPushOf(Uuid);

impl Loader<NextPushOf> for Fetch {
    type Value = Proposal;
    type Error = Shared;

    async fn load(&self, keys: &[NextPushOf]) -> Result<HashMap<NextPushOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = plan::preview(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, proposal)| (NextPushOf(id), proposal)).collect())
    }
}

/// Which line of a recurring invoice bills what a company uses of a product. Needs `MANAGE_BILLING`.
#[Object]
impl BillingLine {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<billing_line::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Who uses it.
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Ok(ctx.loaders()?.named::<company::Entity>(self.0.company_id).await?.into())
    }

    /// What, by the name that reports have for it.
    async fn product(&self) -> &str {
        &self.0.product
    }

    /// At which PSA it is billed.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// Whom that bills; null where the copy of it is gone.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<Option<PsaCompany>> {
        Ok(ctx.loaders()?.row::<psa_company::Entity>(self.0.psa_company_id).await?.map(Into::into))
    }

    /// The id of the recurring invoice (schedule, agreement, contract) in the PSA.
    async fn invoice_external_id(&self) -> &str {
        &self.0.invoice_external_id
    }

    /// Its name when it was picked.
    async fn invoice_name(&self) -> &str {
        &self.0.invoice_name
    }

    /// The id of the line (addition, service) in the PSA.
    async fn external_id(&self) -> &str {
        &self.0.line_external_id
    }

    /// Its name when it was picked.
    async fn name(&self) -> &str {
        &self.0.line_name
    }

    /// Whether quantities are pushed.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// What the next push would do to it, by what is known now.
    async fn next_push(&self, ctx: &Context<'_>) -> Result<Option<BillingProposal>> {
        Ok(ctx.loaders()?.get(NextPushOf(self.0.id)).await?.map(Into::into))
    }

    /// Its ledger: what it was to have, and what became of it.
    async fn entries(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<BillingEntryFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<BillingEntryOrder>,
    ) -> Result<BillingEntryConnection> {
        let wanted = filter.unwrap_or_default().read(true, order_by)?;
        Ok(BillingEntryConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Counts changes by people, from 1: what an update takes as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}
