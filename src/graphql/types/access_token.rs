//! Who may use the API.

use async_graphql::{Context, Enum, ID, Object, Result};
use entity::{access_token, organization};

use super::{Member, Organization};
use crate::{
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    organizations::{allowed_addresses, lists::TokenList, members, tokens, viewer},
};

/// What somebody is; what each role may do stands in the README. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::Role")]
pub enum Role {
    /// Whose organization it is: everything, and says who else is an owner.
    Owner,
    /// Everything but saying who is an owner.
    Administrator,
    /// Integrations and what is billed: connections, companies, mappings, profiles.
    Billing,
    /// Works on tickets: redrives, retries, links, tests; verifies logins and loads from PSAs.
    Technician,
    /// Builds dashboards and senders: reads, also payloads and the schema itself.
    Developer,
    /// Reads.
    Viewer,
}

/// Something that may be done. `permissions` of the viewer says which of them they hold. New values may be
/// added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "viewer::Permission")]
pub enum Permission {
    /// See everything but payloads, the audit log and who has access.
    Read,
    /// See the raw bodies of webhooks.
    ReadPayloads,
    /// See who changed what.
    ReadAudit,
    /// Redrive, retry, link and test tickets.
    Operate,
    /// Verify logins to PSAs, and load companies and lists from them.
    CheckIntegrations,
    /// Report how much companies use, and see it.
    ReportUsage,
    /// See and change what is billed: calendars, lines, pushes and the ledger.
    ManageBilling,
    /// Change companies and the names that senders have for them.
    ManageCompanies,
    /// Change connections to PSAs, mappings and ticket profiles.
    ManageIntegrations,
    /// Change what deserves a ticket.
    ManagePolicies,
    /// Change webhook endpoints and their secrets.
    ManageEndpoints,
    /// Change access tokens, members, their roles and what each sees of tickets.
    ManageAccess,
    /// Say who is an owner.
    ManageOwners,
    /// Change the organization itself.
    ManageOrganization,
    /// Ask about the schema, and use GraphiQL, where `serve` has them off.
    Introspect,
    /// Make organizations, and everything in all of them.
    OperateInstallation,
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

    /// The part of the role's permissions that it holds, beside `READ`; null for all of them.
    async fn scopes(&self) -> Option<Vec<Permission>> {
        let scopes = tokens::scopes(self.0.scopes.as_ref())?;
        Some(scopes.into_iter().map(Permission::from).collect())
    }

    /// Addresses and networks that it is taken from; empty for everywhere.
    async fn allowed_addresses(&self) -> Vec<String> {
        allowed_addresses::texts(self.0.allowed_addresses.as_ref())
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

    /// Until when the text from before the last rotation is taken; null where there was none.
    async fn previous_token_expires_at(&self) -> Option<DateTime> {
        self.0.previous_expires_at.map(DateTime)
    }

    /// When it was last shown, to the minute; null for never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// The address it was last shown from; null where that is not known.
    async fn last_used_from(&self) -> Option<&str> {
        self.0.last_used_from.as_deref()
    }
}

/// Who is asking.
pub struct Viewer(pub viewer::Viewer);

/// Who is asking, and how far that reaches.
#[Object]
impl Viewer {
    /// Name of the access token or of the member.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What they are.
    async fn role(&self) -> Role {
        self.0.role().into()
    }

    /// Everything they may do where they reach.
    async fn permissions(&self) -> Vec<Permission> {
        self.0.permissions().map(Permission::from).collect()
    }

    /// The access token that asks; null for members.
    async fn token(&self, ctx: &Context<'_>) -> Result<Option<AccessToken>> {
        Ok(tokens::own(&self.0, ctx.ground()?).await?.map(AccessToken))
    }

    /// The member who asks; null for access tokens.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        Ok(members::own(&self.0, ctx.ground()?).await?.map(Member))
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
