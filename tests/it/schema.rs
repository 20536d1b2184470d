//! `schema.graphql` is what the program serves.

#[test]
fn the_committed_schema_is_the_one_that_is_served() {
    let committed = include_str!("../../schema.graphql");
    assert!(
        committed == psa_gateway::graphql::sdl(),
        "schema.graphql is out of date; make it anew with: cargo run -- schema > schema.graphql"
    );
}
