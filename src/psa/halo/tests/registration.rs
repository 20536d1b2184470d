//! The gateway's own webhook in Halo.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::*;

const URL: &str = "https://gateway.example/webhooks/abc";
const ID: &str = "0b5e7a10-0000-4000-8000-000000000001";
const SECRET: &str = "a-secret-of-the-endpoint-0123456789";

fn wanted() -> WebhookWanted {
    WebhookWanted {
        url: URL.into(),
        name: "PSA Gateway: Halo".into(),
        scheme: "halo_hmac".into(),
        secret: Some(SECRET.into()),
        external_id: None,
    }
}

/// What a Halo remembers of webhooks, and how it shows it.
#[derive(Default)]
struct Book {
    webhooks: Vec<Value>,
    notifications: Vec<Value>,
    /// Shows neither the events of a webhook nor what a notification is bound to.
    is_terse: bool,
    /// Ignores what is asked about being switched on.
    stays_off: bool,
}

impl Book {
    fn play(&mut self, asked: &Asked) -> Option<Play> {
        let path = asked.path.strip_prefix("/api")?;
        let (resource, id) = path.trim_start_matches('/').split_once('/').unwrap_or((&path[1..], ""));
        let is_same = |row: &Value, key: &str, id: &str| row[key].to_string().trim_matches('"') == id;
        let item = asked.json()[0].clone();
        Some(match (asked.method.as_str(), resource, id) {
            ("GET", "Webhook", "") => Play::json(200, &json!(self.shown_webhooks())),
            ("GET", "Webhook", id) => {
                let row = self.shown_webhooks().into_iter().find(|row| is_same(row, "id", id));
                row.map_or_else(|| Play::json(404, &json!({})), |row| Play::json(200, &row))
            }
            ("POST", "Webhook", _) => Play::json(201, &self.write_webhook(item)),
            ("DELETE", "Webhook", id) => {
                self.webhooks.retain(|row| !is_same(row, "id", id));
                Play::json(200, &json!({}))
            }
            ("GET", "Notification", "") => Play::json(200, &json!(self.shown_notifications())),
            ("GET", "Notification", id) => {
                let row = self.shown_notifications().into_iter().find(|row| is_same(row, "id", id));
                row.map_or_else(|| Play::json(404, &json!({})), |row| Play::json(200, &row))
            }
            ("POST", "Notification", _) => {
                let mut row = item;
                row["id"] = json!(201 + self.notifications.len());
                self.notifications.push(row.clone());
                Play::json(201, &json!([row]))
            }
            ("DELETE", "Notification", id) => {
                self.notifications.retain(|row| !is_same(row, "id", id));
                Play::json(200, &json!({}))
            }
            _ => return None,
        })
    }

    fn shown_webhooks(&self) -> Vec<Value> {
        let mut rows = self.webhooks.clone();
        for row in &mut rows {
            row.as_object_mut().unwrap().remove("basic_password");
            let of = |n: &&Value| n["webhook_id"] == row["id"] && !self.is_terse;
            row["events"] = self.notifications.iter().filter(of).cloned().collect();
        }
        rows
    }

    fn shown_notifications(&self) -> Vec<Value> {
        let mut rows = self.notifications.clone();
        if self.is_terse {
            for row in &mut rows {
                *row = json!({"id": row["id"], "eventno": row["eventno"].to_string()});
            }
        }
        rows
    }

    fn write_webhook(&mut self, item: Value) -> Value {
        let Some(known) = self.webhooks.iter_mut().find(|row| row["id"] == item["id"]) else {
            let mut row = item;
            row["id"] = json!(ID);
            self.webhooks.push(row.clone());
            return row;
        };
        for (key, value) in item.as_object().unwrap() {
            if !(self.stays_off && key == "active") {
                known[key] = value.clone();
            }
        }
        known.clone()
    }
}

type Shared = Arc<Mutex<Book>>;

/// Two of these in one statement would wait for each other.
fn open(book: &Shared) -> std::sync::MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many webhooks and notifications there are.
fn counted(book: &Shared) -> (usize, usize) {
    let book = open(book);
    (book.webhooks.len(), book.notifications.len())
}

async fn with_book(book: Book) -> (Canned, Shared) {
    let book = Arc::new(Mutex::new(book));
    let played = Arc::clone(&book);
    (halo(move |asked| open(&played).play(asked)).await, book)
}

/// A Halo that the webhook was registered in, and what as.
async fn registered() -> (Canned, Shared, WebhookWanted) {
    let (server, book) = with_book(Book::default()).await;
    let kept = connect(&server).keep_webhook(&wanted()).await.unwrap();
    let wanted = WebhookWanted { external_id: Some(kept.external_id), ..wanted() };
    (server, book, wanted)
}

#[tokio::test]
async fn a_webhook_is_registered_with_its_events_and_the_secret() {
    let (server, book) = with_book(Book::default()).await;
    let kept = connect(&server).keep_webhook(&wanted()).await.unwrap();
    assert_eq!(kept.external_id, format!("{ID};39=202;61=201"));
    assert_eq!((kept.mended, kept.problem), (None, None));
    let book = open(&book);
    let webhook = &book.webhooks[0];
    assert!(webhook["name"].as_str().unwrap().starts_with("PSA Gateway: Halo ("), "{webhook}");
    for (key, value) in [
        ("url", json!(URL)),
        ("active", json!(true)),
        ("type", json!(0)),
        ("method", json!(0)),
        ("authentication_type", json!(3)),
        ("authentication_header", json!("Token")),
        ("algorithm", json!(0)),
        ("basic_password", json!(SECRET)),
    ] {
        assert_eq!(webhook[key], value, "{key}");
    }
    for (bound, event) in book.notifications.iter().zip([61, 39]) {
        assert_eq!(bound["eventno"], event);
        assert_eq!((&bound["webhook_id"], &bound["guid"]), (&json!(ID), &Value::Null));
        assert_eq!((&bound["type"], &bound["delivery_method"]), (&json!(-2), &json!(6)));
        assert_eq!(bound["conditions"].as_array().unwrap().len(), 1, "an update wants one");
    }
    assert!(server.asked().iter().all(|asked| asked.query.iter().all(|(_, value)| !value.contains(SECRET))));
}

