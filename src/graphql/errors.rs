//! Errors of the domain on their way out.
//!
//! What a person can mend by typing something else stands in a mutation's `userErrors` (`payload!`).
//! Everything else is a top-level error with a code. A resolver just uses `?`: the domain's error stays
//! in the GraphQL error as its source, and [`finish`] turns it into message and code in one place; the
//! cause of an internal error goes to the log, under the request id that the client is given.

use std::{error::Error as _, sync::Arc};

use async_graphql::{Enum, ErrorExtensionValues, Response, ServerError};

use crate::error::{Error, ProblemCode};

/// Stable codes of top-level errors, as `extensions.code`.
pub mod code {
    /// The document is not GraphQL.
    pub const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
    /// The document does not fit the schema.
    pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
    /// The request, a variable or an argument is not of the right form.
    pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
    /// The operation named is not in the document, or none is named and there are several.
    pub const OPERATION_RESOLUTION_FAILURE: &str = "OPERATION_RESOLUTION_FAILURE";
    /// No valid access token.
    pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    /// The role, or the installation's settings, do not allow it.
    pub const FORBIDDEN: &str = "FORBIDDEN";
    /// An idempotency key was used before, for something else.
    pub const IDEMPOTENCY_CONFLICT: &str = "IDEMPOTENCY_CONFLICT";
    /// It is not there, or not the asker's.
    pub const NOT_FOUND: &str = "NOT_FOUND";
    /// Nobody has sent the document of that hash yet: send its text beside the hash.
    pub const PERSISTED_QUERY_NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
    /// Documents are not kept under hashes: send the text.
    pub const PERSISTED_QUERY_NOT_SUPPORTED: &str = "PERSISTED_QUERY_NOT_SUPPORTED";
    /// Only registered documents run, and this is none.
    pub const NOT_REGISTERED: &str = "PERSISTED_QUERY_NOT_IN_LIST";
    /// Too much is asked for at once, or the organization's budget is used up: the same request may work in a
    /// moment; `Retry-After` says when, where there are headers.
    pub const THROTTLED: &str = "THROTTLED";
    /// The query asks for more than one answer may cost.
    pub const COST_LIMIT_EXCEEDED: &str = "COST_LIMIT_EXCEEDED";
    /// The query is nested deeper than allowed.
    pub const DEPTH_LIMIT_EXCEEDED: &str = "DEPTH_LIMIT_EXCEEDED";
    /// It took too long.
    pub const TIMEOUT: &str = "TIMEOUT";
    /// The database is away; the same request may work in a moment.
    pub const SERVICE_UNAVAILABLE: &str = "SERVICE_UNAVAILABLE";
    /// A subscription missed events because they were not taken fast enough, and has ended.
    pub const SLOW_CONSUMER: &str = "SLOW_CONSUMER";
    /// Our fault.
    pub const INTERNAL_SERVER_ERROR: &str = "INTERNAL_SERVER_ERROR";
}

/// A top-level error with its code, before anything is executed.
pub fn refusal(code: &str, message: impl Into<String>) -> ServerError {
    coded(ServerError::new(message, None), code)
}

pub(super) fn coded(mut error: ServerError, code: &str) -> ServerError {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
    error
}

/// Gives every error of a response its code and request id, hides what is internal and logs it.
pub fn finish(response: &mut Response, request_id: &str) {
    for error in &mut response.errors {
        let domain = error.source::<Error>().or_else(|| error.source::<Arc<Error>>().map(AsRef::as_ref));
        let code = match domain {
            Some(Error::Invalid(_)) => Some(code::BAD_USER_INPUT),
            Some(Error::NotFound) => Some(code::NOT_FOUND),
            Some(Error::Forbidden { .. } | Error::Hidden { .. }) => Some(code::FORBIDDEN),
            Some(Error::KeyConflict | Error::Repeated) => Some(code::IDEMPOTENCY_CONFLICT),
            Some(Error::Unavailable(cause)) => {
                tracing::warn!(request.id = request_id, error = %cause, "a query met a database that is away");
                Some(code::SERVICE_UNAVAILABLE)
            }
            Some(Error::Internal(cause)) => {
                tracing::error!(
                    request.id = request_id,
                    path = ?error.path,
                    error = format!("{cause:#}"),
                    "a query failed"
                );
                Some(code::INTERNAL_SERVER_ERROR)
            }
            None => None,
        };
        let has_code = error.extensions.as_ref().is_some_and(|values| values.get("code").is_some());
        let code = match code {
            _ if has_code => None,
            Some(code) => Some(code),
            // async-graphql's own words about an argument that it cannot read.
            None if ["Failed to parse", "Expected input type", "Variable "]
                .iter()
                .any(|start| error.source.is_none() && error.message.starts_with(start)) =>
            {
                Some(code::BAD_USER_INPUT)
            }
            None => {
                tracing::error!(request.id = request_id, path = ?error.path, error = error.message, "a query failed");
                "internal error".clone_into(&mut error.message);
                Some(code::INTERNAL_SERVER_ERROR)
            }
        };
        let values = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if let Some(code) = code {
            values.set("code", code);
        }
        values.set("requestId", request_id);
    }
}

