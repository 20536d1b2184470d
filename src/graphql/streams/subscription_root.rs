//! A subscription asks for one field (GraphQL specification, "Single Root Field"), which may stand in
//! fragments. The executor starts nothing for a field in a fragment at the root, so that it is put where it
//! belongs before.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned, ServerError,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
        OperationType, Selection, SelectionSet,
    },
};

use crate::graphql::errors::{code, refusal};

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Puts the one field of each subscription at its root. What validation will refuse is left to it.
pub(super) fn settle(document: &mut ExecutableDocument) -> Result<(), ServerError> {
    let mut inlined = HashSet::new();
    let fragments = &document.fragments;
    match &mut document.operations {
        DocumentOperations::Single(operation) => settle_one(operation, fragments, &mut inlined)?,
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                settle_one(operation, fragments, &mut inlined)?;
            }
        }
    }
    document.fragments.retain(|name, _| !inlined.contains(name));
    Ok(())
}

fn settle_one(
    operation: &mut Positioned<OperationDefinition>,
    fragments: &Fragments,
    inlined: &mut HashSet<Name>,
) -> Result<(), ServerError> {
    if operation.node.ty != OperationType::Subscription {
        return Ok(());
    }
    let mut fields = Vec::new();
    let mut spread = HashSet::new();
    let root = &mut operation.node.selection_set.node;
    if !gather(root, fragments, &mut spread, &mut fields)? {
        return Ok(());
    }
    let mut fields = fields.into_iter();
    let Some(mut one) = fields.next() else { return Ok(()) };
    for other in fields {
        let is_same = other.node.response_key().node == one.node.response_key().node
            && other.node.name.node == one.node.name.node
            && other.node.arguments == one.node.arguments;
        if !is_same {
            let (one, other) = (&one.node.response_key().node, &other.node.response_key().node);
            return Err(wrong(format!(
                "a subscription asks for one field; this asks for `{one}` and `{other}`"
            )));
        }
        one.node.selection_set.node.items.extend(other.node.selection_set.node.items);
    }
    if one.node.name.node.starts_with("__") {
        return Err(wrong(format!(
            "`{}` cannot be watched; ask for a field of Subscription",
            one.node.name.node
        )));
    }
    root.items = vec![Positioned::new(Selection::Field(one.clone()), one.pos)];
    inlined.extend(spread);
    Ok(())
}

/// Gathers the fields of the root. False where a fragment does not belong there.
fn gather(
    set: &SelectionSet,
    fragments: &Fragments,
    spread: &mut HashSet<Name>,
    fields: &mut Vec<Positioned<Field>>,
) -> Result<bool, ServerError> {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                unconditional(&field.node.directives)?;
                fields.push(field.clone());
            }
            Selection::InlineFragment(part) => {
                unconditional(&part.node.directives)?;
                let of = part.node.type_condition.as_ref().map(|of| of.node.on.node.as_str());
                let set = &part.node.selection_set.node;
                if of.is_some_and(|of| of != "Subscription") || !gather(set, fragments, spread, fields)? {
                    return Ok(false);
                }
            }
            Selection::FragmentSpread(part) => {
                unconditional(&part.node.directives)?;
                let name = &part.node.fragment_name.node;
                let Some(fragment) = fragments.get(name) else { return Ok(false) };
                spread.insert(name.clone());
                let is_here = fragment.node.type_condition.node.on.node == "Subscription";
                let set = &fragment.node.selection_set.node;
                if !is_here || !gather(set, fragments, spread, fields)? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

fn unconditional(directives: &[Positioned<Directive>]) -> Result<(), ServerError> {
    let conditions = ["skip", "include"];
    if directives.iter().any(|directive| conditions.contains(&directive.node.name.node.as_str())) {
        return Err(wrong("the field of a subscription takes neither @skip nor @include".to_owned()));
    }
    Ok(())
}

fn wrong(message: String) -> ServerError {
    refusal(code::VALIDATION_FAILED, message)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn settled(query: &str) -> Result<ExecutableDocument, String> {
        let mut document = parse_query(query).unwrap();
        settle(&mut document).map(|()| document).map_err(|error| error.message)
    }

    #[test]
    fn a_field_in_fragments_is_put_at_the_root() {
        let document = settled(
            "subscription { ...A ... on Subscription { a { z } } }
             fragment A on Subscription { a { x ...B } } fragment B on Thing { y }",
        )
        .unwrap();
        let names: Vec<&str> = document.fragments.keys().map(Name::as_str).collect();
        assert_eq!(names, ["B"]);
        let (_, operation) = document.operations.iter().next().unwrap();
        let root = &operation.node.selection_set.node.items;
        let Selection::Field(field) = &root[0].node else { panic!("no field") };
        assert_eq!((root.len(), field.node.name.node.as_str()), (1, "a"));
        assert_eq!(field.node.selection_set.node.items.len(), 3);
    }

    #[test]
    fn more_than_one_field_or_a_condition_is_refused() {
        for query in [
            "subscription { a b }",
            "subscription { a b: a }",
            "subscription { a(x: 1) a(x: 2) }",
            "subscription { ...A b } fragment A on Subscription { a }",
            "query Q { q } subscription { a b }",
            "subscription { __typename }",
            "subscription { a @skip(if: true) }",
            "subscription { ... @include(if: true) { a } }",
        ] {
            if let Ok(document) = parse_query(query) {
                let mut document = document;
                assert!(settle(&mut document).is_err(), "{query}");
            }
        }
        assert!(settled("query { a b }").is_ok());
    }

    #[test]
    fn what_validation_will_refuse_is_left_to_it() {
        let query = "subscription { ...A } fragment A on Query { a b }";
        assert_eq!(settled(query).unwrap().fragments.len(), 1);
        assert!(settled("subscription { ...Missing }").is_ok());
    }
}
