//! Snyk: what a test of a project found anew, and what is gone.
//!
//! What the events mean: Snyk documentation, "Webhook events and payloads".

mod read;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

/// The sender of Snyk's issues.
pub struct Snyk;

impl Sender for Snyk {
    fn key(&self) -> &'static str {
        "snyk"
    }

    fn label(&self) -> &'static str {
        "Snyk"
    }

    fn description(&self) -> &'static str {
        "Vulnerabilities and licence issues of Snyk Open Source and Snyk Container, from a webhook of a Snyk \
         organisation: each test says what is new and what is gone."
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and the scheme *Snyk* (`X-Hub-Signature`), and keep its secret.\n\
         2. Snyk has no page for webhooks: call its API (version 1) once for each organisation, with an API token of \
         an administrator: `POST https://api.snyk.io/v1/org/ORG_ID/webhooks` with the body `{\"url\": \"…the \
         endpoint's address…\", \"secret\": \"…its secret…\"}`.\n\
         3. Snyk sends a ping at once. It is accepted and opens nothing.\n\
         4. The customer is the **slug** of the Snyk organisation, as in `app.snyk.io/org/SLUG`: give the company \
         that name as an alias.\n\n\
         Good to know:\n\
         - Snyk tells of recurring tests of Open Source and Container projects, and only what changed since the test \
         before. Issues that were there before the webhook, and the first test of a new project, are not sent.\n\
         - An issue closes when a test no longer finds it. Ignoring it in Snyk sends nothing, and neither does \
         deleting its project: close such a ticket by hand.\n\
         - Snyk calls these webhooks beta and may change them."
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec!["finding.dismissed", "finding.opened", "finding.resolved", "scan.finished"]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::SNYK]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::delivery(posted)
    }
}
