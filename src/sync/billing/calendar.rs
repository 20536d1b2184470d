//! Billing months, and the time of day at which quantities are pushed, by the clocks of a place.

use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use entity::{Timestamp, billing_calendar};

use crate::decisions::cadence::{Cadence, shown};

/// When quantities are pushed where nobody says otherwise, as a minute of the day: at noon.
pub const PUSH_MINUTE: u16 = 12 * 60;

/// When an organization's months begin, and when its quantities are pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The day on which a month begins, 1 to 31; the last of a month that has fewer.
    pub start_day: u8,
    /// By the clocks of this zone, by its name in the IANA time zone database.
    pub time_zone: String,
    /// At this minute of the day, 0 to 1439.
    pub push_minute: u16,
    /// Whether quantities are pushed by themselves.
    pub is_push_enabled: bool,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { start_day: 1, time_zone: "UTC".to_owned(), push_minute: PUSH_MINUTE, is_push_enabled: true }
    }
}

/// A billing month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    /// Its first day, as in `2026-11-01`.
    pub name: String,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends: the beginning of the next.
    pub ends_at: Timestamp,
}

impl Period {
    /// Whether it is under way at a moment.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.starts_at <= at && at < self.ends_at
    }
}

impl Calendar {
    /// That of a row.
    pub fn of(row: &billing_calendar::Model) -> Self {
        Self {
            start_day: u8::try_from(row.start_day).unwrap_or(1),
            time_zone: row.time_zone.clone(),
            push_minute: u16::try_from(row.push_minute).unwrap_or(PUSH_MINUTE),
            is_push_enabled: row.is_push_enabled,
        }
    }

    /// The month of a moment. Months follow each other without a gap, whatever clocks do.
    pub fn period(&self, at: Timestamp) -> Period {
        let today = at.datetime().with_timezone(&self.zone()).date_naive();
        let first = today.with_day(1).unwrap_or(today);
        let months =
            [first.checked_add_months(Months::new(1)), Some(first), first.checked_sub_months(Months::new(1))];
        let begun = months.into_iter().flatten().find_map(|month| {
            let (day, starts_at) = self.begins(month)?;
            (starts_at <= at).then_some((month, day, starts_at))
        });
        let period = begun.and_then(|(month, day, starts_at)| {
            let (_, ends_at) = self.begins(month.checked_add_months(Months::new(1))?)?;
            Some(Period { name: day.to_string(), starts_at, ends_at })
        });
        period.unwrap_or_default()
    }

    /// When quantities are pushed next after a moment; none where they are not by themselves. A time that clocks leave
    /// out is when they have been put forward; of one that comes twice the first counts.
    pub fn next_push(&self, after: Timestamp) -> Option<Timestamp> {
        let daily = Cadence::Daily { at: self.push_minute, time_zone: self.time_zone.clone() };
        self.is_push_enabled.then(|| daily.next(after)).flatten()
    }

    /// The day of a moment, as in `2026-11-21`.
    pub fn day(&self, at: Timestamp) -> String {
        at.datetime().with_timezone(&self.zone()).date_naive().to_string()
    }

    /// A zone that a later version of the database lost is no reason to stop billing.
    fn zone(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }

