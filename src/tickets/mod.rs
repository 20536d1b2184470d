//! The ticket's life: what is asked of a PSA, what it answers, and the states between.

pub mod remote;
