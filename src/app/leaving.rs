//! How a node leaves: it says so, is left alone, and only then closes its door.
//!
//! A listener that is closed cuts off whoever has just connected, and a kept connection may be cut in the moment of its
//! next request. So for a while before, requests are taken as ever, but no connection is kept, and `/health/ready`
//! says 503: load balancers and clients turn to others.

use std::time::Duration;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServerHandle, ServiceRequest, ServiceResponse},
    http::{ConnectionType, StatusCode},
    middleware::Next,
    web,
};

use crate::ground::{Ground, Leaving};

/// How long connections that were let in before the door closed may take to come to those who serve them.
const COMING_IN: Duration = Duration::from_millis(20);

/// Keeps no connection once this node is about to stop.
pub(super) async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let leaving = request.app_data::<web::Data<Ground>>().map(|ground| ground.leaving.clone());
    let _inside = leaving.as_ref().map(Leaving::come_in);
    let mut response = next.call(request).await?;
    if leaving.is_some_and(|leaving| leaving.has_begun())
        && response.status() != StatusCode::SWITCHING_PROTOCOLS
    {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Says that this node leaves, and gives the others so long to hear it.
pub(super) async fn give_notice(ground: &Ground, notice: Duration) {
    ground.leaving.begin();
    if !notice.is_zero() {
        tracing::info!(
            secs = notice.as_secs(),
            "about to stop: requests are still taken, connections are not kept"
        );
        tokio::time::sleep(notice).await;
    }
}

/// Lets nobody in any more and waits until everybody inside was served, so long at the most. The server is to be stopped
/// then: its threads end one by one, each with the connections to the database that it has opened.
pub(super) async fn close(server: &ServerHandle, ground: &Ground, grace: Duration) {
    server.pause().await;
    // At a stop, those are dropped that were let in and not served yet.
    tokio::time::sleep(COMING_IN).await;
    let _ = tokio::time::timeout(grace, ground.leaving.all_served()).await;
}
