//! The door for webhooks: raw bytes, verified, stored, answered. Nothing is parsed and no PSA is called here.
//!
//! A sender gets a 2xx only after its bytes are on disk, and always gets one then, whatever becomes of them:
//! some senders switch off for good after one 4xx.
//!
//! Some senders want an answer before they send anything; see `handshakes`.

mod authenticate;
mod body;
mod doors;
mod handshakes;

use std::{net::IpAddr, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::RETRY_AFTER},
    web,
};
use serde_json::json;

use crate::{
    entrance::{Caller, Entrance, Wait},
    error::Error,
    global_id,
    ground::{EndpointKeys, Ground},
    metrics::{Metrics, Received},
    organizations::{allowed_addresses, endpoints},
    queue::{
        inbox::{Inbox, Incoming, NotAccepted},
        received::{Headers, Unverified},
    },
    request_id::RequestId,
    scanners::signature::{self, sns},
    telemetry::traces,
};

pub use doors::WebhookDoors;
pub use handshakes::greet;

use authenticate::Shown;

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
    /// How many webhooks of an endpoint may come in a second, for senders that ask; 0 for as many as like.
    pub endpoint_per_sec: u32,
    /// What is asked of Amazon SNS.
    pub sns: sns::Desk,
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

/// What came of a webhook, and who sent it.
enum Taken {
    /// It was stored, perhaps before.
    Stored { delivery_id: Option<uuid::Uuid>, is_repeated: bool },
    /// It wants to hear this, and is nothing more.
    Echo(String),
}

/// `POST /webhooks/{endpointKey}`, and `/webhooks/{endpointKey}/{secret}`.
pub async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    doors: web::Data<WebhookDoors>,
) -> HttpResponse {
    let door = match doors.of(&request).await {
        Ok(door) => door,
        Err(answer) => return answer,
    };
    let started = door.ground.clock.now();
    match door.take_in(&request, payload).await {
        Ok((Taken::Stored { delivery_id, is_repeated }, sender)) => {
            let result = if is_repeated { Received::Repeated } else { Received::Accepted };
            door.metrics.webhook(result, &sender);
            door.metrics.accept_latency(door.ground.clock.now().millis_since(started));
            let id = delivery_id.map(|id| global_id::encode("WebhookDelivery", id));
            HttpResponse::Accepted().json(json!({ "delivery": id }))
        }
        Ok((Taken::Echo(text), sender)) => {
            door.metrics.webhook(Received::Greeted, &sender);
            // As plain text, which `X-Content-Type-Options: nosniff` on every answer keeps it to be.
            HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
        }
        Err((refusal, sender)) => door.refuse(refusal, &sender),
    }
}

impl WebhookDoor {
    fn refuse(&self, refusal: Refusal, sender: &str) -> HttpResponse {
        let Refusal(result, status, problem, retry_secs) = refusal;
        self.metrics.webhook(result, sender);
        tracing::info!(status = status.as_u16(), problem, "a webhook was refused");
        let mut answer = HttpResponse::build(status);
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            answer.insert_header((RETRY_AFTER, retry_secs.to_string()));
        }
        answer.json(json!({ "error": problem }))
    }

    async fn take_in(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<(Taken, String), (Refusal, String)> {
        let from = Caller::of(request);
        // Before the body is read: who is refused here costs next to nothing.
        let (endpoint, sender) = self.find(request, from).await?;
        let body = self.read(request, payload).await.map_err(|refusal| (refusal, sender.clone()))?;
        let headers = Headers::new(
            request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
        );
        let Some(endpoint) = endpoint else {
            // As much work as for one that exists, so that the time tells nothing.
            signature::dummy_work(&body);
            return Err((no_such_endpoint(), sender));
        };
        let shown = Shown::of(request);
        let certificate = match self.certificate(&endpoint, &body).await {
            Ok(certificate) => certificate,
            Err(refusal) => return Err((refusal, sender)),
        };
        let webhook = Unverified::new(headers, body)
            .verify(|headers, body| {
                self.authenticate(&endpoint, &shown, headers, body, certificate.as_deref())
            })
            .map_err(|problem| (self.unauthorized(problem, from, &endpoint), sender.clone()))?;
        match handshakes::validation_token(&endpoint, request.query_string()) {
            Ok(None) => {}
            Ok(Some(token)) => return Ok((Taken::Echo(token), sender)),
            Err(refusal) => return Err((refusal, sender)),
        }
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
                    delivery.id = accepted.delivery_id.map(tracing::field::display),
                    is_repeated = accepted.is_repeated,
                    "a webhook was stored"
                );
                let (delivery_id, is_repeated) = (accepted.delivery_id, accepted.is_repeated);
                Ok((Taken::Stored { delivery_id, is_repeated }, sender))
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

    /// The endpoint of the address, where there is one that takes webhooks and this one may come in, and its
    /// sender.
    async fn find(
        &self,
        request: &HttpRequest,
        from: Option<IpAddr>,
    ) -> Result<(Option<Arc<EndpointKeys>>, String), (Refusal, String)> {
        let unknown = |refusal| (refusal, "unknown".to_owned());
        let key = request.match_info().get("key").unwrap_or_default();
        let found = match endpoints::resolve(&self.ground, key).await {
            Ok(found) => found.filter(|keys| keys.endpoint.is_enabled),
            Err(error) => return Err(unknown(away(&error))),
        };
        let sender = match &found {
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
        Ok((found, sender))
    }

    fn unauthorized(&self, problem: String, from: Option<IpAddr>, keys: &EndpointKeys) -> Refusal {
        self.entrance.webhook_failed(from, keys.endpoint.id);
        Refusal::new(Received::Unauthorized, StatusCode::UNAUTHORIZED, problem)
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
}

fn no_such_endpoint() -> Refusal {
    Refusal::new(
        Received::UnknownEndpoint,
        StatusCode::NOT_FOUND,
        "there is no such webhook endpoint; compare the address with the dashboard's",
    )
}

fn away(error: &Error) -> Refusal {
    tracing::error!(error = %error, cause = ?std::error::Error::source(error), "a webhook could not be stored");
    Refusal::new(
        Received::Unavailable,
        StatusCode::SERVICE_UNAVAILABLE,
        "it could not be stored just now; send it again".to_owned(),
    )
}
