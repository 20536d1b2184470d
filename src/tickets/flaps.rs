//! Problems that come and go: one ticket, and few words about it.

use entity::{Timestamp, ticket};

/// What comes back within this time of the time before flaps, in seconds.
const SPAN_SECS: i64 = 86_400;
/// How often it must have done so to count as flapping.
const FLAPS: i32 = 3;
/// How long a flapping problem must stay over before its ticket is closed, in seconds.
const CALM_SECS: i64 = 3_600;

/// Counts that a problem has come back.
pub fn came_back(ticket: &mut ticket::Model, now: Timestamp) {
    let is_soon = ticket.flapped_at.is_some_and(|last| now < last.plus_secs(SPAN_SECS));
    ticket.flap_count = if is_soon { ticket.flap_count.saturating_add(1) } else { 1 };
    ticket.flapped_at = Some(now);
}

/// Whether its problem comes and goes.
fn is_flapping(ticket: &ticket::Model, now: Timestamp) -> bool {
    ticket.flap_count >= FLAPS && ticket.flapped_at.is_some_and(|last| now < last.plus_secs(SPAN_SECS))
}

/// When a ticket on which nothing is open is to be closed; none for at once.
pub fn closes_at(ticket: &ticket::Model, minimum_open_secs: i64, now: Timestamp) -> Option<Timestamp> {
    let since = ticket.opened_at.unwrap_or(ticket.created_at);
    let calm = is_flapping(ticket, now).then(|| now.plus_secs(CALM_SECS));
    let old_enough = Some(since.plus_secs(minimum_open_secs)).filter(|at| now < *at);
    calm.max(old_enough)
}

/// How often a ticket gets a note about repetitions at most, in seconds.
pub fn note_interval_secs(ticket: &ticket::Model, of_policy: i64) -> i64 {
    if ticket.flap_count >= FLAPS { of_policy.max(CALM_SECS) } else { of_policy }
}
