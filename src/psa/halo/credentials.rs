//! The credential form, and what people really paste into it.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use url::Host;

use crate::psa::{CredentialField, Credentials, FieldProblem, http::Outbound};

/// The form.
pub(super) const FIELDS: &[CredentialField] = &[
    CredentialField {
        key: "domain",
        label: "Domain",
        help: "Where you open Halo in a browser. The account name alone is enough for a hosted Halo.",
        example: "acme.halopsa.com",
        is_secret: false,
        is_required: true,
    },
    CredentialField {
        key: "client_id",
        label: "Client ID",
        help: "From Configuration > Integrations > HaloPSA API > Applications. Copy it after saving the application: it changes with the first save.",
        example: "2c0a7b52-9f0e-4a9a-8f64-0d6f3a1b7c11",
        is_secret: false,
        is_required: true,
    },
    CredentialField {
        key: "client_secret",
        label: "Secret",
        help: "Shown once, when the application is saved. The application signs in as an agent with the method Client ID and Secret (Services).",
        example: "two GUIDs joined by a hyphen",
        is_secret: true,
        is_required: true,
    },
    CredentialField {
        key: "tenant",
        label: "Tenant Name",
        help: "As the HaloPSA API page shows it. Usually found out by itself; leave it empty for a Halo on your own premises.",
        example: "acme",
        is_secret: false,
        is_required: false,
    },
    CredentialField {
        key: "authorisation_server",
        label: "Authorisation Server",
        help: "As the HaloPSA API page shows it. Usually found out by itself; needed where sign-in is on another host than Halo. The secret is sent there.",
        example: "https://acme.halopsa.com/auth",
        is_secret: false,
        is_required: false,
    },
];

/// The vendor's own domains (HaloPSA, HaloITSM, Halo Service Desk).
const VENDOR: [&str; 3] = ["halopsa.com", "haloitsm.com", "haloservicedesk.com"];

/// Whether a host is the vendor's.
pub(super) fn is_vendor_host(host: &str) -> bool {
    VENDOR.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

/// A login, sorted and checked.
pub(super) struct Login {
    /// Base address with a trailing slash; the API is below `api/`.
    pub(super) base: Url,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) tenant: Option<String>,
    /// What the user typed, without a trailing slash.
    pub(super) authorisation_server: Option<Url>,
}

impl Login {
    pub(super) fn read(credentials: &Credentials, http: &Outbound) -> Result<Self, Vec<FieldProblem>> {
        let credentials = normalise(credentials)?;
        let get = |key: &str| credentials.get(key).map(ExposeSecret::expose_secret);
        let address = |field: &'static str, cut: &str, end: &str| -> Result<Option<Url>, Vec<FieldProblem>> {
            let Some(text) = get(field) else { return Ok(None) };
            let url = Url::parse(&format!("{}{end}", text.strip_suffix(cut).unwrap_or(text)))
                .map_err(|_| vec![unreadable(field)])?;
            http.check_url(&url).map_err(|refused| vec![problem(field, &refused.to_string())])?;
            Ok(Some(url))
        };
        Ok(Self {
            base: address("domain", "/api", "/")?.ok_or_else(|| vec![unreadable("domain")])?,
            authorisation_server: address("authorisation_server", "/", "")?,
            client_id: get("client_id").unwrap_or_default().to_owned(),
            client_secret: SecretString::from(get("client_secret").unwrap_or_default()),
            tenant: get("tenant").map(ToOwned::to_owned),
        })
    }
}

