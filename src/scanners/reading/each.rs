//! The entries of a list, one reading each, within bounds.

use super::place::Place;
use crate::decisions::event::{Reading, Unreadable};

/// How many readings one delivery gives at most.
pub(in crate::scanners) const MAX_READINGS: usize = 20_000;

/// One reading for each entry of the list; the last one says how many were left out, where there are too many.
pub(in crate::scanners) fn each<'a>(list: &Place<'a>, one: impl FnMut(Place<'a>) -> Reading) -> Vec<Reading> {
    let items = list.items();
    let left = items.len().saturating_sub(MAX_READINGS);
    let mut readings: Vec<Reading> = items.into_iter().take(MAX_READINGS).map(one).collect();
    if left > 0 {
        readings.push(too_many(list, left).into());
    }
    readings
}

/// Says that entries of a list were left out.
pub(in crate::scanners) fn too_many(list: &Place<'_>, left: usize) -> Unreadable {
    Unreadable::invalid(
        format!("{}/{MAX_READINGS}", list.pointer()),
        format!(
            "{left} entries from here on were not read; at most {MAX_READINGS} are read from one delivery"
        ),
    )
}
