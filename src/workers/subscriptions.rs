//! Confirming subscriptions that senders ask about, after their request was verified and stored.

use entity::{webhook_delivery, webhook_endpoint};

use super::{Workers, inbox::Content};
use crate::{
    error::Error,
    organizations::endpoints,
    scanners::signature::{
        Scheme,
        sns::{self, Handshake, NotConfirmed},
    },
};

impl Workers {
    /// What became of a delivery that is about the subscription itself; none where it brings something else.
    ///
    /// The first topic that asks is the endpoint's from then on. It is written down before Amazon is called, so
    /// that nothing of the topic is refused that comes at once; of two that ask at the same time one wins.
    pub(super) async fn about_subscription(
        &self,
        endpoint: &webhook_endpoint::Model,
        delivery: &webhook_delivery::Model,
    ) -> Result<Option<Content>, Error> {
        // Only what was verified as a message of SNS: a delivery from before the endpoint's time is not.
        if endpoint.scheme != Scheme::SNS.key() || !delivery.verified_by.starts_with("sns.") {
            return Ok(None);
        }
        let (topic, url) = match sns::handshake(&delivery.body) {
            Ok(None) => return Ok(None),
            Ok(Some(Handshake::Ended { topic })) => {
                tracing::warn!(webhook_endpoint.id = %endpoint.id, topic, "a subscription to the endpoint has ended");
                return Ok(Some(Content::Events(Vec::new())));
            }
            Ok(Some(Handshake::Confirm { topic, url })) => (topic, url),
            Err(error) => return Ok(Some(Content::Unreadable(error.to_string()))),
        };
        let ground = &self.0.ground;
        let stands = endpoints::settle_setting(ground, endpoint, sns::TOPIC, &topic).await?;
        if stands != topic.as_str() {
            let problem = "the endpoint belongs to another topic; make an endpoint for each topic, or change `topicArn` \
                           in its settings and redrive";
            return Ok(Some(Content::Unreadable(problem.to_owned())));
        }
        Ok(Some(match self.0.sns.confirm(*url).await {
            Ok(()) => {
                tracing::info!(webhook_endpoint.id = %endpoint.id, topic, "a subscription was confirmed");
                Content::Events(Vec::new())
            }
            Err(NotConfirmed::Never(problem)) => Content::Unreadable(problem),
            Err(NotConfirmed::Later(problem)) => Content::Later(problem),
        }))
    }
}
