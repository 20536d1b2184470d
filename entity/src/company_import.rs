//! An import of a PSA's companies: staged, then applied.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum ImportState {
    /// The PSA's companies are being read and compared.
    Loading,
    /// They are there to be looked through; nothing is applied.
    Staged,
    /// What was chosen is being applied.
    Finishing,
    /// It is done.
    Finished,
    /// Somebody gave it up; nothing was applied, or no more was.
    Discarded,
}

/// A row of `company_import`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_import")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// From which connection.
    pub psa_connection_id: Uuid,
    /// Where it stands.
    pub state: ImportState,
    /// Which companies.
    pub filter: Json,
    /// The run that loads them.
    pub load_run_id: Option<Uuid>,
    /// The run that applies what was chosen.
    pub finish_run_id: Option<Uuid>,
    /// Who asked for it, by name.
    pub asked_by: String,
    /// Counts changes by people, from 1.
    pub version: i32,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
