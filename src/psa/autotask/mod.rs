//! Autotask PSA (Datto, Kaseya).
//!
//! Its REST API knows few statuses of HTTP: what was refused comes as 500 with a list of texts, so the texts
//! are read. Numbers of pick lists belong to each tenant and are looked up by label. Lists have neither
//! order nor offset, so they are read by rising id, and changes in windows of time. A login's address (its
//! zone) is found out from its user name and can change.

mod api;
mod billing;
mod changes;
mod companies;
mod configurations;
mod contacts;
mod credentials;
mod draft;
mod errors;
mod fields;
mod hook_fields;
mod marker;
mod notes;
mod own_tickets;
mod pick_lists;
mod profile;
mod registration;
mod tickets;
mod verify;
mod webhook;
mod wire;
mod zone;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use entity::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Billing, Capabilities, Configurations, CredentialField, Credentials, FieldProblem, OwnTickets, Platform,
    ProfileField, Psa, PsaError, RateScope, Verification, WebhookCall, WebhookKept, WebhookNews,
    WebhookRefused, WebhookScheme, WebhookSecret, WebhookWanted, http::Outbound,
};
use crate::{
    queue::{
        budget::RateLimit,
        received::{Headers, Proof},
    },
    sync::billing::ledger::Way,
    sync::contacts::remote::{ContactAbilities, ContactCatalogue, ContactQuery, RemoteContact},
    sync::psa_tickets::remote::TicketAbilities,
    sync::remote::{CompanyDraft, CompanyFilter, ConfigurationCatalogue, RemoteCompany, RemotePickList},
    tickets::remote::{MarkerSearch, NoteDraft, RemotePage, RemoteTicket, StatusChange, TicketDraft},
};

/// The platform.
pub struct Autotask;

impl Platform for Autotask {
    fn key(&self) -> &'static str {
        "autotask"
    }

    fn label(&self) -> &'static str {
        "Autotask PSA"
    }

    fn credential_fields(&self) -> &'static [CredentialField] {
        credentials::FIELDS
    }

    fn profile_fields(&self) -> &'static [ProfileField] {
        profile::FIELDS
    }

    fn contacts(&self) -> Option<(ContactAbilities, ContactCatalogue)> {
        Some(contacts::offered())
    }

    fn configurations(&self) -> Option<ConfigurationCatalogue> {
        Some(configurations::offered())
    }

    fn writes_configurations(&self) -> bool {
        true
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            reopen: true,
            private_notes: true,
            company_values: &["company_type", "company_status"],
            webhooks: true,
            // A record that was just written can be invisible for a moment (replication); no source says how
            // long, so a minute is allowed for.
            search_delay_secs: 60,
            // 10,000 calls an hour belong to the customer's database, all integrations together, and Autotask
            // slows everybody down from half of them on (developer help, REST_Thresholds_Limits): the other
            // half is the others'.
            rate: Some(RateLimit { calls: 5_000, window_secs: 3_600 }),
            rate_scope: RateScope::Tenant,
            // Three at once per integration code and endpoint, counted down later than the answer comes
            // (developer help, ThreadLimiting; n8n-nodes-autotask#107): two.
            parallel: 2,
            webhook_registration: true,
            billing: Way::Difference,
        }
    }

    fn own_tickets(&self) -> Option<TicketAbilities> {
        Some(own_tickets::ABILITIES)
    }

    fn webhook_schemes(&self) -> &'static [WebhookScheme] {
        webhook::SCHEMES
    }

    fn normalise(&self, credentials: Credentials) -> Result<Credentials, Vec<FieldProblem>> {
        credentials::normalise(&credentials)
    }

    fn connect(&self, credentials: Credentials, http: Outbound) -> Result<Arc<dyn Psa>, Vec<FieldProblem>> {
        let login = credentials::Login::read(&credentials, &http)?;
        Ok(Arc::new(Connection::new(api::Api::new(login, http))))
    }

    /// What stands behind the `@` of the user name is the customer's; zones are shared by thousands.
    fn tenant(&self, settings: &BTreeMap<String, String>) -> String {
        let user = settings.get("username").map(|user| user.trim().to_lowercase()).unwrap_or_default();
        match user.rsplit_once('@') {
            Some((_, domain)) if !domain.is_empty() => domain.to_owned(),
            _ => user,
        }
    }

    fn check_webhook_secret(&self, _scheme: &str, secret: &SecretString) -> Result<(), String> {
        let length = secret.expose_secret().trim().chars().count();
        if (16..=registration::SECRET_CHARS).contains(&length) {
            Ok(())
        } else {
            Err(format!(
                "the secret has {length} characters; Autotask takes up to {}, give at least 16, or none to have one made",
                registration::SECRET_CHARS
            ))
        }
    }

    fn verify_webhook(
        &self,
        call: &WebhookCall<'_>,
        secrets: &[WebhookSecret],
    ) -> Result<Proof, WebhookRefused> {
        webhook::verify(call, secrets)
    }

    fn read_webhook(
        &self,
        verified_by: &str,
        _headers: &Headers,
        body: &[u8],
    ) -> Result<WebhookNews, String> {
        webhook::read(verified_by, body)
    }
}

