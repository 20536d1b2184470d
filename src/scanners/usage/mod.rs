//! How much companies use of what is billed: the gateway's own format, one JSON object a count, or a list of them.
//!
//! Makes no events and opens no tickets: what it says raises the marks of billing months. Everything in it decides, so
//! a count with a wrong field is refused with the place and the next step, and its neighbours count all the same.

use std::collections::BTreeSet;

use entity::{Quantity, Timestamp};
use serde_json::{Map, Value};

use super::{Posted, Sender, reading::body, signature::Scheme};
use crate::{
    decisions::event::Reading,
    sync::billing::usage::{MAX_PRODUCT, Said, UsageReading, Whom},
};

/// A body that is shown in the documentation.
pub const EXAMPLE: &str = include_str!("examples/reports.json");

/// How many counts one delivery may hold.
const MAX_REPORTS: usize = 1_000;
/// The longest name of a source, and of a company, in bytes.
const MAX_SOURCE: usize = 100;
const MAX_REF: usize = 255;
/// The source where none is named.
const SOURCE: &str = "usage";

/// The sender that reports usage.
pub struct Usage;

impl Sender for Usage {
    fn key(&self) -> &'static str {
        "usage"
    }

    fn label(&self) -> &'static str {
        "Usage reports"
    }

    fn description(&self) -> &'static str {
        "Any product or script that posts how much each company uses of what is billed, as the gateway's own JSON. It \
         opens no tickets: the most of each billing month is pushed to the line of the PSA's recurring invoice."
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[
            Scheme::STANDARD_WEBHOOKS,
            Scheme::STANDARD_WEBHOOKS_ED25519,
            Scheme::CUSTOM_HMAC,
            Scheme::STATIC_TOKEN,
            Scheme::BASIC,
        ]
    }

    fn set_up(&self) -> &'static str {
        include_str!("set_up.md")
    }

    fn kinds(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn speaks_of_usage(&self) -> bool {
        true
    }

    fn read(&self, _posted: &Posted<'_>) -> Vec<Reading> {
        Vec::new()
    }

    fn read_usage(&self, posted: &Posted<'_>) -> Vec<UsageReading> {
        let value = match body::json(posted.body) {
            Ok(value) => value,
            Err(unreadable) => {
                return vec![UsageReading { said: Err(unreadable.problem), pointer: unreadable.pointer }];
            }
        };
        let Value::Array(list) = value else {
            return vec![UsageReading { said: one(&value), pointer: String::new() }];
        };
        let at = |index: usize| format!("/{index}");
        let mut readings: Vec<_> = list
            .iter()
            .take(MAX_REPORTS)
            .enumerate()
            .map(|(index, value)| UsageReading { said: one(value), pointer: at(index) })
            .collect();
        if list.len() > MAX_REPORTS {
            let left = list.len() - MAX_REPORTS;
            let problem = format!(
                "{left} counts from here on were not read; send at most {MAX_REPORTS} in one delivery"
            );
            readings.push(UsageReading { said: Err(problem), pointer: at(MAX_REPORTS) });
        }
        readings
    }
}

