//! Who sees which boards, fields and notes of tickets.

use psa_gateway::sandbox::frame::{Deed, Sandbox as _};
use serde_json::{Value, json};

use crate::support::{Msp, Socket, TestApp, finding, text};

const SET: &str = "mutation($input: TicketPermissionSetInput!) { ticketPermissionSet(input: $input) {
    ticketPermission { id role boards hiddenFields showsNotes } userErrors { code field message } } }";

/// One customer whose tickets are incidents (board 1), and one whose are service requests (board 3); each has a
/// ticket, and the second one's is noted on and closed.
async fn two_boards(app: &TestApp) -> Msp<'_> {
    let acme = app.msp("acme").await.ready().await;
    let made = app
        .graphql(
            "mutation($input: TicketProfileCreateInput!) { ticketProfileCreate(input: $input) {
               ticketProfile { id } userErrors { field message } } }",
            json!({ "input": {
                "psaConnectionId": acme.connection(), "name": "Requests",
                "fields": [{ "key": "ticket_type", "value": "3" }], "statusOnCreate": "2", "statusOnClose": "9",
            } }),
        )
        .await;
    let profile = text(&made, "/ticketProfileCreate/ticketProfile/id");
    let mapping = acme.customer("Harbour Legal", "harbor").await;
    let query =
        "query($id: ID!) { node(id: $id) { ... on CompanyMapping { company { id } psaCompany { id } } } }";
    let sides = app.graphql(query, json!({ "id": mapping })).await;
    let set = "mutation($input: CompanyMappingSetInput!) { companyMappingSet(input: $input) { userErrors { message } } }";
    let input = json!({
        "companyId": sides["node"]["company"]["id"], "psaCompanyId": sides["node"]["psaCompany"]["id"],
        "ticketProfileId": profile,
    });
    app.graphql(set, json!({ "input": input })).await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    acme.posts(&finding("CVE-2").of("harbor")).await.is_accepted();
    app.drain().await;
    acme.posts(&finding("CVE-2").of("harbor").resolved().at(5)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2);
    acme
}

/// Somebody makes a ticket one of another type, through Halo's own API.
async fn moves_to_type(app: &TestApp, ticket: &str, kind: i64) {
    let form = app.halo.credentials();
    let of =
        |key: &str| form.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone()).unwrap();
    let url = app.halo.url();
    let login = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", of("client_id")),
        ("client_secret", of("client_secret")),
        ("scope", "all".to_owned()),
    ];
    let answer = app.http.post(format!("{url}/auth/token")).form(&login).send().await.unwrap();
    let token: Value = answer.json().await.unwrap();
    let change = json!([{ "id": ticket.parse::<i64>().unwrap(), "tickettype_id": kind }]);
    let request = app.http.post(format!("{url}/api/Tickets")).bearer_auth(text(&token, "/access_token"));
    let answer = request.json(&change).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

const PAGE: &str = "query($id: ID!) { node(id: $id) { ... on Organization {
    tickets(first: 10, orderBy: { field: CREATED_AT, direction: ASC }) { totalCount nodes { id board externalId } }
    ticketOperations(first: 50) { totalCount nodes { id kind attempts(first: 5) { totalCount } ticket { id } } }
    findings(first: 10) { nodes { title tickets(first: 5) { totalCount nodes { id } } } }
    events(first: 10) { nodes { ticket { id } } }
    webhookDeliveries(first: 10) { nodes { trace { stage } } }
    statistics { tickets { byState { state count } byPlatform { total { createdCount } }
      total { createdCount openedCount closedCount meanTimeToOpenSeconds meanTimeToCloseSeconds } } } } } }";

async fn page(app: &TestApp, token: &str, msp: &Msp<'_>) -> Value {
    let answer = app.graphql_as(token, PAGE, json!({ "id": msp.organization })).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"]["node"].clone()
}

