//! Answers as HTTP sends them.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use async_graphql::{Response, ServerError, Value};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use std::collections::BTreeMap;

use super::{browser, graphiql, media::Media, refusal::Refusal};
use crate::ground::Ground;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

/// The answer to an operation that was executed, whatever came of its fields.
pub(super) fn executed(response: &Response, media: Media) -> HttpResponse {
    render(StatusCode::OK, media, Some(&response.data), response)
}

/// The answer to one that was not. It has no `data`, as the standard asks.
pub(super) fn refused(refusal: Refusal, media: Media, request_id: &str) -> HttpResponse {
    let status = match media {
        Media::Json => refusal.legacy_status,
        Media::Response => refusal.status,
    };
    let headers = refusal.headers.clone();
    let mut answer = render(status, media, None, &refusal.into_response(request_id));
    for (name, value) in headers {
        answer.headers_mut().insert(name, value);
    }
    answer
}

fn render(status: StatusCode, media: Media, data: Option<&Value>, response: &Response) -> HttpResponse {
    let body = Body { errors: &response.errors, data, extensions: &response.extensions };
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, format!("{}; charset=utf-8", media.name())))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .body(serde_json::to_vec(&body).unwrap_or_default())
}

/// GraphiQL.
pub(super) fn page(assets: &str, endpoint: &str, ground: &Ground) -> HttpResponse {
    let nonce = STANDARD.encode(ground.chance.bytes::<16>());
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, graphiql::content_security_policy(assets, &nonce)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .body(graphiql::page(assets, endpoint, &nonce))
}

/// The form before GraphiQL, with what was wrong where something was.
pub(super) fn sign_in(status: StatusCode, message: &str, ground: &Ground) -> HttpResponse {
    let nonce = STANDARD.encode(ground.chance.bytes::<16>());
    let mut answer = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    answer
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, graphiql::sign_in_security_policy(&nonce)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .body(graphiql::sign_in(message, browser::FORM, &nonce))
}
