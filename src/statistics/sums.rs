//! Adding up kept counts and what is not folded into them yet, in one statement.

use entity::{
    tally::{self, About},
    tally_delta, ticket,
};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, ExprTrait as _, QueryTrait as _,
    sea_query::{CaseStatement, Expr, IntoIden as _, SelectStatement, UnionType},
};
use uuid::Uuid;

use super::buckets::{Bucket, Buckets};
use crate::organizations::{
    reach::{self, Owned},
    viewer::Viewer,
};

/// Name of the rows that are added up.
pub(super) const COUNTED: &str = "counted";
/// Columns of these rows, beside those of `tally`.
pub(super) const SLOT: &str = "slot";

/// Which kept counts.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    pub(super) about: &'a [About],
    pub(super) buckets: &'a Buckets,
    pub(super) organization_ids: &'a [Uuid],
    pub(super) company_ids: Companies<'a>,
    pub(super) place_ids: Option<&'a [Uuid]>,
    pub(super) severities: Option<&'a [i16]>,
}

impl Source<'_> {
    /// A day in the same bucket as this one.
    fn slot(&self, day: Expr) -> Expr {
        match self.buckets.bucket() {
            Bucket::Day | Bucket::Month => day,
            // 1970-01-01 was a Thursday.
            Bucket::Week => day.clone().sub(day.add(3).modulo(7)),
        }
    }
}

/// For which companies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Companies<'a> {
    /// For all of them, without telling them apart.
    Together,
    /// For each by itself.
    Each,
    /// For these.
    These(&'a [Uuid]),
}

const MICROS_A_SECOND: i64 = 1_000_000;
const MICROS_A_DAY: i64 = 86_400 * MICROS_A_SECOND;
const COLUMNS: [&str; 8] =
    ["organization_id", "about", "company_id", "place_id", "severity", "state", "count", "timed"];

/// The rows: folded ones and those that are not, of one moment. `slot` is a day in the row's bucket, the same
/// one for many of them.
pub(super) fn rows(viewer: &Viewer, source: &Source<'_>) -> SelectStatement {
    use tally::Column as T;
    use tally_delta::Column as D;
    let period = source.buckets.period();
    let mut folded = scope::<tally::Entity>(
        viewer,
        source,
        [T::OrganizationId, T::About, T::CompanyId, T::Day, T::PlaceId, T::Severity],
    );
    folded.and_where(T::Period.eq(period));
    match source.company_ids {
        Companies::Together => folded.and_where(T::CompanyId.eq(Uuid::nil())),
        Companies::Each => folded.and_where(T::CompanyId.ne(Uuid::nil())),
        Companies::These(_) => &mut folded,
    };
    let waiting = scope::<tally_delta::Entity>(
        viewer,
        source,
        [D::OrganizationId, D::About, D::CompanyId, D::Day, D::PlaceId, D::Severity],
    );
    folded.union(UnionType::All, waiting);
    for row in source.about.iter().filter_map(|about| unkept(viewer, source, *about)) {
        folded.union(UnionType::All, row);
    }
    folded
}

/// Tickets about which no kept counts may be read, one by one: those of connections of which somebody sees only
/// some boards.
fn unkept(viewer: &Viewer, source: &Source<'_>, about: About) -> Option<SelectStatement> {
    use ticket::Column as T;
    let limited = viewer.sight().limited();
    if limited.is_empty() {
        return None;
    }
    let of = |column: T| Expr::col((ticket::Entity, column));
    // A column that no entity names: triggers alone keep it.
    let first_seen = || Expr::col((ticket::Entity, ticket::Column::FirstSeenAt));
    let (at, since, state) = match about {
        About::TicketCreated => (of(T::CreatedAt), None, of(T::State)),
        About::TicketOpened => (of(T::OpenedAt), Some(first_seen()), Expr::value("")),
        About::TicketClosed => (of(T::ClosedAt), Some(of(T::OpenedAt)), Expr::value("")),
        About::Delivery | About::DeliveryRepeated => return None,
    };
    let (timed, seconds) = match since {
        Some(since) => {
            let timed = CaseStatement::new().case(since.clone().is_null(), 0_i64).finally(1_i64);
            let between = at.clone().sub(since.clone()).div(MICROS_A_SECOND);
            let seconds = CaseStatement::new()
                .case(since.clone().is_null().or(since.gt(at.clone())), 0_i64)
                .finally(between);
            (Expr::expr(timed), Expr::expr(seconds))
        }
        None => (Expr::value(0_i64), Expr::value(0_i64)),
    };
    let day = || at.clone().div(MICROS_A_DAY);
    let mut rows = reach::rows::<ticket::Entity>(viewer).into_query();
    rows.clear_selects()
        .expr_as(of(T::OrganizationId), "organization_id")
        .expr_as(Expr::value(about.to_value()), "about")
        .expr_as(of(T::CompanyId), "company_id")
        .expr_as(of(T::PsaConnectionId), "place_id")
        .expr_as(of(T::Severity), "severity")
        .expr_as(state, "state")
        .expr_as(Expr::value(1_i64), "count")
        .expr_as(timed, "timed")
        .expr_as(seconds, "seconds")
        .expr_as(source.slot(day().cast_as("INTEGER")), SLOT)
        .and_where(T::IsTest.eq(false))
        .and_where(T::OrganizationId.is_in(source.organization_ids.iter().copied()))
        .and_where(T::PsaConnectionId.is_in(limited))
        .and_where(day().gte(source.buckets.first()))
        .and_where(day().lt(source.buckets.end()));
    if let Companies::These(ids) = source.company_ids {
        rows.and_where(T::CompanyId.is_in(ids.iter().copied()));
    }
    if let Some(ids) = source.place_ids {
        rows.and_where(T::PsaConnectionId.is_in(ids.iter().copied()));
    }
    if let Some(severities) = source.severities {
        rows.and_where(of(T::Severity).is_in(severities.iter().copied()));
    }
    Some(rows)
}

/// `columns`: organization, about, company, day, place, severity.
fn scope<E: Owned>(viewer: &Viewer, source: &Source<'_>, columns: [E::Column; 6]) -> SelectStatement {
    let [organization, about, company, day, place, severity] = columns;
    let mut rows = reach::rows::<E>(viewer).into_query();
    rows.clear_selects();
    for column in COLUMNS {
        rows.expr_as(Expr::col(column.into_iden()), column);
    }
    rows.expr_as(Expr::col("seconds"), "seconds");
    rows.expr_as(source.slot(Expr::col(day.as_column_ref())), SLOT);
    rows.and_where(organization.is_in(source.organization_ids.iter().copied()))
        .and_where(about.is_in(source.about.iter().copied()))
        .and_where(day.gte(source.buckets.first()))
        .and_where(day.lt(source.buckets.end()));
    if let Companies::These(ids) = source.company_ids {
        rows.and_where(company.is_in(ids.iter().copied()));
    }
    if let Some(ids) = source.place_ids {
        rows.and_where(place.is_in(ids.iter().copied()));
    }
    if let Some(severities) = source.severities {
        rows.and_where(severity.is_in(severities.iter().copied()));
    }
    rows
}

/// The sum of a column over the rows about something.
pub(super) fn sum(column: &'static str, about: About) -> Expr {
    let counted = CaseStatement::new()
        .case(Expr::col((COUNTED, "about")).eq(about), Expr::col((COUNTED, column)))
        .finally(Expr::value(0_i64));
    whole(Expr::expr(counted).sum())
}

/// PostgreSQL adds whole numbers up to a decimal.
pub(super) fn whole(sum: Expr) -> Expr {
    sum.cast_as("BIGINT")
}
