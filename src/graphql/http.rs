//! GraphQL over HTTP: POST with JSON, GET for queries, in the media type that `Accept` asks for.
//!
//! Nobody is asked anything before they have shown a valid access token: without one the answer is 401. What
//! a browser sends for a foreign page without asking first (forms, plain text) is refused before that.

use std::{fmt, net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use futures_util::StreamExt as _;
use secrecy::SecretString;
use tokio::sync::Semaphore;

use super::{
    answer, browser,
    budget::{Allowance, Budget},
    cors::Origins,
    documents::Documents,
    doors::Doors,
    errors::{self, code},
    gate,
    graphiql::DEFAULT_ASSETS,
    limits::Limits,
    media::{self, Media},
    operation::{self, Kinds},
    refusal::{Refusal, internal},
    registered::Registered,
    request::Asked,
    schema::Graphs,
};
use crate::{
    db::leash::Leash,
    entrance::{Caller, NotLetIn},
    ground::Ground,
    organizations::viewer::Viewer,
    psa::http::Outbound,
    request_id::{self, RequestId},
};

/// Tells who shows a token, calling from an address.
pub type Authenticate =
    Arc<dyn for<'a> Fn(&'a Ground, &'a SecretString, Option<IpAddr>) -> Authenticating<'a> + Send + Sync>;
/// The answer of [`Authenticate`], on its way.
pub type Authenticating<'a> = Pin<Box<dyn Future<Output = Result<Viewer, NotLetIn>> + Send + 'a>>;

const METHODS: &str = "GET, HEAD, POST, OPTIONS";

/// How requests are taken.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest body, in bytes.
    pub max_body_bytes: usize,
    /// How long an operation may take, and how long a body may take to arrive.
    pub timeout: Duration,
    /// How far a document may go.
    pub limits: Limits,
    /// What an organization may spend.
    pub allowance: Allowance,
    /// How many persisted queries are kept; with 0 they are not supported.
    pub persisted_queries: usize,
    /// The only documents that run, where there are any.
    pub documents: Option<Arc<Registered>>,
    /// The origins whose pages may ask from browsers.
    pub origins: Origins,
    /// GraphiQL's page for browsers.
    pub graphiql: Graphiql,
}

/// GraphiQL's page for browsers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graphiql {
    /// Whether everybody gets it; otherwise those who may ask about the schema.
    pub is_open: bool,
    /// Where its files lie.
    pub assets: String,
}

impl Default for Graphiql {
    fn default() -> Self {
        Self { is_open: false, assets: DEFAULT_ASSETS.to_owned() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body_bytes: 256 * 1024,
            timeout: Duration::from_secs(10),
            limits: Limits::default(),
            allowance: Allowance::default(),
            persisted_queries: 1_000,
            documents: None,
            origins: Origins::default(),
            graphiql: Graphiql::default(),
        }
    }
}

/// What the endpoint works with: actix `web::Data`.
#[derive(Clone)]
pub struct Door {
    pub(super) graphs: Graphs,
    /// How PSAs are called, for checking a login.
    pub(super) outbound: Outbound,
    pub(super) ground: Ground,
    pub(super) settings: Settings,
    pub(super) budget: Arc<Budget>,
    pub(super) documents: Arc<Documents>,
    /// As many long documents are read at the same time as there are processors.
    pub(super) readers: Arc<Semaphore>,
    pub(super) authenticate: Authenticate,
}

impl Door {
    /// The door over a ground.
    pub fn new(
        ground: Ground,
        graphs: Graphs,
        outbound: Outbound,
        authenticate: Authenticate,
        settings: Settings,
    ) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            budget: Arc::new(Budget::new(ground.clock.clone(), settings.allowance)),
            documents: Arc::new(Documents::new(settings.documents.clone(), settings.persisted_queries)),
            readers: Arc::new(Semaphore::new(processors)),
            graphs,
            outbound,
            ground,
            authenticate,
            settings,
        }
    }

    /// The origins whose pages may ask from browsers.
    pub fn origins(&self) -> &Origins {
        &self.settings.origins
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The handler of `/graphql`, for every method.
pub async fn serve(request: HttpRequest, payload: web::Payload, doors: web::Data<Doors>) -> HttpResponse {
    let request_id = request_id(&request, &doors.first().ground);
    let accept = accept_of(&request);
    let media = media::negotiate(&accept);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = if request.method() == Method::OPTIONS {
        HttpResponse::NoContent().insert_header((header::ALLOW, METHODS)).finish()
    } else if reads && request.query_string().is_empty() && media::wants_html(&accept) {
        browser::page(&request, &doors, &request_id).await
    } else {
        match answer(&request, payload, &doors, media, &request_id).await {
            Ok(response) => response,
            Err(refusal) => answer::refused(refusal, media.unwrap_or(Media::Json), &request_id),
        }
    };
    if let Ok(value) = header::HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    response
}

async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    doors: &Doors,
    media: Option<Media>,
    request_id: &str,
) -> Result<HttpResponse, Refusal> {
    let (is_post, is_get) = match *request.method() {
        Method::POST => (true, false),
        Method::GET | Method::HEAD => (false, true),
        _ => (false, false),
    };
    if !is_post && !is_get {
        let message = "POST a request, or GET a query";
        return Err(Refusal::outright(StatusCode::METHOD_NOT_ALLOWED, code::BAD_USER_INPUT, message)
            .header(header::ALLOW, METHODS));
    }
    let Some(media) = media else {
        let message = "answers are application/graphql-response+json or application/json";
        return Err(Refusal::outright(StatusCode::NOT_ACCEPTABLE, code::BAD_USER_INPUT, message));
    };
    if is_post {
        is_json(request)?;
    }
    let door = &doors.of(request).await?;
    let viewer = authenticate(request, door, request_id).await?.asking_with(request_id);
    let (asked, kinds) = if is_post {
        let body = body_of(request, payload, &door.settings).await?;
        (Asked::from_body(&body)?, Kinds::SINGLE_ANSWERS)
    } else {
        (Asked::from_query(request.query_string())?, Kinds::QUERIES)
    };
    let prepared = operation::prepare(door, viewer, asked, kinds).await?;
    let response = operation::execute(door, prepared, request_id).await?;
    Ok(answer::executed(&response, media))
}

