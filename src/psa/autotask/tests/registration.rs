//! The gateway's own webhook in Autotask.

use std::sync::Mutex;

use super::*;

const URL: &str = "https://gateway.example/webhooks/abc";

fn wanted(external_id: Option<&str>) -> WebhookWanted {
    WebhookWanted {
        url: URL.into(),
        name: "PSA Gateway: a name that is far longer than what Autotask takes".into(),
        scheme: "autotask_hmac".into(),
        secret: Some("k".repeat(43).into()),
        external_id: external_id.map(ToOwned::to_owned),
    }
}

/// Webhooks, their fields and who is left out, as a tenant keeps them.
#[derive(Default)]
struct Hooks {
    known: Vec<Value>,
    fields: Vec<Value>,
    excluded: Vec<Value>,
}

fn merge(rows: &mut [Value], change: &Value) -> Play {
    let Some(row) = rows.iter_mut().find(|row| row["id"] == change["id"]) else {
        return refused(500, "no such record");
    };
    for (key, value) in change.as_object().unwrap() {
        row[key] = value.clone();
    }
    Play::json(200, &json!({ "itemId": change["id"] }))
}

fn add(rows: &mut Vec<Value>, mut row: Value, first: i64) -> Play {
    let id = first + i64::try_from(rows.len()).unwrap();
    row["id"] = json!(id);
    rows.push(row);
    item_id(id)
}

impl Hooks {
    fn answer(&mut self, asked: &Asked) -> Option<Play> {
        let body = asked.json();
        Some(match call(asked) {
            ("POST", "TicketWebhooks") => {
                let mut row = body;
                row["isReady"] = json!(true);
                row["secretKey"] = json!("");
                add(&mut self.known, row, 900)
            }
            ("PATCH", "TicketWebhooks") => {
                let mut change = body;
                change.as_object_mut().unwrap().remove("secretKey");
                merge(&mut self.known, &change)
            }
            ("POST", "TicketWebhooks/query") => items(&self.known),
            ("POST", "TicketWebhooks/900/Fields") => add(&mut self.fields, body, 1),
            ("PATCH", "TicketWebhooks/900/Fields") => merge(&mut self.fields, &body),
            ("POST", "TicketWebhookFields/query") => items(&self.fields),
            ("POST", "TicketWebhooks/900/ExcludedResources") => add(&mut self.excluded, body, 1),
            ("POST", "TicketWebhookExcludedResources/query") => items(&self.excluded),
            ("POST", "Resources/query") => items(&[json!({"id": 31, "userName": "API@acme.com"})]),
            ("GET", "TicketWebhooks/900") => Play::json(200, &json!({ "item": self.known.first() })),
            ("DELETE", "TicketWebhooks/900") => {
                self.known.clear();
                item_id(900)
            }
            _ => return None,
        })
    }
}

async fn tenant(hooks: Hooks) -> (Canned, Arc<Mutex<Hooks>>) {
    let hooks = Arc::new(Mutex::new(hooks));
    let kept = Arc::clone(&hooks);
    (autotask(move |asked| kept.lock().unwrap().answer(asked)).await, hooks)
}

#[tokio::test]
async fn a_webhook_is_registered_once_with_its_fields_and_without_our_own_changes() {
    let (server, hooks) = tenant(Hooks::default()).await;
    let psa = connect(&server);
    let kept = psa.keep_webhook(&wanted(None)).await.unwrap();
    assert_eq!(kept, WebhookKept { external_id: "900".into(), mended: None, problem: None });
    let made = &sent(&server, "POST", "TicketWebhooks")[0];
    assert_eq!(made["webhookUrl"], URL);
    assert_eq!(made["deactivationUrl"], format!("{URL}?deactivated=1"));
    assert_eq!(made["secretKey"], "k".repeat(43));
    assert_eq!(made["name"].as_str().unwrap().len(), 50);
    assert_eq!((&made["isActive"], &made["isSubscribedToUpdateEvents"]), (&json!(true), &json!(true)));
    let flags: Vec<_> = hooks
        .lock()
        .unwrap()
        .fields
        .iter()
        .map(|f| (f["fieldID"].clone(), f["isSubscribedField"].clone(), f["isDisplayAlwaysField"].clone()))
        .collect();
    let flag = |id: i64, subscribed: bool, shown: bool| (json!(id), json!(subscribed), json!(shown));
    assert_eq!(
        flags,
        [flag(430, true, true), flag(410, true, false), flag(422, false, true), flag(431, false, true)]
    );
    assert_eq!(hooks.lock().unwrap().excluded[0]["resourceID"], 31);

    // Asked again, with and without knowing its number: nothing new.
    for known in [Some("900"), None, Some("")] {
        assert_eq!(psa.keep_webhook(&wanted(known)).await.unwrap(), kept, "{known:?}");
    }
    assert_eq!(sent(&server, "POST", "TicketWebhooks").len(), 1);
    assert_eq!(sent(&server, "POST", "TicketWebhooks/900/Fields").len(), 4);
    assert_eq!(sent(&server, "POST", "TicketWebhooks/900/ExcludedResources").len(), 1);
}

