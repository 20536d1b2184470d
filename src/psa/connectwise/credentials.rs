//! The credential form, and what people really paste into it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Position};

use super::site;
use crate::psa::{CredentialField, Credentials, FieldProblem, http::Outbound};

/// The form.
pub(super) const FIELDS: &[CredentialField] = &[
    CredentialField {
        key: "company_id",
        label: "Company ID",
        help: "The company you type when you sign in to ConnectWise PSA, not a customer's.",
        example: "acme",
        is_secret: false,
        is_required: true,
    },
    CredentialField {
        key: "domain",
        label: "Domain",
        help: "Where you open ConnectWise PSA in a browser. The region alone (na, eu, au, za) is enough for the cloud; on your own premises it is your own host.",
        example: "na.myconnectwise.net",
        is_secret: false,
        is_required: true,
    },
    CredentialField {
        key: "public_key",
        label: "Public Key",
        help: "System > Members > API Members > the member > API Keys > new.",
        example: "q7ZkP0bWcT3vLm9X",
        is_secret: true,
        is_required: true,
    },
    CredentialField {
        key: "private_key",
        label: "Private Key",
        help: "Shown once, right after the key is saved. Make a new key where it was not copied.",
        example: "H2dJr8YfN5uA1sGe",
        is_secret: true,
        is_required: true,
    },
];

/// A login, sorted and checked.
pub(super) struct Login {
    /// What people open, with a trailing slash.
    pub(super) site: Url,
    pub(super) company_id: String,
    public_key: SecretString,
    private_key: SecretString,
}

impl Login {
    pub(super) fn read(credentials: &Credentials, http: &Outbound) -> Result<Self, Vec<FieldProblem>> {
        let credentials = normalise(credentials)?;
        let get = |key: &str| credentials.get(key).map(ExposeSecret::expose_secret).unwrap_or_default();
        let site =
            Url::parse(&format!("{}/", get("domain"))).map_err(|_| vec![problem("domain", UNREADABLE)])?;
        http.check_url(&site).map_err(|refused| vec![problem("domain", &refused.to_string())])?;
        Ok(Self {
            site,
            company_id: get("company_id").to_owned(),
            public_key: get("public_key").into(),
            private_key: get("private_key").into(),
        })
    }

    /// User name and password of HTTP Basic: the company and the public key make the user name.
    pub(super) fn pair(&self) -> (SecretString, &SecretString) {
        let user = format!("{}+{}", self.company_id, self.public_key.expose_secret());
        (user.into(), &self.private_key)
    }

    /// What must not turn up in a text, should a host repeat what it was sent.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let (user, password) = self.pair();
        let pair = format!("{}:{}", user.expose_secret(), password.expose_secret());
        vec![STANDARD.encode(pair).into(), self.private_key.clone(), self.public_key.clone()]
    }
}

/// Puts a form into the shape [`Login::read`] wants.
pub(super) fn normalise(credentials: &Credentials) -> Result<Credentials, Vec<FieldProblem>> {
    let mut kept = Credentials::new();
    let mut problems = Vec::new();
    let mut company = String::new();
    for field in FIELDS {
        let typed =
            credentials.get(field.key).map(ExposeSecret::expose_secret).map(clean).unwrap_or_default();
        let value = if typed.is_empty() {
            Err("It is needed.")
        } else if typed.chars().count() > 2_000 || typed.chars().any(char::is_control) {
            Err("It holds line breaks or is far too long: paste the value alone.")
        } else {
            match field.key {
                "company_id" => company_id(typed),
                "domain" => domain(typed),
                "public_key" => key(typed, &company),
                _ => key(typed, ""),
            }
        };
        match value {
            Ok(value) => {
                if field.key == "company_id" {
                    company.clone_from(&value);
                }
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
    "This is not an address. Type it as the browser shows it, e.g. na.myconnectwise.net.";

/// Cuts off what surrounds a pasted value: spaces of every kind, quotes, invisible characters.
fn clean(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{201c}'..='\u{201e}')
    })
}

/// The login company, also from the user name that other programs ask for (`company+key`).
fn company_id(text: &str) -> Result<String, &'static str> {
    let text = clean(text.split('+').next().unwrap_or_default());
    if text.is_empty() {
        Err("It is needed.")
    } else if text.chars().all(|c| c == '.') || text.contains([':', '/', '\\', '?', '#', '@']) {
        Err("Type the company alone, as you do when you sign in, e.g. acme.")
    } else {
        Ok(text.to_owned())
    }
}

/// A key, without the words and the company that it is pasted with.
fn key(text: &str, company: &str) -> Result<String, &'static str> {
    let mut rest = text;
    loop {
        let before = rest;
        for word in ["bearer ", "basic "] {
            if rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)) {
                rest = clean(rest.get(word.len()..).unwrap_or_default());
            }
        }
        if let Some((start, end)) = rest.split_once('+')
            && !company.is_empty()
            && start.eq_ignore_ascii_case(company)
        {
            rest = clean(end);
        }
        if rest == before {
            break;
        }
    }
    if rest.is_empty() {
        Err("It is needed.")
    } else if rest.contains(':') || rest.contains(char::is_whitespace) {
        Err("This is more than one value: paste each key into its own field.")
    } else {
        Ok(rest.to_owned())
    }
}

