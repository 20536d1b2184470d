//! Ending what an endpoint learns.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::webhook_endpoint;

use crate::{
    graphql::{Asking as _, errors::payload, ids, types::WebhookEndpoint},
    organizations::endpoints::{self, End},
};

/// Which endpoint is to go live, and what becomes of what it has learned.
#[derive(Debug, InputObject)]
pub struct WebhookEndpointEndBaselineInput {
    /// The endpoint.
    pub id: ID,
    /// Whether the findings that it has learned, and that are still there, get their tickets now, as the policies say.
    /// Otherwise each gets one only once it gets worse, or comes back after it was resolved.
    #[graphql(default)]
    pub open_tickets: bool,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `webhookEndpointEndBaseline` answers.
    WebhookEndpointEndBaselinePayload, WebhookEndpointEndBaselineUserError {
        /// The endpoint, live.
        webhook_endpoint: WebhookEndpoint,
        /// How many of the findings that it has learned are taken up now. 10,000 at the most: then ask again for the
        /// others.
        taken_up_count: i32,
    }
}

/// Ending what an endpoint learns.
#[derive(Default)]
pub struct EndpointBaselineMutation;

#[Object]
impl EndpointBaselineMutation {
    /// Ends the baseline mode of an endpoint. It may be live already: then only findings are taken up. Needs
    /// `MANAGE_ENDPOINTS`.
    async fn webhook_endpoint_end_baseline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which endpoint, and how.")] input: WebhookEndpointEndBaselineInput,
    ) -> Result<Option<WebhookEndpointEndBaselinePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<webhook_endpoint::Entity>(&input.id, &["id"])?;
            let end = End { opens_tickets: input.open_tickets, expected_version: input.expected_version };
            let (row, taken_up) = endpoints::end_baseline(viewer, ground, id, end).await?;
            let taken_up = i32::try_from(taken_up).unwrap_or(i32::MAX);
            Ok(WebhookEndpointEndBaselinePayload::done(row.into(), taken_up))
        };
        WebhookEndpointEndBaselinePayload::answer(work.await)
    }
}
