//! Who may do what: the host, the limit of requests, the token and its permissions.

use std::{
    collections::{BTreeSet, VecDeque},
    net::IpAddr,
};

use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    options::WrongSubdomain,
    replies,
    settings::{USERS, User},
    world::SyncroWorld,
};
use crate::{
    clock::Chance,
    sandbox::frame::{Call, Reply, Right},
};

/// The account's host is `quayside-it.syncromsp.com`.
pub(super) const SUBDOMAIN: &str = "quayside-it";

/// The permissions that are asked for here, of those that the vendor's page lists for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Permission {
    CustomersList,
    CustomersView,
    CustomersCreate,
    CustomersEdit,
    TicketsList,
    TicketsView,
    TicketsCreate,
    TicketsEdit,
    AssetsList,
    AssetsView,
    AssetsCreate,
    AssetsEdit,
    SchedulesList,
    SchedulesEdit,
}

/// The token, what it may not do, and the requests of the last minute.
#[derive(Debug)]
pub(super) struct Access {
    token: String,
    /// What `/me` tells: a secret of the user's that is not the token.
    user_token: String,
    denied: BTreeSet<Permission>,
    recent: VecDeque<Timestamp>,
}

impl Access {
    pub(super) fn new(chance: &Chance) -> Self {
        Self {
            token: format!("T{}", chance.alphanumeric(43)),
            user_token: uuid::Builder::from_random_bytes(chance.bytes()).into_uuid().to_string(),
            denied: BTreeSet::new(),
            recent: VecDeque::new(),
        }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Takes the permissions that stand for rights. Closing is editing; lists of values and the pages where
    /// webhooks are entered ask for nothing that could be taken from a token.
    pub(super) fn deny(&mut self, rights: &BTreeSet<Right>) -> bool {
        let mut denied = BTreeSet::new();
        for right in rights {
            let permissions: &[Permission] = match right {
                Right::Companies => &[
                    Permission::CustomersList,
                    Permission::CustomersView,
                    Permission::CustomersCreate,
                    Permission::CustomersEdit,
                ],
                // Contacts are part of a customer's details.
                Right::Contacts => &[Permission::CustomersView, Permission::CustomersEdit],
                Right::ReadTickets => &[Permission::TicketsList, Permission::TicketsView],
                Right::WriteTickets => &[Permission::TicketsCreate, Permission::TicketsEdit],
                Right::Configurations => &[
                    Permission::AssetsList,
                    Permission::AssetsView,
                    Permission::AssetsCreate,
                    Permission::AssetsEdit,
                ],
                Right::Billing => &[Permission::SchedulesList, Permission::SchedulesEdit],
                Right::CloseTickets | Right::PickLists | Right::Webhooks => return false,
            };
            denied.extend(permissions);
        }
        self.denied = denied;
        true
    }

    fn has(&self, permission: Permission) -> bool {
        !self.denied.contains(&permission)
    }

    pub(super) fn ask(&self, permission: Permission) -> Result<(), Reply> {
        if self.has(permission) { Ok(()) } else { Err(replies::not_allowed()) }
    }

    /// Counts a request. All callers of a sandbox come from this machine, so that there is one address.
    /// Whether the minute slides is not documented; a sliding one lets nothing through that a fixed one would
    /// not.
    fn count(&mut self, now: Timestamp, limit: usize) -> Result<(), Reply> {
        while self.recent.front().is_some_and(|first| now.millis_since(*first) >= 60_000) {
            self.recent.pop_front();
        }
        if self.recent.len() >= limit {
            return Err(replies::too_many());
        }
        self.recent.push_back(now);
        Ok(())
    }
}

impl SyncroWorld {
    /// What stands before every path: the host, the limit, the token.
    pub(super) fn enter(&mut self, call: &Call) -> Result<(), Reply> {
        if !is_ours(call.header("host")) {
            return Err(match self.options.wrong_subdomain {
                WrongSubdomain::Missing => Reply::html(404, "The page you were looking for doesn't exist"),
                WrongSubdomain::Redirect => {
                    Reply::html(302, "Redirecting").with("location", "https://syncromsp.invalid/")
                }
                WrongSubdomain::Page => Reply::html(200, "Sign in to Syncro"),
            });
        }
        let now = self.now();
        self.access.count(now, self.options.requests_per_minute)?;
        let token = call.bearer().unwrap_or_default();
        if token == self.access.token { Ok(()) } else { Err(replies::bad_token(401)) }
    }

    /// `GET /me`: any good token may ask.
    pub(super) fn me(&self) -> Reply {
        let User { id, name, email, .. } = USERS[0];
        let has = |permission| self.access.has(permission);
        let rights = |read, write, delete| json!({ "read": read, "write": write, "delete": delete });
        Reply::ok(&json!({
            "user_token": self.access.user_token,
            "user_email": email,
            "user_name": name,
            "user_id": id,
            "admin": false,
            "can_use_app": true,
            "two_factor_required": false,
            "subdomain": SUBDOMAIN,
            "default_location": Value::Null,
            "enable_multi_locations": false,
            "locations_allowed": [],
            "permissions": {
                "asset": rights(has(Permission::AssetsView), has(Permission::AssetsEdit), false),
                "customer": rights(has(Permission::CustomersView), has(Permission::CustomersEdit), false),
                "ticket": rights(has(Permission::TicketsView), has(Permission::TicketsEdit), false),
                "invoice": rights(has(Permission::SchedulesList), has(Permission::SchedulesEdit), false),
                "payment": rights(false, false, false),
                "worksheet": { "add": false, "manage": false, "delete": false },
                "script": { "execute": false },
            },
        }))
    }
}

/// Whether a `Host` is the account's: its subdomain under any domain, or this machine by address.
fn is_ours(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok() || name == "localhost" || name.split('.').next() == Some(SUBDOMAIN)
}
