//! What can be done with organizations, their policy and their access tokens.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{access_token, organization, policy, ticket_profile};
use secrecy::ExposeSecret as _;

use crate::{
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        scalars::DateTime,
        types::{AccessToken, Organization, Policy, Role, Severity},
    },
    organizations::{
        organization::{self as organizations, NewOrganization},
        policies::{self, PolicyChange},
        tokens::{self, NewToken},
    },
};

/// An organization to be made.
#[derive(Debug, InputObject)]
pub struct OrganizationCreateInput {
    /// Short name in addresses and commands: 2 to 64 of `a-z`, `0-9` and `-`; unique in the installation, and
    /// for good.
    pub slug: String,
    /// Name for people, at most 200 characters.
    pub name: String,
}

payload! {
    /// What `organizationCreate` answers.
    OrganizationCreatePayload, OrganizationCreateUserError {
        /// The new organization.
        organization: Organization,
    }
}

/// What to change of an organization; what is absent stays.
#[derive(Debug, InputObject)]
pub struct OrganizationUpdateInput {
    /// The organization.
    pub id: ID,
    /// Name for people, at most 200 characters.
    pub name: Option<String>,
}

payload! {
    /// What `organizationUpdate` answers.
    OrganizationUpdatePayload, OrganizationUpdateUserError {
        /// The organization, changed.
        organization: Organization,
    }
}

/// What to change of a policy; what is absent stays.
#[derive(Debug, InputObject)]
pub struct PolicyUpdateInput {
    /// The policy.
    pub id: ID,
    /// Whether it opens tickets at all.
    pub is_enabled: Option<bool>,
    /// Findings below it open no ticket; those of unknown severity always do.
    pub minimum_severity: Option<Severity>,
    /// The ticket profile to use; null for the organization's default.
    pub ticket_profile_id: MaybeUndefined<ID>,
    /// How long after its close a ticket is reopened, in seconds: 0 to 31,536,000 (365 days).
    pub reopen_window_seconds: Option<i64>,
    /// At most one note about repetitions in this time, in seconds: 0 to 2,592,000 (30 days).
    pub note_interval_seconds: Option<i64>,
}

payload! {
    /// What `policyUpdate` answers.
    PolicyUpdatePayload, PolicyUpdateUserError {
        /// The policy, changed.
        policy: Policy,
    }
}

/// An access token to be made.
#[derive(Debug, InputObject)]
pub struct AccessTokenCreateInput {
    /// Whose data it opens; absent for the whole installation, which only its administrators may give.
    pub organization_id: Option<ID>,
    /// What it is for, at most 200 characters.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it stops working; absent for never.
    pub expires_at: Option<DateTime>,
}

payload! {
    /// What `accessTokenCreate` answers.
    AccessTokenCreatePayload, AccessTokenCreateUserError {
        /// The new token's record.
        access_token: AccessToken,
        /// The token itself, for `Authorization: Bearer`. Shown now and never again.
        token: String,
    }
}

/// Which access token to withdraw.
#[derive(Debug, InputObject)]
pub struct AccessTokenRevokeInput {
    /// The token's record.
    pub id: ID,
}

payload! {
    /// What `accessTokenRevoke` answers.
    AccessTokenRevokePayload, AccessTokenRevokeUserError {
        /// The token's record.
        access_token: AccessToken,
    }
}

/// What can be done with organizations, their policy and their access tokens.
#[derive(Default)]
pub struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// Makes an organization with its policy. Needs `OPERATE_INSTALLATION`.
    async fn organization_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] input: OrganizationCreateInput,
    ) -> Result<Option<OrganizationCreatePayload>> {
        let new = NewOrganization { slug: input.slug, name: input.name };
        let made = organizations::create(ctx.viewer()?, ctx.ground()?, new).await;
        OrganizationCreatePayload::answer(made.map(|row| OrganizationCreatePayload::done(row.into())))
    }

    /// Changes an organization's name. Needs `MANAGE_ORGANIZATION`.
    async fn organization_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: OrganizationUpdateInput,
    ) -> Result<Option<OrganizationUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.id, &["id"])?;
            let changed = organizations::rename(viewer, ground, id, input.name.as_deref()).await?;
            Ok(OrganizationUpdatePayload::done(changed.into()))
        };
        OrganizationUpdatePayload::answer(work.await)
    }

    /// Changes what deserves a ticket. Naming another profile decides held events again. Needs `MANAGE_POLICIES`.
    async fn policy_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: PolicyUpdateInput,
    ) -> Result<Option<PolicyUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<policy::Entity>(&input.id, &["id"])?;
            let ticket_profile_id = ids::parse_undefined::<ticket_profile::Entity>(
                input.ticket_profile_id,
                &["ticketProfileId"],
            )?;
            let change = PolicyChange {
                is_enabled: input.is_enabled,
                minimum_severity: input.minimum_severity.map(Into::into),
                ticket_profile_id,
                reopen_window_secs: input.reopen_window_seconds,
                note_interval_secs: input.note_interval_seconds,
            };
            let changed = policies::update(viewer, ground, id, change).await?;
            Ok(PolicyUpdatePayload::done(changed.into()))
        };
        PolicyUpdatePayload::answer(work.await)
    }

    /// Makes an access token, and shows it this once. Needs `MANAGE_ACCESS`.
    async fn access_token_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: AccessTokenCreateInput,
    ) -> Result<Option<AccessTokenCreatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let organization_id = ids::parse_option::<organization::Entity>(
                input.organization_id.as_ref(),
                &["organizationId"],
            )?;
            let new = NewToken {
                organization_id,
                name: input.name,
                role: input.role.into(),
                expires_at: input.expires_at.map(|at| at.0),
            };
            let (row, token) = tokens::create(viewer, ground, new).await?;
            Ok(AccessTokenCreatePayload::done(row.into(), token.expose_secret().to_owned()))
        };
        AccessTokenCreatePayload::answer(work.await)
    }

    /// Withdraws an access token at once. Needs `MANAGE_ACCESS`.
    async fn access_token_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: AccessTokenRevokeInput,
    ) -> Result<Option<AccessTokenRevokePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<access_token::Entity>(&input.id, &["id"])?;
            let revoked = tokens::revoke(viewer, ground, id).await?;
            Ok(AccessTokenRevokePayload::done(revoked.into()))
        };
        AccessTokenRevokePayload::answer(work.await)
    }
}
