//! Dates as Autotask writes and reads them: UTC without a zone.

use chrono::{NaiveDate, NaiveDateTime};
use entity::Timestamp;

/// `2024-01-31T15:04:05.307`; without a fraction where it is zero.
pub(super) fn zoneless(at: Timestamp) -> String {
    let text = at.datetime().format("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        None => text,
    }
}

/// With or without a zone, or a day alone.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse_rfc3339(text).or_else(|| {
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"))
            .ok()
            .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
        Some(Timestamp::from_datetime(time.and_utc()))
    })
}
