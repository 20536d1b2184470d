//! What a parsed document asks for, once its fragments are in their places.
//!
//! Everything here is bounded before it is followed: a fragment is weighed once, however often it is spread,
//! so that a kilobyte of fragments that double each other is never unfolded; and nothing goes deeper on the
//! stack than [`Limits::depth`] and a little.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned, ServerError, Value, Variables,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
        OperationType, Selection, SelectionSet,
    },
};
use async_graphql_value::Value as Given;

use super::{
    Limits, SHALLOWER, beyond,
    price::{Arguments, Prices},
    too_many,
};
use crate::graphql::errors::{code, refusal};

/// How much deeper than fields selections may be nested: fragments within fragments.
const FRAGMENT_LEVELS: usize = 4;
/// How many arguments a field may have: validation compares each with each.
const MAX_ARGUMENTS: usize = 64;
/// How many operations a document may have: validation follows the fragments from each.
const MAX_OPERATIONS: usize = 50;
/// How many variables an operation may have.
const MAX_VARIABLES: usize = 250;

/// What an operation asks for, within the limits.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct Shape {
    /// What it is.
    pub(in crate::graphql) kind: OperationType,
    /// Whether it asks about the schema itself.
    pub(in crate::graphql) is_introspection: bool,
    /// What it costs at the most.
    pub(in crate::graphql) cost: usize,
}

/// Looks at a document, at one of its operations, and at the variables it is given, which are completed with
/// the operation's defaults: async-graphql 7.2.1 looks past those at `@skip` and `@include`.
pub(in crate::graphql) fn look(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &mut Variables,
    limits: &Limits,
    prices: &Prices,
) -> Result<Shape, ServerError> {
    let operation = &operation(document, operation_name)?.node;
    complete(operation, variables)?;
    let variables = &*variables;
    let mut values = 0_usize;
    for value in variables.values() {
        values = values.saturating_add(items(value, limits)?);
    }
    if values > limits.tokens {
        return Err(too_many("values in `variables`", values, limits.tokens, "graphql_max_tokens"));
    }
    Weighing::new(document, variables, limits).all()?;

    let mut counting =
        Counting { fragments: &document.fragments, arguments: Arguments(variables), prices, depth: 0 };
    let root = match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let set = &operation.selection_set.node;
    let root_fields = counting.root_fields(set);
    if root_fields > limits.root_fields {
        let (what, setting) = ("fields at its root", "graphql_max_root_fields");
        return Err(too_many(what, root_fields, limits.root_fields, setting));
    }
    let cost = usize::try_from(counting.cost(set, root, 1, 1)).unwrap_or(usize::MAX);
    let (asked, maximum) = (counting.depth, limits.depth);
    if asked > maximum {
        let message = format!("this is nested {asked} levels deep, {maximum} are allowed; {SHALLOWER}");
        let requested = Some(("requestedQueryDepth", asked));
        return Err(beyond(code::DEPTH_LIMIT_EXCEEDED, message, requested, maximum));
    }
    let is_introspection = introspects(set, &document.fragments, &mut HashSet::new());
    Ok(Shape { kind: operation.ty, is_introspection, cost })
}

/// Finds the operation that is meant.
pub(in crate::graphql) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, ServerError> {
    let failure = |message: String| refusal(code::OPERATION_RESOLUTION_FAILURE, message);
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).ok_or_else(|| failure(format!("the document has no operation `{name}`")))
        }
        (DocumentOperations::Single(_), Some(name)) => {
            Err(failure(format!("the document has no operation `{name}`: its only one has no name")))
        }
        (DocumentOperations::Multiple(operations), None) => {
            let mut all = operations.values();
            match (all.next(), all.next()) {
                (Some(operation), None) => Ok(operation),
                _ => Err(failure("the document has several operations: name one".to_owned())),
            }
        }
    }
}

/// Puts defaults where nothing is given; an error where a variable is needed and has neither.
fn complete(operation: &OperationDefinition, variables: &mut Variables) -> Result<(), ServerError> {
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        if let (Some(default), false) = (&definition.node.default_value, variables.contains_key(name)) {
            variables.insert(name.clone(), default.node.clone());
        }
        if !definition.node.var_type.node.nullable && matches!(variables.get(name), None | Some(Value::Null))
        {
            return Err(refusal(code::BAD_USER_INPUT, format!("the variable `${name}` is missing")));
        }
    }
    Ok(())
}

/// How many values there are in one, itself counted; an error where a list is too long.
fn items(value: &Value, limits: &Limits) -> Result<usize, ServerError> {
    let mut values = 1_usize;
    match value {
        Value::List(list) => {
            list_of(list.len(), limits)?;
            for item in list {
                values = values.saturating_add(items(item, limits)?);
            }
        }
        Value::Object(object) => {
            for item in object.values() {
                values = values.saturating_add(items(item, limits)?);
            }
        }
        _ => {}
    }
    Ok(values)
}

