//! Syncs: what is as it was is not written, what stops goes on where it stopped, and tickets come first.

use psa_gateway::{
    clock::Chance,
    sandbox::{
        frame::{Fault, FaultKind, Ground, Sandbox},
        halo::{HaloOptions, HaloSandbox},
    },
};
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, drain, finding, text};

const RUN: &str = "id kind status isScheduled problem progress { done total perSecond secondsLeft }
    counts { created updated unchanged failed } errors(first: 5) { totalCount nodes { externalId name message } }";

/// A HaloPSA that gives few companies at once.
pub async fn small_pages(app: &TestApp) -> HaloSandbox {
    let ground = Ground { clock: app.clock.clone(), chance: Chance::system() };
    let options = HaloOptions { page_cap: 4, rate_limit: 5_000, ..HaloOptions::default() };
    let psa = HaloSandbox::start(ground, "127.0.0.1:0", options).await.expect("a sandbox");
    for (key, value) in psa.credentials() {
        if key == "client_secret" {
            crate::support::is_secret(&value);
        }
    }
    psa
}

/// Somebody changes a company in HaloPSA.
pub async fn in_halo(app: &TestApp, psa: &HaloSandbox, change: Value) {
    let form = psa.credentials();
    let of = |key: &str| form.iter().find(|(name, _)| *name == key).expect("a field").1.clone();
    let asked = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", of("client_id")),
        ("client_secret", of("client_secret")),
        ("scope", "all".to_owned()),
    ];
    let answer =
        app.http.post(format!("{}/auth/token", psa.url())).form(&asked).send().await.expect("an answer");
    let token: Value = answer.json().await.expect("a token");
    let token = text(&token, "/access_token");
    crate::support::is_secret(&token);
    let written =
        app.http.post(format!("{}/api/Client", psa.url())).bearer_auth(token).json(&json!([change]));
    let written = written.send().await.expect("an answer");
    assert!(written.status().is_success(), "{written:?}");
}

/// Syncs all companies, and the run as it ended.
pub async fn syncs_companies(app: &TestApp, connection: &str) -> Value {
    let input = json!({ "id": connection, "filter": { "hasInactive": true } });
    let asked = app.does("psaConnectionSyncCompanies", "syncRun { id }", input).await;
    app.drain().await;
    run(app, &text(&asked, "/syncRun/id")).await
}

pub async fn run(app: &TestApp, id: &str) -> Value {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on SyncRun {{ {RUN} }} }} }}");
    app.graphql(&query, json!({ "id": id })).await["node"].clone()
}

