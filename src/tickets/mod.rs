//! The ticket's life: what is asked of a PSA, what it answers, and the states between.

pub mod delivered;
pub mod flaps;
mod kept;
pub mod link;
pub mod listing;
pub mod marker;
mod members;
pub mod observe;
pub mod operations;
pub mod pen;
pub mod pile;
pub mod plan;
pub mod read;
pub mod remote;
pub mod sample;
pub mod state;
pub mod template;
pub mod text;
