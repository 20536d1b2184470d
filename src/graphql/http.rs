//! GraphQL over HTTP: POST with JSON, GET for queries, in the media type that `Accept` asks for.
//!
//! Nobody is asked anything before they have shown a valid access token: without one the answer is 401.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use async_graphql::{Response, ServerError, Value, parser::types::OperationType};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::StreamExt as _;
use secrecy::SecretString;
use serde::Serialize;

use super::{
    errors::{self, code, refusal},
    graphiql,
    loaders::Loaders,
    media::{self, Media},
    outside::Outside,
    request::{self, Checked},
    schema::{self, Graph, Limits},
};
use crate::{
    error::Error,
    ground::Ground,
    organizations::viewer::Viewer,
    request_id::{self, RequestId},
};

/// Tells whose an access token is.
pub type Authenticate = Arc<dyn for<'a> Fn(&'a Ground, &'a SecretString) -> Authenticating<'a> + Send + Sync>;
/// The answer of [`Authenticate`], on its way.
pub type Authenticating<'a> = Pin<Box<dyn Future<Output = Result<Viewer, Error>> + Send + 'a>>;

/// How requests are taken.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest body, in bytes.
    pub max_body_bytes: usize,
    /// How long an operation may take.
    pub timeout: Duration,
    /// What a query may cost.
    pub limits: Limits,
    /// Where GraphiQL's files lie, where the page for browsers is switched on.
    pub graphiql: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            timeout: Duration::from_secs(10),
            limits: Limits::default(),
            graphiql: None,
        }
    }
}

/// What the endpoint works with: actix `web::Data`.
#[derive(Clone)]
pub struct Door {
    graph: Graph,
    ground: Ground,
    authenticate: Authenticate,
    settings: Settings,
}

impl Door {
    /// The door over a ground.
    pub fn new(ground: Ground, outside: Outside, authenticate: Authenticate, settings: Settings) -> Self {
        let graph = schema::build(ground.clone(), outside, settings.limits);
        Self { graph, ground, authenticate, settings }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// An answer that says no before anything is executed.
struct Refusal {
    status: StatusCode,
    error: ServerError,
    header: Option<(header::HeaderName, &'static str)>,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, error: refusal(code, message), header: None }
    }

    fn with(self, name: header::HeaderName, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }
}

/// The handler of `/graphql`, for every method.
pub async fn serve(request: HttpRequest, payload: web::Payload, door: web::Data<Door>) -> HttpResponse {
    let request_id = request_id(&request, &door.ground);
    let accept = accept_of(&request);
    let media = media::negotiate(&accept);
    let mut response = if request.method() == Method::GET
        && request.query_string().is_empty()
        && let Some(assets) = door.settings.graphiql.as_ref().filter(|_| media::wants_html(&accept))
    {
        page(assets, request.path(), &door.ground)
    } else {
        match answer(&request, payload, &door, media, &request_id).await {
            Ok(response) => response,
            Err(refusal) => refuse(refusal, media.unwrap_or(Media::Json), &request_id),
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
    door: &Door,
    media: Option<Media>,
    request_id: &str,
) -> Result<HttpResponse, Refusal> {
    let method = request.method();
    if method != Method::GET && method != Method::POST {
        let message = "POST a request, or GET a query";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, code::BAD_USER_INPUT, message)
            .with(header::ALLOW, "GET, POST"));
    }
    let Some(media) = media else {
        let message = "answers are application/graphql-response+json or application/json";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, code::BAD_USER_INPUT, message));
    };
    let viewer = authenticate(request, door, request_id).await?;
    let malformed = |error| Refusal { status: StatusCode::BAD_REQUEST, error, header: None };
    let asked = if method == Method::GET {
        request::from_query(request.query_string()).map_err(malformed)?
    } else {
        request::from_json(&body_of(request, payload, door.settings.max_body_bytes).await?)
            .map_err(malformed)?
    };
    // A well-formed request whose document is wrong: 400, or 200 for those who only know JSON.
    let wrong = match media {
        Media::Json => StatusCode::OK,
        Media::Response => StatusCode::BAD_REQUEST,
    };
    let Checked { request: asked, operation, is_introspection } =
        request::check(asked).map_err(|error| Refusal { status: wrong, error, header: None })?;
    if operation == OperationType::Mutation && method == Method::GET {
        let message = "a mutation is sent by POST";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, code::BAD_USER_INPUT, message)
            .with(header::ALLOW, "POST"));
    }
    if is_introspection && !door.settings.limits.introspection {
        let message = "introspection is off; set `introspection = true`, or use schema.graphql";
        return Err(Refusal::new(wrong, code::FORBIDDEN, message));
    }
    let asked = asked.data(Loaders::new(viewer, door.ground.clone()));
    let mut response = execute(door, asked, request_id).await?;
    errors::finish(&mut response, request_id);
    let executed = errors::was_executed(&response);
    let status = if executed { StatusCode::OK } else { wrong };
    Ok(render(status, media, executed.then_some(&response.data), &response.errors))
}

