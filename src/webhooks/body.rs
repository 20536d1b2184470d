//! Reading a webhook's body.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH},
    },
    web,
};
use futures_util::StreamExt as _;

use super::{Refusal, WebhookDoor};
use crate::metrics::Received;

impl WebhookDoor {
    /// The raw bytes, in time and not too many.
    pub(super) async fn read(
        &self,
        request: &HttpRequest,
        mut payload: web::Payload,
    ) -> Result<web::Bytes, Refusal> {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        if header(CONTENT_ENCODING).is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity"))
        {
            return Err(Refusal::new(
                Received::Unsupported,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "compressed bodies are not taken; send it without Content-Encoding".to_owned(),
            ));
        }
        let too_large = || {
            Refusal::new(
                Received::TooLarge,
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {} bytes; send fewer events at once", self.max_body),
            )
        };
        let announced = header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        if announced.is_some_and(|length| length > self.max_body) {
            return Err(too_large());
        }
        let whole = async {
            let mut body = web::BytesMut::with_capacity(announced.unwrap_or(0).min(self.max_body));
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|error| {
                    let words = format!("the body could not be read: {error}");
                    Refusal::new(Received::Timeout, StatusCode::BAD_REQUEST, words)
                })?;
                if body.len() + chunk.len() > self.max_body {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body.freeze())
        };
        tokio::time::timeout(self.body_timeout, whole).await.unwrap_or_else(|_| {
            Err(Refusal::new(
                Received::Timeout,
                StatusCode::REQUEST_TIMEOUT,
                format!("the body did not arrive within {} s", self.body_timeout.as_secs()),
            ))
        })
    }
}
