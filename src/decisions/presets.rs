//! Policies to begin with, as other products have them.

use entity::{Severity, event_set::RemediationGrain};

use super::{
    conditions::{Condition, FieldTest, FlagField, NumberField, NumberIs, SeverityIs, Test},
    event_sets::Choice,
    handling::{Grouping, Handling},
};

/// A policy to begin with.
#[derive(Clone, Debug)]
pub struct Preset {
    /// Its stable name.
    pub key: &'static str,
    /// Name for people; the policy gets it.
    pub label: &'static str,
    /// What it does, for people; the policy gets it.
    pub description: &'static str,
    /// The events it is for; every event where there is none.
    pub events: Option<PresetEvents>,
    /// What must be true besides.
    pub conditions: Option<Condition>,
    /// What becomes of what it wants.
    pub handling: Handling,
    /// Whether what it wants gets a ticket, or subscribers are told and that is all.
    pub opens_tickets: bool,
}

/// The event set of a preset.
#[derive(Clone, Debug)]
pub struct PresetEvents {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub choices: Vec<Choice>,
    /// How what is to be mended is put together.
    pub grain: RemediationGrain,
}

fn events(name: &'static str, category: &str, kinds: Option<&[&str]>) -> PresetEvents {
    let kinds = kinds.map(|kinds| kinds.iter().map(|&kind| kind.to_owned()).collect());
    let choices = vec![Choice { category: category.to_owned(), kinds }];
    PresetEvents { name, choices, grain: RemediationGrain::Company }
}

fn severity(is: SeverityIs) -> Condition {
    Condition::Severity(Test { is, or_unknown: false })
}

/// All of them.
pub fn presets() -> Vec<Preset> {
    let is_kev = Condition::Flag(FieldTest { field: FlagField::Kev, is: true, or_unknown: false });
    let cvss = FieldTest { field: NumberField::Cvss, is: NumberIs::AtLeast(7.0), or_unknown: false };
    let high = severity(SeverityIs::OneOf(vec![Severity::Critical, Severity::High]));
    let low = severity(SeverityIs::OneOf(vec![Severity::Low, Severity::Info]));
    let critical = severity(SeverityIs::AtLeast(Severity::Critical));
    vec![
        Preset {
            key: "jumpcloud_alerts",
            label: "JumpCloud alerts",
            description: "A ticket when a disk's encryption key is shown, a user is given administrator's rights, a \
                          user is locked out, or a user's password has run out; of any severity.",
            events: Some(events(
                "JumpCloud alerts",
                "identity",
                Some(&[
                    "identity.disk_key_decrypted",
                    "identity.admin_granted",
                    "identity.user_locked_out",
                    "identity.password_expired",
                ]),
            )),
            conditions: None,
            handling: Handling::default(),
            opens_tickets: true,
        },
        Preset {
            key: "connectsecure_remediation",
            label: "ConnectSecure remediation",
            description: "A ticket for what is to be done to mend problems, of any severity.",
            events: Some(events("ConnectSecure remediation", "remediation", None)),
            conditions: None,
            handling: Handling::default(),
            opens_tickets: true,
        },
        Preset {
            key: "cyrisma_vulnerabilities",
            label: "Cyrisma-style vulnerability policy",
            description: "A ticket for vulnerabilities that are critical or high, or have a CVSS of 7 or more.",
            events: Some(events("Vulnerabilities", "vulnerability", None)),
            conditions: Some(Condition::Any(vec![high, Condition::Number(cvss)])),
            handling: Handling { grouping: Some(Grouping::AssetAndProduct), ..Handling::default() },
            opens_tickets: true,
        },
        Preset {
            key: "critical_or_kev",
            label: "Critical or KEV only",
            description: "A ticket for what is critical, and for vulnerabilities that are known to be exploited \
                          (CISA's KEV catalogue) whatever their severity.",
            events: None,
            conditions: Some(Condition::Any(vec![critical, is_kev])),
            handling: Handling::default(),
            opens_tickets: true,
        },
        Preset {
            key: "low_told_only",
            label: "Low and informational: told, no ticket",
            description: "No ticket for what is low or informational: the subscribers of signed webhooks are told once \
                          when it is there, and once when it is over.",
            events: None,
            conditions: Some(low),
            handling: Handling::default(),
            opens_tickets: false,
        },
    ]
}

/// The preset of that key.
pub fn find(key: &str) -> Option<Preset> {
    presets().into_iter().find(|preset| preset.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::{catalogue, conditions};

    #[test]
    fn presets_speak_of_what_there_is() {
        for preset in presets() {
            if let Some(condition) = &preset.conditions {
                assert_eq!(conditions::check(condition, "conditions"), [], "{}", preset.key);
            }
            for choice in preset.events.into_iter().flat_map(|events| events.choices) {
                assert!(catalogue::category(&choice.category).is_some());
                for kind in choice.kinds.into_iter().flatten() {
                    assert_eq!(catalogue::find(&kind).unwrap().category, choice.category);
                }
            }
        }
    }
}
