//! When nobody wants a ticket: maintenance, a new sender's old stock, what somebody muted; and what waits, for what.

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, data, finding, text};

const ANY_JSON: &str = include_str!("../../src/scanners/generic_json/examples/settings.json");
const ANY_JSON_BODY: &str = include_str!("../../src/scanners/generic_json/examples/body.json");
const GITHUB: &str = include_str!("../../src/scanners/github/examples/code_created.json");

/// Asks for a mutation as the administrator; its whole payload, with what is selected of it.
async fn sets(app: &TestApp, mutation: &str, selection: &str, input: Value) -> Value {
    let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let query = format!(
        "mutation($input: {name}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ field code message }} }} }}"
    );
    data(&app.graphql_as(&app.token, &query, json!({ "input": input })).await)[mutation].clone()
}

/// What is selected of an organization.
async fn of(app: &TestApp, msp: &Msp<'_>, selection: &str) -> Value {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ {selection} }} }} }}");
    app.graphql(&query, json!({ "id": msp.organization })).await["node"].clone()
}

/// The id of the only company of that name.
async fn company(app: &TestApp, msp: &Msp<'_>, name: &str) -> String {
    let selection = format!("companies(first: 1, filter: {{ query: \"{name}\" }}) {{ nodes {{ id }} }}");
    text(&of(app, msp, &selection).await, "/companies/nodes/0/id")
}

/// The id of the finding whose title begins so.
async fn id_of(msp: &Msp<'_>, key: &str) -> String {
    let findings = msp.findings().await;
    let found = findings.iter().find(|found| text(found, "/title").starts_with(key));
    text(found.unwrap_or_else(|| panic!("no {key} in {findings:#?}")), "/id")
}

/// Outcome and reason of the newest event.
async fn newest(msp: &Msp<'_>) -> (String, String) {
    let events = msp.events().await;
    let last = events.last().expect("an event");
    (text(last, "/outcome"), text(last, "/reason"))
}

fn is(outcome: &str, reason: &str) -> (String, String) {
    (outcome.to_owned(), reason.to_owned())
}

fn in_secs(app: &TestApp, secs: i64) -> String {
    app.clock.now().plus_secs(secs).rfc3339()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintenance_window_opens_no_tickets_for_its_company_and_still_closes_them() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;
    acme.posts(&finding("CVE-0").now()).await.is_accepted();
    app.pass(60).await;
    let window = json!({
        "organizationId": acme.organization, "companyId": company(&app, &acme, "Northwind Dental").await,
        "name": "Patch day", "startsAt": in_secs(&app, 0), "endsAt": in_secs(&app, 3_600),
    });
    let selection = "maintenanceWindow { id isOpen company { name } }";
    let made = sets(&app, "maintenanceWindowCreate", selection, window).await;
    assert_eq!(made["maintenanceWindow"]["isOpen"], true);

    acme.posts(&finding("CVE-1").now()).await.is_accepted();
    app.pass(60).await;
    assert_eq!(newest(&acme).await, is("WAITING", "maintenance"));
    let why = text(acme.events().await.last().unwrap(), "/explanation");
    assert!(why.contains("\"Patch day\"") && why.contains("2026-11-21T10:01:00Z"), "{why}");
    acme.posts(&finding("CVE-2").of("harbor").now()).await.is_accepted();
    app.pass(60).await;
    assert_eq!(newest(&acme).await, is("OPENED", "new_ticket"), "it is another company's window");
    acme.posts(&finding("CVE-0").resolved().now()).await.is_accepted();
    app.pass(60).await;
    assert_eq!(app.halo.ledger().iter().map(|ticket| ticket.closed).collect::<Vec<_>>(), [true, false]);

    app.pass(3_600).await;
    let list =
        of(&app, &acme, "maintenanceWindows(first: 5, filter: { isOver: true }) { nodes { name isOpen } }");
    assert_eq!(list.await["maintenanceWindows"]["nodes"], json!([{ "name": "Patch day", "isOpen": false }]));
    assert_eq!(app.halo.ledger().len(), 3, "what is still there afterwards gets its ticket by itself");
    let became: Vec<_> = acme.events().await.iter().map(|event| text(event, "/outcome")).collect();
    assert!(!became.iter().any(|outcome| outcome == "WAITING"), "{became:?}");
}

