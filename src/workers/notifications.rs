//! Telling subscribers what has happened: written down as begun, signed and sent with no transaction open, and written
//! down as ended only while the lane is still ours.
//!
//! Signing and retries follow Standard Webhooks (`spec/standard-webhooks.md`, "Webhook headers" and "Deliverability
//! and reliability").
#![expect(clippy::disallowed_methods, reason = "reads the subscriber of a lane it holds")]

use std::time::Instant;

use entity::{Timestamp, notification, notification_attempt, subscriber_lane, webhook_subscriber};
use reqwest::{Url, header::HeaderName};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::Workers;
use crate::{
    audit,
    clock::{Chance, Clock},
    error::Error,
    notifications::health::{self, Seen},
    organizations::{subscribers, viewer::Viewer},
    outbound::{Answer, Call, Failed},
    queue::{
        backoff,
        notifications::{self, After, Ended},
        subscriber_lanes::{self, Leaving},
    },
    scanners::signature,
};

/// How much one holder sends before others get their turn.
const TURN: usize = 25;
/// The least and the most a subscriber is left alone after a failure, in seconds.
const REST_SECS: (i64, i64) = (5, 900);
/// How long after each failure a notification is tried again, in seconds: ten tries in three days, as Standard Webhooks
/// suggests. Then it is given up.
const AGAIN_SECS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The longest rest a subscriber can ask for, in seconds.
const MOST_SECS: i64 = 86_400;

type Begun = (notification::Model, notification_attempt::Model);

/// What came of one notification.
enum Told {
    /// It arrived, or is no longer to be sent.
    On,
    /// It did not, and nothing is sent before then.
    Rest(Timestamp, String),
    /// The subscriber is switched off by now.
    Off,
    /// Somebody else holds the lane.
    Lost,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Weighed {
    outcome: &'static str,
    status: Option<u16>,
    /// What went wrong, in words; none where it arrived.
    problem: Option<String>,
    is_gone: bool,
    retry_after_secs: Option<i64>,
}

impl Weighed {
    fn never_sent(outcome: &'static str, problem: String) -> Self {
        Self { outcome, status: None, problem: Some(problem), is_gone: false, retry_after_secs: None }
    }
}

impl Workers {
    /// Claims a subscriber with something to be told, and tells it for a while. False where there was none.
    pub(super) async fn serve_subscriber(&self, stop: &CancellationToken) -> Result<bool, Error> {
        let ground = &self.0.ground;
        let Some(held) = subscriber_lanes::claim(ground, &self.0.options.node).await? else {
            return Ok(false);
        };
        let mut leaving = Leaving { pause: None, failures: held.failures };
        for _ in 0..TURN {
            let Some(next) = notifications::next(ground, &held).await? else { break };
            match self.tell(&held, next.id).await? {
                Told::On => leaving.failures = 0,
                Told::Rest(until, why) => {
                    leaving.failures = leaving.failures.saturating_add(1);
                    leaving.pause = Some((until, why));
                    break;
                }
                Told::Off => break,
                Told::Lost => return Ok(true),
            }
            if stop.is_cancelled() {
                break;
            }
        }
        subscriber_lanes::release(ground, &held, leaving).await?;
        Ok(true)
    }

    async fn tell(&self, held: &subscriber_lane::Model, id: uuid::Uuid) -> Result<Told, Error> {
        let ground = &self.0.ground;
        let subscriber = webhook_subscriber::Entity::find_by_id(held.id)
            .filter(webhook_subscriber::Column::OrganizationId.eq(held.organization_id))
            .one(ground.db.reader())
            .await?;
        let Some(subscriber) = subscriber.filter(|subscriber| subscriber.is_enabled) else {
            return Ok(Told::Off);
        };
        let begun = match self.begin_telling(held, id).await? {
            Some(Some(begun)) => begun,
            Some(None) => return Ok(Told::On),
            None => return Ok(Told::Lost),
        };
        let started = Instant::now();
        let weighed = self.send(&subscriber, &begun.0).await?;
        let latency_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.0.metrics.notification(begun.0.kind, weighed.outcome);
        tracing::info!(
            organization.id = %held.organization_id,
            webhook_subscriber.id = %held.id,
            notification.id = %id,
            notification.kind = ?begun.0.kind,
            attempt = begun.1.number,
            outcome = weighed.outcome,
            status = weighed.status,
            latency_ms,
            "a subscriber was told"
        );
        self.end_telling(held, begun, weighed, latency_ms).await
    }

