//! The PSAs' words and ours. Everything a platform is, is one folder here and one line in [`platforms`].

pub mod autotask;
mod billing;
#[cfg(test)]
mod budget_tests;
#[cfg(test)]
pub(crate) mod canned;
mod capabilities;
mod configurations;
pub mod connectwise;
mod error;
pub mod halo;
pub mod http;
pub mod nable;
mod own_tickets;
pub mod syncro;
mod verification;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use entity::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

pub use billing::Billing;
pub use capabilities::{Capabilities, RateScope};
pub use configurations::Configurations;
pub use error::{NextStep, PsaError};
pub use own_tickets::OwnTickets;
pub use verification::{Ability, StepOutcome, Verification, VerificationStep};

use crate::{
    clock::Chance,
    ground::Ground,
    organizations::profiles::ProfileFieldRule,
    queue::{
        budget::RateLimit,
        budgets::SharedBudget,
        received::{Headers, Proof},
    },
    sync::contacts::remote::{ContactAbilities, ContactCatalogue, ContactQuery, RemoteContact},
    sync::psa_tickets::remote::TicketAbilities,
    sync::remote::{CompanyDraft, CompanyFilter, ConfigurationCatalogue, RemoteCompany, RemotePickList},
    tickets::remote::{
        Asked, MarkerSearch, NoteDraft, RemotePage, RemoteTicket, StatusChange, TicketDraft, TicketHint,
    },
};

/// Every platform there is.
pub fn platforms() -> &'static [&'static dyn Platform] {
    &[&autotask::Autotask, &connectwise::ConnectWise, &halo::Halo, &nable::Nable, &syncro::Syncro]
}

/// The platform of that key.
pub fn platform(key: &str) -> Option<&'static dyn Platform> {
    platforms().iter().copied().find(|platform| platform.key() == key)
}

/// Whose calls a login's are counted with: the key of their budget, and the limit; none where the platform
/// sets no limit. `login` is the connection's id.
pub fn budget_of(
    platform: &dyn Platform,
    http: &http::Outbound,
    organization_id: uuid::Uuid,
    login: uuid::Uuid,
    settings: &BTreeMap<String, String>,
) -> Option<(String, RateLimit)> {
    let capabilities = platform.capabilities();
    let usual = capabilities.rate?;
    let limit = RateLimit { calls: http.calls_allowed(platform.key()).unwrap_or(usual.calls), ..usual };
    let key = platform.key();
    let key = match capabilities.rate_scope {
        RateScope::Login => format!("{key}/{login}"),
        // Never across organizations: who only claims to be a tenant must not spend what is another's.
        RateScope::Tenant => format!("{key}/{organization_id}/{}", platform.tenant(settings)),
        RateScope::Installation => key.to_owned(),
    };
    Some((key.chars().take(200).collect(), limit))
}

/// A platform's profile fields, as the rules that profiles are held against.
pub fn profile_rules(platform: &dyn Platform) -> Vec<ProfileFieldRule> {
    let rule = |field: &ProfileField| ProfileFieldRule {
        key: field.key.to_owned(),
        label: field.label.to_owned(),
        pick_list: field.pick_list.map(str::to_owned),
        depends_on: field.depends_on.iter().map(|&key| key.to_owned()).collect(),
        is_required: field.is_required,
        is_whole_number: field.is_whole_number,
        is_board: field.is_board,
    };
    platform.profile_fields().iter().map(rule).collect()
}

/// Whether a new ticket can have a configuration: by its profile, or that of the device its event names.
pub fn links_configurations(platform: &dyn Platform) -> bool {
    platform.configurations().is_some()
        && platform.profile_fields().iter().any(|field| field.key == "configuration")
}

/// The way out for one login, with its calls counted.
pub fn counted(
    ground: &Ground,
    http: &http::Outbound,
    budget: Option<(String, RateLimit)>,
) -> http::Outbound {
    match budget {
        Some((key, limit)) => http.counted(SharedBudget::new(ground.clone(), &key, limit)),
        None => http.clone(),
    }
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
    /// It is the board (or what the PSA has instead: a queue, a kind of ticket) by which tickets are kept apart
    /// and people are let in; one field of a platform at the most.
    pub is_board: bool,
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
#[derive(Clone)]
pub struct WebhookSecret {
    /// Our id of it.
    pub id: uuid::Uuid,
    /// Which of the PSA's keys it is, where the PSA has several and each webhook names its own: what
    /// [`Psa::webhook_key`] was asked for.
    pub key_name: Option<String>,
    /// Its text.
    pub secret: SecretString,
}

/// A webhook before its check.
pub struct WebhookCall<'a> {
    /// The endpoint's scheme.
    pub scheme: &'a str,
    /// The connection's credential fields that are no secret, by key.
    pub settings: &'a BTreeMap<String, String>,
    /// Headers as sent.
    pub headers: &'a Headers,
    /// The query as sent, without the question mark.
    pub query: &'a str,
    /// The raw bytes.
    pub body: &'a [u8],
}

/// What a webhook says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookNews {
    /// What happened to tickets. Hints, to be checked by reading the tickets.
    pub tickets: Vec<TicketHint>,
    /// The PSA says that the registration itself was changed (switched off, failing …): look at it.
    pub concerns_registration: bool,
    /// The key that it is signed with and that we do not know yet: fetch it with [`Psa::webhook_key`], so
    /// that the next ones can be proven.
    pub wanted_key: Option<String>,
}

