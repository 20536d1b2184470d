//! MSPs sell branches: a part of an organization becomes a new one, and no ticket is lost or doubled by it.

mod apart;

use psa_gateway::sandbox::{
    frame::{Deed, Fault, FaultKind, Ground, Sandbox as _},
    halo::{HaloOptions, HaloSandbox},
};
use serde_json::{Value, json};

use crate::support::{Finding, Msp, TestApp, drain, finding, is_secret, text, wait_until};

const PLAN: &str = "plan { digest counts { kind count } copies { kind nodeId name copyId } changes
    conflicts { code message } } organization { id slug name isTicketingEnabled }";

/// What stands below an organization.
const BELOW: &str =
    "slug companies(first: 10) { nodes { id name } } psaConnections(first: 10) { nodes { id name } }
    ticketProfiles(first: 10) { nodes { id name } } webhookEndpoints(first: 10) { nodes { id url } }
    policies(first: 10) { nodes { id name companies { name } } } findings(first: 10) { nodes { id } }
    tickets(first: 10) { nodes { id state externalId } } members(first: 10) { nodes { id isEnabled } }
    auditLog(first: 1) { totalCount }";

/// The PSA of the branch.
async fn another_halo(app: &TestApp) -> HaloSandbox {
    let ground = Ground { clock: app.clock.clone(), chance: psa_gateway::clock::Chance::system() };
    HaloSandbox::start(ground, "127.0.0.1:0", HaloOptions::default()).await.expect("a sandbox")
}

/// A branch of an MSP that works in a PSA of its own, with a customer and a scanner of its own; and the customer's id.
async fn branch<'a>(acme: &Msp<'a>, halo: &'a HaloSandbox) -> (Msp<'a>, String) {
    let branch = acme.beside(halo).await.connected().await.listening().await;
    let mut profile = branch.profile_input().await;
    profile["psaConnectionId"] = json!(branch.connection());
    profile["name"] = json!("Branch alerts");
    profile["isDefault"] = json!(false);
    let made = branch.app().does("ticketProfileCreate", "ticketProfile { id }", profile).await;
    let mapping = branch.customer("Harbour Legal", "harbour").await;
    let query =
        "query($id: ID!) { node(id: $id) { ... on CompanyMapping { company { id } psaCompany { id } } } }";
    let mapped = branch.app().graphql(query, json!({ "id": mapping })).await["node"].clone();
    let company = text(&mapped, "/company/id");
    let set = json!({
        "companyId": company, "psaCompanyId": mapped["psaCompany"]["id"],
        "ticketProfileId": made["ticketProfile"]["id"],
    });
    branch.app().does("companyMappingSet", "companyMapping { id }", set).await;
    (branch, company)
}

fn of_branch(key: &str) -> Finding {
    finding(key).of("harbour")
}

/// Asks for a split of `acme`; gives the whole answer.
async fn asks(acme: &Msp<'_>, more: Value) -> Value {
    let mut input = json!({
        "sourceId": acme.organization, "slug": "branch", "name": "The Branch", "isDryRun": false,
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    acme.app().asks("organizationSplit", PLAN, input).await
}

/// What a split would do.
async fn plan(acme: &Msp<'_>, chosen: &Value) -> Value {
    let mut dry = chosen.clone();
    dry["isDryRun"] = json!(true);
    let answer = asks(acme, dry).await;
    assert_eq!(answer["data"]["organizationSplit"]["userErrors"], json!([]), "{answer:#}");
    assert_eq!(answer["data"]["organizationSplit"]["organization"], Value::Null, "{answer:#}");
    answer["data"]["organizationSplit"]["plan"].clone()
}

/// Splits as planned: the plan, and the new organization as the branch's.
async fn splits<'a>(acme: &Msp<'a>, branch: Msp<'a>, chosen: &Value) -> (Value, Msp<'a>) {
    let shown = plan(acme, chosen).await;
    assert_eq!(shown["conflicts"], json!([]), "{shown:#}");
    let mut asked = chosen.clone();
    asked["expectedPlan"] = shown["digest"].clone();
    let answer = asks(acme, asked).await;
    let split = answer["data"]["organizationSplit"].clone();
    assert_eq!(split["userErrors"], json!([]), "{answer:#}");
    assert_eq!(split["organization"]["slug"], "branch");
    let organization = text(&split, "/organization/id");
    (split["plan"].clone(), branch.now_of(organization))
}

fn codes(answer: &Value) -> Vec<String> {
    let errors = answer["data"]["organizationSplit"]["userErrors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| text(error, "/code")).collect()
}

fn conflicts(plan: &Value) -> Vec<String> {
    plan["conflicts"].as_array().expect("a list").iter().map(|one| text(one, "/code")).collect()
}

async fn below(app: &TestApp, organization: &str, selection: &str) -> Value {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ {selection} }} }} }}");
    app.graphql(&query, json!({ "id": organization })).await["node"].clone()
}

