//! Counts what of the schema is used although it is deprecated, so that it is known when it can go.
//!
//! An operation counts once for each deprecated field, argument, input field or enum value that stands in it or
//! in its variables, once it was found valid. Labels are names of the schema, so their number is bounded by it.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_graphql::{
    Name, Response, ServerResult, Value, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery},
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet},
    registry::{Deprecation, MetaInputValue, MetaType, Registry},
};

use super::checking::is_checked;
use crate::metrics::Metrics;

/// Counts into metrics.
#[derive(Clone, Debug)]
pub struct CountsDeprecated {
    metrics: Metrics,
    /// Whether there is anything deprecated, looked up at the first request: otherwise no document is walked.
    is_needed: Arc<OnceLock<bool>>,
}

impl CountsDeprecated {
    /// Nothing is counted yet.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, is_needed: Arc::default() }
    }
}

impl ExtensionFactory for CountsDeprecated {
    fn create(&self) -> Arc<dyn Extension> {
        let Self { metrics, is_needed } = self.clone();
        Arc::new(Counting { metrics, is_needed, found: Mutex::default() })
    }
}

struct Counting {
    metrics: Metrics,
    is_needed: Arc<OnceLock<bool>>,
    found: Mutex<BTreeSet<String>>,
}

#[async_trait::async_trait]
impl Extension for Counting {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        let registry = &ctx.schema_env.registry;
        // What is executed by the schema that checks was counted when it was checked.
        if is_checked(ctx) || !*self.is_needed.get_or_init(|| has_deprecated(registry)) {
            return Ok(document);
        }
        let found = in_document(registry, &document, variables);
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(document)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let found = std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner));
        for field in found {
            tracing::debug!(field, "a client uses what is deprecated");
            self.metrics.deprecated(field);
        }
        next.run(ctx, operation_name).await
    }
}

fn has_deprecated(registry: &Registry) -> bool {
    let inputs = |inputs: &IndexMap<String, MetaInputValue>| {
        inputs.values().any(|input| input.deprecation.is_deprecated())
    };
    registry.types.values().any(|ty| match ty {
        MetaType::Object { fields, .. } | MetaType::Interface { fields, .. } => {
            fields.values().any(|field| field.deprecation.is_deprecated() || inputs(&field.args))
        }
        MetaType::InputObject { input_fields, .. } => inputs(input_fields),
        MetaType::Enum { enum_values, .. } => {
            enum_values.values().any(|word| word.deprecation.is_deprecated())
        }
        MetaType::Scalar { .. } | MetaType::Union { .. } => false,
    })
}

/// What is deprecated in the operations of a document. Each fragment is looked at once for each type it stands
/// in: a document cannot make this longer than itself, times the types that its fragments stand in.
fn in_document(
    registry: &Registry,
    document: &ExecutableDocument,
    variables: &Variables,
) -> BTreeSet<String> {
    let mut walk = Walk { registry, document, found: BTreeSet::new(), seen: HashSet::new() };
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let root = match operation.ty {
            OperationType::Query => Some(registry.query_type.as_str()),
            OperationType::Mutation => registry.mutation_type.as_deref(),
            OperationType::Subscription => registry.subscription_type.as_deref(),
        };
        if let Some(root) = root {
            walk.selections(root, &operation.selection_set.node);
        }
        for definition in &operation.variable_definitions {
            let definition = &definition.node;
            if let Some(value) = variables.get(&definition.name.node) {
                walk.value(&definition.var_type.node.to_string(), value);
            }
        }
    }
    walk.found
}

