//! Times as the vendor writes and reads them.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc};
use entity::Timestamp;
use serde_json::Value;

/// The account's distance from UTC: `locale.time_offset` of its settings.
pub(super) const OFFSET: &str = "-08:00";
const OFFSET_SECS: i32 = -8 * 3600;

/// ISO with milliseconds, in UTC or with the account's offset.
pub(super) fn written(at: Timestamp, local: bool) -> String {
    let at = at.datetime();
    match zone() {
        Some(zone) if local => at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, false),
        _ => at.to_rfc3339_opts(SecondsFormat::Millis, true),
    }
}

/// The time, or null.
pub(super) fn written_or_null(at: Option<Timestamp>, local: bool) -> Value {
    at.map_or(Value::Null, |at| written(at, local).into())
}

/// A time with any offset; without one, and where there is only a date, in the account's zone (which makes
/// dates alone surprising, as the live run found).
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse_rfc3339(text).or_else(|| {
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
            .or_else(|_| NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| day.and_time(NaiveTime::MIN)))
            .ok()?;
        let local = zone()?.from_local_datetime(&time).single()?;
        Some(Timestamp::from_datetime(local.with_timezone(&Utc)))
    })
}

fn zone() -> Option<FixedOffset> {
    FixedOffset::east_opt(OFFSET_SECS)
}
