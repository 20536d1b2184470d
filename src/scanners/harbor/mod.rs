//! Harbor: how many vulnerabilities a scan of an artifact found.
//!
//! The webhook never names a vulnerability, only how many there are of each severity. So there is one finding for
//! each repository and tag (digest where there is no tag); a scan that finds none resolves it. Two formats, the
//! default one and CloudEvents. Source: Harbor documentation, "Configure Webhook Notifications"; goharbor/harbor,
//! `src/pkg/notifier/formats`.

mod read;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

const SOURCE: &str = "harbor";

/// The image registry Harbor.
pub struct Harbor;

impl Sender for Harbor {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "Harbor"
    }

    fn description(&self) -> &'static str {
        "Scans of the image registry Harbor: one finding for each repository and tag with how many vulnerabilities \
         there are, resolved by a scan without any."
    }

    fn set_up(&self) -> &'static str {
        include_str!("set_up.md")
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec!["finding.opened", "finding.resolved", "scan.failed"]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::STATIC_TOKEN, Scheme::SECRET_PATH]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::body(posted.body).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}
