//! What an inventory's webhook says of devices.

use super::Said;

/// A device, and whose it is in its sender's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Which product says it.
    pub source: String,
    /// Its name for the company.
    pub client_ref: String,
    /// What it says; the company stands in `client_ref`.
    pub said: Said,
}

/// One statement of an inventory's webhook, or why it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetReading {
    /// What it says; `Err` says what is wrong and what to do, for people.
    pub said: Result<Reported, String>,
    /// Where it stands in the body, as a JSON Pointer; empty for the whole.
    pub pointer: String,
}
