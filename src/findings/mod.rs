//! What is known of each problem: same problem, same row.

pub mod details;
pub mod known;
pub mod read;
pub mod record;
pub mod sweep;
