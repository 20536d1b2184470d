//! Tickets of unknown fate, and what changed.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn search() -> MarkerSearch {
    MarkerSearch { marker: MARKER.into(), company_external_id: "12".into(), since: since(), until: None }
}

/// A row of the list: tags and first comment as given.
fn row(id: i64, tags: &Value, body: &Value) -> Value {
    let comments = if body.is_null() { json!([]) } else { json!([{"id": id * 10, "body": body}]) };
    json!({"id": id, "number": id, "customer_id": 12, "status": "New", "tag_list": tags,
        "created_at": "2026-11-21T09:30:00.000Z", "comments": comments})
}

async fn found(rows: Vec<Value>, whole: Option<Value>) -> (Result<Vec<String>, PsaError>, Canned) {
    let server = syncro(move |asked| match asked.path.as_str() {
        "/api/v1/tickets" => Some(list(&rows, 1, 1)),
        "/api/v1/tickets/5" => whole.clone().map(|row| Play::json(200, &json!({ "ticket": row }))),
        "/api/v1/tickets/5/comments" => {
            Some(Play::json(200, &fixture(include_str!("../fixtures/comments.json"))))
        }
        _ => None,
    })
    .await;
    let found = connect(&server).find_by_marker(&search()).await;
    (found.map(|tickets| tickets.into_iter().map(|ticket| ticket.external_id).collect()), server)
}

#[tokio::test]
async fn a_marked_ticket_is_found_by_its_tag_or_its_first_comment_alone() {
    let ours = json!([MARKER]);
    let none = json!([]);
    let other = json!(["PSAGW-OTHEROTHEROTHER12345"]);
    let line = json!(format!("a < b\r\n\r\nReference: {MARKER}"));
    let quoted = json!(format!("Reference: {MARKER}\nthanks"));
    let text = json!("x");
    for (name, rows, wanted) in [
        ("tags, oldest first", vec![row(9, &ours, &text), row(8, &ours, &text)], vec!["8", "9"]),
        ("comment", vec![row(7, &none, &text), row(8, &none, &line)], vec!["8"]),
        ("a tag beats a forwarded text", vec![row(7, &none, &line), row(8, &ours, &text)], vec!["8"]),
        ("another one of ours", vec![row(7, &other, &line)], vec![]),
        ("quoted", vec![row(7, &none, &quoted)], vec![]),
        ("part of a tag", vec![row(7, &json!([format!("{MARKER}X"), "psagw"]), &text)], vec![]),
        ("none", vec![], vec![]),
    ] {
        let (found, server) = found(rows, None).await;
        assert_eq!(found.unwrap(), wanted, "{name}");
        let asked = &server.asked()[0];
        assert_eq!(asked.query("customer_id"), Some("12"));
        assert_eq!(asked.query("created_after"), Some("2026-11-20T09:00:00Z"));
        assert_eq!(asked.query("query"), None, "no text of ours goes into a search");
    }
}

#[tokio::test]
async fn what_a_row_leaves_out_is_read() {
    let bare = json!({"id": 5, "created_at": "2026-11-21T09:30:00Z"});
    let none = json!([]);
    for (name, whole, wanted) in [
        ("tags of the ticket", row(5, &json!([MARKER]), &Value::Null), vec!["5"]),
        ("comments of the ticket", row(5, &none, &json!(format!("x\nReference: {MARKER}"))), vec!["5"]),
        ("comments on their own", row(5, &none, &Value::Null), vec!["5"]),
        ("another's", row(5, &none, &json!("x")), vec![]),
    ] {
        assert_eq!(found(vec![bare.clone()], Some(whole)).await.0.unwrap(), wanted, "{name}");
    }
    let old = json!({"id": 5, "created_at": "2026-11-20T09:30:00Z"});
    let (found, server) = found(vec![old], None).await;
    assert_eq!((found.unwrap().len(), server.asked().len()), (0, 1), "older than the search");
}

#[tokio::test]
async fn nothing_is_called_not_there_unless_everything_was_seen() {
    let bare = |id: i64| json!({"id": id, "created_at": "2026-11-21T09:30:00Z"});
    let many: Vec<_> = (1..=60).map(bare).collect();
    let (found, _) = found(many, None).await;
    assert!(matches!(found, Err(PsaError::CannotTell { .. })), "{found:?}");
    let seen = |id: i64| row(id, &json!([]), &json!("x"));
    for (name, play) in [
        ("endless", None),
        ("repeated", Some(list(&[seen(1)], 1, 9))),
        ("empty in the middle", Some(list(&[], 1, 9))),
        ("no list", Some(Play::json(200, &json!({})))),
        ("page", Some(Play::text(200, "<html>"))),
    ] {
        let server = syncro(move |asked| {
            let page: i64 = asked.query("page")?.parse().ok()?;
            Some(play.clone().unwrap_or_else(|| list(&[seen(page)], page, 1_000)))
        })
        .await;
        let found = connect(&server).find_by_marker(&search()).await;
        let wanted = if name == "endless" { "cannot_tell" } else { "unavailable" };
        assert_eq!(found.unwrap_err().code(), wanted, "{name}");
    }
}