/// The gateway's own webhook, as it should stand in the PSA.
#[derive(Clone, Debug)]
pub struct WebhookWanted {
    /// Where the PSA is to post. Ours alone: what stands there with another address is not touched.
    pub url: String,
    /// Name for people in the PSA's own lists.
    pub name: String,
    /// The endpoint's scheme.
    pub scheme: String,
    /// What the PSA is to sign with, where the scheme has a secret of ours.
    pub secret: Option<SecretString>,
    /// What it was registered as, where it was.
    pub external_id: Option<String>,
}

/// The gateway's own webhook as it stands in the PSA now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookKept {
    /// The PSA's id of the registration (a platform that needs several joins them).
    pub external_id: String,
    /// What had to be mended, for people, e.g. `it was switched off in ConnectWise`.
    pub mended: Option<String>,
    /// What is still wrong with it, for people, with the next step; none where it works.
    pub problem: Option<String>,
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
    /// What it says of contacts, and what it always has of them; none where it gives none.
    fn contacts(&self) -> Option<(ContactAbilities, ContactCatalogue)> {
        None
    }

    /// What it always has of configurations, which the gateway can read then; none where it gives none.
    fn configurations(&self) -> Option<ConfigurationCatalogue> {
        None
    }
    /// Whether the gateway can make and change configurations in it.
    fn writes_configurations(&self) -> bool {
        false
    }
    /// What it says of its own tickets, which the gateway can copy then; none where it does not show them.
    fn own_tickets(&self) -> Option<TicketAbilities> {
        None
    }
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

    /// Which instance of the PSA the settings (credential fields that are no secret) lead to, for budgets
    /// that its logins share.
    fn tenant(&self, settings: &BTreeMap<String, String>) -> String {
        settings.get("domain").cloned().unwrap_or_default()
    }

    /// A new secret for a webhook endpoint, in the form that scheme wants; none where the scheme has none of
    /// ours (the PSA makes the keys, or nothing is signed and the address is the secret).
    fn make_webhook_secret(&self, _scheme: &str, chance: &Chance) -> Option<SecretString> {
        Some(chance.alphanumeric(43).into())
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

    /// Checks that a webhook comes from the PSA. No call is made: where the key that it is signed with is not
    /// known yet, everything else is checked, and `Proof::scheme` ends in `.unproven`.
    fn verify_webhook(
        &self,
        call: &WebhookCall<'_>,
        secrets: &[WebhookSecret],
    ) -> Result<Proof, WebhookRefused>;

    /// What a webhook says happened; `verified_by` is its proof's scheme. `Err` says what was not understood,
    /// for people.
    fn read_webhook(&self, verified_by: &str, headers: &Headers, body: &[u8]) -> Result<WebhookNews, String>;
}

/// Why a webhook of a PSA was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebhookRefused(pub String);

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

    /// What this tenant has of contacts: fields, also those that people have made there, and types.
    async fn contact_catalogue(&self) -> Result<ContactCatalogue, PsaError> {
        Err(not_offered("contacts"))
    }

    /// One page of contacts; `page` is the `next` of the page before.
    async fn contacts(
        &self,
        _query: &ContactQuery,
        _page: Option<&str>,
    ) -> Result<RemotePage<RemoteContact>, PsaError> {
        Err(not_offered("contacts"))
    }

    /// Creates a ticket. The answer has at least its id.
    async fn create_ticket(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError>;

    /// The tickets that carry a mark: exact matches only, oldest first. An empty answer means that every
    /// way of looking was used and worked, not that a filter was ignored. Where that cannot be said, as there
    /// are too many tickets to look at, it is [`PsaError::CannotTell`].
    async fn find_by_marker(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError>;

    /// Asks for a mark by the PSA's own filter alone, of whichever company. Whether that can be believed is for
    /// the caller to find out. None where the platform has no filter for it.
    async fn ask_for_mark(&self, _marker: &str) -> Result<Option<Asked>, PsaError> {
        Ok(None)
    }

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

    /// Sets the status; setting the one it has is no error.
    async fn set_status(&self, change: &StatusChange) -> Result<RemoteTicket, PsaError>;

    /// Tickets changed at or after `since`, oldest change first, one page.
    async fn changed_since(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError>;

    /// Creates a company. A name that is taken is the PSA's to refuse.
    async fn create_company(&self, draft: &CompanyDraft) -> Result<RemoteCompany, PsaError>;

    /// Sees to it that the gateway's webhook stands in the PSA and works: registers it, or looks at it and
    /// mends it. May be repeated at any time.
    async fn keep_webhook(&self, _wanted: &WebhookWanted) -> Result<WebhookKept, PsaError> {
        Err(not_offered("registering webhooks"))
    }

    /// Takes the gateway's webhook out of the PSA; one that is gone is no error.
    async fn remove_webhook(&self, _external_id: &str) -> Result<(), PsaError> {
        Err(not_offered("removing webhooks"))
    }

    /// Its configurations; none where it gives none (see [`Platform::configurations`]).
    fn configurations(&self) -> Option<&dyn Configurations> {
        None
    }

    /// Its own tickets, whoever made them; none where it does not show them (see [`Platform::own_tickets`]).
    fn own_tickets(&self) -> Option<&dyn OwnTickets> {
        None
    }

    /// Its recurring invoices; none where it offers none (see [`Capabilities::billing`]).
    fn billing(&self) -> Option<&dyn Billing> {
        None
    }

    /// The key of that name that the PSA signs webhooks with (see [`WebhookNews::wanted_key`]). The name was
    /// checked before and is checked again here: it came from outside.
    async fn webhook_key(&self, _name: &str) -> Result<SecretString, PsaError> {
        Err(not_offered("signing keys"))
    }
}

fn not_offered(what: &str) -> PsaError {
    PsaError::Rejected { field: None, reason: format!("this platform does not offer {what}") }
}
