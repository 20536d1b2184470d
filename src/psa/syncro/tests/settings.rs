//! What a connection is set up with: companies, lists of values, the credential check.

use super::*;
use crate::psa::{Ability, StepOutcome, VerificationStep};

/// 120 customers, 50 a page; the third is disabled and the fourth a person.
fn customer_page(asked: &Asked) -> Option<Play> {
    let page: usize = asked.query("page")?.parse().ok()?;
    let row = |id: usize| {
        let name = (id != 4).then(|| format!("Customer {id}"));
        json!({"id": id, "business_name": name, "fullname": "Grace Hopper", "disabled": id == 3,
            "online_profile_url": "https://acme.syncromsp.com/my_profile?portal_key=hush"})
    };
    let rows: Vec<_> = ((page - 1) * 50 + 1..=120)
        .take(50)
        .filter(|id| *id != 3 || asked.query("include_disabled") == Some("true"))
        .map(row)
        .collect();
    let meta = json!({"total_pages": 3, "total_entries": 120, "per_page": 50, "page": page});
    Some(Play::json(200, &json!({"customers": rows, "meta": meta})))
}

async fn all(psa: &Arc<dyn Psa>, filter: &CompanyFilter) -> Vec<RemoteCompany> {
    let (mut all, mut page) = (Vec::new(), None);
    loop {
        let rows = psa.companies(filter, page.as_deref()).await.unwrap();
        assert_eq!(rows.total, Some(120));
        all.extend(rows.items);
        page = rows.next;
        if page.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn all_companies_are_read_and_the_filter_holds() {
    let server = syncro(customer_page).await;
    let psa = connect(&server);
    let everyone = all(&psa, &CompanyFilter::default()).await;
    assert_eq!((everyone.len(), server.asked().len()), (119, 3));
    assert_eq!(everyone[2].name, "Grace Hopper", "a person has no business name");
    assert_eq!(everyone[0].url.as_deref(), Some(format!("{}/customers/1", server.base).as_str()));
    assert!(!format!("{everyone:?}").contains("hush"));
    let of = |status: Option<&str>, search: Option<&str>, include_inactive| CompanyFilter {
        status: status.map(Into::into),
        search: search.map(Into::into),
        include_inactive,
        ..CompanyFilter::default()
    };
    let inactive = all(&psa, &of(Some("inactive"), None, false)).await;
    assert_eq!(
        inactive.iter().map(|c| (c.external_id.as_str(), c.is_active)).collect::<Vec<_>>(),
        [("3", false)]
    );
    assert_eq!(all(&psa, &of(None, None, true)).await.len(), 120);
    assert_eq!(all(&psa, &of(Some("active"), None, true)).await.len(), 119);
    assert_eq!(all(&psa, &of(None, Some(" customer 11"), false)).await.len(), 11);
    let typed = CompanyFilter { company_type: Some("x".into()), ..CompanyFilter::default() };
    assert_eq!(psa.companies(&typed, None).await.unwrap_err().code(), "rejected");
}

#[tokio::test]
async fn a_list_that_repeats_itself_is_no_complete_list() {
    let server = syncro(|_| {
        let meta = json!({"total_pages": 3, "page": 1});
        Some(Play::json(200, &json!({"customers": [{"id": 1, "business_name": "x"}], "meta": meta})))
    })
    .await;
    let psa = connect(&server);
    let first = psa.companies(&CompanyFilter::default(), None).await.unwrap();
    let second = psa.companies(&CompanyFilter::default(), first.next.as_deref()).await;
    assert!(matches!(second, Err(PsaError::Unavailable { .. })), "{second:?}");
}

#[tokio::test]
async fn a_company_is_created_with_its_name_and_what_syncro_cannot_do_is_refused() {
    let server = syncro(|asked| {
        is(asked, "POST", "/customers").then(|| match asked.json()["business_name"].as_str() {
            Some("Odd") => Play::json(200, &json!({})),
            _ => Play::json(
                200,
                &json!({"customer": {"id": 77, "business_name": "New & Co", "disabled": false}}),
            ),
        })
    })
    .await;
    let psa = connect(&server);
    let draft =
        CompanyDraft { name: " New &\nCo ".into(), phone: Some("+1 555".into()), ..Default::default() };
    let made = psa.create_company(&draft).await.unwrap();
    assert_eq!((made.external_id.as_str(), made.is_active), ("77", true));
    let sent = server.calls("POST", "/api/v1/customers")[0].json();
    assert_eq!(sent, json!({"business_name": "New & Co", "phone": "+1 555"}));
    let odd = CompanyDraft { name: "Odd".into(), status: Some("active".into()), ..Default::default() };
    assert_eq!(psa.create_company(&odd).await.unwrap_err().code(), "unknown");
    for refused in [
        CompanyDraft::default(),
        CompanyDraft { status: Some("inactive".into()), ..draft.clone() },
        CompanyDraft { company_type: Some("1".into()), ..draft.clone() },
    ] {
        assert_eq!(psa.create_company(&refused).await.unwrap_err().code(), "rejected");
    }
    assert_eq!(server.asked().len(), 2);
}

/// A small account, as the vendor's document and live answers show one.
fn account(asked: &Asked) -> Option<Play> {
    Some(match asked.path.as_str() {
        "/api/v1/me" => Play::json(200, &fixture(include_str!("../fixtures/me.json"))),
        "/api/v1/customers" => return customer_page(asked),
        "/api/v1/tickets" => list(&[ticket(1)], 1, 1),
        "/api/v1/tickets/settings" => {
            Play::json(200, &fixture(include_str!("../fixtures/ticket_settings.json")))
        }
        "/api/v1/settings" => Play::json(200, &fixture(include_str!("../fixtures/settings.json"))),
        "/api/v1/contacts" => {
            Play::json(200, &json!({"contacts": [], "meta": {"total_pages": 1, "page": 1}}))
        }
        "/api/v1/customer_assets" => {
            Play::json(200, &json!({"assets": [], "meta": {"total_pages": 0, "page": 1}}))
        }
        "/api/v1/schedules" => Play::json(200, &json!({"schedules": []})),
        _ => return None,
    })
}

#[tokio::test]
async fn lists_hold_what_is_sent_and_statuses_say_what_closes() {
    let server = syncro(account).await;
    let lists = connect(&server).pick_lists().await.unwrap();
    let of = |key: &str| {
        let list = lists.iter().find(|list| list.key == key).unwrap();
        assert_eq!(list.problem, None);
        list.items.iter().map(|i| (i.value.as_str(), i.label.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(of("ticket_type"), [("1", "Devices")], "a disabled one is left out");
    assert_eq!(of("agent"), [("31", "PSA Gateway"), ("4", "Ada Lovelace")]);
    assert_eq!(of("priority")[0], ("0 Urgent", "0 Urgent"), "the empty one is left out");
    assert_eq!(of("problem_type").len(), 5);
    assert_eq!(of("company_status").len(), 2);
    let closing: Vec<_> =
        lists[0].items.iter().filter(|i| i.closes == Some(true)).map(|i| &i.value).collect();
    assert_eq!(closing, ["Resolved", "Invoiced"]);
    assert!(lists[0].items.iter().all(|item| item.closes.is_some()));
    let keys: Vec<_> = lists.iter().map(|list| list.key.as_str()).collect();
    for field in Syncro.profile_fields() {
        assert!(field.pick_list.is_none_or(|key| keys.contains(&key)), "{}", field.key);
    }
    assert_eq!(server.asked().len(), 2, "two answers hold all lists");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_does_not_cost_the_others() {
    let server = syncro(|asked| match asked.path.as_str() {
        "/api/v1/settings" => Some(refusal(401)),
        _ => account(asked),
    })
    .await;
    let lists = connect(&server).pick_lists().await.unwrap();
    let problems: Vec<_> = lists.iter().filter(|l| l.problem.is_some()).map(|l| l.key.as_str()).collect();
    assert_eq!(problems, ["problem_type", "priority"]);
    let down = syncro(|_| Some(Play::text(503, "<html>"))).await;
    assert_eq!(connect(&down).pick_lists().await.unwrap_err().code(), "unavailable");
}

fn step<'a>(verification: &'a Verification, key: &str) -> &'a VerificationStep {
    verification.steps.iter().find(|step| step.key == key).unwrap()
}

#[tokio::test]
async fn a_good_login_passes_and_its_secrets_are_nowhere() {
    let server = syncro(account).await;
    let seen = connect(&server).verify().await;
    assert!(seen.is_ok(), "{seen:?}");
    let outcomes: Vec<_> = seen.steps.iter().map(|step| step.outcome).collect();
    let wanted = [StepOutcome::Passed; 4].into_iter().chain([StepOutcome::NotProven]);
    assert_eq!(outcomes, wanted.chain([StepOutcome::Passed; 4]).collect::<Vec<_>>(), "{seen:?}");
    let discovered: Vec<_> = seen.discovered.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(discovered, [("subdomain", "acme"), ("user_id", "31"), ("user_name", "PSA Gateway")]);
    assert!(step(&seen, "pick_lists").message.contains("ticket type"), "this account demands one");
    assert!(seen.warnings.is_empty(), "{:?}", seen.warnings);
    assert_eq!(server.calls("GET", "/api/v1/me").len(), 1);
    let shown = format!("{seen:?}");
    assert!(!shown.contains("3746f72b") && !shown.contains(TOKEN), "{shown}");
    for ability in [Ability::Companies, Ability::Tickets, Ability::Close, Ability::Billing] {
        assert!(seen.steps.iter().any(|step| step.ability == Some(ability)));
    }
}

#[tokio::test]
async fn a_missing_permission_is_told_from_a_bad_token() {
    // The connection test on customers passes, and tickets are refused (clientst0r#44).
    for body in [include_str!("../fixtures/error_permission.json"), "", "{\"error\":\"Unauthorized\"}"] {
        let server = syncro(move |asked| match asked.path.as_str() {
            "/api/v1/tickets" => Some(Play::text(401, body)),
            _ => account(asked),
        })
        .await;
        let seen = connect(&server).verify().await;
        let tickets = step(&seen, "tickets");
        assert_eq!((tickets.outcome, tickets.field), (StepOutcome::Failed, Some("api_key")), "{body}");
        assert!(tickets.message.contains("Tickets - List/Search"), "{}", tickets.message);
        assert_eq!(step(&seen, "companies").outcome, StepOutcome::Passed);
        assert!(!seen.is_ok());
    }
    let server = syncro(|asked| match asked.path.as_str() {
        "/api/v1/schedules" => Some(refusal(401)),
        _ => account(asked),
    })
    .await;
    let seen = connect(&server).verify().await;
    assert!(step(&seen, "billing").message.contains("Recurring Invoices - List"));
    assert!(seen.is_ok(), "tickets do not need it");
}

#[tokio::test]
async fn a_bad_token_and_a_wrong_host_are_told_apart() {
    for (name, play, key, field) in [
        ("token", Play::json(401, &json!({"error": "Unauthorized"})), "sign_in", Some("api_key")),
        ("token, in HTML", Play::text(401, "<html>"), "sign_in", Some("api_key")),
        ("page", Play::text(200, "<html>Welcome"), "host", Some("domain")),
        ("no such account", Play::text(404, "<html>"), "host", Some("domain")),
        ("other API", Play::json(404, &json!({"message": "no"})), "host", Some("domain")),
        ("elsewhere", Play::text(302, "").header("location", "https://x.example/"), "host", Some("domain")),
        ("another product", Play::json(200, &json!({"ok": true})), "sign_in", Some("domain")),
        ("out of order", Play::text(503, "<html>"), "host", None),
    ] {
        let server = Canned::start(move |_| play.clone()).await;
        let seen = connect(&server).verify().await;
        let failed: Vec<_> = seen.steps.iter().filter(|s| s.outcome == StepOutcome::Failed).collect();
        assert_eq!(failed.len(), 1, "{name}: {seen:?}");
        assert_eq!((failed[0].key, failed[0].field), (key, field), "{name}");
        assert_eq!(seen.steps.last().unwrap().outcome, StepOutcome::Skipped, "{name}");
        assert_eq!(server.asked().len(), 1, "{name}");
        assert!(!format!("{seen:?}").contains(TOKEN));
    }
}

#[tokio::test]
async fn too_much_and_too_little_power_are_both_said() {
    let with = |change: fn(&mut Value)| {
        syncro(move |asked| {
            let mut me = fixture(include_str!("../fixtures/me.json"));
            change(&mut me);
            is(asked, "GET", "/me").then(|| Play::json(200, &me)).or_else(|| account(asked))
        })
    };
    let admin = with(|me| {
        me["admin"] = json!(true);
        me["permissions"]["ticket"]["write"] = json!(false);
    })
    .await;
    let seen = connect(&admin).verify().await;
    assert!(seen.warnings.iter().any(|warning| warning.contains("administrator")), "{:?}", seen.warnings);
    assert!(seen.is_ok());
    let reader = with(|me| me["permissions"]["ticket"]["write"] = json!(false)).await;
    let seen = connect(&reader).verify().await;
    let close = step(&seen, "close");
    assert_eq!((close.outcome, close.ability), (StepOutcome::Failed, Some(Ability::Close)));
    assert!(close.message.contains("Tickets - Edit") && !seen.is_ok(), "{}", close.message);
    let silent = with(|me| *me = json!({"user_id": 3, "user_name": "x"})).await;
    assert!(connect(&silent).verify().await.is_ok());
}