    /// None where the lane is lost; `Some(None)` where it is no longer to be sent.
    async fn begin_telling(
        &self,
        held: &subscriber_lane::Model,
        id: uuid::Uuid,
    ) -> Result<Option<Option<Begun>>, Error> {
        let (ground, held, node) = (self.0.ground.clone(), held.clone(), self.0.options.node.clone());
        self.0
            .ground
            .db
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    if !subscriber_lanes::still_held(tx, &held, ground.clock.now()).await? {
                        return Ok(None);
                    }
                    Ok(Some(notifications::begin(tx, &ground, id, &node).await?))
                })
            })
            .await
    }

    /// Signs with every secret that counts, and sends. No transaction is open here.
    async fn send(
        &self,
        subscriber: &webhook_subscriber::Model,
        told: &notification::Model,
    ) -> Result<Weighed, Error> {
        let ground = &self.0.ground;
        let Ok(url) = Url::parse(&subscriber.url) else {
            let problem = "the address cannot be read; give another one".to_owned();
            return Ok(Weighed::never_sent("unreachable", problem));
        };
        let (id, now) = (told.id.to_string(), ground.clock.now());
        let mut signatures = Vec::new();
        for secret in subscribers::signing_secrets(ground, subscriber).await? {
            match signature::sign(secret.expose_secret(), &id, now, told.payload.as_bytes()) {
                Ok(signed) => signatures.push(signed.signature),
                Err(error) => return Ok(Weighed::never_sent("unsigned", error.to_string())),
            }
        }
        if signatures.is_empty() {
            let problem = "there is no secret to sign with; rotate the secret".to_owned();
            return Ok(Weighed::never_sent("unsigned", problem));
        }
        let call = Call::post_text(url, told.payload.clone())
            .header(HeaderName::from_static("webhook-id"), id.into())
            .header(HeaderName::from_static("webhook-timestamp"), now.as_secs().to_string().into())
            .header(HeaderName::from_static("webhook-signature"), signatures.join(" ").into());
        Ok(weigh(self.0.subscribers.send(call).await, &ground.clock))
    }

    /// Writes down how it ended, and what it says of the subscriber.
    async fn end_telling(
        &self,
        held: &subscriber_lane::Model,
        begun: Begun,
        weighed: Weighed,
        latency_ms: i64,
    ) -> Result<Told, Error> {
        let ground = self.0.ground.clone();
        let now = ground.clock.now();
        let (after, told, seen) = consequences(&ground.chance, now, held, &begun.0, &weighed);
        let ended = Ended {
            outcome: weighed.outcome,
            response_status: weighed.status.map(i32::from),
            latency_ms,
            message: weighed.problem,
        };
        let held = held.clone();
        let written = self.0.ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                if !subscriber_lanes::still_held(tx, &held, now).await? {
                    return Ok(None);
                }
                let change = health::record(tx, now, &begun.0, seen).await?;
                notifications::end(tx, &ground, begun, ended, after).await?;
                let is_off = change.is_some();
                if let Some(change) = change {
                    audit::record(tx, &ground, &Viewer::gateway(), change).await?;
                }
                Ok(Some(is_off))
            })
        });
        Ok(match written.await? {
            None => Told::Lost,
            Some(true) => Told::Off,
            Some(false) => told,
        })
    }
}

