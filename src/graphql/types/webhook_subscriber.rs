//! Who is told what becomes of tickets.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use entity::{Timestamp, organization, policy, subscriber_secret, webhook_subscriber};
use uuid::Uuid;

use super::{
    NotificationConnection, NotificationFilter, NotificationKind, NotificationOrder, OrderDirection,
    Organization, Policy, WebhookSubscriberDisabledReason, WebhookSubscriberStatus, filters::ordering,
};
use crate::{
    db::page::PageArgs,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::{DateTime, Url},
    },
    notifications::{
        happenings,
        read::{NotificationList, NotificationsOf},
    },
    organizations::{lists::SubscriberList, subscribers, viewer::Permission},
};

/// Somebody who is told what becomes of an organization's tickets, by webhooks that are signed by Standard Webhooks.
pub struct WebhookSubscriber(pub webhook_subscriber::Model);

impl From<webhook_subscriber::Model> for WebhookSubscriber {
    fn from(row: webhook_subscriber::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of subscribers, by name.
    WebhookSubscriberConnection, WebhookSubscriberEdge, WebhookSubscriber, SubscriberList
}

/// Which subscribers; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WebhookSubscriberFilter {
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

ordering! {
    /// The order of subscribers; those that are equal stand in the order of their ids.
    WebhookSubscriberOrder, WebhookSubscriberOrderField of webhook_subscriber, Asc, [
        /// Their names.
        #[default]
        Name,
        /// When they were made.
        CreatedAt,
    ]
}

impl WebhookSubscriberFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<WebhookSubscriberOrder>) -> SubscriberList {
        SubscriberList { is_enabled: self.is_enabled, text: self.query, order: order_by.map(Into::into) }
    }
}

/// Somebody who is told what becomes of an organization's tickets, by webhooks that are signed by Standard Webhooks.
#[Object]
impl WebhookSubscriber {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<webhook_subscriber::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Name for people; unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it is told. Its path may be a secret of its own: needs `MANAGE_ENDPOINTS`.
    async fn url(&self, ctx: &Context<'_>) -> Result<Option<Url>> {
        ctx.viewer()?.may(Permission::ManageEndpoints, self.0.organization_id)?;
        Ok(Some(Url(self.0.url.clone())))
    }

    /// The host of that address.
    async fn host(&self) -> String {
        subscribers::host(&self.0.url)
    }

    /// Whether it is told anything. What happens while it is switched off it is never told.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// The kinds of news it wants; null for all, those that later versions add too.
    async fn kinds(&self) -> Option<Vec<NotificationKind>> {
        Some(happenings::kinds(&self.0)?.into_iter().map(Into::into).collect())
    }

    /// The policies of whose tickets and findings it is told; null for all, also tickets that no policy has opened. Empty
    /// where those it was for are gone. What is neither's, such as a held event, is no matter of policies.
    async fn policies(&self, ctx: &Context<'_>) -> Result<Option<Vec<Policy>>> {
        let Some(chosen) = happenings::policy_ids(&self.0) else { return Ok(None) };
        let loaders = ctx.loaders()?;
        let rows = chosen.into_iter().map(|id| loaders.row::<policy::Entity>(id));
        let rows: Vec<_> =
            futures_util::future::join_all(rows).await.into_iter().collect::<Result<_, _>>()?;
        Ok(Some(rows.into_iter().flatten().map(Policy).collect()))
    }

    /// How it takes what it is told.
    async fn health(&self) -> WebhookSubscriberHealth {
        WebhookSubscriberHealth::of(&self.0)
    }

    /// The secrets that what it is told is signed with, the newest first; those that have ended stay listed.
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<WebhookSubscriberSecret>> {
        let found = ctx.loaders()?.get(SecretsOf(self.0.id)).await?.unwrap_or_default();
        let now = ctx.ground()?.clock.now();
        Ok(found.iter().map(|row| WebhookSubscriberSecret::of(row, now)).collect())
    }

    /// What it is told and was told.
    async fn notifications(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<NotificationFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<NotificationOrder>,
    ) -> Result<NotificationConnection> {
        let wanted = NotificationList {
            of: NotificationsOf::WebhookSubscriber,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(NotificationConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Counts changes by people, from 1: what an update takes as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// How a subscriber takes what it is told.
#[derive(Clone, Debug, SimpleObject)]
pub struct WebhookSubscriberHealth {
    /// In a word.
    pub status: WebhookSubscriberStatus,
    /// How many tries in a row failed.
    pub consecutive_failure_count: i32,
    /// Since when nothing arrives; null where the last try worked. After five days the subscriber is switched off.
    pub failing_since: Option<DateTime>,
    /// When something arrived last.
    pub last_success_at: Option<DateTime>,
    /// When a try failed last.
    pub last_failure_at: Option<DateTime>,
    /// What went wrong then, in words.
    pub last_failure_message: Option<String>,
    /// When the gateway switched it off by itself; null where it did not.
    pub disabled_at: Option<DateTime>,
    /// Why it did.
    pub disabled_reason: Option<WebhookSubscriberDisabledReason>,
}

impl WebhookSubscriberHealth {
    fn of(row: &webhook_subscriber::Model) -> Self {
        let status = match (row.is_enabled, row.failing_since, row.last_success_at) {
            (false, _, _) => WebhookSubscriberStatus::Disabled,
            (true, Some(_), _) => WebhookSubscriberStatus::Failing,
            (true, None, Some(_)) => WebhookSubscriberStatus::Healthy,
            (true, None, None) => WebhookSubscriberStatus::Untried,
        };
        Self {
            status,
            consecutive_failure_count: row.failures,
            failing_since: row.failing_since.map(DateTime),
            last_success_at: row.last_success_at.map(DateTime),
            last_failure_at: row.last_failure_at.map(DateTime),
            last_failure_message: row.last_failure.clone(),
            disabled_at: row.disabled_at.map(DateTime),
            disabled_reason: row.disabled_because.map(Into::into),
        }
    }
}

/// A secret that what a subscriber is told is signed with, or was. The secret itself is never shown again.
#[derive(Clone, Debug, SimpleObject)]
pub struct WebhookSubscriberSecret {
    /// Its last four characters, to recognise it by.
    pub hint: String,
    /// Whether it signs now.
    pub is_used: bool,
    /// When it was made.
    pub created_at: DateTime,
    /// From when on it signs nothing more; null while it is the newest.
    pub expires_at: Option<DateTime>,
}

impl WebhookSubscriberSecret {
    fn of(row: &subscriber_secret::Model, now: Timestamp) -> Self {
        Self {
            hint: row.hint.clone(),
            is_used: row.expires_at.is_none_or(|at| now < at),
            created_at: row.created_at.into(),
            expires_at: row.expires_at.map(DateTime),
        }
    }
}

/// The secrets of a subscriber.
#[derive(Clone, PartialEq, Eq, Hash)]
struct SecretsOf(Uuid);

impl Loader<SecretsOf> for Fetch {
    type Value = Vec<subscriber_secret::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[SecretsOf]) -> Result<HashMap<SecretsOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = subscribers::secrets(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (SecretsOf(id), rows)).collect())
    }
}
