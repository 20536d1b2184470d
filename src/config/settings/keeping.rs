//! Settings of how long what came and went is kept.

use super::{Kind::Whole, Preset::Is, Setting, set};

pub(super) const KEEPING: &[Setting] = &[
    set(
        "keep_deliveries_days",
        Whole(0, 3_650),
        Is("30"),
        "How many days headers and bodies of webhooks are kept after they were understood: 7 at least, 0 for ever. What \
         is held, waits or could not be read keeps them. A delivery without them cannot be redriven, and \
         `policyPreview` looks past it; what was decided of it stays.",
    ),
    set(
        "keep_attempts_days",
        Whole(0, 3_650),
        Is("90"),
        "How many days attempts at a PSA are kept after their operation was done, and readings of companies and pick \
         lists after they ended: 7 at least, 0 for ever.",
    ),
    set(
        "keep_events_days",
        Whole(0, 3_650),
        Is("400"),
        "How many days events are kept after they were decided, with the reason why there is no ticket: 30 at least and \
         not less than `keep_deliveries_days`, 0 for ever. Events that opened or closed a ticket stay, as tickets, \
         findings and the audit log do.",
    ),
];
