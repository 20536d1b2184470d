//! Tickets over time: how many were planned, opened and closed, and how fast.

use std::collections::HashMap;

use entity::{psa_connection, tally::About};
use sea_orm::{
    ConnectionTrait as _, DbErr, QueryResult,
    sea_query::{
        Asterisk, Expr, ExprTrait as _, Func, JoinType, Order, Query, SelectStatement, WindowStatement,
    },
};
use uuid::Uuid;

use super::{
    buckets::Buckets,
    sums::{self, COUNTED, Companies, SLOT, Source, sum},
};
use crate::{error::Error, ground::Ground, organizations::viewer::Viewer};

/// Whose tickets are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Of {
    /// Of this organization.
    pub organization_id: Uuid,
    /// Of this company of it alone.
    pub company_id: Option<Uuid>,
}

/// What tickets are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// They are not.
    Nothing,
    /// By the state they are in now.
    State,
    /// By how bad they are.
    Severity,
    /// By the connection they are on.
    PsaConnection,
    /// By the platform they are on.
    Platform,
    /// By company, those with the most planned tickets first, so many at the most; without buckets.
    Company(u64),
}

/// Which tickets are counted, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// In which buckets.
    pub buckets: Buckets,
    /// On one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// Of one of these severities.
    pub severities: Option<Vec<i16>>,
    /// Told apart by.
    pub by: By,
}

/// A sum of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Of how many.
    pub count: i64,
    /// In seconds.
    pub seconds: i64,
}

impl Durations {
    /// Their mean in seconds; none where there are none.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 million years")]
    pub fn mean_seconds(self) -> Option<f64> {
        (self.count > 0).then(|| self.seconds as f64 / self.count as f64)
    }
}

/// How many tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Planned in this time.
    pub created: i64,
    /// Opened in the PSA in this time.
    pub opened: i64,
    /// Closed in this time.
    pub closed: i64,
    /// From the first of their findings being first seen to their being opened, of those opened.
    pub to_open: Durations,
    /// From being opened to being closed, of those closed.
    pub to_close: Durations,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.created += other.created;
        self.opened += other.opened;
        self.closed += other.closed;
        self.to_open.count += other.to_open.count;
        self.to_open.seconds += other.to_open.seconds;
        self.to_close.count += other.to_close.count;
        self.to_close.seconds += other.to_close.seconds;
    }
}

/// What a group of tickets has in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Nothing: all of them.
    All,
    /// The state, as stored; or the platform.
    Word(String),
    /// The severity.
    Severity(i16),
    /// The connection or the company.
    Id(Uuid),
}

/// A group of tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they have in common.
    pub key: Key,
    /// All of them.
    pub total: Counts,
    /// Those of each bucket that has any, by its first day.
    pub buckets: HashMap<i32, Counts>,
}

/// The groups of each of `of`, in one statement (two where organizations and companies are asked together).
/// Groups without any tickets are left out; there is one of [`By::Nothing`] in any case.
pub async fn groups(
    viewer: &Viewer,
    ground: &Ground,
    wanted: &Wanted,
    of: &[Of],
) -> Result<HashMap<Of, Vec<Group>>, Error> {
    let mut found: HashMap<Of, Vec<Group>> = of.iter().map(|of| (*of, Vec::new())).collect();
    for is_company in [false, true] {
        let some: Vec<Of> = of.iter().copied().filter(|of| of.company_id.is_some() == is_company).collect();
        if some.is_empty() {
            continue;
        }
        for row in ground.db.reader().query_all(&statement(viewer, wanted, &some, is_company)).await? {
            let of = Of {
                organization_id: row.try_get("", "organization_id")?,
                company_id: if is_company { Some(row.try_get("", "company_id")?) } else { None },
            };
            let Some(groups) = found.get_mut(&of) else { continue };
            take(groups, key(&row, wanted.by)?, &row, wanted)?;
        }
    }
    for groups in found.values_mut() {
        if wanted.by == By::Nothing && groups.is_empty() {
            groups.push(Group { key: Key::All, total: Counts::default(), buckets: HashMap::new() });
        }
        groups.retain(|group| group.total != Counts::default() || wanted.by == By::Nothing);
    }
    Ok(found)
}

fn take(groups: &mut Vec<Group>, key: Key, row: &QueryResult, wanted: &Wanted) -> Result<(), DbErr> {
    let counts = Counts {
        created: row.try_get("", "created")?,
        opened: row.try_get("", "opened")?,
        closed: row.try_get("", "closed")?,
        to_open: Durations {
            count: row.try_get("", "opened_timed")?,
            seconds: row.try_get("", "opened_seconds")?,
        },
        to_close: Durations {
            count: row.try_get("", "closed_timed")?,
            seconds: row.try_get("", "closed_seconds")?,
        },
    };
    let at = groups.iter().position(|group| group.key == key).unwrap_or_else(|| {
        groups.push(Group { key, total: Counts::default(), buckets: HashMap::new() });
        groups.len() - 1
    });
    let Some(group) = groups.get_mut(at) else { return Ok(()) };
    group.total.add(counts);
    if !matches!(wanted.by, By::Company(_)) {
        let start = wanted.buckets.of(row.try_get("", SLOT)?);
        group.buckets.entry(start).or_default().add(counts);
    }
    Ok(())
}

