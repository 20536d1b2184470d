//! Rows of PSA Gateway's tables: one file a table, no behaviour.

mod severity;
mod timestamp;

pub use severity::Severity;
pub use timestamp::Timestamp;
