use super::*;
use crate::{fixtures, graphql::Allowance};

fn cost_of(answer: &Answer) -> Value {
    answer.json()["extensions"]["cost"].clone()
}

const ORGANIZATIONS: &str = "{ organizations(first: 50) { nodes { name slug } } }";

#[actix_web::test]
async fn every_answer_says_what_it_cost_and_what_is_left() {
    let ground = fixtures::ground().await;
    fixtures::Place::new(&ground, "acme").await;
    let door = door(&ground, Settings::default());
    let cost = cost_of(&call(&door, post(ORGANIZATIONS, &json!({}))).await);
    // organizations, nodes, and a name and a slug for each of fifty; one there is.
    assert_eq!((&cost["requestedQueryCost"], &cost["actualQueryCost"]), (&json!(102), &json!(4)), "{cost:#}");
    let status = &cost["throttleStatus"];
    assert_eq!(status["maximumAvailable"], 500_000);
    assert_eq!(status["restoreRate"], 25_000);
    assert_eq!(status["currentlyAvailable"], 500_000 - 4, "the rest is given back");

    let dear = "{ organizations(first: 100) { nodes { companies(first: 100) { nodes { tickets(first: 10) { nodes { id } } } } } } }";
    let refused = call(&door, post(dear, &json!({}))).await;
    assert_eq!(refused.code(), "COST_LIMIT_EXCEEDED");
    let cost = cost_of(&refused);
    assert!(cost["requestedQueryCost"].as_u64().unwrap() > 100_000, "{cost:#}");
    assert_eq!(cost["actualQueryCost"], Value::Null);
    assert_eq!(refused.json()["errors"][0]["extensions"]["maximumAvailable"], 25_000);
}

#[actix_web::test]
async fn who_has_spent_the_budget_waits_and_nobody_else_does() {
    let ground = fixtures::ground().await;
    let acme = fixtures::Place::new(&ground, "acme").await;
    let globex = fixtures::Place::new(&ground, "globex").await;
    let allowance = Allowance { bucket: 30, restore_per_sec: 2 };
    let door = door(&ground, Settings { allowance, ..Settings::default() });
    let ask = async |who: &fixtures::Place, accept: &str| {
        let token = format!("Bearer {}", who.organization_id);
        let request = post("{ viewer { name role isOperator } platforms { key } }", &json!({}));
        let request = request.insert_header(("authorization", token)).insert_header(("accept", accept));
        call(&door, request).await
    };
    // viewer and its three fields, platforms and one field for each of ten: 15, and all five are there.
    let mut answers = Vec::new();
    for _ in 0..9 {
        answers.push(ask(&acme, "application/json").await);
        if answers.last().unwrap().code() == "THROTTLED" {
            break;
        }
    }
    let throttled = answers.pop().unwrap();
    assert!(!answers.is_empty());
    assert_eq!((throttled.status.as_u16(), throttled.code().as_str()), (200, "THROTTLED"));
    assert!(throttled.json().get("data").is_none());
    let left = &throttled.json()["errors"][0]["extensions"];
    assert_eq!(left["requestedQueryCost"], 15);
    assert!(left["currentlyAvailable"].as_u64().unwrap() < 15);
    let newer = ask(&acme, "application/graphql-response+json").await;
    assert_eq!((newer.status.as_u16(), newer.code().as_str()), (429, "THROTTLED"));
    let secs: i64 = newer.header("retry-after").parse().unwrap();
    assert_eq!(newer.json()["errors"][0]["extensions"]["retryAfterSeconds"], secs);

    assert_eq!(ask(&globex, "application/json").await.code(), "", "a neighbour has a budget of its own");
    ground.clock.advance_secs(secs);
    assert_eq!(ask(&acme, "application/json").await.code(), "", "as long as it was told to wait");
}

#[actix_web::test]
async fn nonsense_is_not_free() {
    let ground = fixtures::ground().await;
    let allowance = Allowance { bucket: 10, restore_per_sec: 1 };
    let door = door(&ground, Settings { allowance, ..Settings::default() });
    for round in 0..11 {
        let code = call(&door, post("{ nothing }", &json!({}))).await.code();
        let expected = if round < 10 { "GRAPHQL_VALIDATION_FAILED" } else { "THROTTLED" };
        assert_eq!(code, expected, "{round}");
    }
}

#[actix_web::test]
async fn a_mutation_costs_more_than_it_answers() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let query = "mutation($input: OrganizationCreateInput!) { organizationCreate(input: $input) {
        organization { slug } userErrors { code } } }";
    let input = json!({ "input": { "slug": "acme", "name": "Acme" } });
    let cost = cost_of(&call(&door, post(query, &input)).await);
    assert_eq!(cost["actualQueryCost"], 10 + 1 + 2 + 1, "{cost:#}");
}
