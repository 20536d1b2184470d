//! One received webhook: the inbox.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject, dataloader::Loader};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use entity::{webhook_delivery, webhook_endpoint};
use uuid::Uuid;

use super::{EventConnection, TraceStep, WebhookDeliveryState, WebhookEndpoint};
use crate::{
    db::page::PageArgs,
    decisions::{events::EventList, trace},
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::{DateTime, Json},
    },
    queue::deliveries::{self, DeliveryList},
};

/// A header of a request.
#[derive(Clone, Debug, SimpleObject)]
pub struct WebhookHeader {
    /// Its name, in lower case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One received webhook, as it came in.
pub struct WebhookDelivery(pub webhook_delivery::Model);

impl From<webhook_delivery::Model> for WebhookDelivery {
    fn from(row: webhook_delivery::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of deliveries.
    WebhookDeliveryConnection, WebhookDeliveryEdge, WebhookDelivery, DeliveryList, bounded
}

impl WebhookDelivery {
    /// None where it was removed.
    async fn body(&self, ctx: &Context<'_>) -> Result<Option<Arc<Vec<u8>>>> {
        Ok(ctx.loaders()?.get(BodyOf(self.0.id)).await?)
    }
}

/// One received webhook, as it came in.
#[Object]
impl WebhookDelivery {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<webhook_delivery::Entity>(self.0.id)
    }

    /// What repetitions are recognised by, unique in the endpoint: the sender's id of the message, or
    /// `sha256:` and the digest of the body.
    async fn message_id(&self) -> &str {
        &self.0.message_id
    }

    /// The id of the request that brought it, as in the logs.
    async fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// What became of it.
    async fn state(&self) -> WebhookDeliveryState {
        self.0.state.into()
    }

    /// Why it is dead, in words.
    async fn problem(&self) -> Option<&str> {
        self.0.problem.as_deref()
    }

    /// When it came in.
    async fn received_at(&self) -> DateTime {
        self.0.received_at.into()
    }

    /// When it was understood or given up.
    async fn decided_at(&self) -> Option<DateTime> {
        self.0.decided_at.map(DateTime)
    }

    /// How often it came again.
    async fn duplicate_count(&self) -> i32 {
        self.0.duplicate_count
    }

    /// How it was authenticated, e.g. `standard_webhooks.v1`.
    async fn verified_by(&self) -> &str {
        &self.0.verified_by
    }

    /// When its headers and body were removed, because they are kept for a while only (`keep_deliveries_days`); null while
    /// they are there. Its events stay, and its trace.
    async fn payload_removed_at(&self) -> Option<DateTime> {
        self.0.body_removed_at.map(DateTime)
    }

    /// Its headers, without those that carry secrets; none once they were removed.
    async fn headers(&self) -> Vec<WebhookHeader> {
        let pairs: Vec<(String, String)> = serde_json::from_value(self.0.headers.clone()).unwrap_or_default();
        pairs.into_iter().map(|(name, value)| WebhookHeader { name, value }).collect()
    }

    /// The body, where it is JSON and was not removed. Numbers may be rounded: `payloadText` is what was sent. Needs
    /// `READ_PAYLOADS`.
    async fn payload(&self, ctx: &Context<'_>) -> Result<Option<Json>> {
        let body = self.body(ctx).await?;
        Ok(body.and_then(|body| serde_json::from_slice(&body).ok()).map(Json))
    }

    /// The body as it was sent, where it is UTF-8 and was not removed. Needs `READ_PAYLOADS`.
    async fn payload_text(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let body = self.body(ctx).await?;
        Ok(body.and_then(|body| std::str::from_utf8(&body).ok().map(str::to_owned)))
    }

    /// The body as it was sent, in base64, where it is not UTF-8 and was not removed. Needs `READ_PAYLOADS`.
    async fn payload_base64(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let body = self.body(ctx).await?.filter(|body| std::str::from_utf8(body).is_err());
        Ok(body.map(|body| STANDARD.encode(body.as_slice())))
    }

    /// Where it came in.
    async fn webhook_endpoint(&self, ctx: &Context<'_>) -> Result<WebhookEndpoint> {
        Ok(ctx.loaders()?.named::<webhook_endpoint::Entity>(self.0.webhook_endpoint_id).await?.into())
    }

    /// The events that were read from it, in the order in which they stand there.
    async fn events(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let args = PageArgs { first, after, last, before };
        Ok(EventConnection::new(self.0.id, EventList::of_deliveries(), &args)?)
    }

    /// Its way from the bytes to the PSA's ticket, step by step, with every reason.
    async fn trace(&self, ctx: &Context<'_>) -> Result<Vec<TraceStep>> {
        let steps = ctx.loaders()?.get(TraceOf(self.0.id)).await?.unwrap_or_default();
        Ok(steps.iter().cloned().map(TraceStep::from).collect())
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct BodyOf(Uuid);

impl Loader<BodyOf> for Fetch {
    type Value = Arc<Vec<u8>>;
    type Error = Shared;

    async fn load(&self, keys: &[BodyOf]) -> Result<HashMap<BodyOf, Arc<Vec<u8>>>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let bodies = deliveries::bodies(&self.viewer, &self.ground, &ids).await?;
        Ok(bodies.into_iter().map(|(id, body)| (BodyOf(id), Arc::new(body))).collect())
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct TraceOf(Uuid);

impl Loader<TraceOf> for Fetch {
    type Value = Arc<Vec<trace::Step>>;
    type Error = Shared;

    async fn load(&self, keys: &[TraceOf]) -> Result<HashMap<TraceOf, Arc<Vec<trace::Step>>>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let ways = trace::of_deliveries(&self.viewer, &self.ground, &ids).await?;
        Ok(ways.into_iter().map(|(id, steps)| (TraceOf(id), Arc::new(steps))).collect())
    }
}
