//! What an event is, and what is to be done about it.

pub mod catalogue;
pub mod choose;
pub mod decide;
pub mod event;
pub mod events;
pub mod held;
pub mod hints;
pub mod trace;
pub mod trail;
