//! The door for webhooks: raw bytes, verified, stored, answered. Nothing is parsed and no PSA is called here.
//!
//! A sender gets a 2xx only after its bytes are on disk, and always gets one then, whatever becomes of them:
//! some senders switch off for good after one 4xx.

use std::{net::IpAddr, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, RETRY_AFTER},
    },
    web,
};
use futures_util::StreamExt as _;
use serde_json::json;

use crate::{
    entrance::{Caller, Entrance, Wait},
    error::Error,
    global_id,
    ground::{EndpointKeys, Ground},
    metrics::{Metrics, Received},
    organizations::{allowed_addresses, endpoints},
    psa,
    queue::{
        inbox::{Inbox, Incoming, NotAccepted},
        received::{Headers, Proof, Unverified},
    },
    request_id::RequestId,
    scanners::{
        self,
        signature::{self, CandidateKey, Scheme, VerifyingKey},
    },
    telemetry::traces,
};

/// What the door works with.
#[derive(Clone)]
pub struct WebhookDoor {
    /// Where endpoints are looked up.
    pub ground: Ground,
    /// Where webhooks go.
    pub inbox: Inbox,
    /// What is counted.
    pub metrics: Metrics,
    /// How many may come.
    pub entrance: Entrance,
    /// The longest body, in bytes.
    pub max_body: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How far a signed time may lie from ours, in seconds.
    pub tolerance_secs: i64,
}

/// How long a sender should wait before it tries again, where nothing else says, in seconds.
const RETRY_SECS: i64 = 5;

/// Why a webhook is refused: what is counted, the status and what to do.
struct Refusal(Received, StatusCode, String, i64);

impl Refusal {
    fn new(result: Received, status: StatusCode, problem: impl Into<String>) -> Self {
        Self(result, status, problem.into(), RETRY_SECS)
    }

    fn throttled(wait: Wait) -> Self {
        let problem = format!("too many webhooks; send it again in {} s", wait.secs);
        Self(Received::Throttled, StatusCode::TOO_MANY_REQUESTS, problem, wait.secs)
    }
}

/// `POST /webhooks/{endpointKey}`.
pub async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    key: web::Path<String>,
    door: web::Data<WebhookDoor>,
) -> HttpResponse {
    let started = door.ground.clock.now();
    let (result, sender) = match door.take_in(&request, payload, &key).await {
        Ok((delivery_id, is_repeated, sender)) => {
            let result = if is_repeated { Received::Repeated } else { Received::Accepted };
            door.metrics.webhook(result, &sender);
            door.metrics.accept_latency(door.ground.clock.now().millis_since(started));
            let id = global_id::encode("WebhookDelivery", delivery_id);
            return HttpResponse::Accepted().json(json!({ "delivery": id }));
        }
        Err(refused) => refused,
    };
    let Refusal(result, status, problem, retry_secs) = result;
    door.metrics.webhook(result, &sender);
    tracing::info!(status = status.as_u16(), problem, "a webhook was refused");
    let mut answer = HttpResponse::build(status);
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        answer.insert_header((RETRY_AFTER, retry_secs.to_string()));
    }
    answer.json(json!({ "error": problem }))
}

type Taken = (uuid::Uuid, bool, String);

