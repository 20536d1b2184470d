use actix_web::{http::Method, test::TestRequest};

use super::*;
use crate::fixtures;

#[actix_web::test]
async fn without_a_good_token_nothing_is_executed() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    for authorization in ["", "Bearer nobody", "Basic b3BlcmF0b3I="] {
        let request = post("{ __typename }", &json!({})).insert_header(("authorization", authorization));
        let answer = call(&door, request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (401, "UNAUTHENTICATED"),
            "{authorization}"
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(answer.json().get("data").is_none());
    }
}

fn raw(body: &str) -> TestRequest {
    TestRequest::post()
        .uri("/graphql")
        .insert_header(("authorization", "Bearer operator"))
        .insert_header(("content-type", "application/json"))
        .set_payload(body.to_owned())
}

fn get(uri: &str) -> TestRequest {
    TestRequest::get().uri(uri).insert_header(("authorization", "Bearer operator"))
}

fn deep() -> TestRequest {
    let (open, close) = ("previousTicket { ".repeat(20), " }".repeat(20));
    post(&format!("{{ node(id: \"x\") {{ ... on Ticket {{ {open} id {close} }} }} }}"), &json!({}))
}

fn dear() -> TestRequest {
    let tickets = "tickets(first: 100) { nodes { company { name } psaCompany { name } } }";
    let all = (0..80).map(|n| format!("t{n}: {tickets}")).collect::<Vec<_>>().join(" ");
    post(&format!("{{ node(id: \"x\") {{ ... on Organization {{ {all} }} }} }}"), &json!({}))
}

#[actix_web::test]
async fn what_is_beyond_a_limit_is_told_both_numbers_and_the_next_step() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let error = async |request| call(&door, request).await.json()["errors"][0].clone();

    let cost = error(dear()).await;
    let asked = cost["extensions"]["requestedQueryCost"].as_u64().unwrap();
    assert!(asked > 25_000, "{cost:#}");
    assert_eq!(cost["extensions"]["maximumAvailable"], 25_000);
    let said = format!("this costs {asked}, 25000 are allowed; ask for smaller pages with `first`");
    assert_eq!(cost["message"], said);

    let nested = |times: usize| {
        let (open, close) = ("previousTicket { ".repeat(times), " }".repeat(times));
        post(&format!("{{ node(id: \"x\") {{ ... on Ticket {{ {open} id {close} }} }} }}"), &json!({}))
    };
    let depth = error(nested(15)).await;
    assert_eq!(depth["extensions"]["code"], "DEPTH_LIMIT_EXCEEDED");
    assert_eq!(depth["extensions"]["requestedQueryDepth"], 17, "{depth:#}");
    assert_eq!(depth["extensions"]["maximumAvailable"], 16);
    assert!(depth["message"].as_str().unwrap().contains("17 levels deep, 16 are allowed; "), "{depth:#}");
    let deeper = error(nested(25)).await;
    assert_eq!(deeper["extensions"]["code"], "DEPTH_LIMIT_EXCEEDED");
    assert_eq!(deeper["extensions"]["maximumAvailable"], 16, "{deeper:#}");
}

type Case = (&'static str, fn() -> TestRequest, u16, u16, &'static str);

