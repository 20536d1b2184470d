use std::time::Duration;

use actix_web::web::Bytes;
use entity::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::json;

use super::*;
use crate::{
    ground::Ground,
    psa::canned::{Canned, Play},
    queue::budget::RateLimit,
};

fn outbound(client: ClientOptions) -> Outbound {
    outbound_at(client, Clock::system())
}

fn outbound_at(client: ClientOptions, clock: Clock) -> Outbound {
    let client = ClientOptions { allow_private: PrivateAddresses::All, ..client };
    Outbound::new(OutboundOptions { clock, client, ..OutboundOptions::default() }).unwrap()
}

fn get(base: &str, path: &str) -> Call {
    Call::get(Url::parse(&format!("{base}{path}")).unwrap())
}

fn is_maybe_sent<T>(result: &Result<T, CallFailed>) -> bool {
    matches!(result, Err(CallFailed::MaybeSent { .. }))
}

#[tokio::test]
async fn a_failure_says_whether_the_server_can_have_seen_the_request() {
    let server = Canned::start(|asked| match asked.path.as_str() {
        "/cut" => Play::Cut,
        "/truncated" => Play::Truncated,
        "/hang" => Play::Hang,
        "/long" => Play::text(200, &"x".repeat(2_000)),
        _ => Play::json(200, &json!({})),
    })
    .await;
    let options = ClientOptions {
        connect_timeout: Duration::from_millis(300),
        timeout: Duration::from_millis(800),
        max_body: 1_000,
        ..Default::default()
    };
    let http = outbound(options);
    for path in ["/cut", "/truncated", "/hang", "/long"] {
        assert!(is_maybe_sent(&http.send(get(&server.base, path)).await), "{path}");
    }
    assert_eq!(http.send(get(&server.base, "/")).await.map(|answer| answer.status), Ok(200));

    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let refused = http.send(get(&closed, "/secret?token=abc")).await;
    let Err(CallFailed::NotSent { detail }) = refused else { panic!("a refused connection sends nothing") };
    assert!(detail.starts_with("no connection"), "{detail}");
    assert!(!detail.contains("abc"), "{detail}");
    let plain = Url::parse(&server.base.replace("http:", "https:")).unwrap();
    let no_tls = http.send(Call::get(plain)).await;
    assert!(matches!(no_tls, Err(CallFailed::NotSent { .. })), "a broken TLS handshake sends nothing");
}

