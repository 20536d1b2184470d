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

use crate::ground::Ground;

/// How long connections that were let in before the door closed may take to come to those who serve them.
const COMING_IN: Duration = Duration::from_millis(20);

/// Keeps no connection once this node is about to stop.
pub(super) async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let ground = response.request().app_data::<web::Data<Ground>>();
    let is_leaving = ground.is_some_and(|ground| ground.leaving.has_begun());
    if is_leaving && response.status() != StatusCode::SWITCHING_PROTOCOLS {
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

/// Closes the door and waits until everybody inside was served.
pub(super) async fn close(server: &ServerHandle) {
    // At a stop, the server drops those that were let in and not served yet: it first lets nobody in for a moment.
    server.pause().await;
    tokio::time::sleep(COMING_IN).await;
    server.stop(true).await;
}
