//! What a connection is set up with: companies, lists of values, the credential check.

use super::*;
use crate::psa::StepOutcome;

/// 1,101 companies from number 0 on, by the id cursor and at most 500 at a time.
fn company_page(asked: &Asked) -> Play {
    let body = asked.json();
    let after = body["filter"][0]["value"].as_i64().unwrap();
    let most = usize::try_from(body["maxRecords"].as_i64().unwrap().min(500)).unwrap();
    let row = |id: i64| json!({"id": id, "companyName": format!("Company {id}"), "companyType": 1 + (id % 2) * 2, "isActive": id != 3, "marketSegmentID": null});
    let rows: Vec<_> = (0..=1_100).filter(|id| *id > after).take(most).map(row).collect();
    items(&rows)
}

#[tokio::test]
async fn all_companies_are_read_from_the_msps_own_on() {
    let server = autotask(|asked| (call(asked).1 == "Companies/query").then(|| company_page(asked))).await;
    let psa = connect(&server);
    let (mut found, mut page) = (Vec::new(), None);
    loop {
        let rows = psa.companies(&CompanyFilter::default(), page.as_deref()).await.unwrap();
        found.extend(rows.items);
        page = rows.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 1_100, "without the inactive one, which the filter of this server lets through");
    assert_eq!((found[0].external_id.as_str(), found[0].company_type.as_deref()), ("0", Some("Customer")));
    assert_eq!(sent(&server, "POST", "Companies/query").len(), 3);
    assert!(psa.companies(&CompanyFilter::default(), Some("x")).await.is_err());
}

