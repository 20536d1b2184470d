//! What each field costs, read from the schema itself, so that a new list or mutation has its price from the
//! day it is there:
//!
//! - a field costs 1, and what is asked of what it gives;
//! - a connection multiplies what is asked of its items by the size of its page; `nodes(ids:)` by the ids;
//!   a list without pages by [`LIST_ITEMS`];
//! - a mutation costs [`MUTATION`] more, `totalCount` [`COUNT`], what is computed over many rows (types that
//!   end in `Statistics`) [`STATISTICS`], a question about the whole schema [`SCHEMA`].
//!
//! What was asked and never came is given back: [`actual`] counts in the same units what an answer holds.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::{
        parse_schema,
        types::{BaseType, Field, FieldDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};
use async_graphql_value::Value as Given;

use crate::db::page;

/// What a mutation costs beside its answer.
const MUTATION: u64 = 10;
/// What counting a list costs.
const COUNT: u64 = 5;
/// What is computed over many rows.
const STATISTICS: u64 = 100;
/// The schema, described by itself.
const SCHEMA: u64 = 1_000;
/// How many items a list without pages is taken to have.
const LIST_ITEMS: u64 = 10;

/// The prices of a schema's fields, by type and name.
#[derive(Debug, Default)]
pub(in crate::graphql) struct Prices {
    types: HashMap<String, HashMap<String, Price>>,
}

/// What a field costs.
#[derive(Clone, Debug)]
pub(super) struct Price {
    /// The type of what it gives.
    pub(super) gives: String,
    own: u64,
    times: Times,
}

/// How often what is asked of a field's type is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Times {
    Once,
    /// The size of the page; for the items below, not for `pageInfo` and `totalCount`.
    Page,
    /// The items of the page that the field above gives.
    Items,
    /// As many as the list in this argument has.
    Listed(String),
    /// A list without pages.
    List,
}

impl Prices {
    /// Reads the prices off a schema's own description.
    pub(in crate::graphql) fn of(sdl: &str) -> Self {
        let document = match parse_schema(sdl) {
            Ok(document) => document,
            Err(error) => {
                // A test prices the schema that is served; each field costs 1 where this would ever happen.
                tracing::error!(%error, "the schema cannot be priced");
                return Self::default();
            }
        };
        let mut types: HashMap<String, Vec<Positioned<FieldDefinition>>> = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let fields = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                _ => continue,
            };
            types.insert(definition.node.name.node.to_string(), fields);
        }
        // Not by the name alone: `PsaConnection` is no page.
        let is_page = |fields: &[Positioned<FieldDefinition>]| {
            ["edges", "pageInfo"].iter().all(|name| fields.iter().any(|field| field.node.name.node == *name))
        };
        let pages: HashSet<String> =
            types.iter().filter(|(_, fields)| is_page(fields)).map(|(name, _)| name.clone()).collect();
        let prices = types.iter().map(|(parent, fields)| {
            let one = |field: &Positioned<FieldDefinition>| {
                (field.node.name.node.to_string(), price(parent, &field.node, &pages))
            };
            (parent.clone(), fields.iter().map(one).collect())
        });
        Self { types: prices.collect() }
    }

    /// What a field of a type costs; 1 where the type has none of that name.
    pub(super) fn get(&self, parent: &str, field: &str) -> Price {
        let known = self.types.get(parent).and_then(|fields| fields.get(field));
        known.cloned().unwrap_or_else(|| Price {
            gives: String::new(),
            own: if matches!(field, "__schema" | "__type") { SCHEMA } else { 1 },
            times: Times::Once,
        })
    }

    /// How many fields are priced; 0 where the schema could not be read.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.types.values().map(HashMap::len).sum()
    }
}

impl Price {
    /// The cost of a field: of itself, and `below` for what is asked of what it gives.
    ///
    /// `page` is the size of the page in whose connection the field stands.
    pub(super) fn cost(&self, field: &Field, arguments: &Arguments<'_>, page: u64, below: u64) -> u64 {
        let times = match &self.times {
            Times::Once | Times::Page => 1,
            Times::Items => page,
            Times::List => LIST_ITEMS,
            Times::Listed(argument) => match arguments.value(field, argument) {
                Some(Value::List(items)) => items.len() as u64,
                _ => 1,
            },
        };
        self.own.saturating_add(times.saturating_mul(below))
    }

