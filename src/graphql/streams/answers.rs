//! What comes of one operation, in the order in which the client is told.

use async_graphql::{Response, ServerError, Value, parser::types::OperationType};
use futures_util::{StreamExt as _, stream, stream::BoxStream};

use super::{asker::Asker, operation::listen};
use crate::graphql::{
    errors::{self, code},
    http::Door,
    operation::{self, Prepared},
    refusal::Refusal,
    subscriptions::Subscriber,
};

/// One answer.
pub(super) enum Answer {
    /// A result; a subscription has many.
    Next(Response),
    /// It was refused before there was a result, or broke off. Nothing comes after it.
    Refused(Vec<ServerError>),
}

/// The answers to an operation. It is begun when the first one is asked for, and given up when this is
/// dropped.
pub(super) fn of(
    door: &Door,
    asker: &Asker,
    prepared: Result<Prepared, Refusal>,
    request_id: String,
) -> BoxStream<'static, Answer> {
    let (door, asker) = (door.clone(), asker.clone());
    match prepared {
        Err(refusal) => stream::once(async move { refused(refusal, &request_id) }).boxed(),
        Ok(prepared) if prepared.kind == OperationType::Subscription => {
            let (subscriber, responses) = listen(&door, &asker, prepared);
            heard(subscriber, responses, request_id)
        }
        Ok(prepared) => stream::once(async move {
            match operation::execute(&door, prepared, &request_id).await {
                Ok(response) => Answer::Next(response),
                Err(refusal) => refused(refusal, &request_id),
            }
        })
        .boxed(),
    }
}

fn refused(refusal: Refusal, request_id: &str) -> Answer {
    Answer::Refused(refusal.into_response(request_id).errors)
}

/// The events of a subscription. What goes wrong before the first, and what ends it, is no event.
fn heard(
    subscriber: Subscriber,
    responses: BoxStream<'static, Response>,
    request_id: String,
) -> BoxStream<'static, Answer> {
    stream::unfold(Some((subscriber, responses, request_id)), |state| async {
        let (subscriber, mut responses, request_id) = state?;
        let mut response = responses.next().await?;
        let is_end = !subscriber.has_begun() || breaks_off(&response);
        errors::finish(&mut response, &request_id);
        if is_end {
            return Some((Answer::Refused(response.errors), None));
        }
        Some((Answer::Next(response), Some((subscriber, responses, request_id))))
    })
    .boxed()
}

fn breaks_off(response: &Response) -> bool {
    response.errors.iter().any(|error| {
        let code = error.extensions.as_ref().and_then(|values| values.get("code"));
        matches!(code, Some(Value::String(code)) if code == code::SLOW_CONSUMER)
    })
}
