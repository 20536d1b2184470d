//! Syncro (SyncroMSP), and RepairShopr, which shares its code base.
//!
//! The vendor's document (OpenAPI 3.0, API v1) declares no required fields and one example per answer, so
//! reading is tolerant and writing is strict: only fields that working clients send are sent. Statuses,
//! priorities and problem types are plain strings here, and a ticket's description is its first comment.

mod api;
mod billing;
mod changes;
mod companies;
mod configurations;
mod contacts;
mod credentials;
mod errors;
mod marker;
mod notes;
mod own_tickets;
mod paging;
mod pick_lists;
mod profile;
mod tickets;
mod verify;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use entity::Timestamp;
use secrecy::SecretString;

use super::{
    Billing, Capabilities, Configurations, CredentialField, Credentials, FieldProblem, OwnTickets, Platform,
    ProfileField, Psa, PsaError, RateScope, Verification, WebhookCall, WebhookNews, WebhookRefused,
    WebhookScheme, WebhookSecret, http::Outbound,
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
pub struct Syncro;

impl Platform for Syncro {
    fn key(&self) -> &'static str {
        "syncro"
    }

    fn label(&self) -> &'static str {
        "Syncro"
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
            // A resolved ticket takes any other status.
            reopen: true,
            private_notes: true,
            company_values: &["company_status"],
            webhooks: true,
            // No source gives a number; lists come from the database itself, not from an index.
            search_delay_secs: 60,
            // "180 requests per minute per IP address" (the vendor's API document); the rest is left to what
            // else calls from the same address.
            rate: Some(RateLimit { calls: 150, window_secs: 60 }),
            rate_scope: RateScope::Installation,
            // No source names a limit; one account's slow answers must not take all of the minute's calls.
            parallel: 2,
            // Notification sets are made in Syncro's own pages only; no path of the API knows them.
            webhook_registration: false,
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

    fn make_webhook_secret(&self, _scheme: &str, _chance: &Chance) -> Option<SecretString> {
        None
    }

    fn check_webhook_secret(&self, _scheme: &str, _secret: &SecretString) -> Result<(), String> {
        Err(String::from(
            "Syncro signs nothing, so there is no secret to give: the endpoint's address itself is the secret",
        ))
    }

    fn verify_webhook(
        &self,
        call: &WebhookCall<'_>,
        _secrets: &[WebhookSecret],
    ) -> Result<Proof, WebhookRefused> {
        webhook::verify(call.scheme)
    }

    fn read_webhook(
        &self,
        _verified_by: &str,
        _headers: &Headers,
        body: &[u8],
    ) -> Result<WebhookNews, String> {
        Ok(WebhookNews { tickets: webhook::read(body)?, ..WebhookNews::default() })
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
        Ok(self.all_pick_lists().await?.lists)
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
        self.by_words(marker).await
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
        self.change_status(&change.external_id, &change.status).await
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
