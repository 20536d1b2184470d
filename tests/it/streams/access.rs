//! Who may open a socket, how many, and for how long.

use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use super::{DELIVERIES, revoke, token};
use crate::support::{PROTOCOL, Socket, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_a_socket_is_closed_with_4403() {
    let app = TestApp::start().await;
    let token = app.token.as_str();
    for payload in [
        json!(null),
        json!({}),
        json!({ "authorization": "Bearer pgw_nobody" }),
        json!({ "authorization": token }),
        json!({ "authorization": format!("Basic {token}") }),
        json!({ "authorization": 1 }),
    ] {
        let mut socket = Socket::open(app.app.address()).await;
        socket.sends(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.end().await, (4403, "Forbidden".to_owned()), "{payload}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_may_come_with_the_request_or_with_the_first_message_which_counts_more() {
    let app = TestApp::start().await;
    let good = format!("Bearer {}", app.token);
    for (header, payload, is_taken) in [
        (good.as_str(), json!(null), true),
        ("Bearer pgw_nobody", json!({ "AUTHORIZATION": good.replace("Bearer", "bearer") }), true),
        (good.as_str(), json!({ "authorization": "Bearer pgw_nobody" }), false),
    ] {
        let headers = [PROTOCOL, ("authorization", header)];
        let mut socket = Socket::try_open(app.app.address(), &headers).await.unwrap();
        socket.sends(json!({ "type": "connection_init", "payload": payload })).await;
        if is_taken {
            assert_eq!(socket.hears().await, json!({ "type": "connection_ack" }));
        } else {
            assert_eq!(socket.end().await.0, 4403);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_closes_its_socket_at_once_and_no_other() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let (id, its) = token(&app, &acme, None).await;
    let (_, other) = token(&app, &acme, None).await;
    let mut socket = Socket::signed_in(app.app.address(), &its).await;
    let mut beside = Socket::signed_in(app.app.address(), &other).await;
    socket.watches("1", DELIVERIES, json!({})).await;
    revoke(&app, &id).await;
    assert_eq!(socket.end().await, (4403, "Forbidden".to_owned()));
    beside.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_closes_its_socket_when_it_is_looked_at_again() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    // The clock stands at 09:00.
    let (_, token) = token(&app, &acme, Some("2026-11-21T09:01:00Z")).await;
    let mut socket = Socket::signed_in(app.app.address(), &token).await;
    app.clock.advance_secs(31);
    socket.settles().await;
    app.clock.advance_secs(60);
    assert_eq!(socket.end().await, (4403, "Forbidden".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_one_token_are_counted_and_a_closed_one_frees_its_place() {
    let app = TestApp::start_with(&[("graphql_sockets_per_token", "1")]).await;
    let acme = app.msp("acme").await;
    let (_, its) = token(&app, &acme, None).await;
    let (_, other) = token(&app, &acme, None).await;
    let first = Socket::signed_in(app.app.address(), &its).await;
    let mut second = Socket::open(app.app.address()).await;
    second.introduces(&its).await;
    assert_eq!(second.end().await.0, 1013);
    Socket::signed_in(app.app.address(), &other).await.settles().await;
    drop(first);
    crate::support::wait_until("the place is free", async || {
        let mut again = Socket::open(app.app.address()).await;
        again.introduces(&its).await;
        again.is_taken().await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_page_opens_no_socket_and_the_gateways_own_does() {
    let app = TestApp::start().await;
    let address = app.app.address();
    let evil = Socket::try_open(address, &[PROTOCOL, ("origin", "https://evil.example")]).await;
    let Err(Error::Http(answer)) = evil else { panic!("it was opened") };
    assert_eq!(answer.status(), 403);
    let own = format!("http://{address}");
    assert!(Socket::try_open(address, &[PROTOCOL, ("origin", &own)]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_says_goodbye() {
    let app = TestApp::start().await;
    let other = app.another_node().await;
    let mut socket = Socket::signed_in(other.address(), &app.token).await;
    socket.watches("1", DELIVERIES, json!({})).await;
    let ((code, _), ()) = tokio::join!(socket.end(), other.stop());
    assert_eq!(code, 1001);
}
