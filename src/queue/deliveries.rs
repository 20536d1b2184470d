//! Deliveries, for those who look at them.

use std::collections::HashMap;

use entity::webhook_delivery;
use sea_orm::{
    ColumnTrait as _, Condition, QueryFilter as _, QuerySelect as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _},
};
use uuid::Uuid;

use crate::{
    db::{
        filter::{Span, any_of, contains},
        page::Order,
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
                .add(contains(
                    &[webhook_delivery::Column::MessageId, webhook_delivery::Column::Problem],
                    filter.text.as_deref(),
                )),
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
}

/// The bodies of deliveries, exactly as they were sent, for those who may see them.
pub async fn bodies(viewer: &Viewer, ground: &Ground, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<u8>>, Error> {
    if !viewer.holds(Permission::ReadPayloads) {
        return Err(Permission::ReadPayloads.is_lacking());
    }
    let rows = reach::rows::<webhook_delivery::Entity>(viewer)
        .filter(webhook_delivery::Column::Id.is_in(ids.iter().copied()))
        .select_only()
        .columns([webhook_delivery::Column::Id, webhook_delivery::Column::Body]);
    let found: Vec<(Uuid, Vec<u8>)> = rows.into_tuple().all(ground.db.reader()).await?;
    Ok(found.into_iter().collect())
}