/// The access token that a request brings.
pub(super) fn bearer(request: &HttpRequest) -> Option<SecretString> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| SecretString::from(token.trim().to_owned()))
}

fn unauthenticated(message: &str) -> Refusal {
    Refusal::outright(StatusCode::UNAUTHORIZED, code::UNAUTHENTICATED, message)
        .header(header::WWW_AUTHENTICATE, "Bearer")
}

pub(super) async fn authenticate(
    request: &HttpRequest,
    door: &Door,
    request_id: &str,
) -> Result<Viewer, Refusal> {
    let token =
        bearer(request).ok_or_else(|| unauthenticated("send an access token: `Authorization: Bearer …`"))?;
    known(request, door, &token, request_id).await
}

/// Who shows that token.
pub(super) async fn known(
    request: &HttpRequest,
    door: &Door,
    token: &SecretString,
    request_id: &str,
) -> Result<Viewer, Refusal> {
    let leash = Leash::new(door.settings.timeout);
    let _cut = leash.cut_when_dropped();
    let found = leash.hold((door.authenticate)(&door.ground, token, Caller::of(request))).await;
    found.unwrap_or(Err(NotLetIn::Away)).map_err(|refused| match refused {
        NotLetIn::Unknown => unauthenticated("the access token is unknown, expired or revoked"),
        NotLetIn::Throttled(wait) => {
            let message = gate::message(wait);
            Refusal::outright(StatusCode::TOO_MANY_REQUESTS, code::THROTTLED, message)
                .retry_after(wait.secs.unsigned_abs())
        }
        NotLetIn::Away => {
            let message = "who you are cannot be found out just now; try again in a moment";
            Refusal::outright(StatusCode::SERVICE_UNAVAILABLE, code::SERVICE_UNAVAILABLE, message)
        }
        NotLetIn::Failed(cause) => {
            tracing::error!(
                request.id = request_id,
                error = errors::causes(&cause),
                "a token could not be checked"
            );
            internal()
        }
    })
}

/// Only JSON is taken, without compression: a foreign page cannot send that from a browser without asking
/// first, as it can a form or a plain text.
pub(super) fn is_json(request: &HttpRequest) -> Result<(), Refusal> {
    let unsupported = |message| {
        Refusal::outright(StatusCode::UNSUPPORTED_MEDIA_TYPE, code::BAD_USER_INPUT, message)
            .header(header::ACCEPT, "application/json")
    };
    let content_type = header_of(request, &header::CONTENT_TYPE);
    if !media::essence(content_type).eq_ignore_ascii_case("application/json") || !media::is_utf8(content_type)
    {
        return Err(unsupported("send `Content-Type: application/json`, in UTF-8"));
    }
    let encoding = header_of(request, &header::CONTENT_ENCODING);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(unsupported("send the body without compression"));
    }
    Ok(())
}

/// The body, in time and not too long; one that says it is too long is not read.
pub(super) async fn body_of(
    request: &HttpRequest,
    mut payload: web::Payload,
    settings: &Settings,
) -> Result<Vec<u8>, Refusal> {
    let max = settings.max_body_bytes;
    let too_long = || {
        let message = format!("the body is longer than {max} bytes (`graphql_max_body_bytes`)");
        Refusal::outright(StatusCode::PAYLOAD_TOO_LARGE, code::BAD_USER_INPUT, message)
    };
    let announced = header_of(request, &header::CONTENT_LENGTH).parse::<usize>().unwrap_or_default();
    if announced > max {
        return Err(too_long());
    }
    let whole = async {
        let mut body = Vec::with_capacity(announced);
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| Refusal::malformed(format!("the body broke off: {error}")))?;
            if body.len() + chunk.len() > max {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(settings.timeout, whole).await.unwrap_or_else(|_| {
        let message = format!("the body did not arrive within {:?}", settings.timeout);
        Err(Refusal::outright(StatusCode::REQUEST_TIMEOUT, code::TIMEOUT, message))
    })
}

fn header_of<'a>(request: &'a HttpRequest, name: &header::HeaderName) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn accept_of(request: &HttpRequest) -> String {
    let values = request.headers().get_all(header::ACCEPT);
    values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
}

pub(super) fn request_id(request: &HttpRequest, ground: &Ground) -> String {
    let id = RequestId::of(request);
    if id.is_empty() { ground.chance.alphanumeric(20) } else { id }
}
