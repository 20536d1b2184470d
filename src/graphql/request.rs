//! A request, read and checked as far as that goes without the schema.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned, Request, ServerError, Value, Variables,
    parser::{
        parse_query,
        types::{
            DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
            Selection, SelectionSet,
        },
    },
};
use serde_json::Value as Json;

use super::errors::{code, refusal};

/// How deep brackets of a document may be nested: the parser calls itself for each.
const MAX_BRACKETS: usize = 64;
/// How many fields a document may have once its fragments are put in their places.
const MAX_SELECTIONS: usize = 10_000;
/// How many fragments a document may have: a chain of them is followed on the stack.
const MAX_FRAGMENTS: usize = 200;

/// A request that may be executed.
pub(super) struct Checked {
    pub(super) request: Request,
    pub(super) operation: OperationType,
    /// Whether it asks about the schema itself.
    pub(super) is_introspection: bool,
}

/// Reads the body of a POST.
pub(super) fn from_json(body: &[u8]) -> Result<Request, ServerError> {
    let wrong = |message: &str| refusal(code::BAD_USER_INPUT, message);
    let body: Json = serde_json::from_slice(body)
        .map_err(|error| refusal(code::BAD_USER_INPUT, format!("the body is not JSON: {error}")))?;
    let Json::Object(mut body) = body else {
        return Err(wrong(if body.is_array() {
            "batches of requests are not taken; send one, with several fields"
        } else {
            "the body is not a JSON object; send {\"query\": …}"
        }));
    };
    let query = match body.remove("query") {
        Some(Json::String(query)) => query,
        Some(Json::Null) | None => return Err(wrong("`query` is missing")),
        Some(_) => return Err(wrong("`query` is not a text")),
    };
    let operation_name = match body.remove("operationName") {
        Some(Json::String(name)) => Some(name),
        Some(Json::Null) | None => None,
        Some(_) => return Err(wrong("`operationName` is not a text")),
    };
    let variables = body.remove("variables");
    if body.remove("extensions").is_some_and(|extensions| !extensions.is_object() && !extensions.is_null()) {
        return Err(wrong("`extensions` is not an object"));
    }
    request(query, operation_name, variables)
}

/// Reads the query string of a GET.
pub(super) fn from_query(query_string: &str) -> Result<Request, ServerError> {
    let mut fields: HashMap<String, String> =
        url::form_urlencoded::parse(query_string.as_bytes()).into_owned().collect();
    let query = fields.remove("query").ok_or_else(|| refusal(code::BAD_USER_INPUT, "`query` is missing"))?;
    let variables = fields
        .remove("variables")
        .filter(|text| !text.is_empty())
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| refusal(code::BAD_USER_INPUT, format!("`variables` is not JSON: {error}")))?;
    request(query, fields.remove("operationName").filter(|name| !name.is_empty()), variables)
}

fn request(
    query: String,
    operation_name: Option<String>,
    variables: Option<Json>,
) -> Result<Request, ServerError> {
    let variables = match variables {
        None | Some(Json::Null) => Variables::default(),
        Some(variables @ Json::Object(_)) => Variables::from_json(variables),
        Some(_) => return Err(refusal(code::BAD_USER_INPUT, "`variables` is not an object")),
    };
    let request = Request::new(query).variables(variables);
    Ok(match operation_name {
        Some(name) => request.operation_name(name),
        None => request,
    })
}

/// Parses the document, finds the operation and looks whether its variables are there.
pub(super) fn check(mut request: Request) -> Result<Checked, ServerError> {
    if nesting(&request.query) > MAX_BRACKETS {
        let message = format!("brackets are nested deeper than {MAX_BRACKETS}");
        return Err(refusal(code::DEPTH_LIMIT_EXCEEDED, message));
    }
    let document = parse_query(&request.query).map_err(|error| {
        let mut error = ServerError::from(error);
        let refusal = refusal(code::PARSE_FAILED, "");
        error.extensions = refusal.extensions;
        error
    })?;
    if selections(&document)? > MAX_SELECTIONS {
        let message = format!("the document has more than {MAX_SELECTIONS} fields");
        return Err(refusal(code::COST_LIMIT_EXCEEDED, message));
    }
    let operation = operation(&document, request.operation_name.as_deref())?;
    for definition in &operation.node.variable_definitions {
        let name = &definition.node.name.node;
        let is_needed = !definition.node.var_type.node.nullable && definition.node.default_value.is_none();
        if is_needed && matches!(request.variables.get(name), None | Some(Value::Null)) {
            let message = format!("the variable `${name}` is missing");
            return Err(refusal(code::BAD_USER_INPUT, message));
        }
    }
    let root = &operation.node.selection_set.node;
    let is_introspection = introspects(root, &document.fragments, &mut HashSet::new());
    let operation = operation.node.ty;
    // async-graphql takes a name only where the document has named operations.
    request.set_parsed_query(document);
    Ok(Checked { request, operation, is_introspection })
}

fn operation<'a>(
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

