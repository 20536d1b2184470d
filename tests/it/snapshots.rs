//! Senders that name everything that is still there, instead of saying what is gone.

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::json;

use crate::support::{Msp, TestApp, finding};

/// A snapshot of a scope, so many minutes after the first events.
async fn snapshot(msp: &Msp<'_>, scope: &str, present: &[&str], minutes: i64) {
    let shot = finding("snapshot").kind("scan.snapshot").at(minutes).with("scope_key", json!(scope));
    msp.posts(&shot.with("present", json!(present))).await.is_accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_snapshot_no_longer_names_is_gone_and_nothing_else_is() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;
    for (key, scope) in [("CVE-1", "web"), ("CVE-2", "web"), ("CVE-3", "database")] {
        acme.posts(&finding(key).with("scope_key", json!(scope))).await.is_accepted();
    }
    acme.posts(&finding("CVE-1").of("harbor").with("scope_key", json!("web"))).await.is_accepted();
    acme.posts(&finding("CVE-4")).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 5);

    // Taken before anything was seen: it says nothing of what came later.
    snapshot(&acme, "web", &[], -60).await;
    app.drain().await;
    assert_eq!(app.halo.ledger().iter().filter(|ticket| ticket.closed).count(), 0);

    snapshot(&acme, "web", &["CVE-2"], 5).await;
    app.drain().await;
    let closed: Vec<_> = app.halo.ledger().into_iter().filter(|ticket| ticket.closed).collect();
    assert_eq!(closed.len(), 1, "only CVE-1 of this customer, in this scope");
    assert!(closed[0].notes.iter().any(|note| note.text.contains("no longer sees this")));
    let outcomes = acme.events().await;
    let swept = outcomes.iter().find(|event| event["reason"] == "absent").expect("the snapshot's outcome");
    assert_eq!(swept["outcome"], "CLOSED");
    assert_eq!(swept["explanation"], "1 findings of this scope are gone; 1 tickets close");

    // Named again later, it is there again: the same ticket.
    app.clock.advance_secs(600);
    acme.posts(&finding("CVE-1").at(10).with("scope_key", json!("web"))).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 5);
    assert!(app.halo.ledger().iter().all(|ticket| !ticket.closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_in_the_delivery_of_its_findings_ends_none_of_them() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-1").with("scope_key", json!("web"))).await.is_accepted();
    app.drain().await;
    let shot = finding("snapshot").kind("scan.snapshot").at(5).with("scope_key", json!("web"));
    let list = json!([
        shot.with("present", json!(["CVE-2"])).json(),
        finding("CVE-2").at(5).with("scope_key", json!("web")).json(),
    ]);
    acme.posts_raw(list.to_string().as_bytes()).await.is_accepted();
    app.drain().await;
    let ledger = app.halo.ledger();
    assert_eq!(ledger.iter().map(|ticket| ticket.closed).collect::<Vec<_>>(), [true, false]);
}
