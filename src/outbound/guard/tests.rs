//! Addresses and what is said to them.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn check(allowed: PrivateAddresses, url: &str) -> Result<(), AddressRefused> {
    Guard::new(allowed, None).check_url(&Url::parse(url).unwrap())
}

fn listed(entries: &[&str]) -> PrivateAddresses {
    PrivateAddresses::Listed(entries.iter().map(|e| (*e).to_owned()).collect())
}

/// What stands between `https://` and `/`, whether strangers' addresses of that form are called, and a word
/// of the reason where not.
const VERDICTS: &[(&str, Option<&str>)] = &[
    ("acme.halopsa.com", None),
    ("acme.halopsa.com.", None),
    ("acme.halopsa.com:443", None),
    ("psa.example:8443", None),
    ("8.8.8.8", None),
    ("9.255.255.255", None),
    ("11.0.0.0", None),
    ("100.63.255.255", None),
    ("100.128.0.1", None),
    ("126.255.255.255", None),
    ("128.0.0.1", None),
    ("169.253.255.255", None),
    ("172.15.255.255", None),
    ("172.32.0.1", None),
    ("192.167.255.255", None),
    ("192.169.0.1", None),
    ("223.255.255.255", None),
    ("[2606:4700::1]", None),
    ("[2a00:1450:4001::200e]", None),
    ("[64:ff9b::8.8.8.8]", None),
    ("[::ffff:8.8.8.8]", None),
    // This machine, however it is written.
    ("127.0.0.1", Some("this machine")),
    ("127.255.255.254", Some("this machine")),
    ("127.0.0.1.", Some("this machine")),
    ("127.1", Some("this machine")),
    ("2130706433", Some("this machine")),
    ("0x7f.1", Some("this machine")),
    ("0x7f000001", Some("this machine")),
    ("0177.0.0.1", Some("this machine")),
    ("017700000001", Some("this machine")),
    ("１２７.０.０.１", Some("this machine")),
    ("%31%32%37.0.0.1", Some("this machine")),
    ("localhost", Some("this machine")),
    ("LOCALHOST", Some("this machine")),
    ("localhost.", Some("this machine")),
    ("psa.localhost", Some("this machine")),
    ("[::1]", Some("this machine")),
    ("[::ffff:127.0.0.1]", Some("this machine")),
    ("[::ffff:7f00:1]", Some("this machine")),
    ("[64:ff9b::127.0.0.1]", Some("this machine")),
    // No host at all.
    ("0.0.0.0", Some("no host")),
    ("0", Some("no host")),
    ("0.1.2.3", Some("no host")),
    ("[::]", Some("no host")),
    ("[::ffff:0.0.0.0]", Some("no host")),
    // Private networks.
    ("10.1.2.3", Some("private")),
    ("012.1.2.3", Some("private")),
    ("167838211", Some("private")),
    ("172.16.0.1", Some("private")),
    ("172.31.255.255", Some("private")),
    ("192.168.1.1", Some("private")),
    ("100.64.0.1", Some("carrier")),
    ("100.127.255.255", Some("carrier")),
    ("[fc00::1]", Some("private")),
    ("[fdff:ffff::1]", Some("private")),
    ("[fec0::1]", Some("site-local")),
    ("[::ffff:10.0.0.1]", Some("private")),
    ("[64:ff9b::10.0.0.1]", Some("private")),
    // Links and the metadata of clouds.
    ("169.254.169.254", Some("metadata")),
    ("169.254.170.2", Some("metadata")),
    ("169.254.0.23", Some("metadata")),
    ("0xa9fea9fe", Some("metadata")),
    ("2852039166", Some("metadata")),
    ("100.100.100.200", Some("metadata")),
    ("168.63.129.16", Some("metadata")),
    ("192.0.0.192", Some("metadata")),
    ("[fe80::1]", Some("metadata")),
    ("[fe80::a9fe:a9fe]", Some("metadata")),
    ("[fd00:ec2::254]", Some("metadata")),
    ("[fd00:ec2::23]", Some("metadata")),
    ("[fd20:ce::254]", Some("metadata")),
    ("[fd00:c1::a9fe:a9fe]", Some("metadata")),
    ("[fd00:42::42]", Some("metadata")),
    ("[::ffff:169.254.169.254]", Some("metadata")),
    ("[64:ff9b::a9fe:a9fe]", Some("metadata")),
    // IPv4 in other IPv6 forms: compatible, translated, local NAT64, 6to4, Teredo, ISATAP.
    ("[::127.0.0.1]", Some("form of an IPv4")),
    ("[::8.8.8.8]", Some("form of an IPv4")),
    ("[::ffff:0:127.0.0.1]", Some("form of an IPv4")),
    ("[64:ff9b:1::a00:1]", Some("form of an IPv4")),
    ("[64:ff9b:1:a00:1::]", Some("form of an IPv4")),
    ("[2002:7f00:1::]", Some("6to4")),
    ("[2002:a9fe:a9fe::1]", Some("6to4")),
    ("[2002:808:808::1]", Some("6to4")),
    ("[2001::1]", Some("reserved")),
    ("[2001:0:53aa:64c:0:fffe:5601:5601]", Some("reserved")),
    ("[2606:4700::5efe:10.0.0.1]", Some("ISATAP")),
    ("[2606:4700::200:5efe:a9fe:a9fe]", Some("ISATAP")),
    // Nobody's.
    ("192.0.0.1", Some("reserved")),
    ("192.0.2.1", Some("examples")),
    ("192.88.99.1", Some("reserved")),
    ("198.18.0.1", Some("measurements")),
    ("198.51.100.1", Some("examples")),
    ("203.0.113.9", Some("examples")),
    ("224.0.0.1", Some("multicast")),
    ("239.255.255.250", Some("multicast")),
    ("240.0.0.1", Some("reserved")),
    ("255.255.255.255", Some("broadcast")),
    ("[ff02::1]", Some("multicast")),
    ("[2001:db8::1]", Some("examples")),
    ("[3fff::1]", Some("examples")),
    ("[100::1]", Some("public internet")),
    ("[5f00::1]", Some("public internet")),
    ("[4000::1]", Some("public internet")),
    // User names, and ports where no PSA listens.
    ("user@acme.halopsa.com", Some("user name")),
    (":secret@acme.halopsa.com", Some("user name")),
    ("acme.halopsa.com@127.0.0.1", Some("user name")),
    ("acme.halopsa.com:22", Some("port 22")),
    ("acme.halopsa.com:25", Some("port 25")),
    ("acme.halopsa.com:80", Some("port 80")),
    ("acme.halopsa.com:0", Some("port 0")),
    ("8.8.8.8:53", Some("port 53")),
];

