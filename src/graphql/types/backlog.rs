//! What waits, and how connections are.

use std::collections::HashMap;

use async_graphql::{Context, Result, SimpleObject, dataloader::Loader};
use uuid::Uuid;

use super::statistics::{age, int};
use crate::{
    graphql::{
        Asking as _,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    statistics::{
        backlog::{self, BOUND, Queue, Waiting},
        connections,
    },
};

/// Things of one kind that wait.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct BacklogQueue {
    /// How many; counting stops at 10,000.
    pub count: i32,
    /// Whether `count` was counted to the end.
    pub count_is_exact: bool,
    /// Since when the oldest waits; null where nothing does.
    pub oldest_at: Option<DateTime>,
    /// How long the oldest waits, in seconds; null where nothing does.
    pub oldest_age_seconds: Option<i32>,
}

/// What waits in an organization, and since when.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Backlog {
    /// Events that wait until somebody mends the reason, e.g. maps their company.
    pub held_events: BacklogQueue,
    /// Webhooks that are stored and not decided yet.
    pub undecided_deliveries: BacklogQueue,
    /// Webhooks that could not be read or decided; redrive them after mending.
    pub dead_deliveries: BacklogQueue,
    /// Operations at PSAs whose time has come; they wait for their turn, their budget or a pause to end.
    pub due_operations: BacklogQueue,
    /// Operations that were given up; retry them after mending.
    pub failed_operations: BacklogQueue,
    /// Tickets of which it is not known whether the PSA made them; they are looked for.
    pub unknown_tickets: BacklogQueue,
    /// Tickets that a PSA refused.
    pub failed_tickets: BacklogQueue,
}

impl Backlog {
    pub(super) async fn of(ctx: &Context<'_>, organization_id: Uuid) -> Result<Self> {
        let now = ctx.ground()?.clock.now();
        let found = ctx.loaders()?.get(BacklogOf(organization_id)).await?.unwrap_or_default();
        let queue = |waiting| {
            let Queue { count, oldest_at } = found.get(&waiting).copied().unwrap_or_default();
            BacklogQueue {
                count: i32::try_from(count).unwrap_or(i32::MAX),
                count_is_exact: count < BOUND,
                oldest_at: oldest_at.map(DateTime),
                oldest_age_seconds: age(now, oldest_at),
            }
        };
        Ok(Self {
            held_events: queue(Waiting::HeldEvents),
            undecided_deliveries: queue(Waiting::UndecidedDeliveries),
            dead_deliveries: queue(Waiting::DeadDeliveries),
            due_operations: queue(Waiting::DueOperations),
            failed_operations: queue(Waiting::FailedOperations),
            unknown_tickets: queue(Waiting::UnknownTickets),
            failed_tickets: queue(Waiting::FailedTickets),
        })
    }
}

/// How an organization's PSA connections are, counted.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct PsaConnectionStatistics {
    /// All of them.
    pub total_count: i32,
    /// Switched on, and the last check or call worked.
    pub healthy_count: i32,
    /// Switched on, and the last check or call failed in a way that somebody must mend.
    pub failing_count: i32,
    /// Switched on, and never checked since the credentials were changed.
    pub unverified_count: i32,
    /// Switched off; their work waits.
    pub disabled_count: i32,
    /// Switched on, and paused for the moment: the PSA is away, or wants fewer calls.
    pub paused_count: i32,
    /// Since when the oldest work that is due waits, of those that are switched on; null where none does.
    pub oldest_due_at: Option<DateTime>,
    /// How long it waits, in seconds; null where none does.
    pub oldest_due_age_seconds: Option<i32>,
}

impl PsaConnectionStatistics {
    pub(super) async fn of(ctx: &Context<'_>, organization_id: Uuid) -> Result<Self> {
        let now = ctx.ground()?.clock.now();
        let counts = ctx.loaders()?.get(ConnectionCountsOf(organization_id)).await?.unwrap_or_default();
        Ok(Self {
            total_count: int(counts.all),
            healthy_count: int(counts.healthy),
            failing_count: int(counts.failing),
            unverified_count: int(counts.unverified),
            disabled_count: int(counts.disabled),
            paused_count: int(counts.paused),
            oldest_due_at: counts.oldest_due_at.map(DateTime),
            oldest_due_age_seconds: age(now, counts.oldest_due_at),
        })
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct BacklogOf(Uuid);

impl Loader<BacklogOf> for Fetch {
    type Value = HashMap<Waiting, Queue>;
    type Error = Shared;

    async fn load(&self, keys: &[BacklogOf]) -> Result<HashMap<BacklogOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = backlog::of(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, queues)| (BacklogOf(id), queues)).collect())
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct ConnectionCountsOf(Uuid);

impl Loader<ConnectionCountsOf> for Fetch {
    type Value = connections::Counts;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[ConnectionCountsOf],
    ) -> Result<HashMap<ConnectionCountsOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = connections::counts(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, counts)| (ConnectionCountsOf(id), counts)).collect())
    }
}
