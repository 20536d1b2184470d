//! A webhook address for one sender.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, dataloader::Loader};
use entity::{Timestamp, organization, psa_connection, webhook_endpoint, webhook_secret};
use uuid::Uuid;

use super::{
    OrderDirection, Organization, PsaConnection, ReferenceFilter, Sender, WebhookRegistration, WebhookScheme,
    all, filters::ordering,
};
use crate::{
    decisions::quiet,
    error::Error,
    graphql::{
        Asking as _, PublicUrl,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::{DateTime, Json, Url},
    },
    organizations::{allowed_addresses, endpoints, lists::EndpointList},
};

/// What an endpoint does with what it learns. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "webhook_endpoint::Mode")]
pub enum WebhookEndpointMode {
    /// Policies decide about tickets.
    Live,
    /// Findings are written down and get no tickets. After that a finding that was learned gets one only once it gets
    /// worse, or comes back after it was resolved.
    Baseline,
}

/// A webhook address for one sender.
pub struct WebhookEndpoint(pub webhook_endpoint::Model);

impl From<webhook_endpoint::Model> for WebhookEndpoint {
    fn from(row: webhook_endpoint::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of webhook endpoints, the newest first.
    WebhookEndpointConnection, WebhookEndpointEdge, WebhookEndpoint, EndpointList
}

/// Which endpoints; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WebhookEndpointFilter {
    /// Key of the sender.
    pub sender: Option<String>,
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// How they stand in the PSA's own list of webhooks: their health.
    pub registration: Option<WebhookRegistrationFilter>,
    /// Speaking for which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

/// How an endpoint stands in the PSA's own list of webhooks.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WebhookRegistrationFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<WebhookRegistration>>,
}

ordering! {
    /// The order of webhook endpoints; those that are equal stand in the order of their ids.
    WebhookEndpointOrder, WebhookEndpointOrderField of webhook_endpoint, Desc, [
        /// When they were made.
        #[default]
        CreatedAt,
        /// Their names.
        Name,
    ]
}

impl WebhookEndpointFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<WebhookEndpointOrder>) -> Result<EndpointList, Error> {
        Ok(EndpointList {
            of_connection: false,
            sender: self.sender,
            is_enabled: self.is_enabled,
            registrations: all(self.registration.and_then(|registration| registration.any_of)),
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            text: self.query,
            order: order_by.map(Into::into),
        })
    }
}

/// A webhook address for one sender.
#[Object]
impl WebhookEndpoint {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<webhook_endpoint::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where the sender posts to. Where the secret is a part of the address, a slash and the secret are to be
    /// appended: see `scheme.help`.
    async fn url(&self, ctx: &Context<'_>) -> Result<Url> {
        Ok(ctx.data::<PublicUrl>()?.webhook(&self.0.key))
    }

    /// Who posts to it.
    async fn sender(&self) -> Sender {
        Sender::of(&self.0.sender)
    }

    /// How webhooks are authenticated.
    async fn scheme(&self) -> WebhookScheme {
        Sender::of(&self.0.sender).scheme(&self.0.scheme)
    }

    /// The connection it speaks for, where the sender is a PSA.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<Option<PsaConnection>> {
        let Some(id) = self.0.psa_connection_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<psa_connection::Entity>(id).await?.map(PsaConnection))
    }

    /// Whether it takes webhooks.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// Addresses and networks that webhooks are taken from; empty for everywhere.
    async fn allowed_addresses(&self) -> Vec<String> {
        allowed_addresses::texts(self.0.allowed_addresses.as_ref())
    }

    /// Settings of the sender and of the way it authenticates; null where there are none.
    async fn settings(&self) -> Option<Json> {
        self.0.settings.clone().map(Json)
    }

    /// What it does now with what it learns: `LIVE` again once `baselineUntil` has passed.
    async fn mode(&self, ctx: &Context<'_>) -> Result<WebhookEndpointMode> {
        let is_learning = quiet::learns(&self.0, ctx.ground()?.clock.now());
        Ok(if is_learning { WebhookEndpointMode::Baseline } else { WebhookEndpointMode::Live })
    }

    /// Until when it learns, or learned; null where it never does, or until somebody ends it.
    async fn baseline_until(&self) -> Option<DateTime> {
        self.0.baseline_until.map(DateTime)
    }

    /// Its secrets, the newest first; those that have expired stay listed.
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<WebhookSecret>> {
        let found = ctx.loaders()?.get(SecretsOf(self.0.id)).await?;
        Ok(found.unwrap_or_default().into_iter().map(WebhookSecret).collect())
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

/// A secret that an endpoint accepts, or accepted. The secret itself is never shown again.
pub struct WebhookSecret(pub webhook_secret::Model);

impl From<webhook_secret::Model> for WebhookSecret {
    fn from(row: webhook_secret::Model) -> Self {
        Self(row)
    }
}

/// A secret that an endpoint accepts, or accepted. The secret itself is never shown again.
#[Object]
impl WebhookSecret {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<webhook_secret::Entity>(self.0.id)
    }

    /// Its last four characters, to recognise it by.
    async fn hint(&self) -> &str {
        &self.0.hint
    }

    /// Whether it is accepted now.
    async fn is_valid(&self, ctx: &Context<'_>) -> Result<bool> {
        let now: Timestamp = ctx.ground()?.clock.now();
        Ok(self.0.expires_at.is_none_or(|at| now < at))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// From when on it is no longer accepted; null while it is the one in use.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }
}

/// The secrets of an endpoint.
#[derive(Clone, PartialEq, Eq, Hash)]
struct SecretsOf(Uuid);

impl Loader<SecretsOf> for Fetch {
    type Value = Vec<webhook_secret::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[SecretsOf]) -> Result<HashMap<SecretsOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = endpoints::secrets(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (SecretsOf(id), rows)).collect())
    }
}
