//! The credential form, and what people really paste into it.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use url::Host;

use crate::psa::{CredentialField, Credentials, FieldProblem, http::Outbound};

/// The form. `public_key` is what another product calls it; MSP Manager's own pages say API key.
pub(super) const FIELDS: &[CredentialField] = &[
    CredentialField {
        key: "domain",
        label: "Domain",
        help: "The host of MSP Manager's API. Leave it empty for api.mspmanager.com: the key decides whose \
               account it is.",
        example: "api.mspmanager.com",
        is_secret: false,
        is_required: false,
    },
    CredentialField {
        key: "public_key",
        label: "API Key",
        help: "In MSP Manager: My Account > API KEYS > Create. It is shown once, and may do what the role of \
               its user may do. Some products call it Public Key.",
        example: "several hundred letters, digits, + and /",
        is_secret: true,
        is_required: true,
    },
];

/// The vendor's domain, and the one host of it that is known to have the API. No other region was seen; a
/// host whose name begins with `api` is taken for one.
const VENDOR: &str = "mspmanager.com";
pub(super) const USUAL: &str = "https://api.mspmanager.com";

/// Where the API is below its host.
const ROOT: &str = "odata";

/// Longer than any key seen, by far.
const KEY_CHARS: usize = 8_000;

/// A login, sorted and checked.
pub(super) struct Login {
    /// The root of the API, with a trailing slash.
    pub(super) base: Url,
    pub(super) key: SecretString,
}

impl Login {
    pub(super) fn read(credentials: &Credentials, http: &Outbound) -> Result<Self, Vec<FieldProblem>> {
        let credentials = normalise(credentials)?;
        let domain = credentials.get("domain").map_or(USUAL, ExposeSecret::expose_secret);
        let host = domain.strip_suffix(ROOT).and_then(|rest| rest.strip_suffix('/')).unwrap_or(domain);
        let base = Url::parse(&format!("{host}/{ROOT}/")).map_err(|_| vec![problem("domain", UNREADABLE)])?;
        http.check_url(&base).map_err(|refused| vec![problem("domain", &refused.to_string())])?;
        let key = credentials.get("public_key").cloned().unwrap_or_default();
        Ok(Self { base, key })
    }

    /// Whether the API is the vendor's own, and not one of a private or test instance.
    pub(super) fn is_vendors(&self) -> bool {
        self.base.host_str().is_some_and(is_vendor_host)
    }
}

/// Puts a form into the shape [`Login::read`] wants.
pub(super) fn normalise(credentials: &Credentials) -> Result<Credentials, Vec<FieldProblem>> {
    let typed = |key: &str| credentials.get(key).map(ExposeSecret::expose_secret).unwrap_or_default();
    let mut kept = Credentials::new();
    let mut problems = Vec::new();
    let fields = [("domain", domain(typed("domain"))), ("public_key", key(typed("public_key")))];
    for (field, value) in fields {
        match value {
            Ok(Some(value)) => {
                kept.insert(field.to_owned(), SecretString::from(value));
            }
            Ok(None) => {}
            Err(message) => problems.push(problem(field, message)),
        }
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

fn problem(field: &'static str, message: &str) -> FieldProblem {
    FieldProblem { field, message: message.to_owned() }
}

const UNREADABLE: &str = "This is not an address. Leave it empty, or type a host such as api.mspmanager.com.";
const USERINFO: &str = "Leave user name and password out of the address.";
const TOO_LONG: &str = "It holds line breaks or is far too long: paste the address alone.";

/// Cuts off what surrounds a pasted value: spaces of every kind, quotes, invisible characters.
fn clean(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace()
            || is_invisible(c)
            || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\u{2018}'..='\u{201e}')
    })
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// The address without a trailing slash and without `/odata`; none where nothing was typed.
fn domain(text: &str) -> Result<Option<String>, &'static str> {
    let text = clean(text);
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > 2_000 || text.chars().any(char::is_control) {
        return Err(TOO_LONG);
    }
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
    if rest.is_empty() {
        return Err(UNREADABLE);
    }
    let scheme_or_https = if scheme.is_empty() { "https" } else { scheme };
    let url = Url::parse(&format!("{scheme_or_https}://{rest}")).map_err(|_| UNREADABLE)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(USERINFO);
    }
    let name = match url.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
        Some(_) => return Ok(Some(own_address(&url))),
        None => return Err(UNREADABLE),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !name.chars().all(is_name) || name.split('.').any(str::is_empty) {
        return Err(UNREADABLE);
    }
    // The name of an account alone; a host of one's own has a dot, a port or a scheme.
    let is_account = scheme.is_empty() && !name.contains('.') && name != "localhost" && url.port().is_none();
    if is_account {
        return Ok(Some(USUAL.to_owned()));
    }
    if is_vendor_host(&name) {
        let is_api = name.starts_with("api") && name.ends_with(&format!(".{VENDOR}"));
        return Ok(Some(if is_api { format!("https://{name}") } else { USUAL.to_owned() }));
    }
    let mut url = url;
    url.set_host(Some(&name)).map_err(|_| UNREADABLE)?;
    Ok(Some(own_address(&url)))
}

