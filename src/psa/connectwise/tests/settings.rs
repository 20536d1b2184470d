//! Companies, lists of values and the credential check.

use super::*;
use crate::psa::StepOutcome;

fn company(id: i64, name: &str, status: &str, types: &[i64]) -> Value {
    let types: Vec<_> = types.iter().map(|id| json!({"id": id, "name": format!("Type {id}")})).collect();
    json!({"id": id, "identifier": name, "name": name, "status": {"id": 1, "name": status}, "types": types, "deletedFlag": false})
}

#[tokio::test]
async fn companies_are_read_by_id_and_typed_text_stays_out_of_the_filter() {
    let server = connectwise(|asked, path| {
        let conditions = asked.query("conditions")?;
        (path == "/company/companies").then(|| {
            if conditions.ends_with("id>0") {
                let rows = json!([
                    company(1, "River Bakery", "Active", &[1]),
                    company(2, "Old Mill", "Inactive", &[1])
                ]);
                Play::json(200, &rows).header("link", "<https://h/x>; rel=\"next\"")
            } else {
                Play::json(200, &json!([company(3, "Hill \" or id>0", "Active", &[2])]))
            }
        })
    })
    .await;
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
    assert_eq!(names, ["River Bakery", "Hill \" or id>0"]);
    let conditions = |n: usize| server.asked()[n].query("conditions").unwrap_or_default().to_owned();
    assert_eq!([conditions(1), conditions(2)], ["deletedFlag=false and id>0", "deletedFlag=false and id>2"]);
    let hostile = CompanyFilter { search: Some("\" OR id>0".into()), ..CompanyFilter::default() };
    assert!(psa.companies(&hostile, None).await.unwrap().items.is_empty());
    assert_eq!(psa.companies(&hostile, Some("2")).await.unwrap().items.len(), 1);
    assert!(!server.asked().iter().any(|asked| asked.query("conditions").unwrap_or_default().contains("OR")));
}

#[tokio::test]
async fn type_status_and_market_are_asked_for_and_looked_at_again() {
    let server = connectwise(|asked, path| {
        if path != "/company/companies" {
            return None;
        }
        if asked.query("childConditions").is_some() {
            return Some(Play::json(400, &json!({"code": "InvalidObject", "message": "expected a boolean"})));
        }
        Some(Play::json(200, &json!([company(1, "A", "Inactive", &[7, 8]), company(2, "B", "Active", &[8])])))
    })
    .await;
    let filter = CompanyFilter {
        company_type: Some("7".into()),
        status: Some("1".into()),
        ..CompanyFilter::default()
    };
    let psa = connect(&server);
    let found = psa.companies(&filter, None).await.unwrap().items;
    assert_eq!(
        found.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["A"],
        "a status that is asked for counts"
    );
    assert_eq!((found[0].company_type.as_deref(), found[0].is_active), (Some("Type 7, Type 8"), false));
    let asked = calls(&server, "GET", "/company/companies");
    assert_eq!(asked[0].query("childConditions"), Some("types/id=7"));
    assert_eq!(asked[1].query("conditions"), Some("deletedFlag=false and status/id=1 and id>0"));
    let hostile = CompanyFilter { market: Some("1 or 1=1".into()), ..CompanyFilter::default() };
    assert!(matches!(psa.companies(&hostile, None).await, Err(PsaError::Rejected { .. })));
}

#[tokio::test]
async fn a_list_that_ignores_its_filter_is_no_complete_list() {
    let server = connectwise(|_, _| Some(Play::json(200, &json!([company(1, "A", "Active", &[])])))).await;
    let second = connect(&server).companies(&CompanyFilter::default(), Some("1")).await;
    assert!(matches!(second, Err(PsaError::Unavailable { .. })), "{second:?}");
}

#[tokio::test]
async fn a_company_is_created_as_an_active_customer() {
    let server = connectwise(|asked, path| {
        Some(match (asked.method.as_str(), path) {
            ("GET", "/company/companies/types") => Play::json(
                200,
                &json!([{"id": 1, "name": "Vendor", "defaultFlag": true}, {"id": 4, "name": "Customer"}]),
            ),
            ("GET", "/company/companies/statuses") => Play::json(200, &json!([{"id": 2, "name": "Active"}])),
            ("POST", "/company/companies") => Play::json(201, &company(77, "River Bakery", "Active", &[4])),
            _ => return None,
        })
    })
    .await;
    let draft = CompanyDraft {
        name: " River  Bakery ".into(),
        phone: Some("0".repeat(40)),
        ..CompanyDraft::default()
    };
    assert_eq!(connect(&server).create_company(&draft).await.unwrap().external_id, "77");
    let wanted = json!({"identifier": "RiverBakery", "name": "River Bakery", "site": {"name": "Main"},
        "addressLine1": "-",
        "types": [{"id": 4}], "status": {"id": 2}, "phoneNumber": "0".repeat(30)});
    assert_eq!(calls(&server, "POST", "/company/companies")[0].json(), wanted);
}

