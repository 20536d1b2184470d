//! One operation of a connection that stays open: held to its limits, charged and carried out as over HTTP.

use async_graphql::{Response, parser::types::OperationType};
use futures_util::{StreamExt as _, stream, stream::BoxStream};

use super::{asker::Asker, subscription_root};
use crate::graphql::{
    http::Door,
    operation::{self, Kinds, Prepared},
    refusal::Refusal,
    request::Asked,
    subscriptions::Subscriber,
};

/// Checks an operation as far as that goes before it is executed.
pub(super) async fn prepare(
    door: &Door,
    asker: &Asker,
    wanted: Asked,
    kinds: Kinds,
) -> Result<Prepared, Refusal> {
    let mut prepared = operation::prepare(door, asker.viewer(), wanted, kinds).await?;
    if prepared.kind == OperationType::Subscription {
        let mut document = prepared.request.parsed_query()?.clone();
        subscription_root::settle(&mut document)?;
        prepared.request.set_parsed_query(document);
    }
    Ok(prepared)
}

/// Begins a subscription, and says when there may be events.
pub(super) fn listen(
    door: &Door,
    asker: &Asker,
    prepared: Prepared,
) -> (Subscriber, BoxStream<'static, Response>) {
    let subscriber = asker.subscriber(door);
    let request = prepared.request.data(subscriber.clone());
    let graph = door.graphs.whole.clone();
    (subscriber, stream::once(async move { graph.execute_stream(request) }).flatten().boxed())
}
