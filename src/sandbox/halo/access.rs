//! Who may call: tokens, scopes, the agent's role, and the rate window.

use std::collections::{BTreeSet, VecDeque};

use entity::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{
    HaloOptions, errors, lookups,
    picklists::{self, CLOSED},
};
use crate::{
    clock::Chance,
    sandbox::frame::{Call, Ground, Query, Reply, Right},
};

/// The rolling window of the rate limit (KelvinTegelaar/PowerShellWarrantyReports#51).
const WINDOW_SECS: i64 = 300;

/// What an application may grant, one by one; `all` is all of it.
const SCOPES: [&str; 9] = [
    "admin",
    "read:tickets",
    "edit:tickets",
    "read:customers",
    "edit:customers",
    "read:assets",
    "edit:assets",
    "read:invoices",
    "edit:invoices",
];

/// The API application of this instance, and what it has handed out.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) tenant: String,
    /// What the application may grant, separated by spaces.
    pub(super) scope: String,
    /// Resources (in lower case) that the agent's role may not touch.
    pub(super) denied: Vec<String>,
    /// Outcomes that the agent may not use (CyberDrain/CIPP#106).
    pub(super) denied_outcomes: Vec<i64>,
    tokens: Vec<Token>,
    calls: VecDeque<Timestamp>,
}

#[derive(Debug)]
struct Token {
    text: String,
    scope: String,
    expires: Timestamp,
}

impl Access {
    pub(super) fn new(chance: &Chance) -> Self {
        let guid = || random_guid(chance);
        Self {
            client_id: guid(),
            client_secret: format!("{}-{}", guid(), guid()),
            tenant: "sandbox".to_owned(),
            scope: "all".to_owned(),
            denied: Vec::new(),
            denied_outcomes: Vec::new(),
            tokens: Vec::new(),
            calls: VecDeque::new(),
        }
    }

    /// The token endpoint: form only, client credentials only (HaloAPI `Connect-HaloAPI.ps1`).
    pub(super) fn grant(&mut self, call: &Call, ground: &Ground, options: &HaloOptions) -> Reply {
        if call.method != "POST" {
            return Reply::empty(405);
        }
        if !call.header("content-type").to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
        {
            return errors::oauth(
                400,
                "invalid_request",
                "The mandatory 'Content-Type' header is not a form.",
            );
        }
        let form = Query::read(&String::from_utf8_lossy(&call.body));
        // The tenant belongs in the query; one client sends it in the form and is understood.
        let query = call.query();
        let tenant = query.text("tenant").or_else(|| form.text("tenant"));
        if tenant.is_some_and(|tenant| !tenant.eq_ignore_ascii_case(&self.tenant)) {
            // The shape of this error is not recorded anywhere.
            return errors::oauth(400, "invalid_request", "The specified tenant is invalid.");
        }
        match form.text("grant_type") {
            None => return errors::oauth(400, "invalid_request", "The 'grant_type' parameter is missing."),
            Some("client_credentials") => {}
            Some(_) => {
                return errors::oauth(400, "unsupported_grant_type", "The grant type is not supported.");
            }
        }
        if form.text("client_id") != Some(self.client_id.as_str())
            || form.text("client_secret") != Some(self.client_secret.as_str())
        {
            return errors::oauth(401, "invalid_client", "The client credentials are invalid.");
        }
        let Some(scope) = form.text("scope").and_then(|asked| shared_scope(asked, &self.scope)) else {
            return errors::oauth(400, "invalid_scope", "The specified scope is missing or not allowed.");
        };
        let now = ground.clock.now();
        let text = ground.chance.alphanumeric(86);
        self.tokens.retain(|token| token.expires > now);
        self.tokens.push(Token {
            text: text.clone(),
            scope: scope.clone(),
            expires: now.plus_secs(options.token_lifetime_secs),
        });
        Reply::ok(&json!({
            "scope": scope,
            "token_type": "Bearer",
            "access_token": text,
            "expires_in": options.token_lifetime_secs,
            "refresh_token": ground.chance.alphanumeric(43),
            "id_token": ground.chance.alphanumeric(43),
        }))
        .with("cache-control", "no-store")
    }

    /// The scope of a good token, or 401 without a body.
    pub(super) fn scope_of(&self, call: &Call, now: Timestamp) -> Result<String, Reply> {
        let found = call
            .bearer()
            .and_then(|text| self.tokens.iter().find(|token| token.text == text && token.expires > now));
        found.map(|token| token.scope.clone()).ok_or_else(errors::unauthorized)
    }

