//! Huntress: incident reports, escalations, platform actions and account notices.
//!
//! Huntress signs by Svix (support article "How to use Webhooks Integration"). The shapes of the bodies are read
//! as leniently as can be: of incident reports and escalations the fields of Huntress's API reference, of the other
//! two the same fields where they are there.

mod read;
mod report;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

/// The sender of Huntress's reports.
pub struct Huntress;

impl Sender for Huntress {
    fn key(&self) -> &'static str {
        "huntress"
    }

    fn label(&self) -> &'static str {
        "Huntress"
    }

    fn description(&self) -> &'static str {
        "Incident reports and escalations of the Huntress SOC, platform actions and account notices, from a webhook \
         of the Huntress account."
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and the scheme *Standard Webhooks, shared secret* (Svix signs in \
         the same way).\n\
         2. In the Huntress portal, as an account admin, open the menu at the top right, then **Integrations → Add an \
         Integration → Webhooks → Add Endpoint**. An account has at most five.\n\
         3. Enter the endpoint's address and turn on **Incident Reports** and **Escalations**; **Platform Actions** \
         and **Account Notices** as you like.\n\
         4. From the endpoint's menu (⋯) choose **View Signing Secret** and put it (`whsec_…`) into the endpoint \
         here.\n\
         5. Choose **Send Test** in the same menu. The test is accepted and opens nothing.\n\
         6. The customer is the **name of the organization** in Huntress: give the company that name as an alias. \
         What concerns no organization goes by the name of the Huntress account.\n\n\
         Good to know:\n\
         - Not verified against a live account: the bodies of platform actions and account notices, and the words of \
         a closed escalation. After the first real ones look under *events* whether they were read; what names no id \
         is refused, and says so.\n\
         - An incident closes when Huntress says that its report is closed or dismissed. An account notice never \
         closes by itself: close its ticket by hand.\n\
         - An escalation to several organizations is a finding of each."
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec![
            "detection.closed",
            "detection.opened",
            "finding.dismissed",
            "finding.reopened",
            "finding.updated",
            "incident.closed",
            "incident.opened",
            "incident.updated",
            "remediation.done",
            "remediation.wanted",
            "system.changed",
        ]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::STANDARD_WEBHOOKS]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::delivery(posted.body)
    }
}
