//! Which events deserve a ticket, in whose words, and why the others do not.

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, data, finding, text};

impl Msp<'_> {
    /// Asks for a mutation; what is selected of its payload.
    async fn asks(&self, app: &TestApp, mutation: &str, selection: &str, input: Value) -> Value {
        let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {name}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ field code message }} }} }}"
        );
        app.graphql_as(&app.token, &query, json!({ "input": input })).await
    }

    /// Makes a policy before the others; its id.
    async fn first_asks(&self, app: &TestApp, name: &str, says: Value) -> String {
        let mut input = json!({ "organizationId": self.organization, "name": name, "place": 1 });
        let said = says.as_object().expect("an object").clone();
        input.as_object_mut().expect("an object").extend(said);
        let made = data(&self.asks(app, "policyCreate", "policy { id }", input).await);
        text(&made, "/policyCreate/policy/id")
    }

    /// Lets only these policies decide: the built-in one is switched off.
    async fn without_the_built_in_policy(&self, app: &TestApp) {
        let policies = self.policies(app).await;
        let built_in = policies.iter().find(|policy| policy["name"] == "Open findings").expect("it");
        let off = json!({ "id": built_in["id"], "isEnabled": false });
        data(&self.asks(app, "policyUpdate", "policy { id }", off).await);
    }

    async fn policies(&self, app: &TestApp) -> Vec<Value> {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization { policies(first: 50) { nodes {
            id name isEnabled explanation eventSet { id name } companies { name }
            conditions { number parent join explanation test { field label operator values orUnknown } } } } } } }";
        let all = app.graphql(query, json!({ "id": self.organization })).await;
        all["node"]["policies"]["nodes"].as_array().expect("a list").clone()
    }

    async fn company_named(&self, app: &TestApp, name: &str) -> Value {
        let query = "query($id: ID!, $name: String!) { node(id: $id) { ... on Organization {
            companies(first: 1, filter: { query: $name }) { nodes { id } } } } }";
        let found = app.graphql(query, json!({ "id": self.organization, "name": name })).await;
        found["node"]["companies"]["nodes"][0]["id"].clone()
    }
}

fn kev() -> Value {
    json!({ "cve": "CVE-2026-1000", "kev": { "added": "2026-11-01", "ransomware": "Known" } })
}

