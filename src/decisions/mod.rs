//! What an event is, and what is to be done about it.

pub mod cadence;
pub mod catalogue;
pub mod choose;
pub mod closing;
pub mod conditions;
pub mod contact;
pub mod decide;
mod desk;
pub mod devices;
mod ended;
pub mod event;
pub mod event_sets;
pub mod events;
pub mod group;
pub mod handling;
pub mod held;
pub mod hints;
#[cfg(test)]
mod histories;
pub mod inventories;
pub mod presets;
pub mod preview;
pub mod quiet;
pub mod rules;
mod storm;
mod sweep;
mod there;
mod told;
pub mod trace;
pub mod trail;
pub mod trim;
pub mod waiting;
pub mod weekly;
mod whose;
pub mod words;