/// One count.
fn one(value: &Value) -> Result<Said, String> {
    const KNOWN: [&str; 5] = ["source", "client_ref", "product", "quantity", "observed_at"];
    let Some(object) = value.as_object() else {
        return Err(
            "a count is a JSON object; send {\"product\": …, \"quantity\": …} or a list of them".to_owned()
        );
    };
    let known = BTreeSet::from(KNOWN);
    if let Some(unknown) = object.keys().find(|name| !known.contains(name.as_str())) {
        let shown: String = unknown.chars().take(60).collect();
        return Err(format!("\"{shown}\" is no field of a count; these are {}", KNOWN.join(", ")));
    }
    let source = text(object, "source", MAX_SOURCE)?.unwrap_or_else(|| SOURCE.to_owned());
    let client_ref = text(object, "client_ref", MAX_REF)?
        .ok_or("say whose count it is: \"client_ref\" is your name for the company")?;
    let product = text(object, "product", MAX_PRODUCT)?
        .ok_or("say what is counted, e.g. \"product\": \"managed-edr\"")?;
    let quantity = match object.get("quantity") {
        // As it was written: what is no decimal number of at most three places is no amount.
        Some(Value::Number(number)) => Quantity::parse(&number.to_string())
            .or_else(|| number.as_f64().and_then(Quantity::from_f64))
            .filter(|quantity| *quantity >= Quantity(0))
            .ok_or_else(|| {
                format!(
                    "{number} is no amount; send 0 to {} with at most three decimal places",
                    Quantity::MAX
                )
            })?,
        _ => return Err("say how much as a number, e.g. \"quantity\": 42".to_owned()),
    };
    let observed_at = object
        .get("observed_at")
        .and_then(Value::as_str)
        .and_then(Timestamp::parse_rfc3339)
        .ok_or("say when it was counted: \"observed_at\" is RFC 3339, e.g. \"2026-01-15T09:30:00Z\"")?;
    Ok(Said { source, whom: Whom::KnownAs(client_ref), product, quantity, observed_at })
}

/// A text that decides: whole numbers count as text, nothing is cut or cleaned.
fn text(object: &Map<String, Value>, name: &str, max_bytes: usize) -> Result<Option<String>, String> {
    let text = match object.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
        Some(_) => return Err(format!("\"{name}\" must be a text; send it in quotes")),
    };
    if text.len() > max_bytes {
        return Err(format!("\"{name}\" has {} bytes; at most {max_bytes} fit", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("\"{name}\" holds a control character; send printable text"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::received::Headers;

    fn read(body: &[u8]) -> Vec<UsageReading> {
        let (headers, settings) = (Headers::new(Vec::<(String, String)>::new()), Value::Null);
        Usage.read_usage(&Posted { headers: &headers, body, settings: &settings })
    }

    #[test]
    fn the_example_is_read_and_each_count_is_wrong_by_itself() {
        let readings = read(EXAMPLE.as_bytes());
        let said = readings[1].said.clone().unwrap();
        assert_eq!((readings.len(), said.quantity), (2, Quantity(512_500)));
        assert_eq!((said.whom, said.product.as_str()), (Whom::KnownAs("northwind".into()), "backup-gb"));

        let body = r#"[{"client_ref":"a","product":"p","quantity":1,"observed_at":"2026-11-21T08:00:00Z"},
            {"client_ref":"a","product":"p","quantity":-1,"observed_at":"2026-11-21T08:00:00Z"},
            {"client_ref":"a","product":"p","quantity":1},
            {"client_ref":"a","product":"p","quantity":"1","observed_at":"2026-11-21T08:00:00Z"},
            {"product":"p","quantity":1,"observed_at":"2026-11-21T08:00:00Z"},
            {"client_ref":"a","product":"p","amount":1}, 7]"#;
        let readings = read(body.as_bytes());
        let wrong: Vec<_> = readings.iter().filter_map(|reading| reading.said.as_ref().err()).collect();
        assert!(readings[0].said.is_ok() && wrong.len() == 6, "{wrong:?}");
        assert_eq!(readings[3].pointer, "/3");
        assert!(wrong[4].contains("\"amount\""), "{wrong:?}");
        assert!(read(b"not json")[0].said.is_err() && read(b"not json")[0].pointer.is_empty());
    }

    #[test]
    fn more_counts_than_a_delivery_may_hold_are_told() {
        let one = r#"{"client_ref":"a","product":"p","quantity":1,"observed_at":"2026-11-21T08:00:00Z"}"#;
        let readings = read(format!("[{}]", vec![one; MAX_REPORTS + 2].join(",")).as_bytes());
        assert_eq!(readings.len(), MAX_REPORTS + 1);
        assert!(readings.last().unwrap().said.as_ref().is_err_and(|problem| problem.starts_with("2 counts")));
    }
}
