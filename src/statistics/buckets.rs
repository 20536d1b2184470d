//! Time in buckets: UTC days, ISO weeks, months.

use chrono::{Datelike as _, Days, Months, NaiveDate};
use entity::{Timestamp, tally::Period};

use crate::error::{Error, Problem, ProblemCode};

/// How many buckets one answer has at the most.
pub const MAX_BUCKETS: usize = 400;

const DAY_MICROS: i64 = 86_400_000_000;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// A day in UTC.
    #[default]
    Day,
    /// A week from Monday to Sunday in UTC.
    Week,
    /// A month in UTC.
    Month,
}

/// Some buckets in a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Buckets {
    bucket: Bucket,
    /// First days of the buckets, and the day behind the last one.
    days: Vec<i32>,
}

/// The UTC day of a moment: days since 1970-01-01.
pub const fn day_of(at: Timestamp) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "292,000 years are some 107 million days")]
    let day = at.0.div_euclid(DAY_MICROS) as i32;
    day
}

/// The moment a day begins.
pub const fn start_of(day: i32) -> Timestamp {
    Timestamp((day as i64).saturating_mul(DAY_MICROS))
}

impl Buckets {
    /// The buckets that touch the time from `from` (30 days, 12 weeks or 12 months before the end where it is
    /// not given) until `to` (now). Whole buckets: the time is widened to their bounds.
    pub fn new(
        bucket: Bucket,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let to = to.unwrap_or(now);
        let wrong = |field, message: String| Error::from(Problem::of(field, ProblemCode::Invalid, message));
        let far = |field| wrong(field, format!("`{field}` is too far from today"));
        let last = date(day_of(Timestamp(to.0.saturating_sub(1)))).ok_or_else(|| far("to"))?;
        let first = match from {
            Some(from) if from >= to => {
                return Err(wrong("from", "`from` is not before `to`".to_owned()));
            }
            Some(from) => date(day_of(from)),
            None => match bucket {
                Bucket::Day => last.checked_sub_days(Days::new(29)),
                Bucket::Week => last.checked_sub_days(Days::new(7 * 11)),
                Bucket::Month => last.checked_sub_months(Months::new(11)),
            },
        };
        let mut at = begin(bucket, first.ok_or_else(|| far("from"))?).ok_or_else(|| far("from"))?;
        let mut days = vec![at.to_epoch_days()];
        while at <= last {
            if days.len() > MAX_BUCKETS {
                let message =
                    format!("that is more than {MAX_BUCKETS} buckets: ask for less time, or longer buckets");
                return Err(wrong("from", message));
            }
            at = match bucket {
                Bucket::Day => at.checked_add_days(Days::new(1)),
                Bucket::Week => at.checked_add_days(Days::new(7)),
                Bucket::Month => at.checked_add_months(Months::new(1)),
            }
            .ok_or_else(|| far("to"))?;
            days.push(at.to_epoch_days());
        }
        Ok(Self { bucket, days })
    }

    /// How long each is.
    pub const fn bucket(&self) -> Bucket {
        self.bucket
    }

    /// What kept counts they are read from.
    pub const fn period(&self) -> Period {
        match self.bucket {
            Bucket::Day | Bucket::Week => Period::Day,
            Bucket::Month => Period::Month,
        }
    }

    /// The first day.
    pub fn first(&self) -> i32 {
        self.days.first().copied().unwrap_or_default()
    }

    /// The day behind the last one.
    pub fn end(&self) -> i32 {
        self.days.last().copied().unwrap_or_default()
    }

    /// First day of each, and the first day behind it.
    pub fn spans(&self) -> impl Iterator<Item = (i32, i32)> {
        self.days.iter().copied().zip(self.days.iter().copied().skip(1))
    }

    /// The first day of the bucket that a day is in.
    pub fn of(&self, day: i32) -> i32 {
        let behind = self.days.partition_point(|start| *start <= day);
        behind.checked_sub(1).and_then(|index| self.days.get(index)).copied().unwrap_or_default()
    }
}

fn date(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(day)
}

fn begin(bucket: Bucket, date: NaiveDate) -> Option<NaiveDate> {
    match bucket {
        Bucket::Day => Some(date),
        Bucket::Week => date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into())),
        Bucket::Month => date.with_day(1),
    }
}

/// The first day of the month that a day is in.
pub fn month_of(day: i32) -> i32 {
    date(day).and_then(|date| date.with_day(1)).map_or(day, |date| date.to_epoch_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn starts(bucket: Bucket, from: &str, to: &str) -> Vec<String> {
        let buckets = Buckets::new(bucket, Some(at(from)), Some(at(to)), Timestamp(0)).unwrap();
        buckets.spans().map(|(day, _)| start_of(day).rfc3339()[..10].to_owned()).collect()
    }

    #[test]
    fn whole_days_weeks_and_months_are_told_apart_and_widened() {
        let days = starts(Bucket::Day, "2026-02-27T23:59:59Z", "2026-03-01T00:00:00Z");
        assert_eq!(days, ["2026-02-27", "2026-02-28"]);
        // 2027-01-01 is a Friday of the week that began on Monday, 2026-12-28.
        let weeks = starts(Bucket::Week, "2027-01-01T00:00:00Z", "2027-01-04T00:00:01Z");
        assert_eq!(weeks, ["2026-12-28", "2027-01-04"]);
        let months = starts(Bucket::Month, "2026-12-31T00:00:00Z", "2027-02-01T00:00:00.000001Z");
        assert_eq!(months, ["2026-12-01", "2027-01-01", "2027-02-01"]);
        assert_eq!(start_of(month_of(day_of(at("2028-02-29T12:00:00Z")))), at("2028-02-01T00:00:00Z"));
    }

    #[test]
    fn what_is_not_said_is_the_last_thirty_days_and_too_much_is_refused() {
        let now = at("2026-11-21T12:00:00Z");
        let usual = Buckets::new(Bucket::Day, None, None, now).unwrap();
        assert_eq!(usual.spans().count(), 30);
        assert_eq!(usual.of(day_of(now)), day_of(now));
        assert_eq!(start_of(usual.end()), at("2026-11-22T00:00:00Z"));
        let long = Buckets::new(Bucket::Day, Some(Timestamp(0)), None, now).unwrap_err();
        assert!(long.to_string().contains("more than 400 buckets"), "{long}");
        assert!(Buckets::new(Bucket::Day, Some(now), Some(now), now).is_err());
        assert!(
            Buckets::new(Bucket::Month, Some(Timestamp(i64::MIN)), Some(Timestamp(i64::MAX)), now).is_err()
        );
    }
}