fn cvss(score: f64) -> Value {
    json!({ "cve": "CVE-2026-1001", "cvss": [{ "version": "3.1", "score": score }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_matching_policy_wins_and_the_trace_says_why_the_others_did_not() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;
    let harbor = acme.company_named(&app, "Harbour Legal").await;
    let exploited = json!({ "any": [
        { "flag": { "field": "KEV" } },
        { "number": { "field": "CVSS", "is": { "atLeast": 7 } } },
    ] });
    acme.first_asks(&app, "Exploited", json!({ "conditions": exploited })).await;
    acme.first_asks(&app, "Harbour only", json!({ "companyIds": [harbor] })).await;

    let posted = acme.posts(&finding("CVE-1").severity("high").vulnerability(&cvss(5.3))).await;
    app.drain().await;
    assert_eq!(
        acme.trace_of_policies(posted.delivery()).await,
        [
            "\"Harbour only\" is for other companies",
            "\"Exploited\" wants a known exploited vulnerability (KEV); the sender does not say, and wants CVSS at \
             least 7; this is 5.3",
            "\"Open findings\" matches",
        ]
    );
    let posted = acme.posts(&finding("CVE-2").severity("low").vulnerability(&kev())).await;
    app.drain().await;
    let steps = acme.trace_of_policies(posted.delivery()).await;
    assert_eq!(steps[1..], ["\"Exploited\" matches"], "and nobody is asked after it");
    assert_eq!(acme.outcomes().await, ["OPENED", "OPENED"]);

    // The same in another order.
    let mut ids: Vec<_> = acme.policies(&app).await.iter().map(|policy| policy["id"].clone()).collect();
    ids.reverse();
    let order = json!({ "organizationId": acme.organization, "policyIds": ids });
    let selection = "organization { policies(first: 3) { nodes { name } } }";
    let ordered = data(&acme.asks(&app, "policyReorder", selection, order).await);
    let first = &ordered["policyReorder"]["organization"]["policies"]["nodes"][0];
    assert_eq!(first["name"], "Open findings");
    let posted = acme.posts(&finding("CVE-3")).await;
    app.drain().await;
    assert_eq!(acme.trace_of_policies(posted.delivery()).await, ["\"Open findings\" matches"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_twenty_policies_said_is_still_told_after_they_were_changed() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let mut ids = Vec::new();
    for number in (0..20).rev() {
        let at_least = json!({ "number": { "field": "CVSS", "is": { "atLeast": 9.0 } } });
        let says = json!({ "conditions": at_least, "handling": { "settleSeconds": 60 } });
        ids.push(acme.first_asks(&app, &format!("Worst {number}"), says).await);
    }
    let posted = acme.posts(&finding("CVE-1").vulnerability(&cvss(5.3))).await;
    app.drain().await;
    let expected: Vec<String> = (0..20)
        .map(|number| format!("\"Worst {number}\" wants CVSS at least 9; this is 5.3"))
        .chain(["\"Open findings\" matches".to_owned()])
        .collect();
    assert_eq!(acme.trace_of_policies(posted.delivery()).await, expected);

    for id in &ids {
        let changed = json!({ "id": id, "name": format!("Renamed {id}"), "isEnabled": false });
        data(&acme.asks(&app, "policyUpdate", "policy { id }", changed).await);
    }
    assert_eq!(acme.trace_of_policies(posted.delivery()).await, expected, "as it was when it was decided");
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { events(first: 1) { nodes {
        steps { step result } } } } } }";
    let events = app.graphql(query, json!({ "id": acme.organization })).await;
    let steps = events["node"]["events"]["nodes"][0]["steps"].as_array().expect("a list").clone();
    let of_policies: Vec<_> =
        steps.iter().filter(|step| step["step"] == "policy").map(|step| text(step, "/result")).collect();
    assert_eq!(of_policies, expected, "an event tells the same");
    assert_eq!(acme.outcomes().await, ["OPENED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_set_limits_the_kinds_and_a_scope_the_companies() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;
    acme.without_the_built_in_policy(&app).await;
    let choices = json!([
        { "category": "identity", "kinds": ["identity.user_locked_out"] }, { "category": "secret" },
    ]);
    let set = json!({ "organizationId": acme.organization, "name": "Some", "choices": choices });
    let selection =
        "eventSet { id choices { category { key } isEveryKind kinds { name counterpart { name } } } }";
    let made = data(&acme.asks(&app, "eventSetCreate", selection, set).await)["eventSetCreate"].clone();
    let lockout = &made["eventSet"]["choices"][0];
    assert_eq!(lockout["kinds"][0]["counterpart"]["name"], "identity.user_unlocked", "{made:#}");
    assert_eq!(made["eventSet"]["choices"][1]["isEveryKind"], true);
    let northwind = acme.company_named(&app, "Northwind Dental").await;
    let says = json!({ "eventSetId": made["eventSet"]["id"], "companyIds": [northwind] });
    acme.first_asks(&app, "Users and secrets", says).await;

    for (key, kind, client) in [
        ("1", "identity.user_locked_out", "northwind"),
        ("2", "identity.password_expired", "northwind"),
        ("3", "secret.leaked", "northwind"),
        ("4", "finding.opened", "northwind"),
        ("5", "secret.leaked", "harbor"),
    ] {
        acme.posts(&finding(key).kind(kind).of(client)).await.is_accepted();
        app.pass(1).await;
    }
    assert_eq!(acme.outcomes().await, ["OPENED", "IGNORED", "OPENED", "IGNORED", "IGNORED"]);
    assert_eq!(app.halo.ledger().len(), 2);
    let explanation = text(&acme.policies(&app).await[0], "/explanation");
    assert!(
        explanation.starts_with(
            "Opens a ticket for events of \"Some\" (Identity (identity.user_locked_out); Secret), at one chosen company."
        ),
        "{explanation}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_decides_and_one_that_is_wrong_is_said_where_it_stands() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.without_the_built_in_policy(&app).await;
    let conditions = json!({ "all": [
        { "any": [
            { "flag": { "field": "KEV" } },
            { "number": { "field": "CVSS", "is": { "atLeast": 7 } } },
        ] },
        { "not": { "text": { "field": { "of": "ASSET_NAME" }, "is": { "contains": "lab" } } } },
    ] });
    acme.first_asks(&app, "Urgent", json!({ "conditions": conditions })).await;
    let policy = acme.policies(&app).await[0].clone();
    let tree: Vec<_> = policy["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["parent"].as_i64(), part["join"].as_str(), part["test"]["field"].as_str()))
        .collect();
    assert_eq!(
        tree,
        [
            (None, Some("ALL"), None),
            (Some(0), Some("ANY"), None),
            (Some(1), None, Some("KEV")),
            (Some(1), None, Some("CVSS")),
            (Some(0), Some("NOT"), None),
            (Some(4), None, Some("ASSET_NAME")),
        ]
    );

    for (key, vuln) in
        [("1", kev()), ("2", cvss(9.8)), ("3", cvss(6.9)), ("4", json!({ "cve": "CVE-2026-4" }))]
    {
        acme.posts(&finding(key).severity("critical").vulnerability(&vuln)).await.is_accepted();
        app.pass(1).await;
    }
    assert_eq!(acme.outcomes().await, ["OPENED", "OPENED", "IGNORED", "IGNORED"]);

    let wrong = json!({ "id": policy["id"], "conditions": { "any": [
        { "number": { "field": "CVSS", "is": { "atLeast": 70 } } },
        { "not": { "text": { "field": { "of": "KIND" }, "is": { "oneOf": ["no.such"] } } } },
    ] } });
    let refused = acme.asks(&app, "policyUpdate", "policy { id }", wrong).await;
    let errors = refused["data"]["policyUpdate"]["userErrors"].as_array().unwrap().clone();
    let fields: Vec<_> = errors.iter().map(|error| error["field"].clone()).collect();
    assert_eq!(
        fields,
        [
            json!(["input", "conditions", "any", "0", "number", "is", "atLeast"]),
            json!(["input", "conditions", "any", "1", "not", "text", "is", "oneOf"]),
        ],
        "{refused:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_switch_stops_all_new_tickets_and_what_is_open_is_still_closed() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let switch = async |is_on: bool| {
        let input = json!({ "id": acme.organization, "isTicketingEnabled": is_on });
        let selection = "organization { isTicketingEnabled }";
        let set = data(&acme.asks(&app, "organizationUpdate", selection, input).await);
        assert_eq!(set["organizationUpdate"]["organization"]["isTicketingEnabled"], is_on);
    };
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.pass(60).await;
    switch(false).await;
    acme.posts(&finding("CVE-2")).await.is_accepted();
    app.pass(60).await;
    acme.posts(&finding("CVE-1").resolved().at(3)).await.is_accepted();
    app.pass(60).await;
    let events = acme.events().await;
    assert_eq!(
        (events[1]["outcome"].as_str(), events[1]["reason"].as_str()),
        (Some("SUPPRESSED"), Some("ticketing_off_everywhere"))
    );
    assert_eq!(app.halo.ledger().len(), 1);
    assert!(app.halo.ledger()[0].closed);

    switch(true).await;
    app.pass(600).await;
    assert_eq!(app.halo.ledger().len(), 1, "what came meanwhile waits until it is seen again");
    acme.posts(&finding("CVE-2").at(10)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_set_in_use_stays_and_says_which_policy_uses_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let set = acme.makes_event_set("Secrets").await;
    let policy = acme.first_asks(&app, "Leaks", json!({ "eventSetId": set })).await;
    let refused = acme.asks(&app, "eventSetDelete", "deletedEventSetId", json!({ "id": set })).await;
    let error = &refused["data"]["eventSetDelete"]["userErrors"][0];
    assert_eq!(error["code"], "IN_USE", "{refused:#}");
    assert!(text(error, "/message").contains("the policy \"Leaks\""), "{refused:#}");

    data(&acme.asks(&app, "policyDelete", "deletedPolicyId", json!({ "id": policy })).await);
    let gone = data(&acme.asks(&app, "eventSetDelete", "deletedEventSetId", json!({ "id": set })).await);
    assert_eq!(gone["eventSetDelete"]["deletedEventSetId"], json!(set));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_decides_as_it_is_named_and_asking_twice_under_one_key_makes_one() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.without_the_built_in_policy(&app).await;
    let presets = app.graphql(
        "{ policyPresets { key label events { kinds { name } } conditionsExplanation } }",
        json!({}),
    );
    let presets = presets.await["policyPresets"].as_array().unwrap().clone();
    assert_eq!(presets.len(), 5, "{presets:#?}");
    assert_eq!(presets[0]["events"][0]["kinds"].as_array().unwrap().len(), 4);
    for preset in ["jumpcloud_alerts", "critical_or_kev", "jumpcloud_alerts"] {
        let input = json!({
            "organizationId": acme.organization, "preset": preset, "idempotencyKey": preset,
        });
        data(&acme.asks(&app, "policyCreateFromPreset", "policy { id }", input).await);
    }
    let names: Vec<_> = acme.policies(&app).await.iter().map(|policy| text(policy, "/name")).collect();
    assert_eq!(names, ["Critical or KEV only", "JumpCloud alerts", "Open findings"]);

    for (key, kind, severity) in [
        ("1", "identity.disk_key_decrypted", "info"),
        ("2", "finding.opened", "high"),
        ("3", "finding.opened", "critical"),
    ] {
        acme.posts(&finding(key).kind(kind).severity(severity)).await.is_accepted();
        app.pass(1).await;
    }
    acme.posts(&finding("4").severity("low").vulnerability(&kev())).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.outcomes().await, ["OPENED", "IGNORED", "OPENED", "OPENED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_goes_on_when_a_policy_names_a_profile() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await.listening().await;
    acme.customer("Northwind Dental", "northwind").await;
    let profile = acme.makes_default_profile().await;
    let query = "mutation($input: TicketProfileUpdateInput!) { ticketProfileUpdate(input: $input) { userErrors { code } } }";
    app.graphql(query, json!({ "input": { "id": profile, "isDefault": false } })).await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.events().await[0]["reason"], "no_profile");
    acme.first_asks(&app, "With a profile", json!({ "ticketProfileId": profile })).await;
    app.drain().await;
    assert_eq!(acme.outcomes().await, ["OPENED"]);
    assert_eq!(app.halo.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_a_policy_would_have_done_and_does_nothing() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    for (key, vuln) in [("CVE-1", cvss(9.8)), ("CVE-1", cvss(9.8)), ("CVE-2", cvss(5.0))] {
        acme.posts(&finding(key).severity("info").vulnerability(&vuln).now()).await.is_accepted();
        app.drain().await;
        app.clock.advance_secs(60);
    }
    acme.posts(&finding("CVE-3").severity("critical").vulnerability(&cvss(10.0)).now()).await.is_accepted();
    app.drain().await;
    let (tickets, events) = (acme.tickets().await, acme.events().await);
    assert_eq!(tickets.len(), 1, "the critical one");
    let query = "query($of: PolicyPreviewOfInput!, $since: DateTime!) { policyPreview(of: $of, since: $since) {
        eventCount holdsSince isCut
        tickets { company { name } ticketProfile { name fields { key value } } key title body severity eventCount }
        skips { event { title } reason explanation } } }";
    let asks = async |place: i32| {
        let input = json!({ "organizationId": acme.organization, "name": "High scores", "place": place,
            "conditions": { "number": { "field": "CVSS", "is": { "atLeast": 7 } } } });
        let variables = json!({ "of": { "input": input }, "since": "2026-11-21T00:00:00Z" });
        app.graphql(query, variables).await["policyPreview"].clone()
    };
    let last = asks(2).await;
    assert_eq!((&last["eventCount"], &last["isCut"]), (&json!(4), &json!(false)));
    assert_eq!(last["holdsSince"], "2026-11-21T00:00:00Z");
    let would = last["tickets"].as_array().unwrap();
    assert_eq!(would.len(), 1, "{last:#}");
    assert_eq!(
        (&would[0]["company"]["name"], &would[0]["eventCount"]),
        (&json!("Northwind Dental"), &json!(2))
    );
    assert!(text(&would[0], "/title").contains("CVE-1 on web-1"), "{last:#}");
    let skips: Vec<_> = last["skips"].as_array().unwrap().iter().map(|skip| text(skip, "/reason")).collect();
    assert_eq!(skips, ["another_policy", "does_not_match"]);
    assert_eq!(last["skips"][1]["explanation"], "wants CVSS at least 7; this is 5");
    let first = asks(1).await;
    assert_eq!(
        first["tickets"].as_array().unwrap().len(),
        2,
        "before the other it decides of the critical one too"
    );
    // The built-in one, as it stands.
    let built_in = acme.policies(&app).await[0]["id"].clone();
    let variables = json!({ "of": { "id": built_in }, "since": "2026-11-21T00:00:00Z" });
    let known = app.graphql(query, variables).await["policyPreview"].clone();
    assert_eq!(known["tickets"].as_array().unwrap().len(), 1, "{known:#}");

    assert_eq!((acme.tickets().await, acme.events().await), (tickets, events), "nothing was written");
    assert_eq!(app.halo.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_says_what_there_is_and_who_tells_of_it() {
    let app = TestApp::start().await;
    let query = "{ eventCatalogue { categories { key label description
        kinds { name description action counterpart { name } senders { key } } } } }";
    let catalogue = app.graphql(query, json!({})).await;
    let categories = catalogue["eventCatalogue"]["categories"].as_array().unwrap();
    let category = |key: &str| categories.iter().find(|category| category["key"] == key).expect("a category");
    let kinds = category("asset")["kinds"].as_array().unwrap();
    let kind = |name: &str| kinds.iter().find(|kind| kind["name"] == name).expect("a kind");
    assert_eq!(kind("asset.offline")["counterpart"]["name"], "asset.online");
    assert_eq!(kind("asset.offline")["action"], "OPEN");
    assert_eq!(kind("asset.removed")["counterpart"], Value::Null);
    let senders = kind("finding.opened")["senders"].as_array().unwrap();
    assert!(senders.iter().any(|sender| sender["key"] == "events"), "{senders:?}");
}
