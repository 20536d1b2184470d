//! Tickets over time.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use entity::{company, psa_connection, ticket};
use sea_orm::{ActiveEnum as _, Iterable as _};
use uuid::Uuid;

use super::{
    Company, CountBucket, Platform, PsaConnection, ReferenceFilter, Severity, SeverityFilter,
    StatisticsBucket, TicketState,
    statistics::{bounds, int},
};
use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    statistics::{
        buckets::{self, Buckets},
        tickets::{self, By, Counts, Group, Key, Of, Wanted},
    },
};

/// How many companies are listed at the most.
const MAX_COMPANIES: i32 = 100;

/// Which tickets are counted; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketStatisticsFilter {
    /// For which company.
    pub company: Option<ReferenceFilter>,
    /// On which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// How bad they are.
    pub severity: Option<SeverityFilter>,
}

impl TicketStatisticsFilter {
    /// The domain's words for it.
    pub fn read(self, buckets: Buckets) -> Result<Wanted, Problem> {
        let severities = self.severity.map(|filter| {
            let wanted = SeverityFilter::read(Some(filter));
            entity::Severity::iter()
                .filter(|severity| wanted.at_least.is_none_or(|least| *severity >= least))
                .filter(|severity| wanted.any_of.as_ref().is_none_or(|any_of| any_of.contains(severity)))
                .map(|severity| severity.to_value())
                .collect()
        });
        Ok(Wanted {
            buckets,
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            severities,
            by: By::Nothing,
        })
    }
}

/// How many tickets, and how fast. Means are null where there is nothing to make them of.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct TicketCounts {
    /// Planned in this time.
    pub created_count: i32,
    /// Opened in the PSA in this time.
    pub opened_count: i32,
    /// Closed in this time, by whomever; a ticket that was opened again counts when it is closed again.
    pub closed_count: i32,
    /// Of those opened in this time: the mean time from the first of their findings being first seen, in seconds.
    pub mean_time_to_open_seconds: Option<f64>,
    /// Of those closed in this time: the mean time from their being opened in the PSA, in seconds.
    pub mean_time_to_close_seconds: Option<f64>,
}

impl From<Counts> for TicketCounts {
    fn from(counts: Counts) -> Self {
        Self {
            created_count: int(counts.created),
            opened_count: int(counts.opened),
            closed_count: int(counts.closed),
            mean_time_to_open_seconds: counts.to_open.mean_seconds(),
            mean_time_to_close_seconds: counts.to_close.mean_seconds(),
        }
    }
}

/// The tickets of a bucket of time.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct TicketStatisticsBucket {
    /// When the bucket begins.
    pub starts_at: DateTime,
    /// When it ends, and the next one begins.
    pub ends_at: DateTime,
    /// How many.
    pub counts: TicketCounts,
}

fn list(buckets: &Buckets, group: &Group) -> Vec<TicketStatisticsBucket> {
    let one = |span: (i32, i32)| {
        let (starts_at, ends_at) = bounds(span);
        let counts = group.buckets.get(&span.0).copied().unwrap_or_default().into();
        TicketStatisticsBucket { starts_at, ends_at, counts }
    };
    buckets.spans().map(one).collect()
}

/// Tickets over time.
pub struct TicketStatistics {
    /// Whose.
    pub of: Of,
    /// Which, and in which buckets.
    pub wanted: Wanted,
}

impl TicketStatistics {
    async fn groups(&self, ctx: &Context<'_>, by: By) -> Result<Arc<Vec<Group>>> {
        let wanted = Wanted { by, ..self.wanted.clone() };
        Ok(ctx.loaders()?.get(GroupsOf { of: self.of, wanted }).await?.unwrap_or_default())
    }

    /// The groups as `of` makes something of their keys.
    async fn told_apart<K>(
        &self,
        ctx: &Context<'_>,
        by: By,
        of: impl Fn(&Key) -> Option<K>,
    ) -> Result<Vec<(K, Part)>> {
        let groups = self.groups(ctx, by).await?;
        let part = |group: &Group| Part { group: group.clone(), buckets: self.wanted.buckets.clone() };
        Ok(groups.iter().filter_map(|group| Some((of(&group.key)?, part(group)))).collect())
    }
}

