//! What security products say: who posts, how it is signed, and what it means.

pub mod signature;
