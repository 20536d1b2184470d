//! What subscribers are told, and the tries to tell them.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result, dataloader::Loader};
use entity::{event, notification, notification_attempt, policy, psa_connection, ticket, webhook_subscriber};
use uuid::Uuid;

use super::{
    DateTimeFilter, Event, NotificationKind, NotificationState, OrderDirection, Policy, PsaConnection,
    ReferenceFilter, Ticket, WebhookSubscriber, all, filters::ordering,
};
use crate::{
    db::page::PageArgs,
    error::Error,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::{DateTime, Json},
    },
    notifications::read::{self, NotificationAttemptList, NotificationList},
};

/// One thing that a subscriber is told. What is told of one subject (a ticket, a connection) arrives in its order.
pub struct Notification(pub notification::Model);

impl From<notification::Model> for Notification {
    fn from(row: notification::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of notifications.
    NotificationConnection, NotificationEdge, Notification, NotificationList
}

/// The kind of a notification.
#[derive(Clone, Debug, Default, InputObject)]
pub struct NotificationKindFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<NotificationKind>>,
}

/// The state of a notification.
#[derive(Clone, Debug, Default, InputObject)]
pub struct NotificationStateFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<NotificationState>>,
}

/// Which notifications; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct NotificationFilter {
    /// Where they stand.
    pub state: Option<NotificationStateFilter>,
    /// What they tell of.
    pub kind: Option<NotificationKindFilter>,
    /// For whom.
    pub webhook_subscriber: Option<ReferenceFilter>,
    /// About which ticket.
    pub ticket: Option<ReferenceFilter>,
    /// When it happened.
    pub created_at: Option<DateTimeFilter>,
}

impl NotificationFilter {
    /// The domain's filter.
    pub fn read(self) -> Result<read::NotificationFilter, Error> {
        Ok(read::NotificationFilter {
            states: all(self.state.and_then(|state| state.any_of)),
            kinds: all(self.kind.and_then(|kind| kind.any_of)),
            webhook_subscriber_ids: ReferenceFilter::read::<webhook_subscriber::Entity>(
                self.webhook_subscriber.as_ref(),
                "webhookSubscriber",
            )?,
            ticket_ids: ReferenceFilter::read::<ticket::Entity>(self.ticket.as_ref(), "ticket")?,
            created: DateTimeFilter::read(self.created_at),
        })
    }
}

ordering! {
    /// The order of notifications; those that are equal stand in the order of their ids.
    NotificationOrder, NotificationOrderField of notification, Desc, [
        /// When it happened.
        #[default]
        CreatedAt,
    ]
}

/// One thing that a subscriber is told. What is told of one subject (a ticket, a connection) arrives in its order.
#[Object]
impl Notification {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<notification::Entity>(self.0.id)
    }

    /// What is sent as `webhook-id`, the same in every try: a subscriber that has seen it knows it again.
    async fn message_id(&self) -> String {
        self.0.id.to_string()
    }

    /// Who is told.
    async fn webhook_subscriber(&self, ctx: &Context<'_>) -> Result<WebhookSubscriber> {
        Ok(ctx.loaders()?.named::<webhook_subscriber::Entity>(self.0.webhook_subscriber_id).await?.into())
    }

    /// What it tells of.
    async fn kind(&self) -> NotificationKind {
        self.0.kind.into()
    }

    /// Where it stands.
    async fn state(&self) -> NotificationState {
        self.0.state.into()
    }

    /// The body, as it is sent but for the order of its keys. It tells what a rule about tickets may keep from people:
    /// needs `MANAGE_ENDPOINTS`.
    async fn payload(&self, ctx: &Context<'_>) -> Result<Option<Json>> {
        let found = ctx.loaders()?.get(PayloadOf(self.0.id)).await?;
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()).map(Json))
    }

    /// The ticket, where it is about one.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        let Some(id) = self.0.ticket_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<ticket::Entity>(id).await?.map(Ticket))
    }

    /// The connection, where it is about one, or about a ticket there.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<Option<PsaConnection>> {
        let Some(id) = self.0.psa_connection_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<psa_connection::Entity>(id).await?.map(PsaConnection))
    }

    /// The event, where it is about one; the first of several.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<Event>> {
        let Some(id) = self.0.event_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<event::Entity>(id).await?.map(Event))
    }

    /// The policy that opened the ticket, or wants the finding told.
    async fn policy(&self, ctx: &Context<'_>) -> Result<Option<Policy>> {
        let Some(id) = self.0.policy_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<policy::Entity>(id).await?.map(Policy))
    }

    /// How often it was tried.
    async fn attempt_count(&self) -> i32 {
        self.0.attempts
    }

    /// When it is tried next, if the subscriber is not left alone just then and its turn has come; null once it is over.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        let is_ready = self.0.state == notification::NotificationState::Ready;
        is_ready.then_some(DateTime(self.0.run_at))
    }

    /// The HTTP status of the last answer.
    async fn last_response_status(&self) -> Option<i32> {
        self.0.last_status
    }

    /// What went wrong last, in words.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// When it happened.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it arrived or was given up.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// The tries, the first one first.
    async fn attempts(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<NotificationAttemptConnection> {
        let args = PageArgs { first, after, last, before };
        Ok(NotificationAttemptConnection::new(self.0.id, NotificationAttemptList, &args)?)
    }
}

/// One try to tell a subscriber something.
pub struct NotificationAttempt(pub notification_attempt::Model);

impl From<notification_attempt::Model> for NotificationAttempt {
    fn from(row: notification_attempt::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of tries.
    NotificationAttemptConnection, NotificationAttemptEdge, NotificationAttempt, NotificationAttemptList
}

/// One try to tell a subscriber something.
#[Object]
impl NotificationAttempt {
    /// Counts the tries of the notification, from 1.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// When it began.
    async fn started_at(&self) -> DateTime {
        self.0.started_at.into()
    }

    /// When it ended; null while it runs, or where the gateway died in it.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// `done`, `refused`, `gone`, `throttled`, `server_error`, `redirected`, `unreachable`, `no_answer`, `unsigned` or
    /// `interrupted`; new ones may be added.
    async fn outcome(&self) -> Option<&str> {
        self.0.outcome.as_deref()
    }

    /// The HTTP status of the answer.
    async fn response_status(&self) -> Option<i32> {
        self.0.response_status
    }

    /// How long the subscriber took, in milliseconds.
    async fn latency_ms(&self) -> Option<i32> {
        self.0.latency_ms.map(|millis| i32::try_from(millis).unwrap_or(i32::MAX))
    }

    /// What went wrong, in words.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Which node of the gateway tried.
    async fn node(&self) -> &str {
        &self.0.node
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct PayloadOf(Uuid);

impl Loader<PayloadOf> for Fetch {
    type Value = String;
    type Error = Shared;

    async fn load(&self, keys: &[PayloadOf]) -> Result<HashMap<PayloadOf, String>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = read::payloads(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, text)| (PayloadOf(id), text)).collect())
    }
}