fn count(page: &Value, pointer: &str) -> usize {
    page.pointer(pointer).unwrap().as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_sees_only_the_board_they_may_see_and_all_counts_agree() {
    let app = TestApp::start().await;
    let acme = two_boards(&app).await;
    let (technician, viewer) = (acme.token("TECHNICIAN").await, acme.token("VIEWER").await);
    let before = page(&app, &technician, &acme).await;
    assert_eq!(before["tickets"]["totalCount"], 2, "without a rule everything is seen");
    assert_eq!(
        [&before["tickets"]["nodes"][0]["board"], &before["tickets"]["nodes"][1]["board"]],
        ["1", "3"]
    );

    let input =
        json!({ "psaConnectionId": acme.connection(), "subject": { "role": "TECHNICIAN" }, "boards": ["1"] });
    let set = app.graphql(SET, json!({ "input": input })).await;
    let (seen, hidden) = (&before["tickets"]["nodes"][0], &before["tickets"]["nodes"][1]);
    let after = page(&app, &technician, &acme).await;
    assert_eq!(after["tickets"], json!({ "totalCount": 1, "nodes": [seen] }));
    assert_eq!(after["ticketOperations"]["totalCount"], json!(count(&after, "/ticketOperations/nodes")));
    assert!(count(&after, "/ticketOperations/nodes") < count(&before, "/ticketOperations/nodes"));
    for operation in after["ticketOperations"]["nodes"].as_array().unwrap() {
        assert_eq!(operation["ticket"]["id"], seen["id"]);
        assert_eq!(operation["attempts"]["totalCount"], 1);
    }
    let (all, some) = (&before["statistics"]["tickets"], &after["statistics"]["tickets"]);
    assert_eq!(
        (&all["total"]["createdCount"], &all["total"]["closedCount"]),
        (&json!(2), &json!(1)),
        "{all:#}"
    );
    assert_eq!(
        (&some["total"]["createdCount"], &some["total"]["openedCount"]),
        (&json!(1), &json!(1)),
        "{some:#}"
    );
    assert_eq!(some["total"]["closedCount"], 0, "{some:#}");
    assert!(some["total"]["meanTimeToOpenSeconds"].is_number(), "{some:#}");
    assert_eq!(some["byState"], json!([{ "state": "OPEN", "count": 1 }]));
    assert_eq!(some["byPlatform"], json!([{ "total": { "createdCount": 1 } }]));
    for finding in after["findings"]["nodes"].as_array().unwrap() {
        let is_seen = finding["title"] == "CVE-1 on web-1";
        assert_eq!(finding["tickets"]["totalCount"], json!(i32::from(is_seen)), "{finding:#}");
    }
    let of_events: Vec<_> = after["events"]["nodes"].as_array().unwrap().iter().collect();
    assert!(of_events.iter().all(|event| event["ticket"].is_null() || event["ticket"]["id"] == seen["id"]));
    let stages = |page: &Value| {
        let deliveries = page["webhookDeliveries"]["nodes"].as_array().unwrap().clone();
        let steps = deliveries.iter().flat_map(|delivery| delivery["trace"].as_array().unwrap().clone());
        steps.filter(|step| matches!(step["stage"].as_str(), Some("OPERATION" | "ATTEMPT"))).count()
    };
    assert!(stages(&after) > 0 && stages(&after) < stages(&before), "traces leave out what is hidden");

    let mut operations = before["ticketOperations"]["nodes"].as_array().unwrap().iter();
    let operation = operations.find(|row| row["ticket"]["id"] == hidden["id"]).unwrap();
    let lookups = "query($ids: [ID!]!, $connection: ID!, $external: String!) { nodes(ids: $ids) { id }
        ticketByExternalId(psaConnectionId: $connection, externalId: $external) { id } }";
    let variables = json!({
        "ids": [hidden["id"], operation["id"]], "connection": acme.connection(), "external": hidden["externalId"],
    });
    let found = app.graphql_as(&technician, lookups, variables.clone()).await;
    assert_eq!(found["data"], json!({ "nodes": [null, null], "ticketByExternalId": null }), "{found:#}");
    let retry = "mutation($input: TicketOperationRetryInput!) { ticketOperationRetry(input: $input) { userErrors { code } } }";
    let refused = app.graphql_as(&technician, retry, json!({ "input": { "id": operation["id"] } })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND", "{refused:#}");

    // Others are not touched by it, and taken away it hides nothing.
    assert_eq!(page(&app, &viewer, &acme).await["tickets"]["totalCount"], 2);
    assert_eq!(app.graphql(lookups, variables).await["nodes"][0]["id"], hidden["id"]);
    let remove = "mutation($input: TicketPermissionRemoveInput!) { ticketPermissionRemove(input: $input) {
        deletedTicketPermissionId userErrors { message } } }";
    let id = text(&set, "/ticketPermissionSet/ticketPermission/id");
    app.graphql(remove, json!({ "input": { "id": id } })).await;
    assert_eq!(page(&app, &technician, &acme).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_field_is_null_with_its_path_and_hidden_notes_are_left_out() {
    let app = TestApp::start().await;
    let acme = two_boards(&app).await;
    let technician = acme.token("TECHNICIAN").await;
    let before = page(&app, &technician, &acme).await;
    let input = json!({
        "psaConnectionId": acme.connection(), "subject": { "role": "TECHNICIAN" },
        "hiddenFields": ["CLOSED_BY", "FINDINGS"], "showsNotes": false,
    });
    app.graphql(SET, json!({ "input": input })).await;

    let id = &before["tickets"]["nodes"][1]["id"];
    let query = "query($id: ID!) { node(id: $id) { ... on Ticket {
        title closedBy findings(first: 1) { totalCount } operations(first: 10) { nodes { kind } } } } }";
    let answer = app.graphql_as(&technician, query, json!({ "id": id })).await;
    let ticket = &answer["data"]["node"];
    assert_eq!((&ticket["closedBy"], &ticket["findings"]), (&Value::Null, &Value::Null));
    assert!(ticket["title"].is_string(), "the rest of the answer stays");
    let mut paths = Vec::new();
    for error in answer["errors"].as_array().unwrap() {
        assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{error:#}");
        paths.push(error["path"][1].as_str().unwrap());
    }
    paths.sort_unstable();
    assert_eq!(paths, ["closedBy", "findings"]);
    let kinds = |ticket: &Value| {
        let operations = ticket["operations"]["nodes"].as_array().unwrap().clone();
        operations.iter().map(|row| text(row, "/kind")).collect::<Vec<_>>()
    };
    assert_eq!(kinds(ticket), ["CREATE", "CLOSE"]);
    let whole = app.graphql(query, json!({ "id": id })).await;
    assert_eq!(
        kinds(&whole["node"]),
        ["CREATE", "NOTE", "CLOSE"],
        "who may change the rules sees everything"
    );
    assert_eq!(whole["node"]["closedBy"], "PSA Gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_moved_to_another_board_in_the_psa_is_seen_by_who_sees_that_board() {
    let app = TestApp::start().await;
    let acme = two_boards(&app).await;
    let technician = acme.token("TECHNICIAN").await;
    let input = json!({ "psaConnectionId": acme.connection(), "subject": { "role": "TECHNICIAN" }, "boards": ["21"] });
    app.graphql(SET, json!({ "input": input })).await;
    assert_eq!(page(&app, &technician, &acme).await["tickets"]["totalCount"], 0);

    let ticket = app.halo.ledger()[0].id.clone();
    moves_to_type(&app, &ticket.to_string(), 21).await;
    app.pass(3_600).await;
    let seen = page(&app, &technician, &acme).await;
    assert_eq!(
        (seen["tickets"]["totalCount"].as_i64(), &seen["tickets"]["nodes"][0]["board"]),
        (Some(1), &json!("21"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_for_those_who_manage_access_and_name_boards_that_the_psa_has() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let technician = acme.token("TECHNICIAN").await;
    let query =
        "query($id: ID!) { node(id: $id) { ... on PsaConnection { name ticketPermissions { id boards } } } }";
    let seen = app.graphql_as(&technician, query, json!({ "id": acme.connection() })).await;
    assert_eq!(seen["data"]["node"]["ticketPermissions"], Value::Null);
    assert_eq!(seen["errors"][0]["extensions"]["code"], "FORBIDDEN", "{seen:#}");
    assert!(seen["data"]["node"]["name"].is_string());

    let tries = async |subject: Value, boards: Value| {
        let input = json!({ "psaConnectionId": acme.connection(), "subject": subject, "boards": boards });
        let answer = app.graphql_as(&app.token, SET, json!({ "input": input })).await;
        answer["data"]["ticketPermissionSet"].clone()
    };
    let owner = tries(json!({ "role": "OWNER" }), json!(["1", "99"])).await;
    let codes: Vec<_> =
        owner["userErrors"].as_array().unwrap().iter().map(|error| text(error, "/code")).collect();
    assert_eq!(codes, ["INVALID", "NOT_IN_PICK_LIST"], "{owner:#}");
    let made = tries(json!({ "role": "VIEWER" }), json!(["3", "1", "3"])).await;
    assert_eq!(made["ticketPermission"]["boards"], json!(["3", "1"]), "{made:#}");
    let anew = tries(json!({ "role": "VIEWER" }), Value::Null).await;
    assert_eq!(anew["ticketPermission"]["id"], made["ticketPermission"]["id"], "one rule for a role");
    let listed = app.graphql(query, json!({ "id": acme.connection() })).await;
    assert_eq!(listed["node"]["ticketPermissions"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_is_told_of_the_boards_they_may_see_and_of_no_others() {
    let app = TestApp::start().await;
    let acme = two_boards(&app).await;
    let technician = acme.token("TECHNICIAN").await;
    let input =
        json!({ "psaConnectionId": acme.connection(), "subject": { "role": "TECHNICIAN" }, "boards": ["1"] });
    app.graphql(SET, json!({ "input": input })).await;
    let mut socket = Socket::signed_in(app.app.address(), &technician).await;
    let query = "subscription { ticketUpdated { ticket { company { name } } } }";
    socket.watches("1", query, json!({})).await;
    acme.posts(&finding("CVE-3").of("harbor")).await.is_accepted();
    app.drain().await;
    acme.posts(&finding("CVE-4")).await.is_accepted();
    app.drain().await;
    let event = socket.hears().await;
    let company = text(&event, "/payload/data/ticketUpdated/ticket/company/name");
    assert_eq!(company, "Northwind Dental", "{event:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_psas_own_tickets_a_role_sees_its_boards_fields_and_notes_and_nothing_of_others() {
    let app = TestApp::start().await;
    let acme = two_boards(&app).await;
    let (technician, viewer) = (acme.token("TECHNICIAN").await, acme.token("VIEWER").await);
    let who = app.halo.people().first().expect("somebody").clone();
    let first = app.halo.ledger()[0].id.to_string();
    for (text, private) in [("We are on it", false), ("They never patch", true)] {
        app.halo.deed(&first, &who, &Deed::Note { text: text.to_owned(), private }).expect("a note");
    }
    let on = json!({ "psaConnectionId": acme.connection(), "isEnabled": true });
    app.does("psaTicketSyncSet", "psaConnection { id }", on).await;
    app.does("psaConnectionSyncTickets", "syncRun { id }", json!({ "id": acme.connection() })).await;
    app.drain().await;

    let query = "query($id: ID!, $text: String) { node(id: $id) { ... on Organization {
        psaTickets(first: 10, filter: { query: $text }, orderBy: { field: NUMBER, direction: ASC }) { totalCount nodes {
          id board externalId contactName requester ticket { id }
          notes(first: 10) { totalCount nodes { id text isInternal } } } } } } }";
    let looks = async |token: &str, text: Option<&str>| {
        let answer = app.graphql_as(token, query, json!({ "id": acme.organization, "text": text })).await;
        (answer["data"]["node"]["psaTickets"].clone(), answer["errors"].clone())
    };
    let (before, _) = looks(&technician, None).await;
    assert_eq!(before["totalCount"], 2, "without a rule everything is seen: {before:#}");
    assert!(before["nodes"][0]["notes"]["totalCount"].as_i64() >= Some(2), "{before:#}");
    assert_eq!(looks(&technician, Some("CVE-1")).await.0["totalCount"], 1);

    let rule = json!({
        "psaConnectionId": acme.connection(), "subject": { "role": "TECHNICIAN" }, "boards": ["1"],
        "hiddenFields": ["SUMMARY", "REQUESTER"], "showsInternalNotes": false,
    });
    let set =
        app.does("ticketPermissionSet", "ticketPermission { showsNotes showsInternalNotes }", rule).await;
    assert_eq!(set["ticketPermission"], json!({ "showsNotes": true, "showsInternalNotes": false }));
    let (after, errors) = looks(&technician, None).await;
    assert_eq!((&after["totalCount"], after["nodes"].as_array().map(Vec::len)), (&json!(1), Some(1)));
    assert_eq!(after["nodes"][0]["id"], before["nodes"][0]["id"]);
    let notes = &after["nodes"][0]["notes"];
    assert!(notes["totalCount"] == 1 && notes["nodes"][0]["text"] == "We are on it", "{after:#}");
    assert_eq!(after["nodes"][0]["requester"], Value::Null);
    assert_eq!(errors[0]["extensions"]["code"], "FORBIDDEN", "{errors:#}");
    assert_eq!(looks(&technician, Some("CVE-1")).await.0["totalCount"], 0, "what is hidden is not found");
    assert_eq!(looks(&technician, Some(&first)).await.0["totalCount"], 1, "its number is");

    // By their ids neither the other board's ticket nor an internal note is there, nor what the gateway noted.
    let other = &before["nodes"][1];
    let seen = before["nodes"][0]["notes"]["nodes"].as_array().expect("notes");
    let internal = seen.iter().find(|note| note["isInternal"] == true).expect("an internal note");
    let ids = json!({ "ids": [other["id"], internal["id"], before["nodes"][0]["id"]] });
    let lookup = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on PsaTicket { summary } } }";
    let found = app.graphql_as(&technician, lookup, ids.clone()).await;
    let rows = &found["data"]["nodes"];
    assert!(rows[0].is_null() && rows[1].is_null() && rows[2]["summary"].is_null(), "{found:#}");
    assert_eq!(rows[2]["id"], before["nodes"][0]["id"]);
    assert_eq!(found["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let operations = page(&app, &technician, &acme).await["ticketOperations"]["nodes"].clone();
    assert!(operations.as_array().expect("operations").iter().all(|row| row["kind"] != "NOTE"));

    // No notes at all; others are not touched by it.
    let rule = json!({
        "psaConnectionId": acme.connection(), "subject": { "role": "TECHNICIAN" }, "showsNotes": false,
    });
    app.does("ticketPermissionSet", "ticketPermission { id }", rule).await;
    let (none, _) = looks(&technician, None).await;
    assert_eq!((&none["totalCount"], &none["nodes"][0]["notes"]["totalCount"]), (&json!(2), &json!(0)));
    assert_eq!(looks(&viewer, None).await.0, before);
}
