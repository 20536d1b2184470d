//! The product's stories, and the order of its house.

mod house;
