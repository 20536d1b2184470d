//! How a connection is: its health, its last check, its webhook.

use std::collections::{BTreeMap, HashMap};

use async_graphql::{Enum, Object, SimpleObject, dataloader::Loader};
use entity::{Timestamp, psa_connection, webhook_endpoint};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::WebhookEndpoint;
use crate::{
    graphql::{
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    organizations::{clearing, registrations},
    psa,
};

/// What is known of a connection's health. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "psa_connection::Health")]
pub enum PsaConnectionHealthStatus {
    /// Never checked since its credentials were changed.
    Unverified,
    /// The last check or call worked.
    Healthy,
    /// The last check or call failed in a way that somebody must mend.
    Failing,
}

/// What the last check or call has shown.
#[derive(Clone, Debug, SimpleObject)]
pub struct PsaConnectionHealth {
    /// Whether it works.
    pub status: PsaConnectionHealthStatus,
    /// When that was found out.
    pub checked_at: Option<DateTime>,
    /// In words, with the next step where it does not.
    pub message: Option<String>,
}

/// What became of one step of a check. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationOutcome {
    /// It works.
    Passed,
    /// It does not; see the message.
    Failed,
    /// It cannot be found out without changing something in the PSA.
    NotProven,
    /// Not tried, because an earlier step failed.
    Skipped,
}

impl VerificationOutcome {
    /// How much it says against an ability.
    pub(super) const fn weight(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::NotProven => 1,
            Self::Skipped => 2,
            Self::Failed => 3,
        }
    }
}

impl From<psa::StepOutcome> for VerificationOutcome {
    fn from(outcome: psa::StepOutcome) -> Self {
        match outcome {
            psa::StepOutcome::Passed => Self::Passed,
            psa::StepOutcome::Failed => Self::Failed,
            psa::StepOutcome::NotProven => Self::NotProven,
            psa::StepOutcome::Skipped => Self::Skipped,
        }
    }
}

/// One step of a check of a connection.
#[derive(Clone, Debug, SimpleObject, Serialize, Deserialize)]
pub struct VerificationStep {
    /// Stable name, e.g. `sign_in`.
    pub key: String,
    /// For people.
    pub label: String,
    /// What became of it.
    pub outcome: VerificationOutcome,
    /// What was seen, and what to do where it failed.
    pub message: String,
    /// Key of the credential field to look at, where one is to blame.
    pub field: Option<String>,
    /// The ability that the step is about; null for the way there (address, sign-in …).
    #[serde(default)]
    pub ability: Option<PsaAbility>,
}

/// What a login may be used for. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[graphql(remote = "psa::Ability")]
#[serde(rename_all = "snake_case")]
pub enum PsaAbility {
    /// Reading companies.
    Companies,
    /// Reading, creating and changing tickets.
    Tickets,
    /// Closing tickets.
    Close,
    /// Reading and writing configurations.
    Configurations,
    /// Reading contacts.
    Contacts,
    /// Reading and writing what is billed.
    Billing,
    /// Registering webhooks.
    Webhooks,
}

/// Whether a login may be used for something, as the last check has shown.
#[derive(Clone, Debug, SimpleObject)]
pub struct PsaConnectionAbility {
    /// For what.
    pub ability: PsaAbility,
    /// Whether it may.
    pub outcome: VerificationOutcome,
    /// What was seen, and what to do where it may not.
    pub message: String,
}

/// How the gateway's own webhook stands in the PSA. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "webhook_endpoint::Registration")]
pub enum WebhookRegistration {
    /// A person enters the endpoint's address in the PSA's own pages.
    ByHand,
    /// The gateway is to register it.
    Wanted,
    /// It is registered and works as far as the PSA says.
    Working,
    /// It cannot be registered, or the PSA does not use it; see the message.
    Failing,
}

