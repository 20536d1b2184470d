//! The connector against played answers.

use std::{
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

mod changes;
mod configurations;
mod registration;
mod settings;
mod tickets;

const MARKER: &str = "PSAGW-ABCDEFGHIJ0123456789";
const API: &str = "/ATServicesRest/V1.0/";

fn clock() -> Clock {
    Clock::manual(Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap())
}

fn connect_with(base: &str, clock: &Clock) -> Arc<dyn Psa> {
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
    let form = [
        ("domain", base),
        ("integration_code", "CODE123"),
        ("username", "api@ACME.COM"),
        ("secret", "s3cret"),
    ];
    let form = form.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    let form = Autotask.normalise(form).unwrap();
    Autotask.connect(form, http).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn connect(server: &Canned) -> Arc<dyn Psa> {
    connect_with(&server.base, &clock())
}

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn zone(asked: &Asked) -> Value {
    let base = format!("http://{}", asked.header("host").unwrap_or_default());
    fixture(&include_str!("fixtures/zone.json").replace("@BASE@", &base))
}

/// The method and the path below the API's address.
fn call(asked: &Asked) -> (&str, &str) {
    (asked.method.as_str(), asked.path.strip_prefix(API).unwrap_or(&asked.path))
}

/// An Autotask that tells its zone and its fields and leaves the rest to `play`.
async fn autotask(play: impl Fn(&Asked) -> Option<Play> + Send + Sync + 'static) -> Canned {
    Canned::start(move |asked| {
        if let Some(play) = play(asked) {
            return play;
        }
        let text = match call(asked).1 {
            "zoneInformation" => return Play::json(200, &zone(asked)),
            "Tickets/entityInformation/fields" => include_str!("fixtures/ticket_fields.json"),
            "TicketNotes/entityInformation/fields" => include_str!("fixtures/note_fields.json"),
            "Companies/entityInformation/fields" => include_str!("fixtures/company_fields.json"),
            "TicketWebhookFields/entityInformation/fields" => include_str!("fixtures/webhook_fields.json"),
            _ => return refused(404, "no such thing"),
        };
        Play::json(200, &fixture(text))
    })
    .await
}

fn refused(status: u16, text: &str) -> Play {
    Play::json(status, &json!({ "errors": [text] }))
}

fn items(rows: &[Value]) -> Play {
    let details = json!({"count": rows.len(), "requestCount": 500, "prevPageUrl": null, "nextPageUrl": null});
    Play::json(200, &json!({ "items": rows, "pageDetails": details }))
}

fn item_id(id: i64) -> Play {
    Play::json(200, &json!({ "itemId": id }))
}

fn ticket(changes: &Value) -> Value {
    let mut answer = fixture(include_str!("fixtures/ticket.json"));
    for (key, value) in changes.as_object().unwrap() {
        answer["item"][key] = value.clone();
    }
    answer["item"].clone()
}

fn one(row: &Value) -> Play {
    Play::json(200, &json!({ "item": row }))
}

fn sent(server: &Canned, method: &str, path: &str) -> Vec<Value> {
    server.calls(method, &format!("{API}{path}")).iter().map(Asked::json).collect()
}

#[tokio::test]
async fn the_zone_is_asked_once_a_day_without_a_credential_and_each_call_carries_all_three() {
    let server =
        autotask(|asked| (call(asked).1 == "Tickets/128926").then(|| one(&ticket(&json!({}))))).await;
    let clock = clock();
    let psa = connect_with(&server.base, &clock);
    for _ in 0..3 {
        psa.read_ticket("128926", false).await.unwrap().unwrap();
    }
    let discovery = server.calls("GET", &format!("{API}zoneInformation"));
    assert_eq!((discovery.len(), discovery[0].query("user")), (1, Some("api@ACME.COM")));
    assert!(["secret", "apiintegrationcode"].iter().all(|name| discovery[0].header(name).is_none()));
    let read = &server.calls("GET", &format!("{API}Tickets/128926"))[0];
    for (name, value) in
        [("apiintegrationcode", "CODE123"), ("username", "api@ACME.COM"), ("secret", "s3cret")]
    {
        assert_eq!(read.header(name), Some(value));
    }
    assert!(read.query.is_empty());
    clock.advance_secs(24 * 3_600);
    psa.read_ticket("128926", false).await.unwrap();
    assert_eq!(server.calls("GET", &format!("{API}zoneInformation")).len(), 2);
}

#[tokio::test]
async fn a_refused_login_is_looked_for_in_its_new_zone_once() {
    let asked_zone = AtomicUsize::new(0);
    let server = autotask(move |asked| {
        if call(asked).1 == "zoneInformation" && asked_zone.fetch_add(1, Ordering::SeqCst) > 0 {
            let mut moved = zone(asked);
            moved["url"] =
                json!(moved["url"].as_str().unwrap().replace("/ATServicesRest", "/new/ATServicesRest"));
            return Some(Play::json(200, &moved));
        }
        match asked.path.as_str() {
            "/ATServicesRest/V1.0/Tickets" => Some(Play::text(401, "")),
            "/new/ATServicesRest/V1.0/Tickets" => Some(item_id(7)),
            path if path.ends_with("/Tickets/7") => Some(one(&ticket(&json!({"id": 7})))),
            _ => None,
        }
    })
    .await;
    let clock = clock();
    let psa = connect_with(&server.base, &clock);
    psa.read_ticket("7", false).await.unwrap();
    clock.advance_secs(3_600);
    // A 401 means that nothing was done, so a write goes out again too.
    assert_eq!(psa.create_ticket(&draft()).await.unwrap().external_id, "7");
    assert_eq!(server.calls("POST", "/ATServicesRest/V1.0/Tickets").len(), 1);
    assert_eq!(server.calls("GET", &format!("{API}zoneInformation")).len(), 2);
}

#[tokio::test]
async fn a_login_that_is_refused_where_it_lives_is_given_up() {
    let server = autotask(|asked| call(asked).1.starts_with("Tickets/").then(|| Play::text(401, ""))).await;
    let clock = clock();
    let psa = connect_with(&server.base, &clock);
    for _ in 0..3 {
        assert_eq!(psa.read_ticket("7", false).await.unwrap_err().code(), "unauthorized");
    }
    assert_eq!(server.calls("GET", &format!("{API}zoneInformation")).len(), 1, "it was asked just now");
    clock.advance_secs(120);
    assert_eq!(psa.read_ticket("7", false).await.unwrap_err().code(), "unauthorized");
    assert_eq!(server.calls("GET", &format!("{API}Tickets/7")).len(), 4);
    assert_eq!(server.calls("GET", &format!("{API}zoneInformation")).len(), 2);
}

#[tokio::test]
async fn the_secret_is_not_sent_where_a_zone_leads_astray() {
    for url in ["https://evil.example/ATServicesRest/", "http://127.0.0.1:1/ATServicesRest/", "x"] {
        let server = autotask(move |asked| {
            (call(asked).1 == "zoneInformation").then(|| Play::json(200, &json!({ "url": url })))
        })
        .await;
        let error = connect(&server).read_ticket("7", false).await.unwrap_err();
        assert_eq!(error.code(), "unauthorized", "{url}");
        assert_eq!(server.asked().len(), 1, "{url}");
    }
}

#[tokio::test]
async fn a_missing_ticket_is_none_however_autotask_says_so() {
    let server = autotask(|asked| match call(asked).1 {
        "Tickets/1" => Some(Play::json(200, &json!({"item": null}))),
        "Tickets/2" => Some(refused(404, "not found")),
        "Tickets/3" => Some(Play::text(404, "<html>")),
        "Tickets/4" => Some(Play::json(200, &json!({}))),
        "Tickets/5" => Some(one(&ticket(&json!({"id": 6})))),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.read_ticket("1", false).await, Ok(None));
    assert_eq!(psa.read_ticket("2", false).await, Ok(None));
    assert_eq!(psa.read_ticket("3", false).await.unwrap_err().code(), "unavailable");
    assert_eq!(psa.read_ticket("4", false).await.unwrap_err().code(), "unavailable");
    assert_eq!(psa.read_ticket("5", false).await.unwrap_err().code(), "unavailable", "another ticket");
    for id in ["x", "0", "-1", "7/Notes", ""] {
        assert_eq!(psa.read_ticket(id, false).await.unwrap_err().code(), "rejected", "{id}");
    }
}

#[tokio::test]
async fn a_limit_holds_every_other_call_back() {
    let server = autotask(|asked| {
        (call(asked).1 == "Tickets/7").then(|| refused(429, "busy").header("retry-after", "45"))
    })
    .await;
    let psa = connect(&server);
    let wait = PsaError::RateLimited { retry_after_secs: Some(45) };
    assert_eq!(psa.read_ticket("7", false).await, Err(wait.clone()));
    assert_eq!(psa.read_ticket("8", false).await, Err(wait));
    assert!(server.calls("GET", &format!("{API}Tickets/8")).is_empty());
}

#[test]
fn logins_of_one_customer_share_its_calls() {
    let tenant = |user: &str| Autotask.tenant(&[("username".to_owned(), user.to_owned())].into());
    assert_eq!(tenant("abc@ACME.com"), "acme.com");
    assert_eq!((tenant(" Key "), tenant("x@")), ("key".to_owned(), "x@".to_owned()));
    let made = Autotask.make_webhook_secret("autotask_hmac", &crate::clock::Chance::seeded(1)).unwrap();
    assert!(Autotask.check_webhook_secret("autotask_hmac", &made).is_ok());
    for secret in ["short".to_owned(), "x".repeat(65)] {
        assert!(Autotask.check_webhook_secret("autotask_hmac", &secret.into()).is_err());
    }
}

fn draft() -> TicketDraft {
    let fields = [
        ("queue", "8"),
        ("priority", "4"),
        ("issue_type", "10"),
        ("sub_issue_type", "136"),
        ("sla", " "),
        ("agent", "30"),
        ("role", "40"),
        ("contact", "77"),
        ("due_days", "3"),
        ("note_publish", "2"),
    ];
    TicketDraft {
        marker: MARKER.into(),
        company_external_id: "174".into(),
        title: "OpenSSL <b>outdated</b>\non \"host\" \\ {{x}}".into(),
        body: "Line one\u{0}\n<script>'x' & ü</script>".into(),
        fields: fields.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        status: Some("17".into()),
    }
}