fn id(key: &Key) -> Option<Uuid> {
    if let Key::Id(id) = key { Some(*id) } else { None }
}

fn word(key: &Key) -> Option<String> {
    if let Key::Word(word) = key { Some(word.clone()) } else { None }
}

/// Tickets over time. Whole buckets in UTC; a ticket counts in the bucket in which it was planned, in the one in
/// which it was opened and in the one in which it was closed. Test tickets are left out.
#[Object]
impl TicketStatistics {
    /// When the first bucket begins.
    async fn starts_at(&self) -> DateTime {
        buckets::start_of(self.wanted.buckets.first()).into()
    }

    /// When the last bucket ends.
    async fn ends_at(&self) -> DateTime {
        buckets::start_of(self.wanted.buckets.end()).into()
    }

    /// How long the buckets are.
    async fn bucket(&self) -> StatisticsBucket {
        self.wanted.buckets.bucket().into()
    }

    /// All of the time together.
    async fn total(&self, ctx: &Context<'_>) -> Result<TicketCounts> {
        let groups = self.groups(ctx, By::Nothing).await?;
        Ok(groups.first().map(|group| group.total).unwrap_or_default().into())
    }

    /// Bucket by bucket, empty ones included.
    async fn buckets(&self, ctx: &Context<'_>) -> Result<Vec<TicketStatisticsBucket>> {
        let groups = self.groups(ctx, By::Nothing).await?;
        Ok(groups.first().map(|group| list(&self.wanted.buckets, group)).unwrap_or_default())
    }

    /// The tickets that were planned in this time, by the state they are in now, in the order of a ticket's life.
    /// States that no ticket is in are left out.
    async fn by_state(&self, ctx: &Context<'_>) -> Result<Vec<TicketStateStatistics>> {
        let state = |key: &Key| ticket::TicketState::try_from_value(&word(key)?).ok();
        let parts = self.told_apart(ctx, By::State, state).await?;
        let in_order = ticket::TicketState::iter();
        let part = |state| parts.iter().find(|(is, _)| *is == state);
        Ok(in_order
            .filter_map(|state| Some(TicketStateStatistics { state, part: part(state)?.1.clone() }))
            .collect())
    }

    /// By how bad they are, the worst first. Severities without tickets are left out.
    async fn by_severity(&self, ctx: &Context<'_>) -> Result<Vec<TicketSeverityStatistics>> {
        let severity = |key: &Key| match key {
            Key::Severity(value) => entity::Severity::try_from_value(value).ok(),
            _ => None,
        };
        let mut parts = self.told_apart(ctx, By::Severity, severity).await?;
        parts.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
        Ok(parts.into_iter().map(|(severity, part)| TicketSeverityStatistics { severity, part }).collect())
    }

    /// By connection, that with the most planned tickets first. Connections without tickets are left out.
    async fn by_psa_connection(&self, ctx: &Context<'_>) -> Result<Vec<TicketPsaConnectionStatistics>> {
        let mut parts = self.told_apart(ctx, By::PsaConnection, id).await?;
        parts.sort_by_key(|(id, part)| (std::cmp::Reverse(part.group.total.created), *id));
        Ok(parts.into_iter().map(|(id, part)| TicketPsaConnectionStatistics { id, part }).collect())
    }

    /// By platform, that with the most planned tickets first. Platforms without tickets are left out.
    async fn by_platform(&self, ctx: &Context<'_>) -> Result<Vec<TicketPlatformStatistics>> {
        let mut parts = self.told_apart(ctx, By::Platform, word).await?;
        parts.sort_by_key(|(key, part)| (std::cmp::Reverse(part.group.total.created), key.clone()));
        Ok(parts.into_iter().map(|(key, part)| TicketPlatformStatistics { key, part }).collect())
    }

