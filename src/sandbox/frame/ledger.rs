//! What truly exists in an instance, for those who check from outside.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A ticket, as `GET /_ledger/tickets` tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerTicket {
    /// The vendor's id.
    pub id: LedgerId,
    /// The sender's mark, wherever it stands on the ticket.
    pub marker: Option<String>,
    /// The customer's name.
    pub company: String,
    /// The customer's id.
    pub company_id: LedgerId,
    /// The title.
    pub summary: String,
    /// The first text.
    pub body: String,
    /// The status's name.
    pub status: String,
    /// Whether it is closed now.
    pub closed: bool,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub closed_at: Option<String>,
    /// In the order of writing.
    pub notes: Vec<LedgerNote>,
    /// Whether it was deleted; it stays in the ledger.
    pub deleted: bool,
    /// What else the vendor keeps on it that is worth checking, in the vendor's words.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A note on a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerNote {
    /// Unique within the ticket.
    pub id: LedgerId,
    /// As written.
    pub text: String,
    /// Whether the customer cannot see it.
    pub private: bool,
    /// The writer's name.
    pub who: String,
    /// RFC 3339.
    pub at: String,
}

/// A line of a recurring invoice, as `GET /_ledger/billing` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerBilling {
    /// The customer's id.
    pub company_id: LedgerId,
    /// The id of the recurring invoice.
    pub invoice_id: LedgerId,
    /// The vendor's id.
    pub id: LedgerId,
    /// Its name.
    pub name: String,
    /// What it bills, as in `42` or `9.99`.
    pub quantity: String,
    /// How often its quantity was set, or changed by a difference, since the start.
    pub writes: u32,
}

/// An id as the vendor writes it in JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LedgerId {
    /// A number.
    Number(i64),
    /// A GUID or the like.
    Text(String),
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<i64> for LedgerId {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for LedgerId {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// The first mark in a text: `PSAGW-` and 20 letters or digits.
pub fn marker_in(text: &str) -> Option<&str> {
    text.match_indices("PSAGW-").find_map(|(at, word)| {
        let end = at + word.len() + 20;
        let mark = text.get(at..end)?;
        let is_mark = mark[word.len()..].bytes().all(|b| b.is_ascii_alphanumeric());
        let ends = !text[end..].starts_with(|c: char| c.is_ascii_alphanumeric());
        (is_mark && ends).then_some(mark)
    })
}
