//! The id under which everything about one request is found: in logs, answers and stored deliveries.

use actix_web::{
    Error, HttpMessage as _, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web,
};
use tracing::Instrument as _;

use crate::{
    ground::Ground,
    telemetry::traces::{self, span_of_kind},
};

/// The name of the header, coming and going.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request.
#[derive(Clone, Debug)]
pub struct RequestId(String);

impl RequestId {
    /// The id of this request; empty outside [`middleware`].
    pub fn of(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// Gives every request an id (a proxy's own, where it is 8 to 64 letters, digits, `-` or `_`), logs it as a
/// span, and answers with it.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let given = request.headers().get(HEADER).and_then(|id| id.to_str().ok()).filter(|id| is_plain(id));
    let id = match (given, request.app_data::<web::Data<Ground>>()) {
        (Some(id), _) => id.to_owned(),
        (None, Some(ground)) => ground.chance.alphanumeric(20),
        (None, None) => String::new(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = span_of_kind!("server", "request", request.id = id, method = %request.method(), path = %shown(request.path()), client.address = tracing::field::Empty);
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    traces::continue_from(&span, traceparent);
    let mut response = next.call(request).instrument(span).await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

/// A path as it may stand in logs and traces: what follows the key of a webhook endpoint is a secret. Paths that
/// only resemble one (another case, another slash) are somebody's slip, and hold it all the same.
fn shown(path: &str) -> std::borrow::Cow<'_, str> {
    let plain = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let mut parts = plain.split(['/', '\\']).filter(|part| !part.is_empty());
    let is_webhook = parts.clone().any(|part| part.eq_ignore_ascii_case("webhooks"));
    match (is_webhook, parts.next(), parts.next(), parts.next()) {
        (true, Some(first), Some(key), Some(_)) => format!("/{first}/{key}/…").into(),
        _ => path.into(),
    }
}

fn is_plain(id: &str) -> bool {
    (8..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_follows_an_endpoints_key_is_not_shown() {
        for (path, expected) in [
            ("/webhooks/key", "/webhooks/key"),
            ("/webhooks/key/secret", "/webhooks/key/…"),
            ("//Webhooks//key//secret/", "/Webhooks/key/…"),
            ("/webhooks/key/secret/more", "/webhooks/key/…"),
            ("/%77ebhooks/key%2Fsecret", "/webhooks/key/…"),
            ("/graphql/stream", "/graphql/stream"),
            ("/", "/"),
        ] {
            assert_eq!(shown(path), expected);
        }
    }
}
