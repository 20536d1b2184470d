//! Who changed what: every mutation that does something leaves one entry in the log, and no secret with it.

mod deeds;

use std::{
    collections::BTreeSet,
    process::{Command, Output},
};

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::{
    support::{TestApp, data, finding, found_secrets, is_secret, secrets_in, text},
    walls,
};
use deeds::{bill, change_everything, take_everything_away, tell_others, work_on_tickets};

const ENTRY: &str = "number action actor { kind name nodeId } address requestId target { type name nodeId }
                     before after at hash organization { slug }";

/// The log of an organization, or of the installation; the oldest first.
async fn log(app: &TestApp, organization: Option<&str>) -> Vec<Value> {
    let (mut entries, mut before) = (Vec::new(), Value::Null);
    loop {
        let list = format!(
            "auditLog(last: 50, before: $before) {{ pageInfo {{ startCursor hasPreviousPage }} nodes {{ {ENTRY} }} }}"
        );
        let query = match organization {
            Some(_) => format!(
                "query($id: ID!, $before: String) {{ node(id: $id) {{ ... on Organization {{ {list} }} }} }}"
            ),
            None => format!("query($before: String) {{ {list} }}"),
        };
        let answer = app.graphql(&query, json!({ "id": organization, "before": before })).await;
        let page = if organization.is_some() { &answer["node"]["auditLog"] } else { &answer["auditLog"] };
        // The newest stand first, so the last ones are the oldest.
        entries.extend(page["nodes"].as_array().expect("a page").iter().rev().cloned());
        if page["pageInfo"]["hasPreviousPage"] != true {
            return entries;
        }
        before = page["pageInfo"]["startCursor"].clone();
    }
}

fn actions(entries: &[Value]) -> Vec<String> {
    entries.iter().map(|entry| text(entry, "/action")).collect()
}

/// Does something, and looks what the logs then say: one entry more, with the mutation's name.
struct Witness<'a> {
    app: &'a TestApp,
    organization: String,
    seen: BTreeSet<String>,
}

