//! Of everything that two sides of an organization can have: after a split nothing of one refers to anything of the other.

use std::collections::BTreeMap;

use psa_gateway::sandbox::frame::Sandbox as _;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{another_halo, below, branch, of_branch, splits};
use crate::support::{Msp, TestApp, finding, text};

/// Columns that say what was, or only count: they may name what is another's by now.
const HISTORY: &[(&str, &[&str])] = &[
    ("audit_entry", &["target_id", "actor_id"]),
    ("notification", &["subject_id", "ticket_id", "psa_connection_id", "event_id", "policy_id"]),
    ("tally", &["company_id", "place_id"]),
    ("tally_delta", &["company_id", "place_id"]),
];

async fn select(app: &TestApp, sql: String) -> Vec<sea_orm::QueryResult> {
    let db = app.app.ground.db.reader();
    let backend = if app.app.ground.db.is_sqlite() { DbBackend::Sqlite } else { DbBackend::Postgres };
    db.query_all_raw(Statement::from_string(backend, sql)).await.expect("rows")
}

/// The tables that have rows of organizations.
async fn tables(app: &TestApp) -> Vec<String> {
    let names = if app.app.ground.db.is_sqlite() {
        "SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.name = 'organization_id' ORDER BY 1"
    } else {
        "SELECT table_name::text AS name FROM information_schema.columns
         WHERE column_name = 'organization_id' AND table_schema = current_schema() ORDER BY 1"
    };
    let rows = select(app, names.to_owned()).await;
    rows.iter().map(|row| row.try_get("", "name").expect("a name")).collect()
}

/// A row: its table, whose it is, and the ids that it names, by its columns.
type Row = (String, Uuid, Vec<(String, Uuid)>);

/// What refers to a row of another organization, as table, column and the other table.
async fn crossings(app: &TestApp) -> Vec<String> {
    let mut all: Vec<Row> = Vec::new();
    let mut owners: BTreeMap<Uuid, (String, Uuid)> = BTreeMap::new();
    for table in tables(app).await {
        for row in select(app, format!("SELECT * FROM {table}")).await {
            let Ok(Some(owner)) = row.try_get::<Option<Uuid>>("", "organization_id") else { continue };
            let mut named = Vec::new();
            for column in row.column_names() {
                let Ok(Some(id)) = row.try_get::<Option<Uuid>>("", &column) else { continue };
                match column.as_str() {
                    // A lane has the id of its connection.
                    "id" if !table.ends_with("lane") => {
                        owners.insert(id, (table.clone(), owner));
                    }
                    "organization_id" => {}
                    _ => named.push((column, id)),
                }
            }
            all.push((table.clone(), owner, named));
        }
    }
    let mut found = Vec::new();
    for (table, owner, named) in all {
        for (column, id) in named {
            let history = HISTORY.iter().find(|(name, _)| *name == table);
            if history.is_some_and(|(_, columns)| columns.contains(&column.as_str())) {
                continue;
            }
            if let Some((other, whose)) = owners.get(&id).filter(|(_, whose)| *whose != owner) {
                found.push(format!("{table}.{column} of {owner} names a row of {other} of {whose}"));
            }
        }
    }
    found
}

async fn makes_policy(acme: &Msp<'_>, input: Value) -> String {
    let mut policy = json!({ "organizationId": acme.organization });
    policy.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    text(&acme.app().does("policyCreate", "policy { id }", policy).await, "/policy/id")
}

