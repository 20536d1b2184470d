//! OCSF findings, as any product that speaks the Open Cybersecurity Schema Framework posts them.
//!
//! Classes: 2002 vulnerability, 2003 compliance, 2004 detection, 2005 incident. One object or a list of them, bare
//! or in CloudEvents. Source: ocsf/ocsf-schema 1.1 to 1.9, `events/findings`.

mod parts;
pub(in crate::scanners) mod read;
mod state;
#[cfg(test)]
mod tests;

use super::{
    Posted, Sender,
    reading::{body::json, cloud_event, each, place::Place},
    signature::Scheme,
};
use crate::decisions::event::{Reading, Unreadable};

const SOURCE: &str = "ocsf";

/// The kinds that a finding can give.
pub(in crate::scanners) const KINDS: &[&str] = &[
    "compliance.failed",
    "compliance.passed",
    "detection.closed",
    "detection.opened",
    "finding.dismissed",
    "finding.opened",
    "finding.resolved",
    "finding.updated",
    "incident.closed",
    "incident.opened",
    "incident.updated",
];

/// Any product that speaks OCSF.
pub struct Ocsf;

impl Sender for Ocsf {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "OCSF findings"
    }

    fn description(&self) -> &'static str {
        "Findings in the Open Cybersecurity Schema Framework: vulnerabilities, compliance, detections and incidents, \
         one or a list, also in CloudEvents."
    }

    fn set_up(&self) -> &'static str {
        include_str!("set_up.md")
    }

    fn kinds(&self) -> Vec<&'static str> {
        KINDS.to_vec()
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[
            Scheme::STANDARD_WEBHOOKS,
            Scheme::STANDARD_WEBHOOKS_ED25519,
            Scheme::STATIC_TOKEN,
            Scheme::BASIC,
            Scheme::SECRET_PATH,
        ]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        body(posted.body).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}

fn body(bytes: &[u8]) -> Result<Vec<Reading>, Unreadable> {
    let value = json(bytes)?;
    let root = Place::root(&value);
    if value.as_array().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let places = cloud_event::unwrapped(&root);
    let left = places.len().saturating_sub(each::MAX_READINGS);
    let mut readings: Vec<Reading> =
        places.iter().take(each::MAX_READINGS).map(|place| read::finding(place, SOURCE)).collect();
    if left > 0 {
        readings.push(each::too_many(&root, left).into());
    }
    Ok(readings)
}