#[tokio::test]
async fn what_was_switched_off_or_changed_is_mended_and_said() {
    let hook = json!({"id": 900, "webhookUrl": "https://old.example/", "deactivationUrl": "https://old.example/x",
        "isActive": false, "isReady": true, "isSubscribedToUpdateEvents": false, "isSubscribedToDeleteEvents": true});
    let field = json!({"id": 1, "webhookID": 900, "fieldID": "430", "isSubscribedField": false, "isDisplayAlwaysField": true});
    let (server, hooks) =
        tenant(Hooks { known: vec![hook], fields: vec![field], excluded: Vec::new() }).await;
    let kept = connect(&server).keep_webhook(&wanted(Some("900"))).await.unwrap();
    let mended = kept.mended.unwrap();
    for words in ["switched off", "another address", "all changes", "did not watch status, completeddate"] {
        assert!(mended.contains(words), "{mended}");
    }
    assert_eq!(kept.problem, None);
    let hooks = hooks.lock().unwrap();
    assert_eq!((&hooks.known[0]["webhookUrl"], &hooks.known[0]["isActive"]), (&json!(URL), &json!(true)));
    assert_eq!(hooks.fields[0]["isSubscribedField"], true);
    assert_eq!(
        sent(&server, "PATCH", "TicketWebhooks")[0]["secretKey"],
        "k".repeat(43),
        "a new secret reaches it"
    );
}

#[tokio::test]
async fn what_cannot_be_mended_is_said() {
    let hook = |active: bool, ready: bool| json!({"id": 900, "webhookUrl": URL, "isActive": active, "isReady": ready});
    for (row, words) in [(hook(true, false), "getting it ready"), (hook(false, true), "switched on")] {
        let server = autotask(move |asked| match call(asked) {
            ("GET", "TicketWebhooks/900") => Some(one(&row)),
            ("PATCH", _) => Some(item_id(900)),
            (_, "Resources/query") => Some(refused(500, "You do not have permission")),
            _ => Hooks { known: vec![row.clone()], ..Hooks::default() }.answer(asked),
        })
        .await;
        let kept = connect(&server).keep_webhook(&wanted(Some("900"))).await.unwrap();
        assert!(kept.problem.as_ref().unwrap().contains(words), "{kept:?}");
    }
    let blind = autotask(|asked| match call(asked).1 {
        "TicketWebhookFields/entityInformation/fields" => Some(Play::json(200, &json!({"fields": []}))),
        _ => Hooks { known: vec![json!({"id": 900, "webhookUrl": URL})], ..Hooks::default() }.answer(asked),
    })
    .await;
    let kept = connect(&blind).keep_webhook(&wanted(None)).await.unwrap();
    assert!(kept.problem.unwrap().contains("Status"));
}

#[tokio::test]
async fn a_missing_permission_names_what_to_tick() {
    for play in
        [refused(500, "The user does not have permission to create this entity."), Play::text(403, "")]
    {
        let server = autotask(move |asked| match call(asked) {
            ("POST", "TicketWebhooks") => Some(play.clone()),
            _ => Hooks::default().answer(asked),
        })
        .await;
        let error = connect(&server).keep_webhook(&wanted(None)).await.unwrap_err();
        assert_eq!(error.code(), "forbidden");
        assert!(error.to_string().contains("Can create Webhooks"), "{error}");
    }
    let server = autotask(|asked| Hooks::default().answer(asked)).await;
    let none = WebhookWanted { secret: None, ..wanted(None) };
    assert_eq!(connect(&server).keep_webhook(&none).await.unwrap_err().code(), "rejected");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn only_one_resource_of_our_name_is_taken_for_ourselves() {
    for rows in [
        vec![],
        vec![json!({"id": 31, "userName": "api"}), json!({"id": 32, "email": "api@acme.com"})],
        vec![json!({"id": 33, "userName": "apix"})],
    ] {
        let server = autotask(move |asked| match call(asked).1 {
            "Resources/query" => Some(items(&rows)),
            _ => {
                Hooks { known: vec![json!({"id": 900, "webhookUrl": URL})], ..Hooks::default() }.answer(asked)
            }
        })
        .await;
        connect(&server).keep_webhook(&wanted(None)).await.unwrap();
        assert!(sent(&server, "POST", "TicketWebhooks/900/ExcludedResources").is_empty());
    }
}

#[tokio::test]
async fn a_webhook_is_removed_and_one_that_is_gone_is_no_error() {
    let (server, hooks) = tenant(Hooks { known: vec![json!({"id": 900})], ..Hooks::default() }).await;
    let psa = connect(&server);
    assert_eq!(psa.remove_webhook("900").await, Ok(()));
    assert!(hooks.lock().unwrap().known.is_empty());
    assert_eq!(psa.remove_webhook("900").await, Ok(()));
    assert_eq!(server.calls("DELETE", &format!("{API}TicketWebhooks/900")).len(), 1);
    assert_eq!(psa.remove_webhook("../Tickets/1").await.unwrap_err().code(), "rejected");
}
