use std::fmt::Write as _;

use async_graphql::parser::parse_query;
use serde_json::{Value as Json, json};

use super::*;

fn with(query: &str, variables: Json, limits: &Limits) -> Result<Shape, ServerError> {
    let mut variables = Variables::from_json(variables);
    let prices = Prices::of(&crate::graphql::sdl());
    look(&parse_query(query).unwrap(), None, &mut variables, limits, &prices)
}

fn code_of(query: &str) -> String {
    let error = with(query, json!({}), &Limits::default()).unwrap_err();
    error.extensions.unwrap().get("code").unwrap().to_string()
}

fn cost(query: &str, variables: Json) -> usize {
    with(query, variables, &Limits { cost: 0, ..Limits::default() }).unwrap().cost
}

#[test]
fn what_would_unfold_is_refused_before_it_is_unfolded() {
    let mut doubling = String::from("{ ...F0 }");
    for n in 0..14 {
        let next = n + 1;
        let _ = write!(doubling, " fragment F{n} on Query {{ ...F{next} ...F{next} }}");
    }
    doubling.push_str(" fragment F14 on Query { __typename }");
    assert!(doubling.len() < 1_024, "{}", doubling.len());
    assert_eq!(code_of(&doubling), "\"COST_LIMIT_EXCEEDED\"");

    let mut chain = String::from("{ ...F0 }");
    for n in 0..60 {
        let _ = write!(chain, " fragment F{n} on Query {{ ...F{} }}", n + 1);
    }
    chain.push_str(" fragment F60 on Query { __typename }");
    assert_eq!(code_of(&chain), "\"DEPTH_LIMIT_EXCEEDED\"");
    assert_eq!(code_of("{ ...A } fragment A on Query { ...A ...A }"), "\"GRAPHQL_VALIDATION_FAILED\"");
    assert_eq!(
        code_of("{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }"),
        "\"GRAPHQL_VALIDATION_FAILED\""
    );
}

#[test]
fn a_fragment_seen_near_the_root_is_still_too_deep_further_down() {
    let deep = "fragment A on Ticket { previousTicket { previousTicket { previousTicket { id } } } }";
    let (open, close) = ("previousTicket { ".repeat(13), " }".repeat(13));
    let query = format!("{{ node(id: 1) {{ ...A {open} ...A {close} }} }} {deep}");
    assert_eq!(code_of(&query), "\"DEPTH_LIMIT_EXCEEDED\"");
}

#[test]
fn one_great_variable_used_often_counts_each_time() {
    let query = |uses: usize| {
        let fields: String = (0..uses).fold(String::new(), |mut text, n| {
            let _ = write!(text, " f{n}: nodes(ids: $ids) {{ id }}");
            text
        });
        format!("query($ids: [ID!]!) {{ {fields} }}")
    };
    let ids = json!({ "ids": vec!["x"; 100] });
    assert!(with(&query(2), ids.clone(), &Limits::default()).is_ok());
    let error = with(&query(50), ids, &Limits::default()).unwrap_err();
    assert!(error.message.contains("graphql_max_fields"), "{}", error.message);
    let error = with(&query(1), json!({ "ids": vec!["x"; 1_001] }), &Limits::default()).unwrap_err();
    assert!(error.message.contains("graphql_max_list_items"), "{}", error.message);
}

#[test]
fn pages_multiply_what_is_asked_of_their_items_and_nothing_else() {
    let list = |page: &str| format!("query($n: Int = 7) {{ organizations{page} {{ nodes {{ id name }} }} }}");
    assert_eq!(cost(&list("(first: 50)"), json!({})), 1 + 1 + 50 * 2);
    assert_eq!(cost(&list(""), json!({})), 1 + 1 + 20 * 2);
    assert_eq!(cost(&list("(last: $n)"), json!({ "n": 3 })), 1 + 1 + 3 * 2);
    assert_eq!(cost(&list("(first: $n)"), json!({})), 1 + 1 + 7 * 2, "its default");
    assert_eq!(cost(&list("(first: 100000)"), json!({})), 1 + 1 + 100 * 2, "refused where it is read");

    let nested = "{ organizations(first: 10) { totalCount pageInfo { endCursor }
        nodes { ...T } } } fragment T on Organization { tickets(first: 5) { edges { node { id } } } }";
    assert_eq!(cost(nested, json!({})), 1 + 5 + 2 + 1 + 10 * (1 + 1 + 5 * 2));
    assert_eq!(cost("{ nodes(ids: [1, 2, 3]) { id } }", json!({})), 1 + 3);
    assert_eq!(cost("query($i: [ID!]!) { nodes(ids: $i) { id } }", json!({ "i": [1, 2] })), 1 + 2);
    assert_eq!(cost("{ platforms { key } }", json!({})), 1 + 10, "a list without pages");
}

#[test]
fn a_mutation_costs_more_than_a_field_and_what_is_left_out_costs_nothing() {
    let mutation =
        "mutation($i: OrganizationCreateInput!) { organizationCreate(input: $i) { organization { id } } }";
    assert_eq!(cost(mutation, json!({ "i": {} })), 11 + 2);
    let skipping =
        "query($no: Boolean = true) { viewer @skip(if: $no) { name } platforms @include(if: false) { key } }";
    assert_eq!(cost(skipping, json!({})), 0);
    assert_eq!(cost(skipping, json!({ "no": false })), 2);
}

#[test]
fn a_question_about_the_schema_is_seen_through_fragments() {
    let asks = |query: &str| with(query, json!({}), &Limits::default()).unwrap().is_introspection;
    assert!(asks("{ a: __schema { types { name } } }"));
    assert!(asks("{ ...A } fragment A on Query { ... { __type(name: \"Ticket\") { name } } }"));
    assert!(!asks("{ __typename node(id: 1) { __typename } }"));
}

#[test]
fn each_limit_is_told_with_its_setting() {
    let many = |one: &str, times: usize| one.repeat(times);
    for (query, setting) in [
        (format!("{{ {} }}", many("a: viewer { name } ", 101)), "graphql_max_aliases"),
        (format!("{{ {} }}", many("viewer { name } ", 51)), "graphql_max_root_fields"),
        (format!("{{ viewer {{ {} }} }}", many("name ", 5_000)), "graphql_max_fields"),
        (
            format!("{{ viewer {} {{ name }} }}", many("@skip(if: false) ", 6)),
            "graphql_max_directives_per_field",
        ),
        (format!("{{ {} }}", many("... @skip(if: false) { __typename } ", 51)), "graphql_max_directives"),
        (
            (0..101).fold(String::from("{ __typename }"), |mut text, n| {
                let _ = write!(text, " fragment F{n} on Query {{ __typename }}");
                text
            }),
            "graphql_max_fragments",
        ),
    ] {
        let error = with(&query, json!({}), &Limits::default()).unwrap_err();
        assert!(error.message.contains(&format!("(`{setting}`)")), "{setting}: {}", error.message);
        assert!(error.extensions.unwrap().get("maximumAvailable").is_some());
    }
}

#[test]
fn an_operation_is_found_by_its_name_and_a_missing_variable_is_named() {
    assert_eq!(code_of("query A { __typename } query B { __typename }"), "\"OPERATION_RESOLUTION_FAILURE\"");
    assert_eq!(code_of("query ($id: ID!) { node(id: $id) { id } }"), "\"BAD_USER_INPUT\"");
    let kind = with("mutation { a }", json!({}), &Limits::default()).unwrap().kind;
    assert_eq!(kind, OperationType::Mutation);
}