/// Scheme, host and port of the site; on a cloud site always as people open it.
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
    let name = rest.split(['/', '?', '#']).next().unwrap_or_default().trim_end_matches('.');
    let is_word =
        scheme.is_empty() && !name.contains(['.', ':', '[']) && !name.eq_ignore_ascii_case("localhost");
    let rest = match site::of_region(name) {
        Some(host) if is_word => host,
        _ if is_word => return Err(UNREADABLE),
        _ => rest.to_owned(),
    };
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
        if name == "home.connectwise.com" {
            return Err(
                "This is the page for signing in. Open ConnectWise PSA itself and take the address that the browser shows then, e.g. na.myconnectwise.net.",
            );
        }
        let is_vendor = site::is_vendor_host(&name);
        url.set_host(Some(site::user_host(&name))).map_err(|_| UNREADABLE)?;
        // The vendor's hosts speak https at its usual port only; elsewhere http is for the operator to allow.
        if is_vendor {
            url.set_scheme("https").map_err(|()| UNREADABLE)?;
            url.set_port(None).map_err(|()| UNREADABLE)?;
        }
    }
    Ok(url[..Position::BeforePath].to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Credentials {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretString::from(*value))).collect()
    }

    fn one(key: &str, text: &str) -> Option<String> {
        let mut pairs =
            vec![("company_id", "acme"), ("domain", "na"), ("public_key", "pub"), ("private_key", "priv")];
        pairs.retain(|(name, _)| *name != key);
        pairs.push((key, text));
        normalise(&form(&pairs)).ok()?.get(key).map(|value| value.expose_secret().to_owned())
    }

    #[test]
    fn whatever_people_paste_as_domain_becomes_the_site() {
        for text in [
            "na",
            " NA ",
            "api-na",
            "na.myconnectwise.net",
            "API-NA.MyConnectWise.net",
            "https://na.myconnectwise.net/",
            "http://na.myconnectwise.net",
            "https://api-na.myconnectwise.net/v4_6_release/apis/3.0/",
            "https://na.myconnectwise.net/v2025_1/services/system_io/Service/fv_sr100_request.rails?service_recid=1#x",
            "na.myconnectwise.net:443",
            "na.myconnectwise.net.",
            "\u{201c}na.myconnectwise.net\u{201d}",
            "https:na.myconnectwise.net",
        ] {
            assert_eq!(one("domain", text).as_deref(), Some("https://na.myconnectwise.net"), "{text:?}");
        }
        for (text, wanted) in [
            ("staging", "https://staging.connectwisedev.com"),
            ("sandbox-eu", "https://sandbox-eu.myconnectwise.net"),
            ("cw.corp.example:8443/v4_6_release/", "https://cw.corp.example:8443"),
            ("http://cw.corp.example", "http://cw.corp.example"),
            ("http://127.0.0.1:9000/login", "http://127.0.0.1:9000"),
            ("http://sandbox:9000", "http://sandbox:9000"),
            ("localhost", "https://localhost"),
        ] {
            assert_eq!(one("domain", text).as_deref(), Some(wanted), "{text:?}");
        }
        for text in [
            "",
            " ",
            "acme",
            "https://",
            "ftp://na.myconnectwise.net",
            "a b",
            "https://u:p@na.myconnectwise.net",
            "a\nb",
            "..",
            "home.connectwise.com",
        ] {
            assert_eq!(one("domain", text), None, "{text:?}");
        }
    }

    #[test]
    fn company_and_keys_are_taken_out_of_the_user_name_of_other_programs() {
        assert_eq!(one("company_id", "acme+q7ZkP0bW").as_deref(), Some("acme"));
        assert_eq!(one("company_id", "\"Acme \"").as_deref(), Some("Acme"));
        assert_eq!(one("public_key", "ACME+q7ZkP0bW").as_deref(), Some("q7ZkP0bW"));
        assert_eq!(one("public_key", "other+q7ZkP0bW").as_deref(), Some("other+q7ZkP0bW"));
        assert_eq!(one("private_key", "Basic  'H2dJr8Yf'").as_deref(), Some("H2dJr8Yf"));
        for (field, text) in [
            ("company_id", ".."),
            ("company_id", "+key"),
            ("company_id", "https://na.myconnectwise.net"),
            ("public_key", "pub:priv"),
            ("public_key", "acme+"),
            ("private_key", "two words"),
            ("private_key", "a\nb"),
        ] {
            assert_eq!(one(field, text), None, "{field} {text:?}");
        }
    }

    #[test]
    fn every_missing_field_is_named_and_unknown_ones_are_dropped() {
        let problems = normalise(&form(&[("domain", "na")])).unwrap_err();
        let named: Vec<_> = problems.iter().map(|p| p.field).collect();
        assert_eq!(named, ["company_id", "public_key", "private_key"]);
        let all =
            [("company_id", "a"), ("domain", "na"), ("public_key", "b"), ("private_key", "c"), ("x", "y")];
        assert!(!normalise(&form(&all)).unwrap().contains_key("x"));
    }

    proptest! {
        #[test]
        fn normalising_never_panics_and_does_nothing_the_second_time(
            company in "[a-zA-Z+. ]{0,8}|\\PC{0,20}",
            domain in "(https?:/{0,3})?(api-)?[a-zA-Z0-9.@: -]{0,20}(\\.myconnectwise\\.net)?(/[a-zA-Z~.]{0,6}){0,3}|\\PC{0,30}",
            public in "((basic|bearer|a)[ +]){0,3}[a-zA-Z'\" ]{0,8}|\\PC{0,20}",
            private in "\\PC{0,20}",
        ) {
            let typed = form(&[
                ("company_id", company.as_str()), ("domain", domain.as_str()),
                ("public_key", public.as_str()), ("private_key", private.as_str()),
            ]);
            if let Ok(once) = normalise(&typed) {
                let plain = |c: &Credentials| {
                    c.iter().map(|(k, v)| (k.clone(), v.expose_secret().to_owned())).collect::<Vec<_>>()
                };
                let twice = normalise(&once);
                prop_assert!(twice.is_ok(), "{:?} {:?}", plain(&once), twice.err());
                prop_assert_eq!(plain(&twice.unwrap()), plain(&once));
            }
        }
    }
}
