//! How bad a finding is.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// How bad a finding is, least first. Stored as a small integer, so that "at or
/// above" is one comparison in either database.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The sender did not say. Never treated as low: a policy decides about it by name.
    #[default]
    #[sea_orm(num_value = 0)]
    Unknown,
    /// For information only.
    #[sea_orm(num_value = 1)]
    Info,
    /// Low.
    #[sea_orm(num_value = 2)]
    Low,
    /// Medium.
    #[sea_orm(num_value = 3)]
    Medium,
    /// High.
    #[sea_orm(num_value = 4)]
    High,
    /// Critical (OCSF's Fatal too).
    #[sea_orm(num_value = 5)]
    Critical,
}

impl Severity {
    /// The word senders and rules use: `unknown`, `info`, `low`, `medium`, `high`, `critical`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
