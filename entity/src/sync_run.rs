//! One run of a sync: a reading of a PSA's companies, pick lists or configurations.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum SyncKind {
    /// Companies.
    Companies,
    /// Pick lists.
    PickLists,
    /// Companies, for an import: each is compared with those that are here.
    CompanyImport,
    /// No reading: what was chosen of an import is applied.
    CompanyImportFinish,
    /// Contacts.
    Contacts,
    /// Configurations.
    Configurations,
    /// No reading: the PSA is told of assets.
    Assets,
    /// The PSA's own tickets.
    Tickets,
}

/// Where a reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
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

impl SyncStatus {
    /// Whether it is over.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A row of `sync_run`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_run")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Through which connection.
    pub psa_connection_id: Uuid,
    /// What is read.
    pub kind: SyncKind,
    /// Which companies, where it is companies.
    pub filter: Json,
    /// Where it stands.
    pub status: SyncStatus,
    /// How many were read.
    pub done_count: i64,
    /// How many there are, where the PSA says so.
    pub total_count: Option<i64>,
    /// Why it failed, with the next step.
    pub problem: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Where it goes on: the page to be read next, in the platform's own words; none at the beginning.
    pub cursor: Option<String>,
    /// It goes on no sooner; none for at once.
    pub due_at: Option<Timestamp>,
    /// How many pages were read.
    pub page_count: i32,
    /// How many records are new here.
    pub created_count: i64,
    /// How many are other than they were.
    pub updated_count: i64,
    /// How many are as they were: nothing was written for them.
    pub unchanged_count: i64,
    /// How many could not be taken over.
    pub failed_count: i64,
    /// Whether its schedule asked for it, and nobody else.
    pub is_scheduled: bool,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
