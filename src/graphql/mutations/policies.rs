//! What can be done with policies.

mod inputs;

use async_graphql::{Context, Object, Result};
use entity::{organization, policy};

use super::{
    listed,
    once::{Asked, Earlier},
};
use crate::{
    graphql::{Asking as _, ids},
    organizations::policies,
};

pub use inputs::*;

/// What can be done with policies.
#[derive(Default)]
pub struct PolicyMutation;

#[Object]
impl PolicyMutation {
    /// Makes a policy. Held events are decided again. Needs `MANAGE_POLICIES`.
    async fn policy_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The policy.")] input: PolicyCreateInput,
    ) -> Result<Option<PolicyCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let made = policies::create(viewer, ground, input.read()?).await?;
            Ok(PolicyCreatePayload::done(made.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let policy = earlier.row::<policy::Entity>().await?.map(Into::into);
            Ok(PolicyCreatePayload { policy, user_errors: Vec::new() })
        };
        PolicyCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Makes a policy of one of `policyPresets`, with the event set that it needs, and puts it first. Held events are
    /// decided again. Needs `MANAGE_POLICIES`.
    async fn policy_create_from_preset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which preset.")] input: PolicyCreateFromPresetInput,
    ) -> Result<Option<PolicyCreateFromPresetPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let made = policies::create_from_preset(viewer, ground, id, &input.preset).await?;
            Ok(PolicyCreateFromPresetPayload::done(made.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let policy = earlier.row::<policy::Entity>().await?.map(Into::into);
            Ok(PolicyCreateFromPresetPayload { policy, user_errors: Vec::new() })
        };
        PolicyCreateFromPresetPayload::answer(asked.answer(work, again).await)
    }

    /// Makes a policy like another one, right behind it and switched off. Needs `MANAGE_POLICIES`.
    async fn policy_copy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which policy.")] input: PolicyCopyInput,
    ) -> Result<Option<PolicyCopyPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<policy::Entity>(&input.id, &["id"])?;
            let made = policies::copy(viewer, ground, id, input.name.as_deref()).await?;
            Ok(PolicyCopyPayload::done(made.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let policy = earlier.row::<policy::Entity>().await?.map(Into::into);
            Ok(PolicyCopyPayload { policy, user_errors: Vec::new() })
        };
        PolicyCopyPayload::answer(asked.answer(work, again).await)
    }

    /// Changes a policy. Held events are decided again. Needs `MANAGE_POLICIES`.
    async fn policy_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: PolicyUpdateInput,
    ) -> Result<Option<PolicyUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<policy::Entity>(&input.id, &["id"])?;
            let changed = policies::update(viewer, ground, id, input.read()?).await?;
            Ok(PolicyUpdatePayload::done(changed.into()))
        };
        PolicyUpdatePayload::answer(work.await)
    }

    /// Removes a policy; its tickets stay, and are followed and closed as before. Held events are decided again. Needs
    /// `MANAGE_POLICIES`.
    async fn policy_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which policy.")] input: PolicyDeleteInput,
    ) -> Result<Option<PolicyDeletePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<policy::Entity>(&input.id, &["id"])?;
            policies::delete(viewer, ground, id).await?;
            Ok(PolicyDeletePayload::done(input.id.clone()))
        };
        PolicyDeletePayload::answer(work.await)
    }

    /// Puts all policies of an organization in another order: the first that matches decides. Held events are decided
    /// again. Needs `MANAGE_POLICIES`.
    async fn policy_reorder(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order.")] input: PolicyReorderInput,
    ) -> Result<Option<PolicyReorderPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let policy_ids = listed::<policy::Entity>(&input.policy_ids, "policyIds")?;
            let organization = policies::reorder(viewer, ground, id, policy_ids).await?;
            Ok(PolicyReorderPayload::done(organization.into()))
        };
        PolicyReorderPayload::answer(work.await)
    }
}
