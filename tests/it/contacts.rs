//! Contacts: the people at customers as PSAs keep them, copied for mapped companies and never written twice; and tickets
//! that are for one of them.

use psa_gateway::sandbox::frame::{Fault, FaultKind, LedgerTicket, Right, Sandbox};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::{
    psa_contract::on_every_platform,
    support::{Msp, TestApp, drain, finding, text},
    syncs::{run, small_pages},
};

/// Reads contacts, and the run as it ended.
async fn syncs(app: &TestApp, connection: &str) -> Value {
    let input = json!({ "id": connection });
    let asked = app.does("psaConnectionSyncContacts", "syncRun { id kind }", input).await;
    assert_eq!(asked["syncRun"]["kind"], "CONTACTS");
    app.drain().await;
    run(app, &text(&asked, "/syncRun/id")).await
}

/// What was wrong with a change of the settings.
async fn sets(app: &TestApp, connection: &str, change: Value) -> Value {
    let mut input = json!({ "psaConnectionId": connection });
    input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    app.asks("contactSyncSet", "psaConnection { contactSync { isEnabled } }", input).await["data"]["contactSyncSet"]
        ["userErrors"]
        .clone()
}

/// The contacts of a connection.
async fn list(app: &TestApp, msp: &Msp<'_>, filter: Value) -> Vec<Value> {
    let query = "query($id: ID!, $filter: ContactFilter) { node(id: $id) { ... on PsaConnection {
        contacts(first: 100, filter: $filter) { totalCount nodes {
          id externalId name email emails phone jobTitle contactType isActive fields { key value } missingSince changedAt
          syncedAt psaCompany { name } psaConnection { id } } } } } }";
    let found = app.graphql(query, json!({ "id": msp.connection(), "filter": filter })).await;
    found["node"]["contacts"]["nodes"].as_array().expect("nodes").clone()
}

async fn all(app: &TestApp, msp: &Msp<'_>) -> Vec<Value> {
    list(app, msp, Value::Null).await
}

async fn setup(app: &TestApp, connection: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
        platform { capabilities { contacts { hasTypes hasInactive hasCustomFields } } }
        contactSync { isOffered isEnabled hasInactive syncedAt fieldsReadAt companies { name }
          fields { key label isKept } types { value label isChosen } conditions { fieldKey valueIn isKnown problem } } } } }";
    app.graphql(query, json!({ "id": connection })).await["node"].clone()
}

fn names(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(row, "/name")).collect()
}

/// The PSA's id of the contact that a ticket has; empty where it has none.
fn contact_of(psa: &dyn Sandbox, ticket: &LedgerTicket) -> String {
    let value = match psa.key() {
        "connectwise" => ticket.more.get("contact").map(|contact| contact["id"].clone()),
        "autotask" => ticket.more.get("contactID").cloned(),
        "halo" => ticket.more.get("user_id").cloned(),
        "syncro" => ticket.more.get("contact_id").cloned(),
        _ => ticket.more.get("record").map(|record| record["ContactId"].clone()),
    };
    match value.unwrap_or_default() {
        Value::String(id) => id,
        Value::Number(id) => id.to_string(),
        _ => String::new(),
    }
}

