//! Webhooks over time, endpoint by endpoint: what was understood, what is dead, when the last one came.

use std::collections::HashMap;

use entity::{Timestamp, tally::About, webhook_delivery::DeliveryState, webhook_endpoint};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, ConnectionTrait as _, FromQueryResult as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
    sea_query::{CaseStatement, Expr, ExprTrait as _, Query},
};
use uuid::Uuid;

use super::{
    buckets::Buckets,
    sums::{self, COUNTED, Companies, SLOT, Source, sum, whole},
};
use crate::{
    error::Error,
    ground::Ground,
    organizations::{reach, viewer::Viewer},
    queue::deliveries,
};

/// How many endpoints of an organization are shown, the newest first.
pub const MAX_ENDPOINTS: u64 = 100;

/// How many deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Understood.
    pub understood: i64,
    /// Dead.
    pub dead: i64,
    /// Came again.
    pub repeated: i64,
}

impl Counts {
    /// Takes others in.
    pub fn add(&mut self, other: Self) {
        self.understood += other.understood;
        self.dead += other.dead;
        self.repeated += other.repeated;
    }
}

/// How an endpoint's deliveries went.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointCounts {
    /// The endpoint.
    pub endpoint: webhook_endpoint::Model,
    /// When the last one came, ever.
    pub last_received_at: Option<Timestamp>,
    /// Those of each bucket that has any, by its first day.
    pub buckets: HashMap<i32, Counts>,
}

/// The endpoints of each organization with their deliveries, the newest endpoint first, in two statements.
pub async fn endpoints(
    viewer: &Viewer,
    ground: &Ground,
    buckets: &Buckets,
    organization_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<EndpointCounts>>, Error> {
    let mut found: HashMap<Uuid, Vec<EndpointCounts>> =
        organization_ids.iter().map(|id| (*id, Vec::new())).collect();
    let rows = reach::rows::<webhook_endpoint::Entity>(viewer)
        .filter(webhook_endpoint::Column::OrganizationId.is_in(organization_ids.iter().copied()))
        .expr_as(deliveries::last_received(), "last_received_at")
        .order_by_desc(webhook_endpoint::Column::CreatedAt)
        .order_by_desc(webhook_endpoint::Column::Id)
        .limit(MAX_ENDPOINTS.saturating_mul(organization_ids.len() as u64))
        .into_query();
    let mut places = HashMap::new();
    for row in ground.db.reader().query_all(&rows).await? {
        let endpoint = webhook_endpoint::Model::from_query_result(&row, "")?;
        let Some(endpoints) = found.get_mut(&endpoint.organization_id) else { continue };
        if endpoints.len() as u64 >= MAX_ENDPOINTS {
            continue;
        }
        places.insert(endpoint.id, (endpoint.organization_id, endpoints.len()));
        let last_received_at = row.try_get::<Option<i64>>("", "last_received_at")?.map(Timestamp);
        endpoints.push(EndpointCounts { endpoint, last_received_at, buckets: HashMap::new() });
    }
    let source = Source {
        about: &[About::Delivery, About::DeliveryRepeated],
        buckets,
        organization_ids,
        company_ids: Companies::Together,
        place_ids: None,
        severities: None,
    };
    let of_state = |state: DeliveryState| {
        let is = Expr::col((COUNTED, "about"))
            .eq(About::Delivery)
            .and(Expr::col((COUNTED, "state")).eq(state.to_value()));
        let counted =
            CaseStatement::new().case(is, Expr::col((COUNTED, "count"))).finally(Expr::value(0_i64));
        whole(Expr::expr(counted).sum())
    };
    let mut counts = Query::select();
    counts
        .from_subquery(sums::rows(viewer, &source), COUNTED)
        .expr_as(of_state(DeliveryState::Understood), "understood")
        .expr_as(of_state(DeliveryState::Dead), "dead")
        .expr_as(sum("count", About::DeliveryRepeated), "repeated");
    for name in ["place_id", SLOT] {
        counts.column((COUNTED, name)).group_by_col((COUNTED, name));
    }
    for row in ground.db.reader().query_all(&counts).await? {
        let place = places.get(&row.try_get::<Uuid>("", "place_id")?);
        let Some((organization_id, index)) = place else { continue };
        let Some(endpoint) = found.get_mut(organization_id).and_then(|all| all.get_mut(*index)) else {
            continue;
        };
        let start = buckets.of(row.try_get("", SLOT)?);
        endpoint.buckets.entry(start).or_default().add(Counts {
            understood: row.try_get("", "understood")?,
            dead: row.try_get("", "dead")?,
            repeated: row.try_get("", "repeated")?,
        });
    }
    Ok(found)
}
