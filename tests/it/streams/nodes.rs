//! Several gateways on one PostgreSQL database.

use serde_json::json;

use super::{DELIVERIES, TICKETS, revoke, token};
use crate::support::{Socket, TestApp, finding, text};

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_on_one_node_is_heard_on_the_other() {
    let app = TestApp::start().await;
    if app.app.ground.db.is_sqlite() {
        return;
    }
    let acme = app.msp("acme").await.ready().await;
    let other = app.another_node().await;
    let (id, token) = token(&app, &acme, None).await;
    let mut wall = Socket::signed_in(other.address(), &token).await;
    wall.watches("1", DELIVERIES, json!({})).await;
    let mut here = Socket::signed_in(app.app.address(), &token).await;
    here.watches("1", DELIVERIES, json!({})).await;

    let posted = acme.posts(&finding("CVE-2024-3094")).await;
    posted.is_accepted();
    let event = wall.event("1").await;
    assert_eq!(here.event("1").await, event, "the same on both");
    here.settles().await;

    wall.watches("2", TICKETS, json!({ "filter": { "state": { "in": ["OPEN"] } } })).await;
    app.drain().await;
    assert!(text(&wall.event("2").await, "/ticketUpdated/ticket/title").contains("CVE-2024-3094"));

    // A ticket that is opened sooner than its plan is heard of is heard of as open twice.
    revoke(&app, &id).await;
    assert_eq!(
        wall.end_after("2").await,
        (4403, "Forbidden".to_owned()),
        "a token is revoked everywhere at once"
    );
    other.stop().await;
}
