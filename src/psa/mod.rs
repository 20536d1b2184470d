//! The PSAs' words and ours. Everything a platform is, is one folder here and one line in [`platforms`].

#[cfg(test)]
pub(crate) mod canned;
mod error;
pub mod halo;
pub mod http;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use entity::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

pub use error::{NextStep, PsaError};

use crate::{
    clock::Chance,
    queue::received::{Headers, Proof},
    sync::remote::{CompanyFilter, RemoteCompany, RemotePickList},
    tickets::remote::{MarkerSearch, NoteDraft, RemotePage, RemoteTicket, TicketDraft, TicketHint},
};

/// Every platform there is.
pub fn platforms() -> &'static [&'static dyn Platform] {
    &[&halo::Halo]
}

/// The platform of that key.
pub fn platform(key: &str) -> Option<&'static dyn Platform> {
    platforms().iter().copied().find(|platform| platform.key() == key)
}

/// One field of a platform's credential form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialField {
    /// Stable name, e.g. `client_id`.
    pub key: &'static str,
    /// As the PSA's own pages call it.
    pub label: &'static str,
    /// Where to find it and what it is for.
    pub help: &'static str,
    /// What one looks like.
    pub example: &'static str,
    /// Never shown again once stored.
    pub is_secret: bool,
    /// The form cannot be sent without it.
    pub is_required: bool,
}

/// One value a ticket profile can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileField {
    /// Stable name, e.g. `ticket_type`.
    pub key: &'static str,
    /// For people.
    pub label: &'static str,
    /// What it does.
    pub help: &'static str,
    /// The pick list its values come from; free text where there is none.
    pub pick_list: Option<&'static str>,
    /// Keys of other profile fields that decide which values may be used.
    pub depends_on: &'static [&'static str],
    /// A profile cannot be saved without it.
    pub is_required: bool,
    /// What is typed in must be a whole number.
    pub is_whole_number: bool,
}

/// What a platform can do beyond creating, reading, noting and closing tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// A closed ticket can be opened again.
    pub reopen: bool,
    /// A note can be hidden from the customer.
    pub private_notes: bool,
    /// It sends webhooks of its own.
    pub webhooks: bool,
    /// How long a new ticket can stay invisible to its search, in seconds.
    pub search_delay_secs: i64,
    /// How many calls a login may make, where the operator does not say otherwise; none where the
    /// platform sets no limit.
    pub rate: Option<http::RateLimit>,
}

/// What a user typed into a credential form, by key of the field. Secret and other fields alike are
/// kept as secrets until they are sorted.
pub type Credentials = BTreeMap<String, SecretString>;

/// What is wrong with one field of a credential form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// Key of the field.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// How a platform's webhook is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookScheme {
    /// Stable name, e.g. `halo_hmac`.
    pub key: &'static str,
    /// For people.
    pub label: &'static str,
    /// What to set up in the PSA, with the names of its own form.
    pub help: &'static str,
}

/// A secret a webhook may be authenticated with.
pub struct WebhookSecret {
    /// Our id of it.
    pub id: uuid::Uuid,
    /// Its text.
    pub secret: SecretString,
}

/// What a platform is.
pub trait Platform: Send + Sync {
    /// Stable name: `halo`.
    fn key(&self) -> &'static str;
    /// For people: `HaloPSA`.
    fn label(&self) -> &'static str;
    /// Its credential form.
    fn credential_fields(&self) -> &'static [CredentialField];
    /// What a ticket profile can set.
    fn profile_fields(&self) -> &'static [ProfileField];
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// The ways its webhooks can be authenticated; empty where it sends none.
    fn webhook_schemes(&self) -> &'static [WebhookScheme];

    /// Puts what people paste into the form the API wants (adds a missing scheme, cuts off paths …), or
    /// says what is wrong. Empty optional fields are dropped.
    fn normalise(&self, credentials: Credentials) -> Result<Credentials, Vec<FieldProblem>>;

    /// A client for one login. Makes no call.
    fn connect(
        &self,
        credentials: Credentials,
        http: http::Outbound,
    ) -> Result<Arc<dyn Psa>, Vec<FieldProblem>>;