#[test]
fn each_address_gets_its_verdict_however_it_is_written() {
    for (host, expected) in VERDICTS {
        let verdict = check(PrivateAddresses::None, &format!("https://{host}/"));
        match (verdict, expected) {
            (Ok(()), None) => {}
            (Err(AddressRefused(why)), Some(word)) => assert!(why.contains(word), "{host}: {why}"),
            (verdict, _) => panic!("{host}: {verdict:?}"),
        }
    }
}

#[test]
fn what_is_called_is_called_over_https_only() {
    for (host, _) in VERDICTS.iter().filter(|(_, refused)| refused.is_none()) {
        assert!(check(PrivateAddresses::All, &format!("http://{host}/")).is_err(), "{host}");
    }
    for url in ["ftp://acme.halopsa.com/", "file:///etc/passwd", "gopher://acme.halopsa.com/", "data:,x"] {
        assert!(check(PrivateAddresses::All, url).is_err(), "{url}");
    }
}

#[test]
fn the_operator_can_open_private_addresses() {
    for url in [
        "http://127.0.0.1:8080/",
        "http://127.0.0.1:81/",
        "http://localhost:8080/",
        "https://192.168.1.1/",
        "http://sandbox/",
        "http://[fd12::1]/",
    ] {
        assert_eq!(check(PrivateAddresses::All, url), Ok(()), "{url}");
    }
    for url in [
        "http://169.254.169.254/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://100.100.100.200/",
        "https://0.0.0.0/",
        "https://192.0.2.1/",
        "http://127.0.0.1:0/",
    ] {
        assert!(check(PrivateAddresses::All, url).is_err(), "{url}");
    }
    assert_eq!(check(listed(&["10.1.0.0/16"]), "http://10.1.9.9/"), Ok(()));
    assert_eq!(check(listed(&["10.1.0.0/16"]), "http://[::ffff:10.1.9.9]/"), Ok(()));
    assert_eq!(check(listed(&["10.1.0.0/16"]), "https://10.1.9.9:444/"), Ok(()));
    assert!(check(listed(&["10.1.0.0/16"]), "http://10.2.9.9/").is_err());
    assert_eq!(check(listed(&["halo.corp.example"]), "http://HALO.corp.example./"), Ok(()));
    assert_eq!(check(listed(&["halo.corp.example"]), "https://halo.corp.example:444/"), Ok(()));
    assert!(check(listed(&["halo.corp.example"]), "http://other.corp.example/").is_err());
    assert!(check(listed(&["halo.corp.example"]), "http://halo.corp.example.evil.example/").is_err());
    assert_eq!(check(listed(&["127.0.0.1"]), "https://localhost/"), Ok(()));
    assert_eq!(check(listed(&["localhost"]), "http://localhost:8080/"), Ok(()));
    // A wide net does not catch what gives away the machine's own credentials.
    assert_eq!(check(listed(&["0.0.0.0/0"]), "https://10.2.9.9/"), Ok(()));
    assert!(check(listed(&["0.0.0.0/0"]), "https://169.254.169.254/").is_err());
    assert!(check(listed(&["169.254.0.0/16"]), "https://169.254.169.254/").is_err());
    assert_eq!(check(listed(&["169.254.169.254"]), "https://169.254.169.254/"), Ok(()));
}

