//! A list that names everything that is still there.

use super::{
    rules::holds,
    settings::{Settings, Snapshot},
};
use crate::{
    decisions::{
        catalogue::Action,
        event::{Event, Reading, Unreadable},
    },
    scanners::reading::{key::joined, place::Place, start},
};

/// Adds the snapshot, or why there is none. Absence closes, so that it counts only where everything was read.
pub(super) fn add(settings: &Settings, wanted: &Snapshot, root: &Place<'_>, readings: &mut Vec<Reading>) {
    if !holds(&wanted.when, root, root) {
        return;
    }
    match snapshot(settings, wanted, root, readings) {
        Ok(snapshot) => {
            for event in readings.iter_mut().filter_map(|reading| reading.event.as_mut().ok()) {
                event.scope_key.clone_from(&snapshot.scope_key);
            }
            readings.push(snapshot.into());
        }
        Err(unreadable) => readings.push(unreadable.into()),
    }
}

fn snapshot(
    settings: &Settings,
    wanted: &Snapshot,
    root: &Place<'_>,
    readings: &[Reading],
) -> Result<Event, Unreadable> {
    let parts: Vec<String> =
        wanted.scope.iter().map(|pointer| pointer.of(root, root).key()).collect::<Result<_, _>>()?;
    let scope = joined(&parts.iter().map(String::as_str).collect::<Vec<_>>());
    // Of the whole body, as there may be no entry to ask.
    let client_ref = settings.client_ref.iter().find_map(|pointer| pointer.of(root, root).name());
    let mut present = Vec::new();
    for reading in readings {
        let Ok(event) = &reading.event else {
            let problem = "not every entry was read, so that nothing was closed by absence";
            return Err(Unreadable::invalid("", problem));
        };
        if event.client_ref != client_ref {
            let problem = "entries name other customers than the whole body does, so that nothing was closed by \
                absence; let client_ref start at root:";
            return Err(Unreadable::invalid("", problem));
        }
        if event.kind.action != Action::Close {
            present.push(event.finding_key.clone());
        }
    }
    present.sort_unstable();
    present.dedup();
    let mut event = start::event(
        "scan.snapshot",
        settings.source.trim(),
        scope.clone(),
        format!("Scan of {}", parts.join(" ")),
    )?;
    event.scope_key = Some(scope);
    event.client_ref = client_ref;
    event.present = present;
    let at = settings.occurred_at.as_ref().map(|pointer| pointer.of(root, root));
    event.occurred_at = at.and_then(|place| place.time().or_else(|| place.epoch()));
    Ok(event)
}