#[tokio::test]
async fn filters_go_into_the_request_as_values_and_are_looked_at_again() {
    let server = autotask(|asked| (call(asked).1 == "Companies/query").then(|| company_page(asked))).await;
    let psa = connect(&server);
    let hostile = "x\"} ] , {\"op\":\"gt\" 'ü\\\n";
    let filter = CompanyFilter {
        search: Some(hostile.into()),
        company_type: Some("3".into()),
        market: Some("29683361".into()),
        status: Some("inactive".into()),
        include_inactive: false,
    };
    assert!(psa.companies(&filter, None).await.unwrap().items.is_empty());
    let wanted = json!([
        {"op": "gt", "field": "id", "value": -1},
        {"op": "contains", "field": "companyName", "value": hostile.trim()},
        {"op": "eq", "field": "companyType", "value": 3},
        {"op": "eq", "field": "marketSegmentID", "value": 29_683_361},
        {"op": "eq", "field": "isActive", "value": false},
    ]);
    assert_eq!(sent(&server, "POST", "Companies/query")[0]["filter"], wanted);
    let only = CompanyFilter { status: Some("inactive".into()), ..CompanyFilter::default() };
    let ids = |rows: RemotePage<RemoteCompany>| {
        rows.items.into_iter().map(|company| company.external_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(psa.companies(&only, None).await.unwrap()), ["3"]);
    let named = CompanyFilter { company_type: Some("Customer".into()), ..CompanyFilter::default() };
    assert_eq!(psa.companies(&named, None).await.unwrap_err().code(), "rejected");
}

#[tokio::test]
async fn a_list_that_does_not_go_on_is_no_complete_list() {
    let server = autotask(|asked| {
        let rows: Vec<_> = (1..=500).map(|id| json!({"id": id, "companyName": "x"})).collect();
        (call(asked).1 == "Companies/query").then(|| items(&rows))
    })
    .await;
    let psa = connect(&server);
    let first = psa.companies(&CompanyFilter::default(), None).await.unwrap();
    let second = psa.companies(&CompanyFilter::default(), first.next.as_deref()).await;
    assert_eq!(second.unwrap_err().code(), "unavailable");
}

#[tokio::test]
async fn a_company_is_created_with_an_owner_and_refused_here_where_autotask_would() {
    let server = autotask(|asked| match call(asked) {
        ("GET", "Companies/0") => Some(one(&json!({"id": 0, "companyName": "MSP", "ownerResourceID": 4}))),
        ("POST", "Companies") => Some(item_id(300)),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    let draft =
        CompanyDraft { name: " New\nCo ".into(), phone: Some("555 0100".into()), ..CompanyDraft::default() };
    let made = psa.create_company(&draft).await.unwrap();
    assert_eq!((made.external_id.as_str(), made.name.as_str(), made.is_active), ("300", "New Co", true));
    assert_eq!(
        sent(&server, "POST", "Companies"),
        [
            json!({"companyName": "New Co", "companyType": 1, "isActive": true, "ownerResourceID": 4, "phone": "555 0100"})
        ]
    );
    for (draft, blamed) in [
        (CompanyDraft { phone: None, ..draft.clone() }, "phone"),
        (CompanyDraft { name: "x".repeat(101), ..draft.clone() }, "companyName"),
        (CompanyDraft { company_type: Some("Customer".into()), ..draft }, "companyType"),
    ] {
        let Err(PsaError::Rejected { field, .. }) = psa.create_company(&draft).await else {
            panic!("{blamed}")
        };
        assert_eq!(field.as_deref(), Some(blamed));
    }
}

/// Lists and rights as a small tenant gives them.
fn tenant(asked: &Asked) -> Option<Play> {
    let all = json!({"info": {"canCreate": true, "canUpdate": true, "canQuery": true, "userAccessForCreate": "All",
        "userAccessForQuery": "All", "userAccessForUpdate": "All", "supportsWebhookCallouts": true}});
    Some(match call(asked).1 {
        "Resources/query" => items(&[
            json!({"id": 30, "firstName": "Ada", "lastName": "Lovelace", "isActive": true}),
            json!({"id": 31, "firstName": "API", "lastName": "User", "isActive": true}),
        ]),
        "Roles/query" => items(&[
            json!({"id": 40, "name": "Engineer", "isActive": true}),
            json!({"id": 41, "name": "Nobody's", "isActive": true}),
        ]),
        "ResourceServiceDeskRoles/query" => items(&[
            json!({"id": 1, "resourceID": 30, "roleID": 40, "isActive": true}),
            json!({"id": 2, "resourceID": 30, "roleID": 41, "isActive": false}),
        ]),
        "BillingCodes/query" => refused(500, "You do not have permission to query BillingCodes"),
        "Companies/query" => company_page(asked),
        "Tickets/query" => items(&[ticket(&json!({}))]),
        "Version" => Play::json(
            200,
            &json!({"majorVersion": 2026, "minorVersion": 3, "build": 0, "customerType": null}),
        ),
        "ThresholdInformation" => Play::json(
            200,
            &json!({"externalRequestThreshold": 10000, "requestThresholdTimeframe": 60, "currentTimeframeRequestCount": 124}),
        ),
        path if path.ends_with("/query") => items(&[]),
        path if path.ends_with("/entityInformation") => Play::json(200, &all),
        _ => return None,
    })
}

#[tokio::test]
async fn lists_show_what_hangs_on_what_and_one_that_is_refused_does_not_cost_the_others() {
    let server = autotask(tenant).await;
    let lists = connect(&server).pick_lists().await.unwrap();
    let list = |key: &str| lists.iter().find(|list| list.key == key).unwrap();
    let values = |key: &str| list(key).items.iter().map(|item| item.value.as_str()).collect::<Vec<_>>();
    let closes: Vec<_> = list("status").items.iter().map(|i| (i.label.as_str(), i.closes)).collect();
    assert_eq!(closes, [("New", Some(false)), ("Resolved", Some(false)), ("Complete", Some(true))]);
    let parents: Vec<_> =
        list("sub_issue_type").items.iter().map(|i| i.parents["issue_type"].join(",")).collect();
    assert_eq!(parents, ["10", "11"]);
    assert_eq!(values("agent"), ["30"], "who has no role at the service desk cannot be given a ticket");
    assert_eq!(
        (values("role"), &list("role").items[0].parents["agent"]),
        (vec!["40"], &vec!["30".to_owned()])
    );
    assert!(list("work_type").problem.as_ref().unwrap().contains("permission"));
    assert_eq!((values("note_publish"), values("company_market")), (vec!["1", "4", "2"], vec!["29683361"]));
    for key in Autotask.profile_fields().iter().filter_map(|field| field.pick_list) {
        assert!(lists.iter().any(|list| list.key == key), "{key}");
    }
}

#[tokio::test]
async fn people_who_are_hidden_are_a_problem_and_not_nobody() {
    let server = autotask(|asked| match call(asked).1 {
        "Resources/query" => Some(items(&[])),
        "Tickets/entityInformation/fields" => Some(Play::json(200, &json!({"fields": []}))),
        _ => tenant(asked),
    })
    .await;
    let lists = connect(&server).pick_lists().await.unwrap();
    for key in ["agent", "queue", "status"] {
        let list = lists.iter().find(|list| list.key == key).unwrap();
        assert!(list.items.is_empty() && list.problem.is_some(), "{list:?}");
    }
    let down = autotask(|asked| {
        (call(asked).1 == "Roles/query").then(|| Play::text(502, "")).or_else(|| tenant(asked))
    })
    .await;
    assert_eq!(connect(&down).pick_lists().await.unwrap_err().code(), "unavailable");
}

fn outcome(verification: &Verification, key: &str) -> (StepOutcome, Option<&'static str>, String) {
    let step = verification.steps.iter().find(|step| step.key == key).unwrap();
    (step.outcome, step.field, step.message.clone())
}

#[tokio::test]
async fn a_good_login_shows_its_zone_version_and_usage() {
    let server = autotask(tenant).await;
    let verification = connect(&server).verify().await;
    assert!(verification.is_ok(), "{:?}", verification.steps);
    let found = &verification.discovered;
    assert_eq!((found["zone"].as_str(), found["version"].as_str()), ("America East 14", "2026.3.0"));
    assert_eq!((found["database"].as_str(), found["user"].as_str()), ("513558", "api@ACME.COM"));
    assert_eq!(found["calls_used"], "124 of 10000 in 60 minutes");
    for (key, wanted) in [
        ("companies", StepOutcome::Passed),
        ("tickets", StepOutcome::Passed),
        ("close", StepOutcome::NotProven),
        ("contacts", StepOutcome::NotProven),
        ("webhooks", StepOutcome::NotProven),
        ("pick_lists", StepOutcome::Passed),
    ] {
        assert_eq!(outcome(&verification, key).0, wanted, "{key}");
    }
    assert_eq!(verification.warnings.len(), 1, "it may change people's records");
    assert!(
        !format!("{verification:?}").contains("s3cret") && !format!("{verification:?}").contains("CODE123")
    );
}

#[tokio::test]
async fn each_wrong_credential_is_told_apart_as_far_as_autotask_does() {
    type Is = fn(&Asked) -> Option<Play>;
    let cases: [(&str, Is, &str, Option<&str>); 7] = [
        (
            "user",
            |asked| {
                (call(asked).1 == "zoneInformation")
                    .then(|| refused(500, "Zone information could not be determined"))
            },
            "sign_in",
            Some("username"),
        ),
        (
            "secret",
            |asked| (call(asked).1 == "Version").then(|| Play::text(401, "")),
            "sign_in",
            Some("secret"),
        ),
        (
            "code",
            |asked| (call(asked).1 == "Version").then(|| refused(500, "IntegrationCode is invalid")),
            "sign_in",
            Some("integration_code"),
        ),
        ("page", |_| Some(Play::text(200, "<html>Welcome</html>")), "host", Some("domain")),
        ("moved", |_| Some(Play::text(302, "")), "host", Some("domain")),
        ("down", |_| Some(Play::text(502, "<html>")), "host", Some("domain")),
        ("busy", |_| Some(Play::text(429, "")), "host", None),
    ];
    for (name, play, key, field) in cases {
        let server = autotask(play).await;
        let verification = connect(&server).verify().await;
        let (seen, blamed, message) = outcome(&verification, key);
        assert_eq!((seen, blamed), (StepOutcome::Failed, field), "{name}: {message}");
        let after = verification.steps.iter().skip_while(|step| step.key != key).skip(1);
        assert!(
            after.clone().count() > 0 && after.clone().all(|s| s.outcome == StepOutcome::Skipped),
            "{name}"
        );
    }
}

#[tokio::test]
async fn missing_rights_are_named_with_where_to_tick_them() {
    let server = autotask(|asked| match call(asked).1 {
        "Companies/query" => Some(items(&[])),
        "Tickets/entityInformation" => {
            Some(Play::json(200, &json!({"info": {"canCreate": true, "userAccessForCreate": "All", "userAccessForUpdate": "None"}})))
        }
        "TicketWebhooks/entityInformation" => {
            Some(Play::json(200, &json!({"info": {"canCreate": true, "userAccessForCreate": "None"}})))
        }
        "Contracts/query" => Some(refused(500, "You do not have permission to query this entity.")),
        _ => tenant(asked),
    })
    .await;
    let verification = connect(&server).verify().await;
    for (key, words) in [
        ("companies", "CRM"),
        ("close", "edit"),
        ("billing", "Contracts"),
        ("webhooks", "Can create Webhooks"),
    ] {
        let (seen, _, message) = outcome(&verification, key);
        assert!(seen == StepOutcome::Failed && message.contains(words), "{key}: {message}");
    }
    assert!(!verification.is_ok());
}

#[tokio::test]
async fn the_last_of_the_customers_calls_are_left_to_others() {
    for (used, is_held) in [(4_999, false), (8_999, false), (9_000, true)] {
        let server = autotask(move |asked| match call(asked).1 {
            "ThresholdInformation" => Some(Play::json(
                200,
                &json!({"externalRequestThreshold": 10000, "currentTimeframeRequestCount": used}),
            )),
            "Tickets/7" => Some(one(&ticket(&json!({"id": 7})))),
            _ => tenant(asked),
        })
        .await;
        let psa = connect(&server);
        let verification = psa.verify().await;
        assert_eq!(verification.warnings.iter().any(|w| w.contains("slows")), used >= 5_000, "{used}");
        let next = psa.read_ticket("7", false).await;
        assert_eq!(next.err(), is_held.then_some(PsaError::RateLimited { retry_after_secs: Some(300) }));
    }
}
