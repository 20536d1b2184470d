//! Server-sent events: one operation to a connection (graphql-sse, "distinct connections mode").

use std::time::{Duration, Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web::{self, Bytes},
};
use async_graphql::{Response, ServerError};
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::sync::mpsc;

use super::{
    Streams,
    answers::{self, Answer},
    asker::{self, Asker, Unknown, Vigil},
    operation,
    places::Place,
};
use crate::{
    entrance::Caller,
    graphql::{
        answer,
        doors::Doors,
        errors::code,
        http::{Door, body_of, is_json},
        media::{self, Media},
        operation::{Kinds, Prepared},
        refusal::Refusal,
        request::Asked,
    },
    request_id::RequestId,
};

/// How many events wait to be sent.
const WAITING: usize = 4;
/// After how long without an event a comment is sent. Proxies close what is silent; and that a client is gone is
/// noticed only by writing to it, twice.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How often the clock is looked at, at the least.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long one event may take to be handed on.
const SENDING: Duration = Duration::from_secs(30);

/// The handler of `/graphql/stream`, for every method.
pub async fn serve(
    request: HttpRequest,
    payload: web::Payload,
    doors: web::Data<Doors>,
    streams: web::Data<Streams>,
) -> HttpResponse {
    let request_id = RequestId::of(&request);
    match begin(&request, payload, &doors, &streams).await {
        Ok(begun) => {
            let door = begun.door;
            let answers = answers::of(&door, &begun.asker, begun.prepared, request_id);
            let (body, events) = mpsc::channel(WAITING);
            let telling = Telling { door, streams, asker: begun.asker, body, _places: begun.places };
            actix_web::rt::spawn(telling.tell(answers));
            let events = stream::unfold(events, |mut events| async {
                events.recv().await.map(|event| (Ok::<Bytes, actix_web::Error>(event), events))
            });
            HttpResponse::Ok()
                .insert_header((header::CONTENT_TYPE, "text/event-stream; charset=utf-8"))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                // nginx gathers answers otherwise.
                .insert_header(("x-accel-buffering", "no"))
                .streaming(events)
        }
        Err(refusal) => answer::refused(refusal, Media::Json, &request_id),
    }
}

struct Begun {
    door: web::Data<Door>,
    asker: Asker,
    prepared: Result<Prepared, Refusal>,
    places: (Place, Place),
}

async fn begin(
    request: &HttpRequest,
    payload: web::Payload,
    doors: &Doors,
    streams: &Streams,
) -> Result<Begun, Refusal> {
    let method = request.method();
    if method != Method::GET && method != Method::POST {
        let message = "POST an operation, or GET a query or a subscription";
        return Err(Refusal::outright(StatusCode::METHOD_NOT_ALLOWED, code::BAD_USER_INPUT, message)
            .header(header::ALLOW, "GET, POST"));
    }
    if !takes_events(request) {
        let message = "answers here are text/event-stream; POST to /graphql for one JSON answer";
        return Err(Refusal::outright(StatusCode::NOT_ACCEPTABLE, code::BAD_USER_INPUT, message));
    }
    let door = doors.of(request).await?;
    let asker = authenticate(request, &door).await?;
    let many = |status| {
        let message = "too many connections are open; close some, or try again in a moment";
        Refusal::outright(status, code::THROTTLED, message).header(header::RETRY_AFTER, "5")
    };
    let place = streams.places.enter().filter(|_| !streams.stop.is_cancelled());
    let place = place.ok_or_else(|| many(StatusCode::SERVICE_UNAVAILABLE))?;
    let own = streams.places.sit(&asker.viewer()).ok_or_else(|| many(StatusCode::TOO_MANY_REQUESTS))?;
    let (wanted, kinds) = if method == Method::GET {
        let kinds = Kinds { subscriptions: true, ..Kinds::QUERIES };
        (Asked::from_query(request.query_string())?, kinds)
    } else {
        is_json(request)?;
        (Asked::from_body(&body_of(request, payload, &door.settings).await?)?, Kinds::ALL)
    };
    let prepared = operation::prepare(&door, &asker, wanted, kinds).await;
    let prepared = match prepared {
        // What is no request at all is answered without a stream.
        Err(refusal) if refusal.is_outright() => return Err(refusal),
        prepared => prepared,
    };
    Ok(Begun { door, asker, prepared, places: (place, own) })
}

