//! Splitting organizations.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{company, organization, psa_connection, webhook_endpoint};

use super::listed;
use crate::{
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{Organization, OrganizationSplitPlan},
    },
    organizations::{
        organization::NewOrganization,
        splits::{self, Splitting},
    },
};

/// What leaves an organization and becomes a new one. To hand it to an organization that is there already, split it off,
/// then merge the new one into that (`organizationMerge`).
#[derive(Debug, InputObject)]
pub struct OrganizationSplitInput {
    /// The organization that is split.
    pub source_id: ID,
    /// Short name of the new one, in addresses and commands: 2 to 64 of `a-z`, `0-9` and `-`; unique in the installation.
    pub slug: String,
    /// Name of the new one for people, at most 200 characters.
    pub name: String,
    /// The companies that go, at most 5,000.
    #[graphql(default)]
    pub company_ids: Vec<ID>,
    /// The PSA connections that go, at most 100. The endpoints that speak for them go along.
    #[graphql(default)]
    pub psa_connection_ids: Vec<ID>,
    /// The webhook endpoints that go, at most 500. Leave out those whose senders post for companies that stay, too: the
    /// new organization gets one like each of them.
    #[graphql(default)]
    pub webhook_endpoint_ids: Vec<ID>,
    /// Whether to tell only what would be done, and change nothing.
    pub is_dry_run: bool,
    /// The digest of the plan that you were shown. Needed to have it done; where what would be done is another by now, the
    /// error is `STALE`, and nothing is.
    pub expected_plan: Option<String>,
}

payload! {
    /// What `organizationSplit` answers.
    OrganizationSplitPayload, OrganizationSplitUserError {
        /// What was done, or would be.
        plan: OrganizationSplitPlan,
        /// The new organization; null where it would only be made.
        organization: Organization,
    }
}

/// Splitting organizations.
#[derive(Default)]
pub struct SplitMutation;

#[Object]
impl SplitMutation {
    /// Makes a part of an organization a new one, or tells what that would do: look first, with `isDryRun: true`. There is
    /// no way back but a back-up, or a merge. What you choose, and all that hangs on it, goes with its ids, links, keys and
    /// marks of tickets, addresses and secrets; what both need is copied. Nobody reaches the new organization by it: make
    /// tokens and invite members. One transaction: on SQLite nothing else is written meanwhile. Needs
    /// `OPERATE_INSTALLATION`.
    async fn organization_split(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What goes, and what it becomes.")] input: OrganizationSplitInput,
    ) -> Result<Option<OrganizationSplitPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            viewer.may_operate_installation()?;
            let splitting = Splitting {
                source_id: ids::parse::<organization::Entity>(&input.source_id, &["sourceId"])?,
                new: NewOrganization { slug: input.slug, name: input.name },
                company_ids: listed::<company::Entity>(&input.company_ids, "companyIds")?,
                psa_connection_ids: listed::<psa_connection::Entity>(
                    &input.psa_connection_ids,
                    "psaConnectionIds",
                )?,
                webhook_endpoint_ids: listed::<webhook_endpoint::Entity>(
                    &input.webhook_endpoint_ids,
                    "webhookEndpointIds",
                )?,
                is_dry_run: input.is_dry_run,
                expected_plan: input.expected_plan,
            };
            let split = splits::split(viewer, ground, splitting).await?;
            Ok(OrganizationSplitPayload {
                plan: Some(OrganizationSplitPlan(split.plan)),
                organization: split.organization.map(Into::into),
                user_errors: Vec::new(),
            })
        };
        OrganizationSplitPayload::answer(work.await)
    }
}
