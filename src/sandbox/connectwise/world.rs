//! What an instance remembers, and its place in the frame.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use entity::Timestamp;

use super::{
    deeds, errors, login::Login, options::ConnectWiseOptions, resources::Table, row::Row, seed,
    ticket::Ticket,
};
use crate::sandbox::frame::{
    Call, Calls, Deed, DeedError, Failure, Ground, LedgerBilling, LedgerTicket, Letter, Post, PostAnswer,
    Reply, Right, World,
};

/// A tenant of ConnectWise PSA.
#[derive(Debug)]
pub struct ConnectWiseWorld {
    pub(super) ground: Ground,
    pub(super) options: ConnectWiseOptions,
    pub(super) login: Login,
    pub(super) tables: BTreeMap<Table, Vec<Row>>,
    /// The highest id ever used, so that none comes twice.
    pub(super) last_ids: BTreeMap<Table, i64>,
    pub(super) tickets: Vec<Ticket>,
    pub(super) last_ticket: i64,
    pub(super) last_note: i64,
    pub(super) denied: BTreeSet<Right>,
    /// How often the quantity of each addition was set.
    pub(super) addition_writes: BTreeMap<i64, u32>,
    /// The calls of the last 60 seconds.
    pub(super) calls: VecDeque<Timestamp>,
    pub(super) post: Post,
    /// Host and port that clients call, for what the vendor writes about itself.
    pub(super) host: String,
    /// Since when the receiver of a callback has not taken anything.
    pub(super) failing_since: BTreeMap<i64, Timestamp>,
}

impl ConnectWiseWorld {
    /// The vendor upgrades the tenant to another version's folder, such as `v2026_1/`; the old one is gone.
    pub fn upgrade(&mut self, codebase: &str) {
        codebase.clone_into(&mut self.options.codebase);
    }
}

impl World for ConnectWiseWorld {
    const KEY: &'static str = "connectwise";
    const LABEL: &'static str = "ConnectWise PSA";
    const CALLS: Calls = Calls {
        create: "POST /*/service/tickets$",
        note: "POST /*/service/tickets/*/notes",
        status: "PATCH /*/service/tickets/",
    };
    type Options = ConnectWiseOptions;

    fn new(ground: Ground, options: Self::Options) -> Self {
        let mut world = Self {
            login: Login::new(&ground),
            ground,
            options,
            tables: BTreeMap::new(),
            last_ids: BTreeMap::new(),
            tickets: Vec::new(),
            last_ticket: seed::LAST_TICKET,
            last_note: 900,
            denied: BTreeSet::new(),
            addition_writes: BTreeMap::new(),
            calls: VecDeque::new(),
            post: Post::default(),
            host: String::new(),
            failing_since: BTreeMap::new(),
        };
        seed::fill(&mut world);
        world
    }

    fn credentials(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("company_id", self.login.company_id.clone()),
            ("domain", url.to_owned()),
            ("public_key", self.login.public_key.clone()),
            ("private_key", self.login.private_key.clone()),
        ]
    }

    fn answer(&mut self, call: &Call) -> Reply {
        call.header("host").clone_into(&mut self.host);
        self.respond(call).unwrap_or_else(|refusal| refusal)
    }

    fn fail(&self, _call: &Call, failure: &Failure) -> Reply {
        match failure {
            Failure::RateLimited { retry_after } => errors::too_many(*retry_after),
            Failure::Broken { status } => errors::broken(*status),
            Failure::ExpiredLogin { status } => Reply { status: *status, ..errors::unauthenticated() },
            Failure::Forbidden => errors::forbidden(),
            Failure::Refused { message } => errors::refused("ticket", message),
            Failure::Hidden => errors::hidden(),
        }
    }

    fn lift_limits(&mut self) {
        self.options.calls_per_minute = u32::MAX;
    }

    fn ledger(&self) -> Vec<LedgerTicket> {
        self.told()
    }

    fn billing(&self) -> Vec<LedgerBilling> {
        self.tell_billing()
    }

    fn people(&self) -> Vec<String> {
        deeds::PEOPLE.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError> {
        self.person_does(ticket, who, deed).map_err(DeedError)
    }

    /// Every right has its row in a security role: Company Maintenance, Service Tickets (Inquire, and Add with
    /// Edit), Close Service Tickets, Table Setup, Configurations, Contacts, Agreements. Which row callbacks
    /// need is not known; they are taken away by themselves here.
    fn deny(&mut self, denied: &BTreeSet<Right>) -> bool {
        self.denied.clone_from(denied);
        true
    }

    fn post(&mut self) -> &mut Post {
        &mut self.post
    }

    fn dress(&mut self, letter: &mut Letter) {
        self.dress_letter(letter);
    }

    fn posted(&mut self, letter: Letter, answer: &PostAnswer) -> Option<Letter> {
        self.letter_posted(letter, answer)
    }
}