/// A host of one's own: a path counts only where it leads to the API.
fn own_address(url: &Url) -> String {
    let segments: Vec<_> = url.path_segments().into_iter().flatten().filter(|s| !s.is_empty()).collect();
    let kept = segments.iter().position(|segment| segment.eq_ignore_ascii_case(ROOT)).unwrap_or(0);
    let start = url[..url::Position::BeforePath].to_owned();
    let mut address = segments.iter().take(kept).fold(start, |text, segment| text + "/" + segment);
    if kept > 0 {
        // Kept, so that the path is known for one that leads to the API; [`Login::read`] cuts it off.
        address = address + "/" + ROOT;
    }
    address
}

/// Whether a host is the vendor's.
fn is_vendor_host(host: &str) -> bool {
    host == VENDOR || host.strip_suffix(VENDOR).is_some_and(|rest| rest.ends_with('.'))
}

/// The key without what was copied with it: the header's name, a scheme, quotes, line breaks of a file.
fn key(text: &str) -> Result<Option<String>, &'static str> {
    let mut key = text.to_owned();
    loop {
        let next: String = bare(&key).chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).collect();
        if next == key {
            break;
        }
        key = next;
    }
    if key.is_empty() {
        return Err("It is needed: create an API key under My Account > API KEYS in MSP Manager.");
    }
    if key.contains('@') {
        return Err(
            "This is an e-mail address. An API key is wanted, not a login: create one under My Account > \
                    API KEYS in MSP Manager.",
        );
    }
    if key.contains("://") {
        return Err("This is an address. Paste the API key alone.");
    }
    if key.chars().count() > KEY_CHARS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("It holds characters that no API key has, or is far too long: paste the key alone.");
    }
    Ok(Some(key))
}

