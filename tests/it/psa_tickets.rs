//! PSAs' own tickets: copied for mapped companies with their notes, read only, and never written twice.

use psa_gateway::{
    psa,
    sandbox::frame::{Deed, Fault, FaultKind, Sandbox},
};
use serde_json::{Value, json};

use crate::{
    psa_contract::on_every_platform,
    support::{Msp, TestApp, drain, finding, text},
    syncs::{run, small_pages},
};

const TICKET: &str =
    "id externalId number board boardLabel status statusLabel isClosed priority summary requester
    openedAt updatedAt closedAt changedAt syncedAt notesSyncedAt ticket { id externalId } psaCompany { name }
    notes(first: 20) { totalCount nodes { id text author isInternal writtenAt } }";

/// Reads tickets, and the run as it ended.
async fn syncs(app: &TestApp, connection: &str) -> Value {
    let asked =
        app.does("psaConnectionSyncTickets", "syncRun { id kind }", json!({ "id": connection })).await;
    assert_eq!(asked["syncRun"]["kind"], "TICKETS");
    app.drain().await;
    run(app, &text(&asked, "/syncRun/id")).await
}

/// Switches the copy on.
async fn copies(app: &TestApp, connection: &str) {
    let input = json!({ "psaConnectionId": connection, "isEnabled": true });
    app.does("psaTicketSyncSet", "psaConnection { id }", input).await;
}

/// The tickets of a connection.
async fn list(app: &TestApp, connection: &str, filter: Value) -> Vec<Value> {
    let query = format!(
        "query($id: ID!, $filter: PsaTicketFilter) {{ node(id: $id) {{ ... on PsaConnection {{
           psaTickets(first: 20, filter: $filter) {{ totalCount nodes {{ {TICKET} }} }} }} }} }}"
    );
    let found = app.graphql(&query, json!({ "id": connection, "filter": filter })).await;
    let tickets = &found["node"]["psaTickets"];
    let nodes = tickets["nodes"].as_array().expect("nodes").clone();
    assert_eq!(tickets["totalCount"], json!(nodes.len()));
    nodes
}

async fn all(app: &TestApp, msp: &Msp<'_>) -> Vec<Value> {
    list(app, msp.connection(), Value::Null).await
}

