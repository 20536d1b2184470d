//! An endpoint's own settings for its sender.

use serde::Deserialize;
use serde_json::Value;

use crate::decisions::event::Unreadable;

/// The settings as the sender's own type; the defaults where there are none. `Err` says what does not fit.
pub(in crate::scanners) fn parse<T>(settings: &Value) -> Result<T, String>
where
    T: Default + for<'de> Deserialize<'de>,
{
    if settings.is_null() {
        return Ok(T::default());
    }
    if !settings.is_object() {
        return Err("the settings do not fit: they are a JSON object".to_owned());
    }
    T::deserialize(settings).map_err(|error| format!("the settings do not fit: {error}"))
}

/// Why nothing of a delivery is read: with wrong settings it could go to the wrong customer.
pub(in crate::scanners) fn refused(problem: &str) -> Unreadable {
    Unreadable::invalid("", format!("correct the endpoint's settings and redrive the delivery: {problem}"))
}