fn ids(node: &Value, list: &str) -> Vec<String> {
    node[list]["nodes"].as_array().expect("a list").iter().map(|one| text(one, "/id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_what_blocks_says_how_to_mend_it() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let (branch, company) = branch(&acme, &other).await;
    let token = acme.token("ADMINISTRATOR").await;
    let cedar = json!({ "organizationId": acme.organization, "name": "Cedar Hill" });
    let cedar = text(&app.does("companyCreate", "company { id }", cedar).await, "/company/id");
    let alias = json!({ "companyId": cedar, "value": "cedar" });
    app.does("companyAliasAdd", "company { id }", alias).await;
    let of_two = json!([finding("CVE-2024-3094").json(), finding("CVE-2024-3094").of("cedar").json()]);
    acme.posts_raw(of_two.to_string().as_bytes()).await.is_accepted();
    branch.posts(&of_branch("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    let branch = branch.hears_halo().await;
    let before = below(&app, &acme.organization, BELOW).await;

    // What would be torn apart.
    let (here, there) = (json!([branch.connection()]), json!([company]));
    let alone = plan(&acme, &json!({ "companyIds": there })).await;
    assert_eq!(conflicts(&alone), ["CONNECTION_STAYS"], "{alone:#}");
    assert!(text(&alone, "/conflicts/0/message").contains("choose the connection, too"), "{alone:#}");
    let without = plan(&acme, &json!({ "psaConnectionIds": here })).await;
    assert_eq!(conflicts(&without), ["COMPANY_STAYS"], "{without:#}");
    assert!(text(&without, "/conflicts/0/message").contains("choose the company, too"), "{without:#}");
    let all =
        json!({ "companyIds": there, "psaConnectionIds": here, "webhookEndpointIds": [branch.endpoint()] });
    let mut of_acme = all.clone();
    of_acme["webhookEndpointIds"] = json!([branch.endpoint(), acme.endpoint()]);
    let shared = plan(&acme, &of_acme).await;
    assert_eq!(conflicts(&shared), ["ENDPOINTS_COMPANY_STAYS"; 2], "Northwind, Cedar Hill: {shared:#}");
    let endpoints = "webhookEndpoints(first: 10) { nodes { id psaConnection { id } } }";
    let endpoints = below(&app, &acme.organization, endpoints).await["webhookEndpoints"]["nodes"].clone();
    let of_psa = endpoints.as_array().unwrap().iter().find(|one| one["psaConnection"].is_object());
    let of_psa = plan(&acme, &json!({ "webhookEndpointIds": [of_psa.expect("Halo's")["id"]] })).await;
    assert_eq!(conflicts(&of_psa), ["ENDPOINTS_CONNECTION_STAYS"], "{of_psa:#}");
    let held = plan(&acme, &json!({ "companyIds": [cedar] })).await;
    assert_eq!(conflicts(&held), ["WEBHOOK_OF_BOTH"], "{held:#}");
    let mut refused = of_acme.clone();
    refused["expectedPlan"] = shared["digest"].clone();
    assert_eq!(codes(&asks(&acme, refused).await), ["IN_USE"; 2], "whatever is expected");
    assert_eq!(codes(&asks(&acme, json!({ "isDryRun": true })).await), ["REQUIRED"], "nothing chosen");
    let strange = json!({ "isDryRun": true, "companyIds": [acme.organization] });
    assert_eq!(codes(&asks(&acme, strange).await), ["INVALID"]);
    let globex = app.msp("globex").await;
    let mut of_another = all.clone();
    of_another["isDryRun"] = json!(true);
    of_another["sourceId"] = json!(globex.organization);
    assert_eq!(codes(&asks(&acme, of_another).await), ["NOT_FOUND"; 3], "none is globex's");
    let mut same_slug = all.clone();
    same_slug["isDryRun"] = json!(true);
    same_slug["slug"] = json!("globex");
    assert_eq!(codes(&asks(&acme, same_slug).await), ["TAKEN"]);

    let first = plan(&acme, &all).await;
    assert_eq!(first["conflicts"], json!([]), "{first:#}");
    let counted = |kind: &str| {
        let counts = first["counts"].as_array().expect("counts");
        counts.iter().find(|one| one["kind"] == kind).map_or(json!(0), |one| one["count"].clone())
    };
    assert_eq!(counted("WebhookEndpoint"), json!(2), "its PSA's goes along");
    for kind in ["Company", "PsaConnection", "Ticket", "Finding", "Event", "CompanyMapping"] {
        assert_eq!(counted(kind), json!(1), "{kind}: {first:#}");
    }
    let copies: Vec<_> = first["copies"].as_array().unwrap().iter().map(|one| text(one, "/kind")).collect();
    assert_eq!(copies, ["Policy"], "{first:#}");
    assert_eq!(below(&app, &acme.organization, BELOW).await, before, "nothing was changed");

    // Only what was shown is done.
    assert_eq!(codes(&asks(&acme, all.clone()).await), ["REQUIRED"]);
    branch.posts(&of_branch("CVE-2024-6387")).await.is_accepted();
    app.drain().await;
    assert_eq!(plan(&acme, &all).await["digest"], first["digest"], "a day's work is no other plan");
    let alias = json!({ "companyId": company, "value": "harbour-too" });
    app.does("companyAliasAdd", "company { id }", alias).await;
    let mut stale = all.clone();
    stale["expectedPlan"] = first["digest"].clone();
    assert_eq!(codes(&asks(&acme, stale).await), ["STALE"]);

    // What was merged away has nothing to give.
    let mut merge =
        json!({ "sourceId": globex.organization, "targetId": acme.organization, "isDryRun": true });
    let shown = app.does("organizationMerge", "plan { digest }", merge.clone()).await;
    merge["isDryRun"] = json!(false);
    merge["expectedPlan"] = shown["plan"]["digest"].clone();
    app.does("organizationMerge", "plan { digest }", merge).await;
    let merged = json!({ "isDryRun": true, "sourceId": globex.organization, "companyIds": there });
    assert_eq!(codes(&asks(&acme, merged).await), ["WRONG_STATE", "NOT_FOUND"]);

    // Nor by anybody but an operator of the installation.
    let query = format!(
        "mutation($input: OrganizationSplitInput!) {{ organizationSplit(input: $input) {{ {PLAN} userErrors {{ code }} }} }}"
    );
    let input = json!({ "sourceId": acme.organization, "slug": "branch", "name": "B", "companyIds": there, "isDryRun": true });
    let refused = app.graphql_as(&token, &query, json!({ "input": input })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_split_each_side_goes_on_with_its_own_and_sees_nothing_of_the_other() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let (branch, company) = branch(&acme, &other).await;
    let branch = branch.hears_halo().await;
    let policy = below(&app, &acme.organization, "policies(first: 1) { nodes { id } }").await;
    let grouped = json!({ "id": policy["policies"]["nodes"][0]["id"], "handling": { "grouping": "ASSET" } });
    app.does("policyUpdate", "policy { id }", grouped).await;
    app.does(
        "organizationUpdate",
        "organization { id }",
        json!({ "id": acme.organization, "catchAllCompanyId": company }),
    )
    .await;
    let token = acme.token("ADMINISTRATOR").await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    branch.posts(&of_branch("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    assert_eq!((app.halo.ledger().len(), other.ledger().len()), (1, 1));
    let all =
        below(&app, &acme.organization, "tickets(first: 5) { nodes { id externalId company { id } } }").await;
    let all = all["tickets"]["nodes"].as_array().expect("tickets").clone();
    let went = all.into_iter().find(|one| one["company"]["id"] == json!(company)).expect("the branch's");

    let chosen = json!({
        "companyIds": [company], "psaConnectionIds": [branch.connection()],
        "webhookEndpointIds": [branch.endpoint()],
    });
    let (plan, branch) = splits(&acme, branch, &chosen).await;
    assert!(plan["changes"].to_string().contains("no catch-all company any more"), "{plan:#}");
    app.drain().await;
    let (mine, theirs) =
        (below(&app, &acme.organization, BELOW).await, below(&app, &branch.organization, BELOW).await);
    for list in ["companies", "psaConnections", "ticketProfiles", "policies", "findings", "tickets"] {
        assert_eq!((ids(&mine, list).len(), ids(&theirs, list).len()), (1, 1), "{list}: {mine:#} {theirs:#}");
    }
    assert_eq!(ids(&theirs, "companies"), [company.as_str()], "under its id");
    assert_eq!(ids(&theirs, "psaConnections"), [branch.connection()]);
    assert_eq!(ids(&theirs, "webhookEndpoints").len(), 2, "its scanner's, and its PSA's: {theirs:#}");
    assert_eq!((ids(&theirs, "members").len(), ids(&mine, "members").len()), (0, 1));
    assert_ne!(ids(&theirs, "policies"), ids(&mine, "policies"), "each has its own");

    // The scanner was not reconfigured, and the group's ticket is the same.
    branch.posts(&of_branch("CVE-2024-3094").at(5)).await.is_accepted();
    branch.posts(&of_branch("CVE-2024-6387").at(5)).await.is_accepted();
    app.drain().await;
    assert_eq!(other.ledger().len(), 1, "no second ticket: {:#?}", branch.events().await);
    let now = branch.tickets().await;
    assert_eq!((now.len(), &now[0]["id"], &now[0]["state"]), (1, &went["id"], &json!("OPEN")), "{now:#?}");
    // A new problem elsewhere: its PSA is still called with its credentials.
    let elsewhere = json!({ "uid": "host-18", "name": "web-2" });
    branch.posts(&of_branch("CVE-2024-4577").with("asset", elsewhere).at(6)).await.is_accepted();
    app.drain().await;
    assert_eq!(other.ledger().len(), 2, "{:#?}", branch.events().await);
    // And is still heard.
    other.webhooks_sent().await;
    app.drain().await;
    app.clock.advance_secs(120);
    let close = Deed::Close { text: String::new() };
    other.deed(&text(&went, "/externalId"), "Dana Smith", &close).expect("a deed");
    other.webhooks_sent().await;
    app.drain().await;
    let now = branch.tickets().await.into_iter().find(|one| one["id"] == went["id"]).expect("the ticket");
    assert_eq!((&now["state"], &now["closedBy"]), (&json!("CLOSED"), &json!("Dana Smith")), "{now:#}");

    // Who stays goes on, and knows nothing of the branch.
    acme.posts(&finding("CVE-2024-3094").at(7)).await.is_accepted();
    acme.posts(&of_branch("CVE-2024-3094").at(8)).await.is_accepted();
    app.drain().await;
    assert_eq!((app.halo.ledger().len(), other.ledger().len()), (1, 2));
    assert_eq!(
        acme.outcomes().await.last().map(String::as_str),
        Some("HELD"),
        "nobody is known by that name"
    );
    for id in [&went["id"], &json!(company), &json!(branch.connection()), &json!(branch.organization)] {
        let seen =
            app.graphql_as(&token, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
        assert_eq!(seen["data"]["node"], Value::Null, "{id}: {seen:#}");
    }

    // It stands in all three logs.
    let log = "auditLog(first: 100) { nodes { action } }";
    for organization in [&acme.organization, &branch.organization] {
        let entries = below(&app, organization, log).await;
        assert!(entries["auditLog"].to_string().contains("organizationSplit"), "{entries:#}");
    }
    let installation = app.graphql("{ auditLog(first: 100) { nodes { action } } }", json!({})).await;
    assert!(installation.to_string().contains("organizationSplit"), "{installation:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_that_both_use_gets_a_second_address_that_meets_the_same_tickets() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let (branch, company) = branch(&acme, &other).await;
    // One webhook of both, and one of each.
    let both = json!([finding("CVE-2024-3094").json(), of_branch("CVE-2024-3094").json()]);
    acme.posts_raw(both.to_string().as_bytes()).await.is_accepted();
    app.clock.advance_secs(60);
    acme.posts(&of_branch("CVE-2024-6387").at(1)).await.is_accepted();
    acme.posts(&finding("CVE-2024-6387").at(1)).await.is_accepted();
    app.drain().await;
    assert_eq!((app.halo.ledger().len(), other.ledger().len()), (2, 2));
    app.clock.advance_secs(60);

    let chosen = json!({ "companyIds": [company], "psaConnectionIds": [branch.connection()] });
    let (plan, branch) = splits(&acme, branch, &chosen).await;
    let copies = plan["copies"].as_array().expect("copies");
    let copy = copies.iter().find(|one| one["kind"] == "WebhookEndpoint").expect("the scanner's").clone();
    assert_eq!(copy["nodeId"], json!(acme.endpoint()));
    assert!(plan["changes"].to_string().contains("webhookEndpointRotateSecret"), "{plan:#}");
    app.drain().await;
    // What was of both counts on each side.
    for side in [&acme, &branch] {
        let counted = "statistics { webhooks { total { understoodCount } } }";
        let counted = below(&app, &side.organization, counted).await;
        let counts = &counted["statistics"]["webhooks"]["total"];
        assert_eq!(counts["understoodCount"], json!(2), "{counted:#}");
    }

    // The new address has a secret once one is made for it.
    let query = "query($id: ID!) { node(id: $id) { ... on WebhookEndpoint { url organization { slug } } } }";
    let endpoint = app.graphql(query, json!({ "id": copy["copyId"] })).await["node"].clone();
    assert_eq!(endpoint["organization"]["slug"], "branch", "{endpoint:#}");
    let url = text(&endpoint, "/url");
    assert_ne!(url, acme.webhook_url());
    let refused = acme.posts_to(&url, &of_branch("CVE-2024-3094").at(5)).await;
    assert!(refused.status.is_client_error(), "the old secret is not the new address's");
    let rotate = json!({ "id": copy["copyId"], "overlapSeconds": 0 });
    let made = app.does("webhookEndpointRotateSecret", "signingSecret", rotate).await;
    let secret = text(&made, "/signingSecret");
    is_secret(&secret);
    for key in ["CVE-2024-3094", "CVE-2024-6387"] {
        branch.posts_to_signed_with(&url, &secret, &of_branch(key).at(6)).await.is_accepted();
    }
    app.drain().await;
    assert_eq!((app.halo.ledger().len(), other.ledger().len()), (2, 2), "{:#?}", branch.events().await);
    branch.posts_to_signed_with(&url, &secret, &of_branch("CVE-2024-4577").at(7)).await.is_accepted();
    // The old one serves who stayed.
    acme.posts(&finding("CVE-2024-3094").at(8)).await.is_accepted();
    acme.posts(&finding("CVE-2024-4577").at(8)).await.is_accepted();
    app.drain().await;
    assert_eq!((app.halo.ledger().len(), other.ledger().len()), (3, 3));

    // Why there is a ticket can still be asked, and the other's words are not among it.
    let webhooks = "webhookDeliveries(first: 10, orderBy: { field: RECEIVED_AT, direction: ASC }) { nodes {
        id payloadRemovedAt payloadText events(first: 5) { nodes { outcome company { name } } } } }";
    let nodes = below(&app, &branch.organization, webhooks).await["webhookDeliveries"]["nodes"].clone();
    let mixed = &nodes[0];
    assert!(mixed["payloadRemovedAt"].is_string(), "{mixed:#}");
    assert_eq!(mixed["events"]["nodes"].as_array().map(Vec::len), Some(1), "{mixed:#}");
    let stages = branch.trace_stages(&text(mixed, "/id")).await;
    assert!(stages.contains(&"OPERATION".to_owned()), "{stages:?}");
    let alone = &nodes[1];
    assert_eq!(alone["payloadRemovedAt"], Value::Null, "a webhook of the branch alone went whole: {alone:#}");
    assert!(text(alone, "/payloadText").contains("CVE-2024-6387"), "{alone:#}");
    let left = below(&app, &acme.organization, webhooks).await["webhookDeliveries"]["nodes"].clone();
    assert!(left[0]["payloadText"].is_string(), "what was of both stays: {left:#}");
    let customers = left.to_string();
    assert!(customers.contains("Northwind Dental"), "{customers}");
    assert_eq!(left[0]["events"]["nodes"].as_array().map(Vec::len), Some(1), "{left:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_whose_creation_was_not_answered_before_a_split_is_one_after_it() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let (branch, company) = branch(&acme, &other).await;
    other.fault(Fault::once("POST /api/Tickets", FaultKind::DropAfterCommit));
    branch.posts(&of_branch("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.tickets().await[0]["state"], "UNKNOWN");

    let chosen = json!({
        "companyIds": [company], "psaConnectionIds": [branch.connection()],
        "webhookEndpointIds": [branch.endpoint()],
    });
    let (_, branch) = splits(&acme, branch, &chosen).await;
    app.pass(900).await;

    assert_eq!(other.ledger().len(), 1);
    let tickets = branch.tickets().await;
    assert_eq!((tickets.len(), &tickets[0]["state"]), (1, &json!("OPEN")), "{tickets:#?}");
    assert_eq!(tickets[0]["externalId"], other.ledger()[0].id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_while_a_ticket_is_being_made_makes_no_second_one() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let (branch, company) = branch(&acme, &other).await;
    // Halo has the ticket at once, and takes its time to say so: until after the split.
    other.fault(Fault::once("POST /api/Tickets", FaultKind::DelayAnswer { ms: 8_000 }));
    branch.posts(&of_branch("CVE-2024-3094")).await.is_accepted();
    let chosen = json!({
        "companyIds": [company], "psaConnectionIds": [branch.connection()],
        "webhookEndpointIds": [branch.endpoint()],
    });
    let split = async {
        wait_until("Halo has the ticket", || async { !other.ledger().is_empty() }).await;
        let (_, branch) = splits(&acme, branch, &chosen).await;
        let tickets = branch.tickets().await;
        assert_eq!(tickets[0]["state"], "CREATING", "the answer is still on its way: {tickets:#?}");
        branch
    };
    let ((), branch) = tokio::join!(app.drain(), split);
    app.pass(900).await;

    assert_eq!(other.ledger().len(), 1);
    let tickets = branch.tickets().await;
    assert_eq!((tickets.len(), &tickets[0]["state"]), (1, &json!("OPEN")), "{tickets:#?}");
    assert_eq!(tickets[0]["externalId"], other.ledger()[0].id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_taken_by_a_node_that_has_not_heard_of_the_split_is_the_new_organizations() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let (branch, company) = branch(&acme, &other).await;
    let second = app.another_node().await;
    let url = branch.webhook_url().replace(&app.app.address().to_string(), &second.address().to_string());
    branch.posts_to(&url, &of_branch("CVE-2024-3094")).await.is_accepted();
    drain(&second).await;
    // One waits to be decided, too.
    branch.posts_to(&url, &of_branch("CVE-2024-4577").at(1)).await.is_accepted();

    let chosen = json!({
        "companyIds": [company], "psaConnectionIds": [branch.connection()],
        "webhookEndpointIds": [branch.endpoint()],
    });
    let (_, branch) = splits(&acme, branch, &chosen).await;
    // No time has gone by: the second node still takes the endpoint for acme's.
    branch.posts_to(&url, &of_branch("CVE-2024-3094").at(2)).await.is_accepted();
    branch.posts_to(&url, &of_branch("CVE-2024-6387").at(3)).await.is_accepted();
    tokio::join!(app.drain(), drain(&second));
    second.stop().await;

    let deliveries = branch.deliveries().await;
    assert_eq!(deliveries.len(), 4, "{deliveries:#?}");
    assert!(deliveries.iter().all(|one| one["state"] == "UNDERSTOOD"), "{deliveries:#?}");
    assert_eq!(acme.deliveries().await, Vec::<Value>::new());
    assert_eq!((other.ledger().len(), branch.tickets().await.len()), (3, 3));
}
