//! Users that are locked out and unlocked.

use super::alert::Alert;
use crate::{
    decisions::event::{Event, Unreadable, User},
    scanners::reading::place::Place,
};

/// What an alert says of a lockout, if it does.
///
/// Windows: rules 60115 and 18116, or any rule on the events 4740 (644 before Vista) and 4767 (671). Others: rules
/// that the settings name, and groups of rules whose name says so (`account_locked`, `lockout`, `account_unlocked`).
pub(super) fn read(alert: &Alert<'_>) -> Option<Result<Event, Unreadable>> {
    let event_id = alert.data.at("win").at("system").at("eventID").line().unwrap_or_default();
    let has = |rules: &[String]| rules.contains(&alert.rule_id);
    let unlocks = has(&alert.settings.unlock_rules)
        || ["4767", "671"].contains(&event_id.as_str())
        || alert.is_in_group(|group| group.contains("unlock"));
    let locks = has(&alert.settings.lockout_rules)
        || ["60115", "18116"].contains(&alert.rule_id.as_str())
        || ["4740", "644"].contains(&event_id.as_str())
        || alert.is_in_group(|group| group.contains("lockout") || group.ends_with("_locked"));
    match (unlocks, locks) {
        (true, _) => Some(event(alert, "identity.user_unlocked", "was unlocked")),
        (false, true) => Some(event(alert, "identity.user_locked_out", "was locked out")),
        (false, false) => None,
    }
}

/// The user's SID is the identity: domain controllers report the same user, each from its own agent, and the domain
/// that 4740 names is the computer from which the failed sign-ins came.
fn event(alert: &Alert<'_>, kind: &str, said: &str) -> Result<Event, Unreadable> {
    let windows = alert.data.at("win").at("eventdata");
    let security_id = windows.first(&["targetSid", "targetUserSid"]).name();
    let name =
        windows.at("targetUserName").name().or_else(|| alert.data.first(&["dstuser", "srcuser"]).name());
    let key = match (&security_id, &name) {
        (Some(id), _) => alert.key(&["lockout", id]),
        (None, Some(name)) => alert.key(&["lockout", &alert.agent, &name.to_lowercase()]),
        (None, None) => {
            let place: Place<'_> = windows.at("targetUserName");
            return Err(Unreadable::missing(place.pointer(), "the alert does not say which user is meant"));
        }
    };
    let shown = name.clone().or_else(|| security_id.clone()).unwrap_or_default();
    let mut event = alert.event(kind, key, format!("{shown} {said}"))?;
    event.user = Some(User { uid: security_id.or_else(|| name.clone()), name, email: None });
    event.body_md = alert.data.at("win").at("system").at("message").lines().unwrap_or_else(|| alert.log());
    Ok(event)
}