fn list_of(len: usize, limits: &Limits) -> Result<(), ServerError> {
    if len <= limits.list_items {
        return Ok(());
    }
    let (maximum, setting) = (limits.list_items, "graphql_max_list_items");
    let message = format!("a list has {len} items, {maximum} are allowed (`{setting}`); send it in parts");
    Err(beyond(code::BAD_USER_INPUT, message, Some(("requested", len)), maximum))
}

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Whether `__schema` or `__type` is selected here, beside or within fragments.
fn introspects<'a>(set: &'a SelectionSet, fragments: &'a Fragments, seen: &mut HashSet<&'a Name>) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => matches!(field.node.name.node.as_str(), "__schema" | "__type"),
        Selection::InlineFragment(part) => introspects(&part.node.selection_set.node, fragments, seen),
        Selection::FragmentSpread(spread) => {
            let name = &spread.node.fragment_name.node;
            let fragment = fragments.get(name).filter(|_| seen.insert(name));
            fragment.is_some_and(|fragment| introspects(&fragment.node.selection_set.node, fragments, seen))
        }
    })
}

/// The first look: how much there is, without following anything twice.
struct Weighing<'a> {
    document: &'a ExecutableDocument,
    limits: &'a Limits,
    /// How many values each variable brings.
    variables: HashMap<&'a Name, usize>,
    /// Weight and height of the fragments seen; none while one is being looked at.
    known: HashMap<&'a Name, Option<(usize, usize)>>,
    aliases: usize,
    directives: usize,
}

impl<'a> Weighing<'a> {
    fn new(document: &'a ExecutableDocument, variables: &'a Variables, limits: &'a Limits) -> Self {
        // Their lists are within the limits by now.
        let weights =
            variables.iter().map(|(name, value)| (name, items(value, limits).unwrap_or(usize::MAX)));
        Self {
            document,
            limits,
            variables: weights.collect(),
            known: HashMap::new(),
            aliases: 0,
            directives: 0,
        }
    }

    fn all(mut self) -> Result<(), ServerError> {
        let limits = self.limits;
        let fragments = self.document.fragments.len();
        if fragments > limits.fragments {
            return Err(too_many("fragments", fragments, limits.fragments, "graphql_max_fragments"));
        }
        let operations = self.document.operations.iter().len();
        if operations > MAX_OPERATIONS {
            let message = format!("the document has {operations} operations: {MAX_OPERATIONS} at the most");
            return Err(beyond(code::COST_LIMIT_EXCEEDED, message, None, MAX_OPERATIONS));
        }
        let mut weight = 0_usize;
        for (_, operation) in self.document.operations.iter() {
            let operation = &operation.node;
            self.directives(&operation.directives)?;
            let variables = operation.variable_definitions.len();
            if variables > MAX_VARIABLES {
                let message = format!("an operation has {variables} variables: {MAX_VARIABLES} at the most");
                return Err(beyond(code::COST_LIMIT_EXCEEDED, message, None, MAX_VARIABLES));
            }
            for definition in &operation.variable_definitions {
                self.directives(&definition.node.directives)?;
                if let Some(default) = &definition.node.default_value {
                    weight = weight.saturating_add(items(&default.node, limits)?);
                }
            }
            let (more, _) = self.set(&operation.selection_set.node, 0)?;
            weight = weight.saturating_add(more);
        }
        // Fragments that nothing spreads are validated too.
        for (name, fragment) in &self.document.fragments {
            if !self.known.contains_key(name) {
                weight = weight.saturating_add(self.fragment(name, &fragment.node, 0)?.0);
            }
        }
        if weight > limits.fields {
            let what = "fields and values once its fragments and variables are in place";
            return Err(too_many(what, weight, limits.fields, "graphql_max_fields"));
        }
        if self.aliases > limits.aliases {
            return Err(too_many("aliases", self.aliases, limits.aliases, "graphql_max_aliases"));
        }
        if self.directives > limits.directives {
            return Err(too_many("directives", self.directives, limits.directives, "graphql_max_directives"));
        }
        Ok(())
    }

