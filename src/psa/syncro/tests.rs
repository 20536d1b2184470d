//! The connector against played answers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Clock,
    psa::{
        canned::{Asked, Canned, Play},
        http::{ClientOptions, OutboundOptions, PrivateAddresses},
    },
};

mod finding;
mod settings;

const MARKER: &str = "PSAGW-ABCDEFGHIJ0123456789";
const NOTE_MARKER: &str = "PSAGW-N-00112233445566778899aabbccddeeff";
const TOKEN: &str = "T0k3n-s3cret";

fn clock() -> Clock {
    Clock::manual(Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap())
}

fn connect_to(base: &str) -> Arc<dyn Psa> {
    let http = Outbound::new(OutboundOptions {
        clock: clock(),
        client: ClientOptions {
            allow_private: PrivateAddresses::All,
            timeout: Duration::from_secs(2),
            ..ClientOptions::default()
        },
        ..OutboundOptions::default()
    })
    .unwrap();
    let form = [("domain", base), ("api_key", TOKEN)].map(|(key, value)| (key.to_owned(), value.into()));
    let form = Syncro.normalise(form.into()).unwrap();
    Syncro.connect(form, http).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn connect(server: &Canned) -> Arc<dyn Psa> {
    connect_to(&server.base)
}

/// A Syncro that wants the token and knows nothing but what `play` says.
async fn syncro(play: impl Fn(&Asked) -> Option<Play> + Send + Sync + 'static) -> Canned {
    Canned::start(move |asked| {
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Play::json(401, &json!({"error": "Unauthorized"}));
        }
        play(asked).unwrap_or_else(|| Play::json(404, &json!({"message": "Not found"})))
    })
    .await
}

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn ticket(id: i64) -> Value {
    let mut row = fixture(include_str!("fixtures/ticket.json"));
    row["id"] = json!(id);
    row
}

fn one(id: i64) -> Play {
    Play::json(200, &json!({ "ticket": ticket(id) }))
}

fn list(rows: &[Value], page: i64, pages: i64) -> Play {
    Play::json(200, &json!({"tickets": rows, "meta": {"total_pages": pages, "page": page}}))
}

fn refusal(status: u16) -> Play {
    Play::json(status, &fixture(include_str!("fixtures/error_permission.json")))
}

