//! Removing what is kept for a while only: a small step at a time, with a rest behind each, so that nobody who writes
//! waits for it.
//!
//! Each node goes by itself through what there is, from the oldest on, and begins anew after a while. Where it has come
//! to is kept in memory alone: after a start it looks once more at what stays.

use entity::Timestamp;

use super::Workers;
use crate::{
    decisions,
    error::Error,
    metrics::Trimmed,
    notifications,
    organizations::once,
    queue::trim::{self, Place, Swept},
    sync,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// How long what came and went is kept, in seconds; none for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Headers and bodies of deliveries, after they were understood.
    pub deliveries_secs: Option<i64>,
    /// Attempts, after their operation was done; readings of PSAs, after they ended.
    pub attempts_secs: Option<i64>,
    /// Events that neither opened nor closed a ticket, after they were decided; then their deliveries.
    pub events_secs: Option<i64>,
}

/// How far this node has come with each kind.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    bodies: Round,
    attempts: Round,
    readings: Round,
    events: Round,
    snapshots: Round,
}

/// Going through one kind, over and over.
#[derive(Debug, Default)]
struct Round {
    at: Place,
    /// Not before this.
    due_at: Timestamp,
}

impl Round {
    /// Up to when what is of this kind goes; none where nothing does, or it is not looked for yet.
    fn before(&self, now: Timestamp, kept_secs: Option<i64>) -> Option<Timestamp> {
        kept_secs.filter(|_| self.due_at <= now).map(|secs| now.plus_secs(-secs))
    }

    /// Goes on behind a place, or begins anew after a while. Says whether there is more to do now.
    fn went_to(&mut self, next: Option<Place>, now: Timestamp, every_secs: i64) -> bool {
        self.at = next.unwrap_or_default();
        if next.is_none() {
            self.due_at = now.plus_secs(every_secs);
        }
        next.is_some()
    }
}

impl Workers {
    /// Removes some of what is too old, of each kind. False where all of it was looked through.
    pub(super) async fn trim(&self) -> Result<bool, Error> {
        let (ground, keep, metrics) = (&self.0.ground, self.0.options.keep, &self.0.metrics);
        let mut rounds = self.0.rounds.lock().await;
        let now = ground.clock.now();
        let mut has_more = false;
        if let Some(before) = rounds.bodies.before(now, keep.deliveries_secs) {
            let Swept { removed, next } = trim::bodies(ground, before, rounds.bodies.at).await?;
            metrics.trimmed(Trimmed::DeliveryBodies, removed);
            has_more |= rounds.bodies.went_to(next, now, HOUR);
        }
        if let Some(before) = rounds.attempts.before(now, keep.attempts_secs) {
            let Swept { removed, next } = trim::attempts(ground, before, rounds.attempts.at).await?;
            metrics.trimmed(Trimmed::Attempts, removed);
            has_more |= rounds.attempts.went_to(next, now, HOUR);
        }
        if let Some(before) = rounds.readings.before(now, keep.attempts_secs) {
            let (removed, is_cut) = sync::trim::trim(ground, before).await?;
            metrics.trimmed(Trimmed::SyncRuns, removed);
            has_more |= rounds.readings.went_to(is_cut.then(Place::default), now, DAY);
        }
        if let Some(before) = rounds.events.before(now, keep.events_secs) {
            let (Swept { removed, next }, deliveries) =
                trim::events(ground, before, rounds.events.at).await?;
            metrics.trimmed(Trimmed::Events, removed);
            metrics.trimmed(Trimmed::Deliveries, deliveries);
            has_more |= rounds.events.went_to(next, now, DAY);
        }
        // A day later than events: what these are held against is written down to the day.
        let snapshots_secs = keep.events_secs.map(|secs| secs + DAY);
        if let Some(before) = rounds.snapshots.before(now, snapshots_secs) {
            let (removed, is_cut) = decisions::trim::snapshots(ground, before).await?;
            metrics.trimmed(Trimmed::PolicySnapshots, removed);
            has_more |= rounds.snapshots.went_to(is_cut.then(Place::default), now, DAY);
        }
        let keys = once::trim(ground).await? as u64;
        metrics.trimmed(Trimmed::IdempotencyKeys, keys);
        let told = notifications::trim::trim(ground).await? as u64;
        metrics.trimmed(Trimmed::Notifications, told);
        Ok(has_more || keys > 0 || told > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_goes_on_where_it_was_and_begins_anew_after_a_while() {
        let (mut round, now) = (Round::default(), Timestamp::from_secs(1_000_000));
        assert_eq!(round.before(now, None), None, "what is kept for ever is not looked for");
        assert_eq!(round.before(now, Some(60)), Some(now.plus_secs(-60)));
        let place = Place::default();
        assert!(round.went_to(Some(place), now, HOUR), "there may be more");
        assert!(round.before(now, Some(60)).is_some());
        assert!(!round.went_to(None, now, HOUR));
        assert_eq!(round.before(now, Some(60)), None);
        assert!(round.before(now.plus_secs(HOUR), Some(60)).is_some());
    }
}
