//! What an instance remembers.

use std::collections::BTreeSet;

use entity::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{
    access::Access,
    customers::{Contact, Customer, Location, ServiceItem},
    options::NableOptions,
    refusal::Refusal,
    seed,
    tickets::{Ticket, User},
};
use crate::sandbox::frame::{
    Call, Calls, Deed, DeedError, Failure, Ground, LedgerTicket, Post, Reply, Right, World,
};

/// One company's MSP Manager: the key decides whose it is.
#[derive(Debug)]
pub struct NableWorld {
    pub(super) ground: Ground,
    pub(super) options: NableOptions,
    pub(super) access: Access,
    pub(super) customers: Vec<Customer>,
    pub(super) contacts: Vec<Contact>,
    pub(super) locations: Vec<Location>,
    pub(super) service_items: Vec<ServiceItem>,
    pub(super) issue_types: Vec<(Uuid, &'static str)>,
    /// The key's user first.
    pub(super) users: Vec<User>,
    /// The id of the one custom field that tickets have.
    pub(super) custom_field: Uuid,
    pub(super) tickets: Vec<Ticket>,
    pub(super) last_number: i64,
    /// Stays empty: there are no webhooks.
    pub(super) post: Post,
}

impl NableWorld {
    pub(super) fn now(&self) -> Timestamp {
        self.ground.clock.now()
    }

    pub(super) fn next_id(&self) -> Uuid {
        self.ground.chance.id(self.now())
    }

    fn refused(&self, refusal: &Refusal) -> Reply {
        refusal.reply(self.options.errors_are_plain_text.holds())
    }
}

impl World for NableWorld {
    const KEY: &'static str = "nable";
    const LABEL: &'static str = "N-able MSP Manager";
    const CALLS: Calls =
        Calls { create: "POST /odata/Tickets$", note: "PUT /odata/Tickets", status: "PUT /odata/Tickets" };
    type Options = NableOptions;

    fn new(ground: Ground, options: NableOptions) -> Self {
        seed::company(ground, options)
    }

    fn credentials(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![("domain", url.to_owned()), ("public_key", self.access.key().to_owned())]
    }

    fn answer(&mut self, call: &Call) -> Reply {
        self.route(call).unwrap_or_else(|refusal| self.refused(&refusal))
    }

    /// Nothing is recorded of how the vendor fails: this is what ASP.NET says.
    fn fail(&self, _call: &Call, failure: &Failure) -> Reply {
        let message = |status: u16, words: &str| self.refused(&Refusal::Message(status, words.to_owned()));
        match failure {
            Failure::RateLimited { retry_after } => {
                let reply = message(429, "Too many requests.");
                match retry_after {
                    Some(secs) => reply.with("retry-after", secs.to_string()),
                    None => reply,
                }
            }
            Failure::Broken { status: status @ 501..=599 } => Reply::html(*status, "Bad Gateway"),
            Failure::Broken { status } => message(*status, "An error has occurred."),
            Failure::ExpiredLogin { status } => {
                message(*status, "Authorization has been denied for this request.")
            }
            Failure::Forbidden => self.refused(&Refusal::forbidden()),
            Failure::Refused { message } => {
                self.refused(&Refusal::Model(vec![("record".to_owned(), message.clone())]))
            }
            Failure::Hidden => {
                Reply::ok(&json!({ "error": { "code": "", "message": "An error has occurred." } }))
            }
        }
    }

    fn ledger(&self) -> Vec<LedgerTicket> {
        self.tell_ledger()
    }

    fn people(&self) -> Vec<String> {
        self.users.iter().skip(1).map(User::name).collect()
    }

    fn deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError> {
        self.do_deed(ticket, who, deed)
    }

    fn deny(&mut self, denied: &BTreeSet<Right>) -> bool {
        self.access.deny(denied, &self.options)
    }

    fn post(&mut self) -> &mut Post {
        &mut self.post
    }
}
