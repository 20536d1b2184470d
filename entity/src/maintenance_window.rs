//! A time in which an organization's or a company's findings get no new tickets.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `maintenance_window`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "maintenance_window")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The company it is for; every company where there is none.
    pub company_id: Option<Uuid>,
    /// Name for people.
    pub name: String,
    /// From when on; where it comes back every week, from when on it does.
    pub starts_at: Timestamp,
    /// Until when; then it is over.
    pub ends_at: Timestamp,
    /// When it comes back every week: see `decisions::weekly`; none where it is open all the time.
    pub weekly: Option<Json>,
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
