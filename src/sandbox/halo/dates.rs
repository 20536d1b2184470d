//! Halo's dates: UTC without saying so, and 1900-01-01 for "none".

use chrono::{NaiveDate, NaiveDateTime};
use entity::Timestamp;

/// How Halo writes an empty date.
pub(super) const EMPTY: &str = "1900-01-01T00:00:00";

/// A time as Halo answers it: UTC, milliseconds, no zone.
pub(super) fn zoneless(at: Timestamp) -> String {
    at.datetime().format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// The time, or Halo's empty date.
pub(super) fn zoneless_or_empty(at: Option<Timestamp>) -> String {
    at.map_or_else(|| EMPTY.to_owned(), zoneless)
}

/// As webhooks stamp it: seven digits of fraction and a `Z`.
pub(super) fn with_ticks(at: Timestamp) -> String {
    format!("{}{:06}0Z", at.datetime().format("%Y-%m-%dT%H:%M:%S."), at.0.rem_euclid(1_000_000))
}

/// Reads a date or date-time; without a zone it is UTC.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse_rfc3339(text).or_else(|| {
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
            .or_else(|_| {
                NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| day.and_time(chrono::NaiveTime::MIN))
            });
        time.ok().map(|time| Timestamp::from_datetime(time.and_utc()))
    })
}
