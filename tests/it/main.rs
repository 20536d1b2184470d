//! The product's stories, told against the real program on a real port, and the order of its house.

mod closing;
mod door;
mod house;
mod killed;
mod mapping;
mod one_ticket;
mod outages;
mod schema;
mod secrets;
mod support;
mod walls;