impl WebhookDoor {
    async fn take_in(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        key: &str,
    ) -> Result<Taken, (Refusal, String)> {
        let unknown = |refusal| (refusal, "unknown".to_owned());
        let from = Caller::of(request);
        let endpoint = match endpoints::resolve(&self.ground, key).await {
            Ok(endpoint) => endpoint.filter(|endpoint| endpoint.endpoint.is_enabled),
            Err(error) => return Err(unknown(away(&error))),
        };
        // Before the body is read: who is refused here costs next to nothing.
        let sender = match &endpoint {
            None => {
                self.entrance.stranger(from).map_err(|wait| unknown(Refusal::throttled(wait)))?;
                "unknown".to_owned()
            }
            Some(keys) => {
                let sender = keys.endpoint.sender.clone();
                self.let_in(keys, from).map_err(|refusal| (refusal, sender.clone()))?;
                sender
            }
        };
        let body = self.read(request, payload).await.map_err(|refusal| (refusal, sender.clone()))?;
        let headers = Headers::new(
            request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
        );
        let Some(endpoint) = endpoint else {
            // As much work as for one that exists, so that the time tells nothing.
            signature::dummy_work(&headers, &body, self.ground.clock.now(), self.tolerance_secs);
            return Err(unknown(Refusal::new(
                Received::UnknownEndpoint,
                StatusCode::NOT_FOUND,
                "there is no such webhook endpoint; compare the address with the dashboard's",
            )));
        };
        let webhook = Unverified::new(headers, body)
            .verify(|headers, body| self.authenticate(&endpoint, headers, request.query_string(), body))
            .map_err(|problem| {
                self.entrance.webhook_failed(from, endpoint.endpoint.id);
                (Refusal::new(Received::Unauthorized, StatusCode::UNAUTHORIZED, problem), sender.clone())
            })?;
        let incoming = Incoming {
            organization_id: endpoint.endpoint.organization_id,
            webhook_endpoint_id: endpoint.endpoint.id,
            request_id: RequestId::of(request),
            trace_context: traces::current(),
            webhook,
        };
        match self.inbox.accept(incoming).await {
            Ok(accepted) => {
                tracing::info!(
                    organization.id = %endpoint.endpoint.organization_id,
                    delivery.id = %accepted.delivery_id,
                    is_repeated = accepted.is_repeated,
                    "a webhook was stored"
                );
                Ok((accepted.delivery_id, accepted.is_repeated, sender))
            }
            Err(NotAccepted::Busy) => Err((
                Refusal::new(
                    Received::Busy,
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many webhooks are waiting; send it again",
                ),
                sender,
            )),
            Err(NotAccepted::Failed(error)) => Err((away(&error), sender)),
        }
    }

    /// Whether there is room for a webhook of an endpoint, and it comes from where it may.
    fn let_in(&self, keys: &EndpointKeys, from: Option<IpAddr>) -> Result<(), Refusal> {
        let endpoint = &keys.endpoint;
        self.entrance.webhook(from, endpoint.id).map_err(Refusal::throttled)?;
        if allowed_addresses::let_in(endpoint.allowed_addresses.as_ref(), from) {
            return Ok(());
        }
        self.entrance.webhook_failed(from, endpoint.id);
        let from = from.map_or_else(|| "an unknown address".to_owned(), |from| from.to_string());
        let problem =
            format!("this endpoint takes no webhooks from {from}; have its owner allow the address");
        Err(Refusal::new(Received::AddressRefused, StatusCode::FORBIDDEN, problem))
    }

    /// The raw bytes, in time and not too many.
    async fn read(&self, request: &HttpRequest, mut payload: web::Payload) -> Result<web::Bytes, Refusal> {
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

    fn authenticate(
        &self,
        keys: &EndpointKeys,
        headers: &Headers,
        query: &str,
        body: &[u8],
    ) -> Result<Proof, String> {
        let now = self.ground.clock.now();
        let live = keys.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| now < at));
        if let Some(platform) = psa::platform(&keys.endpoint.sender) {
            let secrets: Vec<_> = live
                .map(|secret| psa::WebhookSecret {
                    id: secret.id,
                    key_name: secret.key_name.clone(),
                    secret: secret.secret.clone(),
                })
                .collect();
            let call = psa::WebhookCall {
                scheme: &keys.endpoint.scheme,
                settings: &keys.settings,
                headers,
                query,
                body,
            };
            return platform.verify_webhook(&call, &secrets).map_err(|refused| refused.to_string());
        }
        let scheme =
            scanners::sender(&keys.endpoint.sender).and_then(|_| Scheme::from_key(&keys.endpoint.scheme));
        let Some(scheme) = scheme else {
            return Err("this endpoint's way of authentication is not known to this version".to_owned());
        };
        let candidates: Vec<_> = live
            .filter_map(|secret| {
                use secrecy::ExposeSecret as _;
                let key = VerifyingKey::parse(scheme, secret.secret.expose_secret()).ok()?;
                Some(CandidateKey { id: secret.id, key })
            })
            .collect();
        signature::verify(scheme, &candidates, headers, body, now, self.tolerance_secs)
            .map_err(|error| error.to_string())
    }
}

fn away(error: &Error) -> Refusal {
    tracing::error!(error = %error, cause = ?std::error::Error::source(error), "a webhook could not be stored");
    Refusal::new(
        Received::Unavailable,
        StatusCode::SERVICE_UNAVAILABLE,
        "it could not be stored just now; send it again".to_owned(),
    )
}
