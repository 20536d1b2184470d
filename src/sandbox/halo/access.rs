//! Who may call: tokens, scopes, the agent's role, and the rate window.

use std::collections::VecDeque;

use entity::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{
    call::{Call, Query},
    handle::HaloOptions,
    reply::Reply,
};

/// The rolling window of the rate limit (KelvinTegelaar/PowerShellWarrantyReports#51).
const WINDOW_SECS: i64 = 300;

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
    pub(super) fn new(options: &HaloOptions) -> Self {
        let guid = || random_guid(options);
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
    pub(super) fn grant(&mut self, call: &Call, options: &HaloOptions) -> Reply {
        if call.method != "POST" {
            return Reply::empty(405);
        }
        if !call.content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Reply::oauth(
                400,
                "invalid_request",
                "The mandatory 'Content-Type' header is not a form.",
            );
        }
        let form = Query::read(&String::from_utf8_lossy(&call.body));
        // The tenant belongs in the query; one client sends it in the form and is understood.
        let tenant = call.query.text("tenant").or_else(|| form.text("tenant"));
        if tenant.is_some_and(|tenant| !tenant.eq_ignore_ascii_case(&self.tenant)) {
            // The shape of this error is not recorded anywhere.
            return Reply::oauth(400, "invalid_request", "The specified tenant is invalid.");
        }
        match form.text("grant_type") {
            None => return Reply::oauth(400, "invalid_request", "The 'grant_type' parameter is missing."),
            Some("client_credentials") => {}
            Some(_) => {
                return Reply::oauth(400, "unsupported_grant_type", "The grant type is not supported.");
            }
        }
        if form.text("client_id") != Some(self.client_id.as_str())
            || form.text("client_secret") != Some(self.client_secret.as_str())
        {
            return Reply::oauth(401, "invalid_client", "The client credentials are invalid.");
        }
        let Some(scope) = form.text("scope").and_then(|asked| shared_scope(asked, &self.scope)) else {
            return Reply::oauth(400, "invalid_scope", "The specified scope is missing or not allowed.");
        };
        let now = options.clock.now();
        let text = options.chance.alphanumeric(86);
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
            "refresh_token": options.chance.alphanumeric(43),
            "id_token": options.chance.alphanumeric(43),
        }))
        .with("cache-control", "no-store")
    }

    /// The scope of a good token, or 401 without a body.
    pub(super) fn scope_of(&self, call: &Call, now: Timestamp) -> Result<String, Reply> {
        let given =
            call.authorization.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
        let found = given.and_then(|(_, text)| {
            self.tokens.iter().find(|token| token.text == text.trim() && token.expires > now)
        });
        found
            .map(|token| token.scope.clone())
            .ok_or_else(|| Reply::empty(401).with("www-authenticate", "Bearer"))
    }

    /// Whether a token with `scope` may do `needed` to `resource`: the application's
    /// own scope counts at the time of the call, and so does the agent's role.
    pub(super) fn allow(&self, scope: &str, needed: &str, resource: &str) -> Result<(), Reply> {
        let held = covers(scope, needed) && covers(&self.scope, needed);
        if held && !self.denied.iter().any(|denied| denied == resource) {
            return Ok(());
        }
        Err(Reply::forbidden())
    }

    /// Counts a call, or refuses it: all callers of an instance share one window.
    pub(super) fn count(&mut self, options: &HaloOptions) -> Result<(), Reply> {
        let now = options.clock.now();
        let edge = now.plus_secs(-WINDOW_SECS);
        while self.calls.front().is_some_and(|at| *at <= edge) {
            self.calls.pop_front();
        }
        if self.calls.len() < usize::try_from(options.rate_limit).unwrap_or(usize::MAX) {
            self.calls.push_back(now);
            return Ok(());
        }
        let wait = self.calls.front().map(|at| at.plus_secs(WINDOW_SECS).millis_since(now).max(0) / 1000 + 1);
        Err(too_many(options.rate_limit, wait.filter(|_| options.retry_after)))
    }
}

/// 429 as Halo words it; `Retry-After` only comes now and then.
pub(super) fn too_many(limit: u32, retry_after: Option<i64>) -> Reply {
    let text = format!("Rate Limit Reached - {limit} Requests per rolling 5 minute window");
    let reply = Reply::text(429, "text/plain; charset=utf-8", text);
    match retry_after {
        Some(secs) => reply.with("retry-after", secs.to_string()),
        None => reply,
    }
}

/// A GUID that tells nothing.
pub(super) fn random_guid(options: &HaloOptions) -> String {
    uuid::Builder::from_random_bytes(options.chance.bytes()).into_uuid().to_string()
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
