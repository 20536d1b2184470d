//! One run of a sync, and when runs come by themselves.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use entity::{Timestamp, psa_connection, sync_error, sync_run};

use super::{DateTimeFilter, OrderDirection, PsaConnection, ReferenceFilter, all, filters::ordering};
use crate::{
    db::page::PageArgs,
    error::Error,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    sync::{
        remote::CompanyFilter,
        runs::{self, ErrorList, RunList},
    },
};

/// One run of a sync: a reading of a PSA's companies, pick lists or configurations.
pub struct SyncRun(pub sync_run::Model);

impl From<sync_run::Model> for SyncRun {
    fn from(row: sync_run::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of runs, the newest first.
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
    /// Companies, for an import: each is compared with those that are here.
    CompanyImport,
    /// No reading: what was chosen of an import is applied.
    CompanyImportFinish,
    /// Contacts: what the PSA has of fields and types, then the contacts of mapped companies.
    Contacts,
    /// Configurations: what the PSA has of fields, types and statuses, then the configurations of mapped companies.
    Configurations,
    /// No reading: the PSA is told of assets.
    Assets,
    /// The PSA's own tickets of mapped companies that changed since the run before, then their notes.
    Tickets,
}

/// Where a run stands. New values may be added: have a default branch.
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
    /// Somebody stopped it.
    Cancelled,
}

/// Which runs; everything given must be true.
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

/// Where a run stands.
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
    /// The order of runs; those that are equal stand in the order of their ids.
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

/// How far a run is.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct SyncProgress {
    /// How many records were read.
    pub done: i64,
    /// How many there are, where the PSA says so; as many as were read once it succeeded.
    pub total: Option<i64>,
    /// How many records it does a second, on average since it began; null before there is an average.
    pub per_second: Option<f64>,
    /// For how many seconds it will go on at that rate; null where that is not known.
    pub seconds_left: Option<i64>,
}

/// What became of the records of a run.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct SyncCounts {
    /// New here.
    pub created: i64,
    /// Other than they were.
    pub updated: i64,
    /// As they were: nothing was written for them.
    pub unchanged: i64,
    /// Not taken over; see `errors`.
    pub failed: i64,
}

/// A record that a run could not take over.
pub struct SyncError(pub sync_error::Model);

impl From<sync_error::Model> for SyncError {
    fn from(row: sync_error::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// The first errors of a run; `SyncCounts.failed` says how many there were.
    SyncErrorConnection, SyncErrorEdge, SyncError, ErrorList
}

/// A record that a run could not take over.
#[Object]
impl SyncError {
    /// The PSA's id of the record, where it has one.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The record's name, where it has one.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// What is wrong and how to mend it. For people; may change.
    async fn message(&self) -> &str {
        &self.0.message
    }
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

impl From<CompanyFilter> for SyncCompanyFilter {
    fn from(filter: CompanyFilter) -> Self {
        Self {
            query: filter.search,
            company_type: filter.company_type,
            status: filter.status,
            market: filter.market,
            has_inactive: filter.include_inactive,
        }
    }
}

/// One run of a sync: a reading of a PSA's companies, pick lists or configurations.
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
        let is_of_companies =
            matches!(self.0.kind, sync_run::SyncKind::Companies | sync_run::SyncKind::CompanyImport);
        is_of_companies.then(|| runs::company_filter(&self.0).into())
    }

    /// Where it stands.
    async fn status(&self) -> SyncStatus {
        self.0.status.into()
    }

    /// How far it is.
    async fn progress(&self, ctx: &Context<'_>) -> Result<SyncProgress> {
        let until = self.0.finished_at.unwrap_or_else(|| {
            ctx.loaders().map_or_else(|_| self.0.created_at, |loaders| loaders.ground().clock.now())
        });
        let pace = pace(&self.0, until);
        Ok(SyncProgress {
            done: self.0.done_count,
            total: self.0.total_count,
            per_second: pace.map(|(per_second, _)| per_second),
            seconds_left: pace.and_then(|(_, left)| left),
        })
    }

    /// What became of its records.
    async fn counts(&self) -> SyncCounts {
        SyncCounts {
            created: self.0.created_count,
            updated: self.0.updated_count,
            unchanged: self.0.unchanged_count,
            failed: self.0.failed_count,
        }
    }

    /// The records that it could not take over, each with the way to mend it: the first 200 of them.
    async fn errors(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<SyncErrorConnection> {
        Ok(SyncErrorConnection::new(self.0.id, ErrorList, &PageArgs { first, after, last, before })?)
    }

    /// Whether its schedule asked for it, and nobody else.
    async fn is_scheduled(&self) -> bool {
        self.0.is_scheduled
    }

    /// It goes on no sooner, because its share of the PSA's calls is spent; null where it need not wait.
    async fn waits_until(&self) -> Option<DateTime> {
        self.0.due_at.filter(|_| !self.0.status.has_ended()).map(DateTime)
    }

    /// Why it failed or who stopped it, with the next step.
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

/// How many records a run does a second, and for how many seconds it will go on.
fn pace(run: &sync_run::Model, until: Timestamp) -> Option<(f64, Option<i64>)> {
    let millis = until.0.saturating_sub(run.started_at?.0) / 1_000;
    let (millis, done) = (u32::try_from(millis).ok()?, u32::try_from(run.done_count).ok()?);
    if millis == 0 || done == 0 {
        return None;
    }
    let per_second = f64::from(done) * 1_000.0 / f64::from(millis);
    let left = run.total_count.map(|total| total.saturating_sub(run.done_count).max(0));
    // In whole numbers: so many records took so long.
    let left = left.map(|left| left.saturating_mul(i64::from(millis)) / i64::from(done) / 1_000);
    Some((per_second, left.filter(|_| !run.status.has_ended())))
}
