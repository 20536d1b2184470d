//! Merging organizations.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{organization, psa_connection};

use crate::{
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{Organization, OrganizationMergePlan},
    },
    organizations::{
        connections,
        mergers::{self, Merging},
    },
    psa,
};

/// Which organization is merged into which.
#[derive(Debug, InputObject)]
pub struct OrganizationMergeInput {
    /// The organization that is merged: all that it has becomes the other one's.
    pub source_id: ID,
    /// The organization that it is merged into.
    pub target_id: ID,
    /// Whether to tell only what would be done, and change nothing.
    pub is_dry_run: bool,
    /// The digest of the plan that you were shown. Needed to have it done; where what would be done is another by now, the
    /// error is `STALE`, and nothing is.
    pub expected_plan: Option<String>,
}

payload! {
    /// What `organizationMerge` answers.
    OrganizationMergePayload, OrganizationMergeUserError {
        /// What was done, or would be.
        plan: OrganizationMergePlan,
        /// The organization that it is merged into.
        organization: Organization,
    }
}

/// Merging organizations.
#[derive(Default)]
pub struct MergerMutation;

#[Object]
impl MergerMutation {
    /// Merges an organization into another one, or tells what that would do: look first, with `isDryRun: true`. There is
    /// no way back but a back-up. All that the source has becomes the target's with its ids, links, keys and marks of
    /// tickets, addresses and secrets; tokens and members of the source are withdrawn, its subscribers switched off. One
    /// transaction: on SQLite nothing else is written meanwhile. Needs `OPERATE_INSTALLATION`.
    async fn organization_merge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which into which.")] input: OrganizationMergeInput,
    ) -> Result<Option<OrganizationMergePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            viewer.may_operate_installation()?;
            let asked = Merging {
                source_id: ids::parse::<organization::Entity>(&input.source_id, &["sourceId"])?,
                target_id: ids::parse::<organization::Entity>(&input.target_id, &["targetId"])?,
                is_dry_run: input.is_dry_run,
                expected_plan: input.expected_plan,
            };
            let merged = mergers::merge(viewer, ground, asked, instance_of).await?;
            Ok(OrganizationMergePayload::done(OrganizationMergePlan(merged.plan), merged.target.into()))
        };
        OrganizationMergePayload::answer(work.await)
    }
}

/// The platform and the customer of its vendor that a connection leads to.
fn instance_of(row: &psa_connection::Model) -> String {
    let tenant = psa::platform(&row.platform).map(|platform| platform.tenant(&connections::settings(row)));
    format!("{}/{}", row.platform, tenant.unwrap_or_else(|| row.id.to_string()))
}