/// How deep brackets are nested, outside texts and comments.
fn nesting(query: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = query;
    while let Some(letter) = rest.chars().next() {
        let skipped = match letter {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' => text_len(rest),
            '{' | '[' | '(' => {
                depth += 1;
                deepest = deepest.max(depth);
                1
            }
            '}' | ']' | ')' => {
                depth = depth.saturating_sub(1);
                1
            }
            other => other.len_utf8(),
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    deepest
}

/// The length of the text that begins here, with its quotes.
fn text_len(rest: &str) -> usize {
    let (quote, start) = if rest.starts_with("\"\"\"") { ("\"\"\"", 3) } else { ("\"", 1) };
    let mut at = start;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(quote) {
            return at + quote.len();
        }
        let escaped = usize::from(tail.starts_with('\\'));
        at += tail.chars().take(escaped + 1).map(char::len_utf8).sum::<usize>();
    }
    rest.len()
}

/// How many fields a document has once its fragments are in their places. Counting fragment by fragment
/// keeps a document of fragments that double each other from being unfolded.
fn selections(document: &ExecutableDocument) -> Result<usize, ServerError> {
    if document.fragments.len() > MAX_FRAGMENTS {
        let message = format!("the document has more than {MAX_FRAGMENTS} fragments");
        return Err(refusal(code::VALIDATION_FAILED, message));
    }
    let mut known = HashMap::new();
    let mut total = 0_usize;
    for (_, operation) in document.operations.iter() {
        let set = &operation.node.selection_set.node;
        total = total.saturating_add(weigh(set, &document.fragments, &mut known)?);
    }
    Ok(total)
}

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

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

fn weigh<'a>(
    set: &'a SelectionSet,
    fragments: &'a Fragments,
    known: &mut HashMap<&'a Name, Option<usize>>,
) -> Result<usize, ServerError> {
    let mut weight = 0_usize;
    for item in &set.items {
        let more = match &item.node {
            Selection::Field(field) => 1 + weigh(&field.node.selection_set.node, fragments, known)?,
            Selection::InlineFragment(part) => weigh(&part.node.selection_set.node, fragments, known)?,
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                match (known.get(name), fragments.get(name)) {
                    (Some(Some(weight)), _) => *weight,
                    (Some(None), _) => {
                        let message = format!("the fragment `{name}` contains itself");
                        return Err(refusal(code::VALIDATION_FAILED, message));
                    }
                    // Validation says so in its own words.
                    (None, None) => 1,
                    (None, Some(fragment)) => {
                        known.insert(name, None);
                        let weight = weigh(&fragment.node.selection_set.node, fragments, known)?;
                        known.insert(name, Some(weight));
                        weight
                    }
                }
            }
        };
        weight = weight.saturating_add(more);
    }
    Ok(weight)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn code_of(query: &str) -> String {
        let error = check(Request::new(query)).err().unwrap();
        error.extensions.unwrap().get("code").unwrap().to_string()
    }

    #[test]
    fn what_would_unfold_or_overflow_is_refused_before_it_is_parsed_further() {
        let deep = format!("{{ node(id: {}{}) {{ id }} }}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(code_of(&deep), "\"DEPTH_LIMIT_EXCEEDED\"");

        let mut doubling = String::from("{ ...F0 }");
        for n in 0..60 {
            let _ = write!(doubling, " fragment F{n} on Query {{ ...F{} ...F{} }}", n + 1, n + 1);
        }
        doubling.push_str(" fragment F60 on Query { __typename }");
        assert_eq!(code_of(&doubling), "\"COST_LIMIT_EXCEEDED\"");
        assert_eq!(code_of("{ ...A } fragment A on Query { ...A ...A }"), "\"GRAPHQL_VALIDATION_FAILED\"");
    }

    #[test]
    fn a_question_about_the_schema_is_seen_through_fragments() {
        let asks = |query: &str| check(Request::new(query)).ok().unwrap().is_introspection;
        assert!(asks("{ a: __schema { types { name } } }"));
        assert!(asks("{ ...A } fragment A on Query { ... { __type(name: \"Ticket\") { name } } }"));
        assert!(!asks("{ __typename node(id: 1) { __typename } }"));
        let two = "query A { __typename } query B { __schema { types { name } } }";
        assert!(!check(Request::new(two).operation_name("A")).ok().unwrap().is_introspection);
    }

    #[test]
    fn brackets_in_texts_and_comments_do_not_count() {
        assert_eq!(nesting("{ a(b: \"[[[\\\"[[\") # {{{{\n }"), 2);
        assert_eq!(nesting("{ a(b: \"\"\"[[ \" \\\"\"\" [[\"\"\") }"), 2);
        assert_eq!(nesting("\"open [[["), 0);
    }

    #[test]
    fn an_operation_is_found_by_its_name_and_a_missing_variable_is_named() {
        assert_eq!(
            code_of("query A { __typename } query B { __typename }"),
            "\"OPERATION_RESOLUTION_FAILURE\""
        );
        assert_eq!(code_of("query ($id: ID!) { node(id: $id) { id } }"), "\"BAD_USER_INPUT\"");
        assert_eq!(code_of("{"), "\"GRAPHQL_PARSE_FAILED\"");
        assert_eq!(check(Request::new("mutation { a }")).ok().unwrap().operation, OperationType::Mutation);
    }
}
