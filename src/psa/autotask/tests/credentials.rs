use proptest::prelude::*;

use super::*;
use crate::psa::http::{ClientOptions, OutboundOptions, PrivateAddresses};

fn form(pairs: &[(&str, &str)]) -> Credentials {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretString::from(*value))).collect()
}

fn whole(pairs: &[(&str, &str)]) -> Credentials {
    let mut whole = form(&[("integration_code", "CODE"), ("username", "api@acme.com"), ("secret", "s3cret")]);
    whole.extend(form(pairs));
    whole
}

fn one(key: &str, text: &str) -> Option<String> {
    normalise(&whole(&[(key, text)])).ok()?.get(key).map(|value| value.expose_secret().to_owned())
}

#[test]
fn a_domain_is_read_however_a_zone_is_named() {
    let zone = Some("https://webservices14.autotask.net");
    for text in [
        "webservices14.autotask.net",
        "https://webservices14.autotask.net/ATServicesRest/V1.0/",
        " \"HTTP://WebServices14.Autotask.net/atservicesrest/\" ",
        "ww14.autotask.net",
        "https://ww14.autotask.net/Mvc/Framework/Authentication.mvc",
        "webservices14",
        "ww14",
        "14",
        "zone 14",
    ] {
        assert_eq!(one("domain", text).as_deref(), zone, "{text}");
    }
    for (text, wanted) in [
        ("autotask.net", "https://webservices.autotask.net"),
        ("https://www.autotask.net/help", "https://webservices.autotask.net"),
        ("prde.autotask.net", "https://prde.autotask.net"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("http://sandbox:9000/x/ATServicesRest/V1.0/Tickets", "http://sandbox:9000/x/ATServicesRest"),
        ("psa.corp.example:8443", "https://psa.corp.example:8443"),
    ] {
        assert_eq!(one("domain", text).as_deref(), Some(wanted), "{text}");
    }
    for text in
        ["https://u:p@webservices3.autotask.net", "ftp://x", "acme.autotask.net", "a b", "https://", ".."]
    {
        assert!(normalise(&whole(&[("domain", text)])).is_err(), "{text}");
    }
    assert_eq!(one("domain", "  "), None, "left to discovery");
}

#[test]
fn values_lose_what_was_pasted_with_them_and_keep_their_signs() {
    let code = "ABCDEFGHIJKLMNOPQRSTUVWXY12";
    for (key, text, wanted) in [
        ("integration_code", "ApiIntegrationCode: abcdefghijklmnopqrstuvwxy12", code),
        ("integration_code", " 'short' ", "short"),
        ("username", "UserName: <mailto:abc@ACME.COM>", "abc@ACME.COM"),
        ("secret", "  \"Secret: 7$gX#m'\" ", "7$gX#m'"),
        ("secret", "'<x>", "'<x>"),
    ] {
        assert_eq!(one(key, text).as_deref(), Some(wanted), "{text}");
    }
    assert!(normalise(&whole(&[("secret", "a\nb")])).is_err());
    assert!(normalise(&whole(&[("username", "äpi@acme.com")])).is_err());
}

#[test]
fn every_missing_field_is_named_and_unknown_ones_are_dropped() {
    let problems = normalise(&form(&[("username", "x")])).unwrap_err();
    assert_eq!(problems.iter().map(|p| p.field).collect::<Vec<_>>(), ["integration_code", "secret"]);
    let kept = normalise(&whole(&[("x", "y")])).unwrap();
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["integration_code", "secret", "username"]);
}

#[test]
fn discovery_starts_where_the_user_said_and_private_hosts_are_the_operators_to_allow() {
    let http = |allow_private| {
        let client = ClientOptions { allow_private, ..ClientOptions::default() };
        Outbound::new(OutboundOptions { client, ..Default::default() }).unwrap()
    };
    let start = |domain: &str, allowed| {
        Login::read(&whole(&[("domain", domain)]), &http(allowed)).map(|login| login.start.to_string())
    };
    let none = || PrivateAddresses::None;
    assert_eq!(start("", none()).unwrap(), "https://webservices.autotask.net/ATServicesRest/");
    assert_eq!(start("5", none()).unwrap(), "https://webservices5.autotask.net/ATServicesRest/");
    let own = "http://127.0.0.1:9000/y/ATServicesRest";
    assert_eq!(start(own, PrivateAddresses::All).unwrap(), "http://127.0.0.1:9000/y/ATServicesRest/");
    for domain in [own, "http://10.0.0.1", "http://psa.corp.example"] {
        assert_eq!(start(domain, none()).unwrap_err()[0].field, "domain", "{domain}");
    }
}

proptest! {
    #[test]
    fn normalising_never_panics_and_does_nothing_the_second_time(
        domain in "(https?:/{0,3})?[a-zA-Z0-9.@: -]{0,20}(\\.autotask\\.net)?(/[a-zA-Z~.]{0,14}){0,3}|(ww|zone |webservices)?[0-9]{0,5}|\\PC{0,30}",
        code in "(ApiIntegrationCode: ?)?[a-z0-9'\" ]{0,30}",
        user in "(UserName: ?|mailto:)?[ -~]{0,20}",
        secret in "(Secret: ?|Bearer )?[ -~]{0,20}",
    ) {
        let typed = form(&[
            ("domain", domain.as_str()), ("integration_code", code.as_str()),
            ("username", user.as_str()), ("secret", secret.as_str()),
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
