//! Deciding deliveries: read by the sender's adapter, decided by the domain, one transaction each.
#![expect(clippy::disallowed_methods, reason = "reads the endpoint of a delivery it holds")]

use entity::{webhook_delivery, webhook_endpoint};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::Workers;
use crate::{
    decisions::{decide, event::Reading, hints},
    error::Error,
    psa,
    queue::{
        inbox::{self, Verdict},
        received::Headers,
    },
    scanners,
    tickets::remote::TicketHint,
};

/// How many deliveries are claimed at once.
const BATCH: u64 = 32;

/// What a delivery holds.
enum Content {
    Events(Vec<Reading>),
    Hints(uuid::Uuid, Vec<TicketHint>),
    Unreadable(String),
}

impl Workers {
    /// Claims what is due and decides it. False where nothing was due.
    pub(super) async fn decide_batch(&self) -> Result<bool, Error> {
        let ground = &self.0.ground;
        let claimed = inbox::claim(ground, BATCH).await?;
        if claimed.is_empty() {
            return Ok(false);
        }
        for delivery in claimed {
            let content = self.read(&delivery).await?;
            if let Err(error) = self.decide(&delivery, content).await {
                tracing::warn!(delivery.id = %delivery.id, error = %error, cause = ?std::error::Error::source(&error), "a delivery could not be decided");
                inbox::put_back(ground, &delivery, &error).await?;
            }
        }
        Ok(true)
    }

    async fn read(&self, delivery: &webhook_delivery::Model) -> Result<Content, Error> {
        let endpoint = webhook_endpoint::Entity::find_by_id(delivery.webhook_endpoint_id)
            .filter(webhook_endpoint::Column::OrganizationId.eq(delivery.organization_id))
            .one(self.0.ground.db.reader())
            .await?
            .ok_or(Error::NotFound)?;
        let pairs: Vec<(String, String)> = serde_json::from_value(delivery.headers.clone()).unwrap_or_default();
        let headers = Headers::new(pairs);
        if let Some(sender) = scanners::sender(&endpoint.sender) {
            return Ok(Content::Events(sender.read(&headers, &delivery.body)));
        }
        let (Some(platform), Some(connection_id)) = (psa::platform(&endpoint.sender), endpoint.psa_connection_id) else {
            return Ok(Content::Unreadable(format!(
                "this version knows no sender \"{}\"; update the gateway, then redrive",
                endpoint.sender
            )));
        };
        Ok(match platform.read_webhook(&headers, &delivery.body) {
            Ok(hints) => Content::Hints(connection_id, hints),
            Err(problem) => Content::Unreadable(problem),
        })
    }

    async fn decide(&self, delivery: &webhook_delivery::Model, content: Content) -> Result<(), Error> {
        let ground = self.0.ground.clone();
        let held = delivery.clone();
        let delivery_id = delivery.id;
        self.0
            .ground
            .db
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let verdict = match content {
                        Content::Events(readings) => {
                            let unreadable = only_problem(&readings);
                            decide::decide(tx, &ground, &held, readings).await?;
                            unreadable.map_or(Verdict::Understood, Verdict::Dead)
                        }
                        Content::Hints(connection_id, hints) => {
                            hints::take_in(tx, &ground, &held, connection_id, hints).await?;
                            Verdict::Understood
                        }
                        Content::Unreadable(problem) => Verdict::Dead(problem),
                    };
                    if inbox::finish(tx, &held, verdict, ground.clock.now()).await? {
                        Ok(())
                    } else {
                        Err(Error::Internal(anyhow::anyhow!("the delivery has another worker by now")))
                    }
                })
            })
            .await?;
        self.0.ground.wake.outbox();
        tracing::info!(delivery.id = %delivery_id, organization.id = %delivery.organization_id, request.id = delivery.request_id, "a delivery was decided");
        Ok(())
    }
}

/// A delivery of which nothing at all could be read is dead: somebody has to look at it.
fn only_problem(readings: &[Reading]) -> Option<String> {
    match readings {
        [Reading { event: Err(unreadable), .. }] if unreadable.pointer.is_empty() => Some(unreadable.problem.clone()),
        _ => None,
    }
}
