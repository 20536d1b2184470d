//! One finding, or one group of findings, of which nobody wants to hear until a date.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `mute`: of a finding or of a group, never of both.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mute")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The finding that is muted; one mute a finding.
    pub finding_id: Option<Uuid>,
    /// The group that is muted, by the key its tickets have; one mute a group.
    pub group_key: Option<String>,
    /// Until when; then it is over.
    pub until: Timestamp,
    /// Why, in a person's words.
    pub reason: String,
    /// Who muted it: the name they had then.
    pub muted_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last made anew.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
