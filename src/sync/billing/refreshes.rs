//! Reading the lines of a company's recurring invoices: asked for by people, carried out by the worker that holds the
//! connection's lane.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    Timestamp,
    billing_refresh::{self, RefreshState},
    psa_company, psa_connection,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    global_id,
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
    queue::lanes,
};

/// Asks for the lines of a PSA's company to be read. Where that waits already, it goes on waiting.
pub async fn request(
    viewer: &Viewer,
    ground: &Ground,
    psa_company_id: Uuid,
) -> Result<billing_refresh::Model, Error> {
    let company = reach::by_id::<psa_company::Entity>(viewer, ground, psa_company_id).await?;
    viewer.may(Permission::ManageBilling, company.organization_id)?;
    let connection =
        reach::by_id::<psa_connection::Entity>(viewer, ground, company.psa_connection_id).await?;
    if !connection.is_enabled {
        let message = "the connection is switched off; switch it on first";
        return Err(Problem::of("psaCompanyId", ProblemCode::WrongState, message).into());
    }
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let asked = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use billing_refresh::Column as C;
                let row = billing_refresh::Model {
                    id: ground_of.chance.id(now),
                    organization_id: company.organization_id,
                    psa_connection_id: company.psa_connection_id,
                    psa_company_id,
                    state: RefreshState::Queued,
                    run_at: Some(now),
                    line_count: 0,
                    problem: None,
                    created_at: now,
                    refreshed_at: None,
                };
                let anew = OnConflict::column(C::PsaCompanyId)
                    .update_columns([C::State, C::RunAt, C::Problem, C::CreatedAt])
                    .to_owned();
                billing_refresh::Entity::insert(row.into_active_model())
                    .on_conflict(anew)
                    .exec_without_returning(tx)
                    .await?;
                let asked = of_company(tx, company.organization_id, psa_company_id).await?;
                let asked = asked.ok_or(Error::NotFound)?;
                lanes::wake(tx, company.psa_connection_id, now).await?;
                let change = Change::of("billingLinesRefresh", &connection)
                    .is("psaCompanyId", global_id::encode("PsaCompany", psa_company_id));
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(asked)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(asked)
}

async fn of_company(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_company_id: Uuid,
) -> Result<Option<billing_refresh::Model>, DbErr> {
    billing_refresh::Entity::find()
        .filter(billing_refresh::Column::OrganizationId.eq(organization_id))
        .filter(billing_refresh::Column::PsaCompanyId.eq(psa_company_id))
        .one(db)
        .await
}

/// The connection's reading whose turn it is, with whom it is of.
pub async fn next(
    db: &impl ConnectionTrait,
    psa_connection_id: Uuid,
    now: Timestamp,
) -> Result<Option<(billing_refresh::Model, psa_company::Model)>, DbErr> {
    use billing_refresh::Column as C;
    let row = billing_refresh::Entity::find()
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::RunAt.lte(now))
        .order_by_asc(C::RunAt)
        .order_by_asc(C::Id)
        .one(db)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let company = psa_company::Entity::find_by_id(row.psa_company_id)
        .filter(psa_company::Column::OrganizationId.eq(row.organization_id))
        .one(db)
        .await?;
    Ok(company.map(|company| (row, company)))
}

/// It was read, or given up.
pub async fn ended(
    tx: &impl ConnectionTrait,
    id: Uuid,
    result: Result<usize, String>,
    now: Timestamp,
) -> Result<(), DbErr> {
    use billing_refresh::Column as C;
    let update = billing_refresh::Entity::update_many().col_expr(C::RunAt, Expr::value(None::<Timestamp>));
    let update = match result {
        Ok(count) => update
            .col_expr(C::State, Expr::value(RefreshState::Succeeded))
            .col_expr(C::LineCount, Expr::value(i32::try_from(count).unwrap_or(i32::MAX)))
            .col_expr(C::Problem, Expr::value(None::<String>))
            .col_expr(C::RefreshedAt, Expr::value(Some(now))),
        Err(problem) => update
            .col_expr(C::State, Expr::value(RefreshState::Failed))
            .col_expr(C::Problem, Expr::value(Some(problem.replace('\0', "")))),
    };
    update.filter(C::Id.eq(id)).exec(tx).await.map(|_| ())
}
