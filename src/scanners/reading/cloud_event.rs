//! CloudEvents 1.0 in their JSON format, single or batched.

use super::place::Place;

/// The data of a CloudEvent, of each of a batch of them, or the body itself where it is none.
///
/// Source: CloudEvents JSON event format 1.0.2, sections 3 and 4. Data in base64 (`data_base64`) is not JSON and
/// is not taken out: such an event is given back whole.
pub(in crate::scanners) fn unwrapped<'a>(root: &Place<'a>) -> Vec<Place<'a>> {
    let one = |place: Place<'a>| match place.at("data") {
        data if place.at("specversion").is_there() && data.is_there() => data,
        _ => place,
    };
    let items = root.items();
    if items.is_empty() { vec![one(root.clone())] } else { items.into_iter().map(one).collect() }
}
