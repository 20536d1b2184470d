//! Everything an instance remembers, and what the sandboxes' frame asks of it.

use std::collections::BTreeSet;

use entity::Timestamp;

use super::{
    HaloOptions, Payload,
    access::Access,
    assets,
    customers::{Client, Site, User},
    errors,
    recurring::{self, RecurringInvoice},
    seed,
    ticket::Ticket,
    webhooks::Subscriptions,
};
use crate::sandbox::frame::{
    Call, Calls, Deed, DeedError, Failure, Ground, LedgerBilling, LedgerTicket, Letter, Post, PostAnswer,
    Reply, Right, World,
};

/// One Halo instance.
#[derive(Debug)]
pub struct HaloWorld {
    pub(super) ground: Ground,
    pub(super) options: HaloOptions,
    pub(super) access: Access,
    pub(super) clients: Vec<Client>,
    pub(super) sites: Vec<Site>,
    pub(super) users: Vec<User>,
    pub(super) assets: Vec<serde_json::Value>,
    /// In the order of their ids.
    pub(super) tickets: Vec<Ticket>,
    pub(super) invoices: Vec<RecurringInvoice>,
    pub(super) last_ticket_id: i64,
    pub(super) subscriptions: Subscriptions,
    pub(super) post: Post,
    pub(super) payload: Payload,
    /// Whether letters to one webhook go together, as an array.
    pub(super) batched: bool,
}

impl HaloWorld {
    /// Limits the API application to these scopes, separated by spaces (`all` at the
    /// start). Tokens handed out before lose what is not in it.
    pub fn set_scope(&mut self, scope: &str) {
        scope.clone_into(&mut self.access.scope);
    }

    /// Takes resources (`Client`, `Agent`, `Tickets` …) away from the agent's role: calls
    /// to them get an empty 403. The list replaces the one before.
    pub fn deny_resources(&mut self, resources: &[&str]) {
        self.access.denied = resources.iter().map(|resource| resource.to_ascii_lowercase()).collect();
    }

    /// Takes outcomes (actions) away from the agent, who cannot close tickets without one that closes. The
    /// list replaces the one before.
    pub fn deny_outcomes(&mut self, outcomes: &[i64]) {
        self.access.denied_outcomes = outcomes.to_vec();
    }

    /// What webhooks carry from now on, and whether several for one address go together.
    pub fn set_payload(&mut self, payload: Payload, batched: bool) {
        (self.payload, self.batched) = (payload, batched);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.ground.clock.now()
    }
}

impl World for HaloWorld {
    const KEY: &'static str = "halo";
    const LABEL: &'static str = "HaloPSA";
    const CALLS: Calls =
        Calls { create: "POST /api/Tickets", note: "POST /api/Actions", status: "POST /api/Tickets" };
    type Options = HaloOptions;

    fn new(ground: Ground, options: HaloOptions) -> Self {
        let (clients, sites, users) = seed::customers(ground.clock.now());
        Self {
            access: Access::new(&ground.chance),
            invoices: recurring::seed(&clients),
            assets: assets::seeded(&clients),
            clients,
            sites,
            users,
            tickets: Vec::new(),
            last_ticket_id: seed::LAST_TICKET_ID,
            subscriptions: Subscriptions::default(),
            post: Post::default(),
            payload: Payload::default(),
            batched: false,
            ground,
            options,
        }
    }

    fn credentials(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("domain", url.to_owned()),
            ("client_id", self.access.client_id.clone()),
            ("client_secret", self.access.client_secret.clone()),
            ("tenant", self.access.tenant.clone()),
        ]
    }

    fn answer(&mut self, call: &Call) -> Reply {
        self.route(call).unwrap_or_else(|refusal| refusal)
    }

    fn fail(&self, _call: &Call, failure: &Failure) -> Reply {
        errors::failure(failure, self.options.rate_limit)
    }

    fn lift_limits(&mut self) {
        self.options.rate_limit = u32::MAX;
    }

    fn ledger(&self) -> Vec<LedgerTicket> {
        self.ledger_tickets()
    }

    fn billing(&self) -> Vec<LedgerBilling> {
        self.tell_billing()
    }

    fn people(&self) -> Vec<String> {
        super::people::names()
    }

    fn deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError> {
        self.do_deed(ticket, who, deed)
    }

    fn deny(&mut self, denied: &BTreeSet<Right>) -> bool {
        self.access.deny(denied)
    }

    fn post(&mut self) -> &mut Post {
        &mut self.post
    }

    fn dress(&mut self, letter: &mut Letter) {
        self.seal(letter);
    }

    /// Nothing is tried again: for Halo the job is done once a delivery is recorded
    /// (usehalo.com/guide/webhook-integration).
    fn posted(&mut self, letter: Letter, answer: &PostAnswer) -> Option<Letter> {
        self.log_delivery(&letter, answer);
        None
    }

    fn set_up_webhook(&mut self, address: &str, secret: Option<&str>) -> bool {
        self.enter_webhook(address, secret).is_ok()
    }
}
