use proptest::prelude::*;

use super::*;

fn form(pairs: &[(&str, &str)]) -> Credentials {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretString::from(*value))).collect()
}

fn one(key: &str, text: &str) -> Option<String> {
    let mut pairs = vec![("domain", "acme"), ("api_key", "k")];
    pairs.retain(|(name, _)| *name != key);
    pairs.push((key, text));
    normalise(&form(&pairs)).ok()?.get(key).map(|value| value.expose_secret().to_owned())
}

#[test]
fn whatever_people_paste_as_subdomain_becomes_the_base_address() {
    for text in [
        "acme",
        "ACME",
        " acme ",
        "acme/",
        "acme.syncromsp.com",
        "Acme.SyncroMSP.com",
        "acme.syncromsp",
        "https://acme.syncromsp.com",
        "http://acme.syncromsp.com",
        "https://acme.syncromsp.com/",
        "https://acme.syncromsp.com/api/v1",
        "https://acme.syncromsp.com/api_tokens",
        "https://acme.syncromsp.com/tickets/123456?x=1#y",
        "acme.syncromsp.com:443",
        "acme.syncromsp.com.",
        "https:acme.syncromsp.com",
        "\u{200b}\"https://acme.syncromsp.com\"",
        "acme.shield.syncromsp.com",
        "www.acme.syncromsp.com",
        "<acme>",
    ] {
        assert_eq!(one("domain", text).as_deref(), Some("https://acme.syncromsp.com"), "{text:?}");
    }
    for (text, wanted) in [
        ("acme.repairshopr.com/customers", "https://acme.repairshopr.com"),
        ("acme-it-2", "https://acme-it-2.syncromsp.com"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://127.0.0.1:9000/api/v1/", "http://127.0.0.1:9000"),
        ("http://sandbox:9000/syncro/api/v1", "http://sandbox:9000/syncro/api"),
        ("https://psa.corp.example/tickets/1", "https://psa.corp.example"),
        ("localhost:9000", "https://localhost:9000"),
    ] {
        assert_eq!(one("domain", text).as_deref(), Some(wanted), "{text:?}");
    }
}

#[test]
fn what_cannot_be_a_subdomain_is_refused_before_it_makes_a_host() {
    for text in [
        "",
        "   ",
        "https://",
        "joe@acme.com",
        "https://joe:pw@acme.syncromsp.com",
        "syncromsp.com",
        "https://.syncromsp.com",
        "https://www.syncromsp.com",
        "api-docs.syncromsp.com",
        "{subdomain}.syncromsp.com",
        "${SYNCRO_SUBDOMAIN}",
        "your-subdomain",
        "undefined.syncromsp.com",
        "acme msp",
        "acme_msp",
        "-acme",
        "a\nb",
        "ftp://acme.syncromsp.com",
        "..",
    ] {
        assert_eq!(one("domain", text), None, "{text:?}");
    }
}

#[test]
fn a_token_loses_what_was_pasted_along_with_it() {
    for text in [
        "T123-abc",
        " T123-abc\n",
        "\"T123-abc\"",
        "Bearer T123-abc",
        "bearer  Bearer T123-abc",
        "Authorization: Bearer T123-abc",
        "api_key=T123-abc",
        "API Token: T123-abc",
    ] {
        assert_eq!(one("api_key", text).as_deref(), Some("T123-abc"), "{text:?}");
    }
    for text in
        ["", "Bearer ", "two words", "{{api_key}}", "https://acme.syncromsp.com/api_tokens", "schlüssel"]
    {
        assert_eq!(one("api_key", text), None, "{text:?}");
    }
}

#[test]
fn every_missing_field_is_named_and_unknown_ones_are_dropped() {
    let problems = normalise(&form(&[])).unwrap_err();
    assert_eq!(problems.iter().map(|p| p.field).collect::<Vec<_>>(), ["domain", "api_key"]);
    let kept = normalise(&form(&[("domain", "acme"), ("api_key", "k"), ("x", "y")])).unwrap();
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["api_key", "domain"]);
}

#[test]
fn hosts_that_only_look_like_the_vendors_are_not() {
    assert_eq!(vendor("acme.syncromsp.com"), Some(("acme", "syncromsp.com")));
    for host in ["evilsyncromsp.com", "acme.syncromsp.com.evil.example", "acme.syncromsp.co"] {
        assert_eq!(vendor(host), None, "{host}");
    }
}

proptest! {
    #[test]
    fn normalising_never_panics_and_does_nothing_the_second_time(
        domain in "(https?:/{0,3})?[a-zA-Z0-9.@: -]{0,20}(\\.syncromsp\\.com|\\.repairshopr\\.com)?(/[a-zA-Z~.]{0,6}){0,3}/?(\\?id=1)?|\\PC{0,30}",
        key in "([Bb]earer |token[:=]|\"| ){0,3}[!-~]{0,12}|\\PC{0,20}",
    ) {
        let typed = form(&[("domain", domain.as_str()), ("api_key", key.as_str())]);
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