/// Lists as a small tenant gives them.
fn lists(asked: &Asked, path: &str) -> Option<Play> {
    let named = |id: i64, name: &str| json!({"id": id, "name": name});
    let rows = match path {
        "/service/boards" => json!([named(12, "Service Desk"), named(13, "Security"),
            {"id": 14, "name": "Projects", "projectFlag": true}, {"id": 15, "name": "Gone", "inactiveFlag": true}]),
        "/service/boards/12/statuses" => {
            json!([{"id": 501, "name": "New", "closedStatus": false}, {"id": 509, "name": "Closed", "closedStatus": true}])
        }
        "/service/boards/13/statuses" => json!([{"id": 601, "name": "New", "closedStatus": false}]),
        "/service/boards/12/types" => json!([named(3, "Incident"), named(4, "Request")]),
        "/service/boards/12/subtypes" => json!([{"id": 31, "name": "Server", "typeAssociationIds": [3]}]),
        "/service/boards/12/items" => json!([named(71, "Disk")]),
        "/service/boards/12/typeSubTypeItemAssociations" => {
            json!([{"id": 1, "type": {"id": 3}, "subType": {"id": 31}, "item": {"id": 71}}])
        }
        "/service/boards/12/teams" => json!([named(5, "Blue")]),
        "/service/priorities" => {
            json!([{"id": 4, "name": "Low", "sortOrder": 9}, {"id": 1, "name": "High", "sortOrder": 1}])
        }
        "/system/members" => {
            json!([{"id": 1, "identifier": "ada", "firstName": "Ada", "lastName": "Lovelace"},
            {"id": 2, "identifier": "api", "licenseClass": "A"}, {"id": 3, "identifier": "gone", "inactiveFlag": true}])
        }
        "/company/companies/types" => {
            return Some(Play::json(403, &json!({"code": "Security", "message": "no permission"})));
        }
        "/company/companies/info/types" => json!([named(4, "Customer")]),
        "/service/sources" | "/service/sources/info" => return Some(Play::text(403, "")),
        "/system/info" => {
            json!({"version": "v2025.16.1", "isCloud": true, "cloudRegion": "NA", "serverTimeZone": "UTC"})
        }
        _ if path.starts_with('/') && asked.method == "GET" => json!([]),
        _ => return None,
    };
    Some(Play::json(200, &rows))
}

#[tokio::test]
async fn every_list_says_what_it_hangs_on_and_one_that_is_refused_does_not_cost_the_others() {
    let server = connectwise(lists).await;
    let lists = connect(&server).pick_lists().await.unwrap();
    let list = |key: &str| lists.iter().find(|list| list.key == key).unwrap();
    let labels = |key: &str| list(key).items.iter().map(|item| item.label.clone()).collect::<Vec<_>>();
    assert_eq!(labels("board"), ["Service Desk", "Security"]);
    let statuses: Vec<_> = list("status")
        .items
        .iter()
        .map(|i| (i.value.as_str(), i.parents["board"][0].as_str(), i.closes))
        .collect();
    assert_eq!(statuses, [("501", "12", Some(false)), ("509", "12", Some(true)), ("601", "13", Some(false))]);
    let item = &list("item").items[0];
    assert_eq!(
        (&item.parents["subtype"][0], &item.parents["ticket_type"][0]),
        (&"31".to_owned(), &"3".to_owned())
    );
    assert_eq!(
        (labels("priority"), labels("agent")),
        (vec!["High".into(), "Low".into()], vec!["Ada Lovelace (ada)".into()])
    );
    assert_eq!(labels("company_type"), ["Customer"], "the light twin wants fewer rights");
    assert!(list("source").problem.as_ref().unwrap().contains("Table Setup"));
    assert_eq!(lists.iter().filter(|list| list.problem.is_some()).count(), 1);
    for field in ConnectWise.profile_fields().iter().filter_map(|field| field.pick_list) {
        assert!(lists.iter().any(|list| list.key == field), "{field}");
    }
}

#[tokio::test]
async fn one_outage_is_a_problem_of_its_list_and_more_are_an_outage() {
    let one = connectwise(|asked, path| {
        if path == "/service/priorities" { Some(Play::text(500, "")) } else { lists(asked, path) }
    })
    .await;
    let found = connect(&one).pick_lists().await.unwrap();
    assert!(found.iter().find(|list| list.key == "priority").unwrap().problem.is_some());
    let all = connectwise(|_, _| Some(Play::text(502, "<html>"))).await;
    assert!(matches!(connect(&all).pick_lists().await, Err(PsaError::Unavailable { .. })));
    assert!(all.asked().len() <= 4, "a dead host is not asked for every list");
}

fn outcomes(verification: &Verification) -> Vec<(&'static str, StepOutcome, Option<&'static str>)> {
    verification.steps.iter().map(|step| (step.key, step.outcome, step.field)).collect()
}

