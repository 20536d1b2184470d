//! Deliveries, for those who look at them.

use std::collections::HashMap;

use entity::{webhook_delivery, webhook_endpoint};
use sea_orm::{
    ColumnTrait as _, Condition, ExprTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select,
    sea_query::{ColumnRef, Expr, IntoColumnRef as _, Query, SelectStatement},
};
use uuid::Uuid;

use crate::{
    db::{
        filter::{Span, any_of},
        page::{Order, Search},
    },
    error::Error,
    ground::Ground,
    organizations::{
        reach::{self, List},
        viewer::{Permission, Viewer},
    },
};

/// Below what deliveries are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveriesOf {
    /// All of an organization.
    Organization,
    /// Those that came in at an endpoint.
    WebhookEndpoint,
}

/// Which deliveries; everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeliveryFilter {
    /// In one of these states.
    pub states: Option<Vec<webhook_delivery::DeliveryState>>,
    /// Come in at one of these endpoints.
    pub webhook_endpoint_ids: Option<Vec<Uuid>>,
    /// From one of these kinds of senders.
    pub senders: Option<Vec<String>>,
    /// Come in in this time.
    pub received: Span,
    /// Part of the message's id or of the problem.
    pub text: Option<String>,
}

/// A list of deliveries, without their bodies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryList {
    /// Below what.
    pub of: DeliveriesOf,
    /// Which.
    pub filter: DeliveryFilter,
    /// In which order.
    pub order: Order<webhook_delivery::Entity>,
}

impl List for DeliveryList {
    type Entity = webhook_delivery::Entity;

    const COUNT_BOUND: Option<u64> = Some(10_000);

    fn rows(&self, viewer: &Viewer) -> Select<webhook_delivery::Entity> {
        let filter = &self.filter;
        reach::rows::<webhook_delivery::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(webhook_delivery::Column::State, filter.states.as_deref()))
                .add(any_of(
                    webhook_delivery::Column::WebhookEndpointId,
                    filter.webhook_endpoint_ids.as_deref(),
                ))
                .add(filter.received.holds(webhook_delivery::Column::ReceivedAt))
                .add_option(filter.senders.as_deref().map(|senders| {
                    let of = webhook_endpoint::Column::Sender.is_in(senders);
                    webhook_delivery::Column::WebhookEndpointId.in_subquery(endpoints(viewer, Some(of)))
                })),
        )
    }

    fn parent(&self) -> ColumnRef {
        let column = match self.of {
            DeliveriesOf::Organization => webhook_delivery::Column::OrganizationId,
            DeliveriesOf::WebhookEndpoint => webhook_delivery::Column::WebhookEndpointId,
        };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<webhook_delivery::Entity> {
        self.order
    }

    fn search(&self, viewer: &Viewer) -> Option<Search<webhook_delivery::Entity>> {
        use webhook_delivery::Column as C;
        let search = Search::new(self.filter.text.as_deref(), C::ReceivedAt)?;
        let search = search.within(Expr::col(C::MessageId.as_column_ref()));
        let mut search = search.within(Expr::col(C::Problem.as_column_ref()));
        // Ids of messages are indexed endpoint by endpoint.
        let id = C::MessageId.eq(search.text.clone());
        search.exact.push(id.and(C::WebhookEndpointId.in_subquery(endpoints(viewer, None))));
        Some(search)
    }
}

/// The ids of endpoints in reach.
fn endpoints(viewer: &Viewer, of: Option<Expr>) -> SelectStatement {
    let condition = Condition::all().add_option(of);
    let rows = reach::rows::<webhook_endpoint::Entity>(viewer).filter(condition);
    rows.select_only().column(webhook_endpoint::Column::Id).into_query()
}

/// The bodies of deliveries, exactly as they were sent, for those who may see them; without those that were removed.
pub async fn bodies(viewer: &Viewer, ground: &Ground, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<u8>>, Error> {
    if !viewer.holds(Permission::ReadPayloads) {
        return Err(Permission::ReadPayloads.is_lacking());
    }
    let rows = reach::rows::<webhook_delivery::Entity>(viewer)
        .filter(webhook_delivery::Column::Id.is_in(ids.iter().copied()))
        .filter(webhook_delivery::Column::BodyRemovedAt.is_null())
        .select_only()
        .columns([webhook_delivery::Column::Id, webhook_delivery::Column::Body]);
    let found: Vec<(Uuid, Vec<u8>)> = rows.into_tuple().all(ground.db.reader()).await?;
    Ok(found.into_iter().collect())
}

/// When the last delivery came in at the endpoint of the statement around it: one look into an index, however
/// many there were.
pub fn last_received() -> Expr {
    let newest = Query::select()
        .expr(webhook_delivery::Column::ReceivedAt.max())
        .from(webhook_delivery::Entity)
        .and_where(
            Expr::col((webhook_delivery::Entity, webhook_delivery::Column::WebhookEndpointId))
                .eq(Expr::col((webhook_endpoint::Entity, webhook_endpoint::Column::Id))),
        )
        .take();
    Expr::from(newest)
}
