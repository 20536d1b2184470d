//! The body of a webhook, read by every sender: the first byte says by which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use psa_gateway::{
    queue::received::Headers,
    scanners::{self, Posted},
};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((which, body)) = data.split_first() else { return };
    let senders = scanners::senders();
    let sender = senders[usize::from(*which) % senders.len()];
    let headers = Headers::new([("content-type", "application/json"), ("x-github-event", "dependabot_alert")]);
    let readings = scanners::read(sender, &Posted { headers: &headers, body, settings: &Value::Null });
    for event in readings.into_iter().filter_map(|reading| reading.event.ok()) {
        assert!(!event.title.is_empty() && event.title.chars().count() <= 200);
        assert!(event.finding_key.len() <= 255);
    }
});
