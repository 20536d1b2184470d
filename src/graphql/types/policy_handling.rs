//! What becomes of what a policy wants, as it is shown.

use async_graphql::{Enum, SimpleObject};

use crate::decisions::{
    cadence::{self, Cadence},
    handling::{CloseRule, Grouping, Handling},
};

/// Which findings share a ticket. None reaches over companies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Grouping")]
pub enum PolicyGrouping {
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

/// What becomes of a ticket when nothing on it is open any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "CloseRule")]
pub enum PolicyCloseRule {
    /// It is closed, unless somebody has worked on it in the PSA: then a note says that it is over.
    Untouched,
    /// It is closed.
    Always,
    /// A note says that it is over; a person closes it.
    Never,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

impl Weekday {
    /// 1 for Monday to 7 for Sunday (ISO 8601).
    pub const fn number(self) -> u8 {
        match self {
            Self::Monday => 1,
            Self::Tuesday => 2,
            Self::Wednesday => 3,
            Self::Thursday => 4,
            Self::Friday => 5,
            Self::Saturday => 6,
            Self::Sunday => 7,
        }
    }

    /// By its number.
    pub(super) fn of(number: u8) -> Option<Self> {
        WEEK.into_iter().find(|day| day.number() == number)
    }
}

/// How often tickets are opened, where findings are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PolicyPeriod {
    /// Every hour.
    Hour,
    /// Every day.
    Day,
    /// Every week.
    Week,
}

/// When tickets are opened, where findings are collected: one ticket a company tells of all of them.
#[derive(Clone, Debug, SimpleObject)]
pub struct PolicyCadence {
    /// How often.
    pub every: PolicyPeriod,
    /// At this minute of the hour; null where it is no hour.
    pub minute: Option<i32>,
    /// At this time of the day, as in `07:30`; null where it is an hour.
    pub time: Option<String>,
    /// On this day; null where it is no week.
    pub day: Option<Weekday>,
    /// On the clocks of this time zone; null where it is an hour.
    pub time_zone: Option<String>,
    /// In words.
    pub explanation: String,
}

impl PolicyCadence {
    fn of(cadence: &Cadence) -> Option<Self> {
        let explanation = cadence.words();
        let none = Self {
            every: PolicyPeriod::Hour,
            minute: None,
            time: None,
            day: None,
            time_zone: None,
            explanation,
        };
        Some(match cadence {
            Cadence::Immediate => return None,
            Cadence::Hourly { minute } => Self { minute: Some(i32::from(*minute)), ..none },
            Cadence::Daily { at, time_zone } => Self {
                every: PolicyPeriod::Day,
                time: Some(cadence::clock(*at)),
                time_zone: Some(time_zone.clone()),
                ..none
            },
            Cadence::Weekly { day, at, time_zone } => Self {
                every: PolicyPeriod::Week,
                time: Some(cadence::clock(*at)),
                day: Weekday::of(*day),
                time_zone: Some(time_zone.clone()),
                ..none
            },
        })
    }
}

/// A value that a policy sets, whatever the profile says.
#[derive(Clone, Debug, SimpleObject)]
pub struct PolicyOverride {
    /// Key of one of the platform's profile fields, or `status` for the status a ticket is created in.
    pub key: String,
    /// The PSA's own value.
    pub value: String,
}

/// What becomes of what a policy wants.
#[derive(Clone, Debug, SimpleObject)]
pub struct PolicyHandling {
    /// Which findings share a ticket; null: what is to be mended as the event set's grain says, each other finding has
    /// its own.
    pub grouping: Option<PolicyGrouping>,
    /// When tickets are opened; null for at once.
    pub cadence: Option<PolicyCadence>,
    /// What becomes of a ticket when nothing on it is open any more.
    pub close_rule: PolicyCloseRule,
    /// How long a finding must be there before it gets a ticket, in seconds.
    pub settle_seconds: i64,
    /// How long a ticket stays open at least, in seconds.
    pub minimum_open_seconds: i64,
    /// What has not been seen for so long is taken to be over, in seconds; null where only senders and people say so.
    pub age_seconds: Option<i64>,
    /// How many tickets it opens within an hour; what comes then goes onto one ticket a company. Null: no cap.
    pub storm_cap: Option<i32>,
    /// Values that its tickets get, whatever the profile says.
    pub overrides: Vec<PolicyOverride>,
}

impl From<Handling> for PolicyHandling {
    fn from(handling: Handling) -> Self {
        let overrides = handling.overrides.into_iter().map(|(key, value)| PolicyOverride { key, value });
        Self {
            grouping: handling.grouping.map(Into::into),
            cadence: PolicyCadence::of(&handling.cadence),
            close_rule: handling.close_rule.into(),
            settle_seconds: handling.settle_secs,
            minimum_open_seconds: handling.minimum_open_secs,
            age_seconds: handling.age_secs,
            storm_cap: handling.storm_cap.and_then(|cap| i32::try_from(cap).ok()),
            overrides: overrides.collect(),
        }
    }
}
