//! The credential form, and what people really paste into it.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use url::Host;

use crate::psa::{CredentialField, Credentials, FieldProblem, http::Outbound};

/// The form.
pub(super) const FIELDS: &[CredentialField] = &[
    CredentialField {
        key: "domain",
        label: "Subdomain",
        help: "What stands before .syncromsp.com in the browser; Syncro shows it under Admin > Account Profile. Not your user name.",
        example: "acme",
        is_secret: false,
        is_required: true,
    },
    CredentialField {
        key: "api_key",
        label: "API Token",
        help: "From More > Admin > API > API Tokens > New Token > Custom Permissions. Tick: Customers - List/Search, View Detail, Create; Tickets - List/Search, View Details, Create, Edit. For more abilities also: Assets - List/Search, View Details, Create, Edit; Recurring Invoices - List, New, Edit.",
        example: "T1a2b3c4d5e6f7a8b9-0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f",
        is_secret: true,
        is_required: true,
    },
];

/// Syncro's own domain, and that of RepairShopr, the same product under its older name.
const VENDOR: [&str; 2] = ["syncromsp.com", "repairshopr.com"];

/// What stands where a name should stand: words for nothing, samples that were copied, Syncro's own pages.
const NO_NAMES: [&str; 11] = [
    "www",
    "api-docs",
    "subdomain",
    "your-subdomain",
    "yoursubdomain",
    "null",
    "none",
    "nil",
    "undefined",
    "https",
    "http",
];

/// A login, sorted and checked.
pub(super) struct Login {
    /// Base address with a trailing slash; the API is below `api/v1`.
    pub(super) base: Url,
    pub(super) api_key: SecretString,
}

impl Login {
    pub(super) fn read(credentials: &Credentials, http: &Outbound) -> Result<Self, Vec<FieldProblem>> {
        let credentials = normalise(credentials)?;
        let get = |key: &str| credentials.get(key).map(ExposeSecret::expose_secret).unwrap_or_default();
        let domain = get("domain");
        let base = Url::parse(&format!("{}/", domain.strip_suffix("/api").unwrap_or(domain)))
            .map_err(|_| vec![problem("domain", UNREADABLE)])?;
        http.check_url(&base).map_err(|refused| vec![problem("domain", &refused.to_string())])?;
        Ok(Self { base, api_key: SecretString::from(get("api_key")) })
    }

    /// The account's name, where the host is the vendor's.
    pub(super) fn account(&self) -> Option<&str> {
        let (name, _) = vendor(self.base.host_str()?)?;
        Some(name)
    }
}

/// Puts a form into the shape [`Login::read`] wants.
pub(super) fn normalise(credentials: &Credentials) -> Result<Credentials, Vec<FieldProblem>> {
    let mut kept = Credentials::new();
    let mut problems = Vec::new();
    for field in FIELDS {
        let typed =
            credentials.get(field.key).map(ExposeSecret::expose_secret).map(clean).unwrap_or_default();
        let value = if typed.chars().count() > 2_000 || typed.chars().any(char::is_control) {
            Err("It holds line breaks or is far too long: paste the value alone.")
        } else if typed.is_empty() {
            Err("It is needed.")
        } else if field.key == "domain" {
            base(typed)
        } else {
            token(typed)
        };
        match value {
            Ok(value) => {
                kept.insert(field.key.to_owned(), SecretString::from(value));
            }
            Err(message) => problems.push(problem(field.key, message)),
        }
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

fn problem(field: &'static str, message: &str) -> FieldProblem {
    FieldProblem { field, message: message.to_owned() }
}

const UNREADABLE: &str =
    "This is no subdomain. Type what stands before .syncromsp.com in the browser, e.g. acme.";
const PLACEHOLDER: &str = "This is a placeholder that was never filled in: type the value itself.";

/// Cuts off what surrounds a pasted value: spaces of every kind, quotes, invisible characters.
fn clean(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{201c}'..='\u{201e}')
    })
}

