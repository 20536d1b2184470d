//! What can be done with organizations.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{company, organization};

use super::once::{Asked, Earlier};
use crate::{
    graphql::{Asking as _, errors::payload, ids, types::Organization},
    organizations::organization::{self as organizations, NewOrganization, OrganizationChange},
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
    /// Whether events open tickets at all: the switch of all automated ticketing. While it is off what is open is
    /// followed and closed all the same; what came meanwhile gets its ticket when it is seen the next time.
    pub is_ticketing_enabled: Option<bool>,
    /// The company that takes what senders say of customers that nobody here is known as, or of none; null for holding
    /// it until somebody says who is meant. What is held then goes on by itself. A company that is known and not mapped
    /// never comes to it.
    pub catch_all_company_id: MaybeUndefined<ID>,
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

/// What can be done with organizations.
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

    /// Changes an organization: its name, whether events open tickets at all, and its catch-all company. Needs `MANAGE_ORGANIZATION`.
    async fn organization_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: OrganizationUpdateInput,
    ) -> Result<Option<OrganizationUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.id, &["id"])?;
            let change = OrganizationChange {
                name: input.name,
                is_ticketing_enabled: input.is_ticketing_enabled,
                catch_all_company_id: ids::parse_undefined::<company::Entity>(
                    input.catch_all_company_id,
                    &["catchAllCompanyId"],
                )?,
                expected_version: input.expected_version,
            };
            let changed = organizations::update(viewer, ground, id, change).await?;
            Ok(OrganizationUpdatePayload::done(changed.into()))
        };
        OrganizationUpdatePayload::answer(work.await)
    }
}