impl Witness<'_> {
    async fn entries(&self) -> Vec<Value> {
        let mut entries = log(self.app, Some(&self.organization)).await;
        entries.extend(log(self.app, None).await);
        entries
    }

    async fn does(&mut self, mutation: &str, selection: &str, input: Value) -> (Value, Value) {
        let (payload, mut entries) = self.leaves(mutation, selection, input, &[mutation]).await;
        (payload, entries.remove(0))
    }

    /// What is done to several at once: an entry for each, as if it had been done to each alone.
    async fn does_many(&mut self, mutation: &str, input: Value, count: usize) -> Vec<Value> {
        let single = mutation.strip_suffix("Many").expect("one for many");
        let entries = vec![single; count];
        self.leaves(mutation, "results { userErrors { message } }", input, &entries).await.1
    }

    async fn leaves(
        &mut self,
        mutation: &str,
        selection: &str,
        input: Value,
        left: &[&str],
    ) -> (Value, Vec<Value>) {
        let before: BTreeSet<_> = self.entries().await.iter().map(Value::to_string).collect();
        let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {name}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ field message }} }} }}"
        );
        let answer = self.app.graphql_as(&self.app.token, &query, json!({ "input": input })).await;
        let payload = data(&answer)[mutation].clone();
        let mut new = self.entries().await;
        new.retain(|entry| !before.contains(&entry.to_string()));
        assert_eq!(actions(&new), left, "{mutation}: {payload:#} leaves {new:#?}");
        self.seen.insert(mutation.to_owned());
        self.app.drain().await;
        (payload, new)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_leaves_one_entry_that_says_who_did_what_and_holds_no_secret() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let first = app.client_secret();

    // How everything was set up, by the administrator of the installation.
    let set_up = log(&app, Some(&acme.organization)).await;
    assert_eq!(
        actions(&set_up),
        [
            "psaConnectionCreate",
            "psaConnectionVerify",
            "psaConnectionSyncPickLists",
            "psaConnectionSyncCompanies",
            "syncScheduleSet",
            "webhookEndpointCreate",
            "ticketProfileCreate",
            "companyCreate",
            "companyAliasAdd",
            "companyMappingSet",
            "memberInvite",
        ]
    );
    let installation = log(&app, None).await;
    assert_eq!(actions(&installation), ["accessTokenCreate", "organizationCreate"]);
    assert_eq!(installation[0]["actor"], json!({ "kind": "GATEWAY", "name": "PSA Gateway", "nodeId": null }));
    let operator = &installation[0]["target"];
    for (number, entry) in (1..).zip(&set_up) {
        assert_eq!(entry["number"], number);
        assert_eq!(entry["actor"]["kind"], "TOKEN");
        assert_eq!(entry["actor"]["name"], operator["name"]);
        assert_eq!(entry["actor"]["nodeId"], operator["nodeId"]);
        assert!(entry["requestId"].as_str().is_some_and(|id| id.len() >= 8), "{entry:#}");
    }
    assert_eq!(set_up[9]["target"]["name"], "Northwind Dental → Northwind Dental");

    let seen = actions(&set_up).into_iter().chain(actions(&installation)).collect();
    let mut witness = Witness { app: &app, organization: acme.organization.clone(), seen };
    let token = json!({ "organizationId": acme.organization, "name": "dashboard", "role": "VIEWER" });
    let (made, _) = witness.does("accessTokenCreate", "accessToken { id } token", token).await;
    is_secret(&text(&made, "/token"));
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    let rule = json!({ "psaConnectionId": acme.connection(), "subject": { "role": "BILLING" }, "showsNotes": false });
    let (_, entry) = witness.does("ticketPermissionSet", "ticketPermission { id }", rule).await;
    assert_eq!((&entry["after"]["role"], &entry["after"]["showsNotes"]), (&json!("BILLING"), &json!(false)));
    let set = json!({ "organizationId": acme.organization, "name": "Secrets", "choices": [{ "category": "secret" }] });
    let (_, entry) = witness.does("eventSetCreate", "eventSet { id }", set).await;
    assert_eq!(entry["after"]["choices"], json!([{ "category": "secret", "kinds": null }]));
    let window = json!({ "organizationId": acme.organization, "name": "Patch day",
        "startsAt": "2026-12-21T09:00:00Z", "endsAt": "2026-12-21T10:00:00Z" });
    let (_, entry) = witness.does("maintenanceWindowCreate", "maintenanceWindow { id }", window).await;
    assert_eq!(entry["after"]["endsAt"], "2026-12-21T10:00:00Z");
    let finding_id = acme.findings().await[0]["id"].clone();
    let mute =
        json!({ "of": { "findingId": finding_id }, "until": "2026-11-28T09:00:00Z", "reason": "Friday" });
    let (_, entry) = witness.does("findingMute", "mute { id }", mute).await;
    assert_eq!(
        (&entry["target"]["name"], &entry["after"]["findingId"]),
        (&json!("CVE-1 on web-1"), &finding_id)
    );
    let told = json!({ "organizationId": acme.organization, "name": "Vendor",
        "url": "http://127.0.0.1:9/hooks/canary-in-an-address" });
    let (made, entry) =
        witness.does("webhookSubscriberCreate", "webhookSubscriber { id } signingSecret", told).await;
    is_secret(&text(&made, "/signingSecret"));
    assert_eq!(entry["after"], json!({ "name": "Vendor", "host": "127.0.0.1", "isEnabled": true }));
    let test = json!({ "id": made["webhookSubscriber"]["id"] });
    witness.does("webhookSubscriberSendTest", "notification { id }", test).await;
    let used = json!({ "organizationId": acme.organization,
        "reports": [{ "clientRef": "northwind", "product": "managed-edr", "quantity": 20 }] });
    witness.does("usageReport", "results { usageMark { id } }", used).await;
    let (company, _) = acme.first_customer().await;
    let lines = acme.reads_lines().await;
    let line = json!({ "companyId": company, "product": "managed-edr", "psaBillingLineId": lines[0]["id"] });
    let (_, entry) = witness.does("billingLineCreate", "billingLine { id }", line).await;
    assert_eq!(
        (&entry["after"]["line"], &entry["after"]["isEnabled"]),
        (&json!("Protected devices"), &json!(true))
    );
    acme.pushes().await;
    let ids = walls::ids(&app, &acme).await;
    tell_others(&ids, &mut witness).await;
    let secret = change_everything(&app, &acme, &ids, &mut witness, &first).await;
    work_on_tickets(&app, &acme, &ids, &mut witness, &secret).await;
    bill(&app, &ids, &mut witness).await;
    take_everything_away(&app, &ids, &mut witness).await;

    let mutations = walls::root_fields(&app, "mutationType").await;
    let missing: Vec<_> = mutations.difference(&witness.seen).collect();
    assert!(missing.is_empty(), "show what these leave in the log: {missing:?}");
    let everything = json!(witness.entries().await).to_string();
    assert_eq!(secrets_in(&everything), Vec::<String>::new());
    assert!(!everything.contains("canary-in-an"), "the path of an address may be a secret");
    assert_eq!(found_secrets(), Vec::<String>::new(), "log lines with secrets");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_its_organizations_and_is_found_by_who_and_what() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.msp("acme").await, app.msp("globex").await);
    let admin = acme.token("ADMINISTRATOR").await;
    let technician = acme.token("TECHNICIAN").await;
    let neighbour = globex.token("OWNER").await;
    let rename = "mutation($input: OrganizationUpdateInput!) { organizationUpdate(input: $input) {
        organization { id } userErrors { code } } }";
    let input = json!({ "input": { "id": acme.organization, "name": "Acme IT" } });
    data(&app.graphql_as(&admin, rename, input.clone()).await);
    // Refused, so nothing that is so: no entry.
    let refused = app.graphql_as(&technician, rename, input).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused:#}");

    let query = "query($id: ID!, $filter: AuditLogFilter) { node(id: $id) { ... on Organization {
        auditLog(first: 10, filter: $filter) { totalCount totalCountIsExact
          nodes { id action actor { name nodeId } target { nodeId } } } } } }";
    let asks = async |token: &str, filter: Value| {
        let variables = json!({ "id": acme.organization, "filter": filter });
        app.graphql_as(token, query, variables).await
    };
    let all = data(&asks(&admin, Value::Null).await)["node"]["auditLog"].clone();
    assert_eq!((&all["totalCount"], &all["totalCountIsExact"]), (&json!(3), &json!(true)));
    let newest = &all["nodes"][0];
    assert_eq!(
        (&newest["action"], &newest["actor"]["name"]),
        (&json!("organizationUpdate"), &json!("ADMINISTRATOR"))
    );
    for (filter, count) in [
        (json!({ "action": ["organizationUpdate"] }), 1),
        (json!({ "action": ["organizationUpdate", "accessTokenCreate"] }), 3),
        (json!({ "actorId": newest["actor"]["nodeId"] }), 1),
        (json!({ "targetId": newest["actor"]["nodeId"] }), 1),
        (json!({ "targetId": acme.organization, "query": "acme it" }), 1),
        (json!({ "at": { "gte": "2026-11-21T09:00:00Z", "lt": "2026-11-21T09:00:01Z" } }), 3),
        (json!({ "at": { "lt": "2026-11-21T09:00:00Z" } }), 0),
        (json!({ "query": "somebody else" }), 0),
    ] {
        let found = data(&asks(&admin, filter.clone()).await);
        assert_eq!(found["node"]["auditLog"]["totalCount"], count, "{filter}: {found:#}");
    }

    let hidden = asks(&technician, Value::Null).await;
    assert_eq!(hidden["errors"][0]["extensions"]["code"], "FORBIDDEN", "{hidden:#}");
    assert_eq!(hidden["data"]["node"]["auditLog"], Value::Null);
    let seen = asks(&neighbour, Value::Null).await;
    assert_eq!(seen["data"]["node"], Value::Null, "{seen:#}");
    for stranger in [&neighbour, &technician] {
        let query = "query($id: ID!) { node(id: $id) { id } }";
        let seen = app.graphql_as(stranger, query, json!({ "id": newest["id"] })).await;
        assert_eq!(seen["data"]["node"], Value::Null, "{seen:#}");
        let seen = app.graphql_as(stranger, "{ auditLog { totalCount } }", json!({})).await;
        assert_eq!(seen["errors"][0]["extensions"]["code"], "FORBIDDEN", "{seen:#}");
    }
}