#[test]
fn names_that_lead_to_private_addresses_are_refused_when_they_are_looked_up() {
    let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 0);
    let (private, public, metadata) = (at("10.0.0.5"), at("8.8.8.8"), at("169.254.169.254"));
    let guard = Guard::new(PrivateAddresses::None, Some("proxy.corp.example"));
    assert_eq!(guard.filter("mixed.example", vec![private, public]), Ok(vec![public]));
    assert!(guard.filter("inside.example", vec![private]).is_err());
    assert_eq!(guard.filter("proxy.corp.example", vec![private]), Ok(vec![private]));
    let guard = Guard::new(listed(&["inside.example"]), None);
    assert_eq!(guard.filter("Inside.example", vec![private]), Ok(vec![private]));
    assert!(guard.filter("outside.example", vec![private]).is_err());
    for never in [metadata, at("0.0.0.0"), at("::"), at("224.0.0.1"), at("::ffff:169.254.169.254")] {
        assert!(guard.filter("inside.example", vec![never]).is_err(), "{never}");
    }
    let many = vec![public; 1_000];
    assert_eq!(guard.filter("wide.example", many).unwrap().len(), MOST_ADDRESSES);
}

#[test]
fn the_proxy_itself_is_not_called_and_private_hosts_go_past_it() {
    let guard = Guard::new(listed(&["halo.corp.example", "10.1.0.0/16"]), Some("proxy.corp.example"));
    let url = |text: &str| Url::parse(text).unwrap();
    assert!(guard.check_url(&url("https://Proxy.corp.example./")).is_err());
    assert!(guard.goes_direct(&url("http://halo.corp.example/")));
    assert!(guard.goes_direct(&url("https://10.1.2.3/")));
    assert!(!guard.goes_direct(&url("https://acme.halopsa.com/")));
}

proptest! {
    #[test]
    fn hiding_an_address_in_ipv6_changes_nothing(four in any::<u32>()) {
        let four = Ipv4Addr::from(four);
        let [a, b, c, d] = four.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let plain = not_public(IpAddr::V4(four)).is_some();
        for six in [four.to_ipv6_mapped(), Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low)] {
            prop_assert_eq!(not_public(IpAddr::V6(six)).is_some(), plain);
        }
        for six in [
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !high, !low),
        ] {
            prop_assert!(not_public(IpAddr::V6(six)).is_some(), "{}", six);
        }
    }
}
