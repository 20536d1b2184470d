//! The organization, who is asking, and what an organization sets up.

pub mod companies;
pub mod reach;
pub mod viewer;
