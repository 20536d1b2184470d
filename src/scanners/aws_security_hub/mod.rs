//! AWS Security Hub, through EventBridge and SNS: findings in ASFF (Security Hub CSPM) or OCSF (Security Hub).
//!
//! SNS wraps the event as text (`Message`), unless raw delivery is chosen; EventBridge wraps the findings
//! (`detail.findings`). Sources: AWS Security Hub user guide, "AWS Security Finding Format" and "EventBridge event
//! formats"; Amazon SNS developer guide, "HTTP/HTTPS notification JSON format".

mod asff;
mod envelope;
mod parts;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, ocsf, signature::Scheme};
use crate::decisions::event::Reading;

const SOURCE: &str = "aws_security_hub";

/// AWS Security Hub.
pub struct AwsSecurityHub;

impl Sender for AwsSecurityHub {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "AWS Security Hub"
    }

    fn description(&self) -> &'static str {
        "Findings of Security Hub, GuardDuty, Inspector, Macie and whatever else reports to AWS Security Hub, \
         through an EventBridge rule and an SNS topic."
    }

    fn set_up(&self) -> &'static str {
        include_str!("set_up.md")
    }

    fn kinds(&self) -> Vec<&'static str> {
        ocsf::KINDS.to_vec()
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::SNS, Scheme::STATIC_TOKEN, Scheme::BASIC, Scheme::SECRET_PATH]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        envelope::body(posted.body).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}
