//! One operation, whatever transport brings it: found, read, held to its limits, charged, executed.
//!
//! A transport calls [`prepare`] and then [`execute`] (or, for a subscription, `execute_stream` of the schema
//! with [`Prepared::request`]). Nothing of a request is executed that [`prepare`] did not let through.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use async_graphql::{
    Response, ServerError, Variables,
    parser::{
        parse_query,
        types::{ExecutableDocument, OperationType},
    },
};
use futures_util::FutureExt as _;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    budget::{Budget, Payer, Receipt, Short},
    checking::{Checked, without_help},
    documents::{Documents, Found, Parsed},
    errors::{self, code, refusal},
    form,
    http::Door,
    limits::{Limits, beyond, price::Prices, shape, text},
    loaders::Loaders,
    refusal::{Refusal, internal},
    request::Asked,
    schema::Graph,
};
use crate::{
    db::{leash::Leash, walled},
    organizations::viewer::{Permission, Viewer},
};

/// Up to so many tokens are read where the request is served, which takes less than changing threads is worth.
const READ_AT_ONCE: usize = 250;
/// How many tokens may be read for one unit of cost.
const TOKENS_PER_COST: usize = 20;
/// How many errors of one document are told.
const MAX_ERRORS: usize = 20;
/// How long a message of the parser or the validation may be: they quote the document.
const MAX_MESSAGE: usize = 1_000;

/// Which operations a transport takes beside queries.
#[derive(Clone, Copy, Debug)]
pub struct Kinds {
    /// Mutations.
    pub mutations: bool,
    /// Subscriptions.
    pub subscriptions: bool,
}

impl Kinds {
    /// What GET takes.
    pub const QUERIES: Self = Self { mutations: false, subscriptions: false };
    /// What POST takes.
    pub const SINGLE_ANSWERS: Self = Self { mutations: true, subscriptions: false };
    /// What a stream takes.
    pub const ALL: Self = Self { mutations: true, subscriptions: true };
}

/// An operation that may be executed and is paid for.
pub struct Prepared {
    /// For the schema.
    pub request: async_graphql::Request,
    /// What it is.
    pub kind: OperationType,
    /// Whether it neither asks about the schema itself nor stays open.
    is_lean: bool,
    /// What was charged; [`execute`] settles it, and a subscription keeps it.
    pub receipt: Receipt,
    /// For whom it runs: see [`walled::within`].
    pub organization_id: Option<Uuid>,
}

/// Whether somebody may ask about the schema, and be helped with its names where they err.
pub fn may_introspect(viewer: &Viewer, limits: &Limits) -> bool {
    limits.introspection || viewer.holds(Permission::Introspect)
}

/// Finds the document, reads it, holds it to its limits and charges what it may cost.
pub async fn prepare(door: &Door, viewer: Viewer, asked: Asked, kinds: Kinds) -> Result<Prepared, Refusal> {
    let (payer, organization_id) = (Payer::of(&viewer), viewer.organization_id());
    let Found { text, keep_as } = door.documents.find(payer, &asked)?;
    let tokens = text::measure(&text, &door.settings.limits)?;
    // Reading costs, too, so that nobody sends nonsense for ever; it is given back for what makes sense.
    let reading_cost = (1 + tokens / TOKENS_PER_COST) as u64;
    let fee = door
        .budget
        .charge(payer, reading_cost)
        .map_err(|short| throttled(&door.budget, payer, reading_cost, short))?;
    let is_open = may_introspect(&viewer, &door.settings.limits);
    let reading = Reading {
        graph: door.graphs.whole.clone(),
        documents: Arc::clone(&door.documents),
        prices: Arc::clone(&door.graphs.prices),
        limits: door.settings.limits,
        text: Arc::clone(&text),
        tokens,
        operation_name: asked.operation_name,
        variables: asked.variables,
        kinds,
        is_open,
    };
    let read = if tokens <= READ_AT_ONCE { reading.read() } else { read_apart(door, reading).await? };
    let Read { document, operation_name, variables, kind, is_introspection, cost } =
        read.map_err(|refused| match refused {
            Refused::Plain(refusal) => refusal,
            Refused::TooDear(refusal, cost) => refusal.cost(door.budget.status(payer, cost, None)),
        })?;
    fee.give_back();
    let receipt =
        door.budget.charge(payer, cost).map_err(|short| throttled(&door.budget, payer, cost, short))?;
    if let Some(hash) = keep_as {
        door.documents.keep(payer, hash, Arc::clone(&text));
    }
    let mut request = async_graphql::Request::new(&*text)
        .variables(variables)
        .data(Loaders::new(viewer, door.ground.clone()));
    request.operation_name = operation_name;
    request.set_parsed_query(document);
    if !is_open {
        request = request.disable_introspection();
    }
    if kind == OperationType::Mutation {
        request = request.data(door.outbound.clone());
    }
    let is_lean = kind != OperationType::Subscription && !is_introspection;
    if !is_lean {
        request = request.data(Checked);
    }
    Ok(Prepared { request, kind, is_lean, receipt, organization_id })
}

