//! What a connection is set up with: companies, lists of values, the credential check.

use super::*;
use crate::psa::{Ability, StepOutcome};

/// 250 clients, 100 a page at most, whatever is asked for.
fn client_page(asked: &Asked) -> Play {
    let page: usize = asked.query("page_no").unwrap().parse().unwrap();
    let row = |id: usize| json!({"id": id, "name": format!("Client {id}"), "inactive": id == 3, "customertype": "2"});
    let rows: Vec<_> = ((page - 1) * 100 + 1..=250).take(100).map(row).collect();
    Play::json(200, &json!({"record_count": 250, "clients": rows}))
}

#[tokio::test]
async fn all_companies_are_read_although_a_page_is_capped() {
    let server = halo(|asked| is_get(asked, "/api/client").then(|| client_page(asked))).await;
    let psa = connect(&server);
    let (mut names, mut page) = (Vec::new(), None);
    loop {
        let rows = psa.companies(&CompanyFilter::default(), page.as_deref()).await.unwrap();
        names.extend(rows.items.into_iter().map(|company| company.name));
        page = rows.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(names.len(), 248, "without the built-in one and the inactive one");
    assert_eq!(server.calls("GET", "/api/client").len(), 3);
    let only = CompanyFilter {
        search: Some("client 25".into()),
        company_type: Some("2".into()),
        ..Default::default()
    };
    let found = psa.companies(&only, None).await.unwrap();
    assert_eq!(found.items.len(), 1, "a search that Halo ignores is done again here");
}

#[tokio::test]
async fn a_list_that_repeats_itself_is_no_complete_list() {
    let server = halo(|asked| {
        let rows: Vec<_> = (2..102).map(|id| json!({"id": id, "name": "x"})).collect();
        is_get(asked, "/api/client").then(|| Play::json(200, &json!({"record_count": 250, "clients": rows})))
    })
    .await;
    let psa = connect(&server);
    let first = psa.companies(&CompanyFilter::default(), None).await.unwrap();
    let second = psa.companies(&CompanyFilter::default(), first.next.as_deref()).await;
    assert!(matches!(second, Err(PsaError::Unavailable { .. })), "{second:?}");
}

/// Lists as a small instance gives them.
fn lists(asked: &Asked) -> Option<Play> {
    let status = |id: i64, name: &str| json!({"id": id, "name": name});
    let mut statuses =
        vec![status(1, "New"), status(2, "In Progress"), status(9, "Closed"), status(31, "Resolved")];
    Some(match asked.path.as_str() {
        "/api/TicketType" => Play::json(200, &json!([{"id": 1, "name": "Incident"}])),
        "/api/TicketType/1" => {
            Play::json(200, &json!({"id": 1, "name": "Incident", "allowall_status": true}))
        }
        "/api/Status" => {
            if asked.query("excludeclosed").is_some() {
                statuses.truncate(2);
            }
            Play::json(200, &json!(statuses))
        }
        "/api/SLA" => Play::json(200, &json!([{"id": 1, "name": "Standard"}])),
        "/api/Priority" => {
            Play::json(200, &serde_json::from_str(include_str!("../fixtures/priorities.json")).unwrap())
        }
        "/api/Team" => Play::json(
            200,
            &json!([{"id": 1, "name": "Security"}, {"id": 2, "name": "Old", "inactive": true}]),
        ),
        "/api/Agent" => Play::text(403, ""),
        "/api/Category" => Play::json(200, &json!([{"id": 4, "value": "Hardware>Desktop", "type_id": 1}])),
        "/api/Outcome" => Play::json(200, &json!([{"id": 7, "outcome": "Internal Note"}])),
        "/api/Client" => client_page(asked),
        "/api/Tickets" => tickets(&[ticket(1)]),
        "/api/Asset" => Play::json(200, &json!({"record_count": 2, "assets": [{"id": 1}]})),
        "/api/Users" => Play::json(200, &json!({"record_count": 1, "users": [{"id": 1}]})),
        "/api/RecurringInvoice" => Play::json(200, &json!({"record_count": 1, "invoices": [{"id": -94}]})),
        "/api/Webhook" => Play::json(200, &json!([])),
        "/api/Agent/me" => Play::json(200, &json!({"id": 5, "name": "PSA Gateway"})),
        _ => return None,
    })
}

#[tokio::test]
async fn one_list_that_is_refused_does_not_cost_the_others() {
    let server = halo(lists).await;
    let lists = connect(&server).pick_lists().await.unwrap();
    let list = |key: &str| lists.iter().find(|list| list.key == key).unwrap();
    let closes: Vec<_> = list("status").items.iter().map(|item| item.closes).collect();
    assert_eq!(closes, [Some(false), Some(false), Some(true), Some(true)]);
    assert!(list("agent").problem.as_ref().unwrap().contains("role"));
    assert_eq!(list("team").items.len(), 1);
    assert_eq!((list("category_1").items.len(), list("category_2").items.len()), (1, 0));
    assert_eq!(list("company_type").items[0].value, "2");
    for field in Halo.profile_fields().iter().filter_map(|field| field.pick_list) {
        assert!(lists.iter().any(|list| list.key == field), "{field}");
    }
}

fn outcomes(verification: &Verification) -> Vec<(&'static str, StepOutcome, Option<&'static str>)> {
    verification.steps.iter().map(|step| (step.key, step.outcome, step.field)).collect()
}

#[tokio::test]
async fn a_good_login_is_verified_step_by_step() {
    let server = halo(lists).await;
    let verification = connect(&server).verify().await;
    assert!(verification.is_ok(), "{verification:?}");
    assert_eq!(verification.discovered["agent_id"], "5");
    assert_eq!(verification.discovered["tenant"], "acme");
    assert_eq!(verification.discovered["scope"], "all");
    let seen: Vec<_> = verification.steps.iter().map(|step| (step.key, step.outcome, step.ability)).collect();
    for (key, outcome, ability) in [
        ("companies", StepOutcome::Passed, Ability::Companies),
        ("tickets", StepOutcome::Passed, Ability::Tickets),
        ("ticket_write", StepOutcome::NotProven, Ability::Tickets),
        ("close", StepOutcome::NotProven, Ability::Close),
        ("configurations", StepOutcome::Passed, Ability::Configurations),
        ("contacts", StepOutcome::Passed, Ability::Contacts),
        ("billing", StepOutcome::Passed, Ability::Billing),
        ("webhooks", StepOutcome::Passed, Ability::Webhooks),
    ] {
        assert!(seen.contains(&(key, outcome, Some(ability))), "{key}: {seen:?}");
    }
}

#[tokio::test]
async fn what_tickets_can_do_without_does_not_fail_the_login() {
    let server = halo(|asked| match asked.path.as_str() {
        "/api/Asset" => Some(Play::json(404, &json!({"message": "no such address"}))),
        "/api/Users" | "/api/RecurringInvoice" | "/api/Webhook" => Some(Play::text(403, "")),
        _ => lists(asked),
    })
    .await;
    let verification = connect(&server).verify().await;
    assert!(verification.is_ok(), "{verification:?}");
    let step = |key: &str| verification.steps.iter().find(|step| step.key == key).unwrap();
    assert_eq!(step("configurations").outcome, StepOutcome::NotProven);
    for (key, wanted) in [
        ("contacts", "read:customers"),
        ("billing", "read:invoices"),
        ("webhooks", "admin"),
        ("webhooks", "by hand"),
    ] {
        let step = step(key);
        assert!(step.outcome == StepOutcome::Failed && step.message.contains(wanted), "{step:?}");
    }
}

#[tokio::test]
async fn an_application_that_may_do_too_much_is_warned_of_with_what_to_leave() {
    for (scope, wanted) in [
        ("all", Some("leave read:tickets")),
        ("all:standard offline_access", Some("leave read:tickets")),
        ("read:tickets edit:tickets read:customers admin", Some("take admin away")),
        ("read:tickets edit:tickets read:customers", None),
        ("", None),
    ] {
        let server = halo(move |asked| {
            is_post(asked, "/auth/token")
                .then(|| Play::json(200, &token("t", scope)))
                .or_else(|| lists(asked))
        })
        .await;
        let warnings = connect(&server).verify().await.warnings;
        match wanted {
            None => assert!(warnings.is_empty(), "{scope}: {warnings:?}"),
            Some(wanted) => {
                let warning = warnings.first().unwrap();
                assert!(warning.contains("far more than needed") && warning.contains(wanted), "{warning}");
            }
        }
    }
}

#[tokio::test]
async fn a_host_that_is_not_halo_is_blamed_on_the_domain_and_sees_no_secret() {
    let not_found = json!({"message": "not found", "error": "not found"});
    for (name, play) in [
        ("json 404", Play::json(404, &not_found)),
        ("json 401", Play::json(401, &json!({"message": "log in first"}))),
        ("html", Play::text(200, "<html>Welcome</html>")),
        ("list", Play::json(200, &json!([]))),
        ("other object", Play::json(200, &json!({"hello": "world"}))),
        ("no address", Play::json(200, &json!({"auth_url": "somewhere", "tenant_id": "x"}))),
    ] {
        let other = Canned::start(move |_| play.clone()).await;
        let verification = connect(&other).verify().await;
        assert_eq!(outcomes(&verification)[0], ("host", StepOutcome::Failed, Some("domain")), "{name}");
        assert!(verification.steps[1..].iter().all(|step| step.outcome == StepOutcome::Skipped), "{name}");
        let tries = other.calls("POST", "/auth/token");
        assert!(tries.iter().all(|try_| !String::from_utf8_lossy(&try_.body).contains("s3cret")), "{name}");
    }
}

#[tokio::test]
async fn a_halo_without_authinfo_is_signed_in_to_at_the_usual_place() {
    let old = halo(|asked| match asked.path.as_str() {
        "/api/authinfo" => Some(Play::text(404, "<html>IIS</html>")),
        "/auth/token" if !String::from_utf8_lossy(&asked.body).contains("s3cret") => {
            Some(Play::json(400, &json!({"error": "invalid_client"})))
        }
        _ => lists(asked),
    })
    .await;
    let verification = connect(&old).verify().await;
    assert_eq!(outcomes(&verification)[0], ("host", StepOutcome::NotProven, None));
    assert_eq!(outcomes(&verification)[1], ("sign_in", StepOutcome::Passed, None));
}

#[tokio::test]
async fn the_authorisation_server_is_blamed_only_where_it_was_typed() {
    let dead = |asked: &Asked| is_post(asked, "/auth/token").then(|| Play::text(502, "<html>"));
    let named = halo(dead).await;
    let sign_in = |verification: &Verification| outcomes(verification)[1];
    let found = connect(&named).verify().await;
    assert_eq!(sign_in(&found), ("sign_in", StepOutcome::Failed, Some("domain")));
    let typed = format!("{}/auth", named.base);
    let found =
        connect_with(&named.base, &clock(), &[("authorisation_server", typed.as_str())]).verify().await;
    assert_eq!(sign_in(&found), ("sign_in", StepOutcome::Failed, Some("authorisation_server")));
}

#[tokio::test]
async fn a_bad_login_is_told_which_field_is_wrong() {
    let invalid = json!({"error": "invalid_client", "error_description": "no such client"});
    let wrong = halo(move |asked| is_post(asked, "/auth/token").then(|| Play::json(401, &invalid))).await;
    let verification = connect(&wrong).verify().await;
    assert_eq!(outcomes(&verification)[1], ("sign_in", StepOutcome::Failed, Some("client_id")));
    assert!(
        verification.steps[1].message.contains("saved for the first time"),
        "{:?}",
        verification.steps[1]
    );
    assert!(verification.steps[2..].iter().all(|step| step.outcome == StepOutcome::Skipped));

    let page = Canned::start(|_| Play::text(200, "<html>Welcome</html>")).await;
    assert_eq!(outcomes(&connect(&page).verify().await)[0], ("host", StepOutcome::Failed, Some("domain")));
    let moved = Canned::start(|_| Play::text(302, "").header("location", "https://elsewhere.example/")).await;
    assert_eq!(outcomes(&connect(&moved).verify().await)[0], ("host", StepOutcome::Failed, Some("domain")));

    let lured = halo(|asked| {
        is_get(asked, "/api/authinfo")
            .then(|| Play::json(200, &json!({"auth_url": "https://elsewhere.example/auth"})))
    })
    .await;
    let verification = connect(&lured).verify().await;
    assert_eq!(outcomes(&verification)[1], ("sign_in", StepOutcome::Failed, Some("authorisation_server")));
    assert_eq!(lured.calls("POST", "/auth/token").len(), 0, "the secret stays here");

    let read_only = halo(|asked| {
        is_post(asked, "/auth/token")
            .then(|| Play::json(200, &token("t", "read:tickets read:customers")))
            .or_else(|| lists(asked))
    })
    .await;
    let verification = connect(&read_only).verify().await;
    for key in ["ticket_write", "close"] {
        let step = verification.steps.iter().find(|step| step.key == key).unwrap();
        assert!(step.outcome == StepOutcome::Failed && step.message.contains("edit:tickets"), "{step:?}");
    }
    assert!(!verification.is_ok());
}

#[test]
fn a_private_host_is_refused_where_the_operator_does_not_allow_it() {
    let http = Outbound::new(OutboundOptions::default()).unwrap();
    for domain in ["http://10.0.0.1", "https://127.0.0.1", "http://halo.corp.example"] {
        let form = [("domain", domain), ("client_id", "a"), ("client_secret", "b")];
        let form = form.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        let problems = Halo.connect(form, http.clone()).err().unwrap();
        assert_eq!(problems[0].field, "domain", "{domain}");
    }
}
