use entity::{Timestamp, notification::NotificationKind};
use serde_json::{Value, json};

use super::content::{MAX_BODY, body};

#[test]
fn a_body_never_grows_beyond_its_bound_and_still_says_how_many_there_are() {
    let long = "\u{1}".repeat(500);
    let findings: Vec<Value> =
        (0..50).map(|number| json!({ "key": format!("{number}{long}"), "title": long })).collect();
    let aliases = vec![json!({ "source": long, "value": long }); 50];
    let data = json!({ "company": { "aliases": aliases }, "findings": findings, "finding_count": 50,
        "note": { "text": "\u{1}".repeat(4_000) } });
    let text = body(NotificationKind::TicketNoted, Timestamp::from_secs(1_795_262_400), &data);
    assert!(text.len() <= MAX_BODY, "{}", text.len());
    let sent: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&sent["type"], &sent["timestamp"]), (&json!("ticket.noted"), &json!("2026-11-21T12:00:00Z")));
    assert_eq!(sent["data"]["finding_count"], 50);
    assert!(sent["data"]["findings"].as_array().is_some_and(|list| list.len() < 50));
    // The text of the note is short enough by itself.
    assert_eq!(sent["data"]["note"], data["note"]);
}
