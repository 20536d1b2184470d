//! Whether the program is alive, and whether it can work.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::{
    ground::Ground,
    metrics::{Metrics, Observed},
    queue::{inbox, lanes},
};

/// Work that has waited longer than this is a sign that nobody does it, in seconds.
const STUCK_SECS: i64 = 600;

/// `GET /health/live`: the program answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// `GET /health/ready`: database, tables and work are as they should be, and this node stays; 503 with what is not.
pub async fn ready(ground: web::Data<Ground>) -> HttpResponse {
    let database = ground.db.ping().await;
    let pending = match &database {
        Ok(()) => ground.db.pending_migrations().await.ok(),
        Err(_) => None,
    };
    let (deliveries, operations) = oldest(&ground).await;
    let is_leaving = ground.leaving.has_begun();
    let is_ready = database.is_ok() && pending == Some(0) && !is_leaving;
    let body = json!({
        "status": match (is_ready, is_leaving) {
            (true, _) => "ready",
            (false, true) => "stopping",
            (false, false) => "not ready",
        },
        "database": if database.is_ok() { "reachable" } else { "away" },
        "migrations": match pending {
            Some(0) => "up to date".to_owned(),
            Some(count) => format!("{count} to do: run `psa-gateway migrate`"),
            None => "unknown".to_owned(),
        },
        "oldestWorkSeconds": { "deliveries": deliveries, "operations": operations },
        "isWorkStuck": deliveries > STUCK_SECS || operations > STUCK_SECS,
    });
    if is_ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}

/// `GET /metrics`, in Prometheus' text format.
pub async fn metrics(ground: web::Data<Ground>, metrics: web::Data<Metrics>) -> HttpResponse {
    let (deliveries, operations) = oldest(&ground).await;
    let text = metrics.encode(Observed {
        database_statements: ground.db.statements(),
        oldest_delivery_secs: deliveries,
        oldest_operation_secs: operations,
    });
    HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text)
}

/// How long the oldest due delivery and the oldest due work at a PSA have waited, in seconds; 0 where none
/// is due, or where the database does not say.
async fn oldest(ground: &Ground) -> (i64, i64) {
    let now = ground.clock.now();
    let age = |since: Option<entity::Timestamp>| since.map_or(0, |at| now.millis_since(at).max(0) / 1_000);
    let deliveries = inbox::oldest_due(ground).await.ok().flatten();
    let operations = lanes::oldest_due(ground).await.ok().flatten();
    (age(deliveries), age(operations))
}
