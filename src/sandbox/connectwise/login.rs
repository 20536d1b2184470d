//! Who may call: discovery, the codebase, the API member's keys, the security role and the rate limit.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{errors, options::Alias, world::ConnectWiseWorld};
use crate::sandbox::frame::{Call, Ground, Reply, Right};

/// Stands for the current codebase in the cloud, and is the only one elsewhere.
const STABLE: &str = "v4_6_release";
/// The window of the rate limit.
const WINDOW_SECS: i64 = 60;

/// The tenant's API member, and what signs its callbacks.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) company_id: String,
    pub(super) public_key: String,
    pub(super) private_key: String,
    /// The id of the key that callbacks are signed with, and the key.
    pub(super) signing: (String, String),
    /// Stable ids of the tenant and its partner: 24 hexadecimal digits each.
    pub(super) instance: (String, String),
}

impl Login {
    pub(super) fn new(ground: &Ground) -> Self {
        let hex = || {
            let number = u128::from_be_bytes(ground.chance.bytes());
            format!("{:024x}", number >> 32)
        };
        Self {
            company_id: "northstar".to_owned(),
            public_key: ground.chance.alphanumeric(16),
            private_key: ground.chance.alphanumeric(16),
            signing: (guid(ground), ground.chance.alphanumeric(44)),
            instance: (hex(), hex()),
        }
    }
}

/// A GUID that tells nothing.
pub(super) fn guid(ground: &Ground) -> String {
    uuid::Builder::from_random_bytes(ground.chance.bytes()).into_uuid().to_string()
}

impl ConnectWiseWorld {
    /// `GET /login/companyinfo/{companyId}`, for anybody; a company that is not known is null, not 404.
    pub(super) fn company_info(&self, call: &Call, company: &str) -> Reply {
        if call.method != "GET" {
            return errors::wrong_method(&call.method);
        }
        if !company.eq_ignore_ascii_case(&self.login.company_id) {
            return Reply::ok(&Value::Null);
        }
        let version = self.options.codebase.trim_end_matches('/').replace('_', ".");
        let mut info = json!({
            "CompanyName": "Northstar IT",
            "Codebase": self.options.codebase,
            "VersionCode": version,
            "VersionNumber": "v4.6.98213",
            "CompanyID": self.login.company_id,
            "IsCloud": if self.options.is_cloud { "True" } else { "False" },
        });
        if let Some(info) = info.as_object_mut().filter(|_| self.options.names_site) {
            let host = if self.options.split_hosts {
                self.host.replace("localhost", "127.0.0.1")
            } else {
                self.host.clone()
            };
            info.insert("SiteUrl".to_owned(), host.into());
        }
        Reply::ok(&info)
    }

    /// Where receivers of callbacks fetch the key; the address stands in the message.
    pub(super) fn signing_key(&self, call: &Call, codebase: &str) -> Reply {
        let query = call.query();
        let (id, key) = &self.login.signing;
        let is_known = query.text("companyName").is_some_and(|name| name == self.login.company_id)
            && query.text("id") == Some(id.as_str());
        if call.method != "GET" || !is_known || !self.has_codebase(codebase) {
            return Reply::html(404, "Not Found");
        }
        Reply::ok(&json!({ "signing_key": key }))
    }

    pub(super) fn has_codebase(&self, codebase: &str) -> bool {
        let is_alias = codebase == STABLE && self.options.alias != Alias::Gone;
        is_alias || codebase == self.options.codebase.trim_end_matches('/')
    }

    /// Lets a call to the API in, or not.
    pub(super) fn admit(&mut self, call: &Call, codebase: &str) -> Result<(), Reply> {
        if self.options.split_hosts && call.header("host").starts_with("localhost") {
            return Err(errors::wrong_host());
        }
        if !self.has_codebase(codebase) {
            return Err(Reply::html(404, "Not Found"));
        }
        if let Err(refusal) = self.authenticate(call) {
            let hides = codebase == STABLE && self.options.alias == Alias::HidesLogins;
            return Err(if hides { Reply::empty(404) } else { refusal });
        }
        self.count_call()?;
        if call.path.len() + call.query_string.len() > self.options.longest_url {
            return Err(Reply::html(414, "Request-URI Too Long"));
        }
        Ok(())
    }

    fn authenticate(&self, call: &Call) -> Result<(), Reply> {
        let (user, private_key) = call.basic().ok_or_else(errors::unauthenticated)?;
        let (company, public_key) = user.split_once('+').ok_or_else(errors::unauthenticated)?;
        if !company.eq_ignore_ascii_case(&self.login.company_id) {
            // The cloud's router cannot tell which tenant is meant, and says so in plain text
            // (LabtechConsulting/ConnectWise-Manage-Powershell#17).
            let lost = "Cannot route. Codebase/company is invalid";
            let is_routed = self.options.is_cloud;
            return Err(if is_routed {
                Reply::text(400, "text/plain", lost)
            } else {
                errors::unauthenticated()
            });
        }
        if public_key != self.login.public_key || private_key != self.login.private_key {
            return Err(errors::unauthenticated());
        }
        let client = call.header("clientid").trim();
        let is_guid = client.len() == 36 && Uuid::parse_str(client).is_ok();
        let registered = &self.options.client_ids;
        let is_registered =
            registered.is_empty() || registered.iter().any(|id| id.eq_ignore_ascii_case(client));
        if is_guid && is_registered { Ok(()) } else { Err(errors::unauthenticated()) }
    }

    fn count_call(&mut self) -> Result<(), Reply> {
        let now = self.now();
        let edge = now.plus_secs(-WINDOW_SECS);
        while self.calls.front().is_some_and(|at| *at <= edge) {
            self.calls.pop_front();
        }
        if self.calls.len() < usize::try_from(self.options.calls_per_minute).unwrap_or(usize::MAX) {
            self.calls.push_back(now);
            return Ok(());
        }
        let free_in = self.calls.front().map_or(0, |at| at.plus_secs(WINDOW_SECS).millis_since(now));
        // Whole seconds, rounded up.
        let secs = u64::try_from(free_in.max(1)).unwrap_or(1).div_ceil(1_000);
        Err(errors::too_many(Some(secs)))
    }

    /// Whether the member's security role has what the call needs.
    pub(super) fn allow(&self, method: &str, parts: &[&str]) -> Result<(), Reply> {
        let reads = method == "GET" || parts.last() == Some(&"search");
        let needed: &[Right] = match parts {
            ["service" | "project", "tickets", rest @ ..] => match (reads, rest) {
                (true, [_, "configurations", ..]) => &[Right::ReadTickets, Right::Configurations],
                (false, [_, "configurations", ..]) => &[Right::WriteTickets, Right::Configurations],
                (true, _) => &[Right::ReadTickets],
                (false, _) => &[Right::WriteTickets],
            },
            ["company", "companies" | "configurations", "types" | "statuses", ..]
            | ["company", "companies", "info", "types", ..]
            | ["company", "marketDescriptions", ..]
            | ["service" | "time" | "procurement", ..]
            | ["system", "members", ..]
            | ["system", "info", "members", ..] => &[Right::PickLists],
            ["company", "companies", ..] => &[Right::Companies],
            ["company", "contacts", ..] => &[Right::Contacts],
            ["company", "configurations", ..] => &[Right::Configurations],
            ["finance", ..] => &[Right::Billing],
            ["system", "callbacks", ..] => &[Right::Webhooks],
            _ => &[],
        };
        if needed.iter().any(|right| self.denied.contains(right)) { Err(errors::forbidden()) } else { Ok(()) }
    }
}
