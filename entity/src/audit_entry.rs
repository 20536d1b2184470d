//! Who changed what: one link of an organization's chain. Rows are added and never changed.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// By what somebody who changed something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum ActorKind {
    /// The gateway itself: its own set-up, and commands run on its machine.
    Gateway,
    /// An access token.
    Token,
    /// A member.
    Member,
}

/// A row of `audit_entry`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// In whose log it stands; the nil id for the installation's own.
    pub organization_id: Uuid,
    /// Its place in that log, from 1 and without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// By what the actor is known.
    pub actor_kind: ActorKind,
    /// Which token or member.
    pub actor_id: Option<Uuid>,
    /// Its name at that time.
    pub actor_name: String,
    /// The address it called from.
    pub address: Option<String>,
    /// The request it came with.
    pub request_id: Option<String>,
    /// What was done: the mutation's name in the API.
    pub action: String,
    /// The API's type of what it was done to.
    pub target_type: String,
    /// Which one.
    pub target_id: Uuid,
    /// Its name at that time.
    pub target_name: String,
    /// What changed, as it was: a JSON object, exactly as it was hashed.
    pub before: Option<String>,
    /// The same as it was afterwards.
    pub after: Option<String>,
    /// SHA-256 of all of the above and the hash of the entry before.
    pub hash: Vec<u8>,
    /// HMAC of the hash under a key that the database does not hold; empty where the chain was broken before.
    pub seal: Vec<u8>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
