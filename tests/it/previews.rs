//! What a policy would have done, with all that would have held it back.

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, finding, text};

/// What a policy of this handling, before the others, would have done since the beginning.
async fn preview(app: &TestApp, msp: &Msp<'_>, more: Value) -> Value {
    let query =
        "query($of: PolicyPreviewOfInput!) { policyPreview(of: $of, since: \"2026-11-21T00:00:00Z\") {
        eventCount toldFindingCount tickets { title dueAt eventCount }
        skips { event { title } reason explanation } } }";
    let mut input = json!({ "organizationId": msp.organization, "name": "Tried", "place": 1 });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.graphql(query, json!({ "of": { "input": input } })).await["policyPreview"].clone()
}

/// Each skip with the title of its event and its reason, the newest first.
fn skips(preview: &Value) -> Vec<(String, String)> {
    let all = preview["skips"].as_array().unwrap().iter();
    all.map(|skip| {
        let title = text(skip, "/event/title");
        (title.split(' ').next().unwrap_or_default().to_owned(), text(skip, "/reason"))
    })
    .collect()
}

fn skip(key: &str, reason: &str) -> (String, String) {
    (key.to_owned(), reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_mutes_windows_the_settle_time_and_the_storm_cap_would_have_held_back() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    for key in ["CVE-1", "CVE-2", "CVE-3", "CVE-4"] {
        acme.posts(&finding(key).severity("info").now()).await.is_accepted();
        app.pass(60).await;
    }
    acme.posts(&finding("CVE-4").severity("info").resolved().now()).await.is_accepted();
    app.pass(60).await;
    let later = |secs: i64| app.clock.now().plus_secs(secs).rfc3339();
    let found = acme.findings().await;
    let muted = found.iter().find(|found| text(found, "/title").starts_with("CVE-2")).unwrap();
    let mute = json!({ "of": { "findingId": muted["id"] }, "until": later(86_400), "reason": "accepted" });
    app.does("findingMute", "mute { id }", mute).await;
    let window = json!({ "organizationId": acme.organization, "name": "Patch day", "startsAt": later(0), "endsAt": later(600) });
    app.does("maintenanceWindowCreate", "maintenanceWindow { id }", window).await;
    app.pass(60).await;
    acme.posts(&finding("CVE-5").severity("info").now()).await.is_accepted();
    // The window is over by the time of the preview.
    app.pass(1_200).await;

    let seen = preview(&app, &acme, json!({})).await;
    let others = [skip("CVE-5", "maintenance"), skip("CVE-4", "opens_nothing"), skip("CVE-2", "muted")];
    assert_eq!(skips(&seen), others, "{seen:#}");
    let why = text(&seen["skips"][0], "/explanation");
    assert!(why.contains("the maintenance window \"Patch day\" is open until"), "{why}");
    assert!(text(&seen["skips"][2], "/explanation").contains("accepted"), "{seen:#}");
    assert_eq!(seen["tickets"].as_array().unwrap().len(), 3, "{seen:#}");

    // CVE-4 was over before it had settled; the others are due then.
    let settling = preview(&app, &acme, json!({ "handling": { "settleSeconds": 300 } })).await;
    assert!(skips(&settling).contains(&skip("CVE-4", "over_before_due")), "{settling:#}");
    let due: Vec<_> =
        settling["tickets"].as_array().unwrap().iter().map(|ticket| ticket["dueAt"].clone()).collect();
    assert_eq!(due, [json!("2026-11-21T09:07:00Z"), json!("2026-11-21T09:05:00Z")]);

    let capped = preview(&app, &acme, json!({ "handling": { "stormCap": 2 } })).await;
    let titles: Vec<_> =
        capped["tickets"].as_array().unwrap().iter().map(|ticket| text(ticket, "/title")).collect();
    assert_eq!(titles.len(), 2, "{capped:#}");
    assert!(titles.iter().all(|title| !title.contains("CVE-4")), "the last one to come: {titles:?}");
    let storm = capped["skips"].as_array().unwrap().iter().find(|skip| skip["reason"] == "storm").unwrap();
    let words = "the policy has opened 2 tickets within an hour: goes on one for all of \"Northwind Dental\"";
    assert_eq!(storm["explanation"], words);

    let telling = preview(&app, &acme, json!({ "opensTickets": false })).await;
    assert_eq!((&telling["tickets"], &telling["toldFindingCount"]), (&json!([]), &json!(3)));
    let told = telling["skips"].as_array().unwrap().iter().filter(|skip| skip["reason"] == "told");
    let words: Vec<_> = told.map(|skip| text(skip, "/explanation")).collect();
    assert_eq!(words, ["subscribers are told of it; no ticket wanted by the policy \"Tried\""; 3]);
    assert_eq!(app.halo.ledger().len(), 0, "nothing was done");
}
