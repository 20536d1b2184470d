//! Deciding deliveries: read by the sender's adapter, decided by the domain, many in one transaction.
//!
//! A delivery that cannot be decided must not keep its neighbours from it: where a transaction for many fails, each
//! has one of its own.
#![expect(clippy::disallowed_methods, reason = "reads the endpoints of deliveries it holds")]

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use entity::{event::Outcome, webhook_delivery, webhook_endpoint};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::Workers;
use crate::{
    decisions::{
        decide::{self, Read},
        event::Reading,
        hints, inventories,
    },
    error::Error,
    ground::dies::{self, Step},
    organizations::registrations,
    psa::{self, WebhookNews},
    queue::{
        inbox::{self, Verdict},
        received::Headers,
        trim,
    },
    scanners,
    sync::{
        assets::reported::AssetReading,
        billing::usage::{self, UsageReading},
    },
    telemetry::traces::{self, span_of_kind},
};

/// How many deliveries are claimed at once.
const BATCH: u64 = 256;

/// How many events are decided in one transaction: it must not keep the only writer of an embedded database from
/// storing webhooks for long.
const EVENTS: usize = 256;

/// Whose deliveries were decided last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InboxTurn {
    last: Uuid,
    /// It was as much as one claim takes.
    is_full: bool,
}

/// What a delivery holds.
pub(super) enum Content {
    Events(Vec<(i32, Reading)>),
    News(Uuid, WebhookNews),
    Usage(Vec<UsageReading>),
    Assets(Vec<(i32, AssetReading)>),
    Unreadable(String),
    /// What it asks for could not be done yet.
    Later(String),
}

