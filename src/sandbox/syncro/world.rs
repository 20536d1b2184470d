//! What an account remembers.

use std::collections::BTreeSet;

use entity::Timestamp;
use serde_json::json;

use super::{
    access::Access, assets::Asset, contacts::Contact, customers::Customer, options::SyncroOptions, replies,
    schedules::Schedule, seed, tickets::Ticket,
};
use crate::sandbox::frame::{
    Call, Calls, Deed, DeedError, Failure, Ground, LedgerBilling, LedgerTicket, Post, Reply, Right, World,
};

/// One Syncro account.
#[derive(Debug)]
pub struct SyncroWorld {
    pub(super) ground: Ground,
    pub(super) options: SyncroOptions,
    pub(super) access: Access,
    /// When the account was made.
    pub(super) founded: Timestamp,
    pub(super) customers: Vec<Customer>,
    pub(super) contacts: Vec<Contact>,
    pub(super) assets: Vec<Asset>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) tickets: Vec<Ticket>,
    /// Ids of all kinds come from one counter, so that a wrong id finds nothing.
    pub(super) last_id: i64,
    pub(super) last_number: i64,
    /// Addresses of the notification sets.
    pub(super) sets: Vec<String>,
    pub(super) post: Post,
}

impl SyncroWorld {
    pub(super) fn now(&self) -> Timestamp {
        self.ground.clock.now()
    }

    pub(super) fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }
}

impl World for SyncroWorld {
    const KEY: &'static str = "syncro";
    const LABEL: &'static str = "Syncro";
    const CALLS: Calls = Calls {
        create: "POST /api/v1/tickets$",
        note: "POST /api/v1/tickets/*/comment",
        status: "PUT /api/v1/tickets/",
    };
    type Options = SyncroOptions;

    fn new(ground: Ground, options: SyncroOptions) -> Self {
        seed::account(ground, options)
    }

    fn credentials(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![("domain", url.to_owned()), ("api_key", self.access.token().to_owned())]
    }

    fn answer(&mut self, call: &Call) -> Reply {
        self.route(call).unwrap_or_else(|refusal| refusal)
    }

    fn fail(&self, _call: &Call, failure: &Failure) -> Reply {
        match failure {
            Failure::RateLimited { retry_after: None } => replies::too_many(),
            Failure::RateLimited { retry_after: Some(secs) } => {
                replies::too_many().with("retry-after", secs.to_string())
            }
            Failure::Broken { status } => {
                Reply::html(*status, "We're sorry, but something went wrong (Syncro)")
            }
            Failure::ExpiredLogin { status } => replies::bad_token(*status),
            Failure::Forbidden => replies::not_allowed(),
            Failure::Refused { message } => replies::invalid(std::slice::from_ref(message)),
            Failure::Hidden => {
                Reply::ok(&json!({ "success": false, "message": ["The record could not be saved"] }))
            }
        }
    }

    fn lift_limits(&mut self) {
        self.options.requests_per_minute = usize::MAX;
    }

    fn ledger(&self) -> Vec<LedgerTicket> {
        self.tell_ledger()
    }

    fn billing(&self) -> Vec<LedgerBilling> {
        self.tell_billing()
    }

    fn people(&self) -> Vec<String> {
        Self::technicians().map(|user| user.name.to_owned()).collect()
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

    /// Admin > Notification Center > a set with the ticket events ticked. There is no field for a secret.
    fn set_up_webhook(&mut self, address: &str, secret: Option<&str>) -> bool {
        if secret.is_some() {
            return false;
        }
        self.sets.push(address.to_owned());
        true
    }
}
