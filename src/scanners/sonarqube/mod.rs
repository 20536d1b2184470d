//! SonarQube Server, SonarQube Community Build and SonarQube Cloud: quality gates.
//!
//! What the fields mean: Sonar documentation, "Webhooks". Each delivery is tried once.

mod read;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

/// The sender of SonarQube's quality gates.
pub struct SonarQube;

impl Sender for SonarQube {
    fn key(&self) -> &'static str {
        "sonarqube"
    }

    fn label(&self) -> &'static str {
        "SonarQube"
    }

    fn description(&self) -> &'static str {
        "Quality gates of SonarQube Server and Cloud: a ticket while the gate of a project's branch fails, closed \
         when it passes again."
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and the scheme *SonarQube*, and keep its secret.\n\
         2. In SonarQube open **Administration → Configuration → Webhooks** (for all projects), or a project's \
         **Project Settings → Webhooks**, and choose **Create**.\n\
         3. **Name**: as you like. **URL**: the endpoint's address. **Secret**: the endpoint's secret; without one \
         SonarQube signs nothing and the gateway refuses.\n\
         4. The customer is the **project key**: give the company the keys of its projects as aliases. Or let the \
         scanner name it: with `-Dsonar.analysis.customer=NAME` in every analysis of the project, that name is the \
         customer instead.\n\n\
         Good to know:\n\
         - There is one finding for each branch of a project; the main branch keeps its finding when it is renamed. \
         Pull requests are recorded and open nothing.\n\
         - SonarQube names no single issues and no severity, so it is *unknown*: let a policy name the category \
         *Compliance*.\n\
         - A branch or project that is deleted sends nothing: close its ticket by hand. SonarQube tries each \
         delivery once; the next analysis says it again."
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec!["compliance.failed", "compliance.passed", "scan.failed", "scan.finished"]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::SONARQUBE]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::delivery(posted.body)
    }
}
