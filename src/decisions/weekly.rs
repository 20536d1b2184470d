//! When a maintenance window is open: all the time between its ends, or every week on some days by the clocks of a
//! place.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use entity::{Timestamp, maintenance_window};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cadence::{DAY_MINUTES, DAYS, clock, shown, zone_problem};
use crate::error::{Problem, ProblemCode};

/// How a window comes back every week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weekly {
    /// It begins on these days, 1 for Monday to 7 for Sunday (ISO 8601).
    pub days: BTreeSet<u8>,
    /// At this minute of the day, 0 to 1439.
    pub from: u16,
    /// Until this minute of the day, 0 to 1439: of the next day where it is not later than `from`.
    pub until: u16,
    /// On the clocks of this zone, by its name in the IANA time zone database.
    pub time_zone: String,
}

/// A time in which a window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when; at this moment it is over.
    pub ends_at: Timestamp,
}

impl Occurrence {
    /// Whether it is open at a moment.
    pub fn holds(self, at: Timestamp) -> bool {
        self.starts_at <= at && at < self.ends_at
    }
}

/// The occurrence of a window that is open at a moment, or else the next one; none where it is over. One that is
/// open all the time occurs once.
pub fn occurrence(window: &maintenance_window::Model, at: Timestamp) -> Option<Occurrence> {
    let bounds = Occurrence { starts_at: window.starts_at, ends_at: window.ends_at };
    match &window.weekly {
        None => (at < bounds.ends_at).then_some(bounds),
        // What a newer version wrote keeps nothing quiet: better a ticket too many than silence for a year.
        Some(stored) => Weekly::deserialize(stored).ok()?.occurrence(bounds, at),
    }
}

/// How a window comes back; none where it is open all the time.
pub fn of(window: &maintenance_window::Model) -> Option<Weekly> {
    window.weekly.as_ref().and_then(|stored| Weekly::deserialize(stored).ok())
}

impl Weekly {
    /// As it is stored.
    pub fn stored(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }

    /// What is wrong with it, by the names of GraphQL's fields below `at`.
    pub fn problems(&self, at: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.days.is_empty() {
            let message = "name the days on which it begins, one at least";
            problems.push(Problem::at(&[at, "days"], ProblemCode::Required, message));
        } else if !self.days.iter().all(|day| (1..=7).contains(day)) {
            let message = "a day must be one from Monday to Sunday";
            problems.push(Problem::at(&[at, "days"], ProblemCode::Invalid, message));
        }
        for (field, minute) in [("from", self.from), ("until", self.until)] {
            if minute >= DAY_MINUTES {
                let message = "give a time of day, as in 22:30";
                problems.push(Problem::at(&[at, field], ProblemCode::Invalid, message));
            }
        }
        if let Some(message) = zone_problem(&self.time_zone) {
            problems.push(Problem::at(&[at, "timeZone"], ProblemCode::Invalid, message));
        }
        problems
    }

    /// In words: `every Saturday and Sunday from 22:00 to 06:00 (Europe/Berlin)`.
    pub fn words(&self) -> String {
        let names: Vec<&str> = DAYS
            .iter()
            .zip(1_u8..)
            .filter(|(_, day)| self.days.contains(day))
            .map(|(name, _)| *name)
            .collect();
        let days = match names.as_slice() {
            all if all.len() == DAYS.len() => "day".to_owned(),
            [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            some => some.concat(),
        };
        format!("every {days} from {} to {} ({})", clock(self.from), clock(self.until), self.time_zone)
    }

    /// Clocks that are put forward leave out some times of a day: then it begins, or ends, when they have been put
    /// forward. Where they are put back, so that a time comes twice, the first counts.
    fn occurrence(&self, bounds: Occurrence, at: Timestamp) -> Option<Occurrence> {
        // A zone that a later version of the database lost is no reason to open tickets in the middle of a patch day.
        let zone = self.time_zone.parse::<Tz>().unwrap_or(Tz::UTC);
        let at = at.max(bounds.starts_at);
        let before = at.datetime().with_timezone(&zone).date_naive().checked_sub_days(Days::new(1))?;
        // Yesterday's may still be open. Where today's is past, the next is a week away, and a week later where clocks
        // leave that one out.
        (0..=16).find_map(|days| {
            let date = before.checked_add_days(Days::new(days))?;
            let found = self.on(zone, date)?;
            let starts_at = found.starts_at.max(bounds.starts_at);
            let ends_at = found.ends_at.min(bounds.ends_at);
            (starts_at < ends_at && at < ends_at).then_some(Occurrence { starts_at, ends_at })
        })
    }

    /// The one that begins on a day.
    fn on(&self, zone: Tz, date: NaiveDate) -> Option<Occurrence> {
        let day = u8::try_from(date.weekday().number_from_monday()).ok()?;
        if !self.days.contains(&day) {
            return None;
        }
        let later = if self.until <= self.from { date.succ_opt()? } else { date };
        let starts_at = Timestamp::from_datetime(minute(zone, date, self.from)?);
        let ends_at = Timestamp::from_datetime(minute(zone, later, self.until)?);
        Some(Occurrence { starts_at, ends_at })
    }
}

fn minute(zone: Tz, date: NaiveDate, minute: u16) -> Option<DateTime<Utc>> {
    let time = NaiveTime::from_hms_opt(u32::from(minute / 60), u32::from(minute % 60), 0)?;
    shown(zone, date.and_time(time))
}

#[cfg(test)]
mod tests;