async fn endpoint(app: &TestApp, msp: &Msp<'_>) -> String {
    text(&of(app, msp, "webhookEndpoints(first: 1) { nodes { id } }").await, "/webhookEndpoints/nodes/0/id")
}

/// Has the scanner's endpoint learn these findings.
async fn learns(app: &TestApp, acme: &Msp<'_>, keys: &[&str]) -> String {
    let endpoint = endpoint(app, acme).await;
    let learn = json!({ "id": endpoint, "mode": "BASELINE" });
    let learning = sets(app, "webhookEndpointUpdate", "webhookEndpoint { mode baselineUntil }", learn).await;
    assert_eq!(learning["webhookEndpoint"], json!({ "mode": "BASELINE", "baselineUntil": null }));
    for key in keys {
        acme.posts(&finding(key).severity("medium").now()).await.is_accepted();
        app.pass(60).await;
        assert_eq!(newest(acme).await, is("SUPPRESSED", "baseline"));
    }
    endpoint
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_baseline_has_learned_opens_tickets_only_once_it_is_worse_or_back() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let endpoint = learns(&app, &acme, &["CVE-1", "CVE-2", "CVE-3"]).await;
    let known = "findings(first: 10, filter: { isBaseline: true }) { totalCount }";
    assert_eq!(of(&app, &acme, known).await["findings"]["totalCount"], 3);
    acme.posts(&finding("CVE-5").of("harbor").now()).await.is_accepted();
    app.pass(60).await;
    assert_eq!(newest(&acme).await, is("HELD", "unmapped_company"));
    let end = json!({ "id": endpoint });
    let ended = sets(&app, "webhookEndpointEndBaseline", "webhookEndpoint { mode } takenUpCount", end).await;
    assert_eq!((&ended["webhookEndpoint"]["mode"], &ended["takenUpCount"]), (&json!("LIVE"), &json!(0)));
    app.pass(60).await;
    // Old stock too, though it is mapped only now.
    acme.customer("Harbour Legal", "harbor").await;
    app.pass(60).await;
    assert_eq!(newest(&acme).await, is("SUPPRESSED", "baseline"));
    assert_eq!(app.halo.ledger().len(), 0);

    let same = |key: &str| finding(key).severity("medium").now();
    for (event, becomes) in [
        (same("CVE-1"), is("SUPPRESSED", "baseline_known")),
        (same("CVE-2").severity("critical"), is("OPENED", "new_ticket")),
        (same("CVE-3").resolved(), is("IGNORED", "no_open_ticket")),
        (same("CVE-3"), is("OPENED", "new_ticket")),
        (same("CVE-4"), is("OPENED", "new_ticket")),
    ] {
        acme.posts(&event).await.is_accepted();
        app.pass(60).await;
        assert_eq!(newest(&acme).await, becomes, "{:#}", event.json());
    }
    assert_eq!(app.halo.ledger().len(), 3);
    assert_eq!(of(&app, &acme, known).await["findings"]["totalCount"], 2, "CVE-1 and CVE-5 are as they were");
    // A policy that is tried on the same events leaves them alone too.
    let tried = json!({ "organizationId": acme.organization, "name": "Tried", "place": 1 });
    let query =
        "query($of: PolicyPreviewOfInput!) { policyPreview(of: $of, since: \"2026-11-21T00:00:00Z\") {
        skips { reason event { title } } } }";
    let preview = app.graphql(query, json!({ "of": { "input": tried } })).await;
    let learned: Vec<(String, String)> = preview["policyPreview"]["skips"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|skip| text(skip, "/reason").starts_with("baseline"))
        .map(|skip| (text(skip, "/reason"), text(skip, "/event/title").chars().take(5).collect()))
        .collect();
    let is = |reason: &str, key: &str| (reason.to_owned(), key.to_owned());
    let left_alone = [is("baseline_known", "CVE-1"), is("baseline", "CVE-5"), is("baseline", "CVE-1")];
    assert_eq!(learned, left_alone, "{preview:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_baseline_has_learned_can_be_taken_up_when_it_ends() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let endpoint = learns(&app, &acme, &["CVE-1", "CVE-2", "CVE-1"]).await;
    acme.posts(&finding("CVE-2").resolved().now()).await.is_accepted();
    app.pass(60).await;
    let end = json!({ "id": endpoint, "openTickets": true });
    let ended = sets(&app, "webhookEndpointEndBaseline", "takenUpCount", end).await;
    assert_eq!(ended["takenUpCount"], 1, "CVE-2 is gone");
    app.drain().await;
    let ledger = app.halo.ledger();
    assert_eq!(ledger.len(), 1);
    assert!(ledger[0].summary.contains("CVE-1"), "{}", ledger[0].summary);
    assert_eq!(acme.outcomes().await.iter().filter(|outcome| *outcome == "OPENED").count(), 1);
    acme.posts(&finding("CVE-1").severity("medium").resolved().now()).await.is_accepted();
    app.drain().await;
    assert!(app.halo.ledger()[0].closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_finding_is_quiet_until_its_date_and_its_ticket_still_closes() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-1").severity("high").now()).await.is_accepted();
    acme.posts(&finding("CVE-2").severity("info").now()).await.is_accepted();
    app.pass(60).await;
    for key in ["CVE-1", "CVE-2"] {
        let mute = json!({
            "of": { "findingId": id_of(&acme, key).await }, "until": in_secs(&app, 86_400),
            "reason": "the vendor mends it on Friday",
        });
        sets(&app, "findingMute", "mute { id }", mute).await;
    }
    let seen =
        of(&app, &acme, "findings(first: 5) { nodes { title mute { reason mutedBy isActive } } }").await;
    let muted = &seen["findings"]["nodes"][0]["mute"];
    assert_eq!(
        (&muted["reason"], &muted["isActive"]),
        (&json!("the vendor mends it on Friday"), &json!(true))
    );
    assert!(!text(muted, "/mutedBy").is_empty());

    for key in ["CVE-1", "CVE-2"] {
        // Worse than before, which is told at once where nobody has muted it.
        acme.posts(&finding(key).now()).await.is_accepted();
        app.pass(60).await;
        assert_eq!(newest(&acme).await, is("SUPPRESSED", "muted"), "{key}");
        let why = text(acme.events().await.last().unwrap(), "/explanation");
        assert!(
            why.contains("the vendor mends it on Friday") && why.contains("2026-11-22T09:01:00Z"),
            "{why}"
        );
    }
    let ledger = app.halo.ledger();
    assert_eq!((ledger.len(), ledger[0].notes.len()), (1, 0));
    acme.posts(&finding("CVE-1").resolved().now()).await.is_accepted();
    app.pass(60).await;
    assert!(app.halo.ledger()[0].closed);

    acme.posts(&finding("CVE-3").now()).await.is_accepted();
    app.pass(60).await;
    let mute = json!({ "of": { "findingId": id_of(&acme, "CVE-3").await }, "until": in_secs(&app, 3_600),
        "reason": "it has its ticket" });
    sets(&app, "findingMute", "mute { id }", mute).await;
    let tickets = app.halo.ledger().len();
    app.pass(86_400).await;
    // Nobody has said anything more: what is still there has its ticket, and what was over has none.
    assert_eq!(app.halo.ledger().len(), tickets + 1);
    assert!(app.halo.ledger().last().unwrap().summary.contains("CVE-2"));
    let became: Vec<_> = acme.events().await.iter().map(|event| text(event, "/outcome")).collect();
    assert_eq!(became, ["OPENED", "IGNORED", "SUPPRESSED", "OPENED", "CLOSED", "OPENED"]);
    acme.posts(&finding("CVE-2").now()).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), tickets + 1);
    let over = of(&app, &acme, "mutes(first: 5, filter: { isActive: false }) { totalCount }").await;
    assert_eq!(over["mutes"]["totalCount"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_group_reopens_no_ticket_until_somebody_takes_the_mute_away() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-1").now()).await.is_accepted();
    app.pass(60).await;
    acme.posts(&finding("CVE-1").resolved().now()).await.is_accepted();
    app.pass(60).await;
    assert!(app.halo.ledger()[0].closed);
    let ticket = text(&acme.tickets().await[0], "/id");
    let mute =
        json!({ "of": { "ticketId": ticket }, "until": in_secs(&app, 86_400), "reason": "being replaced" });
    let muted = sets(&app, "findingMute", "mute { id groupKey finding { id } }", mute).await;
    assert_eq!(muted["mute"]["finding"], Value::Null);
    acme.posts(&finding("CVE-1").now()).await.is_accepted();
    app.pass(60).await;
    assert_eq!(newest(&acme).await, is("SUPPRESSED", "muted"));
    assert!(app.halo.ledger()[0].closed);

    // Seen again, it is still quiet and says why.
    app.clock.advance_secs(60);
    acme.posts(&finding("CVE-1").now()).await.is_accepted();
    app.pass(60).await;
    assert_eq!(newest(&acme).await, is("SUPPRESSED", "muted"));
    sets(&app, "findingUnmute", "deletedMuteId", json!({ "id": muted["mute"]["id"] })).await;
    app.drain().await;
    let became: Vec<_> = acme.events().await.iter().map(|event| text(event, "/outcome")).collect();
    assert_eq!(became, ["OPENED", "CLOSED", "REOPENED", "SUPPRESSED"], "by itself");
    assert!(!app.halo.ledger()[0].closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_that_is_made_shorter_or_longer_ends_when_it_says_by_then() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let mute = async |finding: &str, secs: i64| {
        let input =
            json!({ "of": { "findingId": finding }, "until": in_secs(&app, secs), "reason": "Friday" });
        sets(&app, "findingMute", "mute { id }", input).await;
    };
    let mut ids = Vec::new();
    for key in ["CVE-1", "CVE-2", "CVE-3"] {
        // Of too little importance for a ticket at first.
        acme.posts(&finding(key).severity("info").now()).await.is_accepted();
        app.pass(60).await;
        let id = id_of(&acme, key).await;
        mute(&id, 7_200).await;
        acme.posts(&finding(key).now()).await.is_accepted();
        app.pass(60).await;
        assert_eq!(newest(&acme).await, is("SUPPRESSED", "muted"));
        ids.push(id);
    }
    mute(&ids[0], 600).await;
    mute(&ids[1], 14_400).await;
    acme.posts(&finding("CVE-3").resolved().now()).await.is_accepted();
    app.pass(60).await;
    let tickets = || app.halo.ledger().into_iter().map(|ticket| ticket.summary).collect::<Vec<_>>();
    assert_eq!(tickets(), [""; 0]);
    app.pass(900).await;
    assert_eq!(tickets(), ["[critical] CVE-1 on web-1"]);
    app.pass(7_200).await;
    assert_eq!(tickets().len(), 1, "the longer one holds, and what was over gets none");
    app.pass(7_200).await;
    assert_eq!(tickets(), ["[critical] CVE-1 on web-1", "[critical] CVE-2 on web-1"]);
}

/// What is held, by reason and the sender's name for the customer, with the number of events.
async fn held(app: &TestApp, msp: &Msp<'_>) -> Vec<(String, Option<String>, i64)> {
    let counts = of(app, msp, "heldEventCounts { isComplete groups { reason clientRef count } }").await;
    assert_eq!(counts["heldEventCounts"]["isComplete"], true);
    let groups = counts["heldEventCounts"]["groups"].as_array().unwrap().clone();
    let group = |group: &Value| {
        let client_ref = group["clientRef"].as_str().map(str::to_owned);
        (text(group, "/reason"), client_ref, group["count"].as_i64().unwrap())
    };
    groups.iter().map(group).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_counted_by_what_it_waits_for_and_goes_on_by_profile_and_by_mapping() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await.listening().await;
    acme.customer("Northwind Dental", "northwind").await;
    for event in [
        finding("CVE-1"),
        finding("CVE-2").of("harbor"),
        finding("CVE-3").of("harbor"),
        finding("CVE-4").with("client_ref", Value::Null),
    ] {
        acme.posts(&event).await.is_accepted();
        app.pass(1).await;
    }
    let of_harbor = ("unmapped_company".to_owned(), Some("harbor".to_owned()), 2);
    let of_northwind = ("no_profile".to_owned(), Some("northwind".to_owned()), 1);
    let of_nobody = ("unmapped_company".to_owned(), None, 1);
    assert_eq!(held(&app, &acme).await, [of_harbor.clone(), of_northwind, of_nobody.clone()]);
    let selection =
        "heldEventCounts { groups { source company { name } oldestAt newestAt sampleTitle nextStep } }";
    let groups = of(&app, &acme, selection).await["heldEventCounts"]["groups"].clone();
    assert!(
        text(&groups[0], "/nextStep").contains("give the company that scanner calls \"harbor\" this alias")
    );
    assert_eq!(
        (&groups[0]["oldestAt"], &groups[0]["newestAt"]),
        (&json!("2026-11-21T09:00:02Z"), &json!("2026-11-21T09:00:03Z"))
    );
    assert_eq!(groups[0]["sampleTitle"], "CVE-3 on web-1");
    assert_eq!(groups[1]["company"]["name"], "Northwind Dental");
    assert!(text(&groups[2], "/nextStep").contains("let scanner name the customer"));
    for (filter, count) in [
        ("{ clientRef: { eq: \"harbor\" } }", 2),
        ("{ hasClientRef: false }", 1),
        ("{ reason: { eq: \"no_profile\" } }", 1),
        ("{ source: { in: [\"another\"] } }", 0),
    ] {
        let list =
            of(&app, &acme, &format!("heldEvents(first: 10, filter: {filter}) {{ totalCount }}")).await;
        assert_eq!(list["heldEvents"]["totalCount"], count, "{filter}");
    }

    acme.makes_default_profile().await;
    app.drain().await;
    assert_eq!(held(&app, &acme).await, [of_harbor, of_nobody.clone()]);
    assert_eq!(
        app.halo.ledger().iter().map(|ticket| ticket.company.clone()).collect::<Vec<_>>(),
        ["Northwind Dental"]
    );
    acme.customer("Harbour Legal", "harbor").await;
    app.drain().await;
    assert_eq!(held(&app, &acme).await, [of_nobody]);
    let harbors = app.halo.ledger().into_iter().filter(|ticket| ticket.company == "Harbour Legal");
    assert_eq!(harbors.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catch_all_takes_strangers_where_it_was_chosen_and_never_a_customer_who_is_known() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;
    let made = json!({ "organizationId": acme.organization, "name": "Known, not mapped" });
    let known = text(&sets(&app, "companyCreate", "company { id }", made).await, "/company/id");
    sets(&app, "companyAliasAdd", "company { id }", json!({ "companyId": known, "value": "known" })).await;
    for stranger in ["here", "there", "known"] {
        acme.posts(&finding("CVE-1").of(stranger)).await.is_accepted();
        app.pass(1).await;
    }
    acme.posts(&finding("CVE-1").with("client_ref", Value::Null)).await.is_accepted();
    app.pass(1).await;
    assert_eq!(acme.outcomes().await, ["HELD"; 4], "nobody has chosen one");

    let harbor = company(&app, &acme, "Harbour Legal").await;
    let choose = |id: Value| json!({ "id": acme.organization, "catchAllCompanyId": id });
    let selection = "organization { catchAllCompany { name } }";
    let chosen = sets(&app, "organizationUpdate", selection, choose(json!(harbor))).await;
    assert_eq!(chosen["organization"]["catchAllCompany"]["name"], "Harbour Legal");
    app.drain().await;
    assert_eq!(acme.outcomes().await, ["OPENED", "OPENED", "HELD", "OPENED"]);
    let ledger = app.halo.ledger();
    assert!(ledger.iter().all(|ticket| ticket.company == "Harbour Legal") && ledger.len() == 3);
    let events = of(
        &app,
        &acme,
        "events(first: 5, filter: { clientRef: { eq: \"here\" } }) { nodes {
        steps { step result } finding { body } } }",
    )
    .await;
    let event = &events["events"]["nodes"][0];
    assert_eq!(
        event["steps"][0]["result"],
        "none is known as \"here\" to scanner: the catch-all \"Harbour Legal\" takes it"
    );
    assert!(text(event, "/finding/body").contains("names the customer \"here\""), "{event:#}");

    // Two strangers with a problem of the same key have two problems.
    acme.posts(&finding("CVE-1").of("here").resolved().at(5)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().iter().filter(|ticket| ticket.closed).count(), 1);

    let query = "mutation($input: CompanyDeleteInput!) { companyDelete(input: $input) { userErrors { code message } } }";
    let made = json!({ "organizationId": acme.organization, "name": "Nobody's" });
    let nobodys = text(&sets(&app, "companyCreate", "company { id }", made).await, "/company/id");
    sets(&app, "organizationUpdate", selection, choose(json!(nobodys))).await;
    let refused = app.graphql_as(&app.token, query, json!({ "input": { "id": nobodys } })).await;
    let error = &refused["data"]["companyDelete"]["userErrors"][0];
    assert_eq!(error["code"], "IN_USE", "{refused:#}");
    assert!(text(error, "/message").contains("catch-all"), "{refused:#}");
    sets(&app, "organizationUpdate", selection, choose(Value::Null)).await;
    acme.posts(&finding("CVE-9").of("elsewhere").at(6)).await.is_accepted();
    app.drain().await;
    assert_eq!(newest(&acme).await, is("HELD", "unmapped_company"));
}

const READING: &str =
    "query($input: WebhookEndpointTryReadingInput!) { webhookEndpointTryReading(input: $input) {
    settingsProblem entryCount eventCount
    entries { remarks problem { code pointer message kind }
      event { kind action source clientRef findingKey severity title asset { name } closeReason } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_sample_shows_its_events_and_what_is_wrong_where_and_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let draft = |sender: &str| json!({ "draft": { "organizationId": acme.organization, "sender": sender } });
    let tries = async |input: Value| {
        let answer = app.graphql(READING, json!({ "input": input })).await;
        answer["webhookEndpointTryReading"].clone()
    };
    let settings: Value = serde_json::from_str(ANY_JSON).unwrap();
    let any = json!({ "of": draft("generic_json"), "body": ANY_JSON_BODY, "settings": settings });
    let read = tries(any.clone()).await;
    assert_eq!((&read["entryCount"], &read["eventCount"]), (&json!(5), &json!(4)), "{read:#}");
    let first = &read["entries"][0]["event"];
    assert_eq!((&first["kind"], &first["action"]), (&json!("detection.opened"), &json!("OPEN")));
    assert_eq!((&first["clientRef"], &first["findingKey"]), (&json!("acme"), &json!("detection/17")));
    assert_eq!((&first["severity"], &first["title"]), (&json!("CRITICAL"), &json!("Malware on pc-4")));
    assert_eq!(read["entries"][1]["event"]["closeReason"], "false_positive");
    let problem = &read["entries"][4]["problem"];
    assert_eq!((&problem["code"], &problem["pointer"]), (&json!("unknown_kind"), &json!("/alerts/5")));

    let mut wrong = any;
    wrong["settings"]["key"] = json!(["no pointer"]);
    let refused = tries(wrong).await;
    assert!(text(&refused, "/settingsProblem").contains("key"), "{refused:#}");
    assert_eq!(refused["entries"], json!([]));

    // Any sender, by its headers where it needs them; and an endpoint that is there.
    let github = json!({ "of": draft("github"), "body": GITHUB, "headers": [
        { "name": "X-GitHub-Event", "value": "code_scanning_alert" }] });
    assert_eq!(tries(github).await["eventCount"], 1);
    let own = json!({ "of": { "endpointId": endpoint(&app, &acme).await }, "body": json!([
        finding("CVE-1").json(), finding("CVE-2").kind("no.such_kind").json(), { "kind": "finding.opened" },
    ]).to_string() });
    let read = tries(own).await;
    assert_eq!((&read["entryCount"], &read["eventCount"]), (&json!(3), &json!(1)), "{read:#}");
    assert_eq!(read["entries"][0]["event"]["asset"]["name"], "web-1");
    assert_eq!(read["entries"][1]["problem"]["kind"], "no.such_kind");
    assert!(text(&read["entries"][2], "/problem/pointer").starts_with("/2"), "{read:#}");

    let long = json!({ "of": draft("events"), "body": "x".repeat(131_073) });
    let refused = app.graphql_as(&app.token, READING, json!({ "input": long })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused:#}");
    app.drain().await;
    assert!(acme.deliveries().await.is_empty() && acme.findings().await.is_empty());
    assert_eq!(app.halo.ledger().len(), 0);
}
