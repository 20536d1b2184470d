//! What senders ask before they send: CloudEvents by `OPTIONS`, Microsoft Graph by a token to be echoed.
//!
//! Amazon SNS asks by a message like all others, which is stored and confirmed by a worker.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{ALLOW, HeaderName, HeaderValue},
    },
    web,
};

use super::{
    Refusal, WebhookDoor, WebhookDoors,
    authenticate::{Shown, scheme},
    no_such_endpoint,
};
use crate::{entrance::Caller, ground::EndpointKeys, metrics::Received, queue::received::Headers};

const REQUEST_ORIGIN: &str = "webhook-request-origin";
const REQUEST_RATE: &str = "webhook-request-rate";
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// The longest origin, in bytes: a name in the DNS (RFC 1035, 2.3.4).
const MAX_ORIGIN: usize = 253;
/// The longest token that is echoed, in bytes once decoded.
const MAX_TOKEN: usize = 2_048;

/// `OPTIONS /webhooks/{endpointKey}`: a sender of CloudEvents asks whether it may send, and how often (CloudEvents,
/// HTTP 1.1 Web Hooks, section 4). The address that it offers for a later answer (`WebHook-Request-Callback`) is
/// never called: anybody could have us call anything by it.
pub async fn greet(request: HttpRequest, doors: web::Data<WebhookDoors>) -> HttpResponse {
    let door = match doors.of(&request).await {
        Ok(door) => door,
        Err(answer) => return answer,
    };
    match door.grant(&request).await {
        Ok((answer, sender)) => {
            door.metrics.webhook(Received::Greeted, &sender);
            answer
        }
        Err((refusal, sender)) => door.refuse(refusal, &sender),
    }
}

impl WebhookDoor {
    async fn grant(&self, request: &HttpRequest) -> Result<(HttpResponse, String), (Refusal, String)> {
        let from = Caller::of(request);
        let (found, sender) = self.find(request, from).await?;
        let Some(keys) = found else { return Err((no_such_endpoint(), sender)) };
        // Where the address proves who calls, it has to here, too.
        let shown = Shown::of(request);
        if shown.path_secret.is_some() {
            self.authenticate(&keys, &shown, &Headers::default(), b"", None)
                .map_err(|problem| (self.unauthorized(problem, from, &keys), sender.clone()))?;
        }
        let mut answer = HttpResponse::Ok();
        answer.insert_header((ALLOW, "POST, OPTIONS"));
        // PSAs do not speak CloudEvents: who asks in one's name is somebody else.
        let asked = request.headers().get(REQUEST_ORIGIN).filter(|_| scheme(&keys).is_some());
        if let Some(origin) = asked.filter(|origin| is_origin(origin)) {
            answer.insert_header((ALLOWED_ORIGIN, origin.clone()));
            answer.insert_header((ALLOWED_RATE, self.rate(request.headers().get(REQUEST_RATE))));
        }
        Ok((answer.finish(), sender))
    }

    /// How many webhooks may come in a minute: as many as are asked for, up to what the endpoint takes.
    fn rate(&self, asked: Option<&HeaderValue>) -> String {
        let asked =
            asked.and_then(|rate| rate.to_str().ok()?.trim().parse::<u32>().ok()).filter(|rate| *rate > 0);
        let most = (self.endpoint_per_sec > 0).then(|| self.endpoint_per_sec.saturating_mul(60));
        match (asked, most) {
            (Some(asked), Some(most)) => asked.min(most).to_string(),
            (Some(rate), None) | (None, Some(rate)) => rate.to_string(),
            (None, None) => "*".to_owned(),
        }
    }
}

/// Whether this can be the name of a system that sends.
fn is_origin(origin: &HeaderValue) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:".contains(byte);
    let bytes = origin.as_bytes();
    (1..=MAX_ORIGIN).contains(&bytes.len()) && bytes.iter().all(is_plain)
}

/// The token that Microsoft Graph wants to be given back, decoded, before it makes a subscription (Microsoft
/// Graph, "Receive change notifications through webhooks", notificationUrl validation). Asked of a webhook that
/// was authenticated, and only where that is done by the address: so Graph itself can be told apart from
/// somebody who would have a page of ours say something.
pub(super) fn validation_token(keys: &EndpointKeys, query: &str) -> Result<Option<String>, Refusal> {
    if !scheme(keys).is_some_and(super::super::scanners::signature::Scheme::proves_by_address) {
        return Ok(None);
    }
    let mut given = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "validationToken")
        .map(|(_, value)| value);
    let Some(token) = given.next() else { return Ok(None) };
    if token.is_empty() || token.len() > MAX_TOKEN || given.next().is_some() {
        return Err(Refusal::new(
            Received::Unsupported,
            StatusCode::BAD_REQUEST,
            format!("send one validationToken of 1 to {MAX_TOKEN} bytes"),
        ));
    }
    Ok(Some(token.into_owned()))
}