fn key(row: &QueryResult, by: By) -> Result<Key, DbErr> {
    Ok(match by {
        By::Nothing => Key::All,
        By::State | By::Platform => Key::Word(row.try_get("", column(by))?),
        By::Severity => Key::Severity(row.try_get("", column(by))?),
        By::PsaConnection | By::Company(_) => Key::Id(row.try_get("", column(by))?),
    })
}

const fn column(by: By) -> &'static str {
    match by {
        By::Nothing => "",
        By::State => "state",
        By::Severity => "severity",
        By::PsaConnection => "place_id",
        By::Platform => "platform",
        By::Company(_) => "company_id",
    }
}

fn statement(viewer: &Viewer, wanted: &Wanted, of: &[Of], is_company: bool) -> SelectStatement {
    let mut organization_ids: Vec<Uuid> = of.iter().map(|of| of.organization_id).collect();
    organization_ids.sort_unstable();
    organization_ids.dedup();
    let own: Vec<Uuid> = of.iter().filter_map(|of| of.company_id).collect();
    let companies = match (&wanted.company_ids, wanted.by) {
        _ if is_company => Companies::These(&own),
        (Some(ids), _) => Companies::These(ids),
        (None, By::Company(_)) => Companies::Each,
        (None, _) => Companies::Together,
    };
    let about: &[About] = if wanted.by == By::State {
        &[About::TicketCreated]
    } else {
        &[About::TicketCreated, About::TicketOpened, About::TicketClosed]
    };
    let source = Source {
        about,
        buckets: &wanted.buckets,
        organization_ids: &organization_ids,
        company_ids: companies,
        place_ids: wanted.psa_connection_ids.as_deref(),
        severities: wanted.severities.as_deref(),
    };
    let mut sums = Query::select();
    sums.from_subquery(sums::rows(viewer, &source), COUNTED);
    let mut by = vec!["organization_id"];
    if is_company {
        by.push("company_id");
    }
    match wanted.by {
        By::Company(_) if is_company => {}
        By::Company(_) => by.push("company_id"),
        other => {
            by.push(SLOT);
            by.extend(Some(column(other)).filter(|name| !name.is_empty() && other != By::Platform));
        }
    }
    for name in by {
        sums.column((COUNTED, name)).group_by_col((COUNTED, name));
    }
    if wanted.by == By::Platform {
        let platform = (psa_connection::Entity, psa_connection::Column::Platform);
        let same = Expr::col((COUNTED, "place_id"))
            .eq(Expr::col((psa_connection::Entity, psa_connection::Column::Id)));
        sums.join(JoinType::InnerJoin, psa_connection::Entity, same).column(platform).group_by_col(platform);
    }
    for (name, about) in
        [("created", About::TicketCreated), ("opened", About::TicketOpened), ("closed", About::TicketClosed)]
    {
        sums.expr_as(sum("count", about), name);
    }
    for (name, column, about) in [
        ("opened_timed", "timed", About::TicketOpened),
        ("opened_seconds", "seconds", About::TicketOpened),
        ("closed_timed", "timed", About::TicketClosed),
        ("closed_seconds", "seconds", About::TicketClosed),
    ] {
        sums.expr_as(sum(column, about), name);
    }
    match wanted.by {
        By::Company(first) => most(sums, first),
        _ => sums,
    }
}

/// Of each organization's companies those with the most, in this order.
fn most(sums: SelectStatement, first: u64) -> SelectStatement {
    const SUMS: &str = "sums";
    const RANKED: &str = "ranked";
    const RANK: &str = "place";
    let mut within = WindowStatement::partition_by((SUMS, "organization_id"));
    within.order_by((SUMS, "created"), Order::Desc).order_by((SUMS, "company_id"), Order::Asc);
    let mut ranked = Query::select();
    ranked
        .column((SUMS, Asterisk))
        .expr_window_as(Func::cust("ROW_NUMBER"), within, RANK)
        .from_subquery(sums, SUMS);
    let mut outer = Query::select();
    outer
        .column((RANKED, Asterisk))
        .from_subquery(ranked, RANKED)
        .and_where(Expr::col((RANKED, RANK)).lte(i64::try_from(first).unwrap_or(i64::MAX)))
        .order_by((RANKED, RANK), Order::Asc);
    outer
}