fn deed(psa: &dyn Sandbox, ticket: &str, deed: &Deed) {
    let who = psa.people().first().expect("somebody").clone();
    psa.deed(ticket, &who, deed).expect("a deed");
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_mapped_companies_are_copied_with_notes_and_a_second_run_writes_nothing() {
    on_every_platform("its own tickets", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        // Another MSP of the same PSA opens a ticket for a customer whom the first one has not mapped.
        let other = app.msp_with(psa, "other").await.connected().await.listening().await;
        other.makes_default_profile().await;
        other.customer("Harbour Legal", "harbour").await;
        msp.posts(&finding("CVE-2026-1")).await.is_accepted();
        other.posts(&finding("CVE-2026-2").of("harbour")).await.is_accepted();
        app.drain().await;
        assert_eq!(psa.ledger().len(), 2);

        // Off, nothing is read, and the answer says what to do.
        let refused =
            app.asks("psaConnectionSyncTickets", "syncRun { id }", json!({ "id": msp.connection() })).await;
        let problem = &refused["data"]["psaConnectionSyncTickets"]["userErrors"][0];
        assert_eq!(problem["code"], "WRONG_STATE", "{refused:#}");
        assert!(text(problem, "/message").contains("psaTicketSyncSet"), "{refused:#}");

        copies(app, msp.connection()).await;
        let first = syncs(app, msp.connection()).await;
        assert_eq!(first["status"], "SUCCEEDED", "{first:#}");
        let one = json!({ "created": 1, "updated": 0, "unchanged": 0, "failed": 0 });
        assert_eq!(first["counts"], one, "{first:#}");
        let copied = all(app, &msp).await;
        let [ticket] = copied.as_slice() else { panic!("{copied:#?}") };
        assert!(text(ticket, "/summary").contains("CVE-2026-1"), "{ticket:#}");
        assert_eq!(ticket["psaCompany"]["name"], "Northwind Dental");
        assert_eq!(ticket["ticket"]["externalId"], ticket["externalId"], "the gateway made it: {ticket:#}");
        assert_eq!((&ticket["isClosed"], &ticket["closedAt"]), (&json!(false), &Value::Null));
        for known in ["status", "statusLabel", "number", "openedAt", "updatedAt", "notesSyncedAt"] {
            assert!(ticket[known].is_string(), "{known}: {ticket:#}");
        }
        let abilities = psa::platform(psa.key()).and_then(psa::Platform::own_tickets).expect("tickets");
        assert_eq!(ticket["board"].is_string(), abilities.boards, "{ticket:#}");
        assert_eq!(ticket["boardLabel"].is_string(), abilities.boards, "{ticket:#}");
        assert_eq!(all(app, &other).await, Vec::<Value>::new(), "nobody asked for the other's");

        app.pass(600).await;
        let second = syncs(app, msp.connection()).await;
        let unchanged = json!({ "created": 0, "updated": 0, "unchanged": 1, "failed": 0 });
        assert_eq!(second["counts"], unchanged, "{second:#}");
        assert_eq!(all(app, &msp).await, copied, "nothing was written");

        // People work on it: the run after shows it, with what they noted.
        app.pass(3_600).await;
        let id = text(ticket, "/externalId");
        let note = |text: &str, private| Deed::Note { text: text.to_owned(), private };
        deed(psa, &id, &note("We are on it", false));
        deed(psa, &id, &note("They never patch", true));
        deed(psa, &id, &Deed::Close { text: "Patched".to_owned() });
        let third = syncs(app, msp.connection()).await;
        assert_eq!(third["counts"]["updated"], 1, "{third:#}");
        let worked = list(app, msp.connection(), json!({ "isClosed": true })).await;
        let [worked] = worked.as_slice() else { panic!("{worked:#?}") };
        assert_eq!(worked["id"], ticket["id"]);
        assert!(worked["changedAt"].is_string() && worked["closedAt"].is_string(), "{worked:#}");
        let notes = worked["notes"]["nodes"].as_array().expect("notes").clone();
        let written = |text: &str| {
            let found = notes.iter().find(|note| note["text"].as_str().is_some_and(|said| said.contains(text)));
            found.unwrap_or_else(|| panic!("no {text} in {worked:#}")).clone()
        };
        assert_eq!(written("We are on it")["isInternal"], json!(!abilities.public_notes));
        assert_eq!(written("They never patch")["isInternal"], true);
        assert!(written("We are on it")["author"].is_string() && written("We are on it")["writtenAt"].is_string());
        assert_eq!(list(app, msp.connection(), json!({ "isClosed": false })).await, Vec::<Value>::new());
        let found = list(app, msp.connection(), json!({ "query": "cve-2026-1" })).await;
        assert_eq!(found.len(), 1, "looked for in any case");

        // A company that is mapped later joins with what it has, however long ago that changed.
        app.pass(7_200).await;
        let mapping = msp.customer("Harbour Legal", "harbour").await;
        let fourth = syncs(app, msp.connection()).await;
        let joined = json!({ "created": 1, "updated": 0, "unchanged": 1, "failed": 0 });
        assert_eq!(fourth["counts"], joined, "{fourth:#}");
        let query = "query($id: ID!) { node(id: $id) { ... on CompanyMapping { company { id psaTickets(first: 5) {
            totalCount nodes { summary ticket { id } psaCompany { psaTickets(first: 5) { totalCount } } } } } } } }";
        let harbour = app.graphql(query, json!({ "id": mapping })).await["node"]["company"].clone();
        assert_eq!(harbour["psaTickets"]["totalCount"], 1, "{harbour:#}");
        assert!(text(&harbour, "/psaTickets/nodes/0/summary").contains("CVE-2026-2"), "{harbour:#}");
        assert_eq!(harbour["psaTickets"]["nodes"][0]["ticket"], Value::Null, "the other MSP's gateway made it");
        assert_eq!(harbour["psaTickets"]["nodes"][0]["psaCompany"]["psaTickets"]["totalCount"], 1);
        let of_company = json!({ "company": { "id": { "eq": harbour["id"] } } });
        assert_eq!(list(app, msp.connection(), of_company).await.len(), 1);

        // The neighbour finds none of them, by whatever way he looks.
        let neighbour = other.token("ADMINISTRATOR").await;
        let by_id = "query($id: ID!) { node(id: $id) { ... on PsaTicket { summary } ... on PsaTicketNote { text }
            ... on Organization { psaTickets(first: 1) { nodes { id } } }
            ... on Company { psaTickets(first: 1) { nodes { id } } }
            ... on PsaConnection { psaTickets(first: 1) { nodes { id } } psaTicketSync { isEnabled } } } }";
        let note = written("We are on it")["id"].clone();
        for id in [worked["id"].clone(), note, harbour["id"].clone(), json!(msp.connection()), json!(msp.organization)] {
            let seen = app.graphql_as(&neighbour, by_id, json!({ "id": id })).await;
            assert_eq!(seen["data"]["node"], Value::Null, "{seen:#}");
        }

        // Who is no longer mapped is forgotten with the next run.
        app.does("companyMappingRemove", "deletedCompanyMappingId", json!({ "id": mapping })).await;
        syncs(app, msp.connection()).await;
        let left = all(app, &msp).await;
        assert_eq!(left.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(), [worked["id"].clone()]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stops_goes_on_where_it_stopped_on_another_node_and_nothing_is_read_twice() {
    let app = TestApp::start().await;
    let psa = small_pages(&app).await;
    let acme = app.msp_with(&psa, "acme").await.ready().await;
    for number in 0..10 {
        acme.posts(&finding(&format!("CVE-2026-10{number}"))).await.is_accepted();
        app.drain().await;
    }
    assert_eq!(psa.ledger().len(), 10);
    copies(&app, acme.connection()).await;
    let before = psa.requests().len();
    let pages = || {
        let calls = psa.requests().into_iter().skip(before);
        let of_copy = calls.filter(|call| call.path == "/api/Tickets" && call.query.contains("order=id"));
        let of_copy = of_copy.filter(|call| call.status == 200);
        of_copy.map(|call| call.query).collect::<Vec<_>>()
    };
    let actions = || {
        let calls = psa.requests().into_iter().skip(before);
        calls.filter(|call| call.path == "/api/Actions" && call.status == 200).count()
    };
    let asked =
        app.does("psaConnectionSyncTickets", "syncRun { id }", json!({ "id": acme.connection() })).await;
    let id = text(&asked, "/syncRun/id");
    let breaks = |on: &str, skip| {
        psa.fault(Fault {
            on: on.to_owned(),
            kind: FaultKind::ErrorBeforeCommit { status: 503 },
            times: Some(1),
            skip,
        });
    };
    breaks("GET /api/Tickets$", 1);
    breaks("GET /api/Actions", 3);
    app.drain().await;
    let half = run(&app, &id).await;
    let done = half["progress"]["done"].as_u64().expect("a number");
    assert!(half["status"] == "RUNNING" && done < 10, "{half:#}");
    assert_eq!(all(&app, &acme).await.len() as u64, done, "what was read is there");

    app.clock.advance_secs(1_000);
    let other = app.another_node().await;
    drain(&other).await;
    let notes = run(&app, &id).await;
    assert_eq!((&notes["status"], &notes["progress"]["done"]), (&json!("RUNNING"), &json!(10)), "{notes:#}");
    app.clock.advance_secs(1_000);
    drain(&other).await;
    let whole = run(&app, &id).await;
    assert_eq!(whole["status"], "SUCCEEDED", "{whole:#}");
    let counts = json!({ "created": 10, "updated": 0, "unchanged": 0, "failed": 0 });
    assert_eq!(whole["counts"], counts, "{whole:#}");
    let asked = pages();
    let of_page =
        |page: &str| asked.iter().filter(|query| query.contains(&format!("page_no={page}"))).count();
    assert_eq!([of_page("1"), of_page("2"), of_page("3")], [1, 1, 1], "each was read once: {asked:#?}");
    assert_eq!(actions(), 10, "each ticket's notes once");
    let rows = all(&app, &acme).await;
    assert!(rows.iter().all(|row| row["notesSyncedAt"].is_string()), "{rows:#?}");

    // Cancelled before its turn, it reads nothing; a schedule asks for the next one.
    let asked =
        app.does("psaConnectionSyncTickets", "syncRun { id }", json!({ "id": acme.connection() })).await;
    let id = text(&asked, "/syncRun/id");
    app.does("syncRunCancel", "syncRun { status }", json!({ "id": id })).await;
    app.drain().await;
    assert_eq!(run(&app, &id).await["status"], "CANCELLED");
    let schedule = json!({
        "psaConnectionId": acme.connection(), "kind": "TICKETS", "cadence": { "dailyAt": "03:00", "timeZone": "UTC" },
    });
    app.does("syncScheduleSet", "syncSchedule { id }", schedule).await;
    app.pass(86_400).await;
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
        syncRuns(first: 1, filter: { kind: { in: [TICKETS] } }) { nodes { isScheduled status counts { created updated } } } } } }";
    let found = app.graphql(query, json!({ "id": acme.connection() })).await;
    let last =
        json!({ "isScheduled": true, "status": "SUCCEEDED", "counts": { "created": 0, "updated": 0 } });
    assert_eq!(found["node"]["syncRuns"]["nodes"][0], last, "{found:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_platform_says_of_its_tickets_is_told_and_wrong_settings_are_refused() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    let query = "query($id: ID!) { platforms { key capabilities { ownTickets {
          hasBoards hasContacts hasRequesters hasPublicNotes hasAllChanges } } }
        node(id: $id) { ... on PsaConnection { psaTicketSync { isOffered isEnabled days hasNotes syncedAt } } } }";
    let found = app.graphql(query, json!({ "id": acme.connection() })).await;
    let usual =
        json!({ "isOffered": true, "isEnabled": false, "days": 90, "hasNotes": true, "syncedAt": null });
    assert_eq!(found["node"]["psaTicketSync"], usual);
    let platforms = found["platforms"].as_array().expect("platforms");
    let has = |what: &str| {
        let with = platforms.iter().filter(|platform| platform["capabilities"]["ownTickets"][what] == true);
        with.map(|platform| text(platform, "/key")).collect::<Vec<_>>()
    };
    assert_eq!(has("hasBoards"), ["autotask", "connectwise", "halo"]);
    assert_eq!(has("hasPublicNotes"), ["autotask", "connectwise", "halo", "syncro"]);
    for days in [0, -1, 4_000] {
        let input = json!({ "psaConnectionId": acme.connection(), "days": days });
        let refused = app.asks("psaTicketSyncSet", "psaConnection { id }", input).await;
        let problem = &refused["data"]["psaTicketSyncSet"]["userErrors"][0];
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!("INVALID"), &json!(["input", "days"])),
            "{refused:#}"
        );
    }
    copies(&app, acme.connection()).await;
    let set = json!({ "psaConnectionId": acme.connection(), "days": 30, "hasNotes": false });
    app.does("psaTicketSyncSet", "psaConnection { id }", set).await;
    let run = syncs(&app, acme.connection()).await;
    assert_eq!(run["status"], "SUCCEEDED", "{run:#}");
    let found = app.graphql(query, json!({ "id": acme.connection() })).await;
    let sync = &found["node"]["psaTicketSync"];
    assert_eq!((&sync["days"], &sync["hasNotes"]), (&json!(30), &json!(false)));
    assert!(sync["syncedAt"].is_string(), "{sync:#}");
}