/// Puts a form into the shape [`Login::read`] wants. A client id that is no GUID is let through, because
/// a GUID is what clients have seen, not what Halo promises; a failed sign-in mentions it.
pub(super) fn normalise(credentials: &Credentials) -> Result<Credentials, Vec<FieldProblem>> {
    let mut kept = Credentials::new();
    let mut problems = Vec::new();
    let mut pasted_tenant = None;
    for field in FIELDS {
        let typed =
            credentials.get(field.key).map(ExposeSecret::expose_secret).map(clean).unwrap_or_default();
        if typed.chars().count() > 2_000 || typed.chars().any(char::is_control) {
            problems
                .push(problem(field.key, "It holds line breaks or is far too long: paste the value alone."));
            continue;
        }
        let value = match field.key {
            _ if typed.is_empty() => Ok(None),
            "domain" => base(typed).map(Some),
            "authorisation_server" if is_nothing(typed) => Ok(None),
            "authorisation_server" => authorisation_server(typed).map(Some),
            "tenant" => Ok(tenant(typed)),
            "client_id" => Ok(Some(bare(typed).to_owned())),
            _ => Ok(Some(typed.to_owned())),
        };
        match value {
            Ok(Some(value)) if !value.is_empty() => {
                if matches!(field.key, "domain" | "authorisation_server") {
                    // That of the authorisation server, which comes last, wins.
                    pasted_tenant = tenant_in(typed).or(pasted_tenant);
                }
                kept.insert(field.key.to_owned(), SecretString::from(value));
            }
            Ok(_) if field.is_required => problems.push(problem(field.key, "It is needed.")),
            Ok(_) => {}
            Err(message) => problems.push(problem(field.key, message)),
        }
    }
    if let Some(tenant) = pasted_tenant.filter(|_| !kept.contains_key("tenant")) {
        kept.insert(String::from("tenant"), SecretString::from(tenant));
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

fn problem(field: &'static str, message: &str) -> FieldProblem {
    FieldProblem { field, message: message.to_owned() }
}

fn unreadable(field: &'static str) -> FieldProblem {
    problem(field, UNREADABLE)
}

const UNREADABLE: &str = "This is not an address. Type it as the browser shows it, e.g. acme.halopsa.com.";
const USERINFO: &str = "Leave user name and password out of the address.";

/// Cuts off what surrounds a pasted value: spaces of every kind, quotes, invisible characters.
fn clean(text: &str) -> &str {
    text.trim_matches(surrounds)
}

fn surrounds(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{201c}'..='\u{201e}')
}

/// A GUID without the braces it may be pasted in, and without what is inside or outside of them: in one
/// go, because what one pass leaves at the ends another would cut off.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| surrounds(c) || matches!(c, '{' | '}'))
}

/// An address from what was pasted, its query still there.
fn address(text: &str) -> Result<Url, &'static str> {
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
    let name = rest.split(['/', '?', '#']).next().unwrap_or_default().trim_end_matches('.');
    let is_account = scheme.is_empty()
        && !name.is_empty()
        && !name.eq_ignore_ascii_case("localhost")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.bytes().all(|b| b.is_ascii_digit());
    let expanded;
    let rest = if is_account {
        let path = rest.get(name.len()..).unwrap_or_default().trim_start_matches('.');
        expanded = format!("{name}.halopsa.com{path}");
        expanded.as_str()
    } else {
        rest
    };
    let scheme = if scheme.is_empty() { "https" } else { scheme };
    let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| UNREADABLE)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(USERINFO);
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
        url.set_host(Some(&name)).map_err(|_| UNREADABLE)?;
        // The vendor's hosts speak https only; on a host of one's own, http is for the operator to allow.
        if is_vendor_host(&name) && url.scheme() == "http" {
            url.set_scheme("https").map_err(|()| UNREADABLE)?;
        }
    }
    Ok(url)
}

/// The address without a trailing slash. A path counts only where it leads to `/api` or `/auth` below
/// another one, as it may on premises, and then ends in `/api`; links copied from a browser keep their
/// host alone, and so does the vendor's host, which has nothing below a path.
fn base(text: &str) -> Result<String, &'static str> {
    let url = address(text)?;
    if url.host_str().is_some_and(is_vendor_host) {
        return Ok(join(&url, std::iter::empty()));
    }
    let segments = segments(&url);
    let is_end =
        |segment: &String| segment.eq_ignore_ascii_case("api") || segment.eq_ignore_ascii_case("auth");
    let kept = segments.iter().position(is_end).unwrap_or(0);
    let path = segments.iter().take(kept).map(String::as_str);
    Ok(join(&url, path.chain((kept > 0).then_some("api"))))
}

fn join<'a>(url: &Url, path: impl Iterator<Item = &'a str>) -> String {
    path.fold(url[..url::Position::BeforePath].to_owned(), |text, segment| text + "/" + segment)
}

fn segments(url: &Url) -> Vec<String> {
    url.path_segments().into_iter().flatten().filter(|s| !s.is_empty()).map(ToOwned::to_owned).collect()
}

/// The authorisation server without `/token` and trailing slashes; `/auth` where no path was given, as
/// every hosted one has it (CIPP).
fn authorisation_server(text: &str) -> Result<String, &'static str> {
    let url = address(text)?;
    let mut path = segments(&url);
    while let Some(last) = path.pop() {
        // A quote before the query is inside of what was pasted and at the end of what is kept.
        let last = clean(&last);
        if !last.is_empty() && !last.eq_ignore_ascii_case("token") {
            path.push(last.to_owned());
            break;
        }
    }
    if path.is_empty() {
        path.push(String::from("auth"));
    }
    Ok(join(&url, path.iter().map(String::as_str)))
}

/// Whether an optional field was filled in with a word for nothing (CIPP meets "None").
fn is_nothing(text: &str) -> bool {
    let words = [
        "none",
        "null",
        "nil",
        "n/a",
        "n.a.",
        "na",
        "-",
        "--",
        "\u{2013}",
        "\u{2014}",
        "optional",
        "undefined",
    ];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A tenant's name, also from its address.
fn tenant(text: &str) -> Option<String> {
    let host = text.trim_start_matches("https://").split('/').next().unwrap_or_default();
    let name = match host.split_once('.') {
        Some((name, _)) if is_vendor_host(&host.to_ascii_lowercase()) => clean(name),
        _ => text,
    };
    (!name.is_empty() && !is_nothing(name)).then(|| name.to_owned())
}

/// The tenant that a pasted address names in its query.
fn tenant_in(text: &str) -> Option<String> {
    let url = address(text).ok()?;
    let (_, value) = url.query_pairs().find(|(key, _)| key.eq_ignore_ascii_case("tenant"))?;
    let is_plain = value.chars().count() <= 200 && !value.chars().any(char::is_control);
    tenant(clean(&value)).filter(|_| is_plain)
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
