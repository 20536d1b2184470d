//! Steps of a ticket's way at which the program can be made to die, so that it can be shown that nothing is lost
//! or doubled there.
//!
//! Only in a program that was built for development, or with the cargo feature `torture`; in one that is built for use
//! [`at`] is nothing. There the variable `TORTURE_DIES_AT` names the step, and which time it is fatal where that is not
//! the first: `created` or `created:3`.

/// A step that can be the last one. Its name is what the variable says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Webhooks are stored; their senders are not answered yet.
    Stored,
    /// Deliveries are claimed, and nothing else is done with them.
    Claimed,
    /// A delivery is decided with all that follows from it; nobody is told yet.
    Decided,
    /// A lane is claimed.
    LaneClaimed,
    /// An attempt is written down; the PSA is not asked yet.
    Begun,
    /// A ticket of unknown fate was looked for; what was found is not written down.
    Searched,
    /// The PSA has created a ticket; that is not written down.
    Created,
    /// The PSA has taken a note; that is not written down.
    Noted,
    /// The PSA has set a status; that is not written down.
    StatusSet,
    /// The end of an attempt is written down; its lane is still held.
    Recorded,
    /// All work of a lane's turn is done; the lane is still held.
    TurnDone,
}

impl Step {
    /// All of them, in the order of a ticket's way.
    pub const ALL: [Self; 11] = [
        Self::Stored,
        Self::Claimed,
        Self::Decided,
        Self::LaneClaimed,
        Self::Begun,
        Self::Searched,
        Self::Created,
        Self::Noted,
        Self::StatusSet,
        Self::Recorded,
        Self::TurnDone,
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Claimed => "claimed",
            Self::Decided => "decided",
            Self::LaneClaimed => "lane_claimed",
            Self::Begun => "begun",
            Self::Searched => "searched",
            Self::Created => "created",
            Self::Noted => "noted",
            Self::StatusSet => "status_set",
            Self::Recorded => "recorded",
            Self::TurnDone => "turn_done",
        }
    }
}

/// The program dies here if it was told to: at once, with nothing put in order, as if it were killed.
#[cfg(any(debug_assertions, feature = "torture"))]
pub fn at(step: Step) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    };
    static FATAL: OnceLock<Option<(String, AtomicI64)>> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "no setting: a program for use does not have it")]
    let fatal = FATAL.get_or_init(|| {
        let told = std::env::var("TORTURE_DIES_AT").ok()?;
        let (name, times) = told.split_once(':').unwrap_or((&told, "1"));
        Some((name.to_owned(), AtomicI64::new(times.parse().unwrap_or(1))))
    });
    if let Some((name, left)) = fatal
        && name == step.name()
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}

/// Nothing: this program is built for use.
#[cfg(not(any(debug_assertions, feature = "torture")))]
#[inline]
pub const fn at(_step: Step) {}
