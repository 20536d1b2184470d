//! Numbers for dashboards.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use entity::Timestamp;
use uuid::Uuid;

use super::{Backlog, PsaConnectionStatistics, TicketStatistics, TicketStatisticsFilter, WebhookStatistics};
use crate::{
    error::Error,
    graphql::{Asking as _, scalars::DateTime},
    statistics::{
        buckets::{self, Buckets},
        tickets::Of,
    },
};

/// How long the buckets are that time is cut into. All are in UTC. New values may be added: have a default
/// branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "buckets::Bucket")]
pub enum StatisticsBucket {
    /// A day.
    #[default]
    Day,
    /// A week from Monday to Sunday.
    Week,
    /// A month.
    Month,
}

/// A time that is cut into buckets.
pub(super) fn cut(
    ctx: &Context<'_>,
    bucket: Option<StatisticsBucket>,
    from: Option<DateTime>,
    to: Option<DateTime>,
) -> Result<Buckets> {
    let (from, to) = (from.map(|at| at.0), to.map(|at| at.0));
    let now = ctx.ground()?.clock.now();
    Ok(Buckets::new(bucket.unwrap_or_default().into(), from, to, now)?)
}

/// The bounds of a bucket.
pub(super) fn bounds((first, end): (i32, i32)) -> (DateTime, DateTime) {
    (buckets::start_of(first).into(), buckets::start_of(end).into())
}

/// A count as GraphQL's `Int` can say it.
pub(super) fn int(count: i64) -> i32 {
    i32::try_from(count.max(0)).unwrap_or(i32::MAX)
}

/// How long ago something was, in seconds.
pub(super) fn age(now: Timestamp, since: Option<Timestamp>) -> Option<i32> {
    since.map(|since| int(now.millis_since(since) / 1_000))
}

/// A count in a bucket of time.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct CountBucket {
    /// When the bucket begins.
    pub starts_at: DateTime,
    /// When it ends, and the next one begins.
    pub ends_at: DateTime,
    /// How many.
    pub count: i32,
}

/// Numbers for an organization's dashboards.
pub struct OrganizationStatistics {
    /// Whose.
    pub organization_id: Uuid,
}

/// Numbers for an organization's dashboards. All times are UTC.
#[Object]
impl OrganizationStatistics {
    /// Tickets over time: how many, and how fast. Test tickets are left out.
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From the bucket this moment is in; by default 30 days, 12 weeks or 12 months.")]
        from: Option<DateTime>,
        #[graphql(desc = "Until before this moment, and to the end of its bucket; by default until now.")]
        to: Option<DateTime>,
        #[graphql(desc = "How long the buckets are, 400 of them at the most; by default days.")]
        bucket: Option<StatisticsBucket>,
        #[graphql(desc = "Only tickets of which all of this is true.")] filter: Option<
            TicketStatisticsFilter,
        >,
    ) -> Result<TicketStatistics> {
        let of = Of { organization_id: self.organization_id, company_id: None };
        let buckets = cut(ctx, bucket, from, to)?;
        let wanted = filter.unwrap_or_default().read(buckets).map_err(Error::from)?;
        Ok(TicketStatistics { of, wanted })
    }

    /// Webhooks over time, endpoint by endpoint.
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From the bucket this moment is in; by default 30 days, 12 weeks or 12 months.")]
        from: Option<DateTime>,
        #[graphql(desc = "Until before this moment, and to the end of its bucket; by default until now.")]
        to: Option<DateTime>,
        #[graphql(desc = "How long the buckets are, 400 of them at the most; by default days.")]
        bucket: Option<StatisticsBucket>,
    ) -> Result<WebhookStatistics> {
        let buckets = cut(ctx, bucket, from, to)?;
        Ok(WebhookStatistics { organization_id: self.organization_id, buckets })
    }

    /// What waits now, and since when.
    async fn backlog(&self, ctx: &Context<'_>) -> Result<Backlog> {
        Backlog::of(ctx, self.organization_id).await
    }

    /// How its PSA connections are now, counted.
    async fn psa_connections(&self, ctx: &Context<'_>) -> Result<PsaConnectionStatistics> {
        PsaConnectionStatistics::of(ctx, self.organization_id).await
    }
}
