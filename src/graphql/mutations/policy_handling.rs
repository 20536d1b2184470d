//! What is typed to say what becomes of what a policy wants.

use std::collections::BTreeMap;

use async_graphql::{InputObject, MaybeUndefined};

use crate::{
    decisions::{
        cadence::{self, Cadence},
        handling::{Handling, STORM_CAP},
    },
    error::{Error, Problem, ProblemCode},
    graphql::types::{PolicyCloseRule, PolicyGrouping, Weekday},
};

/// When tickets are opened: give exactly one. Findings are collected until then, and one ticket a company tells of all
/// of them.
#[derive(Debug, InputObject)]
pub struct PolicyCadenceInput {
    /// Every hour at this minute, 0 to 59.
    pub hourly_at_minute: Option<i32>,
    /// Every day at this time, as in `07:30`.
    pub daily_at: Option<String>,
    /// Every week at this time of `day`, as in `07:30`.
    pub weekly_at: Option<String>,
    /// The day of the week, with `weeklyAt`.
    pub day: Option<Weekday>,
    /// On the clocks of this time zone, by its name in the IANA database, as in `Europe/Berlin`.
    #[graphql(default_with = r#""UTC".to_owned()"#)]
    pub time_zone: String,
}

/// A value that a policy sets, whatever the profile says.
#[derive(Debug, InputObject)]
pub struct PolicyOverrideInput {
    /// Key of one of the platform's profile fields, or `status` for the status a ticket is created in.
    pub key: String,
    /// The PSA's own value.
    pub value: String,
}

/// What becomes of what a policy wants. What is absent is as by default.
#[derive(Debug, InputObject)]
pub struct PolicyHandlingInput {
    /// Which findings share a ticket. Absent: what is to be mended as the event set's grain says, each other finding
    /// has its own.
    pub grouping: Option<PolicyGrouping>,
    /// When tickets are opened; absent for at once.
    pub cadence: Option<PolicyCadenceInput>,
    /// What becomes of a ticket when nothing on it is open any more.
    #[graphql(default_with = "PolicyCloseRule::Untouched")]
    pub close_rule: PolicyCloseRule,
    /// How long a finding must be there before it gets a ticket, in seconds: 0 to 604,800 (7 days).
    #[graphql(default)]
    pub settle_seconds: i64,
    /// How long a ticket stays open at least, in seconds: 0 to 2,592,000 (30 days).
    #[graphql(default)]
    pub minimum_open_seconds: i64,
    /// What has not been seen for so long is taken to be over, in seconds: 3,600 to 315,360,000 (ten years). Absent:
    /// only senders and people say what is over.
    pub age_seconds: Option<i64>,
    /// How many tickets it opens within an hour, 1 to 10,000; what comes then goes onto one ticket a company. Absent:
    /// 100; null: no cap.
    pub storm_cap: MaybeUndefined<i32>,
    /// Values that its tickets get, whatever the profile says; 50 at the most.
    #[graphql(default)]
    pub overrides: Vec<PolicyOverrideInput>,
}

impl PolicyHandlingInput {
    /// The domain's handling.
    pub(super) fn read(self) -> Result<Handling, Error> {
        let mut overrides = BTreeMap::new();
        for given in self.overrides {
            if overrides.insert(given.key.clone(), given.value).is_some() {
                let shown: String = given.key.chars().take(60).collect();
                let message = format!("\"{shown}\" is set twice; set it once");
                return Err(Problem::at(&["handling", "overrides"], ProblemCode::Invalid, message).into());
            }
        }
        Ok(Handling {
            grouping: self.grouping.map(Into::into),
            cadence: self.cadence.map(PolicyCadenceInput::read).transpose()?.unwrap_or_default(),
            close_rule: self.close_rule.into(),
            settle_secs: self.settle_seconds,
            minimum_open_secs: self.minimum_open_seconds,
            age_secs: self.age_seconds,
            storm_cap: match self.storm_cap {
                MaybeUndefined::Undefined => Some(STORM_CAP),
                MaybeUndefined::Null => None,
                MaybeUndefined::Value(cap) => Some(i64::from(cap)),
            },
            overrides,
        })
    }
}

impl PolicyCadenceInput {
    fn read(self) -> Result<Cadence, Problem> {
        let clocks = Clocks {
            hourly_at_minute: self.hourly_at_minute,
            daily_at: self.daily_at,
            weekly_at: self.weekly_at,
            day: self.day,
            time_zone: self.time_zone,
        };
        clocks.read(&["handling", "cadence"])
    }
}

/// How often something is to come, as it is typed wherever something comes again.
pub(super) struct Clocks {
    /// Every hour at this minute.
    pub(super) hourly_at_minute: Option<i32>,
    /// Every day at this time.
    pub(super) daily_at: Option<String>,
    /// Every week at this time.
    pub(super) weekly_at: Option<String>,
    /// On this day of the week.
    pub(super) day: Option<Weekday>,
    /// On the clocks of this zone.
    pub(super) time_zone: String,
}

impl Clocks {
    /// The domain's cadence; `path` is where it stood in the input.
    pub(super) fn read(self, path: &[&str]) -> Result<Cadence, Problem> {
        let wrong = |message: &str| Problem::at(path, ProblemCode::Invalid, message);
        let clock = |text: &str| {
            let shown: String = text.chars().take(20).collect();
            cadence::minute_of(text)
                .ok_or_else(|| wrong(&format!("\"{shown}\" is no time of day; write it as in 07:30")))
        };
        match (self.hourly_at_minute, self.daily_at, self.weekly_at, self.day) {
            (Some(minute), None, None, None) => {
                let minute =
                    u16::try_from(minute).map_err(|_| wrong("the minute must be one from 0 to 59"))?;
                Ok(Cadence::Hourly { minute })
            }
            (None, Some(at), None, None) => Ok(Cadence::Daily { at: clock(&at)?, time_zone: self.time_zone }),
            (None, None, Some(at), Some(day)) => {
                Ok(Cadence::Weekly { day: day.number(), at: clock(&at)?, time_zone: self.time_zone })
            }
            (None, None, Some(_), None) => Err(wrong("a week has seven days: give `day` with `weeklyAt`")),
            _ => Err(wrong("give one of `hourlyAtMinute`, `dailyAt`, and `weeklyAt` with `day`")),
        }
    }
}
