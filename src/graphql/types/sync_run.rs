//! One reading of a PSA's companies or pick lists.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use entity::{psa_connection, sync_run};

use super::{DateTimeFilter, OrderDirection, PsaConnection, ReferenceFilter, all, filters::ordering};
use crate::{
    error::Error,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    sync::runs::{self, RunList},
};

/// One reading of a PSA's companies or pick lists.
pub struct SyncRun(pub sync_run::Model);

impl From<sync_run::Model> for SyncRun {
    fn from(row: sync_run::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of readings, the newest first.
    SyncRunConnection, SyncRunEdge, SyncRun, RunList
}

/// What is read. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sync_run::SyncKind")]
pub enum SyncKind {
    /// Companies.
    Companies,
    /// Pick lists.
    PickLists,
}

/// Where a reading stands. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sync_run::SyncStatus")]
pub enum SyncStatus {
    /// It waits for its turn.
    Queued,
    /// It is under way.
    Running,
    /// It is done.
    Succeeded,
    /// It was given up.
    Failed,
}

/// Which readings; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SyncRunFilter {
    /// Where they stand.
    pub status: Option<SyncStatusFilter>,
    /// What is read.
    pub kind: Option<SyncKindFilter>,
    /// Through which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// When they were asked for.
    pub created_at: Option<DateTimeFilter>,
}

/// Where a reading stands.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SyncStatusFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<SyncStatus>>,
}

/// What is read.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SyncKindFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<SyncKind>>,
}

ordering! {
    /// The order of readings; those that are equal stand in the order of their ids.
    SyncRunOrder, SyncRunOrderField of sync_run, Desc, [
        /// When they were asked for.
        #[default]
        CreatedAt,
    ]
}

impl SyncRunFilter {
    /// The domain's list.
    pub fn read(self, of_organization: bool, order_by: Option<SyncRunOrder>) -> Result<RunList, Error> {
        Ok(RunList {
            of_organization,
            statuses: all(self.status.and_then(|status| status.any_of)),
            kinds: all(self.kind.and_then(|kind| kind.any_of)),
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            created: DateTimeFilter::read(self.created_at),
            order: order_by.map(Into::into),
        })
    }
}

/// How far a reading is.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct SyncProgress {
    /// How many were read.
    pub done: i64,
    /// How many there are, where the PSA says so; as many as were read once it succeeded.
    pub total: Option<i64>,
}

/// Which companies a reading asks for.
#[derive(Clone, Debug, SimpleObject)]
pub struct SyncCompanyFilter {
    /// Part of the name.
    pub query: Option<String>,
    /// The type, as a value of the pick list `company_type`.
    pub company_type: Option<String>,
    /// The status, as a value of the pick list `company_status`.
    pub status: Option<String>,
    /// The market, as a value of the pick list `company_market`, where the platform has markets.
    pub market: Option<String>,
    /// Whether inactive ones are read, too.
    pub has_inactive: bool,
}

/// One reading of a PSA's companies or pick lists.
#[Object]
impl SyncRun {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<sync_run::Entity>(self.0.id)
    }

    /// Through which connection.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// What is read.
    async fn kind(&self) -> SyncKind {
        self.0.kind.into()
    }

    /// Which companies, where it is companies.
    async fn filter(&self) -> Option<SyncCompanyFilter> {
        (self.0.kind == sync_run::SyncKind::Companies).then(|| {
            let filter = runs::company_filter(&self.0);
            SyncCompanyFilter {
                query: filter.search,
                company_type: filter.company_type,
                status: filter.status,
                market: filter.market,
                has_inactive: filter.include_inactive,
            }
        })
    }

    /// Where it stands.
    async fn status(&self) -> SyncStatus {
        self.0.status.into()
    }

    /// How far it is.
    async fn progress(&self) -> SyncProgress {
        SyncProgress { done: self.0.done_count, total: self.0.total_count }
    }

    /// Why it failed, with the next step.
    async fn problem(&self) -> Option<&str> {
        self.0.problem.as_deref()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it began.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }
}
