//! What can be watched. A subscription is a hint, the query the truth: each event carries the whole thing as
//! it is when the event is sent, read with what the watcher may see at that moment; nothing is kept for who
//! was away.
//!
//! # Adding a subscription
//! 1. A kind of news in [`crate::db::news::What`], told where the thing changes.
//! 2. Here: a payload of `event_id`, `occurred_at` and the node, and a method on [`SubscriptionRoot`] that
//!    ends in `hearing::listen`. Its filter, if it has one, in `filters.rs`.

#![expect(
    clippy::unused_async,
    reason = "the macro wants them so; most begin without a look at the database"
)]

mod filters;
mod hearing;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_graphql::{
    Context, Data, ID, Response, SimpleObject, Subscription,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};
use entity::sync_run;
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::sync::watch;

pub use filters::*;

use super::{
    errors::{code, refusal},
    ids,
    loaders::Loaders,
    scalars::DateTime,
    types::{BillingEntry, PsaConnection, SyncRun, Ticket, TicketOperation, WebhookDelivery},
};
use crate::{
    db::{
        news::{Happened, Heard, What},
        walled,
    },
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
};

/// Who watches: data of a request that subscribes.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// Who is asking, as was found out last.
    viewer: watch::Receiver<Viewer>,
    ground: Ground,
    /// How long one event may take.
    timeout: Duration,
    /// Whether the source of events is there: what goes wrong before is no event.
    has_begun: Arc<AtomicBool>,
}

impl Subscriber {
    /// For one subscription.
    pub fn new(viewer: watch::Receiver<Viewer>, ground: Ground, timeout: Duration) -> Self {
        Self { viewer, ground, timeout, has_begun: Arc::default() }
    }

    /// Whether there may be events by now.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    fn begins(&self) {
        self.has_begun.store(true, Ordering::Release);
    }

    fn viewer(&self) -> Viewer {
        self.viewer.borrow().clone()
    }
}

/// Resolves each event with loaders and a viewer of its own, in bounded time.
#[derive(Clone, Copy, Debug)]
pub struct EachEvent;

impl ExtensionFactory for EachEvent {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_trait::async_trait]
impl Extension for EachEvent {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let Some(subscriber) = ctx.data_opt::<Subscriber>() else {
            return next.run(ctx, operation_name).await;
        };
        let mut data = Data::default();
        let viewer = subscriber.viewer();
        let organization_id = viewer.organization_id();
        data.insert(Loaders::new(viewer, subscriber.ground.clone()));
        let event = walled::within(organization_id, next.run_with_data(ctx, operation_name, data));
        tokio::time::timeout(subscriber.timeout, event).await.unwrap_or_else(|_| {
            let message = format!("this event took longer than {:?}; ask for less of it", subscriber.timeout);
            Response::from_errors(vec![refusal(code::TIMEOUT, message)])
        })
    }
}

/// Events of one subscription.
type Events<T> = BoxStream<'static, async_graphql::Result<T>>;