    /// The size of the page that the field gives, for the items below it.
    pub(super) fn page(&self, field: &Field, arguments: &Arguments<'_>) -> u64 {
        if self.times != Times::Page {
            return 1;
        }
        let size = |name| match arguments.value(field, name) {
            Some(Value::Number(number)) => number.as_u64(),
            _ => None,
        };
        // What lies outside is refused where the page is read.
        size("first").or_else(|| size("last")).unwrap_or(page::DEFAULT_SIZE).clamp(1, page::MAX_SIZE)
    }
}

/// What an operation's variables hold.
#[derive(Debug)]
pub(super) struct Arguments<'a>(pub(super) &'a Variables);

impl Arguments<'_> {
    /// What an argument of a field is given.
    fn value(&self, field: &Field, name: &str) -> Option<Value> {
        self.resolve(&field.get_argument(name)?.node)
    }

    /// A value with the variables in their places; none where one is missing, or it is a list or an object
    /// with variables within.
    pub(super) fn resolve(&self, given: &Given) -> Option<Value> {
        match given {
            Given::Variable(name) => self.0.get(name).cloned(),
            Given::List(items) => Some(Value::List(vec![Value::Null; items.len()])),
            other => other.clone().into_const(),
        }
    }
}

fn price(parent: &str, field: &FieldDefinition, pages: &HashSet<String>) -> Price {
    let gives = named(&field.ty.node).to_owned();
    let has = |name: &str| field.arguments.iter().any(|argument| argument.node.name.node == name);
    let is_list = matches!(field.ty.node.base, BaseType::List(_));
    let name = field.name.node.as_str();
    let times = if pages.contains(&gives) {
        Times::Page
    } else if pages.contains(parent) && matches!(name, "nodes" | "edges") {
        Times::Items
    } else if is_list && has("ids") {
        Times::Listed("ids".to_owned())
    } else if is_list {
        Times::List
    } else {
        Times::Once
    };
    let own = if parent == "Mutation" {
        1 + MUTATION
    } else if gives.ends_with("Statistics") {
        STATISTICS
    } else if name == "totalCount" && pages.contains(parent) {
        COUNT
    } else {
        1
    };
    Price { gives, own, times }
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

/// What an answer holds: each field of each object, and what a mutation costs beside.
pub(in crate::graphql) fn actual(data: &Value, is_mutation: bool) -> u64 {
    let Value::Object(root) = data else { return 0 };
    let mutations = if is_mutation { MUTATION.saturating_mul(root.len() as u64) } else { 0 };
    mutations.saturating_add(fields(data))
}

fn fields(data: &Value) -> u64 {
    match data {
        Value::Object(object) => {
            let one = |(name, value): (&Name, &Value)| {
                let own = if name == "totalCount" { COUNT } else { 1 };
                own + fields(value)
            };
            object.iter().map(one).sum()
        }
        Value::List(items) => items.iter().map(fields).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn every_connection_of_the_schema_that_is_served_multiplies() {
        let prices = Prices::of(&crate::graphql::sdl());
        assert!(prices.len() > 100, "{}", prices.len());
        for (parent, fields) in &prices.types {
            for (name, price) in fields {
                let is_page = price.gives.ends_with("Connection") && price.gives != "PsaConnection";
                assert_eq!(price.times == Times::Page, is_page, "{parent}.{name}");
            }
        }
        assert_eq!(prices.get("Query", "nodes").times, Times::Listed("ids".to_owned()));
        assert_eq!(prices.get("TicketConnection", "nodes").times, Times::Items);
        assert_eq!(prices.get("PsaConnection", "id").own, 1);
    }

    #[test]
    fn an_answer_is_counted_field_by_field() {
        let data =
            value!({ "a": { "nodes": [{ "x": 1, "y": null }, { "x": 2, "y": null }], "totalCount": 2 } });
        assert_eq!(actual(&data, false), 1 + 1 + 4 + COUNT);
        assert_eq!(actual(&value!({ "a": null }), true), 1 + MUTATION);
        assert_eq!(actual(&Value::Null, true), 0);
    }
}
