//! What *Save & Verify* finds out about a login.

use std::collections::BTreeMap;

/// What a login may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Reading companies.
    Companies,
    /// Reading, creating and changing tickets.
    Tickets,
    /// Closing tickets.
    Close,
    /// Reading and writing configurations.
    Configurations,
    /// Reading contacts.
    Contacts,
    /// Reading and writing what is billed.
    Billing,
    /// Registering webhooks.
    Webhooks,
}

/// What became of one step of a credential check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It works.
    Passed,
    /// It does not; see the message.
    Failed,
    /// It cannot be found out without changing something in the PSA.
    NotProven,
    /// Not tried, because an earlier step failed.
    Skipped,
}

/// One step of a credential check.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VerificationStep {
    /// Stable name: `host`, `sign_in`, `companies`, `tickets`, `close`, `pick_lists` …
    pub key: &'static str,
    /// For people.
    pub label: &'static str,
    /// What became of it.
    pub outcome: StepOutcome,
    /// What was seen, and what to do where it failed.
    pub message: String,
    /// The credential field to look at, where one is to blame.
    pub field: Option<&'static str>,
    /// The ability that the step is about; none for the way there (host, sign-in …).
    pub ability: Option<Ability>,
}

/// The result of *Save & Verify*; serialised as it is kept with its connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Verification {
    /// What was tried, in order.
    pub steps: Vec<VerificationStep>,
    /// What was found out and is worth showing, e.g. `authorisation_server`, `tenant`, `version`, `agent_id`.
    pub discovered: BTreeMap<String, String>,
    /// What works and is unwise all the same, for people, e.g. that the login may do everything.
    pub warnings: Vec<String>,
}

impl Verification {
    /// Whether everything works that tickets need: the way there, companies, tickets and closing. Without
    /// another ability the gateway does less, and says so.
    pub fn is_ok(&self) -> bool {
        let is_needed = |ability: Option<Ability>| {
            matches!(ability, None | Some(Ability::Companies | Ability::Tickets | Ability::Close))
        };
        !self.steps.iter().any(|step| step.outcome == StepOutcome::Failed && is_needed(step.ability))
    }

    /// What came of it, in one sentence.
    pub fn summary(&self) -> String {
        let failed = self.steps.iter().find(|step| step.outcome == StepOutcome::Failed);
        failed.map_or_else(|| "the login works".to_owned(), |step| step.message.clone())
    }

    /// Whether a field of the login is to blame for a failure: trying again would change nothing.
    pub fn blames_a_field(&self) -> bool {
        self.steps.iter().any(|step| step.outcome == StepOutcome::Failed && step.field.is_some())
    }
}