/// Executes a query or a mutation; every error has its code and request id, and the answer says what it cost.
///
/// When the future is given up, or the time is over, a query stops, in the database too. A mutation goes on
/// to its end in a task of its own: it is not given up between two steps.
pub async fn execute(door: &Door, prepared: Prepared, request_id: &str) -> Result<Response, Refusal> {
    let Prepared { request, kind, is_lean, receipt, organization_id } = prepared;
    let graph = if is_lean { door.graphs.lean.clone() } else { door.graphs.whole.clone() };
    let (id, timeout) = (request_id.to_owned(), door.settings.timeout);
    let is_mutation = kind == OperationType::Mutation;
    let name = request.operation_name.clone();
    let work = walled::within(organization_id, async move {
        let mut response = graph.execute(request).await;
        errors::finish(&mut response, &id);
        receipt.settle(&mut response, is_mutation);
        response
    });
    let leash = Leash::new(timeout);
    let held = leash.clone();
    let span = tracing::info_span!("operation", kind = %kind, name);
    let task = if is_mutation {
        tokio::spawn(work.map(Some).instrument(span))
    } else {
        tokio::spawn(async move { held.hold(work).await }.instrument(span))
    };
    let _cut = leash.cut_when_dropped();
    match tokio::time::timeout(timeout, task).await {
        Ok(Ok(Some(response))) => Ok(response),
        Err(_) | Ok(Ok(None)) => {
            tracing::warn!(request.id = request_id, "an operation took longer than {timeout:?}");
            let next = if is_mutation {
                "what was begun may still be done: look before you send it again"
            } else {
                "ask for less at once"
            };
            let message = format!("this took longer than {timeout:?}; {next}");
            Err(Refusal::of(vec![refusal(code::TIMEOUT, message)]).status(StatusCode::GATEWAY_TIMEOUT))
        }
        Ok(Err(error)) => {
            tracing::error!(request.id = request_id, %error, "an operation broke off");
            Err(internal())
        }
    }
}

