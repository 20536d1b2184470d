//! Which deliveries, in which order.

use async_graphql::InputObject;
use entity::webhook_endpoint;

use super::{
    DateTimeFilter, OrderDirection, ReferenceFilter, TextFilter, WebhookDeliveryState, all, filters::ordering,
};
use crate::{error::Error, queue::deliveries};

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
    /// From which kind of sender, by its key.
    pub sender: Option<TextFilter>,
    /// When they came in.
    pub received_at: Option<DateTimeFilter>,
    /// Part of the message's id or of the problem, in upper or lower case: looks through the 50,000 newest deliveries
    /// that the rest of the filter leaves. The whole id of a message is found whatever its age.
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
            senders: TextFilter::read(self.sender),
            received: DateTimeFilter::read(self.received_at),
            text: self.query,
        })
    }
}

ordering! {
    /// The order of deliveries; those that are equal stand in the order of their ids.
    WebhookDeliveryOrder, WebhookDeliveryOrderField of webhook_delivery, Desc, [
        /// When they came in.
        #[default]
        ReceivedAt,
    ]
}