#[tokio::test]
async fn a_good_login_is_verified_step_by_step() {
    let server = connectwise(lists).await;
    let verification = connect(&server).verify().await;
    assert!(verification.is_ok(), "{verification:?}");
    for (key, value) in
        [("codebase", "v2025_1"), ("version", "v2025.16.1"), ("region", "NA"), ("hosting", "cloud")]
    {
        assert_eq!(verification.discovered[key], value);
    }
    let expected = [
        "host",
        "sign_in",
        "companies",
        "tickets",
        "close",
        "configurations",
        "contacts",
        "billing",
        "webhooks",
        "pick_lists",
    ];
    assert_eq!(verification.steps.iter().map(|step| step.key).collect::<Vec<_>>(), expected);
    let not_passed: Vec<_> = outcomes(&verification)
        .into_iter()
        .filter(|(_, outcome, _)| *outcome != StepOutcome::Passed)
        .collect();
    assert_eq!(not_passed, [("close", StepOutcome::NotProven, None)]);
    assert!(server.asked().iter().all(|asked| asked.method == "GET"), "nothing is written");
}

#[tokio::test]
async fn a_missing_right_is_named_with_what_to_tick_and_only_what_tickets_need_fails_the_check() {
    for (refused, words, is_ok) in [
        ("/finance/agreements", "Finance > Agreements (Inquire)", true),
        ("/system/callbacks", "callbacks", true),
        ("/company/companies", "Companies > Company Maintenance (Inquire)", false),
        ("/service/tickets", "Service Desk > Service Tickets (Inquire)", false),
    ] {
        let server =
            connectwise(
                move |asked, path| {
                    if path == refused { Some(Play::text(403, "")) } else { lists(asked, path) }
                },
            )
            .await;
        let verification = connect(&server).verify().await;
        let failed: Vec<_> =
            verification.steps.iter().filter(|step| step.outcome == StepOutcome::Failed).collect();
        assert!(failed.len() == 1 && failed[0].message.contains(words), "{failed:?}");
        assert_eq!(verification.is_ok(), is_ok, "{refused}");
    }
}

#[tokio::test]
async fn wrong_host_wrong_company_and_wrong_keys_are_told_apart() {
    for (name, play, field) in [
        ("null", Play::text(200, "null"), "company_id"),
        ("html", Play::text(200, "<html>Welcome</html>"), "domain"),
        ("other", Play::json(200, &json!({"hello": "world"})), "domain"),
        ("moved", Play::text(302, "").header("location", "https://elsewhere.example/"), "domain"),
        ("404", Play::text(404, "<html>"), "domain"),
        ("down", Play::text(503, ""), "domain"),
    ] {
        let server = Canned::start(move |_| play.clone()).await;
        let verification = connect(&server).verify().await;
        assert_eq!(outcomes(&verification)[0], ("host", StepOutcome::Failed, Some(field)), "{name}");
        assert!(verification.steps[1..].iter().all(|step| step.outcome == StepOutcome::Skipped), "{name}");
        assert!(server.asked().iter().all(|asked| asked.header("authorization").is_none()), "{name}");
    }
    let keys = connectwise(|_, _| {
        Some(Play::json(401, &json!({"code": "ConnectWiseApi", "message": "UserNotAuthenticated"})))
    })
    .await;
    assert_eq!(
        outcomes(&connect(&keys).verify().await)[1],
        ("sign_in", StepOutcome::Failed, Some("public_key"))
    );
    let ours = connectwise(|_, _| {
        Some(Play::json(401, &json!({"code": "Unauthorized", "message": "ClientId is not valid"})))
    })
    .await;
    assert_eq!(outcomes(&connect(&ours).verify().await)[1], ("sign_in", StepOutcome::Failed, None));
}

#[tokio::test]
async fn a_site_of_ones_own_without_companyinfo_is_found_at_the_usual_place() {
    let server = Canned::start(|asked| match asked.path.as_str() {
        "/v4_6_release/apis/3.0/system/info" if asked.header("authorization").is_none() => {
            Play::json(401, &json!({"code": "Unauthorized", "message": "no"}))
        }
        path => path
            .strip_prefix("/v4_6_release/apis/3.0")
            .and_then(|path| lists(asked, path))
            .unwrap_or_else(|| Play::text(404, "<html>IIS</html>")),
    })
    .await;
    let verification = connect(&server).verify().await;
    assert_eq!(outcomes(&verification)[0], ("host", StepOutcome::NotProven, None));
    assert!(verification.is_ok(), "{verification:?}");
}

#[test]
fn a_private_host_is_refused_where_the_operator_does_not_allow_it() {
    let http = Outbound::new(OutboundOptions::default()).unwrap();
    for domain in ["http://10.0.0.1", "https://127.0.0.1", "http://cw.corp.example"] {
        let problems = ConnectWise.connect(login(domain), http.clone()).err().unwrap();
        assert_eq!(problems[0].field, "domain", "{domain}");
    }
}