struct Walk<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    found: BTreeSet<String>,
    seen: HashSet<(&'a str, &'a Name)>,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, on: &'a str, set: &'a SelectionSet) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.field(on, &field.node),
                Selection::InlineFragment(part) => {
                    let condition = part.node.type_condition.as_ref();
                    let on = condition.map_or(on, |condition| condition.node.on.node.as_str());
                    self.selections(on, &part.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    if self.seen.insert((on, name)) {
                        self.selections(on, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn field(&mut self, on: &str, field: &'a Field) {
        let registry = self.registry;
        let Some(known) = registry.types.get(on).and_then(|ty| ty.field_by_name(&field.name.node)) else {
            return;
        };
        if known.deprecation.is_deprecated() {
            self.found.insert(format!("{on}.{}", field.name.node));
        }
        for (name, value) in &field.arguments {
            let Some(argument) = known.args.get(name.node.as_str()) else { continue };
            self.input(argument, || format!("{on}.{}.{}", field.name.node, name.node));
            // What variables hold is looked at with the variables.
            if let Ok(value) = value.node.clone().into_const_with(|_| Ok::<_, ()>(Value::Null)) {
                self.value(&argument.ty, &value);
            }
        }
        if let Some(ty) = registry.concrete_type_by_name(&known.ty) {
            self.selections(ty.name(), &field.selection_set.node);
        }
    }

    fn input(&mut self, input: &MetaInputValue, path: impl FnOnce() -> String) {
        if input.deprecation.is_deprecated() {
            self.found.insert(path());
        }
    }

    fn value(&mut self, ty: &str, value: &Value) {
        let registry = self.registry;
        match (registry.concrete_type_by_name(ty), value) {
            (_, Value::List(items)) => {
                for item in items {
                    self.value(ty, item);
                }
            }
            (Some(MetaType::InputObject { name: of, input_fields, .. }), Value::Object(fields)) => {
                for (name, value) in fields {
                    let Some(known) = input_fields.get(name.as_str()) else { continue };
                    self.input(known, || format!("{of}.{name}"));
                    self.value(&known.ty, value);
                }
            }
            (Some(MetaType::Enum { name: of, enum_values, .. }), Value::Enum(given)) => {
                self.word(of, enum_values.get(given.as_str()).map(|known| &known.deprecation), given);
            }
            (Some(MetaType::Enum { name: of, enum_values, .. }), Value::String(given)) => {
                self.word(of, enum_values.get(given.as_str()).map(|known| &known.deprecation), given);
            }
            _ => {}
        }
    }

    fn word(&mut self, of: &str, known: Option<&Deprecation>, given: &str) {
        if known.is_some_and(Deprecation::is_deprecated) {
            self.found.insert(format!("{of}.{given}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Enum, InputObject, Object, Request, Schema};
    use serde_json::json;

    use super::*;
    use crate::metrics::Observed;

    #[derive(Clone, Copy, PartialEq, Eq, Enum)]
    enum Colour {
        Red,
        #[graphql(deprecation = "Use RED. Removed after 2027-06-30.")]
        Crimson,
    }

    #[derive(InputObject)]
    struct Filter {
        #[graphql(deprecation = "Use colour. Removed after 2027-06-30.")]
        tint: Option<Colour>,
        colour: Option<Colour>,
    }

    struct Query;

    #[Object]
    impl Query {
        #[graphql(deprecation = "Use current. Removed after 2027-06-30.")]
        async fn old(&self) -> i32 {
            1
        }

        async fn current(
            &self,
            #[graphql(deprecation = "Use filter. Removed after 2027-06-30.")] limit: Option<i32>,
            filter: Option<Filter>,
        ) -> i32 {
            limit.unwrap_or_default()
                + i32::from(filter.is_some_and(|filter| filter.tint.or(filter.colour).is_some()))
        }
    }

    async fn used(query: &str, variables: serde_json::Value) -> Vec<String> {
        let metrics = Metrics::new();
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(CountsDeprecated::new(metrics.clone()))
            .finish();
        schema.execute(Request::new(query).variables(Variables::from_json(variables))).await;
        let text = metrics.encode(Observed::default());
        let lines =
            text.lines().filter(|line| line.starts_with("psa_gateway_graphql_deprecated_used_total{"));
        lines.map(|line| line.split('{').nth(1).unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn a_deprecated_field_counts_once_an_operation_wherever_it_stands() {
        let query = "{ a: old ...F ... { old } current } fragment F on Query { old ...F2 } fragment F2 on Query { old }";
        assert_eq!(used(query, json!({})).await, ["field=\"Query.old\"} 1"]);
        assert!(used("{ current }", json!({})).await.is_empty());
    }

    #[tokio::test]
    async fn arguments_input_fields_and_enum_values_count_in_the_document_and_in_variables() {
        let limit = used("{ current(limit: 1) }", json!({})).await;
        assert_eq!(limit, ["field=\"Query.current.limit\"} 1"]);
        let mut both = used("{ current(filter: { tint: CRIMSON }) }", json!({})).await;
        both.sort();
        assert_eq!(both, ["field=\"Colour.CRIMSON\"} 1", "field=\"Filter.tint\"} 1"]);
        let query = "query($filter: Filter) { current(filter: $filter) }";
        let mut both = used(query, json!({ "filter": { "tint": "CRIMSON" } })).await;
        both.sort();
        assert_eq!(both, ["field=\"Colour.CRIMSON\"} 1", "field=\"Filter.tint\"} 1"]);
        assert!(used(query, json!({ "filter": { "colour": "RED" } })).await.is_empty());
    }

    #[tokio::test]
    async fn what_is_refused_does_not_count() {
        assert!(used("{ old nothing }", json!({})).await.is_empty());
    }
}