fn draft() -> TicketDraft {
    TicketDraft {
        marker: MARKER.into(),
        company_external_id: "12".into(),
        title: "OpenSSL <b>outdated</b>\non host".into(),
        body: "Line one \"quoted\" \\ {{x}}\n<script>é</script>\u{7}".into(),
        fields: [
            ("ticket_type", "1"),
            ("priority", "2 Normal"),
            ("problem_type", "Software"),
            ("agent", " "),
            ("contact", "9"),
            ("configuration", "71"),
            ("due_days", "7"),
            ("sla", "3"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into(),
        status: Some("New".into()),
    }
}

fn note(is_private: bool) -> NoteDraft {
    NoteDraft {
        marker: NOTE_MARKER.into(),
        text: "Seen again <b>".into(),
        is_private,
        fields: BTreeMap::new(),
    }
}

fn since() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T09:00:00Z").unwrap()
}

fn is(asked: &Asked, method: &str, path: &str) -> bool {
    asked.method == method && asked.path == format!("/api/v1{path}")
}

#[test]
fn what_the_platform_says_of_itself_is_what_syncro_can_do() {
    let can = Syncro.capabilities();
    assert_eq!((can.rate_scope, can.parallel), (RateScope::Installation, 2));
    assert!(can.rate.is_some_and(|rate| rate.calls < 180 && rate.window_secs == 60));
    assert!(can.webhooks && !can.webhook_registration);
    assert!(Syncro.make_webhook_secret("syncro_address", &Chance::seeded(1)).is_none());
    assert!(Syncro.check_webhook_secret("syncro_address", &"long enough a secret".into()).is_err());
    assert!(Syncro.webhook_schemes()[0].help.contains("Notification Center"));
}

#[tokio::test]
async fn a_ticket_goes_out_as_syncro_wants_it_and_a_200_is_a_creation() {
    let server = syncro(|asked| is(asked, "POST", "/tickets").then(|| one(88001))).await;
    let created = connect(&server).create_ticket(&draft()).await.unwrap();
    assert_eq!((created.external_id.as_str(), created.number.as_deref()), ("88001", Some("2012")));
    assert_eq!(created.url.as_deref(), Some(format!("{}/tickets/88001", server.base).as_str()));
    assert_eq!(created.marker.as_deref(), Some(MARKER));
    let asked = &server.calls("POST", "/api/v1/tickets")[0];
    let wanted = json!({
        "customer_id": 12, "subject": "OpenSSL <b>outdated</b> on host", "status": "New",
        "tag_list": [MARKER], "ticket_type_id": 1, "priority": "2 Normal", "problem_type": "Software",
        "contact_id": 9, "asset_ids": [71], "sla_id": 3, "due_date": "2026-11-28T10:00:00Z",
        "comments_attributes": [{
            "subject": "Initial Issue", "hidden": false, "do_not_email": true,
            "body": format!("Line one \"quoted\" \\ {{{{x}}}}\n<script>é</script>\n\nReference: {MARKER}"),
        }],
    });
    assert_eq!(asked.json(), wanted);
    assert!(asked.query.is_empty(), "no token in an address");
}

#[tokio::test]
async fn long_texts_are_cut_and_keep_title_and_reference() {
    let server = syncro(|asked| is(asked, "POST", "/tickets").then(|| one(1))).await;
    let (title, body) = ("é".repeat(300), "ü".repeat(40_000));
    let draft = TicketDraft { title: title.clone(), body, ..draft() };
    connect(&server).create_ticket(&draft).await.unwrap();
    let sent = server.calls("POST", "/api/v1/tickets")[0].json();
    assert_eq!(sent["subject"].as_str().unwrap().chars().count(), 255);
    let text = sent["comments_attributes"][0]["body"].as_str().unwrap();
    assert!(text.starts_with(&title) && text.len() <= 60_000, "{}", text.len());
    assert!(text.ends_with(&format!("holds)\n\nReference: {MARKER}")));
}

#[tokio::test]
async fn values_that_are_no_numbers_are_refused_before_anything_is_sent() {
    let server = syncro(|_| None).await;
    let psa = connect(&server);
    for (field, value) in [("agent", "Ada"), ("due_days", "-1"), ("due_days", "99999"), ("sla", "1.5")] {
        let mut draft = draft();
        draft.fields.insert(field.to_owned(), value.to_owned());
        let Err(PsaError::Rejected { field: Some(blamed), .. }) = psa.create_ticket(&draft).await else {
            panic!("{field}")
        };
        assert_eq!(blamed, field);
    }
    assert!(psa.read_ticket("7/../8", false).await.is_err());
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn a_write_that_may_have_been_carried_out_is_unknown() {
    for (name, play) in [
        ("cut", Play::Cut),
        ("truncated", Play::Truncated),
        ("hang", Play::Hang),
        ("html", Play::text(200, "<html>")),
        ("no id", Play::json(200, &json!({"ticket": {"id": null}}))),
        ("empty", Play::text(200, "")),
        ("500", Play::text(500, "<html>")),
        ("504", Play::text(504, "")),
        ("302", Play::text(302, "").header("location", "https://elsewhere.example/")),
    ] {
        let server = syncro(move |asked| is(asked, "POST", "/tickets").then(|| play.clone())).await;
        let result = connect(&server).create_ticket(&draft()).await;
        assert!(matches!(result, Err(PsaError::Unknown { .. })), "{name}: {result:?}");
        assert_eq!(server.asked().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_write_that_was_never_sent_or_was_refused_is_not_unknown() {
    for (play, code) in [
        (Play::json(422, &json!({"error": "Customer required field"})), "rejected"),
        (Play::json(200, &json!({"success": false, "message": ["Subject can't be blank"]})), "rejected"),
        (refusal(401), "forbidden"),
        (Play::json(401, &json!({"error": "Unauthorized"})), "unauthorized"),
        (Play::text(429, "Retry later"), "rate_limited"),
        (Play::text(404, "<html>"), "unavailable"),
    ] {
        let server = syncro(move |asked| is(asked, "POST", "/tickets").then(|| play.clone())).await;
        let error = connect(&server).create_ticket(&draft()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
    }
    let nobody = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error = connect_to(&nobody).create_ticket(&draft()).await.unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(!format!("{error:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_429_holds_every_other_call_back() {
    let server = syncro(|asked| is(asked, "GET", "/tickets/7").then(|| Play::text(429, ""))).await;
    let psa = connect(&server);
    let wait = PsaError::RateLimited { retry_after_secs: Some(30) };
    assert_eq!(psa.read_ticket("7", false).await, Err(wait.clone()));
    assert_eq!(psa.add_note("8", &note(true)).await, Err(wait));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_missing_ticket_is_none_and_a_page_is_no_answer() {
    let server = syncro(|asked| match asked.path.as_str() {
        "/api/v1/tickets/2" => Some(Play::text(404, "")),
        "/api/v1/tickets/3" => Some(Play::text(404, "<html>")),
        "/api/v1/tickets/4" => Some(Play::text(200, "<html>Sign in</html>")),
        "/api/v1/tickets/5" => Some(Play::json(200, &json!({"ticket": null}))),
        "/api/v1/tickets/6" => Some(one(2012)),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    for gone in ["1", "2"] {
        assert_eq!(psa.read_ticket(gone, false).await, Ok(None), "{gone}");
    }
    for unclear in ["3", "4", "5", "6"] {
        let read = psa.read_ticket(unclear, false).await;
        assert!(matches!(read, Err(PsaError::Unavailable { .. })), "{unclear}: {read:?}");
    }
}

#[tokio::test]
async fn a_ticket_is_read_with_its_offset_and_who_closed_it() {
    let server = syncro(|asked| match asked.path.as_str() {
        "/api/v1/tickets/88001" => {
            let mut row = ticket(88001);
            row["status"] = json!("Resolved");
            row["resolved_at"] = json!("2026-11-21T01:45:00.000-08:00");
            Some(Play::json(200, &json!({ "ticket": row })))
        }
        "/api/v1/tickets/88001/comments" => {
            Some(Play::json(200, &fixture(include_str!("fixtures/comments.json"))))
        }
        _ => None,
    })
    .await;
    let read = connect(&server).read_ticket("88001", true).await.unwrap().unwrap();
    assert_eq!(read.closed_at, Timestamp::parse_rfc3339("2026-11-21T09:45:00Z"));
    assert_eq!(read.updated_at, Timestamp::parse_rfc3339("2026-11-21T09:40:00.5Z"));
    assert_eq!(read.closed_by.as_deref(), Some("Ada Lovelace"), "neither the customer nor our own note");
    assert_eq!((read.status.as_deref(), read.company_external_id.as_deref()), (Some("Resolved"), Some("12")));
    let asked = &server.calls("GET", "/api/v1/tickets/88001/comments")[0];
    assert_eq!(asked.query("created_after"), Some("2026-11-21T09:43:59Z"));
}

#[tokio::test]
async fn a_comment_long_before_the_close_says_nothing_of_who_closed() {
    let server = syncro(|asked| match asked.path.as_str() {
        "/api/v1/tickets/7" => {
            let row = json!({"id": 7, "status": "Invoiced", "resolved_at": "2026-11-21T09:50:00Z"});
            Some(Play::json(200, &json!({ "ticket": row })))
        }
        "/api/v1/tickets/7/comments" => {
            Some(Play::json(200, &fixture(include_str!("fixtures/comments.json"))))
        }
        "/api/v1/tickets/8" => Some(one(8)),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.read_ticket("7", true).await.unwrap().unwrap().closed_by, None);
    assert!(psa.read_ticket("8", true).await.unwrap().is_some());
    assert_eq!(server.calls("GET", "/api/v1/tickets/8/comments").len(), 0, "it is open");
}

fn to(status: &str) -> StatusChange {
    StatusChange { external_id: "88001".to_owned(), status: status.to_owned(), ..StatusChange::default() }
}

#[tokio::test]
async fn only_the_status_goes_out_and_only_where_it_differs() {
    let server = syncro(|asked| {
        let mut row = ticket(88001);
        if is(asked, "PUT", "/tickets/88001") {
            row["status"] = asked.json()["status"].clone();
        }
        asked.path.starts_with("/api/v1/tickets/").then(|| Play::json(200, &json!({ "ticket": row })))
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.set_status(&to("New")).await.unwrap().status.as_deref(), Some("New"));
    assert_eq!(server.calls("PUT", "/api/v1/tickets/88001").len(), 0);
    assert_eq!(psa.set_status(&to("Resolved")).await.unwrap().status.as_deref(), Some("Resolved"));
    let sent: Vec<_> = server.calls("PUT", "/api/v1/tickets/88001").iter().map(Asked::json).collect();
    assert_eq!(sent, [json!({"status": "Resolved"})]);
}

#[tokio::test]
async fn a_status_that_a_rule_undid_is_read_back_and_refusals_are_told_apart() {
    let server = syncro(|asked| {
        is(asked, "GET", "/tickets/88001").then(|| one(88001)).or_else(|| {
            is(asked, "PUT", "/tickets/88001").then(|| Play::json(200, &json!({"success": true})))
        })
    })
    .await;
    assert_eq!(connect(&server).set_status(&to("Resolved")).await.unwrap().status.as_deref(), Some("New"));
    assert_eq!(server.calls("GET", "/api/v1/tickets/88001").len(), 2);
    for (play, code) in [
        (refusal(401), "forbidden"),
        (Play::json(422, &json!({"success": false, "message": ["Status is not valid"]})), "rejected"),
        (Play::text(502, "<html>"), "unknown"),
    ] {
        let server =
            syncro(move |asked| Some(if asked.method == "PUT" { play.clone() } else { one(88001) })).await;
        assert_eq!(connect(&server).set_status(&to("Resolved")).await.unwrap_err().code(), code);
    }
    let gone = syncro(|_| None).await;
    assert_eq!(connect(&gone).set_status(&to("Resolved")).await.unwrap_err().code(), "rejected");
}

#[tokio::test]
async fn no_note_is_mailed_and_a_private_one_is_hidden() {
    let server = syncro(|asked| {
        is(asked, "POST", "/tickets/7/comment").then(|| {
            let hidden = asked.json()["hidden"].clone();
            Play::json(200, &json!({"comment": {"id": 3, "ticket_id": 7, "hidden": hidden}}))
        })
    })
    .await;
    let psa = connect(&server);
    psa.add_note("7", &note(true)).await.unwrap();
    psa.add_note("7", &note(false)).await.unwrap();
    let sent: Vec<_> = server.calls("POST", "/api/v1/tickets/7/comment").iter().map(Asked::json).collect();
    let body = format!("Seen again <b>\n\nReference: {NOTE_MARKER}");
    let wanted =
        |hidden| json!({"subject": "PSA Gateway", "body": body, "hidden": hidden, "do_not_email": true});
    assert_eq!(sent, [wanted(true), wanted(false)]);
}

#[tokio::test]
async fn a_private_note_that_came_out_public_is_not_called_done() {
    let server = syncro(|asked| {
        asked.method.eq("POST").then(|| Play::json(200, &json!({"comment": {"id": 3, "hidden": false}})))
    })
    .await;
    let psa = connect(&server);
    let Err(PsaError::Rejected { reason, .. }) = psa.add_note("7", &note(true)).await else { panic!() };
    assert!(reason.contains("hide it"), "{reason}");
    assert_eq!(psa.add_note("7", &note(false)).await, Ok(()));
}

#[tokio::test]
async fn a_note_is_found_on_a_later_page_and_not_missed_on_an_endless_list() {
    let server = syncro(|asked| {
        let page: i64 = asked.query("page")?.parse().ok()?;
        let row = |id: i64, body: &str| json!({"id": id, "body": body});
        let (rows, pages) = match (asked.path.as_str(), page) {
            ("/api/v1/tickets/7/comments", 1) => (vec![row(1, &format!("see Reference: {NOTE_MARKER}"))], 2),
            ("/api/v1/tickets/7/comments", _) => {
                (vec![row(2, &format!("a < b\r\n\r\nReference: {NOTE_MARKER}"))], 2)
            }
            _ => (vec![row(page, "x")], 1_000),
        };
        Some(Play::json(200, &json!({"comments": rows, "meta": {"total_pages": pages, "page": page}})))
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.has_note("7", NOTE_MARKER).await, Ok(true));
    assert_eq!(psa.has_note("7", "PSAGW-N-0").await, Ok(false));
    assert!(matches!(psa.has_note("8", NOTE_MARKER).await, Err(PsaError::Unavailable { .. })));
    assert_eq!(server.asked()[0].query("per_page"), Some("100"));
}
