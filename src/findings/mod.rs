//! What is known of each problem: same problem, same row.

pub mod read;
pub mod record;