#[tokio::test]
async fn a_ticket_that_slipped_over_a_pages_edge_is_found_by_looking_again() {
    let looks = AtomicUsize::new(0);
    let server = syncro(move |asked| {
        let page: i64 = asked.query("page")?.parse().ok()?;
        let look = looks.fetch_add(1, Ordering::SeqCst) / 2;
        let (none, text) = (json!([]), json!("x"));
        let rows = match (look, page) {
            (_, 1) => vec![row(1, &none, &text)],
            (0, _) => vec![row(2, &none, &text)],
            _ => vec![row(3, &json!([MARKER]), &text)],
        };
        Some(list(&rows, page, 2))
    })
    .await;
    let found = connect(&server).find_by_marker(&search()).await.unwrap();
    assert_eq!((found.len(), server.asked().len()), (1, 4));
}

#[tokio::test]
async fn a_search_says_what_else_it_gave() {
    let (ours, text) = (row(8, &json!([MARKER]), &json!("x")), json!("x"));
    let quoting = row(7, &json!([]), &json!(format!("> Reference: {MARKER}")));
    for (name, play, wanted) in [
        ("it and nothing else", list(std::slice::from_ref(&ours), 1, 1), Some((true, 0))),
        ("quoted elsewhere", list(&[ours, quoting], 1, 1), Some((false, 1))),
        ("a search that is ignored", list(&[row(6, &json!([]), &text)], 1, 9), Some((false, 2))),
        ("more of it", list(&[row(8, &json!([MARKER]), &text)], 1, 2), Some((false, 1))),
        ("nothing", list(&[], 1, 1), Some((false, 0))),
        ("refused", Play::json(422, &json!({"error": "no"})), None),
    ] {
        let server = syncro(move |asked| (asked.path == "/api/v1/tickets").then(|| play.clone())).await;
        let asked = connect(&server).ask_for_mark(MARKER).await.unwrap();
        assert_eq!(asked.map(|asked| (asked.is_only("8"), asked.others)), wanted, "{name}");
        assert_eq!(server.asked()[0].query("query"), Some(MARKER), "{name}");
    }
}

#[tokio::test]
async fn changes_come_oldest_first_whatever_order_syncro_has() {
    let changed = |id: i64, at: &str| json!({"id": id, "status": "Resolved", "updated_at": at});
    let server = syncro(move |asked| {
        let page: i64 = asked.query("page")?.parse().ok()?;
        let rows = match page {
            1 => vec![
                changed(1, "2026-11-21T01:40:00.123-08:00"),
                changed(2, "2026-11-21T09:20:00Z"),
                changed(3, "2026-11-21T08:00:00Z"),
            ],
            _ => vec![json!({"id": "no"}), changed(4, "2026-11-21T09:30:00Z"), json!({"id": 5})],
        };
        Some(list(&rows, page, 2))
    })
    .await;
    let page = connect(&server).changed_since(since(), None).await.unwrap();
    let seen: Vec<_> = page.items.iter().map(|ticket| ticket.external_id.as_str()).collect();
    assert_eq!((seen, page.next), (vec!["5", "2", "4", "1"], None));
    assert_eq!(server.asked()[0].query("since_updated_at"), Some("2026-11-21T08:59:59Z"));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_list_that_moved_while_it_was_read_is_read_once_more() {
    let calls = AtomicUsize::new(0);
    let server = syncro(move |asked| {
        let page: i64 = asked.query("page")?.parse().ok()?;
        let changed = |id: i64, at: &str| json!({"id": id, "status": "New", "updated_at": at});
        // Ticket 1 changes after the first page was read and moves to the end; ticket 3 slips to page one.
        let rows = match (calls.fetch_add(1, Ordering::SeqCst), page) {
            (0, _) => vec![changed(1, "2026-11-21T09:01:00Z"), changed(2, "2026-11-21T09:02:00Z")],
            (_, 1) => vec![changed(2, "2026-11-21T09:02:00Z"), changed(3, "2026-11-21T09:03:00Z")],
            _ => vec![changed(4, "2026-11-21T09:04:00Z"), changed(1, "2026-11-21T09:05:00Z")],
        };
        Some(list(&rows, page, 2))
    })
    .await;
    let page = connect(&server).changed_since(since(), None).await.unwrap();
    let seen: Vec<_> = page.items.iter().map(|ticket| ticket.external_id.as_str()).collect();
    assert_eq!(seen, ["2", "3", "4", "1"]);
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn many_changes_come_in_several_pages_and_an_ignored_time_is_noticed() {
    let server = syncro(|asked| {
        let page: i64 = asked.query("page")?.parse().ok()?;
        let at = if asked.query("since_updated_at") == Some("2026-11-21T08:59:59Z") {
            "2026-11-21T09:10:00Z"
        } else {
            "2020-01-01T00:00:00Z"
        };
        Some(list(&[json!({"id": page, "status": "New", "updated_at": at})], page, 25))
    })
    .await;
    let psa = connect(&server);
    let first = psa.changed_since(since(), None).await.unwrap();
    let second = psa.changed_since(since(), first.next.as_deref()).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next), (20, 5, None));
    let ignored = psa.changed_since(since().plus_secs(60), None).await;
    assert!(matches!(ignored, Err(PsaError::Unavailable { .. })), "{ignored:?}");
}
