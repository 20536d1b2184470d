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
    let posted = Posted { headers: &headers, body, settings: &Value::Null };
    for device in sender.read_assets(&posted).into_iter().filter_map(|reading| reading.said.ok()) {
        assert!(!device.said.name.is_empty() && !device.client_ref.is_empty());
    }
    drop(sender.read_usage(&posted));
    let readings = scanners::read(sender, &posted);
    for event in readings.into_iter().filter_map(|reading| reading.event.ok()) {
        assert!(!event.title.is_empty() && event.title.chars().count() <= 200);
        assert!(event.finding_key.len() <= 255);
    }
});