/// What is asked, the status for those who ask for JSON, for those who know the newer type, and the code.
const CASES: &[Case] = &[
    ("fine", || post("{ __typename }", &json!({})), 200, 200, ""),
    ("fine by GET", || get("/graphql?query=%7B__typename%7D"), 200, 200, ""),
    ("no GraphQL", || post("{", &json!({})), 200, 400, "GRAPHQL_PARSE_FAILED"),
    ("no such field", || post("{ nothing }", &json!({})), 200, 400, "GRAPHQL_VALIDATION_FAILED"),
    (
        "no variable",
        || post("query($id: ID!) { node(id: $id) { id } }", &json!({})),
        200,
        400,
        "BAD_USER_INPUT",
    ),
    (
        "a wrong variable",
        || post("query($id: ID!) { node(id: $id) { id } }", &json!({"id": []})),
        200,
        400,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    (
        "a variable that is no moment",
        || {
            let list = "tickets(filter: {createdAt: {gte: $at}}) { totalCount }";
            let query =
                format!("query($at: DateTime!) {{ node(id: 1) {{ ... on Organization {{ {list} }} }} }}");
            post(&query, &json!({"at": "yesterday"}))
        },
        200,
        400,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    ("too deep", deep, 200, 400, "DEPTH_LIMIT_EXCEEDED"),
    ("too dear", dear, 200, 400, "COST_LIMIT_EXCEEDED"),
    ("no JSON", || raw("{"), 400, 400, "BAD_USER_INPUT"),
    ("a batch", || raw("[{\"query\":\"{ __typename }\"}]"), 400, 400, "BAD_USER_INPUT"),
    ("no query", || raw("{}"), 400, 400, "BAD_USER_INPUT"),
    ("a query that is no text", || raw("{\"query\": 1}"), 400, 400, "BAD_USER_INPUT"),
    (
        "variables that are no object",
        || raw("{\"query\":\"{a}\",\"variables\":[]}"),
        400,
        400,
        "BAD_USER_INPUT",
    ),
    ("too long", || raw(&" ".repeat(9_000)), 413, 413, "BAD_USER_INPUT"),
    (
        "an extension that is no object",
        || raw("{\"query\":\"{a}\",\"extensions\":1}"),
        400,
        400,
        "BAD_USER_INPUT",
    ),
    ("a field twice", || get("/graphql?query=%7Ba%7D&query=%7Ba%7D"), 400, 400, "BAD_USER_INPUT"),
    ("an empty text", || raw("{\"query\":\"\"}"), 200, 400, "GRAPHQL_PARSE_FAILED"),
    ("a subscription", || post("subscription { a }", &json!({})), 200, 400, "BAD_USER_INPUT"),
    ("fine behind a byte order mark", || raw("\u{feff}{\"query\":\"{ __typename }\"}"), 200, 200, ""),
    ("a mutation by GET", || get("/graphql?query=mutation%7B__typename%7D"), 405, 405, "BAD_USER_INPUT"),
    ("another method", || get("/graphql").method(Method::DELETE), 405, 405, "BAD_USER_INPUT"),
];

#[actix_web::test]
async fn status_and_type_are_those_of_the_standard() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings { max_body_bytes: 8_000, ..Settings::default() });
    for (what, request, json, response, code) in CASES {
        for (accept, status) in [("*/*", json), ("application/graphql-response+json", response)] {
            let answer = call(&door, request().insert_header(("accept", accept))).await;
            assert_eq!(answer.status.as_u16(), *status, "{what}, {accept}: {}", answer.body);
            assert_eq!(answer.code(), *code, "{what}: {}", answer.body);
            let media = if accept == "*/*" { "application/json" } else { accept };
            assert_eq!(answer.header("content-type"), format!("{media}; charset=utf-8"), "{what}");
            assert_eq!(answer.json().get("data").is_some(), code.is_empty(), "{what}: {}", answer.body);
            assert_eq!(answer.header("allow").is_empty(), *status != 405, "{what}");
            if !code.is_empty() {
                let id = answer.json()["errors"][0]["extensions"]["requestId"].clone();
                assert_eq!(id, answer.header("x-request-id"), "{what}");
            }
        }
    }
    let answer = call(&door, post("{ __typename }", &json!({})).insert_header(("accept", "image/png"))).await;
    assert_eq!(answer.status.as_u16(), 406);
}

#[actix_web::test]
async fn a_browser_gets_the_page_where_it_is_switched_on() {
    let ground = fixtures::ground().await;
    let browser = || {
        TestRequest::get()
            .uri("/graphql")
            .insert_header(("accept", "text/html,application/xhtml+xml,*/*;q=0.8"))
    };
    let off = call(&door(&ground, Settings::default()), browser()).await;
    assert_eq!(off.status.as_u16(), 401);
    assert!(
        off.body.contains("action=\"/graphql/graphiql\"") && !off.body.contains("<script"),
        "{}",
        off.body
    );
    let graphiql = Graphiql { is_open: true, assets: "https://assets.example".to_owned() };
    let settings = Settings { graphiql, ..Settings::default() };
    let on = call(&door(&ground, settings), browser()).await;
    assert_eq!(on.status.as_u16(), 200);
    assert!(on.header("content-security-policy").contains("'nonce-"));
    assert!(on.body.contains("https://assets.example/"));
}

#[actix_web::test]
async fn what_is_our_fault_is_told_to_the_log_alone() {
    let ground = fixtures::ground().await;
    let place = fixtures::Place::new(&ground, "acme").await;
    let ticket = place.ticket("one", ground.clock.now()).await;
    let door = door(&ground, Settings::default());
    sea_orm::ConnectionTrait::execute_unprepared(ground.db.reader(), "ALTER TABLE company RENAME TO gone")
        .await
        .unwrap();
    let id = crate::graphql::ids::encode::<entity::ticket::Entity>(ticket.id);
    let query = "query($id: ID!) { node(id: $id) { id ... on Ticket { title company { name } } } }";
    let answer = call(&door, post(query, &json!({ "id": id.as_str() }))).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (200, "INTERNAL_SERVER_ERROR"));
    assert_eq!(answer.json()["errors"][0]["message"], "internal error");
    assert!(!answer.body.contains("company\" "), "{}", answer.body);
}

#[actix_web::test]
async fn an_operation_that_takes_too_long_is_given_up() {
    let ground = fixtures::ground().await;
    // Every connection that writes is taken, for as long as the test runs.
    for _ in 0..8 {
        let db = ground.db.clone();
        tokio::spawn(async move {
            let held = db.write::<(), sea_orm::DbErr, _>(|_| Box::pin(std::future::pending()));
            let _ = held.await;
        });
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let settings = Settings { timeout: std::time::Duration::from_millis(200), ..Settings::default() };
    let query = "mutation($input: OrganizationCreateInput!) { organizationCreate(input: $input) { userErrors { code } } }";
    let input = json!({ "input": { "slug": "late", "name": "Late" } });
    let door = door(&ground, settings);
    for (accept, status) in [("application/json", 200), ("application/graphql-response+json", 504)] {
        let answer = call(&door, post(query, &input).insert_header(("accept", accept))).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, "TIMEOUT"), "{accept}");
    }
}
