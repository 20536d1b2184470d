//! Documents that are made to hurt.

use std::fmt::Write as _;

use super::*;
use crate::fixtures;

fn repeated(times: usize, one: impl Fn(usize) -> String) -> String {
    (0..times).map(one).collect()
}

/// Each grows faster than its own length somewhere: in the parser, in validation, in the answer.
fn documents() -> Vec<(&'static str, String)> {
    let mut doubling = String::from("{ ...F0 }");
    for n in 0..14 {
        let next = n + 1;
        let _ = write!(doubling, " fragment F{n} on Query {{ ...F{next} ...F{next} }}");
    }
    doubling.push_str(" fragment F14 on Query { __typename }");
    let long_name = "a".repeat(60_000);
    vec![
        ("fragments that double", doubling),
        ("nested lists", format!("{{ node(id: {}", "[".repeat(1_000))),
        ("nested selections", "{ a".repeat(300)),
        ("nested types of variables", format!("query($a: {}", "[".repeat(900))),
        ("aliases of one field", format!("{{ {} }}", repeated(200, |n| format!("a{n}: __typename ")))),
        ("one field again and again", format!("{{ {} }}", "__typename ".repeat(5_000))),
        (
            "unknown fields, each with suggestions",
            format!("{{ viewer {{ {} }} }}", "organizationz ".repeat(4_000)),
        ),
        ("one name of sixty thousand letters", format!("{{ {long_name} }}")),
        ("directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(2_000))),
        ("arguments", format!("{{ node({}) {{ id }} }}", repeated(3_000, |n| format!("a{n}: 1 ")))),
        ("the same arguments twice", {
            let arguments = repeated(1_500, |n| format!("a{n}: 1 "));
            format!("{{ node({arguments}) {{ id }} node({arguments}) {{ id }} }}")
        }),
        ("operations that share fragments", {
            let operations = repeated(1_000, |n| format!("query Q{n} {{ ...F }} "));
            format!("{operations} fragment F on Query {{ __typename }}")
        }),
        ("fields that cannot be merged", {
            let fields = repeated(2_000, |n| format!("a: f{n} "));
            format!("{{ {fields} }}")
        }),
        ("variables", {
            let variables = repeated(2_000, |n| format!("$v{n}: Int "));
            format!("query({variables}) {{ __typename }}")
        }),
        (
            "a block text of nothing but lines",
            format!("{{ nodee(id: \"\"\"{}\"\"\") {{ id }} }}", "\n".repeat(60_000)),
        ),
        ("comments", "#\n".repeat(30_000)),
        ("brackets that never close, in a text", format!("{{ node(id: \"{}", "{".repeat(60_000))),
        ("one line that stumbles at its end", format!("{{ viewer {{ name }} {} ! }}", " ".repeat(60_000))),
        (
            "every interface within itself",
            format!("{{ node(id: 1) {{ {} id {} }} }}", "... on Node { ".repeat(40), "}".repeat(40)),
        ),
        ("the schema of the schema", {
            let (open, close) = ("fields { type { ".repeat(7), "} }".repeat(7));
            format!("{{ __schema {{ types {{ {open} name {close} }} }} }}")
        }),
    ]
}

#[actix_web::test]
async fn none_of_them_is_executed_and_none_is_answered_at_length() {
    let ground = fixtures::ground().await;
    let mut settings = Settings::default();
    settings.limits.introspection = false;
    let silent = door(&ground, settings);
    let open = door(&ground, Settings::default());
    for (what, document) in documents() {
        for door in [&silent, &open] {
            let (before, begun) = (ground.db.statements(), std::time::Instant::now());
            let answer = call(door, post(&document, &json!({}))).await;
            println!(
                "{:>6} bytes {:>6.1} ms: {what}",
                document.len(),
                begun.elapsed().as_secs_f64() * 1_000.0
            );
            assert_ne!(answer.code(), "", "{what}: {}", answer.body.get(..200).unwrap_or(&answer.body));
            assert_ne!(answer.code(), "INTERNAL_SERVER_ERROR", "{what}: {}", answer.body);
            assert!(answer.json().get("data").is_none(), "{what}");
            assert!(answer.body.len() < 32 * 1024, "{what}: {} bytes", answer.body.len());
            assert_eq!(ground.db.statements(), before, "{what}");
            assert_eq!(answer.json()["errors"][0]["extensions"]["requestId"], answer.header("x-request-id"));
        }
    }
}

#[actix_web::test]
async fn what_is_unknown_is_helped_with_only_for_those_who_may_see_the_schema() {
    let ground = fixtures::ground().await;
    let mut settings = Settings::default();
    settings.limits.introspection = false;
    for query in
        ["{ viewer { nam } }", "{ organizationBySlug(slugs: 1) { id } }", "{ organisations { totalCount } }"]
    {
        let by_guest = || post(query, &json!({})).insert_header(("authorization", "Bearer guest"));
        let silent = call(&door(&ground, settings.clone()), by_guest()).await;
        assert_eq!(silent.code(), "GRAPHQL_VALIDATION_FAILED");
        assert!(!silent.body.contains("Did you mean"), "{}", silent.body);
        let open = call(&door(&ground, Settings::default()), by_guest()).await;
        assert!(open.body.contains("Did you mean"), "{}", open.body);
        let permitted = call(&door(&ground, settings.clone()), post(query, &json!({}))).await;
        assert!(permitted.body.contains("Did you mean"), "{}", permitted.body);
    }
}

#[actix_web::test]
async fn a_document_that_did_well_is_still_compared_with_variables_of_another_form() {
    let ground = fixtures::ground().await;
    let known = door(&ground, Settings::default());
    let query = "query($id: ID!, $ids: [ID!], $first: Int, $filter: TicketFilter) {
        nodes(ids: $ids) { id }
        node(id: $id) { ... on Organization { tickets(first: $first, filter: $filter) { nodes { id } } } } }";
    let good = || json!({ "id": "x", "ids": ["y"], "first": 1, "filter": { "state": { "in": ["OPEN"] } } });
    let asked = async |at: &web::Data<Door>, variables: &Value| {
        let answer = call(at, post(query, variables)).await;
        let error = answer.json()["errors"][0].clone();
        (answer.code(), error["message"].clone(), error["locations"].clone())
    };
    // Nothing has such an id, which shows as it is executed.
    let well = asked(&known, &good()).await;
    assert_ne!(well.0, "GRAPHQL_VALIDATION_FAILED");
    for (name, wrong) in [
        ("id", json!({ "id": "x" })),
        ("id", json!(true)),
        ("ids", json!(["y", true])),
        ("ids", json!({})),
        ("first", json!("1")),
        ("filter", json!({ "state": { "in": ["NO SUCH"] } })),
        ("filter", json!({ "no_such": "OPEN" })),
    ] {
        let mut variables = good();
        variables[name] = wrong;
        let (code, message, locations) = asked(&known, &variables).await;
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{variables}: {message}");
        // As by somebody who never saw the document.
        let new = door(&ground, Settings::default());
        assert_eq!(asked(&new, &variables).await, (code, message, locations));
    }
    assert_eq!(asked(&known, &good()).await, well);
}