    /// Whether a token with `scope` may do `needed` to `resource`: the application's
    /// own scope counts at the time of the call, and so does the agent's role.
    pub(super) fn allow(&self, scope: &str, needed: &str, resource: &str) -> Result<(), Reply> {
        let held = covers(scope, needed) && covers(&self.scope, needed);
        if held && !self.denied.iter().any(|denied| denied == resource) {
            return Ok(());
        }
        Err(errors::forbidden())
    }

    /// Whether the agent has an action that closes. That one is needed to close a ticket in whatever way is
    /// the strict reading; recorded is only that actions can be taken away (CyberDrain/CIPP#106).
    pub(super) fn may_close(&self) -> bool {
        picklists::outcomes()
            .any(|outcome| outcome.new_status == CLOSED && !self.denied_outcomes.contains(&outcome.id))
    }

    /// Takes these rights away and gives all others back: by the application's scope where Halo has one, by
    /// the role of its agent where not. Contacts and companies share a scope.
    pub(super) fn deny(&mut self, denied: &BTreeSet<Right>) -> bool {
        let (mut scopes, mut resources, mut outcomes) = (SCOPES.to_vec(), Vec::new(), Vec::new());
        for right in denied {
            let lost = match right {
                Right::Companies | Right::Contacts => "read:customers",
                Right::ReadTickets => "read:tickets",
                Right::WriteTickets => "edit:tickets",
                Right::Webhooks => "admin",
                Right::CloseTickets => {
                    let closing = picklists::outcomes().filter(|outcome| outcome.new_status == CLOSED);
                    outcomes.extend(closing.map(|outcome| outcome.id));
                    continue;
                }
                Right::PickLists => {
                    resources.extend(lookups::RESOURCES.map(str::to_owned));
                    continue;
                }
                Right::Configurations => "read:assets",
                Right::Billing => "read:invoices",
            };
            scopes.retain(|scope| *scope != lost);
        }
        let is_whole = scopes.len() == SCOPES.len();
        self.scope = if is_whole { "all".to_owned() } else { scopes.join(" ") };
        (self.denied, self.denied_outcomes) = (resources, outcomes);
        true
    }

    /// Counts a call, or refuses it: all callers of an instance share one window.
    pub(super) fn count(&mut self, now: Timestamp, options: &HaloOptions) -> Result<(), Reply> {
        let edge = now.plus_secs(-WINDOW_SECS);
        while self.calls.front().is_some_and(|at| *at <= edge) {
            self.calls.pop_front();
        }
        if self.calls.len() < usize::try_from(options.rate_limit).unwrap_or(usize::MAX) {
            self.calls.push_back(now);
            return Ok(());
        }
        let wait = self.calls.front().map(|at| at.plus_secs(WINDOW_SECS).millis_since(now) / 1000 + 1);
        let wait = wait.and_then(|secs| u64::try_from(secs).ok()).filter(|_| options.retry_after);
        Err(errors::too_many(options.rate_limit, wait))
    }
}

/// A GUID that tells nothing.
pub(super) fn random_guid(chance: &Chance) -> String {
    uuid::Builder::from_random_bytes(chance.bytes()).into_uuid().to_string()
}

/// A GUID that is the same in every sandbox.
pub(super) fn fixed_guid(kind: u32, number: i64) -> String {
    let number = u128::from(number.unsigned_abs());
    Uuid::from_u128((u128::from(kind) << 96) | (0x4a10_8000 << 64) | number).to_string()
}

fn covers(scope: &str, needed: &str) -> bool {
    needed.is_empty()
        || scope
            .split_whitespace()
            .any(|held| held == "all" || held == needed || (held == "all:standard" && needed != "admin"))
}

/// What is both asked for and allowed; nothing where the two have nothing in common.
fn shared_scope(asked: &str, allowed: &str) -> Option<String> {
    let both = if allowed.split_whitespace().any(|scope| scope == "all") {
        asked.to_owned()
    } else if asked.split_whitespace().any(|scope| scope == "all") {
        allowed.to_owned()
    } else {
        let kept = asked.split_whitespace().filter(|scope| covers(allowed, scope));
        kept.collect::<Vec<_>>().join(" ")
    };
    Some(both).filter(|both| !both.trim().is_empty())
}
