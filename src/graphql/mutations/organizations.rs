//! What can be done with organizations and their policy.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{organization, policy, ticket_profile};

use super::once::{Asked, Earlier};
use crate::{
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{Organization, Policy, Severity},
    },
    organizations::{
        organization::{self as organizations, NewOrganization},
        policies::{self, PolicyChange},
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
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
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
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
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
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `policyUpdate` answers.
    PolicyUpdatePayload, PolicyUpdateUserError {
        /// The policy, changed.
        policy: Policy,
    }
}

/// What can be done with organizations and their policy.
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
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let new = NewOrganization { slug: input.slug, name: input.name };
        let work = async {
            Ok(OrganizationCreatePayload::done(organizations::create(viewer, ground, new).await?.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let organization = earlier.row::<organization::Entity>().await?.map(Into::into);
            Ok(OrganizationCreatePayload { organization, user_errors: Vec::new() })
        };
        OrganizationCreatePayload::answer(asked.answer(work, again).await)
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
            let changed =
                organizations::rename(viewer, ground, id, input.name.as_deref(), input.expected_version)
                    .await?;
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
                expected_version: input.expected_version,
            };
            let changed = policies::update(viewer, ground, id, change).await?;
            Ok(PolicyUpdatePayload::done(changed.into()))
        };
        PolicyUpdatePayload::answer(work.await)
    }
}
