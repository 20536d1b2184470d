//! Holds each address to its number of requests, before anything of a request is looked at.

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderValue},
    middleware::Next,
    web,
};
use serde_json::json;

use super::{
    errors::code,
    media::{self, Media},
};
use crate::{
    entrance::{Caller, Entrance, Wait},
    metrics::Metrics,
    request_id::RequestId,
};

/// Everything of GraphQL is below it.
const PATH: &str = "/graphql";

/// Lets requests for GraphQL in while their address has room; everything else passes by.
pub async fn gate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let is_ours =
        request.path().strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let wait = request
        .app_data::<web::Data<Entrance>>()
        .filter(|_| is_ours)
        .and_then(|entrance| entrance.dashboard(Caller::of(request.request())).err());
    match wait {
        None => Ok(next.call(request).await?.map_into_left_body()),
        Some(wait) => {
            if let Some(metrics) = request.app_data::<web::Data<Metrics>>() {
                metrics.refused("graphql", "throttled");
            }
            let answer = throttled(request.request(), wait);
            Ok(request.into_response(answer).map_into_right_body())
        }
    }
}

/// What somebody is answered who comes too often.
pub(super) fn message(wait: Wait) -> String {
    format!("too many requests; come again in {} s, and then less often", wait.secs)
}

fn throttled(request: &HttpRequest, wait: Wait) -> HttpResponse {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let media = media::negotiate(accept.unwrap_or_default()).unwrap_or(Media::Json);
    let error = json!({
        "message": message(wait),
        "extensions": {
            "code": code::THROTTLED, "retryAfterSeconds": wait.secs, "requestId": RequestId::of(request),
        },
    });
    HttpResponse::TooManyRequests()
        .insert_header((header::RETRY_AFTER, HeaderValue::from(wait.secs)))
        .insert_header((header::CONTENT_TYPE, format!("{}; charset=utf-8", media.name())))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .body(json!({ "errors": [error] }).to_string())
}
