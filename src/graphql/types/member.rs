//! People who use the API.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{member, organization};

use super::{Organization, Role, all};
use crate::{
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    organizations::lists::MemberList,
};

/// Somebody who signs in at the installation's identity provider, or is invited to.
pub struct Member(pub member::Model);

impl From<member::Model> for Member {
    fn from(row: member::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of members, by name.
    MemberConnection, MemberEdge, Member, MemberList
}

/// Some roles.
#[derive(Clone, Debug, Default, InputObject)]
pub struct RoleFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<Role>>,
}

/// Which members; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MemberFilter {
    /// Part of the name or of the address, in upper or lower case.
    pub query: Option<String>,
    /// What they are.
    pub role: Option<RoleFilter>,
    /// Let in, or switched off.
    pub is_enabled: Option<bool>,
    /// Invited and not yet here, or here.
    pub is_pending: Option<bool>,
}

impl MemberFilter {
    /// The domain's list.
    pub fn read(self, of_installation: bool) -> MemberList {
        MemberList {
            of_installation,
            text: self.query,
            roles: all(self.role.and_then(|role| role.any_of)),
            is_enabled: self.is_enabled,
            is_pending: self.is_pending,
        }
    }
}

/// Somebody who signs in at the installation's identity provider, or is invited to.
#[Object]
impl Member {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<member::Entity>(self.0.id)
    }

    /// Whose member; null for operators of the installation.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        let Some(id) = self.0.organization_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<organization::Entity>(id).await?.map(Organization))
    }

    /// Name for people: the identity provider's, else the address.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Address of electronic mail, in lower case.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// What they are. Where the identity provider says it, as it said at the last sign-in.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// Whether the identity provider says the role: then it is changed there.
    async fn is_role_from_provider(&self) -> bool {
        self.0.is_role_claimed
    }

    /// Whether they are let in.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// Whether they were invited and have not signed in yet.
    async fn is_pending(&self) -> bool {
        self.0.subject.is_none()
    }

    /// Who they are to the identity provider; null until they sign in for the first time.
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// When they were invited or first came.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When somebody here last changed them.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// When they were last there, to the minute; null for not since they were invited.
    async fn last_seen_at(&self) -> Option<DateTime> {
        self.0.last_seen_at.map(DateTime)
    }
}