macro_rules! happening {
    ($(#[$doc:meta])* $name:ident { $(#[$node_doc:meta])* $node:ident: $type:ident of $table:ident }) => {
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $name {
            /// Unique among all events: one that comes again is the same event.
            pub event_id: ID,
            /// When it happened.
            pub occurred_at: DateTime,
            $(#[$node_doc])*
            pub $node: $type,
        }

        impl From<(Heard, entity::$table::Model)> for $name {
            fn from((heard, row): (Heard, entity::$table::Model)) -> Self {
                Self {
                    event_id: ID(heard.event_id()),
                    occurred_at: heard.happened.at.into(),
                    $node: row.into(),
                }
            }
        }
    };
}

happening! {
    /// A ticket was planned or changed.
    TicketUpdatedPayload {
        /// The ticket as it is now.
        ticket: Ticket of ticket
    }
}

happening! {
    /// A webhook came in.
    WebhookDeliveryReceivedPayload {
        /// The delivery as it is now.
        webhook_delivery: WebhookDelivery of webhook_delivery
    }
}

happening! {
    /// An attempt to carry out an operation at a PSA has ended.
    TicketOperationAttemptedPayload {
        /// The operation as it is now, with its attempts.
        ticket_operation: TicketOperation of ticket_operation
    }
}

happening! {
    /// A reading began, went on or ended.
    SyncRunProgressedPayload {
        /// The reading as it is now.
        sync_run: SyncRun of sync_run
    }
}

happening! {
    /// An entry of the billing ledger was planned or moved on.
    BillingEntryChangedPayload {
        /// The entry as it is now.
        billing_entry: BillingEntry of billing_entry
    }
}

happening! {
    /// A connection works, fails, rests, or was switched on or off.
    PsaConnectionHealthChangedPayload {
        /// The connection as it is now.
        psa_connection: PsaConnection of psa_connection
    }
}

/// What can be watched, over a WebSocket (`graphql-transport-ws` at `/graphql`) or as server-sent events
/// (`/graphql/stream`). An event is a hint and is sent at most once: after a break in the connection ask
/// again for what you show. Several changes of one thing in quick succession are one event.
#[derive(Clone, Copy, Debug, Default)]
pub struct SubscriptionRoot;

/// What can be watched, over a WebSocket (`graphql-transport-ws` at `/graphql`) or as server-sent events
/// (`/graphql/stream`). An event is a hint and is sent at most once: after a break in the connection ask
/// again for what you show. Several changes of one thing in quick succession are one event.
#[Subscription(name = "Subscription")]
impl SubscriptionRoot {
    /// Tickets that are planned or changed: their state, their status and number in the PSA, their findings
    /// and notes.
    async fn ticket_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Which tickets, as they are after the change; all that you may see where it is missing."
        )]
        filter: Option<TicketUpdatedFilter>,
    ) -> async_graphql::Result<Events<TicketUpdatedPayload>> {
        let wanted = filter.unwrap_or_default().read()?;
        let subscriber = watcher(ctx)?;
        let events = hearing::listen(&subscriber, What::TicketUpdated, wanted);
        subscriber.begins();
        Ok(events.map(|event| event.map(Into::into)).boxed())
    }

    /// Webhooks that come in and are stored. One that came before is no event.
    async fn webhook_delivery_received(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which deliveries; all that you may see where it is missing.")] filter: Option<
            WebhookDeliveryReceivedFilter,
        >,
    ) -> async_graphql::Result<Events<WebhookDeliveryReceivedPayload>> {
        let wanted = filter.unwrap_or_default().read()?;
        let subscriber = watcher(ctx)?;
        let events = hearing::listen(&subscriber, What::DeliveryReceived, wanted);
        subscriber.begins();
        Ok(events.map(|event| event.map(Into::into)).boxed())
    }

    /// Operations whose attempt at the PSA has ended, well or not.
    async fn ticket_operation_attempted(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Which operations, as they are after the attempt; all that you may see where it is missing."
        )]
        filter: Option<TicketOperationAttemptedFilter>,
    ) -> async_graphql::Result<Events<TicketOperationAttemptedPayload>> {
        let wanted = filter.unwrap_or_default().read()?;
        let subscriber = watcher(ctx)?;
        let events = hearing::listen(&subscriber, What::OperationAttempted, wanted);
        subscriber.begins();
        Ok(events.map(|event| event.map(Into::into)).boxed())
    }

    /// How far a reading is. Begins with how far it is now, and completes when the reading has ended.
    async fn sync_run_progressed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the reading.")] id: ID,
    ) -> async_graphql::Result<Events<SyncRunProgressedPayload>> {
        let id = ids::parse::<sync_run::Entity>(&id, &["id"]).map_err(Error::from)?;
        let subscriber = watcher(ctx)?;
        let (viewer, ground) = (subscriber.viewer(), subscriber.ground.clone());
        // Watched before it is read, so that no progress falls between.
        let wanted = hearing::Wanted::<sync_run::Entity> {
            organization_ids: None,
            id: Some(id),
            matches: Box::new(|_| true),
        };
        let events = hearing::listen(&subscriber, What::SyncRunProgressed, wanted);
        let run = reach::by_id::<sync_run::Entity>(&viewer, &ground, id).await?;
        let at = run.finished_at.or(run.started_at).unwrap_or(run.created_at);
        let happened =
            Happened { what: What::SyncRunProgressed, organization_id: run.organization_id, id, at };
        let first = (ground.db.news().now(happened), run);
        let all = stream::once(std::future::ready(Ok(first))).chain(events);
        subscriber.begins();
        Ok(until_ended(all.boxed()).boxed())
    }

    /// Entries of the billing ledger that are planned, sent, read back, or wait for a person. Needs `MANAGE_BILLING`.
    async fn billing_entry_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Which entries, as they are after the change; all that you may see where it is missing."
        )]
        filter: Option<BillingEntryChangedFilter>,
    ) -> async_graphql::Result<Events<BillingEntryChangedPayload>> {
        let wanted = filter.unwrap_or_default().read()?;
        let subscriber = watcher(ctx)?;
        if !subscriber.viewer().holds(Permission::ManageBilling) {
            return Err(Permission::ManageBilling.is_lacking().into());
        }
        let events = hearing::listen(&subscriber, What::BillingEntryChanged, wanted);
        subscriber.begins();
        Ok(events.map(|event| event.map(Into::into)).boxed())
    }

    /// Connections that begin to fail, work again, rest for a while, get other credentials, or are switched on
    /// or off.
    async fn psa_connection_health_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Which connections, as they are after the change; all that you may see where it is missing."
        )]
        filter: Option<PsaConnectionHealthChangedFilter>,
    ) -> async_graphql::Result<Events<PsaConnectionHealthChangedPayload>> {
        let wanted = filter.unwrap_or_default().read()?;
        let subscriber = watcher(ctx)?;
        let events = hearing::listen(&subscriber, What::ConnectionHealthChanged, wanted);
        subscriber.begins();
        Ok(events.map(|event| event.map(Into::into)).boxed())
    }
}

/// Who watches.
fn watcher(ctx: &Context<'_>) -> async_graphql::Result<Subscriber> {
    let subscriber = ctx.data::<Subscriber>().map_err(|_| {
        Error::from(Problem {
            field: Vec::new(),
            code: ProblemCode::Invalid,
            message: "a subscription needs a WebSocket, or /graphql/stream".to_owned(),
        })
    })?;
    Ok(subscriber.clone())
}

/// Ends with the reading.
fn until_ended(
    events: Events<(Heard, sync_run::Model)>,
) -> impl stream::Stream<Item = async_graphql::Result<SyncRunProgressedPayload>> + Send {
    stream::unfold(Some(events), |events| async {
        let mut events = events?;
        let event = events.next().await?;
        let has_ended = event.as_ref().is_ok_and(|(_, run)| run.status.has_ended());
        Some((event.map(Into::into), (!has_ended).then_some(events)))
    })
}
