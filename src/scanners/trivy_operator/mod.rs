//! Trivy Operator: what it finds in the workloads of a Kubernetes cluster.
//!
//! The body is a report object as it stands in the cluster, bare or, with
//! `OPERATOR_SEND_DELETED_REPORTS`, as `{verb, operatorObject}`. A report is everything that is known of one
//! container of one workload and is replaced as a whole, so that it is read as a snapshot of that scope. Source:
//! `pkg/webhook/webhookreporter.go` and `pkg/apis/aquasecurity/v1alpha1` of aquasecurity/trivy-operator.
//!
//! A `delete` is never believed: it is known to carry another report that is still there (its issue 2377).

mod items;
mod report;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::{Posted, Sender, reading::settings::parse, signature::Scheme};
use crate::decisions::event::Reading;
use settings::Settings;

const SOURCE: &str = "trivy_operator";

/// Trivy Operator of Aqua Security.
pub struct TrivyOperator;

impl Sender for TrivyOperator {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "Trivy Operator"
    }

    fn description(&self) -> &'static str {
        "Vulnerabilities, wrong settings, roles and exposed secrets in the workloads of a Kubernetes cluster. \
         Each report names everything that its container has; what it no longer names is closed."
    }

    fn set_up(&self) -> &'static str {
        include_str!("set_up.md")
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec!["finding.opened", "scan.finished", "scan.snapshot"]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::STATIC_TOKEN, Scheme::SECRET_PATH]
    }

    fn check_settings(&self, settings: &Value) -> Result<(), String> {
        parse::<Settings>(settings)?.check()
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        snapshot::body(posted).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}
