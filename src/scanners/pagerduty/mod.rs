//! PagerDuty: incidents, from webhooks of version 3.
//!
//! What the events mean: PagerDuty developer documentation, "Webhooks Overview" (version 3).

mod read;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

/// The sender of PagerDuty's incidents.
pub struct PagerDuty;

impl Sender for PagerDuty {
    fn key(&self) -> &'static str {
        "pagerduty"
    }

    fn label(&self) -> &'static str {
        "PagerDuty"
    }

    fn description(&self) -> &'static str {
        "Incidents of PagerDuty, from a webhook subscription (version 3): a ticket while an incident is triggered or \
         acknowledged, closed when it is resolved."
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and the scheme *PagerDuty* (`X-PagerDuty-Signature`).\n\
         2. In PagerDuty open **Integrations → Generic Webhooks (v3) → New Webhook**.\n\
         3. **Webhook URL**: the endpoint's address. **Scope type**: the account, a team or a service.\n\
         4. **Event subscription**: tick the events that begin with `incident.`; *triggered*, *resolved* and \
         *reopened* are needed, *priority_updated* and *acknowledged* become notes. The others may stay off.\n\
         5. **Add webhook**. PagerDuty shows the signing secret **once**: put it into the endpoint here.\n\
         6. Under **Manage → Send Test Event** PagerDuty sends a ping, which is accepted and opens nothing.\n\
         7. The customer is the **name of the service** of the incident: give the company each of its services as an \
         alias. Names of services are unique in a PagerDuty account.\n\n\
         Good to know:\n\
         - The severity is PagerDuty's **priority** where it is named P1 to P5 or by a word such as *High*; without \
         one it is the urgency (high or low).\n\
         - Notes, status updates and responders name no service, so no customer: they are recorded and change no \
         ticket."
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec!["finding.reopened", "incident.closed", "incident.opened", "incident.updated"]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::PAGERDUTY]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::delivery(posted.body)
    }
}