/// Executes in a task of its own, which goes on to its end when the client is gone: a mutation is not
/// given up between two steps.
async fn execute(
    door: &Door,
    request: async_graphql::Request,
    request_id: &str,
) -> Result<Response, Refusal> {
    let graph = door.graph.clone();
    let timeout = door.settings.timeout;
    let task = tokio::spawn(async move { tokio::time::timeout(timeout, graph.execute(request)).await });
    match task.await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => {
            tracing::warn!(request.id = request_id, "an operation took longer than {timeout:?}");
            let message = format!("this took longer than {timeout:?}; what was begun may still be done");
            Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, code::TIMEOUT, message))
        }
        Err(error) => {
            tracing::error!(request.id = request_id, %error, "an operation broke off");
            Err(internal())
        }
    }
}

async fn authenticate(request: &HttpRequest, door: &Door, request_id: &str) -> Result<Viewer, Refusal> {
    let unauthenticated = |message: &str| {
        Refusal::new(StatusCode::UNAUTHORIZED, code::UNAUTHENTICATED, message)
            .with(header::WWW_AUTHENTICATE, "Bearer")
    };
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| SecretString::from(token.trim().to_owned()))
        .ok_or_else(|| unauthenticated("send an access token: `Authorization: Bearer …`"))?;
    (door.authenticate)(&door.ground, &token).await.map_err(|error| match error {
        Error::Unavailable(cause) => {
            tracing::warn!(request.id = request_id, error = %cause, "a token met a database that is away");
            let message = "the database is not available";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, code::SERVICE_UNAVAILABLE, message)
        }
        Error::Internal(cause) => {
            tracing::error!(
                request.id = request_id,
                error = format!("{cause:#}"),
                "a token could not be checked"
            );
            internal()
        }
        _ => unauthenticated("the access token is unknown, expired or revoked"),
    })
}

fn internal() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL_SERVER_ERROR, "internal error")
}

async fn body_of(request: &HttpRequest, mut payload: web::Payload, max: usize) -> Result<Vec<u8>, Refusal> {
    let header = |name: header::HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let content_type = header(header::CONTENT_TYPE);
    let encoding = header(header::CONTENT_ENCODING);
    if !media::essence(content_type).eq_ignore_ascii_case("application/json") || !media::is_utf8(content_type)
    {
        let message = "send `Content-Type: application/json`, in UTF-8";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code::BAD_USER_INPUT, message));
    }
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        let message = "send the body without compression";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code::BAD_USER_INPUT, message));
    }
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            let message = format!("the body broke off: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, code::BAD_USER_INPUT, message)
        })?;
        if body.len() + chunk.len() > max {
            let message = format!("the body is longer than {max} bytes");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, code::BAD_USER_INPUT, message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn accept_of(request: &HttpRequest) -> String {
    let values = request.headers().get_all(header::ACCEPT);
    values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
}

fn request_id(request: &HttpRequest, ground: &Ground) -> String {
    let id = RequestId::of(request);
    if id.is_empty() { ground.chance.alphanumeric(20) } else { id }
}

fn page(assets: &str, endpoint: &str, ground: &Ground) -> HttpResponse {
    let nonce = STANDARD.encode(ground.chance.bytes::<16>());
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, graphiql::content_security_policy(assets, &nonce)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .body(graphiql::page(assets, endpoint, &nonce))
}

fn refuse(refusal: Refusal, media: Media, request_id: &str) -> HttpResponse {
    let mut response = Response::from_errors(vec![refusal.error]);
    errors::finish(&mut response, request_id);
    let mut answer = render(refusal.status, media, None, &response.errors);
    if let Some((name, value)) = refusal.header {
        answer.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    answer
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
}

fn render(status: StatusCode, media: Media, data: Option<&Value>, errors: &[ServerError]) -> HttpResponse {
    let body = serde_json::to_vec(&Body { errors, data }).unwrap_or_default();
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, format!("{}; charset=utf-8", media.name())))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .body(body)
}
