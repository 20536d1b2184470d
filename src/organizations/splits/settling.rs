//! What ends, and what is left.

use entity::{Timestamp, organization, psa_connection, ticket_permission};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, DbErr,
    EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _, Set,
    sea_query::{Alias, Expr, Query},
};

use crate::organizations::moving::Selection;

/// What does not go, while all of it still is the source's.
pub(super) async fn before(tx: &DatabaseTransaction, selection: &Selection) -> Result<(), DbErr> {
    use psa_connection::Column as C;
    let Some(chosen) = &selection.chosen else { return Ok(()) };
    // Devices of one side that were linked on a connection of the other one, where no company is mapped any more.
    let goes = || Expr::col("company_id").is_in(chosen.companies.iter().copied());
    let is_on = || Expr::col("psa_connection_id").is_in(chosen.connections.iter().copied());
    for (devices, connections) in [(goes(), is_on().not()), (goes().not(), is_on())] {
        let devices = Query::select()
            .column("id")
            .from(Alias::new("asset"))
            .and_where(Expr::col("organization_id").eq(selection.source_id))
            .and_where(devices)
            .take();
        let links = Query::delete()
            .from_table(Alias::new("asset_link"))
            .and_where(Expr::col("organization_id").eq(selection.source_id))
            .and_where(connections)
            .and_where(Expr::col("asset_id").in_subquery(devices))
            .to_owned();
        tx.execute(&links).await?;
    }
    // Who is meant by them stays.
    ticket_permission::Entity::delete_many()
        .filter(selection.rows("ticket_permission"))
        .filter(ticket_permission::Column::MemberId.is_not_null())
        .exec(tx)
        .await?;
    // Whoever keeps a client of a connection makes it anew: its credentials are sealed elsewhere.
    psa_connection::Entity::update_many()
        .col_expr(C::CredentialsVersion, Expr::col(C::CredentialsVersion).add(1))
        .filter(selection.rows("psa_connection"))
        .exec(tx)
        .await
        .map(|_| ())
}

/// The source, without what went.
pub(super) async fn leave(
    tx: &DatabaseTransaction,
    source: &organization::Model,
    selection: &Selection,
    now: Timestamp,
) -> Result<organization::Model, DbErr> {
    let went = selection.chosen.iter().flat_map(|chosen| &chosen.companies);
    let catch_all = source.catch_all_company_id.filter(|id| !went.into_iter().any(|went| went == id));
    if catch_all == source.catch_all_company_id {
        return Ok(source.clone());
    }
    let mut row = source.clone().into_active_model();
    row.catch_all_company_id = Set(catch_all);
    row.version = Set(source.version + 1);
    row.updated_at = Set(now);
    row.update(tx).await
}
