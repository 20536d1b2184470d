//! Trying out how a sample is read, before a sender posts it for good.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};
use entity::{organization, webhook_endpoint};
use serde_json::Value;

use super::{Asking as _, ids, scalars::Json, types::WebhookReading};
use crate::{
    error::{Error, Problem, ProblemCode},
    organizations::{endpoints, viewer::Permission},
    queue::received::Headers,
    scanners::{self, Posted, Sender, signature::Scheme},
};

/// The longest sample, in bytes: half of what a request may have.
const MAX_BODY: usize = 128 * 1_024;
/// How many headers a sample may have.
const MAX_HEADERS: usize = 50;
/// The longest headers, in bytes, with their names.
const MAX_HEADER_BYTES: usize = 16 * 1_024;

/// How a sample is to be read: one of these.
#[derive(Debug, OneofObject)]
pub(super) enum WebhookReadingOfInput {
    /// As at this endpoint.
    EndpointId(ID),
    /// As at an endpoint that could be made.
    Draft(WebhookReadingDraftInput),
}

/// An endpoint that could be made.
#[derive(Debug, InputObject)]
pub(super) struct WebhookReadingDraftInput {
    /// For which organization.
    organization_id: ID,
    /// Key of the sender that posts, e.g. `generic_json`.
    sender: String,
    /// Key of the way it authenticates; the sender's recommended one where it is absent.
    scheme: Option<String>,
}

/// A header of a sample.
#[derive(Debug, InputObject)]
pub(super) struct WebhookReadingHeaderInput {
    /// Its name, in upper or lower case.
    name: String,
    /// Its value.
    value: String,
}

/// A sample, and how it is to be read.
#[derive(Debug, InputObject)]
pub(super) struct WebhookEndpointTryReadingInput {
    /// As what endpoint reads it.
    of: WebhookReadingOfInput,
    /// The body, as the sender posts it; 131,072 bytes at the most.
    body: String,
    /// Headers that matter to the sender, e.g. `X-GitHub-Event`; 50 at the most. Give no secrets: none is looked at.
    headers: Option<Vec<WebhookReadingHeaderInput>>,
    /// Settings to try, an object; the endpoint's own where they are absent.
    settings: Option<Json>,
}

/// What a sample would give.
#[derive(Default)]
pub(super) struct ReadingQuery;

#[Object]
impl ReadingQuery {
    /// What a sample would give at an endpoint: the events as read, and what is wrong with the rest. Nothing is checked
    /// for authenticity, stored, decided or opened. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_endpoint_try_reading(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sample, and how to read it.")] input: WebhookEndpointTryReadingInput,
    ) -> Result<Option<WebhookReading>> {
        let headers = input.headers.unwrap_or_default();
        check_size(&input.body, &headers).map_err(Error::from)?;
        let way = Way::of(ctx, &input.of).await?;
        let settings = input.settings.map_or(way.settings, |settings| settings.0);
        if let Err(problem) = scanners::check_settings(way.sender, way.scheme, &settings) {
            return Ok(Some(WebhookReading::refused(problem)));
        }
        let headers = Headers::new(headers.iter().map(|header| (&header.name, &header.value)));
        let settings = way.scheme.senders_settings(&settings);
        let posted = Posted { headers: &headers, body: input.body.as_bytes(), settings: &settings };
        Ok(Some(scanners::read(way.sender, &posted).into()))
    }
}

fn check_size(body: &str, headers: &[WebhookReadingHeaderInput]) -> Result<(), Problem> {
    let wrong = |field, message: String| Err(Problem::at(&["input", field], ProblemCode::TooLong, message));
    if body.len() > MAX_BODY {
        return wrong(
            "body",
            format!("it has {} bytes; {MAX_BODY} are allowed: give a part of it", body.len()),
        );
    }
    let bytes: usize = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let message = format!(
            "{MAX_HEADERS} headers with {MAX_HEADER_BYTES} bytes are allowed: leave out what says nothing"
        );
        return wrong("headers", message);
    }
    Ok(())
}

/// By what a sample is read.
struct Way {
    sender: &'static dyn Sender,
    scheme: Scheme,
    settings: Value,
}

impl Way {
    async fn of(ctx: &Context<'_>, of: &WebhookReadingOfInput) -> Result<Self, async_graphql::Error> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        match of {
            WebhookReadingOfInput::EndpointId(id) => {
                let path = ["input", "of", "endpointId"];
                let id = ids::parse::<webhook_endpoint::Entity>(id, &path).map_err(Error::from)?;
                let row = endpoints::by_id(viewer, ground, id).await?;
                viewer.may(Permission::ManageEndpoints, row.organization_id)?;
                let found = Self::named(&row.sender, Some(&row.scheme), &path)?;
                Ok(Self { settings: row.settings.unwrap_or_default(), ..found })
            }
            WebhookReadingOfInput::Draft(draft) => {
                let path = ["input", "of", "draft", "organizationId"];
                let id =
                    ids::parse::<organization::Entity>(&draft.organization_id, &path).map_err(Error::from)?;
                viewer.may(Permission::ManageEndpoints, id)?;
                Ok(Self::named(&draft.sender, draft.scheme.as_deref(), &["input", "of", "draft", "sender"])?)
            }
        }
    }

    fn named(sender: &str, scheme: Option<&str>, path: &[&str]) -> Result<Self, Error> {
        let wrong = |message: String| Error::from(Problem::at(path, ProblemCode::NotFound, message));
        let shown = |text: &str| text.chars().take(60).collect::<String>();
        let found = scanners::sender(sender).ok_or_else(|| {
            wrong(format!(
                "{} is no sender whose webhooks hold events; take the key of one of `senders` that has event kinds",
                shown(sender)
            ))
        })?;
        let known = found.schemes();
        let scheme = match scheme {
            Some(key) => known.iter().copied().find(|scheme| scheme.key() == key),
            None => known.first().copied(),
        };
        let scheme = scheme.ok_or_else(|| {
            let keys: Vec<_> = known.iter().map(|scheme| scheme.key()).collect();
            wrong(format!("{} authenticates by one of: {}", found.label(), keys.join(", ")))
        })?;
        Ok(Self { sender: found, scheme, settings: Value::Null })
    }
}
