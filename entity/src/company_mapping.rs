//! Which company of the PSA is which of ours, on one connection.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// How a mapping came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum MappingOrigin {
    /// Somebody chose both sides.
    #[default]
    Manual,
    /// Somebody took a suggestion of an import.
    Suggested,
    /// An import found the same name on both sides, or made the company.
    Imported,
    /// It was copied from another company's.
    Copied,
}

/// A row of `company_mapping`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_mapping")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Our side.
    pub company_id: Uuid,
    /// On which connection.
    pub psa_connection_id: Uuid,
    /// The PSA's side.
    pub psa_company_id: Uuid,
    /// Whether tickets are opened for it.
    pub is_ticketing_enabled: bool,
    /// A ticket profile of its own.
    pub ticket_profile_id: Option<Uuid>,
    /// An event set of its own: other events open no tickets for it.
    pub event_set_id: Option<Uuid>,
    /// Whether it is used at all.
    pub is_enabled: bool,
    /// Whether configurations are kept in step for it.
    pub is_configurations_enabled: bool,
    /// How it came about.
    pub origin: MappingOrigin,
    /// How sure the suggestion was that it came from, in hundredths.
    pub confidence: Option<i32>,
    /// When it was mapped to the PSA's company that it has now; none where that is not known.
    pub mapped_at: Option<Timestamp>,
    /// The PSA's company's name then.
    pub psa_name: Option<String>,
    /// Counts changes by people, from 1.
    pub version: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