pub async fn psa_company(msp: &Msp<'_>, app: &TestApp, name: &str) -> Value {
    let query = "query($id: ID!, $name: String!) { node(id: $id) { ... on PsaConnection {
        psaCompanies(first: 1, filter: { query: $name }) { nodes {
          id externalId name isActive missingSince changedAt syncedAt emailDomains } } } } }";
    let found = app.graphql(query, json!({ "id": msp.connection(), "name": name })).await;
    found["node"]["psaCompanies"]["nodes"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sync_of_what_is_the_same_says_unchanged_and_writes_nothing() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    let first = syncs_companies(&app, acme.connection()).await;
    assert_eq!(first["status"], "SUCCEEDED", "{first:#}");
    let all = first["progress"]["done"].as_i64().unwrap();
    assert!(all > 100, "{first:#}");
    let before = psa_company(&acme, &app, "Northwind Dental").await;

    app.pass(600).await;
    let second = syncs_companies(&app, acme.connection()).await;
    assert_eq!(
        second["counts"],
        json!({ "created": 0, "updated": 0, "unchanged": all, "failed": 0 }),
        "{second:#}"
    );
    let after = psa_company(&acme, &app, "Northwind Dental").await;
    assert_eq!(after["changedAt"], before["changedAt"]);
    assert_ne!(after["syncedAt"], before["syncedAt"], "it was read all the same");

    let id: i64 = text(&before, "/externalId").parse().unwrap();
    in_halo(&app, &app.halo, json!({ "id": id, "name": "Northwind Dental Care" })).await;
    let third = syncs_companies(&app, acme.connection()).await;
    assert_eq!((&third["counts"]["updated"], &third["counts"]["unchanged"]), (&json!(1), &json!(all - 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stops_half_way_goes_on_there_on_another_node_and_tickets_come_first() {
    let app = TestApp::start().await;
    let psa = small_pages(&app).await;
    let acme = app.msp_with(&psa, "acme").await.ready().await;
    let pages = |from: usize| {
        let calls = psa.requests().into_iter().skip(from);
        calls
            .filter(|call| call.path == "/api/Client" && call.method == "GET")
            .map(|call| call.query)
            .collect::<Vec<_>>()
    };
    let before = psa.requests().len();
    let input = json!({ "id": acme.connection(), "filter": { "hasInactive": true } });
    let asked = app.does("psaConnectionSyncCompanies", "syncRun { id }", input).await;
    let id = text(&asked, "/syncRun/id");
    // The third page fails once; the PSA is left alone for a while then.
    psa.fault(Fault {
        on: "GET /api/Client".to_owned(),
        kind: FaultKind::ErrorBeforeCommit { status: 503 },
        times: Some(1),
        skip: 2,
    });
    app.drain().await;
    let half = run(&app, &id).await;
    assert_eq!((&half["status"], &half["progress"]["done"]), (&json!("RUNNING"), &json!(8)), "{half:#}");

    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.clock.advance_secs(1_000);
    let other = app.another_node().await;
    drain(&other).await;
    let whole = run(&app, &id).await;
    assert_eq!(whole["status"], "SUCCEEDED", "{whole:#}");
    assert_eq!(whole["progress"]["done"], whole["progress"]["total"]);
    let asked = pages(before);
    let firsts =
        asked.iter().filter(|query| query.contains("page_no=1&") || query.ends_with("page_no=1")).count();
    assert_eq!(firsts, 1, "nothing is read twice: {asked:#?}");
    let calls = psa.requests();
    let ticket = calls.iter().position(|call| call.method == "POST" && call.path == "/api/Tickets").unwrap();
    let last = calls.iter().rposition(|call| call.method == "GET" && call.path == "/api/Client").unwrap();
    assert!(ticket < last, "the ticket does not wait for the sync");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_and_what_it_did_stays() {
    let app = TestApp::start().await;
    let psa = small_pages(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    let input = json!({ "id": acme.connection(), "filter": { "hasInactive": true } });
    let asked = app.does("psaConnectionSyncCompanies", "syncRun { id }", input).await;
    let id = text(&asked, "/syncRun/id");
    app.app.workers.step().await.unwrap();
    let half = run(&app, &id).await;
    assert_eq!(half["status"], "RUNNING", "{half:#}");
    assert!(half["progress"]["secondsLeft"].is_null() || half["progress"]["total"].is_i64(), "{half:#}");

    let stopped = app.does("syncRunCancel", &format!("syncRun {{ {RUN} }}"), json!({ "id": id })).await;
    assert_eq!(stopped["syncRun"]["status"], "CANCELLED");
    app.drain().await;
    let ended = run(&app, &id).await;
    assert_eq!(ended["progress"]["done"], half["progress"]["done"]);
    assert!(text(&ended, "/problem").starts_with("stopped by "));
    let again = app.asks("syncRunCancel", "syncRun { id }", json!({ "id": id })).await;
    assert_eq!(again["data"]["syncRunCancel"]["userErrors"][0]["code"], "WRONG_STATE", "{again:#}");
    let anew = syncs_companies(&app, acme.connection()).await;
    assert_eq!(anew["status"], "SUCCEEDED", "{anew:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_run_comes_at_its_time_of_the_clock_in_summer_and_winter() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    let input = json!({ "psaConnectionId": acme.connection(), "kind": "COMPANIES", "isEnabled": true });
    let set = app.does("syncScheduleSet", "syncSchedule { explanation nextRunAt }", input).await;
    assert_eq!(set["syncSchedule"]["explanation"], "every day at 03:00 (Europe/Berlin)");
    assert_eq!(set["syncSchedule"]["nextRunAt"], "2026-11-22T02:00:00Z");
    let schedule = async || {
        let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection { psaCompaniesSyncedAt
            syncSchedules { nextRunAt lastRun { isScheduled status finishedAt } } } } }";
        app.graphql(query, json!({ "id": acme.connection() })).await["node"].clone()
    };
    app.pass(16 * 3_600 + 3_600 * 3).await;
    let now = schedule().await;
    assert_eq!(now["syncSchedules"][0]["lastRun"]["isScheduled"], true, "{now:#}");
    assert_eq!(now["syncSchedules"][0]["lastRun"]["status"], "SUCCEEDED");
    assert_eq!(now["syncSchedules"][0]["nextRunAt"], "2026-11-23T02:00:00Z", "winter time");
    assert!(now["psaCompaniesSyncedAt"].as_str().unwrap() >= "2026-11-22T02:00:00Z", "{now:#}");

    // Four months on, after the clocks were put forward.
    app.clock.advance_secs(130 * 86_400);
    app.drain().await;
    app.drain().await;
    let now = schedule().await;
    assert_eq!(
        now["syncSchedules"][0]["nextRunAt"].as_str().unwrap()[11..],
        *"01:00:00Z",
        "summer time: {now:#}"
    );
    let wrong = json!({ "psaConnectionId": acme.connection(), "kind": "PICK_LISTS",
        "cadence": { "dailyAt": "03:00", "timeZone": "Atlantis/Capital" } });
    let refused = app.asks("syncScheduleSet", "syncSchedule { id }", wrong).await;
    assert_eq!(refused["data"]["syncScheduleSet"]["userErrors"][0]["field"], json!(["input", "cadence"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_says_what_became_of_its_other_side_and_what_would_mend_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let drift = async || {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization {
            companyMappings(first: 10, filter: { isStale: true }) { nodes { id isStale origin mappedAt
              company { id } psaCompany { id } drift { kind message mends { kind name psaCompany { id } } } } } } } }";
        let found = app.graphql(query, json!({ "id": acme.organization })).await;
        found["node"]["companyMappings"]["nodes"].as_array().unwrap().clone()
    };
    assert_eq!(drift().await, Vec::<Value>::new());
    let theirs = psa_company(&acme, &app, "Northwind Dental").await;
    let id: i64 = text(&theirs, "/externalId").parse().unwrap();

    in_halo(&app, &app.halo, json!({ "id": id, "name": "Northwind Dental Care" })).await;
    syncs_companies(&app, acme.connection()).await;
    let renamed = drift().await;
    assert_eq!(renamed[0]["drift"][0]["kind"], "RENAMED", "{renamed:#?}");
    assert_eq!(
        renamed[0]["drift"][0]["mends"][0],
        json!({
        "kind": "RENAME_COMPANY", "name": "Northwind Dental Care", "psaCompany": null })
    );
    // It is meant so.
    let keep =
        json!({ "companyId": renamed[0]["company"]["id"], "psaCompanyId": renamed[0]["psaCompany"]["id"] });
    app.does("companyMappingSet", "companyMapping { id }", keep).await;
    assert_eq!(drift().await, Vec::<Value>::new());

    in_halo(&app, &app.halo, json!({ "id": id, "inactive": true })).await;
    syncs_companies(&app, acme.connection()).await;
    assert_eq!(drift().await[0]["drift"][0]["kind"], "INACTIVE");
    in_halo(&app, &app.halo, json!({ "id": id, "inactive": false })).await;
    syncs_companies(&app, acme.connection()).await;
    in_halo(&app, &app.halo, json!({ "id": id, "inactive": true })).await;
    // A sync of active ones alone no longer sees it.
    app.does("psaConnectionSyncCompanies", "syncRun { id }", json!({ "id": acme.connection() })).await;
    app.drain().await;
    assert_eq!(drift().await[0]["drift"][0]["kind"], "DELETED");
    // Two of ours on one of theirs.
    let second = app
        .does(
            "companyCreate",
            "company { id }",
            json!({ "organizationId": acme.organization, "name": "Dental Two" }),
        )
        .await;
    let mapping = drift_free_mapping(&app, &acme).await;
    let copied = json!({ "id": mapping, "companyIds": [second["company"]["id"]] });
    let copied =
        app.does("companyMappingCopy", "companyMappings { id origin psaCompany { id } }", copied).await;
    assert_eq!(copied["companyMappings"][0]["origin"], "COPIED", "{copied:#}");
    let shared = drift().await;
    assert!(shared.iter().all(|mapping| mapping["drift"].to_string().contains("SHARED")), "{shared:#?}");
    assert_eq!(shared.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn types_and_statuses_are_taken_over_under_the_psas_names_and_markets_are_kept_here() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let of = |kind: &str, more: Value| {
        let mut input = json!({ "psaConnectionId": acme.connection(), "kind": kind });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let made = json!({ "organizationId": acme.organization, "kind": "STATUS", "name": "Works with us" });
    let made = app.does("companyValueCreate", "companyValue { id }", made).await;
    let ours = text(&made, "/companyValue/id");
    let mapped = of("STATUS", json!({ "externalValue": "active", "target": { "companyValueId": ours } }));
    app.does("companyValueMap", "psaConnection { id }", mapped).await;
    app.does("companyValueCreateUnmapped", "mappedCount", of("STATUS", json!({}))).await;
    app.does("companyValueSyncSet", "psaConnection { id }", of("STATUS", json!({ "isEnabled": true }))).await;
    let refused = app
        .asks("companyValueSyncSet", "psaConnection { id }", of("MARKET", json!({ "isEnabled": true })))
        .await;
    assert_eq!(refused["data"]["companyValueSyncSet"]["userErrors"][0]["code"], "WRONG_STATE", "{refused:#}");

    let query = "query($id: ID!, $connection: ID!) {
        organization: node(id: $id) { ... on Organization { companies(first: 5) { nodes { id name
          companyStatus { id name } companyType { id } companyMarket { name } } } } }
        connection: node(id: $connection) { ... on PsaConnection { companyValueSyncs {
          kind isOffered isEnabled values { externalValue label isSkipped companyValue { name } } } } } }";
    let shown = async || {
        app.graphql(query, json!({ "id": acme.organization, "connection": acme.connection() })).await
    };
    let before = shown().await;
    assert!(before["organization"]["companies"]["nodes"][0]["companyStatus"].is_null(), "at the next sync");
    syncs_companies(&app, acme.connection()).await;
    let after = shown().await;
    let company = &after["organization"]["companies"]["nodes"][0];
    assert_eq!(
        company["companyStatus"],
        json!({ "id": ours, "name": "Active" }),
        "the PSA's name goes before ours"
    );
    assert!(company["companyType"].is_null(), "it is not switched on");
    let syncs = after["connection"]["companyValueSyncs"].as_array().unwrap();
    let market = syncs.iter().find(|sync| sync["kind"] == "MARKET").unwrap();
    assert_eq!((&market["isOffered"], &market["isEnabled"]), (&json!(false), &json!(false)));

    let health = json!({ "organizationId": acme.organization, "kind": "MARKET", "name": "Health" });
    let health = app.does("companyValueCreate", "companyValue { id }", health).await;
    let assigned = json!({ "companyId": company["id"], "kind": "MARKET",
        "companyValueId": health["companyValue"]["id"] });
    let assigned = app.does("companyValueAssign", "company { companyMarket { name } }", assigned).await;
    assert_eq!(assigned["company"]["companyMarket"]["name"], "Health");
}

async fn drift_free_mapping(app: &TestApp, msp: &Msp<'_>) -> String {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        companyMappings(first: 1) { nodes { id } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization })).await;
    text(&found, "/node/companyMappings/nodes/0/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_is_off_or_has_an_event_set_of_its_own_opens_no_other_tickets() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        companyMappings(first: 1) { nodes { company { id } psaCompany { id } } } } } }";
    let found = app.graphql(query, json!({ "id": acme.organization })).await;
    let of = |name: &str| text(&found, &format!("/node/companyMappings/nodes/0/{name}/id"));
    let set = async |settings: Value| {
        let mut input = json!({ "companyId": of("company"), "psaCompanyId": of("psaCompany") });
        input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        app.does(
            "companyMappingSet",
            "companyMapping { isEnabled isConfigurationsEnabled eventSet { name } }",
            input,
        )
        .await
    };
    set(json!({ "isEnabled": false, "isConfigurationsEnabled": true })).await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.events().await[0]["reason"], "mapping_off");

    let secrets = acme.makes_event_set("Secrets").await;
    let changed = set(json!({ "isEnabled": true, "eventSetId": secrets })).await;
    assert_eq!(changed["companyMapping"]["eventSet"]["name"], "Secrets");
    assert_eq!(changed["companyMapping"]["isConfigurationsEnabled"], true, "what is not said stays");
    acme.posts(&finding("CVE-2")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.events().await[1]["reason"], "not_in_event_set");
    let kept = app.asks("eventSetDelete", "deletedEventSetId", json!({ "id": secrets })).await;
    assert_eq!(kept["data"]["eventSetDelete"]["userErrors"][0]["code"], "IN_USE", "{kept:#}");

    set(json!({ "eventSetId": null })).await;
    acme.posts(&finding("CVE-3")).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 1);
}