impl Workers {
    /// Claims deliveries that are due and decides them. False where none was due.
    pub fn decide_some(&self) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(self.claim_and_decide())
    }

    async fn claim_and_decide(&self) -> Result<bool, Error> {
        let ground = &self.0.ground;
        let InboxTurn { last, is_full } = *self.0.inbox_turn.lock().await;
        // Where there is as much as one takes there is more, and looking for it first costs as much as taking it.
        if !is_full && !inbox::is_any_due(ground).await? {
            return Ok(false);
        }
        let claimed = inbox::claim(ground, last, BATCH).await?;
        let is_full = u64::try_from(claimed.len()).is_ok_and(|count| count >= BATCH);
        let last = claimed.last().map_or(last, |delivery| delivery.organization_id);
        *self.0.inbox_turn.lock().await = InboxTurn { last, is_full };
        if claimed.is_empty() {
            return Ok(false);
        }
        dies::at(Step::Claimed);
        let endpoints = self.endpoints_of(&claimed).await?;
        let mut together: BTreeMap<Uuid, Vec<Read>> = BTreeMap::new();
        for delivery in claimed {
            let span = span_of_kind!("consumer", "delivery", request.id = delivery.request_id);
            traces::continue_from(&span, delivery.trace_context.as_deref());
            let content = match endpoints.get(&delivery.webhook_endpoint_id) {
                Some(endpoint) if endpoint.organization_id == delivery.organization_id => {
                    self.read(endpoint, &delivery).instrument(span.clone()).await
                }
                _ => Err(Error::NotFound),
            };
            let batch = together.entry(delivery.organization_id).or_default();
            match content {
                Ok(Content::Events(readings)) if readings.len() <= EVENTS => {
                    let gathered: usize = batch.iter().map(|read| read.readings.len()).sum();
                    if gathered + readings.len() > EVENTS {
                        self.decide_together(std::mem::take(batch)).await?;
                    }
                    batch.push(Read { delivery, readings, span });
                }
                content => {
                    let alone = async {
                        let decided = match content {
                            Ok(content) => self.decide(&delivery, content).await,
                            Err(error) => Err(error),
                        };
                        match decided {
                            Ok(()) => Ok(()),
                            Err(error) => self.put_back(&delivery, &error).await,
                        }
                    };
                    alone.instrument(span.clone()).await?;
                }
            }
        }
        for batch in together.into_values() {
            self.decide_together(batch).await?;
        }
        Ok(true)
    }

    async fn put_back(&self, delivery: &webhook_delivery::Model, error: &Error) -> Result<(), Error> {
        tracing::warn!(delivery.id = %delivery.id, error = %error, cause = ?std::error::Error::source(error), "a delivery could not be decided");
        inbox::put_back(&self.0.ground, delivery, error).await
    }

    /// The endpoints that deliveries came in at.
    async fn endpoints_of(
        &self,
        deliveries: &[webhook_delivery::Model],
    ) -> Result<HashMap<Uuid, webhook_endpoint::Model>, Error> {
        let mut ids: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.webhook_endpoint_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let endpoints = webhook_endpoint::Entity::find()
            .filter(webhook_endpoint::Column::Id.is_in(ids))
            .all(self.0.ground.db.reader())
            .await?;
        Ok(endpoints.into_iter().map(|endpoint| (endpoint.id, endpoint)).collect())
    }

    async fn read(
        &self,
        endpoint: &webhook_endpoint::Model,
        delivery: &webhook_delivery::Model,
    ) -> Result<Content, Error> {
        if let Some(why) = trim::why_no_body(delivery) {
            return Ok(Content::Unreadable(format!("{why}; have the sender send what matters again")));
        }
        if let Some(sender) = scanners::sender(&endpoint.sender) {
            if let Some(content) = self.about_subscription(endpoint, delivery).await? {
                return Ok(content);
            }
            if sender.speaks_of_assets() {
                let readings = scanners::read_stored_assets(sender, endpoint, delivery);
                return Ok(Content::Assets((0_i32..).zip(readings).collect()));
            }
            if sender.speaks_of_usage() {
                return Ok(Content::Usage(scanners::read_stored_usage(sender, endpoint, delivery)));
            }
            let readings = scanners::read_stored(sender, endpoint, delivery);
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

    /// Decides deliveries of one organization in one transaction; each in its own where that fails.
    async fn decide_together(&self, batch: Vec<Read>) -> Result<(), Error> {
        let batch = Arc::new(batch);
        let Err(error) = self.write_together(&batch, 0..batch.len()).await else { return Ok(()) };
        if let [read] = batch.as_slice() {
            return self.put_back(&read.delivery, &error).await;
        }
        tracing::warn!(error = %error, deliveries = batch.len(), "deliveries could not be decided together; deciding one by one");
        for (index, read) in batch.iter().enumerate() {
            if let Err(error) = self.write_together(&batch, index..index + 1).await {
                self.put_back(&read.delivery, &error).await?;
            }
        }
        Ok(())
    }

    async fn write_together(&self, batch: &Arc<Vec<Read>>, range: Range<usize>) -> Result<(), Error> {
        let some = batch.get(range.clone()).unwrap_or_default();
        if some.is_empty() {
            return Ok(());
        }
        let (ground, shared) = (self.0.ground.clone(), Arc::clone(batch));
        let outcomes = self
            .0
            .ground
            .db
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let (batch, now) = (shared.get(range).unwrap_or_default(), ground.clock.now());
                    let mut understood = Vec::with_capacity(batch.len());
                    let mut are_ours = true;
                    for Read { delivery, readings, .. } in batch {
                        match only_problem(readings) {
                            None => understood.push(delivery),
                            Some(problem) => {
                                are_ours &= inbox::finish(tx, delivery, Verdict::Dead(problem), now).await?;
                            }
                        }
                    }
                    are_ours &= inbox::finish_all(tx, &understood, now).await?;
                    if !are_ours {
                        return Err(another_worker());
                    }
                    let outcomes = decide::decide(tx, &ground, batch).await?;
                    for (read, outcomes) in batch.iter().zip(&outcomes) {
                        if outcomes.contains(&Outcome::Held) {
                            inbox::look_again(tx, &read.delivery, now).await?;
                        }
                    }
                    Ok(outcomes)
                })
            })
            .await?;
        for outcome in outcomes.iter().flatten() {
            self.0.metrics.event(*outcome);
        }
        dies::at(Step::Decided);
        self.0.ground.wake.outbox();
        for read in some {
            let _in_span = read.span.enter();
            log_decided(&read.delivery);
        }
        Ok(())
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
            Content::Usage(mut readings) => {
                let dead = match readings.as_slice() {
                    [UsageReading { said: Err(problem), pointer }] if pointer.is_empty() => {
                        Some(problem.clone())
                    }
                    _ => None,
                };
                let verdict = dead.map_or(Verdict::Understood, Verdict::Dead);
                let mut is_held = false;
                while readings.len() > EVENTS {
                    let rest = readings.split_off(EVENTS);
                    let taken = Taken::Usage(std::mem::replace(&mut readings, rest));
                    is_held |= self.write(delivery, None, is_held, taken).await?;
                }
                self.write(delivery, Some(verdict), is_held, Taken::Usage(readings)).await?;
            }
            Content::Assets(mut readings) => {
                let dead = match readings.as_slice() {
                    [(_, AssetReading { said: Err(problem), pointer })] if pointer.is_empty() => {
                        Some(problem.clone())
                    }
                    _ => None,
                };
                let verdict = dead.map_or(Verdict::Understood, Verdict::Dead);
                let mut is_held = false;
                while readings.len() > EVENTS {
                    let rest = readings.split_off(EVENTS);
                    let taken = Taken::Assets(std::mem::replace(&mut readings, rest));
                    is_held |= self.write(delivery, None, is_held, taken).await?;
                }
                self.write(delivery, Some(verdict), is_held, Taken::Assets(readings)).await?;
            }
            Content::Unreadable(problem) => {
                self.write(delivery, Some(Verdict::Dead(problem)), false, Taken::Events(Vec::new())).await?;
            }
            Content::Later(problem) => {
                tracing::warn!(delivery.id = %delivery.id, problem, "a delivery has to wait");
                return inbox::try_again(&self.0.ground, delivery, problem, false).await;
            }
        }
        dies::at(Step::Decided);
        self.0.ground.wake.outbox();
        log_decided(delivery);
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
        let (outcomes, is_held) = self
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
                        return Err(another_worker());
                    }
                    let mut holds_usage = false;
                    let outcomes: Vec<Outcome> = match taken {
                        Taken::Usage(readings) => {
                            holds_usage = usage::take_in(tx, &ground, &held, readings).await?;
                            Vec::new()
                        }
                        Taken::Assets(readings) => inventories::take_in(tx, &ground, &held, readings).await?,
                        Taken::Events(readings) => {
                            let read = Read { delivery: held.clone(), readings, span: Span::current() };
                            decide::decide(tx, &ground, &[read]).await?.into_iter().flatten().collect()
                        }
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
                    let is_held = holds_usage || outcomes.contains(&Outcome::Held);
                    if is_last && (was_held || is_held) {
                        inbox::look_again(tx, &held, ground.clock.now()).await?;
                    }
                    Ok((outcomes, is_held))
                })
            })
            .await?;
        for outcome in &outcomes {
            self.0.metrics.event(*outcome);
        }
        Ok(is_held)
    }
}

fn another_worker() -> Error {
    Error::Internal(anyhow::anyhow!("the delivery has another worker by now"))
}

fn log_decided(delivery: &webhook_delivery::Model) {
    tracing::info!(
        organization.id = %delivery.organization_id,
        delivery.id = %delivery.id,
        request.id = delivery.request_id,
        "a delivery was decided"
    );
}

/// What one transaction takes from a delivery.
enum Taken {
    Events(Vec<(i32, Reading)>),
    News(Uuid, WebhookNews),
    Usage(Vec<UsageReading>),
    Assets(Vec<(i32, AssetReading)>),
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
