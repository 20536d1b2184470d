//! The instance as the frame sees it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    access::Access,
    answers::{not_permitted, refused},
    events::Hook,
    limits::{self, Usage},
    options::AutotaskOptions,
    seed,
    store::Store,
};
use crate::sandbox::frame::{
    Call, Calls, Deed, DeedError, Failure, Ground, LedgerBilling, LedgerTicket, Letter, Post, PostAnswer,
    Reply, Right, World,
};

/// One customer's database and the zone that it lives in.
#[derive(Debug)]
pub struct AutotaskWorld {
    pub(super) ground: Ground,
    pub(super) options: AutotaskOptions,
    pub(super) access: Access,
    pub(super) usage: Usage,
    pub(super) store: Store,
    pub(super) post: Post,
    /// What is known of each webhook besides its record.
    pub(super) hooks: BTreeMap<i64, Hook>,
    /// The day of the last ticket number, and how many it had.
    pub(super) numbered: (String, u32),
}

impl AutotaskWorld {
    /// Calls that other integrations of the same customer make now.
    pub fn others_call(&mut self, calls: usize) {
        self.usage.add(calls, self.ground.clock.now());
    }

    /// The switches, to change them while it runs.
    pub fn options_mut(&mut self) -> &mut AutotaskOptions {
        &mut self.options
    }

    /// Another secret: the old one is no longer good.
    pub fn change_secret(&mut self) {
        self.access.secret = self.ground.chance.alphanumeric(25);
    }
}

impl World for AutotaskWorld {
    const KEY: &'static str = "autotask";
    const LABEL: &'static str = "Autotask PSA";
    const CALLS: Calls = Calls {
        create: "POST /*/V1.0/Tickets$",
        note: "POST /*/V1.0/Tickets/*/Notes",
        status: "PATCH /*/V1.0/Tickets",
    };
    type Options = AutotaskOptions;

    fn new(ground: Ground, options: AutotaskOptions) -> Self {
        let access = Access::new(&ground.chance);
        let store = seed::store(ground.clock.now(), &access.user_name);
        let mut post = Post::default();
        post.is_ordered = true;
        Self {
            access,
            store,
            usage: Usage::default(),
            post,
            hooks: BTreeMap::new(),
            numbered: (String::new(), 0),
            ground,
            options,
        }
    }

    fn credentials(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("integration_code", self.access.integration_code.clone()),
            ("domain", url.to_owned()),
            ("username", self.access.user_name.clone()),
            ("secret", self.access.secret.clone()),
        ]
    }

    fn answer(&mut self, call: &Call) -> Reply {
        self.route(call)
    }

    fn fail(&self, call: &Call, failure: &Failure) -> Reply {
        match failure {
            Failure::RateLimited { retry_after } => {
                limits::too_many_threads(&self.options, 429, *retry_after)
            }
            // What fails before it reaches the service has no list of errors.
            Failure::Broken { status } => Reply::html(*status, "Server Error"),
            Failure::ExpiredLogin { status } => Reply::empty(*status),
            Failure::Forbidden => not_permitted(match call.method.as_str() {
                "POST" if !call.path.to_ascii_lowercase().contains("/query") => "create",
                "PATCH" | "PUT" => "update",
                "DELETE" => "delete",
                _ => "query",
            }),
            Failure::Refused { message } => refused(message),
            Failure::Hidden => Reply { status: 200, ..refused("An error has occurred.") },
        }
    }

    fn arrives(&mut self, call: &Call) -> Option<Reply> {
        let key = Self::thread(call)?;
        self.usage.arrives(key, &self.options)
    }

    fn leaves(&mut self, call: &Call) {
        if let Some(key) = Self::thread(call) {
            self.usage.leaves(&key);
        }
    }

    fn lift_limits(&mut self) {
        self.options.hourly_limit = usize::MAX / 4;
        self.options.threads = u32::MAX;
    }

    fn ledger(&self) -> Vec<LedgerTicket> {
        self.tickets_of_the_ledger()
    }

    fn billing(&self) -> Vec<LedgerBilling> {
        self.tell_billing()
    }

    fn people(&self) -> Vec<String> {
        self.technicians().into_iter().map(|(name, _)| name).collect()
    }

    fn deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError> {
        self.do_deed(ticket, who, deed).map_err(DeedError)
    }

    fn deny(&mut self, denied: &BTreeSet<Right>) -> bool {
        // Closing is an update like any other, and the lists of values come with the entities.
        if denied.contains(&Right::CloseTickets) || denied.contains(&Right::PickLists) {
            return false;
        }
        self.access.denied.clone_from(denied);
        true
    }

    fn post(&mut self) -> &mut Post {
        &mut self.post
    }

    fn dress(&mut self, letter: &mut Letter) {
        self.sign(letter);
    }

    fn posted(&mut self, letter: Letter, answer: &PostAnswer) -> Option<Letter> {
        self.called_out(letter, answer)
    }
}
