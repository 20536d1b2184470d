//! What an event is, and what is to be done about it.

pub mod catalogue;
pub mod event;
pub mod held;
