//! Whether the program is alive, and whether it can work.

use actix_web::{HttpResponse, web};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

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

/// The installation's databases, by name.
#[derive(Clone, Debug)]
pub struct Shards(pub Vec<(String, Ground)>);

/// How a database is.
struct Condition {
    is_reachable: bool,
    pending: Option<usize>,
    deliveries: i64,
    operations: i64,
}

impl Condition {
    async fn of(ground: &Ground) -> Self {
        let is_reachable = ground.db.ping().await.is_ok();
        let pending = if is_reachable { ground.db.pending_migrations().await.ok() } else { None };
        let (deliveries, operations) = oldest(ground).await;
        Self { is_reachable, pending, deliveries, operations }
    }

    fn is_good(&self) -> bool {
        self.is_reachable && self.pending == Some(0)
    }

    fn told(&self) -> Map<String, Value> {
        let told = json!({
            "database": if self.is_reachable { "reachable" } else { "away" },
            "migrations": match self.pending {
                Some(0) => "up to date".to_owned(),
                Some(count) => format!("{count} to do: run `psa-gateway migrate`"),
                None => "unknown".to_owned(),
            },
            "oldestWorkSeconds": { "deliveries": self.deliveries, "operations": self.operations },
            "isWorkStuck": self.deliveries > STUCK_SECS || self.operations > STUCK_SECS,
        });
        match told {
            Value::Object(told) => told,
            _ => Map::new(),
        }
    }
}

/// `GET /health/ready`: database, tables and work are as they should be, and this node stays; 503 with what is not. Where
/// there are shards one that is away keeps nobody from the others: it is told, and 503 is for when none is there.
pub async fn ready(ground: web::Data<Ground>, shards: web::Data<Shards>) -> HttpResponse {
    let is_leaving = ground.leaving.has_begun();
    let conditions = join_all(shards.0.iter().map(|(_, ground)| Condition::of(ground))).await;
    let is_ready = conditions.iter().any(Condition::is_good) && !is_leaving;
    let mut body = conditions.first().map(Condition::told).unwrap_or_default();
    let status = match (is_ready, is_leaving) {
        (true, _) => "ready",
        (false, true) => "stopping",
        (false, false) => "not ready",
    };
    body.insert("status".to_owned(), status.into());
    if shards.0.len() > 1 {
        let all = shards
            .0
            .iter()
            .zip(&conditions)
            .map(|((name, _), condition)| (name.clone(), Value::Object(condition.told())));
        body.insert("shards".to_owned(), Value::Object(all.collect()));
    }
    if is_ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}

/// `GET /metrics`, in Prometheus' text format.
pub async fn metrics(shards: web::Data<Shards>, metrics: web::Data<Metrics>) -> HttpResponse {
    let oldest = join_all(shards.0.iter().map(|(_, ground)| oldest(ground))).await;
    let text = metrics.encode(Observed {
        database_statements: shards.0.iter().map(|(_, ground)| ground.db.statements()).sum(),
        oldest_delivery_secs: oldest.iter().map(|(deliveries, _)| *deliveries).max().unwrap_or_default(),
        oldest_operation_secs: oldest.iter().map(|(_, operations)| *operations).max().unwrap_or_default(),
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
