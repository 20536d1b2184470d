//! MSPs are bought: one organization is merged into another, and no ticket is lost or doubled by it.

use std::process::Command;

use psa_gateway::sandbox::{
    frame::{Deed, Fault, FaultKind, Ground, Sandbox as _},
    halo::{HaloOptions, HaloSandbox},
};
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, drain, finding, text, wait_until};

const PLAN: &str = "plan { digest counts { kind count } renames { kind nodeId name newName } changes
    withdrawals { kind nodeId name role } conflicts { code message } } organization { slug }";

/// The PSA of the MSP that buys.
async fn another_halo(app: &TestApp) -> HaloSandbox {
    let ground = Ground { clock: app.clock.clone(), chance: psa_gateway::clock::Chance::system() };
    HaloSandbox::start(ground, "127.0.0.1:0", HaloOptions::default()).await.expect("a sandbox")
}

/// Asks for a merge of `acme` into `globex`; gives the whole answer.
async fn asks(app: &TestApp, acme: &Msp<'_>, globex: &Msp<'_>, more: Value) -> Value {
    let mut input =
        json!({ "sourceId": acme.organization, "targetId": globex.organization, "isDryRun": false });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.asks("organizationMerge", PLAN, input).await
}

/// What a merge would do.
async fn plan(app: &TestApp, acme: &Msp<'_>, globex: &Msp<'_>) -> Value {
    let answer = asks(app, acme, globex, json!({ "isDryRun": true })).await;
    assert_eq!(answer["data"]["organizationMerge"]["userErrors"], json!([]), "{answer:#}");
    answer["data"]["organizationMerge"]["plan"].clone()
}

/// Merges as planned.
async fn merges(app: &TestApp, acme: &Msp<'_>, globex: &Msp<'_>) -> Value {
    let digest = plan(app, acme, globex).await["digest"].clone();
    let answer = asks(app, acme, globex, json!({ "expectedPlan": digest })).await;
    let merged = answer["data"]["organizationMerge"].clone();
    assert_eq!(merged["userErrors"], json!([]), "{answer:#}");
    assert_eq!(merged["organization"]["slug"], "globex");
    merged["plan"].clone()
}

fn codes(answer: &Value) -> Vec<String> {
    let errors = answer["data"]["organizationMerge"]["userErrors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| text(error, "/code")).collect()
}

fn list(plan: &Value, field: &str, key: &str) -> Vec<String> {
    plan[field].as_array().expect("a list").iter().map(|one| text(one, key)).collect()
}

/// What stands below an organization.
async fn below(app: &TestApp, organization: &str, selection: &str) -> Value {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ {selection} }} }} }}");
    app.graphql(&query, json!({ "id": organization })).await["node"].clone()
}

const NAMES: &str = "slug companies(first: 10) { nodes { id name aliases { id value } } }
    psaConnections(first: 10) { nodes { id name health { status } } }
    ticketProfiles(first: 10) { nodes { id name isDefault } }
    webhookEndpoints(first: 10) { nodes { id url } } policies(first: 10) { nodes { id name } }
    findings(first: 10) { nodes { id } } tickets(first: 10) { nodes { id state externalId } }
    members(first: 10) { nodes { id isEnabled } } auditLog(first: 1) { totalCount }";

