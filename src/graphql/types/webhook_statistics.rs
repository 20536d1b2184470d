//! Webhooks over time.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Object, Result, SimpleObject, dataloader::Loader};
use uuid::Uuid;

use super::{
    StatisticsBucket, WebhookEndpoint,
    statistics::{bounds, int},
};
use crate::{
    graphql::{
        Asking as _,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    statistics::{
        buckets::{self, Buckets},
        webhooks::{self, Counts, EndpointCounts},
    },
};

/// How many webhooks. Those that still wait to be decided are not among them: see `backlog`.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct WebhookCounts {
    /// Their events are decided, held ones included.
    pub understood_count: i32,
    /// They could not be read, or deciding them failed again and again.
    pub dead_count: i32,
    /// How often any of them came again.
    pub duplicate_count: i32,
}

impl From<Counts> for WebhookCounts {
    fn from(counts: Counts) -> Self {
        Self {
            understood_count: int(counts.understood),
            dead_count: int(counts.dead),
            duplicate_count: int(counts.repeated),
        }
    }
}

/// The webhooks that came in a bucket of time.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct WebhookStatisticsBucket {
    /// When the bucket begins.
    pub starts_at: DateTime,
    /// When it ends, and the next one begins.
    pub ends_at: DateTime,
    /// How many.
    pub counts: WebhookCounts,
}

fn total<'a>(buckets: impl Iterator<Item = &'a Counts>) -> WebhookCounts {
    let mut total = Counts::default();
    buckets.for_each(|counts| total.add(*counts));
    total.into()
}

/// Webhooks over time.
pub struct WebhookStatistics {
    /// Whose.
    pub organization_id: Uuid,
    /// In which buckets.
    pub buckets: Buckets,
}

impl WebhookStatistics {
    async fn endpoints(&self, ctx: &Context<'_>) -> Result<Arc<Vec<EndpointCounts>>> {
        let key = EndpointsOf { organization_id: self.organization_id, buckets: self.buckets.clone() };
        Ok(ctx.loaders()?.get(key).await?.unwrap_or_default())
    }
}

/// Webhooks over time, by the moment they came in. Whole buckets in UTC.
#[Object]
impl WebhookStatistics {
    /// When the first bucket begins.
    async fn starts_at(&self) -> DateTime {
        buckets::start_of(self.buckets.first()).into()
    }

    /// When the last bucket ends.
    async fn ends_at(&self) -> DateTime {
        buckets::start_of(self.buckets.end()).into()
    }

    /// How long the buckets are.
    async fn bucket(&self) -> StatisticsBucket {
        self.buckets.bucket().into()
    }

    /// All of the time together.
    async fn total(&self, ctx: &Context<'_>) -> Result<WebhookCounts> {
        let endpoints = self.endpoints(ctx).await?;
        Ok(total(endpoints.iter().flat_map(|endpoint| endpoint.buckets.values())))
    }

    /// Bucket by bucket, empty ones included.
    async fn buckets(&self, ctx: &Context<'_>) -> Result<Vec<WebhookStatisticsBucket>> {
        let endpoints = self.endpoints(ctx).await?;
        let all = |first| endpoints.iter().filter_map(move |endpoint| endpoint.buckets.get(&first));
        Ok(list(&self.buckets, |first| total(all(first))))
    }

    /// Endpoint by endpoint, the newest first, 100 at the most; those that were silent included.
    async fn by_webhook_endpoint(&self, ctx: &Context<'_>) -> Result<Vec<WebhookEndpointStatistics>> {
        let endpoints = self.endpoints(ctx).await?;
        Ok(endpoints
            .iter()
            .map(|of| WebhookEndpointStatistics { of: of.clone(), buckets: self.buckets.clone() })
            .collect())
    }
}

fn list(buckets: &Buckets, counts: impl Fn(i32) -> WebhookCounts) -> Vec<WebhookStatisticsBucket> {
    let one = |span: (i32, i32)| {
        let (starts_at, ends_at) = bounds(span);
        WebhookStatisticsBucket { starts_at, ends_at, counts: counts(span.0) }
    };
    buckets.spans().map(one).collect()
}

/// The webhooks of an endpoint over time.
pub struct WebhookEndpointStatistics {
    of: EndpointCounts,
    buckets: Buckets,
}

/// The webhooks of an endpoint over time.
#[Object]
impl WebhookEndpointStatistics {
    /// The endpoint.
    async fn webhook_endpoint(&self) -> WebhookEndpoint {
        self.of.endpoint.clone().into()
    }

    /// When the last webhook came, in or out of this time; null where none ever did.
    async fn last_received_at(&self) -> Option<DateTime> {
        self.of.last_received_at.map(DateTime)
    }

    /// All of the time together.
    async fn total(&self) -> WebhookCounts {
        total(self.of.buckets.values())
    }

    /// Bucket by bucket, empty ones included.
    async fn buckets(&self) -> Vec<WebhookStatisticsBucket> {
        list(&self.buckets, |first| self.of.buckets.get(&first).copied().unwrap_or_default().into())
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct EndpointsOf {
    organization_id: Uuid,
    buckets: Buckets,
}

impl Loader<EndpointsOf> for Fetch {
    type Value = Arc<Vec<EndpointCounts>>;
    type Error = Shared;

    async fn load(&self, keys: &[EndpointsOf]) -> Result<HashMap<EndpointsOf, Self::Value>, Shared> {
        let mut by_buckets: HashMap<&Buckets, Vec<Uuid>> = HashMap::new();
        for key in keys {
            by_buckets.entry(&key.buckets).or_default().push(key.organization_id);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (buckets, ids) in by_buckets {
            let endpoints = webhooks::endpoints(&self.viewer, &self.ground, buckets, &ids).await?;
            found.extend(endpoints.into_iter().map(|(organization_id, endpoints)| {
                (EndpointsOf { organization_id, buckets: buckets.clone() }, Arc::new(endpoints))
            }));
        }
        Ok(found)
    }
}
