//! DefectDojo: what an import of a scan found anew, found again, and no longer found.
//!
//! What the events mean: DefectDojo documentation, "Notification Webhooks" (open source, experimental).

mod read;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

/// The sender of DefectDojo's findings.
pub struct DefectDojo;

impl Sender for DefectDojo {
    fn key(&self) -> &'static str {
        "defectdojo"
    }

    fn label(&self) -> &'static str {
        "DefectDojo"
    }

    fn description(&self) -> &'static str {
        "Findings of DefectDojo, from its notification webhooks: each import of a scan says which findings are new, \
         back again, or mitigated."
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and the scheme *Static token*; DefectDojo signs nothing.\n\
         2. In DefectDojo turn webhooks on under \
         **Configuration → System Settings → Enable Webhooks notifications**.\n\
         3. Open **Configuration → Notification Webhooks → Add** as an administrator. **URL**: the endpoint's \
         address. **Header name**: `Authorization`. **Header value**: `Bearer ` and the endpoint's token; at most \
         100 characters fit.\n\
         4. DefectDojo sends a ping at once. It is accepted and opens nothing.\n\
         5. Open **Notifications**, choose the system's notifications, and tick **Webhooks** for *Scan added* (and \
         *Scan added empty*). The other events are recorded and open nothing.\n\
         6. The customer is the **product type** (called *Organization* in newer versions): give the company its name \
         as an alias.\n\n\
         Good to know:\n\
         - A finding closes when an import counts it as *mitigated*, and comes back when it counts it as \
         *reactivated*. What a person closes, accepts or marks as a false positive in DefectDojo is not sent.\n\
         - *Untouched* findings are counted, not read: accepted ones and false positives are among them.\n\
         - Links without https are not kept; set `DD_SITE_URL` to an https address.\n\
         - DefectDojo switches a webhook off for good after one answer of 4xx: when the token changes here, change \
         it there first."
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec![
            "company.added",
            "finding.opened",
            "finding.reopened",
            "finding.resolved",
            "scan.finished",
            "scan.started",
        ]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::STATIC_TOKEN, Scheme::SECRET_PATH]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::delivery(posted)
    }
}
