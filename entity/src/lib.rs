//! Rows of PSA Gateway's tables: one file a table, no behaviour.

mod timestamp;

pub use timestamp::Timestamp;
