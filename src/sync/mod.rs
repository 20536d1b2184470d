//! Copies of what a PSA keeps: its companies and its pick lists.

pub mod remote;
