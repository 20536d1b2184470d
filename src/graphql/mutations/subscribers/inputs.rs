//! What is typed to make and change subscribers, and what is answered.

use async_graphql::{ID, InputObject, MaybeUndefined, OneofObject};

use crate::graphql::{
    errors::payload,
    scalars::DateTime,
    types::{Notification, NotificationKind, WebhookSubscriber},
};

/// A subscriber to be made.
#[derive(Debug, InputObject)]
pub struct WebhookSubscriberCreateInput {
    /// Whose it is.
    pub organization_id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: String,
    /// Where it is told: an https address. http, and addresses that are not public, where the operator allows them by
    /// the setting `psa_private_addresses`.
    pub url: String,
    /// The kinds of news it wants; absent or null for all, those that later versions add too.
    pub kinds: Option<Vec<NotificationKind>>,
    /// The policies of whose tickets and findings it is told, 200 at the most; absent or null for all.
    pub policy_ids: Option<Vec<ID>>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more (the secret included, for the token or member that asked first). Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `webhookSubscriberCreate` answers.
    WebhookSubscriberCreatePayload, WebhookSubscriberCreateUserError {
        /// The new subscriber.
        webhook_subscriber: WebhookSubscriber,
        /// The secret that what it is told is signed with. Shown now and never again (but to the same request under the
        /// same `idempotencyKey`).
        signing_secret: String,
    }
}

/// What to change of a subscriber; what is absent stays.
#[derive(Debug, InputObject)]
pub struct WebhookSubscriberUpdateInput {
    /// The subscriber.
    pub id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: Option<String>,
    /// Where it is told.
    pub url: Option<String>,
    /// Whether it is told anything. `true` also ends what the gateway held against it, and what waited is tried at once.
    pub is_enabled: Option<bool>,
    /// The kinds of news it wants, all anew; null for all.
    pub kinds: MaybeUndefined<Vec<NotificationKind>>,
    /// The policies of whose tickets and findings it is told, all anew; null for all.
    pub policy_ids: MaybeUndefined<Vec<ID>>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `webhookSubscriberUpdate` answers.
    WebhookSubscriberUpdatePayload, WebhookSubscriberUpdateUserError {
        /// The subscriber, changed.
        webhook_subscriber: WebhookSubscriber,
    }
}

/// Which subscriber to remove.
#[derive(Debug, InputObject)]
pub struct WebhookSubscriberDeleteInput {
    /// The subscriber.
    pub id: ID,
}

payload! {
    /// What `webhookSubscriberDelete` answers.
    WebhookSubscriberDeletePayload, WebhookSubscriberDeleteUserError {
        /// Id of the subscriber that was removed.
        deleted_webhook_subscriber_id: ID,
    }
}

/// Which subscriber gets another secret.
#[derive(Debug, InputObject)]
pub struct WebhookSubscriberRotateSecretInput {
    /// The subscriber.
    pub id: ID,
    /// How long the older secrets sign beside the new one, in seconds: 0 to 604,800 (7 days); 86,400 (one day) where it
    /// is absent.
    pub overlap_seconds: Option<i64>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more (the secret included, for the token or member that asked first). Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `webhookSubscriberRotateSecret` answers.
    WebhookSubscriberRotateSecretPayload, WebhookSubscriberRotateSecretUserError {
        /// The subscriber.
        webhook_subscriber: WebhookSubscriber,
        /// The new secret, which signs from now on. Shown now and never again (but to the same request under the same
        /// `idempotencyKey`).
        signing_secret: String,
        /// Until when the older secrets sign beside it, where they do not end sooner.
        previous_secret_expires_at: DateTime,
    }
}

/// Which subscriber is to be told a test.
#[derive(Debug, InputObject)]
pub struct WebhookSubscriberSendTestInput {
    /// The subscriber.
    pub id: ID,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `webhookSubscriberSendTest` answers.
    WebhookSubscriberSendTestPayload, WebhookSubscriberSendTestUserError {
        /// The test, to be sent: look at its state in a moment.
        notification: Notification,
    }
}

/// What was given up at one subscriber.
#[derive(Debug, InputObject)]
pub struct NotificationRedriveFailedInput {
    /// The subscriber.
    pub webhook_subscriber_id: ID,
    /// What happened since this moment.
    pub since: DateTime,
}

/// What is to be sent again: one of these.
#[derive(Debug, OneofObject)]
pub enum NotificationRedriveOfInput {
    /// These, 1,000 at the most, whatever became of them.
    Ids(Vec<ID>),
    /// What was given up at one subscriber, the oldest 1,000.
    Failed(NotificationRedriveFailedInput),
}

/// What to send again.
#[derive(Debug, InputObject)]
pub struct NotificationRedriveInput {
    /// Which notifications.
    pub of: NotificationRedriveOfInput,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `notificationRedrive` answers.
    NotificationRedrivePayload, NotificationRedriveUserError {
        /// How many are sent again.
        notification_count: i32,
        /// Whether more were given up than are sent again: ask once more.
        has_more: bool,
    }
}
