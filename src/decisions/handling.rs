//! What becomes of what a policy wants: how findings are put together into tickets, when, with which values,
//! and when their tickets close.

use std::{collections::BTreeMap, fmt::Write as _};

use entity::{Timestamp, event_set::RemediationGrain, policy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{cadence::Cadence, conditions::span};
use crate::error::{Problem, ProblemCode};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The longest settle time, in seconds.
pub const MAX_SETTLE_SECS: i64 = 7 * DAY;
/// The longest time a ticket stays open at least, in seconds.
pub const MAX_MINIMUM_OPEN_SECS: i64 = 30 * DAY;
/// The longest time after which what is not seen is over, in seconds.
pub const MAX_AGE_SECS: i64 = 3_650 * DAY;
/// The shortest one.
pub const MIN_AGE_SECS: i64 = HOUR;
/// The highest storm cap, in tickets an hour.
pub const MAX_STORM_CAP: i64 = 10_000;
/// The storm cap of a policy that names none, in tickets an hour.
pub const STORM_CAP: i64 = 100;
/// How many values a policy may set.
pub const MAX_OVERRIDES: usize = 50;
/// The longest of them, in characters.
pub const MAX_OVERRIDE: usize = 500;
/// Key of the override that stands for the status a ticket is created in.
pub const STATUS: &str = "status";

/// Which findings share a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// None: each has its own.
    Finding,
    /// Those of an asset.
    Asset,
    /// Those of a product.
    Product,
    /// Those of a product on an asset.
    AssetAndProduct,
    /// Those of a company.
    Company,
}

impl From<RemediationGrain> for Grouping {
    fn from(grain: RemediationGrain) -> Self {
        match grain {
            RemediationGrain::Company => Self::Company,
            RemediationGrain::Asset => Self::Asset,
            RemediationGrain::Product => Self::Product,
            RemediationGrain::AssetAndProduct => Self::AssetAndProduct,
        }
    }
}

/// What becomes of a ticket when nothing on it is open any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseRule {
    /// It is closed, unless somebody has worked on it in the PSA: then a note says that it is over.
    #[default]
    Untouched,
    /// It is closed.
    Always,
    /// A note says that it is over; a person closes it.
    Never,
}

/// What becomes of what a policy wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Handling {
    /// Which findings share a ticket. None: what is to be mended as the event set's grain says, each other finding
    /// by itself.
    pub grouping: Option<Grouping>,
    /// When tickets are opened.
    pub cadence: Cadence,
    /// What becomes of a ticket when nothing on it is open any more.
    pub close_rule: CloseRule,
    /// How long a finding must be there before it gets a ticket, in seconds.
    pub settle_secs: i64,
    /// How long a ticket stays open at least, in seconds.
    pub minimum_open_secs: i64,
    /// What has not been seen for so long is over, in seconds; none where only senders and people say so.
    pub age_secs: Option<i64>,
    /// How many tickets it opens within an hour; what comes then goes onto one ticket a company. None: no cap.
    pub storm_cap: Option<i64>,
    /// Values beside the profile's, by the platform's keys; `status` for the status a ticket is created in.
    pub overrides: BTreeMap<String, String>,
}

impl Default for Handling {
    fn default() -> Self {
        Self {
            grouping: None,
            cadence: Cadence::Immediate,
            close_rule: CloseRule::Untouched,
            settle_secs: 0,
            minimum_open_secs: 0,
            age_secs: None,
            storm_cap: Some(STORM_CAP),
            overrides: BTreeMap::new(),
        }
    }
}

impl Handling {
    /// That of a policy; the defaults where it has none of its own, or one that this version cannot read.
    pub fn of(policy: &policy::Model) -> Self {
        policy.handling.as_ref().and_then(|stored| Self::deserialize(stored).ok()).unwrap_or_default()
    }

    /// As it is stored; none where all of it is as by default.
    pub fn stored(&self) -> Option<Value> {
        if *self == Self::default() { None } else { serde_json::to_value(self).ok() }
    }

    /// Until when what is there since a moment has to be there before anything is made of it; none for at once.
    pub fn settles_at(&self, since: Timestamp) -> Option<Timestamp> {
        (self.settle_secs > 0).then(|| since.plus_secs(self.settle_secs))
    }