/// A market of the organization, which both companies have; a window for all; mutes; bills; rules; devices.
async fn sets_up_everything(acme: &Msp<'_>, branch: &Msp<'_>, (north, harbour): (&str, &str)) {
    let app = acme.app();
    let market = json!({ "organizationId": acme.organization, "kind": "MARKET", "name": "Health" });
    let market = app.does("companyValueCreate", "companyValue { id }", market).await;
    for (company, name) in [(north, "PC-1"), (harbour, "PC-2")] {
        let assign = json!({
            "companyId": company, "kind": "MARKET", "companyValueId": market["companyValue"]["id"],
        });
        app.does("companyValueAssign", "company { id }", assign).await;
        let assets = json!([{ "companyId": company, "name": name }]);
        let upsert = json!({ "organizationId": acme.organization, "assets": assets });
        app.does("assetUpsert", "__typename", upsert).await;
    }
    acme.plans_quiet().await;
    acme.makes_subscriber("Vendor").await;
    for msp in [acme, branch] {
        msp.limits_billing().await;
        msp.copies_tickets().await;
        msp.bills_what_is_used().await;
    }
    let muted = "findings(first: 10) { nodes { id company { id } } }";
    let findings = below(app, &acme.organization, muted).await["findings"]["nodes"].clone();
    let of_harbour = findings.as_array().unwrap().iter().find(|one| one["company"]["id"] == json!(harbour));
    let mute = json!({
        "of": { "findingId": of_harbour.expect("the branch's")["id"] }, "until": "2026-11-28T09:00:00Z",
        "reason": "mended on Friday",
    });
    app.does("findingMute", "mute { id }", mute).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_side_refers_to_the_other_and_what_waits_goes_on() {
    let app = TestApp::start().await;
    let other = another_halo(&app).await;
    let acme = app.msp("acme").await.ready().await;
    let (branch, harbour) = branch(&acme, &other).await;
    let (north, _) = acme.first_customer().await;
    let both = json!([finding("CVE-1").json(), of_branch("CVE-1").json()]);
    acme.posts_raw(both.to_string().as_bytes()).await.is_accepted();
    acme.posts(&of_branch("CVE-2")).await.is_accepted();
    branch.posts(&of_branch("CVE-3")).await.is_accepted();
    branch.posts(&of_branch("CVE-4").of("harbour-legal")).await.is_accepted();
    app.drain().await;
    sets_up_everything(&acme, &branch, (&north, &harbour)).await;
    let set = acme.makes_event_set("Secrets").await;
    let profile = below(&app, &acme.organization, "ticketProfiles(first: 5) { nodes { id name } }").await;
    let profile = profile["ticketProfiles"]["nodes"].as_array().unwrap().clone();
    let of_the_branch =
        profile.iter().find(|one| one["name"] == "Branch alerts").expect("a profile")["id"].clone();
    makes_policy(
        &acme,
        json!({ "name": "Of both", "companyIds": [north, harbour], "eventSetId": set,
        "ticketProfileId": of_the_branch }),
    )
    .await;
    makes_policy(
        &acme,
        json!({ "name": "Of acme", "companyIds": [north], "ticketProfileId": of_the_branch }),
    )
    .await;
    let settling = makes_policy(
        &acme,
        json!({ "name": "Of the branch", "companyIds": [harbour], "ticketProfileId": of_the_branch, "place": 1,
                "eventSetId": null, "handling": { "settleSeconds": 3_600 } }),
    )
    .await;
    branch.posts(&of_branch("CVE-5").now()).await.is_accepted();
    app.drain().await;
    assert_eq!((app.halo.ledger().len(), other.ledger().len()), (1, 3));
    assert_eq!(crossings(&app).await, Vec::<String>::new(), "one organization");
    app.clock.advance_secs(60);

    let chosen = json!({
        "companyIds": [harbour], "psaConnectionIds": [branch.connection()],
        "webhookEndpointIds": [branch.endpoint()],
    });
    let (plan, branch) = splits(&acme, branch, &chosen).await;
    assert_eq!(crossings(&app).await, Vec::<String>::new(), "{plan:#}");
    let kinds: Vec<String> =
        plan["copies"].as_array().unwrap().iter().map(|one| text(one, "/kind")).collect();
    for kind in ["EventSet", "CompanyValue", "Policy", "MaintenanceWindow", "WebhookEndpoint"] {
        assert!(kinds.iter().any(|one| one == kind), "{kind}: {plan:#}");
    }
    assert!(plan["copies"].as_array().unwrap().iter().all(|one| one["copyId"].is_string()), "{plan:#}");

    let policies =
        "policies(first: 10) { nodes { id name companies { id } ticketProfile { id } eventSet { name } } }";
    let (mine, theirs) = (
        below(&app, &acme.organization, policies).await["policies"]["nodes"].clone(),
        below(&app, &branch.organization, policies).await["policies"]["nodes"].clone(),
    );
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| text(one, "/name")).collect()
    };
    assert_eq!(names(&mine), ["Open findings", "Of both", "Of acme"], "in their order");
    assert_eq!(names(&theirs), ["Of the branch", "Open findings", "Of both"]);
    assert_eq!(theirs[0]["id"], json!(settling), "what is for nobody else goes as it is");
    assert_eq!(theirs[0]["ticketProfile"]["id"], of_the_branch);
    assert_eq!((&mine[1]["companies"], &mine[1]["ticketProfile"]), (&json!([{ "id": north }]), &Value::Null));
    assert_eq!(
        (&theirs[2]["companies"], &theirs[2]["ticketProfile"]["id"], &theirs[2]["eventSet"]["name"]),
        (&json!([{ "id": harbour }]), &of_the_branch, &json!("Secrets"))
    );
    assert_eq!(mine[2]["ticketProfile"], Value::Null, "that profile went");
    let market = "query($id: ID!) { node(id: $id) { ... on Company { companyMarket { name } } } }";
    let market = app.graphql(market, json!({ "id": harbour })).await;
    assert_eq!(market["node"]["companyMarket"]["name"], "Health");
    assert_eq!((branch.billed().await.len(), acme.billed().await.len()), (1, 1));

    // What was held is decided once somebody says who is meant; what waited gets its ticket at its time.
    let alias = json!({ "companyId": harbour, "value": "harbour-legal" });
    app.does("companyAliasAdd", "company { id }", alias).await;
    app.pass(3 * 3_600).await;
    assert_eq!((app.halo.ledger().len(), other.ledger().len()), (1, 5), "{:#?}", branch.events().await);
    assert!(branch.outcomes().await.iter().all(|outcome| outcome != "HELD" && outcome != "WAITING"));
    assert_eq!(crossings(&app).await, Vec::<String>::new());
}