/// What becomes of the notification, of the lane and of the subscriber.
fn consequences(
    chance: &Chance,
    now: Timestamp,
    held: &subscriber_lane::Model,
    row: &notification::Model,
    weighed: &Weighed,
) -> (After, Told, Seen) {
    let Some(problem) = weighed.problem.clone() else { return (After::Done, Told::On, Seen::Took) };
    if weighed.is_gone {
        return (After::Failed, Told::Off, Seen::Gone(problem));
    }
    let asked = weighed.retry_after_secs.map(|secs| secs.clamp(1, MOST_SECS));
    let tried = usize::try_from(row.failures).unwrap_or(usize::MAX);
    let after = match AGAIN_SECS.get(tried) {
        Some(secs) => {
            // Not all of an outage's at the same moment.
            let spread = secs * i64::from(u8::from_le_bytes(chance.bytes())) / 2_560;
            After::Again(now.plus_secs((secs + spread).max(asked.unwrap_or(0))))
        }
        None => After::Failed,
    };
    let failures = u32::try_from(held.failures).unwrap_or(0).saturating_add(1);
    let rest = backoff::delay_secs(failures, REST_SECS.0, REST_SECS.1, chance.fraction());
    let until = now.plus_secs(asked.unwrap_or(rest));
    (after, Told::Rest(until, problem.clone()), Seen::Failed(problem))
}

/// What an answer means. Of one that broke off, the status is enough.
fn weigh(answer: Result<Answer, Failed>, clock: &Clock) -> Weighed {
    let (status, retry_after_secs) = match answer {
        Ok(answer) => (answer.status, answer.retry_after_secs(clock)),
        Err(Failed::MaybeSent { status: Some(status), .. }) => (status, None),
        Err(Failed::MaybeSent { detail, status: None }) => return Weighed::never_sent("no_answer", detail),
        Err(Failed::NotSent { detail }) => return Weighed::never_sent("unreachable", detail),
    };
    let (outcome, problem) = match status {
        200..=299 => ("done", None),
        300..=399 => {
            let words = "redirects are not followed; give the address that it points to";
            ("redirected", Some(format!("it answered {status}: {words}")))
        }
        410 => ("gone", Some("it answered 410: it is gone for good, and is told nothing more".to_owned())),
        429 => ("throttled", Some("it answered 429: too many requests".to_owned())),
        400..=499 => ("refused", Some(format!("it answered {status}: it does not take this"))),
        _ => ("server_error", Some(format!("it answered {status}"))),
    };
    Weighed {
        outcome,
        status: Some(status),
        problem,
        is_gone: status == 410,
        retry_after_secs: retry_after_secs.filter(|_| matches!(status, 429 | 503)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Weighed {
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(reqwest::header::RETRY_AFTER, text.parse().unwrap());
        }
        let answer = Answer { status, headers, body: actix_web::web::Bytes::new() };
        weigh(Ok(answer), &Clock::manual(Timestamp::from_secs(1_000)))
    }

    #[test]
    fn only_an_answer_of_success_is_one_and_only_410_is_for_good() {
        for (status, outcome) in [
            (200, "done"),
            (204, "done"),
            (302, "redirected"),
            (400, "refused"),
            (404, "refused"),
            (410, "gone"),
            (429, "throttled"),
            (500, "server_error"),
            (503, "server_error"),
        ] {
            let weighed = answer(status, None);
            assert_eq!((weighed.outcome, weighed.is_gone), (outcome, status == 410), "{status}");
            assert_eq!(weighed.problem.is_none(), outcome == "done", "{status}");
        }
        assert_eq!(answer(429, Some("120")).retry_after_secs, Some(120));
        assert_eq!(answer(503, Some("Thu, 01 Jan 1970 00:20:00 GMT")).retry_after_secs, Some(200));
        assert_eq!(answer(500, Some("120")).retry_after_secs, None);
    }

    #[test]
    fn an_answer_that_breaks_off_after_its_status_counts_by_its_status() {
        let clock = Clock::manual(Timestamp::from_secs(1_000));
        let cut = Failed::MaybeSent { detail: "too long".to_owned(), status: Some(200) };
        assert_eq!(weigh(Err(cut), &clock).outcome, "done");
        let lost = Failed::MaybeSent { detail: "no answer in time".to_owned(), status: None };
        assert_eq!(weigh(Err(lost), &clock).outcome, "no_answer");
    }

    #[test]
    fn it_is_tried_ten_times_in_about_three_days() {
        let secs: i64 = AGAIN_SECS.iter().sum();
        assert_eq!(AGAIN_SECS.len() + 1, 10);
        assert!((3 * 86_400..4 * 86_400).contains(&secs), "{secs}");
        assert!(secs < health::PATIENCE_SECS, "a notification is given up before its subscriber is");
    }
}
