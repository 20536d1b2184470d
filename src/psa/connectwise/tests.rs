//! The connector against played answers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Clock,
    psa::{
        canned::{Asked, Canned, Play},
        http::{ClientOptions, OutboundOptions, PrivateAddresses},
    },
};

mod callbacks;
mod looking;
mod settings;

const MARKER: &str = "PSAGW-ABCDEFGHIJ0123456789";
const API: &str = "/v2025_1/apis/3.0";
const KEYS: [&str; 3] = ["q7ZkP0bWcT3vLm9X", "H2dJr8YfN5uA1sGe", "0f9b3c1e-client"];

fn clock() -> Clock {
    Clock::manual(Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap())
}

fn outbound(clock: &Clock, with_id: bool) -> Outbound {
    Outbound::new(OutboundOptions {
        clock: clock.clone(),
        client: ClientOptions {
            allow_private: PrivateAddresses::All,
            timeout: Duration::from_secs(2),
            ..ClientOptions::default()
        },
        own_ids: if with_id { [("connectwise_client_id", KEYS[2].into())].into() } else { BTreeMap::new() },
        ..OutboundOptions::default()
    })
    .unwrap()
}

fn login(base: &str) -> Credentials {
    let form = [("company_id", "acme"), ("domain", base), ("public_key", KEYS[0]), ("private_key", KEYS[1])];
    ConnectWise
        .normalise(form.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect())
        .unwrap()
}

