//! GitHub's security alerts: code scanning, Dependabot, secret scanning.
//!
//! What the events mean: GitHub documentation, "Webhook events and payloads". GitHub sends each event once
//! and does not repeat what failed.

mod code;
mod packages;
mod read;
mod secrets;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

/// The sender of GitHub's security alerts.
pub struct GitHub;

impl Sender for GitHub {
    fn key(&self) -> &'static str {
        "github"
    }

    fn label(&self) -> &'static str {
        "GitHub security alerts"
    }

    fn description(&self) -> &'static str {
        "Code scanning, Dependabot and secret scanning alerts of GitHub, from a webhook of an organisation or a \
         repository. Alerts are opened, closed, dismissed and reopened as they are on GitHub."
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and the scheme *GitHub* (`X-Hub-Signature-256`), and keep its \
         secret.\n\
         2. On GitHub open the organisation's (or a repository's) **Settings → Webhooks → Add webhook**.\n\
         3. **Payload URL**: the endpoint's address. **Content type**: `application/json`. **Secret**: the \
         endpoint's secret. Leave **SSL verification** on.\n\
         4. Choose **Let me select individual events** and tick **Code scanning alerts**, **Dependabot alerts** and \
         **Secret scanning alerts**; nothing else is read. (Old GitHub Enterprise Servers call the second one \
         **Repository vulnerability alerts**; both may be ticked, the same alert stays one finding.)\n\
         5. Save. The ping that GitHub sends is accepted and opens nothing.\n\
         6. The customer is the **owner of the repository** as in its address (`github.com/OWNER/…`): give the \
         company that name as an alias.\n\n\
         Good to know:\n\
         - Code scanning alerts count on the **default branch** only, as in GitHub's own list. What is found or \
         fixed on a pull request or another branch is recorded and opens or closes nothing.\n\
         - Secret scanning gives no severity, so it is *unknown*: let a policy name the category *Secret*.\n\
         - Alerts that are there already are not sent. GitHub does not repeat a failed delivery by itself: redeliver \
         it under **Recent Deliveries**."
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec![
            "finding.dismissed",
            "finding.opened",
            "finding.reopened",
            "finding.resolved",
            "finding.updated",
            "scan.finished",
        ]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::GITHUB]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::delivery(posted)
    }
}
