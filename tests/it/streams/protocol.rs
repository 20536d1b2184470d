//! `graphql-transport-ws`, to the letter.

use serde_json::json;
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::OpCode};

use super::{DELIVERIES, code};
use crate::support::{Socket, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_without_the_subprotocol_is_closed_with_4406() {
    let app = TestApp::start().await;
    let mut socket = Socket::try_open(app.app.address(), &[]).await.unwrap();
    assert_eq!(socket.end().await, (4406, "Subprotocol not acceptable".to_owned()));
    // The older protocol of the same purpose is another one.
    let old = Socket::try_open(app.app.address(), &[("sec-websocket-protocol", "graphql-ws")]).await;
    assert!(old.is_err(), "nothing is agreed on, which the client notices by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_who_they_are_is_closed_with_4408() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(app.app.address()).await;
    socket.sends(json!({ "type": "ping" })).await;
    assert_eq!(socket.hears().await, json!({ "type": "pong" }), "not before its time");
    app.clock.advance_secs(3);
    assert_eq!(socket.end().await, (4408, "Connection initialisation timeout".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn saying_it_twice_is_4429_and_asking_before_is_4401() {
    let app = TestApp::start().await;
    let mut socket = Socket::signed_in(app.app.address(), &app.token).await;
    socket.introduces(&app.token).await;
    assert_eq!(socket.end().await, (4429, "Too many initialisation requests".to_owned()));

    let mut socket = Socket::open(app.app.address()).await;
    socket.subscribes("1", "{ viewer { name } }", json!({})).await;
    assert_eq!(socket.end().await, (4401, "Unauthorized".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_protocol_is_4400() {
    let app = TestApp::start().await;
    let strange = [
        Message::text("{"),
        Message::text(json!({ "type": "start", "id": "1" }).to_string()),
        Message::text(json!({ "type": "subscribe", "id": "1", "payload": { "query": 1 } }).to_string()),
        Message::binary(json!({ "type": "ping" }).to_string().into_bytes()),
    ];
    for message in strange {
        let mut socket = Socket::signed_in(app.app.address(), &app.token).await;
        socket.sends_raw(message.clone()).await;
        assert_eq!(socket.end().await.0, 4400, "{message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_in_use_is_4409_and_a_completed_one_is_free() {
    let app = TestApp::start().await;
    let mut socket = Socket::signed_in(app.app.address(), &app.token).await;
    socket.watches("1", DELIVERIES, json!({})).await;
    socket.sends(json!({ "type": "complete", "id": "1" })).await;
    // One that is not known any more, or never was, is no mistake.
    socket.sends(json!({ "type": "complete", "id": "1" })).await;
    socket.subscribes("1", "{ viewer { name } }", json!({})).await;
    assert_eq!(socket.event("1").await["viewer"]["name"], "first administrator");
    assert_eq!(socket.hears().await, json!({ "id": "1", "type": "complete" }));

    socket.watches("1", DELIVERIES, json!({})).await;
    socket.subscribes("1", "{ viewer { name } }", json!({})).await;
    assert_eq!(socket.end().await, (4409, "Subscriber for 1 already exists".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_answered_with_what_came_with_them() {
    let app = TestApp::start().await;
    let mut socket = Socket::signed_in(app.app.address(), &app.token).await;
    socket.sends(json!({ "type": "ping", "payload": { "sent": 7 } })).await;
    assert_eq!(socket.hears().await, json!({ "type": "pong", "payload": { "sent": 7 } }));
    socket.sends(json!({ "type": "pong" })).await;
    socket.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_closes_the_socket_whole_or_in_parts() {
    let app = TestApp::start_with(&[("graphql_socket_message_bytes", "2000")]).await;
    let mut socket = Socket::signed_in(app.app.address(), &app.token).await;
    socket.sends_raw(Message::text(" ".repeat(2_001))).await;
    assert_eq!(socket.end().await.0, 1009);

    let mut socket = Socket::signed_in(app.app.address(), &app.token).await;
    for part in 0..3 {
        use tokio_tungstenite::tungstenite::protocol::frame::{Frame, coding::Data};
        let kind = if part == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(" ".repeat(1_000), OpCode::Data(kind), false);
        socket.sends_raw(Message::Frame(frame)).await;
    }
    assert_eq!(socket.end().await.0, 1009);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_mutations_are_answered_once_and_refusals_are_errors() {
    let app = TestApp::start().await;
    let mut socket = Socket::signed_in(app.app.address(), &app.token).await;
    let query = "mutation($input: OrganizationCreateInput!) { organizationCreate(input: $input) {
                   organization { slug } userErrors { message } } }";
    socket.subscribes("m", query, json!({ "input": { "slug": "acme", "name": "Acme" } })).await;
    assert_eq!(socket.event("m").await["organizationCreate"]["organization"]["slug"], "acme");
    assert_eq!(socket.hears().await, json!({ "id": "m", "type": "complete" }));

    let deep = format!(
        "{{ node(id: 1) {{ ... on Ticket {{ {} id {} }} }} }}",
        "previousTicket { ".repeat(16),
        "}".repeat(16)
    );
    let run = "subscription { syncRunProgressed(id: \"U3luY1J1bjox\") { eventId } }";
    for (query, expected) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { node(id: $id) { id } }", "BAD_USER_INPUT"),
        (deep.as_str(), "DEPTH_LIMIT_EXCEEDED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { a: webhookDeliveryReceived { eventId } ticketUpdated { eventId } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (run, "BAD_USER_INPUT"),
        (
            "subscription { ticketUpdated(filter: { company: { id: { eq: \"x\" } } }) { eventId } }",
            "BAD_USER_INPUT",
        ),
    ] {
        socket.subscribes("e", query, json!({})).await;
        let message = socket.hears().await;
        assert_eq!((&message["type"], code(&message["payload"])), (&json!("error"), expected), "{message:#}");
        assert!(message["payload"][0]["extensions"]["requestId"].is_string());
    }
    // A field that fails is a result, of which the rest stays.
    socket.subscribes("f", "{ viewer { name } node(id: \"x\") { id } }", json!({})).await;
    assert_eq!(socket.event("f").await["node"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_one_socket_are_counted() {
    let app = TestApp::start_with(&[("graphql_socket_operations", "2")]).await;
    let mut socket = Socket::signed_in(app.app.address(), &app.token).await;
    socket.watches("1", DELIVERIES, json!({})).await;
    socket.subscribes("2", DELIVERIES, json!({})).await;
    socket.subscribes("3", "{ viewer { name } }", json!({})).await;
    let refused = socket.hears().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("3")));
    assert_eq!(code(&refused["payload"]), "THROTTLED");
    socket.sends(json!({ "type": "complete", "id": "2" })).await;
    socket.settles().await;
}
