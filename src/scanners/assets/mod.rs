//! What an inventory knows of devices: the gateway's own format, one JSON object a device, or a list of them.
//!
//! Makes no findings and opens no tickets: what it says becomes assets. A device with a wrong field is refused with the
//! place and the next step, and its neighbours are taken in all the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Posted, Sender, reading::body, signature::Scheme};
use crate::{
    decisions::event::Reading,
    sync::assets::{
        Said,
        reported::{AssetReading, Reported},
    },
};

/// A body that is shown in the documentation.
pub const EXAMPLE: &str = include_str!("examples/devices.json");

/// How many devices one delivery may hold.
const MAX_DEVICES: usize = 1_000;
/// The longest name of a source, and of a company, in bytes.
const MAX_SOURCE: usize = 100;
const MAX_REF: usize = 255;
/// The longest text of another field, in bytes: what is longer in characters is refused with the device.
const MAX_TEXT: usize = 1_020;
/// The source where none is named.
const SOURCE: &str = "assets";

/// The sender that tells of devices.
pub struct Assets;

impl Sender for Assets {
    fn key(&self) -> &'static str {
        "assets"
    }

    fn label(&self) -> &'static str {
        "Assets"
    }

    fn description(&self) -> &'static str {
        "Any product or script that posts the devices of companies, as the gateway's own JSON. It opens no tickets: each \
         device becomes an asset of its company, and a configuration of the PSA where that is switched on."
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

    fn speaks_of_assets(&self) -> bool {
        true
    }

    fn read(&self, _posted: &Posted<'_>) -> Vec<Reading> {
        Vec::new()
    }

    fn read_assets(&self, posted: &Posted<'_>) -> Vec<AssetReading> {
        let value = match body::json(posted.body) {
            Ok(value) => value,
            Err(unreadable) => {
                return vec![AssetReading { said: Err(unreadable.problem), pointer: unreadable.pointer }];
            }
        };
        let Value::Array(list) = value else {
            return vec![AssetReading { said: one(&value), pointer: String::new() }];
        };
        let at = |index: usize| format!("/{index}");
        let mut readings: Vec<_> = list
            .iter()
            .take(MAX_DEVICES)
            .enumerate()
            .map(|(index, value)| AssetReading { said: one(value), pointer: at(index) })
            .collect();
        if list.len() > MAX_DEVICES {
            let left = list.len() - MAX_DEVICES;
            let problem = format!(
                "{left} devices from here on were not read; send at most {MAX_DEVICES} in one delivery"
            );
            readings.push(AssetReading { said: Err(problem), pointer: at(MAX_DEVICES) });
        }
        readings
    }
}

/// One device.
fn one(value: &Value) -> Result<Reported, String> {
    const KNOWN: [&str; 11] = [
        "source",
        "client_ref",
        "key",
        "name",
        "kind",
        "serial_number",
        "purchased_on",
        "expires_on",
        "ram",
        "os_type",
        "manufacturer",
    ];
    let Some(object) = value.as_object() else {
        return Err(
            "a device is a JSON object; send {\"client_ref\": …, \"name\": …} or a list of them".to_owned()
        );
    };
    let known = BTreeSet::from(KNOWN);
    if let Some(unknown) = object.keys().find(|name| !known.contains(name.as_str())) {
        let shown: String = unknown.chars().take(60).collect();
        return Err(format!("\"{shown}\" is no field of a device; these are {}", KNOWN.join(", ")));
    }
    let client_ref = text(object, "client_ref", MAX_REF)?
        .ok_or("say whose device it is: \"client_ref\" is your name for the company")?;
    let name = text(object, "name", MAX_TEXT)?.ok_or("say what the device is called: \"name\"")?;
    let given = |name: &str| text(object, name, MAX_TEXT);
    Ok(Reported {
        source: text(object, "source", MAX_SOURCE)?.unwrap_or_else(|| SOURCE.to_owned()),
        client_ref,
        said: Said {
            // Whose it is, is looked up by the name.
            company_id: Uuid::nil(),
            key: given("key")?,
            name,
            kind: given("kind")?,
            serial_number: given("serial_number")?,
            purchased_on: given("purchased_on")?,
            expires_on: given("expires_on")?,
            ram: given("ram")?,
            os_type: given("os_type")?,
            manufacturer: given("manufacturer")?,
        },
    })
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
    use crate::{queue::received::Headers, scanners::trials};

    fn read(body: &[u8]) -> Vec<AssetReading> {
        let (headers, settings) = (Headers::new(Vec::<(String, String)>::new()), Value::Null);
        Assets.read_assets(&Posted { headers: &headers, body, settings: &settings })
    }

    #[test]
    fn the_example_is_read_and_each_device_is_wrong_by_itself() {
        let readings = read(EXAMPLE.as_bytes());
        let Ok(first) = &readings[0].said else { panic!("{readings:?}") };
        assert_eq!((first.client_ref.as_str(), first.said.name.as_str()), ("northwind", "FRONT-DESK"));
        assert!(readings.iter().all(|reading| reading.said.is_ok()), "{readings:?}");

        let body = r#"[{"client_ref":"a","name":"PC"}, {"name":"PC"}, {"client_ref":"a"},
            {"client_ref":"a","name":"PC","serial":"x"}, {"client_ref":"a","name":["PC"]}, 7]"#;
        let readings = read(body.as_bytes());
        let wrong: Vec<_> = readings.iter().filter_map(|reading| reading.said.as_ref().err()).collect();
        assert!(readings[0].said.is_ok() && wrong.len() == 5, "{wrong:?}");
        assert!(readings[3].pointer == "/3" && wrong[2].contains("\"serial\""), "{wrong:?}");
        assert!(read(b"not json")[0].said.is_err() && read(b"not json")[0].pointer.is_empty());
        let many = format!("[{}]", vec![r#"{"client_ref":"a","name":"PC"}"#; MAX_DEVICES + 2].join(","));
        let readings = read(many.as_bytes());
        assert_eq!(readings.len(), MAX_DEVICES + 1);
        assert!(readings.last().unwrap().said.is_err());
    }

    #[test]
    fn no_body_breaks_it() {
        trials::survives(&Assets, &[&[]], &[EXAMPLE]);
    }
}
