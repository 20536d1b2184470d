//! What can be done with members.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{member, organization};

use super::once::{Asked, Earlier};
use crate::{
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{Member, Role},
    },
    organizations::members::{self, MemberChange, NewInvitation},
};

/// Somebody to be invited.
#[derive(Debug, InputObject)]
pub struct MemberInviteInput {
    /// To which organization.
    pub organization_id: ID,
    /// Address of electronic mail, as the identity provider knows and has confirmed it.
    pub email: String,
    /// What they are to be, where the provider does not say.
    pub role: Role,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `memberInvite` answers.
    MemberInvitePayload, MemberInviteUserError {
        /// The member to be.
        member: Member,
    }
}

/// What to change of a member; what is absent stays.
#[derive(Debug, InputObject)]
pub struct MemberUpdateInput {
    /// The member.
    pub id: ID,
    /// What they are. Cannot be changed where the identity provider says it.
    pub role: Option<Role>,
    /// Whether they are let in.
    pub is_enabled: Option<bool>,
}

payload! {
    /// What `memberUpdate` answers.
    MemberUpdatePayload, MemberUpdateUserError {
        /// The member, changed.
        member: Member,
    }
}

/// Which member to take away.
#[derive(Debug, InputObject)]
pub struct MemberRemoveInput {
    /// The member.
    pub id: ID,
}

payload! {
    /// What `memberRemove` answers.
    MemberRemovePayload, MemberRemoveUserError {
        /// Id of who is a member no longer.
        deleted_member_id: ID,
    }
}

/// What can be done with members.
#[derive(Default)]
pub struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Invites somebody: they are a member from their first sign-in with that address on. Nobody is written to; tell
    /// them. Needs `MANAGE_ACCESS`.
    async fn member_invite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: MemberInviteInput,
    ) -> Result<Option<MemberInvitePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let organization_id =
                ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let new = NewInvitation { organization_id, email: input.email, role: input.role.into() };
            Ok(MemberInvitePayload::done(members::invite(viewer, ground, new).await?.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let member = earlier.row::<member::Entity>().await?.map(Into::into);
            Ok(MemberInvitePayload { member, user_errors: Vec::new() })
        };
        MemberInvitePayload::answer(asked.answer(work, again).await)
    }

    /// Changes what a member is, or lets them in no longer, from their next request on. Needs `MANAGE_ACCESS`; of
    /// owners `MANAGE_OWNERS`.
    async fn member_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: MemberUpdateInput,
    ) -> Result<Option<MemberUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<member::Entity>(&input.id, &["id"])?;
            let change = MemberChange { role: input.role.map(Into::into), is_enabled: input.is_enabled };
            Ok(MemberUpdatePayload::done(members::update(viewer, ground, id, change).await?.into()))
        };
        MemberUpdatePayload::answer(work.await)
    }

    /// Takes a member away, or an invitation back. Whom the identity provider names with an organization and a role
    /// comes again with the next sign-in: switch them off with `memberUpdate` instead. Needs `MANAGE_ACCESS`; of
    /// owners `MANAGE_OWNERS`.
    async fn member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which member.")] input: MemberRemoveInput,
    ) -> Result<Option<MemberRemovePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<member::Entity>(&input.id, &["id"])?;
            let removed = members::remove(viewer, ground, id).await?;
            Ok(MemberRemovePayload::done(ids::encode::<member::Entity>(removed.id)))
        };
        MemberRemovePayload::answer(work.await)
    }
}