fn program(app: &TestApp, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_psa-gateway"))
        .args(arguments)
        .env("PSA_GATEWAY_DATA_DIR", app.place.dir())
        .env("DATABASE_URL", app.place.url())
        .output()
        .expect("the program runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_finds_the_entry_that_somebody_changed_in_the_database() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    for role in ["VIEWER", "TECHNICIAN", "DEVELOPER"] {
        acme.token(role).await;
    }
    let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let sound = program(&app, &["audit", "verify"]);
    assert!(sound.status.success(), "{sound:?}");
    assert!(said(&sound).contains("acme: 3 entries, as written"), "{sound:?}");
    let exported = program(&app, &["audit", "export", "--organization", "acme"]);
    let lines: Vec<Value> =
        said(&exported).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.iter().map(|line| line["number"].clone()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(lines[1]["after"]["role"], "TECHNICIAN");

    // Somebody with the database's own password.
    let db = app.app.ground.db.reader();
    let change = "UPDATE audit_entry SET \"after\" = '{\"role\":\"OWNER\"}' WHERE number = 2";
    assert!(db.execute_unprepared(change).await.is_err(), "the database refuses");
    let rules: &[&str] = if app.app.ground.db.is_sqlite() {
        &["DROP TRIGGER audit_entry_update"]
    } else {
        &["ALTER TABLE audit_entry DISABLE TRIGGER ALL"]
    };
    for rule in rules {
        db.execute_unprepared(rule).await.expect("somebody who may do everything");
    }
    db.execute_unprepared(change).await.expect("nothing hinders it now");
    let broken = program(&app, &["audit", "verify", "--organization", "acme"]);
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    assert!(said(&broken).contains("acme: BROKEN after 1 entries: entry 2"), "{broken:?}");
}