#[tokio::test]
async fn looking_at_it_again_registers_nothing_twice() {
    let (server, book, wanted) = registered().await;
    let psa = connect(&server);
    // With and without what was remembered, and where Halo hides what hangs on what.
    let forgotten = WebhookWanted { external_id: None, ..wanted.clone() };
    for (wanted, is_terse) in [(&wanted, false), (&forgotten, false), (&wanted, true)] {
        open(&book).is_terse = is_terse;
        let kept = psa.keep_webhook(wanted).await.unwrap();
        assert_eq!(kept.external_id, format!("{ID};39=202;61=201"));
        assert_eq!((kept.mended, kept.problem), (None, None));
        assert_eq!(counted(&book), (1, 2));
    }
}

#[tokio::test]
async fn what_somebody_changed_is_mended_and_said() {
    let (server, book, wanted) = registered().await;
    {
        let mut book = open(&book);
        let webhook = &mut book.webhooks[0];
        webhook["active"] = json!(false);
        webhook["url"] = json!("https://elsewhere.example/");
        webhook["authentication_type"] = json!(0);
        webhook["custom_payload"] = json!(true);
        webhook["basic_password"] = json!("old");
        book.notifications.pop();
    }
    let kept = connect(&server).keep_webhook(&wanted).await.unwrap();
    let mended = kept.mended.unwrap();
    for words in ["switched off", "another address", "signed in another way", "payload", "\"ticket closed\""]
    {
        assert!(mended.contains(words), "{words}: {mended}");
    }
    assert_eq!(kept.problem, None);
    let book = open(&book);
    let webhook = &book.webhooks[0];
    assert_eq!((&webhook["active"], &webhook["url"]), (&json!(true), &json!(URL)));
    assert_eq!((&webhook["authentication_type"], &webhook["basic_password"]), (&json!(3), &json!(SECRET)));
    assert_eq!((&webhook["custom_payload"], book.notifications.len()), (&json!(false), 2));
}

#[tokio::test]
async fn one_that_does_not_stay_on_is_a_problem() {
    let (server, book, wanted) = registered().await;
    open(&book).webhooks[0]["active"] = json!(false);
    open(&book).stays_off = true;
    let kept = connect(&server).keep_webhook(&wanted).await.unwrap();
    assert!(kept.problem.unwrap().contains("Deliveries"));
}

#[tokio::test]
async fn a_webhook_of_somebody_else_is_left_alone() {
    let other =
        json!({"id": Uuid::from_u128(7), "name": "PSA Gateway: Halo", "url": "https://other.example/"});
    let bound =
        json!({"id": 9, "webhook_id": Uuid::from_u128(7), "eventno": 61, "type": -2, "delivery_method": 6});
    let (server, book) =
        with_book(Book { webhooks: vec![other.clone()], notifications: vec![bound], ..Book::default() })
            .await;
    let psa = connect(&server);
    let kept = psa.keep_webhook(&wanted()).await.unwrap();
    assert_eq!(counted(&book), (2, 3));
    psa.remove_webhook(&kept.external_id).await.unwrap();
    assert_eq!(counted(&book), (1, 1));
    assert_eq!(open(&book).webhooks[0], other);
    psa.remove_webhook(&kept.external_id).await.expect("one that is gone is no error");
    assert!(matches!(psa.remove_webhook("12").await, Err(PsaError::Rejected { .. })));
}

#[tokio::test]
async fn without_the_right_the_scope_and_the_way_by_hand_are_named() {
    let server = halo(|asked| {
        asked.path.starts_with("/api/").then(|| match asked.path.as_str() {
            "/api/authinfo" => Play::json(200, &json!({})),
            _ => Play::text(403, ""),
        })
    })
    .await;
    let Err(PsaError::Forbidden { missing }) = connect(&server).keep_webhook(&wanted()).await else {
        panic!()
    };
    assert!(missing.contains("admin") && missing.contains("by hand"), "{missing}");
}

#[tokio::test]
async fn a_refusal_never_quotes_the_secret_and_an_unclear_list_registers_nothing() {
    let quoting = halo(|asked| match asked.method.as_str() {
        "POST" if asked.path == "/api/Webhook" => {
            Some(Play::json(400, &json!({"Message": format!("'{SECRET}' is too long")})))
        }
        _ if asked.path == "/api/Webhook" => Some(Play::json(200, &json!([]))),
        _ => None,
    })
    .await;
    let error = connect(&quoting).keep_webhook(&wanted()).await.unwrap_err();
    assert!(matches!(error, PsaError::Rejected { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains(SECRET));

    for answer in
        [json!({"record_count": 300, "webhooks": [{"id": ID}]}), json!({"hello": "world"}), json!("x")]
    {
        let unclear =
            halo(move |asked| is_get(asked, "/api/webhook").then(|| Play::json(200, &answer))).await;
        let kept = connect(&unclear).keep_webhook(&wanted()).await;
        assert!(matches!(kept, Err(PsaError::Unavailable { .. })), "{kept:?}");
        assert_eq!(unclear.calls("POST", "/api/webhook").len(), 0);
    }
    let by_name = WebhookWanted { scheme: "halo_basic".into(), ..wanted() };
    assert!(matches!(connect(&quoting).keep_webhook(&by_name).await, Err(PsaError::Rejected { .. })));
}