    /// The day and the moment at which the month begins whose first day that is.
    fn begins(&self, first: NaiveDate) -> Option<(NaiveDate, Timestamp)> {
        let last = first.checked_add_months(Months::new(1))?.checked_sub_days(Days::new(1))?;
        let day = first.with_day(u32::from(self.start_day).clamp(1, last.day()))?;
        let at = shown(self.zone(), day.and_time(NaiveTime::MIN))?;
        Some((day, Timestamp::from_datetime(at)))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn calendar(start_day: u8, time_zone: &str) -> Calendar {
        Calendar { start_day, time_zone: time_zone.to_owned(), ..Calendar::default() }
    }

    #[test]
    fn a_month_begins_at_midnight_of_the_place_also_where_clocks_change_in_it() {
        let berlin = calendar(1, "Europe/Berlin");
        let march = berlin.period(at("2027-03-28T12:00:00Z"));
        let whole = Period {
            name: "2027-03-01".into(),
            starts_at: at("2027-02-28T23:00:00Z"),
            ends_at: at("2027-03-31T22:00:00Z"),
        };
        assert_eq!(march, whole, "an hour shorter");
        assert_eq!(berlin.period(at("2027-02-28T22:59:59Z")).name, "2027-02-01");
        assert_eq!(berlin.period(at("2027-02-28T23:00:00Z")).name, "2027-03-01");
        assert_eq!(
            berlin.next_push(at("2027-03-27T12:00:00Z")),
            Some(at("2027-03-28T10:00:00Z")),
            "noon in summer"
        );
        assert_eq!(
            berlin.next_push(at("2027-03-26T12:00:00Z")),
            Some(at("2027-03-27T11:00:00Z")),
            "noon in winter"
        );
        assert_eq!(berlin.day(at("2027-03-31T22:00:00Z")), "2027-04-01");
    }

    #[test]
    fn a_day_that_a_month_does_not_have_is_its_last() {
        let late = calendar(31, "UTC");
        for (moment, name) in [
            ("2027-01-31T00:00:00Z", "2027-01-31"),
            ("2027-02-27T23:59:59Z", "2027-01-31"),
            ("2027-02-28T00:00:00Z", "2027-02-28"),
            ("2027-03-30T23:59:59Z", "2027-02-28"),
            ("2028-02-29T00:00:00Z", "2028-02-29"),
            ("2027-04-30T00:00:00Z", "2027-04-30"),
        ] {
            assert_eq!(late.period(at(moment)).name, name, "{moment}");
        }
    }

    #[test]
    fn where_midnight_is_left_out_the_day_begins_when_clocks_were_put_forward() {
        // In Beirut clocks went from 24:00 of 2022-03-26 to 01:00.
        let beirut = calendar(27, "Asia/Beirut");
        let period = beirut.period(at("2022-03-27T12:00:00Z"));
        assert_eq!((period.name.as_str(), period.starts_at), ("2022-03-27", at("2022-03-26T22:00:00Z")));
    }

    proptest! {
        #[test]
        fn every_moment_is_in_one_month_and_months_follow_each_other(
            secs in 0_i64..4_000_000_000, start_day in 1_u8..=31, zone in 0..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let moment = Timestamp::from_datetime(DateTime::<Utc>::from_timestamp(secs, 0).unwrap());
            let calendar = calendar(start_day, chrono_tz::TZ_VARIANTS[zone].name());
            let period = calendar.period(moment);
            prop_assert!(period.holds(moment), "{period:?} {moment}");
            let days = period.ends_at.millis_since(period.starts_at) / 86_400_000;
            prop_assert!((26..=33).contains(&days), "{period:?}");
            let (before, next) = (calendar.period(period.starts_at.plus_secs(-1)), calendar.period(period.ends_at));
            prop_assert_eq!(before.ends_at, period.starts_at);
            prop_assert_eq!(next.starts_at, period.ends_at);
            prop_assert!(before.name < period.name && period.name < next.name);
            prop_assert_eq!(calendar.period(period.starts_at), period);
        }

        #[test]
        fn it_is_pushed_once_on_every_day_of_the_place(
            secs in 0_i64..4_000_000_000, minute in 0_u16..1440, zone in 0..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let moment = Timestamp::from_datetime(DateTime::<Utc>::from_timestamp(secs, 0).unwrap());
            let calendar = Calendar { push_minute: minute, ..calendar(1, chrono_tz::TZ_VARIANTS[zone].name()) };
            let first = calendar.next_push(moment).unwrap();
            let second = calendar.next_push(first).unwrap();
            prop_assert!(moment < first && first < second);
            prop_assert_ne!(calendar.day(first), calendar.day(second));
        }
    }
}