fn connect_with(server: &Canned, clock: &Clock, with_id: bool) -> Arc<dyn Psa> {
    let psa = ConnectWise.connect(login(&server.base), outbound(clock, with_id));
    psa.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn connect(server: &Canned) -> Arc<dyn Psa> {
    connect_with(server, &clock(), true)
}

fn companyinfo(codebase: &str) -> Value {
    let mut info: Value = serde_json::from_str(include_str!("fixtures/companyinfo.json")).unwrap();
    info["Codebase"] = json!(codebase);
    info["SiteUrl"] = json!("api.elsewhere.example");
    info
}

/// A ConnectWise that tells where its API is and leaves the rest to `play`, which sees paths below the API.
async fn connectwise(play: impl Fn(&Asked, &str) -> Option<Play> + Send + Sync + 'static) -> Canned {
    Canned::start(move |asked| {
        if asked.path == "/login/companyinfo/acme" {
            return Play::json(200, &companyinfo("v2025_1/"));
        }
        let path = asked.path.strip_prefix(API).unwrap_or_default();
        play(asked, path).unwrap_or_else(|| {
            Play::json(404, &json!({"code": "NotFound", "message": format!("{path} not found")}))
        })
    })
    .await
}

fn calls(server: &Canned, method: &str, path: &str) -> Vec<Asked> {
    server.calls(method, &format!("{API}{path}"))
}

fn ticket(id: i64, status: i64) -> Value {
    let mut row: Value = serde_json::from_str(include_str!("fixtures/ticket.json")).unwrap();
    row["id"] = json!(id);
    row["status"] = json!({"id": status, "name": "Some"});
    row
}

fn draft() -> TicketDraft {
    TicketDraft {
        marker: MARKER.into(),
        company_external_id: "19".into(),
        title: "OpenSSL \"outdated\"]\non host".into(),
        body: "Line one\n<script>x</script>\u{7}".into(),
        fields: [
            ("board", "12"),
            ("ticket_type", "3"),
            ("agent", " "),
            ("impact", "high"),
            ("urgency", "Low"),
            ("due_days", "2"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        status: Some("501".into()),
    }
}

fn note(is_private: bool) -> NoteDraft {
    NoteDraft {
        marker: "PSAGW-N-0123456789abcdef".into(),
        text: "Seen again".into(),
        is_private,
        fields: BTreeMap::new(),
    }
}

fn is(asked: &Asked, method: &str) -> bool {
    asked.method == method
}

#[tokio::test]
async fn every_call_carries_login_client_id_and_the_pinned_version() {
    let server =
        connectwise(|_, path| (path == "/service/tickets/7").then(|| Play::json(200, &ticket(7, 501)))).await;
    let read = connect(&server).read_ticket("7", false).await.unwrap().unwrap();
    assert_eq!((read.status.as_deref(), read.status_label.as_deref()), (Some("501"), Some("Some")));
    assert_eq!((read.marker.as_deref(), read.company_external_id.as_deref()), (Some(MARKER), Some("19")));
    assert!(read.url.unwrap().contains("service_recid=7&companyName=acme"));
    let asked = &calls(&server, "GET", "/service/tickets/7")[0];
    // printf 'acme+q7ZkP0bWcT3vLm9X:H2dJr8YfN5uA1sGe' | base64
    assert_eq!(
        asked.header("authorization"),
        Some("Basic YWNtZStxN1prUDBiV2NUM3ZMbTlYOkgyZEpyOFlmTjV1QTFzR2U=")
    );
    assert_eq!(asked.header("clientid"), Some(KEYS[2]));
    assert_eq!(asked.header("accept"), Some("application/vnd.connectwise.com+json; version=2025.16"));
    let info = &server.calls("GET", "/login/companyinfo/acme")[0];
    assert_eq!((info.header("authorization"), info.header("clientid")), (None, None));
}

#[tokio::test]
async fn without_the_operators_client_id_nothing_is_sent_and_the_words_say_who_sets_it() {
    let server = connectwise(|_, _| None).await;
    let psa = connect_with(&server, &clock(), false);
    let Err(PsaError::Unauthorized { detail }) = psa.create_ticket(&draft()).await else { panic!() };
    assert!(detail.contains("PSA_GATEWAY_CONNECTWISE_CLIENT_ID"), "{detail}");
    assert!(matches!(
        psa.webhook_key("3f8a1c9e-52d7-4be0-a1b6-9c0d5e7f2a41").await,
        Err(PsaError::Unauthorized { .. })
    ));
    let verification = psa.verify().await;
    assert_eq!(
        (verification.steps[0].key, verification.steps[0].outcome),
        ("host", crate::psa::StepOutcome::Failed)
    );
    assert!(verification.steps[0].message.contains("the operator sets connectwise_client_id"));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn an_upgrade_that_moves_the_api_is_followed_once_and_a_missing_ticket_asks_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let moves = Arc::clone(&asked);
    let server = Canned::start(move |asked| match asked.path.as_str() {
        "/login/companyinfo/acme" => {
            let number = moves.fetch_add(1, Ordering::SeqCst);
            Play::json(200, &companyinfo(if number == 0 { "v2025_1/" } else { "v2025_2/" }))
        }
        "/v2025_2/apis/3.0/service/tickets" => Play::json(201, &ticket(8, 501)),
        path if path.starts_with("/v2025_2/") => {
            Play::json(404, &json!({"code": "NotFound", "message": "Ticket 9 not found"}))
        }
        _ => Play::text(404, "<html>IIS</html>"),
    })
    .await;
    let clock = clock();
    let psa = connect_with(&server, &clock, true);
    assert!(
        matches!(psa.read_ticket("9", false).await, Err(PsaError::Unavailable { .. })),
        "asked a moment ago"
    );
    clock.advance_secs(61);
    assert_eq!(psa.create_ticket(&draft()).await.unwrap().external_id, "8");
    assert_eq!(psa.read_ticket("9", false).await, Ok(None));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    clock.advance_secs(6 * 3_600);
    assert_eq!(psa.read_ticket("9", false).await, Ok(None));
    assert_eq!(asked.load(Ordering::SeqCst), 3, "what is known is asked again after some hours");
}

#[tokio::test]
async fn a_site_that_is_down_does_not_take_away_what_was_known_of_it() {
    let times = AtomicUsize::new(0);
    let server = Canned::start(move |asked| match asked.path.as_str() {
        "/login/companyinfo/acme" if times.fetch_add(1, Ordering::SeqCst) == 0 => {
            Play::json(200, &companyinfo("v2025_1/"))
        }
        "/login/companyinfo/acme" => Play::text(503, "<html>"),
        _ => Play::json(200, &ticket(7, 501)),
    })
    .await;
    let clock = clock();
    let psa = connect_with(&server, &clock, true);
    psa.read_ticket("7", false).await.unwrap();
    clock.advance_secs(7 * 3_600);
    assert!(matches!(psa.read_ticket("7", false).await, Ok(Some(_))));
}

#[tokio::test]
async fn a_ticket_goes_out_as_connectwise_wants_it() {
    let server = connectwise(|asked, path| {
        (is(asked, "POST") && path == "/service/tickets").then(|| Play::json(201, &ticket(57960, 501)))
    })
    .await;
    let created = connect(&server).create_ticket(&draft()).await.unwrap();
    assert_eq!(created.external_id, "57960");
    let wanted = json!({
        "summary": "OpenSSL \"outdated\"] on host",
        "initialDescription": format!("Line one\n<script>x</script>\n\nRef {MARKER}"),
        "company": {"id": 19}, "externalXRef": MARKER, "board": {"id": 12}, "type": {"id": 3},
        "status": {"id": 501}, "impact": "High", "severity": "Low", "requiredDate": "2026-11-23T10:00:00Z",
    });
    assert_eq!(calls(&server, "POST", "/service/tickets")[0].json(), wanted);
}

#[tokio::test]
async fn a_long_title_is_cut_and_stands_whole_in_the_first_note() {
    let server = connectwise(|asked, _| is(asked, "POST").then(|| Play::json(201, &ticket(1, 501)))).await;
    let title = "🔥é ".repeat(60).trim().to_owned();
    connect(&server).create_ticket(&TicketDraft { title: title.clone(), ..draft() }).await.unwrap();
    let sent = calls(&server, "POST", "/service/tickets")[0].json();
    let summary = sent["summary"].as_str().unwrap();
    assert!(summary.encode_utf16().count() <= 100 && summary.ends_with('…'), "{summary}");
    assert!(sent["initialDescription"].as_str().unwrap().starts_with(&title));
}

#[tokio::test]
async fn what_a_profile_cannot_mean_is_refused_before_anything_is_sent() {
    let server = connectwise(|_, _| None).await;
    let psa = connect(&server);
    for (key, value) in [
        ("board", " "),
        ("priority", "1 or 1=1"),
        ("impact", "Severe"),
        ("due_days", "-1"),
        ("configuration", "x"),
    ] {
        let mut draft = draft();
        draft.fields.insert(key.to_owned(), value.to_owned());
        let Err(PsaError::Rejected { field, .. }) = psa.create_ticket(&draft).await else { panic!("{key}") };
        assert_eq!(field.as_deref(), Some(key));
    }
    let hostile = TicketDraft { company_external_id: "19 or id>0".into(), ..draft() };
    assert!(matches!(psa.create_ticket(&hostile).await, Err(PsaError::Rejected { .. })));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_configuration_is_attached_once_the_ticket_is_there_and_never_twice() {
    for (is_there, status) in [(false, 201), (false, 400), (true, 400)] {
        let server = connectwise(move |_, path| match path {
            "/service/tickets/5/configurations" => Some(Play::json(status, &json!({"id": 77}))),
            "/service/tickets/5/configurations/77" if is_there => Some(Play::json(200, &json!({"id": 77}))),
            "/service/tickets/5/configurations/77" => {
                Some(Play::json(404, &json!({"code": "NotFound", "message": "Configuration 77 not found"})))
            }
            _ => None,
        })
        .await;
        let psa = connect(&server);
        let attached = psa.configurations().unwrap().attach("5", "77").await;
        assert_eq!(attached.is_ok(), is_there || status == 201, "{attached:?}");
        let sent = calls(&server, "POST", "/service/tickets/5/configurations");
        assert_eq!(sent.len(), usize::from(!is_there));
        assert!(sent.iter().all(|call| call.json() == json!({"id": 77})));
    }
}

#[tokio::test]
async fn a_write_that_may_have_been_carried_out_is_unknown_and_is_sent_once() {
    for (name, play) in [
        ("cut", Play::Cut),
        ("truncated", Play::Truncated),
        ("hang", Play::Hang),
        ("html", Play::text(201, "<html>")),
        ("no id", Play::json(201, &json!({"id": null}))),
        ("empty", Play::text(200, "")),
        ("500", Play::json(500, &json!({"code": "ConnectWiseApi", "message": "timeout"}))),
        ("504", Play::text(504, "<html>")),
    ] {
        let server = connectwise(move |asked, _| is(asked, "POST").then(|| play.clone())).await;
        let result = connect(&server).create_ticket(&draft()).await;
        assert!(matches!(result, Err(PsaError::Unknown { .. })), "{name}: {result:?}");
        assert_eq!(calls(&server, "POST", "/service/tickets").len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_429_holds_every_other_call_back() {
    let server = connectwise(|asked, path| {
        (is(asked, "GET") && path == "/service/tickets/7")
            .then(|| Play::json(429, &json!({"error": "ConnectWiseAPI"})).header("retry-after", "45"))
    })
    .await;
    let psa = connect(&server);
    let wait = PsaError::RateLimited { retry_after_secs: Some(45) };
    assert_eq!(psa.read_ticket("7", false).await, Err(wait.clone()));
    assert_eq!(psa.add_note("8", &note(true)).await, Err(wait));
    assert!(calls(&server, "POST", "/service/tickets/8/notes").is_empty());
}

#[tokio::test]
async fn no_error_repeats_our_keys() {
    let echo = format!("no {} {} {}", KEYS[0], KEYS[1], KEYS[2]);
    let server = connectwise(move |asked, _| {
        let all = format!("{echo} {}", asked.header("authorization").unwrap_or_default());
        Some(Play::json(400, &json!({"code": "InvalidObject", "message": all})))
    })
    .await;
    let error = connect(&server).create_ticket(&draft()).await.unwrap_err();
    let text = format!("{error:?}");
    assert!(text.contains("no … … …"), "{text}");
    assert!(!KEYS.iter().any(|key| text.contains(key)) && !text.contains("YWNtZS"), "{text}");
}

fn to(status: &str, is_close: bool) -> StatusChange {
    StatusChange { external_id: "7".into(), status: status.into(), is_close, ..StatusChange::default() }
}

#[tokio::test]
async fn a_status_is_set_alone_and_only_where_it_differs() {
    let server = connectwise(|asked, path| match (asked.method.as_str(), path) {
        ("GET", "/service/tickets/7") => Some(Play::json(200, &ticket(7, 501))),
        ("PATCH", "/service/tickets/7") => Some(Play::json(200, &ticket(7, 509))),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.set_status(&to("501", false)).await.unwrap().status.as_deref(), Some("501"));
    assert!(calls(&server, "PATCH", "/service/tickets/7").is_empty());
    assert_eq!(psa.set_status(&to("509", true)).await.unwrap().status.as_deref(), Some("509"));
    let sent = calls(&server, "PATCH", "/service/tickets/7")[0].json();
    assert_eq!(sent, json!([{"op": "replace", "path": "status", "value": {"id": 509}}]));
}

#[tokio::test]
async fn a_patch_that_changed_nothing_is_not_taken_for_done() {
    let server =
        connectwise(|_, path| (path == "/service/tickets/7").then(|| Play::json(200, &ticket(7, 501)))).await;
    let after = connect(&server).set_status(&to("509", true)).await.unwrap();
    assert_eq!(after.status.as_deref(), Some("501"), "the ticket is shown as it is");
    assert_eq!(calls(&server, "GET", "/service/tickets/7").len(), 2);
}

#[tokio::test]
async fn a_refused_close_names_the_right_or_the_board() {
    let other_board: Value =
        serde_json::from_str(include_str!("fixtures/error_status_of_other_board.json")).unwrap();
    let security =
        json!({"code": "Security", "message": "You do not have security permission to perform this action."});
    for (status, body, words) in [
        (403, security, "Service Desk > Close Service Tickets"),
        (400, other_board, "on the board Service Desk"),
    ] {
        let server = connectwise(move |asked, path| match (asked.method.as_str(), path) {
            ("GET", "/service/tickets/7") => Some(Play::json(200, &ticket(7, 501))),
            ("PATCH", _) => Some(Play::json(status, &body)),
            _ => None,
        })
        .await;
        let error = connect(&server).set_status(&to("509", true)).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn who_closed_a_ticket_is_told_only_while_it_is_closed() {
    for (closed, wanted) in [(true, Some("Ada Byron")), (false, None)] {
        let server = connectwise(move |asked, path| {
            if path == "/system/members" {
                assert_eq!(asked.query("conditions"), Some("identifier=\"ada\""));
                return Some(Play::json(200, &json!([{ "firstName": "Ada", "lastName": "Byron" }])));
            }
            let mut row = ticket(7, 509);
            row["closedFlag"] = json!(closed);
            row["closedBy"] = json!("ada");
            row["closedDate"] = json!("2026-11-21T09:59:00Z");
            Some(Play::json(200, &row))
        })
        .await;
        let psa = connect(&server);
        let read = psa.read_ticket("7", true).await.unwrap().unwrap();
        assert_eq!(read.closed_by.as_deref(), wanted);
        assert_eq!(read.closed_at, Timestamp::parse_rfc3339("2026-11-21T09:59:00Z"));
        assert_eq!(psa.read_ticket("7", false).await.unwrap().unwrap().closed_by, None);
    }
}

#[test]
fn the_credentials_that_are_no_secret_name_the_tenant() {
    let settings = |company: &str| {
        let pairs = [("domain", "https://na.myconnectwise.net"), ("company_id", company)];
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    };
    assert_eq!(ConnectWise.tenant(&settings("Acme")), ConnectWise.tenant(&settings("acme")));
    assert_ne!(ConnectWise.tenant(&settings("acme")), ConnectWise.tenant(&settings("rival")));
    assert_eq!(login("na")["domain"].expose_secret(), "https://na.myconnectwise.net");
}
