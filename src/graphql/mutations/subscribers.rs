//! What can be done with subscribers and what they are told.

mod inputs;

use async_graphql::{Context, MaybeUndefined, Object, Result};
use entity::{notification, organization, policy, webhook_subscriber};
use secrecy::ExposeSecret as _;

use super::{
    listed, listed_at,
    once::{Asked, Earlier},
};
use crate::{
    error::{Problem, ProblemCode},
    graphql::{Asking as _, ids, scalars::DateTime},
    notifications::redrive::{self, Again, Redriven},
    organizations::subscribers::{self, NewSubscriber, SubscriberChange},
    psa::http::Outbound,
    scanners::signature,
};

pub use inputs::*;

/// What can be done with subscribers and what they are told.
#[derive(Default)]
pub struct WebhookSubscriberMutation;

#[Object]
impl WebhookSubscriberMutation {
    /// Makes a subscriber: from now on it is told what it wants to know, by webhooks that are signed by Standard
    /// Webhooks. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_subscriber_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The subscriber.")] input: WebhookSubscriberCreateInput,
    ) -> Result<Option<WebhookSubscriberCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let problems = check_url(ctx, &input.url)?;
        let work = async {
            let organization_id =
                ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let policy_ids =
                input.policy_ids.map(|ids| listed::<policy::Entity>(&ids, "policyIds")).transpose()?;
            let secret = signature::new_secret(&ground.chance);
            let new = NewSubscriber {
                organization_id,
                name: input.name,
                url: input.url,
                kinds: input.kinds.map(|kinds| kinds.into_iter().map(Into::into).collect()),
                policy_ids,
                secret: secret.clone(),
                problems,
            };
            let made = subscribers::create(viewer, ground, new).await?;
            Ok(WebhookSubscriberCreatePayload {
                webhook_subscriber: Some(made.into()),
                signing_secret: Some(secret.expose_secret().to_owned()),
                user_errors: Vec::new(),
            })
        };
        let again = async |earlier: Earlier<'_>| {
            Ok(WebhookSubscriberCreatePayload {
                webhook_subscriber: earlier.row::<webhook_subscriber::Entity>().await?.map(Into::into),
                signing_secret: earlier.secret(),
                user_errors: Vec::new(),
            })
        };
        WebhookSubscriberCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Changes a subscriber; what it is still to be told is tried at once. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_subscriber_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: WebhookSubscriberUpdateInput,
    ) -> Result<Option<WebhookSubscriberUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let problems = match &input.url {
            Some(url) => check_url(ctx, url)?,
            None => Vec::new(),
        };
        let work = async {
            let id = ids::parse::<webhook_subscriber::Entity>(&input.id, &["id"])?;
            let change = SubscriberChange {
                name: input.name,
                url: input.url,
                is_enabled: input.is_enabled,
                kinds: match input.kinds {
                    MaybeUndefined::Undefined => None,
                    MaybeUndefined::Null => Some(None),
                    MaybeUndefined::Value(kinds) => Some(Some(kinds.into_iter().map(Into::into).collect())),
                },
                policy_ids: match input.policy_ids {
                    MaybeUndefined::Undefined => None,
                    MaybeUndefined::Null => Some(None),
                    MaybeUndefined::Value(ids) => Some(Some(listed::<policy::Entity>(&ids, "policyIds")?)),
                },
                expected_version: input.expected_version,
                problems,
            };
            let changed = subscribers::update(viewer, ground, id, change).await?;
            Ok(WebhookSubscriberUpdatePayload::done(changed.into()))
        };
        WebhookSubscriberUpdatePayload::answer(work.await)
    }

    /// Removes a subscriber with everything it was told. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_subscriber_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which subscriber.")] input: WebhookSubscriberDeleteInput,
    ) -> Result<Option<WebhookSubscriberDeletePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<webhook_subscriber::Entity>(&input.id, &["id"])?;
            subscribers::delete(viewer, ground, id).await?;
            Ok(WebhookSubscriberDeletePayload::done(input.id.clone()))
        };
        WebhookSubscriberDeletePayload::answer(work.await)
    }

    /// Gives a subscriber another secret, which signs at once; the older ones sign beside it for a while, so that the
    /// subscriber can be changed over. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_subscriber_rotate_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which subscriber.")] input: WebhookSubscriberRotateSecretInput,
    ) -> Result<Option<WebhookSubscriberRotateSecretPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<webhook_subscriber::Entity>(&input.id, &["id"])?;
            let secret = signature::new_secret(&ground.chance);
            let (row, until) =
                subscribers::rotate_secret(viewer, ground, id, secret.clone(), input.overlap_seconds).await?;
            Ok(WebhookSubscriberRotateSecretPayload {
                webhook_subscriber: Some(row.into()),
                signing_secret: Some(secret.expose_secret().to_owned()),
                previous_secret_expires_at: Some(until.into()),
                user_errors: Vec::new(),
            })
        };
        let again = async |earlier: Earlier<'_>| {
            Ok(WebhookSubscriberRotateSecretPayload {
                webhook_subscriber: earlier.row::<webhook_subscriber::Entity>().await?.map(Into::into),
                signing_secret: earlier.secret(),
                previous_secret_expires_at: earlier.until().map(DateTime),
                user_errors: Vec::new(),
            })
        };
        WebhookSubscriberRotateSecretPayload::answer(asked.answer(work, again).await)
    }

    /// Tells a subscriber a `webhook.test`, whatever kinds of news it wants. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_subscriber_send_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which subscriber.")] input: WebhookSubscriberSendTestInput,
    ) -> Result<Option<WebhookSubscriberSendTestPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<webhook_subscriber::Entity>(&input.id, &["id"])?;
            let told = subscribers::send_test(viewer, ground, id).await?;
            Ok(WebhookSubscriberSendTestPayload::done(told.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let notification = earlier.row::<notification::Entity>().await?.map(Into::into);
            Ok(WebhookSubscriberSendTestPayload { notification, user_errors: Vec::new() })
        };
        WebhookSubscriberSendTestPayload::answer(asked.answer(work, again).await)
    }

    /// Sends notifications again, under the ids that they had. Needs `OPERATE`.
    async fn notification_redrive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which notifications.")] input: NotificationRedriveInput,
    ) -> Result<Option<NotificationRedrivePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let counted = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let work = async {
            let again = match &input.of {
                NotificationRedriveOfInput::Ids(ids) => {
                    Again::These(listed_at::<notification::Entity>(ids, &["of", "ids"])?)
                }
                NotificationRedriveOfInput::Failed(failed) => Again::Failed {
                    webhook_subscriber_id: ids::parse::<webhook_subscriber::Entity>(
                        &failed.webhook_subscriber_id,
                        &["of", "failed", "webhookSubscriberId"],
                    )?,
                    since: failed.since.0,
                },
            };
            let Redriven { ids, has_more } = redrive::redrive(viewer, ground, again).await?;
            Ok(NotificationRedrivePayload::done(counted(ids.len()), has_more))
        };
        let again = async |earlier: Earlier<'_>| {
            let has_more = earlier.until().is_some();
            Ok(NotificationRedrivePayload::done(counted(earlier.ids().len()), has_more))
        };
        NotificationRedrivePayload::answer(asked.answer(work, again).await)
    }
}

/// What is wrong with an address, as far as it can be told without a look-up of names.
fn check_url(ctx: &Context<'_>, typed: &str) -> Result<Vec<Problem>> {
    let invalid = |message: String| vec![Problem::of("url", ProblemCode::Invalid, message)];
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(url) = url::Url::parse(typed) else {
        let message = "this is no address; give a whole one, such as https://example.com/webhooks";
        return Ok(invalid(message.to_owned()));
    };
    let checked = ctx.data::<Outbound>()?.check_url(&url);
    Ok(checked.err().map(|refused| invalid(refused.to_string())).unwrap_or_default())
}
