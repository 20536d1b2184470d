//! Which web pages may ask from a browser (Fetch standard, CORS protocol). None, unless the operator names
//! their origins.
//!
//! Credentials in the standard's sense (cookies, client certificates) are never allowed, and none are used: a
//! page must bring the access token itself. That is also why a query by GET needs no guard of its own against
//! forgery: `Authorization` is no header that a foreign page may send without asking first.

use std::collections::BTreeSet;

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web,
};
use serde_json::json;

use super::{doors::Doors, errors::code};
use crate::request_id::RequestId;

/// How long a browser may keep a permission, in seconds.
const MAX_AGE_SECS: &str = "600";
const METHODS: &str = "GET, POST";
/// Beside what every client sends: what Apollo Client names itself with, and W3C Trace Context and Baggage.
const ASKED_WITH: &str = "Accept, Authorization, Content-Type, X-Request-Id, Apollographql-Client-Name, \
     Apollographql-Client-Version, Apollo-Require-Preflight, Traceparent, Tracestate, Baggage";
const READABLE: &str = "Retry-After, X-Request-Id";

/// The origins whose pages may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    any: bool,
    named: BTreeSet<String>,
}

impl Origins {
    /// Origins as browsers write them, such as `https://dashboard.example.com`; `*` alone means all.
    pub fn new(origins: impl IntoIterator<Item = String>) -> Self {
        let named: BTreeSet<String> = origins.into_iter().collect();
        Self { any: named.contains("*"), named }
    }

    /// Whether pages of that origin may ask.
    pub fn allows(&self, origin: &str) -> bool {
        self.any || self.named.contains(origin)
    }

    /// What `Access-Control-Allow-Origin` says to them.
    fn answer(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.any {
            return Some(HeaderValue::from_static("*"));
        }
        origin.to_str().ok().filter(|origin| self.named.contains(*origin)).map(|_| origin.clone())
    }
}

/// Answers browsers that ask beforehand, and tells them who may read an answer.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let doors = request.app_data::<web::Data<Doors>>();
    let allowed = origin.as_ref().zip(doors).and_then(|(origin, doors)| doors.origins().answer(origin));
    let asks_first = request.method() == Method::OPTIONS
        && origin.is_some()
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if asks_first {
        let answer = preflight(allowed.is_some(), &RequestId::of(request.request()));
        request.into_response(answer)
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let headers = response.headers_mut();
    vary(headers, "Origin");
    if let Some(allowed) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(READABLE));
    }
    Ok(response)
}

fn preflight(is_allowed: bool, request_id: &str) -> HttpResponse {
    let vary = (header::VARY, "Access-Control-Request-Method, Access-Control-Request-Headers");
    if !is_allowed {
        let error = json!({
            "message": "pages of this origin may not ask here; the operator names them in `cors_origins`",
            "extensions": { "code": code::FORBIDDEN, "requestId": request_id },
        });
        return HttpResponse::Forbidden().insert_header(vary).json(json!({ "errors": [error] }));
    }
    HttpResponse::NoContent()
        .insert_header(vary)
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ASKED_WITH))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECS))
        .finish()
}

fn vary(headers: &mut HeaderMap, name: &'static str) {
    let value = match headers.get(header::VARY).and_then(|value| value.to_str().ok()) {
        Some(others) => HeaderValue::from_str(&format!("{others}, {name}")),
        None => Ok(HeaderValue::from_static(name)),
    };
    if let Ok(value) = value {
        headers.insert(header::VARY, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_allowed_letter_by_letter() {
        let origins = Origins::new(["https://dash.example.com".to_owned()]);
        assert!(origins.allows("https://dash.example.com"));
        for other in [
            "https://dash.example.com.evil.example",
            "https://dash.example.com:8443",
            "http://dash.example.com",
            "https://evil-dash.example.com",
            "null",
            "*",
            "",
        ] {
            assert!(!origins.allows(other), "{other}");
        }
        assert!(!Origins::default().allows("https://dash.example.com"));
    }
}
