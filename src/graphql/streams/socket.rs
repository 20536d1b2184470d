//! A WebSocket and its client.

use std::{
    collections::HashMap,
    net::IpAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseReason, ProtocolError, Session};
use entity::Timestamp;
use futures_util::{FutureExt as _, StreamExt as _};
use secrecy::SecretString;
use serde_json::{Map, Value as Json};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{
    Streams,
    answers::{self, Answer},
    asker::{self, Asker, Unknown, Vigil},
    flow::Flow,
    operation, origin,
    places::Place,
    protocol::{self, Close, Said},
};
use crate::{
    entrance::Caller,
    graphql::{
        answer,
        doors::Doors,
        errors::{code, refusal},
        http::Door,
        media::Media,
        operation::Kinds,
        refusal::{Refusal, internal},
        request::Asked,
    },
    request_id::RequestId,
};

/// How many messages wait to be sent, of all operations of a socket.
const WAITING: usize = 4;
/// How often the clock is looked at, at the least.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long one message may take to be handed on.
const SENDING: Duration = Duration::from_secs(30);
/// How long the client may take to say that it has seen the end.
const PARTING: Duration = Duration::from_secs(1);

/// The handler of `GET /graphql` with `Upgrade: websocket`.
pub async fn serve(
    request: HttpRequest,
    payload: web::Payload,
    doors: web::Data<Doors>,
    streams: web::Data<Streams>,
) -> actix_web::Result<HttpResponse> {
    let request_id = RequestId::of(&request);
    if !origin::is_allowed(&request, &streams.settings) {
        let message = "this page may not open a WebSocket here; add its origin to `cors_origins`";
        let refusal = Refusal::outright(StatusCode::FORBIDDEN, code::FORBIDDEN, message);
        return Ok(answer::refused(refusal, Media::Json, &request_id));
    }
    let named = match doors.named(&request) {
        Ok(named) => named,
        Err(refusal) => return Ok(answer::refused(refusal, Media::Json, &request_id)),
    };
    let Some(place) = streams.places.enter().filter(|_| !streams.stop.is_cancelled()) else {
        let message = "too many connections are open; try again in a moment";
        let refusal = Refusal::outright(StatusCode::SERVICE_UNAVAILABLE, code::THROTTLED, message);
        return Ok(answer::refused(refusal.retry_after(5), Media::Json, &request_id));
    };
    let (response, session, messages) =
        actix_ws::handle_with_protocols(&request, payload, &[protocol::NAME])?;
    let is_agreed = response.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL);
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let max = streams.settings.max_message_bytes;
    let messages = messages.max_frame_size(max).aggregate_continuations().max_continuation_size(max);
    let (say, outgoing) = mpsc::channel(WAITING);
    let door = named.clone().unwrap_or_else(|| doors.first().clone());
    let now = door.ground.clock.now();
    let socket = Socket {
        phase: Phase::Silent { until: now.plus_secs(streams.settings.init_secs) },
        door,
        doors: named.is_none().then_some(doors),
        streams,
        session,
        shown: shown.and_then(asker::bearer),
        from: Caller::of(&request),
        flow: Flow::new(Instant::now()),
        running: HashMap::new(),
        begun: 0,
        say,
        _place: place,
    };
    actix_web::rt::spawn(socket.live(messages, outgoing, is_agreed));
    Ok(response)
}

/// How far the introduction is.
enum Phase {
    /// Nothing was said yet.
    Silent { until: Timestamp },
    /// The token is looked at.
    Introduced,
    /// Operations are taken.
    Open { asker: Asker, vigil: Vigil, _place: Place },
}

/// What looking at a token has come to.
enum Looked {
    /// The first time.
    First(web::Data<Door>, Result<Asker, Unknown>),
    /// Again.
    Again { is_known: bool },
}

type Looking = Pin<Box<dyn Future<Output = Looked>>>;

/// A message on its way out.
struct Saying {
    id: String,
    /// Which of the operations that had this id.
    number: u64,
    text: String,
    is_last: bool,
}

struct Running {
    number: u64,
    _task: AbortOnDropHandle<()>,
}

struct Socket {
    /// The one that knows who is asking; until that is known, the first or the one that was named.
    door: web::Data<Door>,
    /// All of them, where none was named.
    doors: Option<web::Data<Doors>>,
    streams: web::Data<Streams>,
    session: Session,
    /// The token of the request that opened it.
    shown: Option<SecretString>,
    /// The address it was opened from.
    from: Option<IpAddr>,
    phase: Phase,
    flow: Flow,
    running: HashMap<String, Running>,
    begun: u64,
    say: mpsc::Sender<Saying>,
    _place: Place,
}

