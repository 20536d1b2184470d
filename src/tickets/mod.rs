//! The ticket's life: what is asked of a PSA, what it answers, and the states between.

pub mod plan;
pub mod remote;
pub mod state;
pub mod text;
