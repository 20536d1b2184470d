//! What people paste, and what becomes of it.

use proptest::prelude::*;

use super::*;

fn form(pairs: &[(&str, &str)]) -> Credentials {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretString::from(*value))).collect()
}

fn domain(text: &str) -> Option<String> {
    one("domain", text)
}

fn one(key: &str, text: &str) -> Option<String> {
    let mut pairs = vec![("domain", "acme"), ("client_id", "c"), ("client_secret", "s")];
    pairs.retain(|(name, _)| *name != key);
    pairs.push((key, text));
    let kept = normalise(&form(&pairs)).ok()?;
    kept.get(key).map(|value| value.expose_secret().to_owned())
}

#[test]
fn whatever_people_paste_as_domain_becomes_the_base_address() {
    for text in [
        "acme",
        "ACME",
        " acme ",
        "acme/",
        "acme.halopsa.com",
        "Acme.HaloPSA.com",
        "https://acme.halopsa.com",
        "http://acme.halopsa.com",
        "https://acme.halopsa.com/",
        "acme.halopsa.com/api",
        "acme.halopsa.com/api/",
        "https://acme.halopsa.com/auth",
        "https://acme.halopsa.com/auth/token",
        "\"https://acme.halopsa.com\"",
        "https://acme.halopsa.com/ticket?id=4242",
        "https://acme.halopsa.com/tickets#x",
        "acme.halopsa.com.",
        "https:acme.halopsa.com",
        "https:/acme.halopsa.com",
        "\u{200b}acme.halopsa.com",
        "acme.halopsa.com:443",
        "https://acme.halopsa.com/portal/api/",
        "https://acme.halopsa.com/some/where/auth/token?tenant=acme",
    ] {
        assert_eq!(domain(text).as_deref(), Some("https://acme.halopsa.com"), "{text:?}");
    }
    for (text, wanted) in [
        ("halo.corp.example:8443", "https://halo.corp.example:8443"),
        ("http://halo.corp.example", "http://halo.corp.example"),
        ("http://127.0.0.1:9000/api", "http://127.0.0.1:9000"),
        ("http://sandbox:9000", "http://sandbox:9000"),
        ("https://corp.example/halo/api/", "https://corp.example/halo/api"),
        ("https://corp.example/halo/auth/token", "https://corp.example/halo/api"),
    ] {
        assert_eq!(domain(text).as_deref(), Some(wanted), "{text:?}");
    }
    for text in [
        "",
        "   ",
        "https://",
        "ftp://acme.halopsa.com",
        "a b",
        "https://u:p@acme.halopsa.com",
        "a\nb",
        "..",
        "http://",
    ] {
        assert_eq!(domain(text), None, "{text:?}");
    }
}

#[test]
fn the_authorisation_server_keeps_its_path_and_loses_the_token() {
    for (text, wanted) in [
        ("acme.halopsa.com", "https://acme.halopsa.com/auth"),
        ("acme", "https://acme.halopsa.com/auth"),
        ("https://acme.halopsa.com/auth/", "https://acme.halopsa.com/auth"),
        ("https://acme.halopsa.com/auth/token?tenant=acme", "https://acme.halopsa.com/auth"),
        ("https://acme.halopsa.com/auth/token/token", "https://acme.halopsa.com/auth"),
        ("https://corp.example/halo/signin", "https://corp.example/halo/signin"),
        ("'https://acme.halopsa.com/auth'?tenant=acme", "https://acme.halopsa.com/auth"),
        ("acme.halopsa.com/'?", "https://acme.halopsa.com/auth"),
    ] {
        assert_eq!(one("authorisation_server", text).as_deref(), Some(wanted), "{text:?}");
    }
}

#[test]
fn a_tenant_that_says_nothing_is_dropped() {
    for nothing in ["None", " none ", "N/A", "-", "", "null"] {
        assert_eq!(one("tenant", nothing), None, "{nothing:?}");
        assert_eq!(one("authorisation_server", nothing), None, "{nothing:?}");
    }
    assert_eq!(one("tenant", " acme ").as_deref(), Some("acme"));
    assert_eq!(one("tenant", "https://acme.halopsa.com").as_deref(), Some("acme"));
}

#[test]
fn a_tenant_in_a_pasted_address_counts_where_none_is_typed() {
    let tenant = |domain: &str, server: &str, tenant: &str| {
        let kept = normalise(&form(&[
            ("domain", domain),
            ("authorisation_server", server),
            ("tenant", tenant),
            ("client_id", "c"),
            ("client_secret", "s"),
        ]));
        kept.unwrap().get("tenant").map(|value| value.expose_secret().to_owned())
    };
    let (plain, server) = ("acme.halopsa.com", "https://acme.halopsa.com/auth/token?tenant=blue");
    for (typed, wanted) in [
        (tenant(plain, server, ""), Some("blue")),
        (tenant(plain, server, "None"), Some("blue")),
        (tenant(plain, server, "red"), Some("red")),
        (tenant("acme?Tenant=green", "", ""), Some("green")),
        (tenant("acme.halopsa.com/x?a=1&tenant=green#y", server, ""), Some("blue")),
        (tenant("acme?tenant=", "", ""), None),
        (tenant("acme?tenant=null", "", ""), None),
        (tenant("acme?tenant=a%0Ab", "", ""), None),
    ] {
        assert_eq!(typed.as_deref(), wanted);
    }
}

#[test]
fn every_missing_field_is_named_and_unknown_ones_are_dropped() {
    let problems = normalise(&form(&[("domain", "acme")])).unwrap_err();
    assert_eq!(problems.iter().map(|p| p.field).collect::<Vec<_>>(), ["client_id", "client_secret"]);
    let kept =
        normalise(&form(&[("domain", "acme"), ("client_id", "{c}"), ("client_secret", "s"), ("x", "y")]));
    assert_eq!(kept.unwrap().keys().collect::<Vec<_>>(), ["client_id", "client_secret", "domain"]);
}

#[test]
fn a_client_id_loses_braces_and_quotes_in_whatever_order_they_come() {
    for (text, wanted) in
        [("{c}", "c"), ("'{c}'", "c"), ("{'c'}", "c"), ("{ \"{c}\" }", "c"), ("}'\u{2b820}", "\u{2b820}")]
    {
        let once = one("client_id", text);
        assert_eq!(once.as_deref(), Some(wanted), "{text:?}");
        assert_eq!(one("client_id", wanted), once, "{text:?}");
    }
    assert_eq!(one("client_id", "{''}"), None);
}

#[test]
fn hosts_that_only_look_like_the_vendors_are_not() {
    assert!(is_vendor_host("acme.halopsa.com"));
    for host in ["halopsa.com", "evilhalopsa.com", "halopsa.com.evil.example", "acme.halopsa.co"] {
        assert!(!is_vendor_host(host), "{host}");
    }
}

proptest! {
    #[test]
    fn normalising_never_panics_and_does_nothing_the_second_time(
        domain in "(https?:/{0,3})?[a-zA-Z0-9.@: -]{0,20}(/[a-zA-Z~.]{0,6}){0,3}/?(\\?id=1|\\?tenant=\\PC{0,8})?|\\PC{0,30}",
        server in "(https://)?[a-z.]{0,12}(/auth|/token|/x|/){0,4}|\\PC{0,20}",
        tenant in "\\PC{0,20}",
        id in "\\PC{0,20}",
    ) {
        let typed = form(&[
            ("domain", domain.as_str()), ("authorisation_server", server.as_str()),
            ("tenant", tenant.as_str()), ("client_id", id.as_str()), ("client_secret", "s"),
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
