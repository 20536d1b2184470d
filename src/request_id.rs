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
    let span = span_of_kind!("server", "request", request.id = id, method = %request.method(), path = request.path(), client.address = tracing::field::Empty);
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    traces::continue_from(&span, traceparent);
    let mut response = next.call(request).instrument(span).await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

fn is_plain(id: &str) -> bool {
    (8..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
