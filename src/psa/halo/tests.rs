//! The connector against played answers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Clock,
    psa::{
        canned::{Asked, Canned, Play},
        http::{ClientOptions, OutboundOptions, PrivateAddresses},
    },
};

mod profile;
mod registration;
mod settings;

const MARKER: &str = "PSAGW-ABCDEFGHIJ0123456789";

fn clock() -> Clock {
    Clock::manual(Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap())
}

fn connect_with(base: &str, clock: &Clock, extra: &[(&str, &str)]) -> Arc<dyn Psa> {
    let http = Outbound::new(OutboundOptions {
        clock: clock.clone(),
        client: ClientOptions {
            allow_private: PrivateAddresses::All,
            timeout: Duration::from_secs(2),
            ..ClientOptions::default()
        },
        ..OutboundOptions::default()
    })
    .unwrap();
    let mut form: Credentials = [("domain", base), ("client_id", "app"), ("client_secret", "s3cret")]
        .into_iter()
        .chain(extra.iter().copied())
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    form = Halo.normalise(form).unwrap();
    Halo.connect(form, http).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn connect(server: &Canned) -> Arc<dyn Psa> {
    connect_with(&server.base, &clock(), &[])
}

/// A Halo that signs in and leaves the rest to `play`.
async fn halo(play: impl Fn(&Asked) -> Option<Play> + Send + Sync + 'static) -> Canned {
    let tokens = AtomicUsize::new(0);
    Canned::start(move |asked| {
        if let Some(play) = play(asked) {
            return play;
        }
        match asked.path.to_ascii_lowercase().as_str() {
            "/api/authinfo" => {
                let host = asked.header("host").unwrap_or_default();
                Play::json(200, &json!({"auth_url": format!("http://{host}/auth/"), "tenant_id": "acme"}))
            }
            "/auth/token" => {
                let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
                Play::json(200, &token(&format!("t{number}"), "all"))
            }
            _ => Play::json(404, &json!({"message": "no such thing"})),
        }
    })
    .await
}

fn token(text: &str, scope: &str) -> Value {
    json!({"access_token": text, "token_type": "Bearer", "expires_in": 3600, "scope": scope, "id_token": null})
}

fn ticket(id: i64) -> Value {
    let mut row: Value = serde_json::from_str(include_str!("fixtures/ticket.json")).unwrap();
    row["id"] = json!(id);
    row
}

fn draft() -> TicketDraft {
    TicketDraft {
        marker: MARKER.into(),
        company_external_id: "12".into(),
        title: "OpenSSL <b>outdated</b>\non host".into(),
        body: "Line one\n<script>x</script>".into(),
        fields: [("ticket_type", "1"), ("priority", "3"), ("team", "Security"), ("agent", " ")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        status: Some("2".into()),
    }
}

fn note() -> NoteDraft {
    NoteDraft { marker: MARKER.into(), text: "Seen again".into(), is_private: true, fields: BTreeMap::new() }
}

fn search() -> MarkerSearch {
    let since = Timestamp::parse_rfc3339("2026-11-21T09:00:00Z").unwrap();
    MarkerSearch { marker: MARKER.into(), company_external_id: "12".into(), since, until: None }
}

fn is_post(asked: &Asked, path: &str) -> bool {
    asked.method == "POST" && asked.path.eq_ignore_ascii_case(path)
}

fn is_get(asked: &Asked, path: &str) -> bool {
    asked.method == "GET" && asked.path.eq_ignore_ascii_case(path)
}

#[tokio::test]
async fn many_calls_at_once_sign_in_once_and_a_refused_token_is_renewed_once() {
    let server = halo(|asked| {
        is_get(asked, "/api/tickets/7").then(|| match asked.header("authorization") {
            Some("Bearer t1") => Play::json(401, &json!({})),
            _ => Play::json(200, &ticket(7)),
        })
    })
    .await;
    let psa = connect(&server);
    let reads = futures_util::future::join_all((0..8).map(|_| psa.read_ticket("7", false))).await;
    assert!(reads.iter().all(|read| matches!(read, Ok(Some(_)))), "{reads:?}");
    assert_eq!(server.calls("POST", "/auth/token").len(), 2, "one sign-in, one renewal");
    assert_eq!(server.calls("GET", "/api/authinfo").len(), 1);
    let sign_in = &server.calls("POST", "/auth/token")[0];
    assert_eq!(sign_in.query("tenant"), Some("acme"));
    assert!(String::from_utf8_lossy(&sign_in.body).contains("grant_type=client_credentials"));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out_and_after_a_400_that_may_mean_so() {
    let server = halo(|asked| {
        is_get(asked, "/api/tickets/7").then(|| match asked.header("authorization") {
            Some("Bearer t2") => Play::text(400, ""),
            _ => Play::json(200, &ticket(7)),
        })
    })
    .await;
    let clock = clock();
    let psa = connect_with(&server.base, &clock, &[]);
    psa.read_ticket("7", false).await.unwrap();
    clock.advance_secs(3_600 - 60);
    psa.read_ticket("7", false).await.unwrap();
    assert_eq!(server.calls("POST", "/auth/token").len(), 3);
}

#[tokio::test]
async fn a_login_that_is_refused_twice_is_given_up() {
    let server = halo(|asked| is_get(asked, "/api/tickets/7").then(|| Play::text(401, ""))).await;
    assert!(matches!(connect(&server).read_ticket("7", false).await, Err(PsaError::Unauthorized { .. })));
    assert_eq!(server.calls("GET", "/api/tickets/7").len(), 2);
}

#[tokio::test]
async fn a_ticket_goes_out_as_halo_wants_it() {
    let server =
        halo(|asked| is_post(asked, "/api/tickets").then(|| Play::json(201, &json!([ticket(4242)])))).await;
    let created = connect(&server).create_ticket(&draft()).await.unwrap();
    assert_eq!((created.external_id.as_str(), created.company_external_id.as_deref()), ("4242", Some("12")));
    assert_eq!(created.url.as_deref(), Some(format!("{}/ticket?id=4242", server.base).as_str()));
    let sent = server.calls("POST", "/api/tickets")[0].json();
    let wanted = json!([{
        "summary": "OpenSSL <b>outdated</b> on host",
        "details": format!("Line one\n<script>x</script>\n\nReference: {MARKER}"),
        "client_id": 12, "supplier_reference": MARKER, "tickettype_id": 1, "priority_id": 3,
        "team": "Security", "status_id": 2, "_novalidate": true,
    }]);
    assert_eq!(sent, wanted);
    assert!(
        server.calls("POST", "/api/tickets")[0]
            .header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
}

#[tokio::test]
async fn a_long_title_is_cut_and_stands_whole_in_the_body() {
    let server = halo(|asked| is_post(asked, "/api/tickets").then(|| Play::json(200, &ticket(1)))).await;
    let title = "é".repeat(300);
    connect(&server).create_ticket(&TicketDraft { title: title.clone(), ..draft() }).await.unwrap();
    let sent = server.calls("POST", "/api/tickets")[0].json();
    assert_eq!(sent[0]["summary"].as_str().unwrap().chars().count(), 255);
    assert!(sent[0]["details"].as_str().unwrap().starts_with(&title));
}

#[tokio::test]
async fn a_write_that_may_have_been_carried_out_is_unknown() {
    for (name, play) in [
        ("cut", Play::Cut),
        ("truncated", Play::Truncated),
        ("hang", Play::Hang),
        ("html", Play::text(200, "<html>")),
        ("no id", Play::json(200, &json!({"id": null}))),
        ("empty", Play::json(200, &json!([]))),
        ("500", Play::json(500, &json!({"Message": "deadlock"}))),
        ("504", Play::text(504, "<html>")),
    ] {
        let server = halo(move |asked| is_post(asked, "/api/tickets").then(|| play.clone())).await;
        let result = connect(&server).create_ticket(&draft()).await;
        assert!(matches!(result, Err(PsaError::Unknown { .. })), "{name}: {result:?}");
        assert_eq!(server.calls("POST", "/api/tickets").len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_write_that_was_never_sent_or_was_refused_is_not_unknown() {
    let refused = [
        (
            Play::json(400, &json!({"ClassName": "System.Exception", "Message": "Record not found"})),
            "rejected",
        ),
        (Play::text(403, ""), "forbidden"),
        (Play::text(429, "Rate Limit Reached - 700 Requests per rolling 5 minute window"), "rate_limited"),
        (Play::text(415, ""), "rejected"),
    ];
    for (play, code) in refused {
        let server = halo(move |asked| is_post(asked, "/api/tickets").then(|| play.clone())).await;
        let error = connect(&server).create_ticket(&draft()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
    }
    let nobody = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error = connect_with(&nobody, &clock(), &[]).create_ticket(&draft()).await.unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_429_holds_every_other_call_back() {
    let server = halo(|asked| {
        is_get(asked, "/api/tickets/7").then(|| Play::text(429, "").header("retry-after", "45"))
    })
    .await;
    let clock = clock();
    let psa = connect_with(&server.base, &clock, &[]);
    let wait = PsaError::RateLimited { retry_after_secs: Some(45) };
    assert_eq!(psa.read_ticket("7", false).await, Err(wait.clone()));
    assert_eq!(psa.add_note("8", &note()).await, Err(wait));
    assert_eq!(server.calls("POST", "/api/actions").len(), 0);
}

#[tokio::test]
async fn an_empty_403_names_the_missing_permission_and_a_page_is_no_answer() {
    let server = halo(|asked| match asked.path.as_str() {
        "/auth/token" => Some(Play::json(200, &token("t", "read:tickets"))),
        "/api/Client" => Some(Play::text(403, "")),
        "/api/Tickets/7" => Some(Play::text(200, "<html>Sign in</html>")),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    let Err(PsaError::Forbidden { missing }) = psa.companies(&CompanyFilter::default(), None).await else {
        panic!()
    };
    assert!(missing.contains("read:customers") && missing.contains("granted: read:tickets"), "{missing}");
    let Err(PsaError::Unavailable { detail }) = psa.read_ticket("7", false).await else { panic!() };
    assert!(detail.contains("HTML"), "{detail}");
}

/// A list of tickets that ignores every filter.
fn tickets(rows: &[Value]) -> Play {
    Play::json(200, &json!({"record_count": rows.len(), "tickets": rows}))
}

fn row(id: i64, reference: &Value, details: &Value) -> Value {
    json!({"id": id, "client_id": 12, "status_id": 1, "dateoccurred": "2026-11-21T09:30:00",
        "supplier_reference": reference, "details": details})
}

#[tokio::test]
async fn a_marked_ticket_is_found_by_its_field_its_details_or_by_reading_it() {
    let by_line = format!("x<br>Reference: {MARKER}");
    let other = json!("PSAGW-OTHEROTHEROTHER12345");
    for (name, rows, wanted) in [
        (
            "field",
            vec![
                row(9, &json!(MARKER), &json!(null)),
                row(8, &json!(MARKER), &json!("")),
                row(7, &other, &json!("x")),
            ],
            vec!["8", "9"],
        ),
        ("details", vec![row(7, &json!(""), &json!("x")), row(8, &json!(null), &json!(by_line))], vec!["8"]),
        ("filter ignored", vec![row(7, &other, &json!("x")), row(6, &json!(""), &json!("y"))], vec![]),
        (
            "not shown",
            vec![
                json!({"id": 4, "dateoccurred": "2026-11-21T09:30:00"}),
                json!({"id": 5, "dateoccurred": "2026-11-21T09:31:00"}),
            ],
            vec!["5"],
        ),
        ("quoted", vec![row(7, &json!(""), &json!(format!("Reference: {MARKER}\nthanks")))], vec![]),
    ] {
        let server = halo(move |asked| match asked.path.as_str() {
            "/api/Tickets" => Some(tickets(&rows)),
            "/api/Tickets/4" => Some(Play::json(200, &row(4, &json!(""), &json!("x")))),
            "/api/Tickets/5" => Some(Play::json(200, &row(5, &json!(MARKER), &json!("x")))),
            _ => None,
        })
        .await;
        let found = connect(&server).find_by_marker(&search()).await.unwrap();
        let ids: Vec<_> = found.iter().map(|ticket| ticket.external_id.as_str()).collect();
        assert_eq!(ids, wanted, "{name}");
    }
}

#[tokio::test]
async fn nothing_is_called_not_there_unless_everything_was_seen() {
    let many: Vec<_> = (1..=100).map(|id| json!({"id": id, "dateoccurred": "2026-11-21T09:30:00"})).collect();
    let server = halo(move |asked| match asked.path.as_str() {
        "/api/Tickets" => Some(tickets(&many)),
        path if path.starts_with("/api/Tickets/") => Some(Play::json(200, &row(1, &json!(""), &json!("x")))),
        _ => None,
    })
    .await;
    let result = connect(&server).find_by_marker(&search()).await;
    assert!(matches!(result, Err(PsaError::CannotTell { .. })), "{result:?}");
}

#[tokio::test]
async fn a_filter_says_what_else_it_gave() {
    let (ours, other) = (row(8, &json!(MARKER), &json!("x")), row(7, &json!("PSAGW-OTHER"), &json!("x")));
    let unreadable = json!({"id": null, "supplier_reference": MARKER});
    for (name, play, wanted) in [
        ("it and nothing else", tickets(std::slice::from_ref(&ours)), Some((true, 0))),
        ("a filter that is ignored", tickets(&[ours, other.clone()]), Some((false, 1))),
        ("another's alone", tickets(&[other]), Some((false, 1))),
        ("ours, without an id", tickets(&[unreadable]), Some((false, 1))),
        (
            "none of those that it counts",
            Play::json(200, &json!({"record_count": 2, "tickets": []})),
            Some((false, 1)),
        ),
        ("nothing", tickets(&[]), Some((false, 0))),
        ("refused", Play::json(400, &json!({"error_description": "no such filter"})), None),
    ] {
        let server = halo(move |asked| is_get(asked, "/api/Tickets").then(|| play.clone())).await;
        let asked = connect(&server).ask_for_mark(MARKER).await.unwrap();
        assert_eq!(asked.map(|asked| (asked.is_only("8"), asked.others)), wanted, "{name}");
    }
}

#[tokio::test]
async fn a_missing_ticket_is_none_however_halo_says_so() {
    let server = halo(|asked| match asked.path.as_str() {
        "/api/Tickets/1" => Some(Play::json(404, &json!({}))),
        "/api/Tickets/2" => Some(Play::json(200, &json!({"id": null, "summary": null}))),
        "/api/Tickets/3" => Some(Play::text(404, "<html>")),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.read_ticket("1", false).await, Ok(None));
    assert_eq!(psa.read_ticket("2", false).await, Ok(None));
    assert!(matches!(psa.read_ticket("3", false).await, Err(PsaError::Unavailable { .. })));
    assert!(matches!(psa.read_ticket("x", false).await, Err(PsaError::Rejected { .. })));
}

fn to(status: &str) -> StatusChange {
    StatusChange { external_id: "4242".to_owned(), status: status.to_owned(), ..StatusChange::default() }
}

#[tokio::test]
async fn a_status_is_set_with_type_and_client_and_only_where_it_differs() {
    let server = halo(|asked| match asked.path.as_str() {
        "/api/Tickets/4242" => Some(Play::json(200, &ticket(4242))),
        "/api/Tickets" => {
            let mut row = ticket(4242);
            row["status_id"] = json!(9);
            Some(Play::json(201, &row))
        }
        "/api/Actions" => {
            Some(Play::json(200, &serde_json::from_str(include_str!("fixtures/actions.json")).unwrap()))
        }
        _ => None,
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.set_status(&to("2")).await.unwrap().status.as_deref(), Some("2"));
    assert_eq!(server.calls("POST", "/api/tickets").len(), 0);
    assert_eq!(psa.set_status(&to("9")).await.unwrap().status.as_deref(), Some("9"));
    let sent = server.calls("POST", "/api/tickets")[0].json();
    assert_eq!(
        sent,
        json!([{"id": 4242, "tickettype_id": 1, "client_id": 12, "status_id": 9, "_novalidate": true}])
    );
    // The ticket stands in 2, and the newest action that brought it there counts.
    let read = psa.read_ticket("4242", true).await.unwrap().unwrap();
    assert_eq!(read.closed_by.as_deref(), Some("Ada Lovelace"));
    assert_eq!(read.closed_at, Timestamp::parse_rfc3339("2026-11-21T09:45:00Z"));
}

#[tokio::test]
async fn notes_are_written_with_an_outcome_and_found_by_their_mark() {
    let server = halo(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/api/Actions") => Some(Play::json(201, &json!({"id": 3, "ticket_id": 7}))),
        ("GET", "/api/Actions") => {
            let note = format!("<p>Seen again</p><p>Reference: {MARKER}</p>");
            Some(Play::json(
                200,
                &json!({"record_count": 1, "actions": [{"id": 3, "note": "Seen again", "note_html": note}]}),
            ))
        }
        _ => None,
    })
    .await;
    let psa = connect(&server);
    psa.add_note("7", &note()).await.unwrap();
    let named = NoteDraft {
        fields: [("note_outcome".to_owned(), "24".to_owned())].into(),
        is_private: false,
        ..note()
    };
    psa.add_note("7", &named).await.unwrap();
    let sent: Vec<_> = server.calls("POST", "/api/actions").iter().map(Asked::json).collect();
    let text = format!("Seen again\n\nReference: {MARKER}");
    assert_eq!(
        sent[0],
        json!([{"ticket_id": 7, "outcome_id": 7, "note": text, "hiddenfromuser": true, "sendemail": false}])
    );
    assert_eq!((&sent[1][0]["outcome_id"], &sent[1][0]["hiddenfromuser"]), (&json!(24), &json!(false)));
    assert_eq!(psa.has_note("7", MARKER).await, Ok(true));
    assert_eq!(psa.has_note("7", "PSAGW-OTHEROTHEROTHER12345").await, Ok(false));
}

#[tokio::test]
async fn changes_come_in_order_and_a_time_that_is_ignored_is_noticed() {
    let changed = |id: i64, at: &str| json!({"id": id, "status_id": "9", "last_update": at, "dateclosed": "1900-01-01T00:00:00"});
    let server = halo(move |asked| {
        is_get(asked, "/api/tickets").then(|| match asked.query("lastupdatefromdate") {
            Some("2026-11-21T09:00:00") => tickets(&[
                changed(1, "2026-11-21T09:40:00.1234567"),
                changed(2, "2026-11-21T09:20:00Z"),
                changed(3, "2026-11-21T08:00:00"),
                json!({"id": "no"}),
            ]),
            _ => tickets(&[changed(1, "2020-01-01T00:00:00")]),
        })
    })
    .await;
    let psa = connect(&server);
    let page = psa.changed_since(search().since, None).await.unwrap();
    let seen: Vec<_> = page.items.iter().map(|t| (t.external_id.as_str(), t.closed_at)).collect();
    assert_eq!((seen, page.next), (vec![("2", None), ("1", None)], None));
    let ignored = psa.changed_since(search().since.plus_secs(1), None).await;
    assert!(matches!(ignored, Err(PsaError::Unavailable { .. })), "{ignored:?}");
}
