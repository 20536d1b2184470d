//! N-able MSP Manager, once SolarWinds MSP Manager. It is not N-central, nor N-sight.
//!
//! OData 4 over ASP.NET. The vendor shows its definition on its own host only and every public client is
//! small, so reading is tolerant and only what working clients send is sent unasked. What no source proves
//! stands in one named place each: statuses and priorities in `profile`, the way to address and change a
//! ticket in `whole`, notes in `notes`, the look for changes in `changes`, guessed lists in `pick_lists`.

mod api;
mod changes;
mod companies;
mod contacts;
mod credentials;
mod errors;
mod marker;
mod notes;
mod own_tickets;
mod paging;
mod pick_lists;
mod profile;
mod service_items;
mod text;
mod tickets;
mod verify;
mod whole;
mod wire;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use entity::Timestamp;
use secrecy::SecretString;

use super::{
    Capabilities, CredentialField, Credentials, FieldProblem, OwnTickets, Platform, ProfileField, Psa,
    PsaError, RateScope, Verification, WebhookCall, WebhookNews, WebhookRefused, WebhookScheme,
    WebhookSecret, http::Outbound,
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
    sync::remote::{CompanyDraft, CompanyFilter, RemoteCompany, RemotePickList},
    tickets::remote::{Asked, MarkerSearch, NoteDraft, RemotePage, RemoteTicket, StatusChange, TicketDraft},
};

/// The platform.
pub struct Nable;

impl Platform for Nable {
    fn key(&self) -> &'static str {
        "nable"
    }

    fn label(&self) -> &'static str {
        "N-able MSP Manager"
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

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // By the same PUT as a close, and as little seen in public.
            reopen: true,
            // No way to hide a note from the customer is known: see `notes`.
            private_notes: false,
            company_values: &["company_status"],
            // No page of the vendor's and no client mentions any.
            webhooks: false,
            webhook_registration: false,
            billing: Way::NotOffered,
            // Nothing is known of an index behind the view; the search looks at every recent ticket besides.
            search_delay_secs: 60,
            // No limit is documented and none was seen: a client runs 25 calls at once, another had its
            // connections reset. This is careful, not known.
            rate: Some(RateLimit { calls: 120, window_secs: 60 }),
            rate_scope: RateScope::Tenant,
            parallel: 2,
        }
    }

    fn own_tickets(&self) -> Option<TicketAbilities> {
        Some(own_tickets::ABILITIES)
    }

    fn webhook_schemes(&self) -> &'static [WebhookScheme] {
        &[]
    }

    fn normalise(&self, credentials: Credentials) -> Result<Credentials, Vec<FieldProblem>> {
        credentials::normalise(&credentials)
    }

    fn connect(&self, credentials: Credentials, http: Outbound) -> Result<Arc<dyn Psa>, Vec<FieldProblem>> {
        let login = credentials::Login::read(&credentials, &http)?;
        Ok(Arc::new(Connection {
            api: api::Api { login, http },
            form: whole::Form::default(),
            look: changes::KnownLook::default(),
        }))
    }

    fn tenant(&self, settings: &BTreeMap<String, String>) -> String {
        settings.get("domain").map_or_else(|| credentials::USUAL.to_owned(), Clone::clone)
    }

    fn make_webhook_secret(&self, _scheme: &str, _chance: &Chance) -> Option<SecretString> {
        None
    }

    fn check_webhook_secret(&self, _scheme: &str, _secret: &SecretString) -> Result<(), String> {
        Err(NO_WEBHOOKS.to_owned())
    }

    fn verify_webhook(
        &self,
        _call: &WebhookCall<'_>,
        _secrets: &[WebhookSecret],
    ) -> Result<Proof, WebhookRefused> {
        Err(WebhookRefused(NO_WEBHOOKS.to_owned()))
    }

    fn read_webhook(
        &self,
        _verified_by: &str,
        _headers: &Headers,
        _body: &[u8],
    ) -> Result<WebhookNews, String> {
        Err(NO_WEBHOOKS.to_owned())
    }
}

const NO_WEBHOOKS: &str = "MSP Manager sends no webhooks; its tickets are looked at now and then";

/// One login; its abilities are spread over the files of this folder.
struct Connection {
    api: api::Api,
    /// How tickets are addressed, as it was found out.
    form: whole::Form,
    /// How changes are looked for, as it was found out.
    look: changes::KnownLook,
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
        Ok(contacts::offered().1)
    }

    async fn contacts(
        &self,
        _query: &ContactQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteContact>, PsaError> {
        self.contact_page(page).await
    }

    async fn create_ticket(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError> {
        self.open(draft).await
    }

    async fn find_by_marker(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError> {
        self.find_marked(search).await
    }

    async fn ask_for_mark(&self, marker: &str) -> Result<Option<Asked>, PsaError> {
        self.by_search(marker).await
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

    fn own_tickets(&self) -> Option<&dyn OwnTickets> {
        Some(self)
    }
}
