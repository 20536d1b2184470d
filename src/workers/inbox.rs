//! Deciding deliveries: read by the sender's adapter, decided by the domain, one transaction each.
#![expect(clippy::disallowed_methods, reason = "reads the endpoint of a delivery it holds")]

use entity::{event::Outcome, webhook_delivery, webhook_endpoint};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use tracing::Instrument as _;

use super::Workers;
use crate::{
    decisions::{decide, event::Reading, hints},
    error::Error,
    organizations::registrations,
    psa::{self, WebhookNews},
    queue::{
        inbox::{self, Verdict},
        received::Headers,
    },
    scanners,
    telemetry::traces::{self, span_of_kind},
};

/// How many deliveries are claimed at once.
const BATCH: u64 = 32;

/// How many events of one delivery are decided in one transaction: a long one must not keep the only
/// writer of an embedded database from storing webhooks.
const EVENTS: usize = 50;

/// What a delivery holds.
pub(super) enum Content {
    Events(Vec<(i32, Reading)>),
    News(uuid::Uuid, WebhookNews),
    Unreadable(String),
    /// What it asks for could not be done yet.
    Later(String),
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
            let span = span_of_kind!("consumer", "delivery", request.id = delivery.request_id);
            traces::continue_from(&span, delivery.trace_context.as_deref());
            let work = async {
                let decided = match self.read(&delivery).await {
                    Ok(content) => self.decide(&delivery, content).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = decided {
                    tracing::warn!(delivery.id = %delivery.id, error = %error, cause = ?std::error::Error::source(&error), "a delivery could not be decided");
                    inbox::put_back(ground, &delivery, &error).await?;
                }
                Ok::<_, Error>(())
            };
            work.instrument(span).await?;
        }
        Ok(true)
    }

    async fn read(&self, delivery: &webhook_delivery::Model) -> Result<Content, Error> {
        let endpoint = webhook_endpoint::Entity::find_by_id(delivery.webhook_endpoint_id)
            .filter(webhook_endpoint::Column::OrganizationId.eq(delivery.organization_id))
            .one(self.0.ground.db.reader())
            .await?
            .ok_or(Error::NotFound)?;
        if let Some(sender) = scanners::sender(&endpoint.sender) {
            if let Some(content) = self.about_subscription(&endpoint, delivery).await? {
                return Ok(content);
            }
            let readings = scanners::read_stored(sender, &endpoint, delivery);
            return Ok(Content::Events((0_i32..).zip(readings).collect()));
        }
        let (Some(platform), Some(connection_id)) =
            (psa::platform(&endpoint.sender), endpoint.psa_connection_id)
        else {
            return Ok(Content::Unreadable(format!(
                "this version knows no sender \"{}\"; update the gateway, then redrive",
                endpoint.sender
            )));
        };
        let pairs: Vec<(String, String)> =
            serde_json::from_value(delivery.headers.clone()).unwrap_or_default();
        let headers = Headers::new(pairs);
        Ok(match platform.read_webhook(&delivery.verified_by, &headers, &delivery.body) {
            Ok(news) => Content::News(connection_id, news),
            Err(problem) => Content::Unreadable(problem),
        })
    }

    async fn decide(&self, delivery: &webhook_delivery::Model, content: Content) -> Result<(), Error> {
        match content {
            Content::Events(mut readings) => {
                let verdict = only_problem(&readings).map_or(Verdict::Understood, Verdict::Dead);
                let mut is_held = false;
                while readings.len() > EVENTS {
                    let rest = readings.split_off(EVENTS);
                    let taken = Taken::Events(std::mem::replace(&mut readings, rest));
                    is_held |= self.write(delivery, None, is_held, taken).await?;
                }
                self.write(delivery, Some(verdict), is_held, Taken::Events(readings)).await?;
            }
            Content::News(connection_id, news) => {
                let taken = Taken::News(connection_id, news);
                self.write(delivery, Some(Verdict::Understood), false, taken).await?;
            }
            Content::Unreadable(problem) => {
                self.write(delivery, Some(Verdict::Dead(problem)), false, Taken::Events(Vec::new())).await?;
            }
            Content::Later(problem) => {
                tracing::warn!(delivery.id = %delivery.id, problem, "a delivery has to wait");
                return inbox::try_again(&self.0.ground, delivery, problem, false).await;
            }
        }
        self.0.ground.wake.outbox();
        tracing::info!(
            organization.id = %delivery.organization_id,
            delivery.id = %delivery.id,
            request.id = delivery.request_id,
            "a delivery was decided"
        );
        Ok(())
    }

    /// One transaction: what was taken from the delivery with all its consequences, and, with a verdict, the
    /// delivery's end. Says whether any of it is held.
    async fn write(
        &self,
        delivery: &webhook_delivery::Model,
        verdict: Option<Verdict>,
        was_held: bool,
        taken: Taken,
    ) -> Result<bool, Error> {
        let (ground, held) = (self.0.ground.clone(), delivery.clone());
        let is_last = verdict.is_some();
        let outcomes = self
            .0
            .ground
            .db
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let is_ours = match verdict {
                        Some(verdict) => inbox::finish(tx, &held, verdict, ground.clock.now()).await?,
                        None => inbox::renew(tx, &held, ground.clock.now()).await?,
                    };
                    if !is_ours {
                        return Err(Error::Internal(anyhow::anyhow!(
                            "the delivery has another worker by now"
                        )));
                    }
                    let outcomes = match taken {
                        Taken::Events(readings) => decide::decide(tx, &ground, &held, readings).await?,
                        Taken::News(connection_id, news) => {
                            let outcomes =
                                hints::take_in(tx, &ground, &held, connection_id, news.tickets).await?;
                            if news.concerns_registration || news.wanted_key.is_some() {
                                let key = news.wanted_key.as_deref();
                                registrations::concern(tx, &ground, &held, key).await?;
                            }
                            outcomes
                        }
                    };
                    if is_last && (was_held || outcomes.contains(&Outcome::Held)) {
                        inbox::look_again(tx, &held, ground.clock.now()).await?;
                    }
                    Ok(outcomes)
                })
            })
            .await?;
        for outcome in &outcomes {
            self.0.metrics.event(*outcome);
        }
        Ok(outcomes.contains(&Outcome::Held))
    }
}

/// What one transaction takes from a delivery.
enum Taken {
    Events(Vec<(i32, Reading)>),
    News(uuid::Uuid, WebhookNews),
}

/// A delivery of which nothing at all could be read is dead: somebody has to look at it.
fn only_problem(readings: &[(i32, Reading)]) -> Option<String> {
    match readings {
        [(_, Reading { event: Err(unreadable), .. })] if unreadable.pointer.is_empty() => {
            Some(unreadable.problem.clone())
        }
        _ => None,
    }
}