    /// What is wrong with it, by the names of GraphQL's fields below `at`.
    pub fn problems(&self, at: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut within = |field: &str, value: Option<i64>, least: i64, most: i64| {
            if let Some(value) = value
                && !(least..=most).contains(&value)
            {
                let message = format!("it is {value}; give a number from {least} to {most}");
                problems.push(Problem::at(&[at, field], ProblemCode::Invalid, message));
            }
        };
        within("settleSeconds", Some(self.settle_secs), 0, MAX_SETTLE_SECS);
        within("minimumOpenSeconds", Some(self.minimum_open_secs), 0, MAX_MINIMUM_OPEN_SECS);
        within("ageSeconds", self.age_secs, MIN_AGE_SECS, MAX_AGE_SECS);
        within("stormCap", self.storm_cap, 1, MAX_STORM_CAP);
        if let Some(message) = self.cadence.problem() {
            problems.push(Problem::at(&[at, "cadence"], ProblemCode::Invalid, message));
        }
        if self.overrides.len() > MAX_OVERRIDES {
            let message = format!("{} values are set; {MAX_OVERRIDES} are allowed", self.overrides.len());
            problems.push(Problem::at(&[at, "overrides"], ProblemCode::TooLong, message));
        }
        for (key, value) in &self.overrides {
            if key.trim().is_empty() || value.trim().is_empty() {
                let message = "a value needs a key and a value; leave it out to take the profile's";
                problems.push(Problem::at(&[at, "overrides"], ProblemCode::Required, message));
            } else if key.chars().count() > MAX_OVERRIDE || value.chars().count() > MAX_OVERRIDE {
                let message = format!("keys and values have {MAX_OVERRIDE} characters at the most");
                problems.push(Problem::at(&[at, "overrides"], ProblemCode::TooLong, message));
            }
        }
        problems
    }

    /// Adds what differs from the defaults, each as a sentence.
    pub fn explain(&self, words: &mut String) {
        let put_together = match self.grouping {
            None | Some(Grouping::Finding) => None,
            Some(Grouping::Asset) => Some("of one asset"),
            Some(Grouping::Product) => Some("of one product at a company"),
            Some(Grouping::AssetAndProduct) => Some("of one product on an asset"),
            Some(Grouping::Company) => Some("of one company"),
        };
        if let Some(together) = put_together {
            let _ = write!(words, " Findings {together} share a ticket.");
        }
        if self.cadence != Cadence::Immediate {
            let _ = write!(
                words,
                " Findings are collected, and go {} onto one ticket a company.",
                self.cadence.words()
            );
        }
        if self.settle_secs > 0 {
            let _ = write!(words, " What is over within {} gets no ticket.", span(self.settle_secs));
        }
        words.push_str(match self.close_rule {
            CloseRule::Untouched => "",
            CloseRule::Always => {
                " Its tickets are closed when nothing on them is open, whoever works on them."
            }
            CloseRule::Never => {
                " When nothing on a ticket is open any more a note says so; a person closes it."
            }
        });
        if self.minimum_open_secs > 0 {
            let _ = write!(words, " A ticket stays open for {} at least.", span(self.minimum_open_secs));
        }
        if let Some(secs) = self.age_secs {
            let _ = write!(words, " What has not been seen for {} is taken to be over.", span(secs));
        }
        match self.storm_cap {
            Some(STORM_CAP) => {}
            Some(cap) => {
                let _ = write!(
                    words,
                    " More than {cap} tickets an hour are not opened: what comes then goes onto one ticket a company."
                );
            }
            None => words.push_str(" It opens any number of tickets an hour."),
        }
        if !self.overrides.is_empty() {
            let values: Vec<_> = self.overrides.iter().map(|(key, value)| format!("{key} {value}")).collect();
            let _ = write!(words, " Tickets get {}, whatever the profile says.", values.join(", "));
        }
    }
}

/// That something has to settle, in words; `what` it waits for, as in `gets a ticket`.
pub(super) fn settling(what: &str, settled: Timestamp) -> String {
    format!("it {what} if it is still there at {settled} (the policy's settle time)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_by_default_is_not_stored_and_all_else_comes_back() {
        assert_eq!(Handling::default().stored(), None);
        let handling = Handling {
            grouping: Some(Grouping::AssetAndProduct),
            cadence: Cadence::Daily { at: 7 * 60, time_zone: "Europe/Berlin".to_owned() },
            storm_cap: None,
            overrides: BTreeMap::from([("priority".to_owned(), "1".to_owned())]),
            ..Handling::default()
        };
        assert_eq!(Handling::deserialize(handling.stored().unwrap()).unwrap(), handling);
    }

    #[test]
    fn bounds_are_told_with_their_places() {
        let handling = Handling {
            settle_secs: -1,
            age_secs: Some(1),
            cadence: Cadence::Hourly { minute: 60 },
            overrides: BTreeMap::from([("priority".to_owned(), " ".to_owned())]),
            ..Handling::default()
        };
        let places: Vec<_> =
            handling.problems("handling").into_iter().map(|problem| problem.field.join(".")).collect();
        let wanted =
            ["handling.settleSeconds", "handling.ageSeconds", "handling.cadence", "handling.overrides"];
        assert_eq!(places, wanted);
        assert_eq!(Handling::default().problems("handling"), []);
    }
}
