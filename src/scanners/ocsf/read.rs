//! From an OCSF finding to an event.

use entity::{Severity, Timestamp};

use super::{
    parts,
    state::{self, Class, State},
};
use crate::{
    decisions::event::{Event, Reading, Unreadable},
    scanners::reading::{place::Place, start},
};

/// Whether this looks like an OCSF event.
pub(in crate::scanners) fn is_one(place: &Place<'_>) -> bool {
    place.at("class_uid").is_there() || place.at("type_uid").is_there()
}

/// What a finding says, as of `source`.
pub(in crate::scanners) fn finding(place: &Place<'_>, source: &str) -> Reading {
    let mut remarks = Vec::new();
    let event = event(place, source, &mut remarks);
    Reading { event, remarks }
}

fn event(finding: &Place<'_>, source: &str, remarks: &mut Vec<String>) -> Result<Event, Unreadable> {
    let Some(class) = Class::of(finding) else {
        return Err(start::unknown(
            &finding.first(&["class_uid", "type_uid"]),
            "the classes 2002 to 2005 of OCSF are read: vulnerability, compliance, detection and incident finding",
        ));
    };
    // Up to version 1.0 it was named `finding`.
    let info = finding.first(&["finding_info", "finding"]);
    let key = info.at("uid").id().or_else(|missing| match class {
        // An incident has a list of findings; its own id is that of the event.
        Class::Incident => finding.at("metadata").at("uid").id().map_err(|_| missing),
        _ => Err(missing),
    })?;
    let state = state::state(class, finding);
    let title = info.at("title").line().or_else(|| finding.at("message").line());
    let title = title.unwrap_or_else(|| info.at("desc").line().unwrap_or_default());
    let mut event = start::event(class.kind(state), source, key, title)?;
    class.category().clone_into(&mut event.category);
    match state {
        State::Gone(reason) => event.close_reason = Some(reason),
        State::Noted(why) => remarks.push(why.to_owned()),
        State::There => {}
    }
    event.client_ref = client_ref(finding);
    (event.severity, event.severity_raw) = severity(finding);
    event.occurred_at = time(&info, "modified_time").or_else(|| time(finding, "time"));
    event.body_md = info.at("desc").lines().or_else(|| finding.at("desc").lines()).unwrap_or_default();
    event.evidence_url = info.first(&["src_url"]).line().or_else(|| finding.at("src_url").line());
    parts::fill(finding, &info, &mut event);
    Ok(event)
}

fn client_ref(finding: &Place<'_>) -> Option<String> {
    let cloud = finding.at("cloud");
    [finding.at("metadata").at("tenant_uid"), cloud.at("account").at("uid"), cloud.at("org").at("uid")]
        .iter()
        .find_map(Place::name)
}

/// 0 unknown, 1 informational … 5 critical, 6 fatal; 99 is told by its word.
fn severity(finding: &Place<'_>) -> (Severity, Option<String>) {
    let word = finding.at("severity");
    let known = match finding.at("severity_id").count() {
        Some(1) => Severity::Info,
        Some(2) => Severity::Low,
        Some(3) => Severity::Medium,
        Some(4) => Severity::High,
        Some(5 | 6) => Severity::Critical,
        _ => return word.severity(),
    };
    (known, word.line().filter(|word| !word.eq_ignore_ascii_case(known.word())))
}

/// Milliseconds since 1970, or the same in the profile `datetime`.
fn time(place: &Place<'_>, name: &str) -> Option<Timestamp> {
    place.at(&format!("{name}_dt")).time().or_else(|| place.at(name).epoch())
}