/// Without one layer of what surrounds a key.
fn bare(text: &str) -> &str {
    let text = clean(text);
    let after = |prefix: &str| {
        let (head, rest) = text.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then_some(rest)
    };
    let schemes = ["Bearer", "ApiKey"].iter().find_map(|scheme| {
        let rest = after(scheme)?;
        rest.starts_with(char::is_whitespace).then_some(rest)
    });
    let named = || ["X-API-Key:", "X-API-Key=", "Authorization:"].iter().find_map(|name| after(name));
    schemes.or_else(named).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(domain: &str, key: &str) -> Credentials {
        [("domain", domain), ("public_key", key)]
            .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
            .into()
    }

    fn plain(credentials: &Credentials) -> Vec<(String, String)> {
        credentials.iter().map(|(k, v)| (k.clone(), v.expose_secret().to_owned())).collect()
    }

    fn one(field: &str, domain: &str, key: &str) -> Option<String> {
        normalise(&form(domain, key)).ok()?.get(field).map(|value| value.expose_secret().to_owned())
    }

    #[test]
    fn whatever_people_paste_as_domain_becomes_the_host_of_the_api() {
        for text in [
            "api.mspmanager.com",
            "API.MSPManager.com.",
            " https://api.mspmanager.com/ ",
            "http://api.mspmanager.com",
            "https://api.mspmanager.com/odata",
            "https://api.mspmanager.com/odata/Tickets?$top=1",
            "app.mspmanager.com",
            "https://app.mspmanager.com/tickets/3f2b0c1e-1111-2222-3333-444455556666",
            "acme.mspmanager.com",
            "www.mspmanager.com",
            "mspmanager.com",
            "acme",
            "\"https://acme.mspmanager.com/\"",
            "\u{200b}api.mspmanager.com",
        ] {
            assert_eq!(one("domain", text, "k").as_deref(), Some(USUAL), "{text:?}");
        }
        assert_eq!(one("domain", "", "k"), None, "an empty field is left out");
    }

    #[test]
    fn private_and_other_instances_keep_their_host_and_their_way_to_the_api() {
        for (text, wanted) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://127.0.0.1:9000/odata/", "http://127.0.0.1:9000"),
            ("http://sandbox:9000/x", "http://sandbox:9000"),
            ("localhost:9000", "https://localhost:9000"),
            ("https://corp.example/mspm/odata/Tickets", "https://corp.example/mspm/odata"),
            ("https://api-eu.mspmanager.com/odata", "https://api-eu.mspmanager.com"),
            ("api.eu.mspmanager.com", "https://api.eu.mspmanager.com"),
            ("https://evilmspmanager.com", "https://evilmspmanager.com"),
        ] {
            assert_eq!(one("domain", text, "k").as_deref(), Some(wanted), "{text:?}");
        }
        for text in
            ["https://", "ftp://api.mspmanager.com", "a b.c", "https://u:p@api.mspmanager.com", "a\nb", ".."]
        {
            assert_eq!(one("domain", text, "k"), None, "{text:?}");
        }
    }

    #[test]
    fn a_key_loses_what_was_copied_with_it() {
        for text in [
            "abc+/=",
            " abc+/=\r\n",
            "\"abc+/=\"",
            "ab\nc+/\n=\n",
            "Bearer abc+/=",
            "X-API-Key: abc+/=",
            "x-api-key: \"abc+/=\"",
            "\u{feff}abc+/=",
        ] {
            assert_eq!(one("public_key", "", text).as_deref(), Some("abc+/="), "{text:?}");
        }
        assert_eq!(
            one("public_key", "", "bearerabc").as_deref(),
            Some("bearerabc"),
            "no scheme without a space"
        );
    }

    #[test]
    fn what_is_no_key_is_refused_in_words() {
        for (text, words) in [
            ("", "needed"),
            (" \n", "needed"),
            ("ada@example.com", "e-mail address"),
            ("https://api.mspmanager.com", "an address"),
            ("schlüssel", "characters"),
        ] {
            let problems = normalise(&form("", text)).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].field, "public_key");
            assert!(problems[0].message.contains(words), "{text:?}: {}", problems[0].message);
        }
    }

    proptest! {
        #[test]
        fn normalising_never_panics_and_does_nothing_the_second_time(
            domain in "(https?:/{0,3})?[a-zA-Z0-9.@: -]{0,20}(mspmanager\\.com)?(/[a-zA-Z~.]{0,6}|/odata){0,3}/?|\\PC{0,30}",
            key in "(Bearer |ApiKey |X-API-Key:|\"| ){0,4}[A-Za-z0-9+/= \n:-]{0,20}|\\PC{0,20}",
        ) {
            if let Ok(once) = normalise(&form(&domain, &key)) {
                let twice = normalise(&once);
                prop_assert!(twice.is_ok(), "{:?} {:?}", plain(&once), twice.err());
                prop_assert_eq!(plain(&twice.unwrap()), plain(&once));
            }
        }
    }
}