/// An MSP on a PSA of its own, whose one customer its scanner calls by a name that nobody else has.
async fn buyer<'a>(app: &'a TestApp, halo: &'a HaloSandbox) -> Msp<'a> {
    let globex = app.msp_with(halo, "globex").await.connected().await.listening().await;
    globex.makes_default_profile().await;
    globex.customer("Northwind Dental", "northwind-of-globex").await;
    globex
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_all_and_changes_nothing_and_what_blocks_says_how_to_mend_it() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let globex = app.msp_with(&other, "globex").await.ready().await;
    let token = acme.token("ADMINISTRATOR").await;
    acme.makes_subscriber("Their bridge").await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    let before =
        (below(&app, &acme.organization, NAMES).await, below(&app, &globex.organization, NAMES).await);

    let first = plan(&app, &acme, &globex).await;
    assert_eq!(list(&first, "conflicts", "/code"), ["SAME_ALIAS"], "{first:#}");
    assert!(text(&first, "/conflicts/0/message").contains("companyAliasRemove"), "{first:#}");
    let renamed = list(&first, "renames", "/newName");
    assert!(renamed.contains(&"Northwind Dental (acme)".to_owned()), "{first:#}");
    assert!(renamed.contains(&"The PSA (acme)".to_owned()), "{first:#}");
    let mut reaches = list(&first, "withdrawals", "/kind");
    reaches.dedup();
    assert_eq!(reaches, ["ACCESS_TOKEN", "MEMBER", "WEBHOOK_SUBSCRIBER"], "{first:#}");
    let counted = |kind: &str| {
        let counts = first["counts"].as_array().expect("counts");
        counts.iter().find(|one| one["kind"] == kind).map_or(json!(0), |one| one["count"].clone())
    };
    assert_eq!((counted("Ticket"), counted("Finding"), counted("Company")), (json!(1), json!(1), json!(1)));
    let after =
        (below(&app, &acme.organization, NAMES).await, below(&app, &globex.organization, NAMES).await);
    assert_eq!(before, after, "nothing was changed");

    // While something stands in its way nothing is done, whatever is expected.
    let refused = asks(&app, &acme, &globex, json!({ "expectedPlan": first["digest"] })).await;
    assert_eq!(codes(&refused), ["IN_USE"], "{refused:#}");
    let alias = &after.1["companies"]["nodes"][0]["aliases"][0]["id"];
    app.does("companyAliasRemove", "company { id }", json!({ "id": alias })).await;
    let second = plan(&app, &acme, &globex).await;
    assert_eq!(second["conflicts"], json!([]), "{second:#}");

    // Only what was shown is done.
    let unseen = asks(&app, &acme, &globex, json!({})).await;
    assert_eq!(codes(&unseen), ["REQUIRED"], "{unseen:#}");
    let stale = asks(&app, &acme, &globex, json!({ "expectedPlan": first["digest"] })).await;
    assert_eq!(codes(&stale), ["STALE"], "{stale:#}");
    acme.posts(&finding("CVE-2024-6387")).await.is_accepted();
    app.drain().await;
    assert_eq!(plan(&app, &acme, &globex).await["digest"], second["digest"], "a day's work is no other plan");
    app.does(
        "companyCreate",
        "company { id }",
        json!({ "organizationId": acme.organization, "name": "Late" }),
    )
    .await;
    let stale = asks(&app, &acme, &globex, json!({ "expectedPlan": second["digest"] })).await;
    assert_eq!(codes(&stale), ["STALE"], "{stale:#}");

    // Nor by anybody but an operator of the installation.
    let query = format!(
        "mutation($input: OrganizationMergeInput!) {{ organizationMerge(input: $input) {{ {PLAN} userErrors {{ code }} }} }}"
    );
    let input = json!({ "sourceId": globex.organization, "targetId": acme.organization, "isDryRun": true });
    let refused = app.graphql_as(&token, &query, json!({ "input": input })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused:#}");
    assert_eq!(
        below(&app, &globex.organization, "tickets(first: 1) { totalCount }").await["tickets"]["totalCount"],
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_merge_the_same_finding_is_the_same_ticket_and_all_that_stood_goes_on() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await.hears_halo().await;
    let globex = buyer(&app, &other).await;
    let token = acme.token("ADMINISTRATOR").await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    // Nobody at acme is known by that name; somebody at globex is.
    acme.posts(&finding("CVE-2024-9999").of("northwind-of-globex")).await.is_accepted();
    app.drain().await;
    let ticket = acme.tickets().await[0].clone();
    assert_eq!((&ticket["state"], app.halo.ledger().len()), (&json!("OPEN"), 1));

    let plan = merges(&app, &acme, &globex).await;
    app.drain().await;
    let ids = |node: &Value, list: &str| -> Vec<String> {
        node[list]["nodes"].as_array().expect("a list").iter().map(|one| text(one, "/id")).collect()
    };
    let node = below(&app, &globex.organization, NAMES).await;
    assert_eq!(ids(&node, "companies").len(), 2, "{node:#}");
    assert!(ids(&node, "psaConnections").contains(&acme.connection().to_owned()), "under its id: {node:#}");
    assert_eq!(
        node["ticketProfiles"]["nodes"]
            .as_array()
            .map(|all| { all.iter().filter(|one| one["isDefault"] == true).count() }),
        Some(1),
        "{node:#}"
    );
    for rename in plan["renames"].as_array().expect("renames") {
        let query = "query($id: ID!) { node(id: $id) { ... on Company { name } ... on PsaConnection { name }
                     ... on TicketProfile { name } } }";
        let named = app.graphql(query, json!({ "id": rename["nodeId"] })).await;
        assert_eq!(named["node"]["name"], rename["newName"], "{named:#}");
    }
    assert_eq!(other.ledger().len(), 1, "who nobody at acme was is somebody now");
    let policies =
        below(&app, &globex.organization, "policies(first: 10) { nodes { companies { name } } }").await;
    let scopes = policies["policies"]["nodes"].as_array().expect("policies").clone();
    assert_eq!(
        scopes.first().map(|first| first["companies"].clone()),
        Some(Value::Null),
        "globex's: for all"
    );
    let last = scopes.last().map(|last| last["companies"].clone());
    assert_eq!(last, Some(json!([{ "name": "Northwind Dental (acme)" }])), "acme's: for acme's, and last");

    // The scanner was not reconfigured.
    acme.posts(&finding("CVE-2024-3094").at(5)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 1, "no second ticket");
    let kept = |tickets: Vec<Value>| tickets.into_iter().find(|one| one["id"] == ticket["id"]);
    let now = kept(globex.tickets().await).expect("the ticket is globex's");
    assert_eq!((&now["state"], &now["externalId"]), (&json!("OPEN"), &ticket["externalId"]));
    assert_eq!(acme.tickets().await, Vec::<Value>::new());

    // Its PSA is still called with its credentials, and still heard.
    acme.posts(&finding("CVE-2024-6387").at(6)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2, "{:#?}", globex.events().await);
    app.halo.webhooks_sent().await;
    app.drain().await;
    app.clock.advance_secs(120);
    let close = Deed::Close { text: String::new() };
    app.halo.deed(&text(&ticket, "/externalId"), "Dana Smith", &close).expect("a deed");
    app.halo.webhooks_sent().await;
    app.drain().await;
    let now = kept(globex.tickets().await).expect("the ticket");
    assert_eq!((&now["state"], &now["closedBy"]), (&json!("CLOSED"), &json!("Dana Smith")), "{now:#}");

    // Who reached acme reaches nothing, and acme takes nothing any more.
    let refused = app.graphql_as(&token, "{ viewer { __typename } }", json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused:#}");
    let left = below(
        &app,
        &acme.organization,
        "mergedInto { slug } mergedAt members(first: 5) { nodes { isEnabled } }",
    )
    .await;
    assert_eq!(left["mergedInto"]["slug"], "globex", "{left:#}");
    assert_eq!(left["members"]["nodes"], json!([{ "isEnabled": false }]));
    for (mutation, more) in [
        ("companyCreate", json!({ "name": "Late" })),
        ("accessTokenCreate", json!({ "name": "Late", "role": "VIEWER" })),
        ("memberInvite", json!({ "email": "late@example.com", "role": "VIEWER" })),
    ] {
        let mut input = json!({ "organizationId": acme.organization });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = app.asks(mutation, "__typename", input).await;
        assert_eq!(answer["data"][mutation]["userErrors"][0]["code"], "WRONG_STATE", "{answer:#}");
    }
    let again = asks(&app, &acme, &globex, json!({ "isDryRun": true })).await;
    assert_eq!(codes(&again), ["WRONG_STATE"], "{again:#}");

    // It stands in all three logs, and each is as it was written.
    let log = "auditLog(first: 100) { nodes { action after } }";
    for organization in [&acme.organization, &globex.organization] {
        let entries = below(&app, organization, log).await;
        assert!(list(&entries["auditLog"], "nodes", "/action").contains(&"organizationMerge".to_owned()));
    }
    let installation = app.graphql("{ auditLog(first: 100) { nodes { action } } }", json!({})).await;
    let told = list(&installation["auditLog"], "nodes", "/action");
    assert!(told.contains(&"organizationMerge".to_owned()), "{told:?}");
    let verified = Command::new(env!("CARGO_BIN_EXE_psa-gateway"))
        .args(["audit", "verify"])
        .env("PSA_GATEWAY_DATA_DIR", app.place.dir())
        .env("DATABASE_URL", app.place.url())
        .output()
        .expect("the program runs");
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_whose_creation_was_not_answered_before_a_merge_is_one_after_it() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let globex = buyer(&app, &other).await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DropAfterCommit));
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.tickets().await[0]["state"], "UNKNOWN");

    merges(&app, &acme, &globex).await;
    app.pass(900).await;

    assert_eq!(app.halo.ledger().len(), 1);
    let tickets = globex.tickets().await;
    assert_eq!((tickets.len(), &tickets[0]["state"]), (1, &json!("OPEN")), "{tickets:#?}");
    assert_eq!(tickets[0]["externalId"], app.halo.ledger()[0].id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_while_a_ticket_is_being_made_makes_no_second_one() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let globex = buyer(&app, &other).await;
    // Halo has the ticket at once, and takes its time to say so: until after the merge.
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DelayAnswer { ms: 8_000 }));
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    let digest = plan(&app, &acme, &globex).await["digest"].clone();

    let merge = async {
        wait_until("Halo has the ticket", || async { !app.halo.ledger().is_empty() }).await;
        let answer = asks(&app, &acme, &globex, json!({ "expectedPlan": digest })).await;
        assert_eq!(codes(&answer), Vec::<String>::new(), "{answer:#}");
        let tickets = globex.tickets().await;
        assert_eq!(tickets[0]["state"], "CREATING", "the answer is still on its way: {tickets:#?}");
    };
    tokio::join!(app.drain(), merge);
    app.pass(900).await;

    assert_eq!(app.halo.ledger().len(), 1);
    let tickets = globex.tickets().await;
    assert_eq!((tickets.len(), &tickets[0]["state"]), (1, &json!("OPEN")), "{tickets:#?}");
    assert_eq!(tickets[0]["externalId"], app.halo.ledger()[0].id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_taken_by_a_node_that_has_not_heard_of_the_merge_is_the_targets() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let globex = buyer(&app, &other).await;
    let second = app.another_node().await;
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &second.address().to_string());
    acme.posts_to(&url, &finding("CVE-2024-3094")).await.is_accepted();
    drain(&second).await;
    // One waits to be decided, too.
    acme.posts_to(&url, &finding("CVE-2024-4577").at(1)).await.is_accepted();

    merges(&app, &acme, &globex).await;
    // No time has gone by: the second node still takes the endpoint for acme's.
    acme.posts_to(&url, &finding("CVE-2024-3094").at(2)).await.is_accepted();
    acme.posts_to(&url, &finding("CVE-2024-6387").at(3)).await.is_accepted();
    tokio::join!(app.drain(), drain(&second));
    second.stop().await;

    let deliveries = globex.deliveries().await;
    assert_eq!(deliveries.len(), 4, "{deliveries:#?}");
    assert!(deliveries.iter().all(|one| one["state"] == "UNDERSTOOD"), "{deliveries:#?}");
    assert_eq!(acme.deliveries().await, Vec::<Value>::new());
    assert_eq!((app.halo.ledger().len(), globex.tickets().await.len()), (3, 3));
}
