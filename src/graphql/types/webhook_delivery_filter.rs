//! Which deliveries, in which order.

use async_graphql::{Enum, InputObject};
use entity::{webhook_delivery, webhook_endpoint};

use super::{DateTimeFilter, OrderDirection, ReferenceFilter, WebhookDeliveryState, all};
use crate::{db::page::Order, error::Error, queue::deliveries};

/// The state of a delivery.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WebhookDeliveryStateFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<WebhookDeliveryState>>,
}

/// Which deliveries; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WebhookDeliveryFilter {
    /// What became of them.
    pub state: Option<WebhookDeliveryStateFilter>,
    /// Where they came in.
    pub webhook_endpoint: Option<ReferenceFilter>,
    /// When they came in.
    pub received_at: Option<DateTimeFilter>,
    /// Part of the message's id or of the problem, in upper or lower case.
    pub query: Option<String>,
}

impl WebhookDeliveryFilter {
    /// The domain's filter.
    pub fn read(self) -> Result<deliveries::DeliveryFilter, Error> {
        Ok(deliveries::DeliveryFilter {
            states: all(self.state.and_then(|state| state.any_of)),
            webhook_endpoint_ids: ReferenceFilter::read::<webhook_endpoint::Entity>(
                self.webhook_endpoint.as_ref(),
                "webhookEndpoint",
            )?,
            received: DateTimeFilter::read(self.received_at),
            text: self.query,
        })
    }
}

/// What deliveries are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum WebhookDeliveryOrderField {
    /// When they came in.
    #[default]
    ReceivedAt,
}

/// The order of deliveries; those that are equal stand in the order of their ids.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct WebhookDeliveryOrder {
    /// By what.
    pub field: WebhookDeliveryOrderField,
    /// Which way.
    #[graphql(default)]
    pub direction: OrderDirection,
}

impl From<WebhookDeliveryOrder> for Order<webhook_delivery::Entity> {
    fn from(order: WebhookDeliveryOrder) -> Self {
        order.direction.of(match order.field {
            WebhookDeliveryOrderField::ReceivedAt => webhook_delivery::Column::ReceivedAt,
        })
    }
}