    /// A new secret for a webhook endpoint, in the form that scheme wants.
    fn make_webhook_secret(&self, _scheme: &str, chance: &Chance) -> SecretString {
        chance.alphanumeric(43).into()
    }

    /// Whether somebody's own secret will do for that scheme; `Err` says what to do, for people.
    fn check_webhook_secret(&self, _scheme: &str, secret: &SecretString) -> Result<(), String> {
        let length = secret.expose_secret().trim().len();
        if length >= 16 {
            Ok(())
        } else {
            Err(format!("the secret has {length} characters; give at least 16, or none to have one made"))
        }
    }

    /// Checks that a webhook comes from the PSA.
    fn verify_webhook(
        &self,
        scheme: &str,
        secrets: &[WebhookSecret],
        headers: &Headers,
        body: &[u8],
    ) -> Result<Proof, WebhookRefused>;

    /// What a webhook says happened. `Err` says what was not understood, for people.
    fn read_webhook(&self, headers: &Headers, body: &[u8]) -> Result<Vec<TicketHint>, String>;
}

/// Why a webhook of a PSA was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebhookRefused(pub String);

/// What became of one step of a credential check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It works.
    Passed,
    /// It does not; see the message.
    Failed,
    /// It cannot be found out without changing something in the PSA.
    NotProven,
    /// Not tried, because an earlier step failed.
    Skipped,
}

/// One step of a credential check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationStep {
    /// Stable name: `host`, `sign_in`, `companies`, `tickets`, `close`, `pick_lists` …
    pub key: &'static str,
    /// For people.
    pub label: &'static str,
    /// What became of it.
    pub outcome: StepOutcome,
    /// What was seen, and what to do where it failed.
    pub message: String,
    /// The credential field to look at, where one is to blame.
    pub field: Option<&'static str>,
}

/// The result of *Save & Verify*.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// What was tried, in order.
    pub steps: Vec<VerificationStep>,
    /// What was found out and is worth showing, e.g. `authorisation_server`, `tenant`, `version`, `agent_id`.
    pub discovered: BTreeMap<String, String>,
}

impl Verification {
    /// Whether no step failed.
    pub fn is_ok(&self) -> bool {
        !self.steps.iter().any(|step| step.outcome == StepOutcome::Failed)
    }
}

/// One login to one PSA.
///
/// Every call returns within its own time limit and never follows redirects. A call that changes
/// something answers [`PsaError::Unknown`] wherever it may have been carried out all the same.
#[async_trait]
pub trait Psa: Send + Sync {
    /// The cheapest calls that tell wrong host, wrong secret and missing permission apart.
    async fn verify(&self) -> Verification;

    /// One page of companies; `page` is the `next` of the page before.
    async fn companies(
        &self,
        filter: &CompanyFilter,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteCompany>, PsaError>;

    /// All pick lists the platform's profile fields and company filters refer to.
    async fn pick_lists(&self) -> Result<Vec<RemotePickList>, PsaError>;

    /// Creates a ticket. The answer has at least its id.
    async fn create_ticket(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError>;

    /// The tickets that carry a mark: exact matches only, oldest first. An empty answer means that every
    /// way of looking was used and worked, not that a filter was ignored.
    async fn find_by_marker(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError>;

    /// A ticket as it is now; none where the PSA no longer has it. `with_closer` asks who closed it too.
    async fn read_ticket(
        &self,
        external_id: &str,
        with_closer: bool,
    ) -> Result<Option<RemoteTicket>, PsaError>;

    /// Adds a note.
    async fn add_note(&self, external_id: &str, note: &NoteDraft) -> Result<(), PsaError>;

    /// Whether a note with this mark is there.
    async fn has_note(&self, external_id: &str, marker: &str) -> Result<bool, PsaError>;

    /// Sets the status (a value of the pick list `status`); setting the one it has is no error.
    async fn set_status(&self, external_id: &str, status: &str) -> Result<RemoteTicket, PsaError>;

    /// Tickets changed at or after `since`, oldest change first, one page.
    async fn changed_since(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError>;
}
