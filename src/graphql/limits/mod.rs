//! What a document may ask for, looked at before it is executed: its text is measured before it is parsed
//! ([`text`]), its shape once it is ([`shape`]), and what it may cost by the price of each field ([`price`]).

pub(super) mod price;
pub(super) mod shape;
pub(super) mod text;

use async_graphql::{ErrorExtensionValues, ServerError};

use super::errors::{code, refusal};

/// How far documents and variables may go. `check-config --print` names the setting of each.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a document may be, in bytes.
    pub document_bytes: usize,
    /// How many tokens a document may have, and how many values the variables.
    pub tokens: usize,
    /// How deep fields may be nested. GraphiQL's own question about the schema is 15 deep.
    pub depth: usize,
    /// How many fields and values a document may have once its fragments and variables are in their places.
    pub fields: usize,
    /// How many aliases a document may have.
    pub aliases: usize,
    /// How many fields an operation may ask for at its root.
    pub root_fields: usize,
    /// How many directives a document may have.
    pub directives: usize,
    /// How many directives one place may have.
    pub directives_per_field: usize,
    /// How many items a list in arguments or variables may have.
    pub list_items: usize,
    /// How many fragments a document may have: a chain of them is followed on the stack.
    pub fragments: usize,
    /// What one operation may cost.
    pub cost: usize,
    /// Whether everybody may ask for the schema.
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 65_536,
            tokens: 10_000,
            depth: 16,
            fields: 5_000,
            aliases: 100,
            root_fields: 50,
            directives: 50,
            directives_per_field: 5,
            list_items: 1_000,
            fragments: 100,
            cost: 25_000,
            introspection: true,
        }
    }
}

/// What to do about a document that is too deep.
pub(super) const SHALLOWER: &str = "ask for less at once and go on from an id with `node`";

/// What is asked for is beyond a limit; both numbers, where they are known, for programs.
pub(super) fn beyond(
    code: &str,
    message: String,
    requested: Option<(&str, usize)>,
    maximum: usize,
) -> ServerError {
    let mut error = refusal(code, message);
    let values = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if let Some((name, number)) = requested {
        values.set(name, number);
    }
    values.set("maximumAvailable", maximum);
    error
}

/// There is more of something than a setting allows.
pub(super) fn too_many(what: &str, asked: usize, maximum: usize, setting: &str) -> ServerError {
    let message = format!("this has {asked} {what}, {maximum} are allowed (`{setting}`); split it");
    beyond(code::COST_LIMIT_EXCEEDED, message, Some(("requested", asked)), maximum)
}
