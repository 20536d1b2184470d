//! When tickets are opened: at once, or collected and opened at set times.

use chrono::{
    DateTime, Datelike as _, Days, Duration, NaiveDateTime, NaiveTime, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;
use entity::Timestamp;
use serde::{Deserialize, Serialize};

/// When tickets are opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "every")]
pub enum Cadence {
    /// At once.
    #[default]
    Immediate,
    /// Every hour.
    Hourly {
        /// At this minute of it, 0 to 59.
        minute: u16,
    },
    /// Every day.
    Daily {
        /// At this minute of the day, 0 to 1439.
        at: u16,
        /// On the clocks of this zone, by its name in the IANA time zone database.
        time_zone: String,
    },
    /// Every week.
    Weekly {
        /// On this day, 1 for Monday to 7 for Sunday (ISO 8601).
        day: u8,
        /// At this minute of the day, 0 to 1439.
        at: u16,
        /// On the clocks of this zone, by its name in the IANA time zone database.
        time_zone: String,
    },
}

/// How many minutes a day has.
pub(crate) const DAY_MINUTES: u16 = 24 * 60;
/// The days of the week.
pub(super) const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Cadence {
    /// The next time after `now` at which what was collected is due; none where nothing is collected.
    ///
    /// Clocks that are put forward leave out some times of a day: then it is due when they have been put forward.
    /// Where they are put back, so that a time comes twice, the first counts.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let at = match self {
            Self::Immediate => return None,
            Self::Hourly { minute } => {
                let now = now.datetime();
                let hour = now.with_minute(0)?.with_second(0)?.with_nanosecond(0)?;
                let at = hour + Duration::minutes(i64::from(*minute));
                if at > now { at } else { at + Duration::hours(1) }
            }
            Self::Daily { at, time_zone } => on_clocks(now, time_zone, *at, |_| true)?,
            Self::Weekly { day, at, time_zone } => {
                on_clocks(now, time_zone, *at, |number| number == u32::from(*day))?
            }
        };
        Some(Timestamp::from_datetime(at))
    }

    /// What is wrong with it, for people.
    pub fn problem(&self) -> Option<String> {
        let minute =
            |at: u16| (at >= DAY_MINUTES).then(|| "the time must be a time of day, as in 07:30".to_owned());
        match self {
            Self::Immediate => None,
            Self::Hourly { minute } => {
                (*minute > 59).then(|| "the minute must be one from 0 to 59".to_owned())
            }
            Self::Daily { at, time_zone } => minute(*at).or_else(|| zone_problem(time_zone)),
            Self::Weekly { day, at, time_zone } => {
                let day =
                    (!(1..=7).contains(day)).then(|| "the day must be one from Monday to Sunday".to_owned());
                day.or_else(|| minute(*at)).or_else(|| zone_problem(time_zone))
            }
        }
    }

    /// In words: `every day at 07:30 (Europe/Berlin)`.
    pub fn words(&self) -> String {
        match self {
            Self::Immediate => "at once".to_owned(),
            Self::Hourly { minute } => format!("every hour at minute {minute}"),
            Self::Daily { at, time_zone } => format!("every day at {} ({time_zone})", clock(*at)),
            Self::Weekly { day, at, time_zone } => {
                let day = DAYS.get(usize::from(day.saturating_sub(1))).copied().unwrap_or_default();
                format!("every {day} at {} ({time_zone})", clock(*at))
            }
        }
    }
}

