//! How long what came and went is kept.

use super::check::Read;

const DAY_SECS: i64 = 86_400;

/// How long what came and went is kept, in seconds; none for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepingConfig {
    /// Headers and bodies of deliveries.
    pub deliveries_secs: Option<i64>,
    /// Attempts at a PSA, and readings.
    pub attempts_secs: Option<i64>,
    /// Events, and the deliveries they were read from.
    pub events_secs: Option<i64>,
}

impl Read {
    /// Senders try again for days, and people look into what happened after the weekend: less than a week is a mistake.
    pub(super) fn keeping(&mut self) -> Option<KeepingConfig> {
        let mut days = |name, least: i64| {
            let days: i64 = self.whole(name)?;
            if days > 0 && days < least {
                self.problem(format!(
                    "{name}: {days} is less than {least} days; give {least} or more, or 0 to keep them for ever"
                ));
                return None;
            }
            Some((days > 0).then_some(days))
        };
        let deliveries = days("keep_deliveries_days", 7);
        let attempts = days("keep_attempts_days", 7);
        let events = days("keep_events_days", 30);
        let (deliveries, attempts, events) = (deliveries?, attempts?, events?);
        if events.is_some_and(|events| deliveries.is_none_or(|deliveries| deliveries > events)) {
            self.problem(
                "keep_events_days: events are kept no shorter than the deliveries they were read from; give at least \
                 keep_deliveries_days, or 0 to keep them for ever"
                    .to_owned(),
            );
            return None;
        }
        let secs = |days: Option<i64>| days.map(|days| days * DAY_SECS);
        Some(KeepingConfig {
            deliveries_secs: secs(deliveries),
            attempts_secs: secs(attempts),
            events_secs: secs(events),
        })
    }
}