impl Socket {
    async fn live(
        mut self,
        mut messages: AggregatedMessageStream,
        mut outgoing: mpsc::Receiver<Saying>,
        is_agreed: bool,
    ) {
        let close =
            if is_agreed { self.talk(&mut messages, &mut outgoing).await } else { Close::WRONG_PROTOCOL };
        let Self { session, running, .. } = self;
        drop(running);
        tracing::debug!(code = close.code, reason = %close.reason, "a socket is closed");
        let reason = CloseReason { code: close.code.into(), description: Some(close.reason.into_owned()) };
        let parting = async {
            if session.close(Some(reason)).await.is_ok() {
                // Until the client has read it: closing on what it still sends would throw the reason away.
                while let Some(Ok(message)) = messages.recv().await {
                    if matches!(message, AggregatedMessage::Close(_)) {
                        break;
                    }
                }
            }
        };
        let _ = tokio::time::timeout(PARTING, parting).await;
    }

    async fn talk(
        &mut self,
        messages: &mut AggregatedMessageStream,
        outgoing: &mut mpsc::Receiver<Saying>,
    ) -> Close {
        let mut looking: Option<Looking> = None;
        let stop = self.streams.stop.clone();
        loop {
            let wait = self.until_due();
            let may_say = self.flow.is_open();
            let result = tokio::select! {
                () = stop.cancelled() => Err(Close::GOING_AWAY),
                message = messages.recv() => match message {
                    None => Err(Close::NORMAL),
                    Some(Err(error)) => Err(broken(&error)),
                    Some(Ok(message)) => self.hear(message, &mut looking).await,
                },
                looked = look(&mut looking) => {
                    looking = None;
                    self.settle(looked).await
                }
                Some(saying) = outgoing.recv(), if may_say => self.pass_on(saying).await,
                () = called(&mut self.phase), if looking.is_none() => {
                    self.look_again(&mut looking);
                    Ok(())
                }
                () = tokio::time::sleep(wait) => self.tick(&mut looking).await,
            };
            if let Err(close) = result {
                return close;
            }
        }
    }

    /// How long until something is due that nobody says.
    fn until_due(&self) -> Duration {
        let due = match &self.phase {
            Phase::Silent { until } => Some(*until),
            Phase::Introduced => None,
            Phase::Open { vigil, .. } => Some(vigil.due()),
        };
        let now = self.door.ground.clock.now();
        let until = due.map_or(LOOK_EVERY, |due| {
            Duration::from_micros(u64::try_from(due.0.saturating_sub(now.0)).unwrap_or_default())
        });
        until.min(self.flow.until_due(Instant::now())).clamp(Duration::from_millis(1), LOOK_EVERY)
    }

    async fn tick(&mut self, looking: &mut Option<Looking>) -> Result<(), Close> {
        let now = self.door.ground.clock.now();
        match &self.phase {
            Phase::Silent { until } if *until <= now => return Err(Close::INIT_TIMEOUT),
            Phase::Open { vigil, .. } if vigil.due() <= now && looking.is_none() => self.look_again(looking),
            _ => {}
        }
        if self.flow.is_silent(Instant::now()) {
            return Err(Close::SILENT);
        }
        self.ping().await
    }

    async fn ping(&mut self) -> Result<(), Close> {
        match self.flow.ping(Instant::now()) {
            Some(ping) => sent(self.session.ping(&ping)).await,
            None => Ok(()),
        }
    }

    fn look_again(&mut self, looking: &mut Option<Looking>) {
        if let Phase::Open { asker, vigil, .. } = &mut self.phase {
            vigil.begins(self.door.ground.clock.now());
            let (door, asker) = (self.door.clone(), asker.clone());
            let again = async move { Looked::Again { is_known: asker.is_still_known(&door).await } };
            *looking = Some(Box::pin(again));
        }
    }

    async fn hear(&mut self, message: AggregatedMessage, looking: &mut Option<Looking>) -> Result<(), Close> {
        let text = match message {
            AggregatedMessage::Text(text) => text,
            AggregatedMessage::Binary(_) => return Err(Close::invalid("messages are texts, not bytes")),
            AggregatedMessage::Ping(payload) => return sent(self.session.pong(&payload)).await,
            AggregatedMessage::Pong(payload) => {
                self.flow.pong(&payload);
                return self.ping().await;
            }
            AggregatedMessage::Close(_) => return Err(Close::NORMAL),
        };
        match protocol::read(&text)? {
            Said::Init(payload) => self.introduce(&payload, looking),
            Said::Ping(payload) => self.say(protocol::pong(payload)).await,
            Said::Pong => Ok(()),
            Said::Subscribe { id, asked } => self.begin(id, &asked).await,
            Said::Complete { id } => {
                self.running.remove(&id);
                Ok(())
            }
        }
    }

