//! The credential form, and what people really paste into it.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use url::Host;

use crate::psa::{CredentialField, Credentials, FieldProblem, http::Outbound};

/// The form.
pub(super) const FIELDS: &[CredentialField] = &[
    CredentialField {
        key: "integration_code",
        label: "API Integration Code",
        help: "The tracking identifier of the API user: in Autotask, Admin > Resources/Users (HR) > Resources/Users, the user's Security page, API Tracking Identifier. 27 letters and digits.",
        example: "ABCDEFGHIJKLMNOPQRSTUVWXY12",
        is_secret: true,
        is_required: true,
    },
    CredentialField {
        key: "domain",
        label: "Domain",
        help: "Usually left empty: the zone is found out from the user name. Or the API host of your zone.",
        example: "webservices14.autotask.net",
        is_secret: false,
        is_required: false,
    },
    CredentialField {
        key: "username",
        label: "Username",
        help: "The generated key of a user with the security level API User (API-only). It looks like an e-mail address.",
        example: "abc123def456@YOURCOMPANY.COM",
        is_secret: false,
        is_required: true,
    },
    CredentialField {
        key: "secret",
        label: "Secret",
        help: "Generated with the key on the same page, and shown only then.",
        example: "25 letters, digits and signs",
        is_secret: true,
        is_required: true,
    },
];

/// Where the zone of any user can be asked for.
const ANY_ZONE: &str = "webservices.autotask.net";