#[actix_web::test]
async fn a_default_of_a_variable_counts_where_something_is_left_out() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let query = "query($with: Boolean = true) { viewer { name } platforms @include(if: $with) { key } }";
    let data = ask(&door, "operator", query, json!({})).await;
    assert!(data["platforms"].is_array(), "{data:#}");
    let data = ask(&door, "operator", query, json!({ "with": false })).await;
    assert!(data.get("platforms").is_none(), "{data:#}");
}

#[actix_web::test]
async fn a_document_that_was_read_before_is_asked_with_other_variables() {
    let ground = fixtures::ground().await;
    fixtures::Place::new(&ground, "acme").await;
    let door = door(&ground, Settings::default());
    let query = "query($slug: String!, $with: Boolean!) { organizationBySlug(slug: $slug) { slug name @include(if: $with) } }";
    for (slug, with) in [("acme", true), ("none", true), ("acme", false)] {
        let data = ask(&door, "operator", query, json!({ "slug": slug, "with": with })).await;
        let found = &data["organizationBySlug"];
        assert_eq!(found["slug"] == slug, slug == "acme", "{data:#}");
        assert_eq!(found.get("name").is_some(), slug == "acme" && with, "{data:#}");
    }
    let missing = call(&door, post(query, &json!({ "slug": "acme" }))).await;
    assert_eq!(missing.code(), "BAD_USER_INPUT", "variables are looked at each time");
}
