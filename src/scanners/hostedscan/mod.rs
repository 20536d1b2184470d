//! HostedScan: risks and scans.
//!
//! The vendor's documentation and sample code name the events differently (`risks.opened`, `risk.opened`,
//! `risk.created`); all sets are read.

mod read;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

/// The sender of HostedScan's risks.
pub struct HostedScan;

impl Sender for HostedScan {
    fn key(&self) -> &'static str {
        "hostedscan"
    }

    fn label(&self) -> &'static str {
        "HostedScan"
    }

    fn description(&self) -> &'static str {
        "Risks that HostedScan finds on servers, networks and web applications, from a webhook of the account."
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and the scheme *HostedScan*.\n\
         2. In HostedScan open **Settings** (hostedscan.com/settings), section **Webhooks**, and register the \
         endpoint's address. It must be https with a certificate that browsers trust.\n\
         3. Copy the **signing secret** that HostedScan shows for it into the endpoint here.\n\
         4. Choose the risk events (opened or created, updated, closed). Scan events may be on; they are recorded \
         and open nothing.\n\
         5. The customer is the **target** of the risk as HostedScan names it (`example.com`, `203.0.113.7`): give \
         the company each of its targets as an alias.\n\n\
         Good to know:\n\
         - A risk closes when HostedScan says that it is closed. `risk.updated` may come without a status: then it is \
         a note and closes nothing.\n\
         - HostedScan repeats a delivery for up to 12 hours. Risks that are open already are not sent."
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec![
            "finding.dismissed",
            "finding.opened",
            "finding.resolved",
            "finding.updated",
            "scan.failed",
            "scan.finished",
            "scan.started",
        ]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::HOSTEDSCAN]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::delivery(posted.body)
    }
}
