//! Rows that change hands between organizations, under the ids that they have: all of an organization in a merge
//! ([`super::mergers`]), a part of it in a split ([`super::splits`]).
//!
//! First the work of what goes is taken from the workers ([`fence`]), in a transaction of its own: whoever is calling a PSA in
//! that moment cannot write down what came of it, and the next to hold the lane finds an attempt that never ended, and looks
//! before it repeats. All else is one transaction: a half of an organization is nobody's. It costs what its rows cost, and the
//! one writer of an embedded database meanwhile serves nobody else; on PostgreSQL only webhooks of the organization wait, and
//! only for its last part.
#![expect(clippy::disallowed_methods, reason = "names the organizations in every query")]

mod fence;
mod plan;
mod tables;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait as _, QuerySelect as _,
    sea_query::{Alias, Condition, Expr, ExprTrait as _, LockType, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use tables::{By, LAST, MOST};

pub(super) use fence::{fenced, take};
pub use plan::Count;
pub(super) use plan::{NAMED, names};
pub(super) use plan::{as_json, counts, digest, expected, set_up, type_name};

/// What goes of an organization.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// Whose it is.
    pub(super) source_id: Uuid,
    /// Who gets it; none while it is only planned.
    pub(super) target_id: Option<Uuid>,
    /// What was chosen; none for all of it.
    pub(super) chosen: Option<Chosen>,
}

/// What goes with all that hangs on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    /// Companies.
    pub(super) companies: Vec<Uuid>,
    /// PSA connections.
    pub(super) connections: Vec<Uuid>,
    /// Webhook endpoints.
    pub(super) endpoints: Vec<Uuid>,
    /// Policies that are for nobody who stays.
    pub(super) policies: Vec<Uuid>,
}

impl Selection {
    /// All of it.
    pub(super) const fn all(source_id: Uuid, target_id: Option<Uuid>) -> Self {
        Self { source_id, target_id, chosen: None }
    }

    /// The rows of a table that go, as long as they are the source's.
    pub(super) fn rows(&self, table: &'static str) -> Condition {
        let own = Condition::all().add(Expr::col("organization_id").eq(self.source_id));
        match &self.chosen {
            None => own,
            Some(chosen) => own.add(self.chosen_rows(chosen, table, tables::by(table))),
        }
    }

    fn chosen_rows(&self, chosen: &Chosen, table: &'static str, by: &By) -> Condition {
        let among = |column: &'static str, ids: &[Uuid]| Expr::col(column).is_in(ids.iter().copied());
        match by {
            By::Company(column) => among(column, &chosen.companies).into_condition(),
            By::Connection(column) => among(column, &chosen.connections).into_condition(),
            By::Endpoint(column) => among(column, &chosen.endpoints).into_condition(),
            By::Policy(column) => among(column, &chosen.policies).into_condition(),
            By::Of(column, other) => {
                let ids = self.values(chosen, (other, "id"), tables::by(other));
                Expr::col(*column).in_subquery(ids).into_condition()
            }
            By::Same(column, other) => {
                let same = self.values(chosen, (other, column), tables::by(other));
                Expr::col(*column).in_subquery(same).into_condition()
            }
            // One way after another: of "this or that" PostgreSQL would look at each row by itself.
            By::Either(ways) => {
                let ids = ways.iter().map(|way| self.values(chosen, (table, "id"), way));
                let all = ids.reduce(|mut all, ids| all.union(UnionType::Distinct, ids).take());
                all.map_or_else(|| among("id", &[]), |all| Expr::col("id").in_subquery(all)).into_condition()
            }
            By::None => among("id", &[]).into_condition(),
        }
    }

    /// A column of the rows of a table that go in this way, or have gone already.
    fn values(
        &self,
        chosen: &Chosen,
        (table, column): (&'static str, &'static str),
        by: &By,
    ) -> SelectStatement {
        let owners = std::iter::once(self.source_id).chain(self.target_id);
        Query::select()
            .column(column)
            .from(Alias::new(table))
            .and_where(Expr::col("organization_id").is_in(owners))
            .cond_where(self.chosen_rows(chosen, table, by))
            .take()
    }
}

trait IntoOneCondition {
    fn into_condition(self) -> Condition;
}

impl IntoOneCondition for Expr {
    fn into_condition(self) -> Condition {
        Condition::all().add(self)
    }
}

/// Makes what goes the target's, but for what webhooks are stored by.
pub(super) async fn move_most(
    tx: &DatabaseTransaction,
    selection: &Selection,
    target_id: Uuid,
) -> Result<(), DbErr> {
    move_rows(tx, MOST, selection, target_id).await?;
    if tx.get_database_backend() == DbBackend::Postgres {
        // Whoever is adding something to the source ends first, and whoever comes now waits, and then finds that what it
        // refers to is another's. What was added meanwhile goes along in a second round.
        entity::organization::Entity::find_by_id(selection.source_id).lock(LockType::Update).one(tx).await?;
        move_rows(tx, MOST, selection, target_id).await?;
    }
    Ok(())
}

/// The same with the rest.
pub(super) async fn move_last(
    tx: &DatabaseTransaction,
    selection: &Selection,
    target_id: Uuid,
) -> Result<(), DbErr> {
    // Leases end with the transaction: then all of it can be worked on.
    fence::free(tx, selection).await?;
    move_rows(tx, LAST, selection, target_id).await
}

async fn move_rows(
    tx: &DatabaseTransaction,
    tables: &[(&'static str, By)],
    selection: &Selection,
    target_id: Uuid,
) -> Result<(), DbErr> {
    for (table, _) in tables {
        let update = Query::update()
            .table(Alias::new(*table))
            .value("organization_id", target_id)
            .cond_where(selection.rows(table))
            .to_owned();
        tx.execute(&update).await?;
    }
    Ok(())
}
