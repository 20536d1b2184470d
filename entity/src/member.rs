//! Somebody who signs in at the installation's identity provider.

use sea_orm::entity::prelude::*;

use crate::{Role, Timestamp};

/// A row of `member`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "member")]
pub struct Model {
    /// A UUID: version 7, but for operators version 8 of issuer and subject.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose member; none for operators of the installation.
    pub organization_id: Option<Uuid>,
    /// The identity provider; none until they sign in for the first time.
    pub issuer: Option<String>,
    /// Who they are to the provider, for good; none until they sign in for the first time.
    pub subject: Option<String>,
    /// Address of electronic mail in lower case, as invited or as the provider says.
    pub email: Option<String>,
    /// Name for people: the provider's, else the address, else the subject.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Whether the provider says the role, rather than a person here.
    pub is_role_claimed: bool,
    /// Whether they are let in.
    pub is_enabled: bool,
    /// When they were invited or first came.
    pub created_at: Timestamp,
    /// When a person here last changed them.
    pub updated_at: Timestamp,
    /// When they were last there, to the minute.
    pub last_seen_at: Option<Timestamp>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