/// Reads on a thread where it blocks nobody, so many at a time.
async fn read_apart(door: &Door, reading: Reading) -> Result<Result<Read, Refused>, Refusal> {
    let permit = tokio::time::timeout(door.settings.timeout, Arc::clone(&door.readers).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else {
        let message = "too many long documents are being read; send it again in a moment";
        return Err(Refusal::of(vec![refusal(code::SERVICE_UNAVAILABLE, message)])
            .status(StatusCode::SERVICE_UNAVAILABLE)
            .retry_after(1));
    };
    let task = tokio::task::spawn_blocking(move || {
        let read = reading.read();
        drop(permit);
        read
    });
    task.await.map_err(|error| {
        tracing::error!(%error, "reading a document broke off");
        internal()
    })
}

fn throttled(budget: &Budget, payer: Payer, cost: u64, short: Short) -> Refusal {
    let Short { retry_after_secs, available } = short;
    let message =
        format!("this costs {cost}, {available} are left for now; send it again in {retry_after_secs} s");
    let mut error = refusal(code::THROTTLED, message);
    let values = error.extensions.get_or_insert_with(async_graphql::ErrorExtensionValues::default);
    values.set("requestedQueryCost", cost);
    values.set("currentlyAvailable", available);
    values.set("retryAfterSeconds", retry_after_secs);
    Refusal::of(vec![error])
        .status(StatusCode::TOO_MANY_REQUESTS)
        .cost(budget.status(payer, cost, None))
        .retry_after(retry_after_secs)
}

/// What reading a document needs; nothing of it waits.
struct Reading {
    graph: Graph,
    documents: Arc<Documents>,
    prices: Arc<Prices>,
    limits: Limits,
    text: Arc<str>,
    tokens: usize,
    operation_name: Option<String>,
    variables: Variables,
    kinds: Kinds,
    is_open: bool,
}

/// A document that was read and fits the schema.
struct Read {
    document: ExecutableDocument,
    operation_name: Option<String>,
    variables: Variables,
    kind: OperationType,
    is_introspection: bool,
    cost: u64,
}

enum Refused {
    Plain(Refusal),
    TooDear(Refusal, u64),
}

impl<T: Into<Refusal>> From<T> for Refused {
    fn from(refusal: T) -> Self {
        Self::Plain(refusal.into())
    }
}

impl Reading {
    fn read(mut self) -> Result<Read, Refused> {
        let known = self.documents.parsed(&self.text);
        let is_new = known.is_none();
        let parsed = if let Some(parsed) = known {
            parsed
        } else {
            let document = parse_query(&*self.text).map_err(|error| unparsable(error.into()))?;
            Arc::new(Parsed::new(document))
        };
        let (document, name) = (&parsed.document, self.operation_name.as_deref());
        let shape = shape::look(document, name, &mut self.variables, &self.limits, &self.prices)?;
        self.is_taken(shape.kind)?;
        if shape.is_introspection && !self.is_open {
            let message = "introspection is off; set `introspection = true`, or use schema.graphql";
            return Err(refusal(code::FORBIDDEN, message).into());
        }
        let (cost, maximum) = (shape.cost, self.limits.cost);
        if cost > maximum {
            let message =
                format!("this costs {cost}, {maximum} are allowed; ask for smaller pages with `first`");
            let requested = Some(("requestedQueryCost", cost));
            let error = beyond(code::COST_LIMIT_EXCEEDED, message, requested, maximum);
            return Err(Refused::TooDear(error.into(), cost as u64));
        }
        let form = form::of(name, &shape::operation(document, name)?.node, &self.variables);
        if !parsed.fits(&form) {
            self.validate(document)?;
            parsed.keep_fitting(form);
        }
        if is_new {
            self.documents.keep_parsed(&self.text, Arc::clone(&parsed), self.tokens);
        }
        Ok(Read {
            document: document.clone(),
            operation_name: self.operation_name,
            variables: self.variables,
            kind: shape.kind,
            is_introspection: shape.is_introspection,
            cost: cost as u64,
        })
    }

    fn is_taken(&self, kind: OperationType) -> Result<(), Refusal> {
        match kind {
            OperationType::Mutation if !self.kinds.mutations => {
                let message = "a mutation is sent by POST";
                Err(Refusal::outright(StatusCode::METHOD_NOT_ALLOWED, code::BAD_USER_INPUT, message)
                    .header(header::ALLOW, "POST"))
            }
            OperationType::Subscription if !self.kinds.subscriptions => {
                let message = "a subscription needs a stream: a WebSocket, or /graphql/stream";
                Err(refusal(code::BAD_USER_INPUT, message).into())
            }
            _ => Ok(()),
        }
    }

    /// Compares the document and its variables with the schema.
    fn validate(&self, document: &ExecutableDocument) -> Result<(), Refusal> {
        let mut request = async_graphql::Request::new("").variables(self.variables.clone());
        request.operation_name.clone_from(&self.operation_name);
        request.set_parsed_query(document.clone());
        let Some(response) = self.graph.execute(request).now_or_never() else {
            tracing::error!("validation waited for something");
            return Err(internal());
        };
        if response.errors.is_empty() {
            return Ok(());
        }
        let errors = response.errors.into_iter().take(MAX_ERRORS);
        let told = errors.map(|error| shortened(if self.is_open { error } else { without_help(error) }));
        Err(Refusal::of(told.collect()))
    }
}

/// The parser's own words, without the line of the document in which it stumbled where that is long.
fn unparsable(mut error: ServerError) -> Refusal {
    if error.message.len() > MAX_MESSAGE
        && let Some((_, expected)) = error.message.rsplit_once("  = ")
    {
        error.message = String::from(expected);
    }
    errors::coded(shortened(error), code::PARSE_FAILED).into()
}

fn shortened(mut error: ServerError) -> ServerError {
    if error.message.len() > MAX_MESSAGE {
        let end = (0..=MAX_MESSAGE).rev().find(|&at| error.message.is_char_boundary(at)).unwrap_or_default();
        error.message.truncate(end);
        error.message.push('…');
    }
    error
}
