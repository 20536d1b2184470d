//! An organization's policies as they stand when events are decided, and the first of them that matches.
//!
//! Loaded once for all events of a transaction, in three statements, without a lock: an edit that commits
//! meanwhile holds for the deliveries that follow.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod asked;
mod filter;
mod known;

use std::{collections::HashMap, fmt::Write as _, sync::OnceLock};

use entity::{
    Severity, Timestamp,
    event::Outcome::{Ignored, Suppressed},
    event_set,
    event_set::RemediationGrain,
    finding, organization, policy, ticket,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use uuid::Uuid;

use super::{
    conditions::{self, Condition, Facts},
    event::Event,
    event_sets,
    handling::Handling,
    told,
    trail::{Decision, Trail},
};
use asked::Snapshot;
use filter::{Filter, Question};

pub(super) use asked::Asked;
pub use asked::{STAMPED_SECS, Snapshots, snapshots_of, steps};

/// Up to how many policies that want no ticket say so in words with an event; more are kept by what they were asked.
const SPOKEN: usize = 8;
/// How often a ticket whose policy is gone gets a note at most, in seconds: once an hour.
const NOTE_INTERVAL_SECS: i64 = 3_600;

/// What decides in an organization.
#[derive(Clone, Debug)]
pub struct Rules {
    organization_id: Uuid,
    is_ticketing_enabled: bool,
    sets: HashMap<Uuid, event_set::Model>,
    policies: Vec<Rule>,
    /// The policies as they stand, once an event was held against many of them.
    snapshot: OnceLock<Snapshot>,
}

/// A policy with what it refers to, read.
#[derive(Clone, Debug)]
struct Rule {
    policy: policy::Model,
    filter: Filter,
    handling: Handling,
}

impl Rules {
    /// Those of an organization.
    pub async fn load(db: &impl ConnectionTrait, organization_id: Uuid) -> Result<Self, DbErr> {
        let organization = organization::Entity::find_by_id(organization_id).one(db).await?;
        let policies = policy::Entity::find()
            .filter(policy::Column::OrganizationId.eq(organization_id))
            .order_by_asc(policy::Column::Position)
            .order_by_asc(policy::Column::Id)
            .all(db)
            .await?;
        let sets: HashMap<Uuid, event_set::Model> = event_set::Entity::find()
            .filter(event_set::Column::OrganizationId.eq(organization_id))
            .all(db)
            .await?
            .into_iter()
            .map(|set| (set.id, set))
            .collect();
        let is_ticketing_enabled = organization.is_none_or(|row| row.is_ticketing_enabled);
        let policies = policies.into_iter().map(|policy| Rule::of(policy, &sets)).collect();
        Ok(Self { organization_id, is_ticketing_enabled, sets, policies, snapshot: OnceLock::new() })
    }

    /// The same with another policy at a place, from 1; without one instead of the policy of the same id, or last.
    #[must_use]
    pub fn with(mut self, policy: policy::Model, place: Option<i32>) -> Self {
        let before = self.policies.iter().position(|rule| rule.policy.id == policy.id);
        if let Some(index) = before {
            self.policies.remove(index);
        }
        let named = place.map(|place| usize::try_from(place.saturating_sub(1)).unwrap_or(0));
        let index = named.or(before).unwrap_or(usize::MAX).min(self.policies.len());
        self.policies.insert(index, Rule::of(policy, &self.sets));
        self.snapshot = OnceLock::new();
        self
    }

    /// Why a policy by itself does not want a ticket for this; none where it does.
    pub fn why_not(
        &self,
        policy_id: Uuid,
        company_id: Uuid,
        event: &Event,
        finding: &finding::Model,
        now: Timestamp,
    ) -> Option<String> {
        self.rule(policy_id)?.filter.why_not(&Question::of(company_id, event, finding, now))
    }

    /// The first policy that wants a ticket for what an event says of a finding; with each that does not, why.
    pub fn choose(
        &self,
        company_id: Uuid,
        event: &Event,
        finding: &finding::Model,
        now: Timestamp,
        trail: &mut Trail,
    ) -> Result<&policy::Model, Box<Decision>> {
        // Those that want no ticket are not concerned.
        if !self.is_ticketing_enabled && self.policies.iter().all(|rule| rule.policy.opens_tickets) {
            trail.step("policy", "tickets are switched off for the whole organization: no policy is asked");
            return Err(off_everywhere());
        }
        let question = Question::of(company_id, event, finding, now);
        let place = self.policies.iter().position(|rule| rule.filter.matches(&question));
        let severity = question.severity();
        self.say_why_not(place.unwrap_or(self.policies.len()), question, trail);
        if let Some(rule) = place.and_then(|place| self.policies.get(place)) {
            let name = &rule.filter.name;
            if severity == Severity::Unknown && rule.filter.minimum_severity > Severity::Info {
                let words = format!("\"{name}\" matches: an unknown severity is never taken for a low one");
                trail.step("policy", words);
            } else {
                trail.step("policy", format!("\"{name}\" matches"));
            }
            return self.allowed(&rule.policy);
        }
        let words = if self.policies.is_empty() {
            "there is no policy; make one that wants a ticket for this"
        } else {
            "no policy wants a ticket for this: the trace says of each why; change one, or make another, if one should"
        };
        Err(Decision::new(Ignored, "no_policy", words).into())
    }

    /// The first policies want no ticket: a few say why, many can be asked again.
    fn say_why_not(&self, count: usize, question: Question, trail: &mut Trail) {
        if count > SPOKEN {
            let filters = || self.policies.iter().map(|rule| &rule.filter);
            let snapshot = self.snapshot.get_or_init(|| Snapshot::of(self.organization_id, filters()));
            trail.asked(&Asked::new(snapshot, count, question));
            return;
        }
        for rule in self.policies.iter().take(count) {
            if let Some(answer) = asked::answer(&rule.filter, &question) {
                trail.step("policy", answer);
            }
        }
    }

    /// Writes down what the events that were decided by these rules refer to.
    pub async fn keep(&self, tx: &DatabaseTransaction, now: Timestamp) -> Result<(), DbErr> {
        match self.snapshot.get() {
            Some(snapshot) => snapshot.keep(tx, self.organization_id, now).await,
            None => Ok(()),
        }
    }

    fn allowed<'p>(&self, policy: &'p policy::Model) -> Result<&'p policy::Model, Box<Decision>> {
        if self.is_ticketing_enabled || !policy.opens_tickets { Ok(policy) } else { Err(off_everywhere()) }
    }

    /// How often a ticket gets a note about repetitions at most, in seconds: by its policy, where that is there.
    pub fn note_interval_secs_of(&self, ticket: &ticket::Model) -> i64 {
        ticket.policy_id.map_or(0, |policy_id| self.note_interval_secs(policy_id))
    }

    fn note_interval_secs(&self, policy_id: Uuid) -> i64 {
        self.rule(policy_id).map_or(NOTE_INTERVAL_SECS, |rule| rule.policy.note_interval_secs)
    }

    /// What becomes of what a policy wants; the defaults where it is gone.
    pub fn handling(&self, policy_id: Uuid) -> Handling {
        self.rule(policy_id).map(|rule| rule.handling.clone()).unwrap_or_default()
    }

    /// The same for the policy that a ticket was opened by.
    pub fn handling_of(&self, ticket: &ticket::Model) -> Handling {
        ticket.policy_id.map(|id| self.handling(id)).unwrap_or_default()
    }

    /// How the policy's event set puts together what is to be mended; none where it has no event set.
    pub fn remediation_grain(&self, policy: &policy::Model) -> Option<RemediationGrain> {
        Some(self.sets.get(&policy.event_set_id?)?.remediation_grain)
    }

    /// An event set's name, and whether it has an event; none where it is gone.
    pub(super) fn set_covers(
        &self,
        event_set_id: Uuid,
        event: &Event,
        finding: &finding::Model,
        now: Timestamp,
    ) -> Option<(&str, bool)> {
        let set = self.sets.get(&event_set_id)?;
        let choices = event_sets::read(&set.choices).unwrap_or_default();
        let facts = Facts::of(event, finding, now);
        Some((&set.name, event_sets::covers(&choices, event.kind.name, &facts)))
    }

    fn rule(&self, policy_id: Uuid) -> Option<&Rule> {
        self.policies.iter().find(|rule| rule.policy.id == policy_id)
    }
}

