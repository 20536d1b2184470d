//! Adding up kept counts and what is not folded into them yet, in one statement.

use entity::{
    tally::{self, About},
    tally_delta,
};
use sea_orm::{
    ColumnTrait as _, ExprTrait as _, QueryTrait as _,
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
    folded.union(UnionType::All, waiting).take()
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
    let slot = Expr::col(day.as_column_ref());
    let slot = match source.buckets.bucket() {
        Bucket::Day | Bucket::Month => slot,
        // 1970-01-01 was a Thursday.
        Bucket::Week => slot.clone().sub(slot.add(3).modulo(7)),
    };
    rows.expr_as(slot, SLOT);
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