/// The token without what is pasted along with it.
fn token(text: &str) -> Result<String, &'static str> {
    const BEFORE: [&str; 7] =
        ["authorization", "bearer", "token", "api_key", "api key", "api token", "api_token"];
    let is_between = |c: char| c.is_whitespace() || matches!(c, ':' | '=');
    let mut rest = text;
    while let Some(tail) = BEFORE.iter().find_map(|word| {
        let (head, tail) = rest.split_at_checked(word.len())?;
        let is_whole = tail.is_empty() || tail.starts_with(is_between);
        (is_whole && head.eq_ignore_ascii_case(word)).then_some(tail)
    }) {
        rest = clean(tail.trim_start_matches(is_between));
    }
    if rest.is_empty() {
        Err("It is needed.")
    } else if rest.contains(['{', '}', '$']) {
        Err(PLACEHOLDER)
    } else if rest.contains("://") {
        Err("This is an address. Paste the token that Syncro showed when it was made.")
    } else if rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(rest.to_owned())
    } else {
        Err("It holds spaces or letters that no token holds: copy the token alone.")
    }
}

/// The base address without a trailing slash, from a subdomain, from whatever the browser shows, or from a
/// whole address of a private instance. Such a one keeps a path only where it leads to `/api` below another.
fn base(text: &str) -> Result<String, &'static str> {
    let lower = text.to_ascii_lowercase();
    let (scheme, rest) = if lower.starts_with("https:") {
        ("https", text.get(6..).unwrap_or_default())
    } else if lower.starts_with("http:") {
        ("http", text.get(5..).unwrap_or_default())
    } else if lower.contains("://") {
        return Err("Addresses start with https.");
    } else {
        ("", text)
    };
    let rest = rest.trim_start_matches(['/', '\\', ' ']);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default().trim_end_matches('.');
    if host.contains(['{', '}', '$', '%']) {
        return Err(PLACEHOLDER);
    }
    if host.contains('@') {
        return Err("Leave user names and mail addresses out: the subdomain alone is wanted.");
    }
    let lower = host.to_ascii_lowercase();
    // Typed without its end, which is never another's.
    let is_cut = lower.ends_with(".syncromsp");
    if scheme.is_empty() && !lower.contains([':', '.']) && lower != "localhost" {
        return account(&lower, VENDOR[0]);
    }
    if is_cut {
        return vendor(&format!("{lower}.com")).ok_or(UNREADABLE).and_then(|(name, of)| account(name, of));
    }
    let scheme = if scheme.is_empty() { "https" } else { scheme };
    let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| UNREADABLE)?;
    if let Some(Host::Domain(name)) = url.host() {
        let name = name.trim_end_matches('.').to_owned();
        if let Some((name, of)) = vendor(&name) {
            return account(name, of);
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if !name.chars().all(is_name) || name.split('.').any(str::is_empty) {
            return Err(UNREADABLE);
        }
        url.set_host(Some(&name)).map_err(|_| UNREADABLE)?;
    }
    let segments: Vec<_> = url.path_segments().into_iter().flatten().filter(|s| !s.is_empty()).collect();
    let kept = segments.iter().position(|segment| segment.eq_ignore_ascii_case("api")).unwrap_or(0);
    let path = segments.into_iter().take(kept).chain((kept > 0).then_some("api"));
    Ok(path.fold(url[..url::Position::BeforePath].to_owned(), |text, segment| text + "/" + segment))
}

/// The account's name and the vendor's domain in a host. The hardened `acme.shield.syncromsp.com` is for
/// browsers; that the API answers there is said nowhere, so the first name alone counts.
fn vendor(host: &str) -> Option<(&str, &'static str)> {
    VENDOR.iter().find_map(|domain| {
        let names = host.strip_suffix(domain)?;
        if names.is_empty() {
            return Some((names, *domain));
        }
        let names = names.strip_suffix('.')?;
        let names = names.strip_prefix("www.").unwrap_or(names);
        Some((names.split('.').next().unwrap_or_default(), *domain))
    })
}

/// Blank names and samples make hosts that exist and answer nothing of use (syncro-mcp's credential cleaner).
fn account(name: &str, domain: &str) -> Result<String, &'static str> {
    let is_name = !name.is_empty()
        && name.len() <= 63
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !NO_NAMES.contains(&name);
    if is_name { Ok(format!("https://{name}.{domain}")) } else { Err(UNREADABLE) }
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