impl Rule {
    fn of(policy: policy::Model, sets: &HashMap<Uuid, event_set::Model>) -> Self {
        let (filter, handling) = (Filter::of(&policy, sets), Handling::of(&policy));
        Self { policy, filter, handling }
    }
}

fn off_everywhere() -> Box<Decision> {
    let words = "tickets are switched off for the whole organization; once they are on again it gets its ticket when \
                 it is seen the next time";
    Decision::new(Suppressed, "ticketing_off_everywhere", words).into()
}

/// The companies a policy is for; none for every company.
pub fn scope(policy: &policy::Model) -> Option<Vec<Uuid>> {
    let stored = policy.company_ids.as_ref()?;
    Some(serde_json::from_value(stored.clone()).unwrap_or_default())
}

/// A whole policy in words. `events` is its event set, `profile` the name of its own profile.
pub fn explain(policy: &policy::Model, events: Option<&event_set::Model>, profile: Option<&str>) -> String {
    let mut words = String::new();
    if !policy.is_enabled {
        words.push_str("Switched off. ");
    }
    words.push_str(if policy.opens_tickets {
        "Opens a ticket for "
    } else {
        "Tells subscribers, without a ticket, of "
    });
    match events {
        None => words.push_str("every event that tells of a problem"),
        Some(set) => {
            let choices = event_sets::read(&set.choices).unwrap_or_default();
            let _ = write!(words, "events of \"{}\" ({})", set.name, event_sets::words(&choices));
        }
    }
    match scope(policy).map(|companies| companies.len()) {
        None if policy.opens_tickets => words.push_str(", at every mapped company"),
        None => words.push_str(", at every company"),
        Some(0) => words.push_str(", at no company: those it was for are gone"),
        Some(1) => words.push_str(", at one chosen company"),
        Some(count) => {
            let _ = write!(words, ", at {count} chosen companies");
        }
    }
    if policy.minimum_severity > Severity::Info {
        let _ = write!(words, ", of severity {} or worse, or unknown", policy.minimum_severity.word());
    }
    match policy.conditions.as_ref().map(Condition::read) {
        None => {}
        Some(Some(condition)) => {
            let _ = write!(words, ", if: {}", conditions::explain(&condition));
        }
        Some(None) => words.push_str(", if conditions hold that this version cannot read"),
    }
    if !policy.opens_tickets {
        told::explain(policy, &mut words);
        return words;
    }
    match profile {
        None => words.push_str(". The ticket is made by the company's or the organization's profile"),
        Some(name) => {
            let _ = write!(words, ". The ticket is made by the profile \"{name}\"");
        }
    }
    if policy.reopen_window_secs > 0 {
        let span = conditions::span(policy.reopen_window_secs);
        let _ = write!(words, "; a problem that comes back within {span} reopens it");
    } else {
        words.push_str("; a problem that comes back gets a new one");
    }
    if policy.note_interval_secs > 0 {
        let span = conditions::span(policy.note_interval_secs);
        let _ = write!(words, "; repetitions are noted on it once in {span} at most.");
    } else {
        words.push_str("; every repetition is noted on it.");
    }
    Handling::of(policy).explain(&mut words);
    if policy.notifies == policy::Notifies::Nobody {
        words.push_str(" No subscriber is told of it.");
    }
    words
}

#[cfg(test)]
mod tests;
