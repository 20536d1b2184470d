//! What can go wrong at a PSA, and what to do next.

/// What went wrong at a PSA. Every platform classifies its own answers, by body where the status lies.
/// Texts are for people, hold no secret and are capped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PsaError {
    /// Too many calls. Nothing was done.
    #[error("the PSA's rate limit is reached")]
    RateLimited {
        /// Seconds to wait, as the PSA says.
        retry_after_secs: Option<i64>,
    },
    /// The PSA cannot be reached or is out of order, and nothing was changed by the call.
    #[error("the PSA is not available: {detail}")]
    Unavailable {
        /// What was seen.
        detail: String,
    },
    /// It does not know this login.
    #[error("the PSA refuses the login: {detail}")]
    Unauthorized {
        /// What was seen.
        detail: String,
    },
    /// The login may not do this.
    #[error("the login lacks a permission: {missing}")]
    Forbidden {
        /// Which, in the PSA's words, as far as can be told.
        missing: String,
    },
    /// The PSA understood and said no; the same again will be refused again.
    #[error("the PSA refused it: {reason}")]
    Rejected {
        /// The field to blame, in the PSA's words.
        field: Option<String>,
        /// Why.
        reason: String,
    },
    /// It answers, and what was asked cannot be told from that; nothing was changed by the call.
    #[error("it cannot be told whether the ticket is there: {detail}")]
    CannotTell {
        /// What stands in the way.
        detail: String,
    },
    /// The call may or may not have been carried out.
    #[error("it is not known whether the PSA did it: {detail}")]
    Unknown {
        /// What was seen.
        detail: String,
    },
}

/// What to do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Try again later; after so many seconds where the PSA said so.
    RetryLater {
        /// Seconds.
        after_secs: Option<i64>,
    },
    /// Stop calling with this login until somebody mends it; look again now and then.
    PauseConnection,
    /// Give up until somebody changes something and retries.
    GiveUp,
    /// Find out whether it was done before doing it again.
    LookBeforeRepeating,
}

impl PsaError {
    /// What to do next.
    pub const fn next_step(&self) -> NextStep {
        match self {
            Self::RateLimited { retry_after_secs } => NextStep::RetryLater { after_secs: *retry_after_secs },
            Self::Unavailable { .. } | Self::CannotTell { .. } => NextStep::RetryLater { after_secs: None },
            Self::Unauthorized { .. } | Self::Forbidden { .. } => NextStep::PauseConnection,
            Self::Rejected { .. } => NextStep::GiveUp,
            Self::Unknown { .. } => NextStep::LookBeforeRepeating,
        }
    }

    /// Stable name, for logs, metrics and GraphQL.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::Rejected { .. } => "rejected",
            Self::CannotTell { .. } => "cannot_tell",
            Self::Unknown { .. } => "unknown",
        }
    }
}
