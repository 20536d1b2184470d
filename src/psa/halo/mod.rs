//! HaloPSA, and its sisters HaloITSM and Halo Service Desk, which share its API.
//!
//! The vendor's document (OpenAPI "Halo API v2") declares neither required fields nor answers, so
//! reading is tolerant and writing is strict: numbers go out as JSON integers, bodies as arrays of
//! one (HaloAPI's client does so everywhere), and only fields that working clients send are sent.

mod api;
mod auth;
mod billing;
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
mod registration;
mod tickets;
mod verify;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use entity::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

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
pub struct Halo;

impl Platform for Halo {
    fn key(&self) -> &'static str {
        "halo"
    }

    fn label(&self) -> &'static str {
        "HaloPSA"
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
            // No source gives a number; lists come from the database itself, not from an index.
            search_delay_secs: 60,
            // Seen: 300 (2022), 450, 700 (2026) in any 5 minutes, shared with the customer's other
            // integrations (HaloAPI#31, PowerShellWarrantyReports#51).
            rate: Some(RateLimit { calls: 500, window_secs: 300 }),
            rate_scope: RateScope::Tenant,
            parallel: 0,
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

    fn make_webhook_secret(&self, scheme: &str, chance: &Chance) -> Option<SecretString> {
        let secret = chance.alphanumeric(43);
        Some(if scheme == "halo_basic" { format!("psa-gateway:{secret}").into() } else { secret.into() })
    }

    fn check_webhook_secret(&self, scheme: &str, secret: &SecretString) -> Result<(), String> {
        let text = secret.expose_secret().trim();
        let password = match (scheme, text.split_once(':')) {
            ("halo_basic", Some((_, password))) => password,
            ("halo_basic", None) => {
                return Err("give a user name and a password with a colon between them".to_owned());
            }
            _ => text,
        };
        if password.len() >= 16 {
            Ok(())
        } else {
            Err("it is shorter than 16 characters; give a longer one, or none to have one made".to_owned())
        }
    }

    fn verify_webhook(
        &self,
        call: &WebhookCall<'_>,
        secrets: &[WebhookSecret],
    ) -> Result<Proof, WebhookRefused> {
        webhook::verify(call.scheme, secrets, call.headers, call.body)
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