/// One login; its abilities are spread over the files of this folder.
struct Connection {
    api: api::Api,
    /// What Autotask says about the fields of its entities.
    fields: fields::Known,
}

impl Connection {
    fn new(api: api::Api) -> Self {
        Self { api, fields: fields::Known::default() }
    }
}

#[async_trait]
impl Psa for Connection {
    async fn verify(&self) -> Verification {
        self.verify_steps().await
    }

    async fn companies(
        &self,
        filter: &CompanyFilter,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteCompany>, PsaError> {
        self.company_page(filter, page).await
    }

    async fn pick_lists(&self) -> Result<Vec<RemotePickList>, PsaError> {
        self.all_pick_lists().await
    }

    async fn contact_catalogue(&self) -> Result<ContactCatalogue, PsaError> {
        self.contacts_offered().await
    }

    async fn contacts(
        &self,
        query: &ContactQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteContact>, PsaError> {
        self.contact_page(query, page).await
    }

    async fn create_ticket(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError> {
        self.open(draft).await
    }

    async fn find_by_marker(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError> {
        self.find_marked(search).await
    }

    async fn read_ticket(
        &self,
        external_id: &str,
        with_closer: bool,
    ) -> Result<Option<RemoteTicket>, PsaError> {
        self.read(external_id, with_closer).await
    }

    async fn add_note(&self, external_id: &str, note: &NoteDraft) -> Result<(), PsaError> {
        self.write_note(external_id, note).await
    }

    async fn has_note(&self, external_id: &str, marker: &str) -> Result<bool, PsaError> {
        self.look_for_note(external_id, marker).await
    }

    async fn set_status(&self, change: &StatusChange) -> Result<RemoteTicket, PsaError> {
        self.change_status(change).await
    }

    async fn changed_since(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError> {
        self.changed_page(since, page).await
    }

    async fn create_company(&self, draft: &CompanyDraft) -> Result<RemoteCompany, PsaError> {
        self.new_company(draft).await
    }

    async fn keep_webhook(&self, wanted: &WebhookWanted) -> Result<WebhookKept, PsaError> {
        self.keep_registered(wanted).await
    }

    async fn remove_webhook(&self, external_id: &str) -> Result<(), PsaError> {
        self.unregister(external_id).await
    }

    fn configurations(&self) -> Option<&dyn Configurations> {
        Some(self)
    }

    fn billing(&self) -> Option<&dyn Billing> {
        Some(self)
    }

    fn own_tickets(&self) -> Option<&dyn OwnTickets> {
        Some(self)
    }
}
