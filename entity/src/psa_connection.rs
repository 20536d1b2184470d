//! An organization's named login to one platform.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// How a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Health {
    /// Never checked since its credentials were changed.
    Unverified,
    /// The last check or call worked.
    Healthy,
    /// The last check or call failed in a way that somebody must mend.
    Failing,
}

/// A row of `psa_connection`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "psa_connection")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Key of the platform, e.g. `halo`.
    pub platform: String,
    /// Name for people; unique in the organization.
    pub name: String,
    /// Whether it is used.
    pub is_enabled: bool,
    /// Credential fields that are no secret, by key.
    pub settings: Json,
    /// The secret ones, sealed.
    pub sealed_credentials: Vec<u8>,
    /// The last characters of the secret, to recognise it by.
    pub credentials_hint: String,
    /// Counts changes of the credentials.
    pub credentials_version: i32,
    /// When they were last changed.
    pub credentials_updated_at: Timestamp,
    /// What the last check or call said.
    pub health: Health,
    /// When that was.
    pub health_checked_at: Option<Timestamp>,
    /// In words, with the next step.
    pub health_message: Option<String>,
    /// The steps of the last check.
    pub verification: Json,
    /// When the gateway checks the login by itself; none where nothing is to be checked.
    pub verification_due_at: Option<Timestamp>,
    /// The one company of ours that it is for ("Associated Company"); none where it is for all.
    pub company_id: Option<Uuid>,
    /// When all of its PSA's companies were read last.
    pub companies_synced_at: Option<Timestamp>,
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
