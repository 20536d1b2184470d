//! What a policy asks for, and what it is asked about.

use std::collections::{BTreeSet, HashMap};

use entity::{Severity, Timestamp, event_set, finding, policy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decisions::{
    conditions::{self, Condition, Facts, Verdict},
    event::Event,
    event_sets::{self, Choice},
};

/// What policies are asked about: an event of a company, with what is known of its finding at that moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::decisions) struct Question {
    company_id: Uuid,
    /// The event's kind.
    kind: String,
    facts: Facts,
}

impl Question {
    pub(super) fn of(company_id: Uuid, event: &Event, finding: &finding::Model, now: Timestamp) -> Self {
        Self { company_id, kind: event.kind.name.to_owned(), facts: Facts::of(event, finding, now) }
    }

    pub(super) fn severity(&self) -> Severity {
        self.facts.severity.unwrap_or(Severity::Unknown)
    }
}

/// What a policy asks for. Kept as JSON, so that what it said to an event can be said again later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Filter {
    pub(super) name: String,
    is_enabled: bool,
    /// None for every company.
    companies: Option<BTreeSet<Uuid>>,
    /// None for every event; a choice of nothing where it cannot be read.
    events: Option<(String, Vec<Choice>)>,
    pub(super) minimum_severity: Severity,
    conditions: Conditions,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Conditions {
    None,
    Are(Condition),
    /// A newer version wrote them.
    Unreadable,
}

/// Why a policy does not want a ticket.
enum Miss<'f> {
    Off,
    OtherCompanies,
    OtherEvents(&'f str),
    LessSevere,
    Unreadable,
    Condition(&'f Condition),
}

impl Filter {
    pub(super) fn of(policy: &policy::Model, sets: &HashMap<Uuid, event_set::Model>) -> Self {
        let events = policy.event_set_id.map(|id| {
            let set = sets.get(&id);
            let choices = set.and_then(|set| event_sets::read(&set.choices)).unwrap_or_default();
            (set.map_or_else(String::new, |set| set.name.clone()), choices)
        });
        let conditions = match &policy.conditions {
            None => Conditions::None,
            Some(stored) => Condition::read(stored).map_or(Conditions::Unreadable, Conditions::Are),
        };
        Self {
            name: policy.name.clone(),
            is_enabled: policy.is_enabled,
            companies: super::scope(policy).map(BTreeSet::from_iter),
            events,
            minimum_severity: policy.minimum_severity,
            conditions,
        }
    }

    /// Whether the policy wants a ticket for this.
    pub(super) fn matches(&self, asked: &Question) -> bool {
        self.misses(asked).is_none()
    }

    /// Why it does not, in words; none where it does.
    pub(super) fn why_not(&self, asked: &Question) -> Option<String> {
        Some(match self.misses(asked)? {
            Miss::Off => "is switched off".to_owned(),
            Miss::OtherCompanies => "is for other companies".to_owned(),
            Miss::OtherEvents(name) => format!(
                "is for the event set \"{name}\"; {} of the category {} is not in it",
                asked.kind, asked.facts.category
            ),
            Miss::LessSevere => {
                let (least, severity) = (self.minimum_severity.word(), asked.severity().word());
                format!("wants at least {least}; this is {severity}")
            }
            Miss::Unreadable => "has conditions that this version cannot read; save them again".to_owned(),
            Miss::Condition(condition) => match conditions::evaluate(condition, &asked.facts) {
                Verdict::Fails(why) | Verdict::Unknown(why) => why,
                Verdict::Holds => return None,
            },
        })
    }

    fn misses(&self, asked: &Question) -> Option<Miss<'_>> {
        if !self.is_enabled {
            return Some(Miss::Off);
        }
        if self.companies.as_ref().is_some_and(|companies| !companies.contains(&asked.company_id)) {
            return Some(Miss::OtherCompanies);
        }
        if let Some((name, choices)) = &self.events
            && !event_sets::covers(choices, &asked.kind, &asked.facts)
        {
            return Some(Miss::OtherEvents(name));
        }
        let severity = asked.severity();
        if severity != Severity::Unknown && severity < self.minimum_severity {
            return Some(Miss::LessSevere);
        }
        match &self.conditions {
            Conditions::None => None,
            Conditions::Unreadable => Some(Miss::Unreadable),
            Conditions::Are(condition) if conditions::holds(condition, &asked.facts) => None,
            Conditions::Are(condition) => Some(Miss::Condition(condition)),
        }
    }
}