/// What the gateway says of the contact of the ticket of an event, step by step.
async fn steps(app: &TestApp, msp: &Msp<'_>, title: &str) -> Vec<String> {
    let query = "query($id: ID!, $title: String!) { node(id: $id) { ... on Organization {
        events(first: 1, filter: { query: $title }) { nodes { steps { step result } } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization, "title": title })).await;
    let steps = found["node"]["events"]["nodes"][0]["steps"].as_array().cloned().unwrap_or_default();
    let of_contact = steps.iter().filter(|step| step["step"] == "contact");
    of_contact.map(|step| text(step, "/result")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_mapped_companies_are_copied_and_a_second_sync_writes_nothing() {
    on_every_platform("contacts", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.connected().await;
        msp.customer("Northwind Dental", "northwind").await;
        assert_eq!(setup(app, msp.connection()).await["contactSync"]["isOffered"], true);
        // Off: what the PSA has is asked, and nothing copied.
        let looked = syncs(app, msp.connection()).await;
        assert_eq!(looked["status"], "SUCCEEDED", "{looked:#}");
        assert_eq!(all(app, &msp).await, Vec::<Value>::new());

        assert_eq!(sets(app, msp.connection(), json!({ "isEnabled": true })).await, json!([]));
        let first = syncs(app, msp.connection()).await;
        assert_eq!(first["status"], "SUCCEEDED", "{first:#}");
        let copied = all(app, &msp).await;
        let [contact] = copied.as_slice() else { panic!("{copied:#?}") };
        assert_eq!(contact["psaCompany"]["name"], "Northwind Dental");
        assert!(text(contact, "/email").contains("northwind"), "{contact:#}");
        assert_eq!(contact["emails"], json!([contact["email"]]));
        assert!(contact["isActive"] == true && contact["changedAt"].is_null(), "{contact:#}");
        assert_eq!(first["counts"]["created"], 1, "{first:#}");

        // A login that may not see them keeps the copy, and tickets their way.
        if psa.deny(&[Right::Contacts]) {
            let refused = syncs(app, msp.connection()).await;
            assert_eq!(refused["status"], "FAILED", "{refused:#}");
            assert!(text(&refused, "/problem").contains("permission"), "{refused:#}");
            let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection { health { status } } } }";
            let health = app.graphql(query, json!({ "id": msp.connection() })).await;
            assert_eq!(health["node"]["health"]["status"], "HEALTHY", "{refused:#}");
            assert_eq!(all(app, &msp).await, copied);
            psa.deny(&[]);
        }

        app.pass(600).await;
        let second = syncs(app, msp.connection()).await;
        let unchanged = json!({ "created": 0, "updated": 0, "unchanged": 1, "failed": 0 });
        assert_eq!(second["counts"], unchanged, "{second:#}");
        assert_eq!(all(app, &msp).await, copied, "nothing was written");
        assert!(setup(app, msp.connection()).await["contactSync"]["syncedAt"].is_string());

        // A company that is mapped later joins by itself; lists are found below it, too.
        let mapping = msp.customer("Harbour Legal", "harbour").await;
        let query = "query($id: ID!) { node(id: $id) { ... on CompanyMapping { company { id } } } }";
        let harbour = app.graphql(query, json!({ "id": mapping })).await;
        let harbour = text(&harbour, "/node/company/id");
        syncs(app, msp.connection()).await;
        assert_eq!(all(app, &msp).await.len(), 2, "the second company's joined");
        let query = "query($id: ID!) { node(id: $id) { ... on Company { contacts(first: 10) { nodes { name
            psaCompany { name contacts(first: 10) { nodes { name } } } } } } } }";
        let found = app.graphql(query, json!({ "id": harbour })).await;
        let below = &found["node"]["contacts"]["nodes"];
        assert_eq!(below.as_array().map(Vec::len), Some(1), "{found:#}");
        assert_eq!(below[0]["psaCompany"]["contacts"]["nodes"][0]["name"], below[0]["name"]);

        // The neighbour finds none of them, by whatever way he looks.
        let neighbour = app.msp_with(psa, "neighbour").await.token("ADMINISTRATOR").await;
        let by_id = "query($id: ID!) { node(id: $id) { ... on Contact { name } ... on Company { contacts { nodes { name } } }
            ... on PsaConnection { contacts(first: 1) { nodes { name } } contactSync { isEnabled } } } }";
        for id in [contact["id"].clone(), json!(harbour), json!(msp.connection())] {
            let seen = app.graphql_as(&neighbour, by_id, json!({ "id": id })).await;
            assert_eq!(seen["data"]["node"], Value::Null, "{seen:#}");
        }

        // Chosen companies: who is no longer among them is inactive here, until they are again.
        assert_eq!(sets(app, msp.connection(), json!({ "companyIds": [harbour] })).await, json!([]));
        syncs(app, msp.connection()).await;
        let gone = list(app, &msp, json!({ "isMissing": true })).await;
        assert_eq!((names(&gone), &gone[0]["isActive"]), (names(&copied), &json!(false)));
        assert_eq!(sets(app, msp.connection(), json!({ "companyIds": null })).await, json!([]));
        let back = syncs(app, msp.connection()).await;
        assert_eq!(back["counts"]["updated"], 1, "{back:#}");
        assert_eq!(list(app, &msp, json!({ "isActive": true })).await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_for_whom_its_event_names_and_never_for_another_customers_contact() {
    on_every_platform("contacts on tickets", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        msp.customer("Harbour Legal", "harbour").await;
        sets(app, msp.connection(), json!({ "isEnabled": true })).await;
        syncs(app, msp.connection()).await;
        let of = |company: &str| json!({ "query": company });
        let by_company = async |name: &str| {
            let rows = all(app, &msp).await;
            rows.into_iter().find(|row| row["psaCompany"]["name"] == name).expect("a contact")
        };
        let (ours, theirs) = (by_company("Northwind Dental").await, by_company("Harbour Legal").await);
        let ours_found = list(app, &msp, of(&text(&ours, "/email"))).await;
        assert_eq!(names(&ours_found), [text(&ours, "/name")]);

        let tell = async |key: &str, contact: Value| {
            msp.posts(&finding(key).with("contact", contact)).await.is_accepted();
            app.drain().await;
            let found = psa.ledger().into_iter().find(|ticket| ticket.summary.contains(key));
            found.expect("a ticket")
        };
        let upper = text(&ours, "/email").to_uppercase();
        let id = text(&ours, "/externalId");
        let by_id = tell("CVE-2026-1", json!({ "id": id })).await;
        assert_eq!(contact_of(psa, &by_id), id, "{by_id:#?}");
        let by_email = tell("CVE-2026-2", json!({ "id": "nobody", "email": upper })).await;
        assert_eq!(contact_of(psa, &by_email), id, "{by_email:#?}");
        let said = |ticket: &LedgerTicket| {
            let notes = ticket.notes.iter().map(|note| note.text.as_str());
            notes.chain([ticket.body.as_str()]).any(|text| text.contains("The event names the contact"))
        };
        assert!(!said(&by_id) && !said(&by_email), "nothing to be told");
        let step = steps(app, &msp, "CVE-2026-2").await;
        assert_eq!(step, [format!("\"{}\", found by e-mail address", text(&ours, "/name"))]);

        // Another customer's contact, by whatever name: not taken, and people are told.
        let strange = [json!({ "id": theirs["externalId"] }), json!({ "email": theirs["email"] })];
        for (key, contact) in ["CVE-2026-3", "CVE-2026-4"].into_iter().zip(strange) {
            let ticket = tell(key, contact).await;
            assert_ne!(contact_of(psa, &ticket), text(&theirs, "/externalId"), "{ticket:#?}");
            assert_eq!(ticket.company, "Northwind Dental");
            assert!(said(&ticket), "{ticket:#?}");
        }
        let step = steps(app, &msp, "CVE-2026-4").await;
        assert!(step[0].contains("no active contact of the company"), "{step:?}");

        // The profile's contact stands in.
        let query = "query($id: ID!) { node(id: $id) { ... on Organization {
            ticketProfiles(first: 1) { nodes { id fields { key value } } } } } }";
        let profile = app.graphql(query, json!({ "id": msp.organization })).await;
        let profile = &profile["node"]["ticketProfiles"]["nodes"][0];
        let mut fields = profile["fields"].as_array().expect("fields").clone();
        fields.push(json!({ "key": "contact", "value": id }));
        let input = json!({ "id": profile["id"], "fields": fields });
        app.does("ticketProfileUpdate", "ticketProfile { id }", input).await;
        let stood_in = tell("CVE-2026-5", json!({ "email": "nobody@nowhere.example" })).await;
        assert_eq!(contact_of(psa, &stood_in), id, "{stood_in:#?}");
        assert!(said(&stood_in), "{stood_in:#?}");
        let step = steps(app, &msp, "CVE-2026-5").await;
        assert!(
            step[0].ends_with(&format!("the default contact of the profile (number {id}) is taken")),
            "{step:?}"
        );
        // Who is gone from the PSA since they were read: the ticket is made all the same.
        let fields = profile["fields"].clone();
        app.does(
            "ticketProfileUpdate",
            "ticketProfile { id }",
            json!({ "id": profile["id"], "fields": fields }),
        )
        .await;
        let gone = if psa.key() == "nable" { "00000000-0000-4000-8000-000000000009" } else { "99999999" };
        let sql = format!("UPDATE contact SET external_id = '{gone}' WHERE external_id = '{id}'");
        app.app.ground.db.reader().execute_unprepared(&sql).await.expect("a row");
        let made = tell("CVE-2026-7", json!({ "email": ours["email"] })).await;
        assert!(made.body.contains(&format!("The contact number {gone} is left out")), "{made:#?}");

        msp.posts(&finding("CVE-2026-6")).await.is_accepted();
        app.drain().await;
        assert_eq!(
            steps(app, &msp, "CVE-2026-6").await,
            Vec::<String>::new(),
            "nobody is named, nothing is said"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_types_and_conditions_choose_whom_to_keep_and_what_a_platform_lacks_is_said() {
    on_every_platform("contacts, chosen", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.connected().await;
        msp.customer("Northwind Dental", "northwind").await;
        msp.customer("Harbour Legal", "harbour").await;
        sets(app, msp.connection(), json!({ "isEnabled": true })).await;
        syncs(app, msp.connection()).await;
        assert_eq!(all(app, &msp).await.len(), 2);
        let known = setup(app, msp.connection()).await;
        let can = |what: &str| known["platform"]["capabilities"]["contacts"][what] == true;
        let vip = json!([{ "fieldKey": "custom:VIP", "valueIn": ["yes"] }]);
        let refused = async |change: Value, part: &str| {
            let errors = sets(app, msp.connection(), change).await;
            assert!(text(&errors, "/0/message").contains(part), "{errors:#}");
        };
        refused(json!({ "fieldKeys": ["nonsense"] }), "the PSA has no field nonsense").await;
        if can("hasCustomFields") {
            let change = json!({ "fieldKeys": ["custom:VIP"], "conditions": vip });
            assert_eq!(sets(app, msp.connection(), change).await, json!([]), "{known:#}");
            syncs(app, msp.connection()).await;
            let kept = list(app, &msp, json!({ "isMissing": false })).await;
            assert_eq!(kept.len(), 1, "{kept:#?}");
            assert_eq!(kept[0]["psaCompany"]["name"], "Northwind Dental");
            assert_eq!(kept[0]["fields"], json!([{ "key": "custom:VIP", "value": "Yes" }]));
            refused(json!({ "conditions": [{ "fieldKey": "custom:VIP" }] }), "valueIn").await;
            sets(app, msp.connection(), json!({ "conditions": [], "fieldKeys": [] })).await;
        } else {
            assert_eq!(psa.key(), "nable");
            refused(json!({ "conditions": vip }), "gives no fields that people have made").await;
        }
        if can("hasTypes") {
            let types = known["contactSync"]["types"].as_array().expect("types");
            let user = types.iter().find(|kind| kind["label"] == "End User").expect("a type");
            let change = json!({ "typeIn": [user["value"]], "hasInactive": true });
            assert_eq!(sets(app, msp.connection(), change).await, json!([]));
            syncs(app, msp.connection()).await;
            let kept = list(app, &msp, json!({ "isMissing": false })).await;
            assert_eq!((names(&kept), &kept[0]["isActive"]), (vec!["Lou Ferrer".to_owned()], &json!(false)));
            assert_eq!(kept[0]["contactType"], "End User");
        } else {
            refused(json!({ "typeIn": ["1"] }), "gives no types of contacts").await;
        }
        if !can("hasInactive") {
            refused(json!({ "hasInactive": true }), "does not say who is inactive").await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_contacts_that_stops_goes_on_there_on_another_node_and_comes_by_a_schedule() {
    let app = TestApp::start().await;
    let psa = small_pages(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    sets(&app, acme.connection(), json!({ "isEnabled": true })).await;
    let before = psa.requests().len();
    // What there is, then a page; the next page fails once, and the PSA is left alone for a while.
    psa.fault(Fault {
        on: "GET /api/Users".to_owned(),
        kind: FaultKind::ErrorBeforeCommit { status: 503 },
        times: Some(1),
        skip: 2,
    });
    let input = json!({ "id": acme.connection() });
    let asked = app.does("psaConnectionSyncContacts", "syncRun { id }", input.clone()).await;
    let id = text(&asked, "/syncRun/id");
    app.drain().await;
    let half = run(&app, &id).await;
    assert_eq!((&half["status"], &half["progress"]["done"]), (&json!("RUNNING"), &json!(4)), "{half:#}");
    assert!(half["progress"]["total"].as_i64() > Some(30), "{half:#}");
    app.clock.advance_secs(1_000);
    let other = app.another_node().await;
    drain(&other).await;
    let whole = run(&app, &id).await;
    assert_eq!(whole["status"], "SUCCEEDED", "{whole:#}");
    assert_eq!(whole["progress"]["done"], whole["progress"]["total"]);
    let calls = psa.requests().into_iter().skip(before).filter(|call| call.path == "/api/Users");
    let firsts = calls.filter(|call| call.query.contains("page_no=1&") || call.query.ends_with("page_no=1"));
    assert_eq!(firsts.count(), 2, "once for what there is, once for the first page");
    assert_eq!(all(&app, &acme).await.len(), 1);

    let schedule = json!({ "psaConnectionId": acme.connection(), "kind": "CONTACTS", "isEnabled": true,
        "cadence": { "dailyAt": "03:00", "timeZone": "Europe/Berlin" } });
    let set = app.does("syncScheduleSet", "syncSchedule { kind nextRunAt }", schedule).await;
    assert_eq!(set["syncSchedule"]["nextRunAt"], "2026-11-22T02:00:00Z", "{set:#}");
    app.clock.advance_secs(86_400);
    app.drain().await;
    app.drain().await;
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection { syncSchedules {
        kind lastRun { kind isScheduled status counts { unchanged } } } } } }";
    let found = app.graphql(query, json!({ "id": acme.connection() })).await;
    let schedules = found["node"]["syncSchedules"].as_array().expect("schedules").clone();
    let last = schedules.iter().find(|schedule| schedule["kind"] == "CONTACTS").expect("a schedule");
    assert_eq!(
        (&last["lastRun"]["isScheduled"], &last["lastRun"]["status"]),
        (&json!(true), &json!("SUCCEEDED"))
    );
    assert_eq!(last["lastRun"]["counts"]["unchanged"], 1, "{found:#}");
}
