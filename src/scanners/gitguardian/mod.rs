//! GitGuardian: incidents about leaked secrets.
//!
//! What the events mean: GitGuardian documentation, "Custom webhook". Each is sent once, without repetition.

mod read;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

/// The sender of GitGuardian's incidents.
pub struct GitGuardian;

impl Sender for GitGuardian {
    fn key(&self) -> &'static str {
        "gitguardian"
    }

    fn label(&self) -> &'static str {
        "GitGuardian"
    }

    fn description(&self) -> &'static str {
        "Secrets that GitGuardian finds in repositories and other places, from a custom webhook."
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and the scheme *GitGuardian*.\n\
         2. In GitGuardian open **Settings → Integrations → Destinations → Custom webhook** and make one webhook for \
         each customer. In a business workspace it belongs to a team: take the customer's team.\n\
         3. **Name**: the customer. That name is what the company here gets as an alias.\n\
         4. **URL**: the endpoint's address. Copy the **signature token** into the endpoint here; GitGuardian does \
         not show it again.\n\
         5. Select the events *New incident detected*, *New occurrence detected*, *Incident resolved*, *ignored*, \
         *reopened*, *regression*, *Severity changed* and *Validity changed*. The others are recorded and change \
         nothing.\n\
         6. Send a test message. It is accepted and opens nothing.\n\n\
         Good to know:\n\
         - The event decides, not the status inside it: GitGuardian sends *reopened* with the status of before.\n\
         - GitGuardian tries each delivery once: what the gateway did not get does not come again.\n\
         - GitGuardian rates many secrets *unknown*: let a policy name the category *Secret*."
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec!["finding.dismissed", "finding.opened", "finding.reopened", "finding.resolved", "finding.updated"]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::GITGUARDIAN]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::delivery(posted.body)
    }
}