#[tokio::test]
async fn private_addresses_are_refused_before_anything_is_sent() {
    let server = Canned::start(|_| Play::json(200, &json!({}))).await;
    let http = Outbound::new(OutboundOptions::default()).unwrap();
    let port = Url::parse(&server.base).unwrap().port().unwrap();
    for url in [format!("https://127.0.0.1:{port}/"), format!("https://localhost:{port}/")] {
        let result = http.send(Call::get(Url::parse(&url).unwrap())).await;
        let Err(CallFailed::NotSent { detail }) = result else { panic!("{url} was called") };
        assert!(detail.contains("not called unless the operator allows it"), "{detail}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_compressed_answer_is_measured_unpacked_and_redirects_are_not_followed() {
    // 20,000 letters x, gzip: 45 bytes on the wire.
    let packed: Vec<u8> = gzip_of_letters();
    let server = Canned::start(move |asked| match asked.path.as_str() {
        "/packed" => Play::Answer(200, vec![("content-encoding".into(), "gzip".into())], packed.clone()),
        "/moved" => Play::text(302, "").header("location", "/"),
        _ => Play::json(200, &json!({})),
    })
    .await;
    let small = outbound(ClientOptions { max_body: 19_999, ..Default::default() });
    assert!(is_maybe_sent(&small.send(get(&server.base, "/packed")).await));
    let large = outbound(ClientOptions { max_body: 20_000, ..Default::default() });
    assert_eq!(large.send(get(&server.base, "/packed")).await.unwrap().body.len(), 20_000);
    assert_eq!(large.send(get(&server.base, "/moved")).await.unwrap().status, 302);
    assert_eq!(server.calls("GET", "/").len(), 0);
}

/// A gzip member of one fixed-Huffman block: the letter x, then copies of it at distance 1.
fn gzip_of_letters() -> Vec<u8> {
    const COUNT: usize = 20_000;
    let (mut out, mut bits, mut filled) = (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], 0_u64, 0_u32);
    let mut put = |value: u64, width: u32, reversed: bool| {
        for i in 0..width {
            let bit = if reversed { value >> (width - 1 - i) } else { value >> i } & 1;
            bits |= bit << filled;
            filled += 1;
            if filled == 8 {
                out.push(u8::try_from(bits).unwrap());
                (bits, filled) = (0, 0);
            }
        }
    };
    put(0b011, 3, false); // the last block, fixed codes
    put(0x30 + u64::from(b'x'), 8, true);
    let mut left = COUNT - 1;
    while left >= 258 {
        put(0b1100_0101, 8, true); // length 258
        put(0, 5, true); // distance 1
        left -= 258;
    }
    for _ in 0..left {
        put(0x30 + u64::from(b'x'), 8, true);
    }
    put(0, 7, true); // the end
    put(0, 7, false); // to a whole byte
    let sum = crc32fast::hash(&vec![b'x'; COUNT]);
    out.extend(sum.to_le_bytes());
    out.extend(u32::try_from(COUNT).unwrap().to_le_bytes());
    out
}

#[tokio::test]
async fn work_is_told_which_calls_it_made_and_only_those() {
    let server = Canned::start(|_| Play::json(404, &json!({}))).await;
    let http = outbound(ClientOptions::default());
    let one = traced(async { http.send(get(&server.base, "/one?secret=1")).await.is_ok() });
    let two = traced(async { http.send(get(&server.base, "/two")).await.is_ok() });
    let ((_, one), (_, two)) = tokio::join!(one, two);
    let seen = |calls: Vec<CallTrace>| calls.into_iter().map(|c| (c.path, c.status)).collect::<Vec<_>>();
    assert_eq!(seen(one), [("/one".to_owned(), Some(404))]);
    assert_eq!(seen(two), [("/two".to_owned(), Some(404))]);
}

#[tokio::test]
async fn a_used_up_budget_sends_nothing() {
    let server = Canned::start(|_| Play::json(200, &json!({}))).await;
    let ground = crate::testing::ground().await;
    let clock = ground.clock.clone();
    let limit = RateLimit { calls: 6, window_secs: 60 };
    // Two nodes that share a budget: one that died with calls in hand has spent them.
    let node = || {
        outbound_at(ClientOptions::default(), clock.clone()).counted(SharedBudget::new(
            Ground::clone(&ground),
            "halo/x",
            limit,
        ))
    };
    assert!(node().send(get(&server.base, "/")).await.is_ok());
    let http = node();
    for _ in 0..2 {
        assert!(http.clone().send(get(&server.base, "/")).await.is_ok());
    }
    let Err(CallFailed::OverBudget { retry_after_secs }) = http.send(get(&server.base, "/")).await else {
        panic!("a third call was sent")
    };
    assert_eq!(server.asked().len(), 3);
    clock.advance_secs(retry_after_secs);
    assert!(http.send(get(&server.base, "/")).await.is_ok());
}

#[test]
fn waiting_times_are_read_in_seconds_and_as_dates() {
    let clock = Clock::manual(Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap());
    let wait = |text: &str| {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
        Answer { status: 429, headers, body: Bytes::new() }.retry_after_secs(&clock)
    };
    assert_eq!(wait("17"), Some(17));
    assert_eq!(wait("Sat, 21 Nov 2026 10:01:00 GMT"), Some(60));
    assert_eq!(wait("Sat, 21 Nov 2026 09:00:00 GMT"), Some(0));
    assert_eq!(wait("-5"), None);
    assert_eq!(wait("soon"), None);
}
