//! Who may use the API.

use async_graphql::{Context, Enum, ID, Object, Result};
use entity::{access_token, organization};

use super::Organization;
use crate::{
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    organizations::{lists::TokenList, viewer},
};

/// What somebody may do. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "access_token::Role")]
pub enum Role {
    /// Everything in its reach.
    Administrator,
    /// Reads everything; redrives, retries, verifies, loads from PSAs and tests.
    Technician,
    /// Reads everything.
    Viewer,
}

/// A key to the API. The token itself is shown once, when it is made.
pub struct AccessToken(pub access_token::Model);

impl From<access_token::Model> for AccessToken {
    fn from(row: access_token::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of access tokens, the newest first.
    AccessTokenConnection, AccessTokenEdge, AccessToken, TokenList
}

/// A key to the API. The token itself is shown once, when it is made.
#[Object]
impl AccessToken {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<access_token::Entity>(self.0.id)
    }

    /// Whose data it opens; null for the whole installation.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        let Some(id) = self.0.organization_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<organization::Entity>(id).await?.map(Organization))
    }

    /// What it is for.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it may do.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// The ten characters behind `pgw_`, to recognise it by.
    async fn key_id(&self) -> &str {
        &self.0.key_id
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it stops working; null for never.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was withdrawn.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }
}

/// Who is asking.
pub struct Viewer(pub viewer::Viewer);

/// Who is asking, and how far that reaches.
#[Object]
impl Viewer {
    /// Name of the access token.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What they may do.
    async fn role(&self) -> Role {
        self.0.role().into()
    }

    /// Whether they reach every organization of the installation.
    async fn is_operator(&self) -> bool {
        self.0.organization_id().is_none()
    }

    /// The one organization they reach; null for operators.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        let Some(id) = self.0.organization_id() else { return Ok(None) };
        Ok(ctx.loaders()?.row::<organization::Entity>(id).await?.map(Organization))
    }
}