    /// Looks at the token that the client shows: in its first message, else in the request that opened the
    /// socket.
    fn introduce(&mut self, payload: &Map<String, Json>, looking: &mut Option<Looking>) -> Result<(), Close> {
        if !matches!(self.phase, Phase::Silent { .. }) {
            return Err(Close::SECOND_INIT);
        }
        self.phase = Phase::Introduced;
        let token = match authorization(payload) {
            Some(value) => asker::bearer(value),
            None => self.shown.take(),
        };
        let token = token.ok_or(Close::FORBIDDEN)?;
        let (door, doors, from) = (self.door.clone(), self.doors.clone(), self.from);
        *looking = Some(Box::pin(async move {
            let door = match doors {
                Some(doors) => doors.knowing(&token).await,
                None => door,
            };
            let asker = Asker::new(&door, token, from).await;
            Looked::First(door, asker)
        }));
        Ok(())
    }

    async fn settle(&mut self, looked: Looked) -> Result<(), Close> {
        match looked {
            Looked::First(door, Ok(asker)) => {
                self.door = door;
                let Some(place) = self.streams.places.sit(&asker.viewer()) else {
                    return Err(Close::TOO_MANY);
                };
                let vigil = Vigil::new(&self.door, self.streams.settings.recheck_secs);
                self.phase = Phase::Open { asker, vigil, _place: place };
                self.say(protocol::ack()).await
            }
            Looked::First(_, Err(Unknown::Refused)) | Looked::Again { is_known: false } => {
                Err(Close::FORBIDDEN)
            }
            Looked::First(_, Err(Unknown::Unavailable)) => Err(Close::TRY_LATER),
            Looked::Again { is_known: true } => Ok(()),
        }
    }

    /// Begins an operation.
    async fn begin(&mut self, id: String, wanted: &Json) -> Result<(), Close> {
        let Phase::Open { asker, .. } = &self.phase else { return Err(Close::NOT_INITIALISED) };
        if self.running.contains_key(&id) {
            return Err(Close::duplicate(&id));
        }
        let most = self.streams.settings.operations;
        if self.running.len() >= most {
            let message = format!("{most} operations are under way on this socket; complete some first");
            let error = refusal(code::THROTTLED, message);
            return self.say(protocol::error(&id, &[error])).await;
        }
        let request_id = self.door.ground.chance.alphanumeric(20);
        let (door, asker, wanted) = (self.door.clone(), asker.clone(), Asked::from_json(wanted.clone()));
        self.begun += 1;
        let (number, say) = (self.begun, self.say.clone());
        let key = id.clone();
        let task = tokio::spawn(async move {
            let tell = async |text: String, is_last: bool| {
                let _ = say.send(Saying { id: id.clone(), number, text, is_last }).await;
            };
            let told = AssertUnwindSafe(async {
                let prepared = match wanted {
                    Ok(wanted) => operation::prepare(&door, &asker, wanted, Kinds::ALL).await,
                    Err(refusal) => Err(refusal),
                };
                let mut answers = answers::of(&door, &asker, prepared, request_id);
                while let Some(answer) = answers.next().await {
                    match answer {
                        Answer::Next(response) => tell(protocol::next(&id, &response), false).await,
                        Answer::Refused(errors) => return tell(protocol::error(&id, &errors), true).await,
                    }
                }
                tell(protocol::complete(&id), true).await;
            });
            if told.catch_unwind().await.is_err() {
                tracing::error!("an operation broke off");
                tell(protocol::error(&id, &internal().errors), true).await;
            }
        });
        self.running.insert(key, Running { number, _task: AbortOnDropHandle::new(task) });
        Ok(())
    }

    /// Sends what an operation has to say, unless the client has completed it.
    async fn pass_on(&mut self, saying: Saying) -> Result<(), Close> {
        let Saying { id, number, text, is_last } = saying;
        if self.running.get(&id).is_none_or(|running| running.number != number) {
            return Ok(());
        }
        if is_last {
            self.running.remove(&id);
        }
        self.say(text).await
    }

    async fn say(&mut self, text: String) -> Result<(), Close> {
        self.flow.sent(text.len());
        sent(self.session.text(text)).await?;
        self.ping().await
    }
}

/// The `authorization` of a first message, however it is written.
fn authorization(payload: &Map<String, Json>) -> Option<&str> {
    let (_, value) = payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    value.as_str()
}

async fn look(looking: &mut Option<Looking>) -> Looked {
    match looking {
        Some(looking) => looking.await,
        None => std::future::pending().await,
    }
}

async fn called(phase: &mut Phase) {
    match phase {
        Phase::Open { asker, vigil, .. } => vigil.called(asker).await,
        Phase::Silent { .. } | Phase::Introduced => std::future::pending().await,
    }
}

async fn sent(sending: impl Future<Output = Result<(), actix_ws::Closed>>) -> Result<(), Close> {
    match tokio::time::timeout(SENDING, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Close::NORMAL),
        Err(_) => Err(Close::SILENT),
    }
}

/// What a frame that cannot be read means.
fn broken(error: &ProtocolError) -> Close {
    match error {
        ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => Close::NO_TEXT,
        // Parts that are too long together; or the client is gone, and hears nothing anyway.
        ProtocolError::Overflow | ProtocolError::Io(_) => Close::TOO_LONG,
        _ => Close::MALFORMED,
    }
}