/// The vendor's hosts of the API: numbered zones, and the German and Spanish pre-release ones.
pub(super) fn is_zone_host(host: &str) -> bool {
    let Some(name) = host.strip_suffix(".autotask.net") else { return false };
    matches!(name, "prde" | "pres")
        || name.strip_prefix("webservices").is_some_and(|number| {
            (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// A login, sorted and checked.
pub(super) struct Login {
    /// Where discovery starts: a base address with a trailing slash, above `V1.0/`.
    pub(super) start: Url,
    pub(super) integration_code: SecretString,
    pub(super) username: String,
    pub(super) secret: SecretString,
}

impl Login {
    pub(super) fn read(credentials: &Credentials, http: &Outbound) -> Result<Self, Vec<FieldProblem>> {
        let credentials = normalise(credentials)?;
        let get = |key: &str| credentials.get(key).map(ExposeSecret::expose_secret);
        let domain = get("domain").map_or_else(|| format!("https://{ANY_ZONE}"), ToOwned::to_owned);
        let path =
            if domain.to_ascii_lowercase().ends_with("/atservicesrest") { "" } else { "/ATServicesRest" };
        let start =
            Url::parse(&format!("{domain}{path}/")).map_err(|_| vec![problem("domain", UNREADABLE)])?;
        http.check_url(&start).map_err(|refused| vec![problem("domain", &refused.to_string())])?;
        Ok(Self {
            start,
            integration_code: SecretString::from(get("integration_code").unwrap_or_default()),
            username: get("username").unwrap_or_default().to_owned(),
            secret: SecretString::from(get("secret").unwrap_or_default()),
        })
    }

    /// A text of Autotask's without what must not be shown.
    pub(super) fn hide(&self, text: &str) -> String {
        [&self.secret, &self.integration_code].iter().fold(text.to_owned(), |text, hidden| {
            match hidden.expose_secret() {
                "" => text,
                hidden => text.replace(hidden, "…"),
            }
        })
    }
}

/// Puts a form into the shape [`Login::read`] wants.
pub(super) fn normalise(credentials: &Credentials) -> Result<Credentials, Vec<FieldProblem>> {
    let mut kept = Credentials::new();
    let mut problems = Vec::new();
    for field in FIELDS {
        let typed = credentials.get(field.key).map(ExposeSecret::expose_secret).unwrap_or_default();
        let typed = clean(typed, field.key);
        let value = if typed.chars().count() > 2_000 || typed.chars().any(char::is_control) {
            Err("It holds line breaks or is far too long: paste the value alone.")
        } else if field.key == "domain" {
            if typed.is_empty() { Ok(String::new()) } else { domain(typed) }
        } else if !typed.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            Err("It holds characters that Autotask does not use here: copy it again.")
        } else if field.key == "integration_code" {
            Ok(integration_code(typed))
        } else {
            Ok(typed.to_owned())
        };
        match value {
            Ok(value) if !value.is_empty() => {
                kept.insert(field.key.to_owned(), SecretString::from(value));
            }
            Ok(_) if field.is_required => problems.push(problem(field.key, "It is needed.")),
            Ok(_) => {}
            Err(message) => problems.push(problem(field.key, message)),
        }
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

fn problem(field: &'static str, message: &str) -> FieldProblem {
    FieldProblem { field, message: message.to_owned() }
}

const UNREADABLE: &str =
    "This is not the address of an Autotask API. Leave it empty to have it found out from the user name.";

/// Cuts off what surrounds a pasted value: spaces, invisible characters, quotes, and the name of the header
/// or field that it was copied with. A secret may begin or end in a sign, so it loses only a pair of quotes.
fn clean<'a>(text: &'a str, key: &str) -> &'a str {
    let names: &[&str] = match key {
        "integration_code" => &["apiintegrationcode:", "bearer "],
        "username" => &["username:", "mailto:"],
        "secret" => &["secret:", "bearer "],
        _ => &[],
    };
    let mut text = text;
    loop {
        let before = text;
        text = text.trim_matches(|c: char| {
            c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        });
        text = if key == "secret" {
            let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            inner.unwrap_or(text)
        } else {
            text.trim_matches(|c: char| matches!(c, '"' | '\'' | '`' | '<' | '>' | '\u{2018}'..='\u{201e}'))
        };
        for name in names {
            if let Some((start, rest)) = text.split_at_checked(name.len())
                && start.eq_ignore_ascii_case(name)
            {
                text = rest;
            }
        }
        if text == before {
            return text;
        }
    }
}

/// Codes are upper-case letters and digits (developer help, API tracking identifier).
fn integration_code(text: &str) -> String {
    let is_code = text.len() == 27 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_code { text.to_ascii_uppercase() } else { text.to_owned() }
}

/// The address without a trailing slash. The browser's host of a zone (`ww14`) stands for its API host, and a
/// bare number for the zone. On another host a path counts only where it leads to `ATServicesRest`.
fn domain(text: &str) -> Result<String, &'static str> {
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
    let name = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if scheme.is_empty()
        && let Some(host) = zone_by_name(name)
    {
        return Ok(format!("https://{host}"));
    }
    let scheme = if scheme.is_empty() { "https" } else { scheme };
    let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| UNREADABLE)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave user name and password out of the address.");
    }
    let name = match url.host() {
        Some(Host::Domain(name)) => Some(name.trim_end_matches('.').to_owned()),
        Some(_) => None,
        None => return Err(UNREADABLE),
    };
    if let Some(name) = name {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if !name.chars().all(is_name) || name.split('.').any(str::is_empty) {
            return Err(UNREADABLE);
        }
        if name == "autotask.net" || name.ends_with(".autotask.net") {
            return vendor_host(&name).map(|host| format!("https://{host}")).ok_or(UNREADABLE);
        }
        url.set_host(Some(&name)).map_err(|_| UNREADABLE)?;
    }
    let segments: Vec<_> = url.path_segments().into_iter().flatten().filter(|s| !s.is_empty()).collect();
    let kept = segments.iter().position(|s| s.eq_ignore_ascii_case("atservicesrest")).map_or(0, |at| at + 1);
    let start = url[..url::Position::BeforePath].to_owned();
    Ok(segments.iter().take(kept).fold(start, |text, segment| text + "/" + segment))
}

/// The API host of a zone that is named without its domain: `14`, `ww14`, `webservices14`, `zone 14`.
fn zone_by_name(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let number = ["webservices", "zone", "ww"]
        .iter()
        .find_map(|start| name.strip_prefix(start))
        .unwrap_or(&name)
        .trim();
    let is_number = (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("webservices{number}.autotask.net"))
}

/// The API host that a host of the vendor's stands for.
fn vendor_host(host: &str) -> Option<String> {
    if host == ANY_ZONE || is_zone_host(host) {
        return Some(host.to_owned());
    }
    match host.strip_suffix(".autotask.net") {
        None | Some("www" | "ww") => Some(ANY_ZONE.to_owned()),
        Some(name) => zone_by_name(name.strip_prefix("ww")?),
    }
}

#[cfg(test)]
#[path = "tests/credentials.rs"]
mod tests;
