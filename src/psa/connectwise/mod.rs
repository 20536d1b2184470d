//! ConnectWise PSA (formerly Manage).
//!
//! Its REST API has typed records and documented errors, but the address moves with the vendor's
//! upgrades, every list of a ticket belongs to its board, and what a role lacks shows only when it is
//! tried. Reading is tolerant, writing is strict: references go out as `{"id": n}`, changes as PATCH
//! operations on single fields (a PUT would empty what it does not name), and no text that somebody
//! typed ever becomes part of a filter.

mod api;
mod billing;
mod boards;
mod callbacks;
mod changes;
mod companies;
mod conditions;
mod configurations;
mod contacts;
mod credentials;
mod discovery;
mod errors;
mod marker;
mod notes;
mod own_tickets;
mod paging;
mod pick_lists;
mod profile;
mod signing_key;
mod site;
mod status;
mod tickets;
mod verify;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use entity::Timestamp;
use secrecy::SecretString;

use super::{
    Billing, Capabilities, Configurations, CredentialField, Credentials, FieldProblem, OwnTickets, Platform,
    ProfileField, Psa, PsaError, RateScope, Verification, WebhookCall, WebhookKept, WebhookNews,
    WebhookRefused, WebhookScheme, WebhookSecret, WebhookWanted, http::Outbound,
};
use crate::{
    clock::Chance,
    queue::{
        budget::RateLimit,
        received::{Headers, Proof},
    },
    sync::billing::ledger::Way,
    sync::contacts::remote::{ContactAbilities, ContactCatalogue, ContactQuery, RemoteContact},
    sync::psa_tickets::remote::TicketAbilities,
    sync::remote::{CompanyDraft, CompanyFilter, ConfigurationCatalogue, RemoteCompany, RemotePickList},
    tickets::remote::{Asked, MarkerSearch, NoteDraft, RemotePage, RemoteTicket, StatusChange, TicketDraft},
};

/// The platform.
pub struct ConnectWise;

impl Platform for ConnectWise {
    fn key(&self) -> &'static str {
        "connectwise"
    }

    fn label(&self) -> &'static str {
        "ConnectWise PSA"
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
            company_values: &["company_type", "company_status", "company_market"],
            webhooks: true,
            // No source gives a number; lists come from the database itself, not from an index.
            search_delay_secs: 60,
            // The Developer Guide publishes no quota: above some 1,000 calls a minute "will likely" be
            // limited, and the customer's other integrations share it.
            rate: Some(RateLimit { calls: 600, window_secs: 60 }),
            rate_scope: RateScope::Tenant,
            parallel: 3,
            webhook_registration: true,
            billing: Way::Value,
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
        Ok(Arc::new(Connection { api: api::Api::new(login, http) }))
    }

    /// Thousands of companies share a site of the vendor's cloud.
    fn tenant(&self, settings: &BTreeMap<String, String>) -> String {
        let get = |key: &str| settings.get(key).map(String::as_str).unwrap_or_default();
        format!("{}/{}", get("domain"), get("company_id").to_lowercase())
    }

    /// ConnectWise makes the keys that it signs with.
    fn make_webhook_secret(&self, _scheme: &str, _chance: &Chance) -> Option<SecretString> {
        None
    }

    fn check_webhook_secret(&self, _scheme: &str, _secret: &SecretString) -> Result<(), String> {
        Err(String::from(
            "ConnectWise makes the keys that it signs with, and they are fetched from it: give none",
        ))
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

    async fn ask_for_mark(&self, marker: &str) -> Result<Option<Asked>, PsaError> {
        self.by_field(marker).await
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
        self.keep_callback(wanted).await
    }

    async fn remove_webhook(&self, external_id: &str) -> Result<(), PsaError> {
        self.remove_callback(external_id).await
    }

    async fn webhook_key(&self, name: &str) -> Result<SecretString, PsaError> {
        self.signing_key(name).await
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