/// Whether a PSA tells the gateway what happens to tickets. Without webhooks the gateway asks every few minutes.
#[derive(SimpleObject)]
pub struct PsaConnectionWebhookHealth {
    /// How the webhook stands in the PSA.
    pub registration: WebhookRegistration,
    /// What was mended last, or what is wrong and the next step.
    pub message: Option<String>,
    /// When the PSA was asked last.
    pub checked_at: Option<DateTime>,
    /// When the last webhook came in; null where none has.
    pub last_received_at: Option<DateTime>,
    /// The endpoint.
    pub webhook_endpoint: WebhookEndpoint,
}

/// What `psaConnectionClear` takes away, counted.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct PsaConnectionClearPreview {
    /// Mappings of companies.
    pub company_mappings: u64,
    /// Copies of the PSA's companies; those that tickets name stay.
    pub psa_companies: u64,
    /// Copies of the PSA's pick lists.
    pub pick_lists: u64,
    /// Ticket profiles; those that tickets were made by stay.
    pub ticket_profiles: u64,
    /// Webhook endpoints that are switched off; what came in through them stays.
    pub webhook_endpoints: u64,
    /// Operations that wait and are cancelled.
    pub waiting_operations: u64,
    /// Tickets that are open in the PSA and are no longer followed.
    pub open_tickets: u64,
}

impl From<clearing::Preview> for PsaConnectionClearPreview {
    fn from(preview: clearing::Preview) -> Self {
        let clearing::Preview {
            company_mappings,
            psa_companies,
            pick_lists,
            ticket_profiles,
            webhook_endpoints,
            waiting_operations,
            open_tickets,
        } = preview;
        Self {
            company_mappings,
            psa_companies,
            pick_lists,
            ticket_profiles,
            webhook_endpoints,
            waiting_operations,
            open_tickets,
        }
    }
}

impl From<psa::VerificationStep> for VerificationStep {
    fn from(step: psa::VerificationStep) -> Self {
        Self {
            key: step.key.to_owned(),
            label: step.label.to_owned(),
            outcome: step.outcome.into(),
            message: step.message,
            field: step.field.map(str::to_owned),
            ability: step.ability.map(PsaAbility::from),
        }
    }
}

/// The last check of a connection, as it is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Verification {
    /// What was tried, in order.
    pub steps: Vec<VerificationStep>,
    /// What was found out, by key.
    pub discovered: BTreeMap<String, String>,
    /// What works and is unwise all the same.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl From<psa::Verification> for Verification {
    fn from(verification: psa::Verification) -> Self {
        Self {
            steps: verification.steps.into_iter().map(VerificationStep::from).collect(),
            discovered: verification.discovered,
            warnings: verification.warnings,
        }
    }
}

/// The last check of a connection.
#[Object(name = "PsaConnectionVerification")]
impl Verification {
    /// What was tried, in order.
    async fn steps(&self) -> &[VerificationStep] {
        &self.steps
    }

    /// What was found out and is worth knowing, e.g. the PSA's version.
    async fn discovered(&self) -> Vec<Setting> {
        settings(&self.discovered)
    }

    /// What works and is unwise all the same, for people, e.g. that the login may do everything.
    async fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// A value by its key.
#[derive(Clone, Debug, SimpleObject)]
pub struct Setting {
    /// Stable name.
    pub key: String,
    /// The value.
    pub value: String,
}

pub(super) fn settings(map: &BTreeMap<String, String>) -> Vec<Setting> {
    map.iter().map(|(key, value)| Setting { key: key.clone(), value: value.clone() }).collect()
}

/// The endpoint of a connection that its webhooks come in by, and when the last one did.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct WebhookHealthOf(pub Uuid);

impl Loader<WebhookHealthOf> for Fetch {
    type Value = (webhook_endpoint::Model, Option<Timestamp>);
    type Error = Shared;

    async fn load(&self, keys: &[WebhookHealthOf]) -> Result<HashMap<WebhookHealthOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = registrations::health(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, health)| (WebhookHealthOf(id), health)).collect())
    }
}