fn takes_events(request: &HttpRequest) -> bool {
    let accept: Vec<&str> = request
        .headers()
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let is_refused = |range: &str| {
        let mut weights = range.split(';').filter_map(|part| part.trim().strip_prefix("q="));
        weights.any(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0))
    };
    accept.is_empty()
        || accept.iter().any(|range| {
            let name = media::essence(range).to_ascii_lowercase();
            matches!(name.as_str(), "text/event-stream" | "text/*" | "*/*") && !is_refused(range)
        })
}

async fn authenticate(request: &HttpRequest, door: &Door) -> Result<Asker, Refusal> {
    let unauthenticated = |message: &str| {
        Refusal::outright(StatusCode::UNAUTHORIZED, code::UNAUTHENTICATED, message)
            .header(header::WWW_AUTHENTICATE, "Bearer")
    };
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = shown
        .and_then(asker::bearer)
        .ok_or_else(|| unauthenticated("send an access token: `Authorization: Bearer …`"))?;
    Asker::new(door, token, Caller::of(request)).await.map_err(|unknown| match unknown {
        Unknown::Refused => unauthenticated("the access token is unknown, expired or revoked"),
        Unknown::Unavailable => {
            let message = "the token cannot be checked now; try again in a moment";
            Refusal::outright(StatusCode::SERVICE_UNAVAILABLE, code::SERVICE_UNAVAILABLE, message)
        }
    })
}

/// A stream of events that is open.
struct Telling {
    door: web::Data<Door>,
    streams: web::Data<Streams>,
    asker: Asker,
    body: mpsc::Sender<Bytes>,
    _places: (Place, Place),
}

impl Telling {
    /// Until the operation is done, or the client is gone, is too slow or may no longer. Cut off without a
    /// word where it is not done: clients connect again then, and are told why they may not.
    async fn tell(self, mut answers: BoxStream<'static, Answer>) {
        let mut vigil = Vigil::new(&self.door, self.streams.settings.recheck_secs);
        let mut told_at = Instant::now();
        // Some browsers show no answer before there is a byte of its body.
        let mut is_open = self.send(Bytes::from_static(b":\n\n")).await;
        while is_open {
            tokio::select! {
                () = self.streams.stop.cancelled() => return,
                () = self.body.closed() => return,
                answer = answers.next() => {
                    told_at = Instant::now();
                    match answer {
                        Some(Answer::Next(response)) => is_open = self.send(next(&response)).await,
                        last => return self.end(last).await,
                    }
                }
                () = vigil.called(&self.asker) => is_open = self.is_still_known(&mut vigil).await,
                () = tokio::time::sleep(LOOK_EVERY) => {
                    if vigil.due() <= self.door.ground.clock.now() {
                        is_open = self.is_still_known(&mut vigil).await;
                    }
                    if told_at.elapsed() >= KEEP_ALIVE {
                        told_at = Instant::now();
                        is_open = is_open && self.send(Bytes::from_static(b":\n\n")).await;
                    }
                }
            }
        }
    }

    async fn end(&self, last: Option<Answer>) {
        let is_told = match last {
            Some(Answer::Refused(errors)) => self.send(refused(&errors)).await,
            Some(Answer::Next(_)) | None => true,
        };
        if is_told {
            self.send(complete()).await;
        }
    }

    async fn is_still_known(&self, vigil: &mut Vigil) -> bool {
        vigil.begins(self.door.ground.clock.now());
        self.asker.is_still_known(&self.door).await
    }

    /// False where the client is gone or does not read.
    async fn send(&self, event: Bytes) -> bool {
        matches!(tokio::time::timeout(SENDING, self.body.send(event)).await, Ok(Ok(())))
    }
}

fn next(response: &Response) -> Bytes {
    // JSON has no line breaks of its own.
    Bytes::from(format!("event: next\ndata: {}\n\n", serde_json::to_string(response).unwrap_or_default()))
}

fn refused(errors: &[ServerError]) -> Bytes {
    Bytes::from(format!("event: next\ndata: {}\n\n", serde_json::json!({ "errors": errors })))
}

/// With a field of data, without which browsers pass nothing on.
fn complete() -> Bytes {
    Bytes::from_static(b"event: complete\ndata: \n\n")
}