    /// Weight and height of a set, which stands so many levels down.
    fn set(&mut self, set: &'a SelectionSet, level: usize) -> Result<(usize, usize), ServerError> {
        self.level(level)?;
        let (mut weight, mut height) = (0_usize, 0_usize);
        for item in &set.items {
            self.directives(item.node.directives())?;
            let (more, high) = match &item.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::InlineFragment(part) => self.set(&part.node.selection_set.node, level + 1)?,
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    match (self.known.get(name), self.document.fragments.get(name)) {
                        (Some(Some(known)), _) => {
                            self.level(level + known.1)?;
                            *known
                        }
                        (Some(None), _) => {
                            let message = format!("the fragment `{name}` contains itself");
                            return Err(refusal(code::VALIDATION_FAILED, message));
                        }
                        // Validation says so in its own words.
                        (None, None) => (1, 0),
                        (None, Some(fragment)) => self.fragment(name, &fragment.node, level + 1)?,
                    }
                }
            };
            weight = weight.saturating_add(more);
            height = height.max(high + 1);
        }
        Ok((weight, height))
    }

    fn field(&mut self, field: &'a Field, level: usize) -> Result<(usize, usize), ServerError> {
        self.aliases += usize::from(field.alias.is_some());
        let mut weight = 1_usize;
        if field.arguments.len() > MAX_ARGUMENTS {
            let message =
                format!("a field has {} arguments: {MAX_ARGUMENTS} at the most", field.arguments.len());
            return Err(beyond(code::COST_LIMIT_EXCEEDED, message, None, MAX_ARGUMENTS));
        }
        for (_, value) in &field.arguments {
            weight = weight.saturating_add(self.value(&value.node)?);
        }
        if field.selection_set.node.items.is_empty() {
            return Ok((weight, 0));
        }
        let (more, height) = self.set(&field.selection_set.node, level + 1)?;
        Ok((weight.saturating_add(more), height))
    }

    fn fragment(
        &mut self,
        name: &'a Name,
        fragment: &'a FragmentDefinition,
        level: usize,
    ) -> Result<(usize, usize), ServerError> {
        self.known.insert(name, None);
        self.directives(&fragment.directives)?;
        let weighed = self.set(&fragment.selection_set.node, level)?;
        self.known.insert(name, Some(weighed));
        Ok(weighed)
    }

    /// How many values an argument brings, with its variables in their places.
    fn value(&self, value: &'a Given) -> Result<usize, ServerError> {
        let mut weight = 1_usize;
        match value {
            Given::Variable(name) => weight = self.variables.get(name).copied().unwrap_or(1),
            Given::List(list) => {
                list_of(list.len(), self.limits)?;
                for item in list {
                    weight = weight.saturating_add(self.value(item)?);
                }
            }
            Given::Object(object) => {
                for item in object.values() {
                    weight = weight.saturating_add(self.value(item)?);
                }
            }
            _ => {}
        }
        Ok(weight)
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) -> Result<(), ServerError> {
        let (asked, maximum) = (directives.len(), self.limits.directives_per_field);
        if asked > maximum {
            let what = "directives in one place";
            return Err(too_many(what, asked, maximum, "graphql_max_directives_per_field"));
        }
        self.directives += asked;
        for directive in directives {
            for (_, value) in &directive.node.arguments {
                self.value(&value.node)?;
            }
        }
        Ok(())
    }

    fn level(&self, level: usize) -> Result<(), ServerError> {
        let maximum = self.limits.depth;
        if level <= maximum + FRAGMENT_LEVELS {
            return Ok(());
        }
        let message = format!("this is nested deeper than the {maximum} levels allowed; {SHALLOWER}");
        Err(beyond(code::DEPTH_LIMIT_EXCEEDED, message, None, maximum))
    }
}

/// The second look, at one operation: what it costs. What the first look let through is small enough to be
/// followed fragment by fragment, in whatever place each stands.
struct Counting<'a> {
    fragments: &'a Fragments,
    arguments: Arguments<'a>,
    prices: &'a Prices,
    depth: usize,
}

impl Counting<'_> {
    fn root_fields(&self, set: &SelectionSet) -> usize {
        let of = |item: &Positioned<Selection>| match &item.node {
            Selection::Field(_) => 1,
            Selection::InlineFragment(part) => self.root_fields(&part.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let fragment = self.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(0, |fragment| self.root_fields(&fragment.node.selection_set.node))
            }
        };
        set.items.iter().map(of).sum()
    }

    /// What a set costs that is asked of a type, so many fields down, in a page of a size.
    fn cost(&mut self, set: &SelectionSet, parent: &str, page: u64, depth: usize) -> u64 {
        let mut cost = 0_u64;
        for item in &set.items {
            if self.is_left_out(item.node.directives()) {
                continue;
            }
            let more = match &item.node {
                Selection::Field(field) => {
                    self.depth = self.depth.max(depth);
                    let field = &field.node;
                    let price = self.prices.get(parent, &field.name.node);
                    let size = price.page(field, &self.arguments);
                    let below = self.cost(&field.selection_set.node, &price.gives, size, depth + 1);
                    price.cost(field, &self.arguments, page, below)
                }
                Selection::InlineFragment(part) => {
                    let on = part.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    self.cost(&part.node.selection_set.node, on.unwrap_or(parent), page, depth)
                }
                Selection::FragmentSpread(spread) => {
                    let fragments = self.fragments;
                    let Some(fragment) = fragments.get(&spread.node.fragment_name.node) else { continue };
                    let on = &fragment.node.type_condition.node.on.node;
                    self.cost(&fragment.node.selection_set.node, on, page, depth)
                }
            };
            cost = cost.saturating_add(more);
        }
        cost
    }

    /// Whether `@skip` or `@include` leaves it out.
    fn is_left_out(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().any(|directive| {
            let leaves_out = match directive.node.name.node.as_str() {
                "skip" => true,
                "include" => false,
                _ => return false,
            };
            let given =
                directive.node.get_argument("if").and_then(|given| self.arguments.resolve(&given.node));
            given == Some(Value::Boolean(leaves_out))
        })
    }
}

#[cfg(test)]
mod tests;
