//! An answer that says no before anything is executed.

use actix_web::http::{
    StatusCode,
    header::{HeaderName, HeaderValue, RETRY_AFTER},
};
use async_graphql::{Response, ServerError, Value};

use super::errors::{self, code, refusal};

/// Why an operation is not executed, for any transport.
#[derive(Debug)]
pub struct Refusal {
    /// The status in `application/graphql-response+json`, and of other transports that have one.
    pub status: StatusCode,
    /// The status in `application/json`, whose clients take a body for GraphQL's only with 200.
    pub legacy_status: StatusCode,
    /// What is wrong.
    pub errors: Vec<ServerError>,
    /// `extensions.cost`, where it is known.
    pub cost: Option<Box<Value>>,
    /// Headers that go with it.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// Of what is no GraphQL request, or not let in: the same status in every media type.
    pub fn outright(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let errors = vec![refusal(code, message)];
        Self { status, legacy_status: status, errors, cost: None, headers: Vec::new() }
    }

    /// Of what is no GraphQL request: 400.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::outright(StatusCode::BAD_REQUEST, code::BAD_USER_INPUT, message)
    }

    /// Of a request that is well-formed and wrong: 400, or 200 for those who only know JSON.
    pub fn of(errors: Vec<ServerError>) -> Self {
        let (status, legacy_status) = (StatusCode::BAD_REQUEST, StatusCode::OK);
        Self { status, legacy_status, errors, cost: None, headers: Vec::new() }
    }

    /// Whether the status is the same for everybody: it was no GraphQL request, or not let in.
    pub fn is_outright(&self) -> bool {
        self.status == self.legacy_status
    }

    /// What was wrong first.
    pub(super) fn message(&self) -> &str {
        self.errors.first().map_or("", |error| &error.message)
    }

    /// The same with another status for those who know the newer media type.
    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same with what it would have cost.
    pub(super) fn cost(self, cost: Value) -> Self {
        Self { cost: Some(Box::new(cost)), ..self }
    }

    /// The same with a header.
    pub(super) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The same, to be tried again in so many seconds.
    pub(super) fn retry_after(mut self, secs: u64) -> Self {
        self.headers.push((RETRY_AFTER, HeaderValue::from(secs)));
        self
    }

    /// As an answer, every error with its code and request id.
    pub fn into_response(self, request_id: &str) -> Response {
        let mut response = Response::from_errors(self.errors);
        errors::finish(&mut response, request_id);
        response.extensions.extend(self.cost.map(|cost| ("cost".to_owned(), *cost)));
        response
    }
}

impl From<ServerError> for Refusal {
    fn from(error: ServerError) -> Self {
        Self::of(vec![error])
    }
}

/// What nobody asking can mend.
pub(super) fn internal() -> Refusal {
    Refusal::outright(StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL_SERVER_ERROR, "internal error")
}