/// A minute of the day as `07:30`.
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `07:30` as a minute of the day.
pub fn minute_of(clock: &str) -> Option<u16> {
    let (hours, minutes) = clock.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// The next time the clocks of a zone show a minute of a day that fits.
fn on_clocks(
    now: Timestamp,
    time_zone: &str,
    minute: u16,
    fits: impl Fn(u32) -> bool,
) -> Option<DateTime<Utc>> {
    // A zone that a later version of the database lost is no reason to lose a ticket.
    let zone = time_zone.parse::<Tz>().unwrap_or(Tz::UTC);
    let now = now.datetime();
    let today = now.with_timezone(&zone).date_naive();
    let time = NaiveTime::from_hms_opt(u32::from(minute / 60), u32::from(minute % 60), 0)?;
    // Eight days on there was one of every day, and one more that counts where today's is past.
    (0..=8).find_map(|days| {
        let date = today.checked_add_days(Days::new(days))?;
        if !fits(date.weekday().number_from_monday()) {
            return None;
        }
        let at = shown(zone, date.and_time(time))?;
        (at > now).then_some(at)
    })
}

/// What is wrong with the name of a time zone, for people.
pub(crate) fn zone_problem(name: &str) -> Option<String> {
    let shown: String = name.chars().take(60).collect();
    name.parse::<Tz>().err().map(|_| {
        format!("\"{shown}\" is no time zone; give a name of the IANA database, as in Europe/Berlin")
    })
}

/// When the clocks of a zone show a time; where they never do, when they show the first time after it.
pub(crate) fn shown(zone: Tz, time: NaiveDateTime) -> Option<DateTime<Utc>> {
    (0..=24 * 4).find_map(|quarters| {
        let time = time.checked_add_signed(Duration::minutes(15 * quarters))?;
        zone.from_local_datetime(&time).earliest().map(|at| at.to_utc())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn daily(clock: &str, zone: &str) -> Cadence {
        Cadence::Daily { at: minute_of(clock).unwrap(), time_zone: zone.to_owned() }
    }

    #[test]
    fn a_digest_comes_at_the_same_time_of_the_clock_in_summer_and_winter() {
        let berlin = daily("07:00", "Europe/Berlin");
        assert_eq!(
            berlin.next(at("2026-03-28T07:00:00Z")),
            Some(at("2026-03-29T05:00:00Z")),
            "summer time began"
        );
        assert_eq!(berlin.next(at("2026-10-25T05:00:00Z")), Some(at("2026-10-25T06:00:00Z")), "and ended");
        assert_eq!(
            berlin.next(at("2026-11-21T06:00:00Z")),
            Some(at("2026-11-22T06:00:00Z")),
            "not the same again"
        );
    }

    #[test]
    fn a_time_that_clocks_leave_out_is_when_they_were_put_forward_and_one_that_comes_twice_comes_once() {
        let berlin = daily("02:30", "Europe/Berlin");
        assert_eq!(berlin.next(at("2026-03-28T22:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
        assert_eq!(berlin.next(at("2026-10-24T22:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(berlin.next(at("2026-10-25T00:30:00Z")), Some(at("2026-10-26T01:30:00Z")));
    }

    #[test]
    fn hours_and_weeks() {
        let hourly = Cadence::Hourly { minute: 15 };
        assert_eq!(hourly.next(at("2026-11-21T10:14:59Z")), Some(at("2026-11-21T10:15:00Z")));
        assert_eq!(hourly.next(at("2026-11-21T10:15:00Z")), Some(at("2026-11-21T11:15:00Z")));
        let monday = Cadence::Weekly { day: 1, at: 8 * 60, time_zone: "UTC".to_owned() };
        assert_eq!(monday.next(at("2026-11-21T10:00:00Z")), Some(at("2026-11-23T08:00:00Z")));
        assert_eq!(monday.next(at("2026-11-23T08:00:00Z")), Some(at("2026-11-30T08:00:00Z")));
        assert_eq!(monday.words(), "every Monday at 08:00 (UTC)");
        assert_eq!(Cadence::Immediate.next(at("2026-11-21T10:00:00Z")), None);
    }

    #[test]
    fn times_of_day_are_written_in_one_way() {
        for (text, minute) in
            [("00:00", Some(0)), ("23:59", Some(1439)), ("24:00", None), ("7:30", None), ("", None)]
        {
            assert_eq!(minute_of(text), minute, "{text}");
        }
        assert_eq!(clock(450), "07:30");
    }

    proptest! {
        #[test]
        fn the_next_time_is_always_ahead_and_never_more_than_a_period_and_a_day(
            secs in 0_i64..4_000_000_000, minute in 0_u16..1440, zone in 0..chrono_tz::TZ_VARIANTS.len(), day in 1_u8..8,
        ) {
            let now = Timestamp::from_datetime(DateTime::<Utc>::from_timestamp(secs, 0).unwrap());
            let time_zone = chrono_tz::TZ_VARIANTS[zone].name().to_owned();
            let daily = Cadence::Daily { at: minute, time_zone: time_zone.clone() };
            let weekly = Cadence::Weekly { day, at: minute, time_zone };
            for (cadence, days) in [(daily, 2), (weekly, 8)] {
                let next = cadence.next(now).unwrap();
                prop_assert!(next > now && next <= now.plus_secs(days * 86_400), "{cadence:?} {now} {next}");
            }
        }
    }
}