    /// By company, those with the most planned tickets first.
    async fn by_company(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many companies, 1 to 100.", default = 10)] first: i32,
    ) -> Result<Vec<TicketCompanyStatistics>> {
        let Some(count) = u64::try_from(first).ok().filter(|_| (1..=MAX_COMPANIES).contains(&first)) else {
            let message = format!("`first` is {first}: ask for 1 to {MAX_COMPANIES} companies");
            return Err(Error::from(Problem::of("first", ProblemCode::Invalid, message)).into());
        };
        let parts = self.told_apart(ctx, By::Company(count), id).await?;
        let one = |(company_id, part): (Uuid, Part)| {
            let of = Of { company_id: Some(company_id), ..self.of };
            let wanted = Wanted { company_ids: None, ..self.wanted.clone() };
            TicketCompanyStatistics { id: company_id, total: part.group.total, all: Self { of, wanted } }
        };
        Ok(parts.into_iter().map(one).collect())
    }
}

/// Some of the tickets.
#[derive(Clone, Debug)]
struct Part {
    group: Group,
    buckets: Buckets,
}

/// The tickets in one state.
pub struct TicketStateStatistics {
    state: ticket::TicketState,
    part: Part,
}

/// The tickets that are in one state now, by the time they were planned.
#[Object]
impl TicketStateStatistics {
    /// The state they are in now.
    async fn state(&self) -> TicketState {
        self.state.into()
    }

    /// How many, of all of the time together.
    async fn count(&self) -> i32 {
        int(self.part.group.total.created)
    }

    /// Bucket by bucket, empty ones included.
    async fn buckets(&self) -> Vec<CountBucket> {
        let of = |bucket: TicketStatisticsBucket| CountBucket {
            starts_at: bucket.starts_at,
            ends_at: bucket.ends_at,
            count: bucket.counts.created_count,
        };
        list(&self.part.buckets, &self.part.group).into_iter().map(of).collect()
    }
}

/// A group of tickets: `part! { /// What. Name { field: type } /// What has it. async fn … }`.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident { $field:ident: $type:ty } $($method:tt)*) => {
        $(#[$doc])*
        pub struct $name {
            $field: $type,
            part: Part,
        }

        $(#[$doc])*
        #[Object]
        impl $name {
            $($method)*

            /// All of the time together.
            async fn total(&self) -> TicketCounts {
                self.part.group.total.into()
            }

            /// Bucket by bucket, empty ones included.
            async fn buckets(&self) -> Vec<TicketStatisticsBucket> {
                list(&self.part.buckets, &self.part.group)
            }
        }
    };
}

part! {
    /// The tickets of one severity over time.
    TicketSeverityStatistics { severity: entity::Severity }

    /// How bad they are.
    async fn severity(&self) -> Severity {
        self.severity.into()
    }
}

part! {
    /// The tickets on one connection over time.
    TicketPsaConnectionStatistics { id: Uuid }

    /// On which connection.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.id).await?.into())
    }
}

part! {
    /// The tickets on one platform over time.
    TicketPlatformStatistics { key: String }

    /// On which platform.
    async fn platform(&self) -> Platform {
        Platform::of(&self.key)
    }
}

/// The tickets of one company.
pub struct TicketCompanyStatistics {
    id: Uuid,
    total: Counts,
    all: TicketStatistics,
}

/// The tickets of one company over time.
#[Object]
impl TicketCompanyStatistics {
    /// For which company.
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Ok(ctx.loaders()?.named::<company::Entity>(self.id).await?.into())
    }

    /// All of the time together.
    async fn total(&self) -> TicketCounts {
        self.total.into()
    }

    /// Bucket by bucket, empty ones included.
    async fn buckets(&self, ctx: &Context<'_>) -> Result<Vec<TicketStatisticsBucket>> {
        self.all.buckets(ctx).await
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct GroupsOf {
    of: Of,
    wanted: Wanted,
}

impl Loader<GroupsOf> for Fetch {
    type Value = Arc<Vec<Group>>;
    type Error = Shared;

    async fn load(&self, keys: &[GroupsOf]) -> Result<HashMap<GroupsOf, Self::Value>, Shared> {
        let mut by_wanted: HashMap<&Wanted, Vec<Of>> = HashMap::new();
        for key in keys {
            by_wanted.entry(&key.wanted).or_default().push(key.of);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (wanted, of) in by_wanted {
            let groups = tickets::groups(&self.viewer, &self.ground, wanted, &of).await?;
            found.extend(
                groups
                    .into_iter()
                    .map(|(of, groups)| (GroupsOf { of, wanted: wanted.clone() }, Arc::new(groups))),
            );
        }
        Ok(found)
    }
}