/// The chain of causes of an error, for logs.
pub fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// What is wrong with an input. New kinds may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ProblemCode")]
pub enum UserErrorCode {
    /// It must be given.
    Required,
    /// It is not of the right form.
    Invalid,
    /// It is too long.
    TooLong,
    /// Another one has it already.
    Taken,
    /// What it refers to is not there.
    NotFound,
    /// It is not among the PSA's own values, or does not go with the others.
    NotInPickList,
    /// The thing is not in a state that allows it.
    WrongState,
    /// It is still used.
    InUse,
    /// Somebody else changed it meanwhile: its version is not the expected one. Read it again.
    Stale,
}

/// The place of a problem as clients see it: in camel case, from `input` on. Keys of open sets (what
/// stands below `fields` or `credentials`) are nobody's names but the platform's and stay as they are.
pub fn field_path(path: &[String]) -> Option<Vec<String>> {
    if path.is_empty() {
        return None;
    }
    let mut open = false;
    let mut names = vec!["input".to_owned()];
    for name in path {
        names.push(if open { name.clone() } else { camel_case(name) });
        open = open || name == "fields" || name == "credentials";
    }
    Some(names)
}

fn camel_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
        } else if upper {
            text.extend(letter.to_uppercase());
            upper = false;
        } else {
            text.push(letter);
        }
    }
    text
}

/// Makes a mutation's payload and its type of user errors:
///
/// ```ignore
/// payload! {
///     /// What `webhookDeliveryRedrive` answers.
///     WebhookDeliveryRedrivePayload, WebhookDeliveryRedriveUserError {
///         /// The delivery, queued again.
///         webhook_delivery: WebhookDelivery,
///     }
/// }
/// ```
///
/// `Payload::done(thing)` is the good answer; `Payload::answer(result)` turns what is invalid into
/// `userErrors` and everything else into a top-level error, which leaves the other mutations of the request
/// as they are (payloads are nullable). List the error type in `mutations/mod.rs`.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident, $error:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(::async_graphql::SimpleObject)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)+
            /// What is wrong with the input, all of it at once; empty when it was done.
            pub user_errors: Vec<$error>,
        }

        impl $name {
            /// It was done.
            pub fn done($($field: $type),+) -> Self {
                Self { $($field: Some($field),)+ user_errors: Vec::new() }
            }

            /// The answer to a mutation.
            pub fn answer(
                result: Result<Self, $crate::error::Error>,
            ) -> ::async_graphql::Result<Option<Self>> {
                match result {
                    Ok(payload) => Ok(Some(payload)),
                    Err($crate::error::Error::Invalid(problems)) => Ok(Some(Self {
                        $($field: None,)+
                        user_errors: problems.into_iter().map($error).collect(),
                    })),
                    Err(error) => Err(error.into()),
                }
            }
        }

        /// Something in the input that a person can mend.
        pub struct $error($crate::error::Problem);

        /// Something in the input that a person can mend.
        #[::async_graphql::Object]
        impl $error {
            /// Stable, for programs.
            pub async fn code(&self) -> $crate::graphql::errors::UserErrorCode {
                self.0.code.into()
            }

            /// The path of the input's field, e.g. `["input", "slug"]`; null when it concerns the whole.
            pub async fn field(&self) -> Option<Vec<String>> {
                $crate::graphql::errors::field_path(&self.0.field)
            }

            /// For people: what is wrong and what to do. May change.
            pub async fn message(&self) -> &str {
                &self.0.message
            }
        }
    };
}

pub(crate) use payload;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_clients_names_and_keys_stay_as_they_are() {
        let path =
            |parts: &[&str]| field_path(&parts.iter().map(|&part| part.to_owned()).collect::<Vec<_>>());
        assert_eq!(path(&["status_on_close"]).unwrap(), ["input", "statusOnClose"]);
        assert_eq!(path(&["fields", "category_1"]).unwrap(), ["input", "fields", "category_1"]);
        assert_eq!(path(&[]), None);
    }
}
