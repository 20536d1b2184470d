//! Who is let in, and who shuts out whom.

use actix_web::test::TestRequest;
use entity::Timestamp;

use super::*;
use crate::addresses::{Networks, ProxyHeader};

fn entrance(clock: &Clock, per_sec: u32) -> Entrance {
    let proxies = TrustedProxies {
        networks: Networks::parse(["10.0.0.0/8"]).unwrap(),
        header: ProxyHeader::XForwardedFor,
    };
    let limits = EntranceLimits {
        per_address_per_sec: per_sec,
        per_token_per_sec: per_sec,
        per_endpoint_per_sec: per_sec,
        burst_secs: 10,
    };
    Entrance::new(clock.clone(), proxies, limits)
}

#[expect(clippy::unnecessary_wraps, reason = "callers' addresses may be missing")]
fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_secs(1_000_000))
}

#[test]
fn ten_thousand_addresses_are_held_in_a_fixed_amount_of_memory() {
    let clock = clock();
    let entrance = entrance(&clock, 1);
    for number in 0..100_000_u32 {
        let four = Some(IpAddr::from(number.to_be_bytes()));
        let six = Some(IpAddr::from((0x2001_0db8_u128 << 96 | u128::from(number) << 64).to_be_bytes()));
        for from in [four, six] {
            let _ = (entrance.dashboard(from), entrance.stranger(from));
            entrance.dashboard_failed(from);
            entrance.webhook_failed(from, Uuid::from_u128(number.into()));
        }
        let _ = entrance.asker(Uuid::from_u128(number.into()));
        let _ = entrance.webhook(four, Uuid::from_u128(number.into()));
    }
    for buckets in [&entrance.0.addresses, &entrance.0.strangers, &entrance.0.tokens, &entrance.0.endpoints] {
        assert!((1..=32_768).contains(&buckets.len()), "{}", buckets.len());
    }
}

#[test]
fn a_customers_network_of_ipv6_counts_as_one_and_mapped_addresses_as_themselves() {
    let clock = clock();
    let entrance = entrance(&clock, 1);
    let mut let_in = 0;
    for host in 0..100_u128 {
        let from = Some(IpAddr::from((0x2001_0db8_u128 << 96 | host).to_be_bytes()));
        let_in += u32::from(entrance.dashboard(from).is_ok());
    }
    assert_eq!(let_in, 10);
    assert!(entrance.dashboard(ip("2001:db8:0:1::1")).is_ok(), "the network next door");
    for _ in 0..10 {
        entrance.dashboard(ip("192.0.2.7")).unwrap();
    }
    assert!(entrance.dashboard(ip("::ffff:192.0.2.7")).is_err());
}

#[test]
fn a_wrong_guess_costs_ten_requests() {
    let clock = clock();
    let entrance = entrance(&clock, 10);
    let from = ip("192.0.2.7");
    let mut guesses = 0;
    while entrance.dashboard(from).is_ok() {
        entrance.dashboard_failed(from);
        guesses += 1;
    }
    assert_eq!(guesses, 10, "of 100 requests that may come at once");
    clock.advance_secs(2);
    assert!(entrance.dashboard(from).is_ok());
}

#[test]
fn a_sender_with_an_old_secret_shuts_out_nobody_else_at_its_address() {
    let clock = clock();
    let entrance = entrance(&clock, 10);
    let (from, failing, good) = (ip("192.0.2.7"), Uuid::from_u128(1), Uuid::from_u128(2));
    let mut failed = 0;
    while entrance.webhook(from, failing).is_ok() {
        entrance.webhook_failed(from, failing);
        failed += 1;
    }
    assert!(failed <= 11, "{failed}");
    while entrance.stranger(from).is_ok() {}
    assert!(entrance.webhook(from, good).is_ok(), "another endpoint from there");
    assert!(entrance.webhook(ip("192.0.2.8"), failing).is_ok(), "this endpoint from elsewhere");
}

#[test]
fn proxies_are_believed_and_others_are_not() {
    let entrance = entrance(&clock(), 1);
    let caller = |peer: &str, forwarded: &str| {
        let request = TestRequest::default().insert_header(("x-forwarded-for", forwarded)).to_http_request();
        entrance.caller(Some(SocketAddr::new(peer.parse().unwrap(), 4711)), request.headers())
    };
    assert_eq!(caller("10.0.0.1", "1.1.1.1, 203.0.113.1"), ip("203.0.113.1"));
    assert_eq!(caller("198.51.100.9", "203.0.113.1"), ip("198.51.100.9"));
    assert_eq!(entrance.caller(None, &HeaderMap::new()), None);
}
