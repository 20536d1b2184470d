//! Types, statuses and markets of companies: the organization's own, which of the PSA's each is, and which of them
//! companies take over from a PSA. The PSA's name goes before ours.

mod mapping;
mod taking_over;

use std::collections::HashMap;

use entity::{
    company,
    company_value::{self, ValueKind},
    company_value_mapping, company_value_sync,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, Select,
    sea_query::{ColumnRef, Expr, IntoColumnRef as _},
};
use uuid::Uuid;

pub use mapping::{create_unmapped, map, set_sync};
pub use taking_over::take_over;

use crate::{
    audit::{self, Change},
    db::{
        filter::{any_of, contains},
        page::Order,
    },
    error::{Error, Problem, ProblemCode, is_unique_violation},
    ground::Ground,
    organizations::{
        reach::{self, List},
        viewer::{Permission, Viewer},
    },
};

/// The longest name, in characters.
const MAX_NAME: usize = 200;

/// What is to become of one of the PSA's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// It is this one of ours, which gets the PSA's name.
    Ours(Uuid),
    /// One is made by the PSA's name, or taken where it is there.
    Create,
    /// Nothing: companies do not take it over.
    Skip,
    /// It is not mapped any more.
    Unmap,
}

fn name_of(name: &str) -> Result<String, Error> {
    let name = name.trim().to_owned();
    let wrong = |code, message: &str| Err(Problem::of("name", code, message).into());
    if name.is_empty() {
        return wrong(ProblemCode::Required, "give it; it may not be empty");
    }
    if name.chars().count() > MAX_NAME {
        return wrong(ProblemCode::TooLong, "200 characters are allowed; shorten it");
    }
    if name.chars().any(char::is_control) {
        return wrong(ProblemCode::Invalid, "write it on one line, without control characters");
    }
    Ok(name)
}

fn taken(name: &str) -> impl FnOnce(sea_orm::DbErr) -> Error + use<> {
    let message = format!("there is one named {name} already; use that one, or choose a different name");
    move |error| {
        if is_unique_violation(&error) {
            Problem::of("name", ProblemCode::Taken, message).into()
        } else {
            error.into()
        }
    }
}

/// Makes a type, a status or a market.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    kind: ValueKind,
    name: &str,
) -> Result<company_value::Model, Error> {
    viewer.may(Permission::ManageCompanies, organization_id)?;
    crate::organizations::organization::living(viewer, ground, organization_id).await?;
    let row = new(ground, organization_id, kind, name_of(name)?);
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let in_use = taken(&row.name);
                let row = row.into_active_model().reset_all().insert(tx).await.map_err(in_use)?;
                audit::record(tx, &ground_of, &by, Change::made("companyValueCreate", &row)).await?;
                Ok::<_, Error>(row)
            })
        })
        .await
}

fn new(ground: &Ground, organization_id: Uuid, kind: ValueKind, name: String) -> company_value::Model {
    let now = ground.clock.now();
    let id = ground.chance.id(now);
    company_value::Model { id, organization_id, kind, name, version: 1, created_at: now, updated_at: now }
}

/// Renames a type, a status or a market.
pub async fn rename(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    name: &str,
) -> Result<company_value::Model, Error> {
    let old = reach::by_id::<company_value::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageCompanies, old.organization_id)?;
    let name = name_of(name)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let in_use = taken(&name);
                let row = named(&ground_of, &old, name);
                let row = row.into_active_model().reset_all().update(tx).await.map_err(in_use)?;
                let change = Change::between("companyValueUpdate", &old, &row);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(row)
            })
        })
        .await
}

fn named(ground: &Ground, old: &company_value::Model, name: String) -> company_value::Model {
    let (version, updated_at) = (old.version + 1, ground.clock.now());
    company_value::Model { name, version, updated_at, ..old.clone() }
}

/// Removes a type, a status or a market; companies that have it have none then.
pub async fn delete(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let old = reach::by_id::<company_value::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageCompanies, old.organization_id)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let column = column(old.kind);
                company::Entity::update_many()
                    .col_expr(column, Expr::value(None::<Uuid>))
                    .filter(company::Column::OrganizationId.eq(old.organization_id))
                    .filter(column.eq(id))
                    .exec(tx)
                    .await?;
                company_value::Entity::delete_by_id(id).exec(tx).await?;
                audit::record(tx, &ground_of, &by, Change::removed("companyValueDelete", &old)).await
            })
        })
        .await
}

/// The column of companies that holds a kind.
fn column(kind: ValueKind) -> company::Column {
    match kind {
        ValueKind::Type => company::Column::CompanyTypeId,
        ValueKind::Status => company::Column::CompanyStatusId,
        ValueKind::Market => company::Column::CompanyMarketId,
    }
}

/// The value of a kind that a company has.
pub fn of_company(row: &company::Model, kind: ValueKind) -> Option<Uuid> {
    match kind {
        ValueKind::Type => row.company_type_id,
        ValueKind::Status => row.company_status_id,
        ValueKind::Market => row.company_market_id,
    }
}

/// Gives a company a type, a status or a market by hand, or takes it away. Where it takes it over from a PSA, the next
/// sync does so again.
pub async fn assign(
    viewer: &Viewer,
    ground: &Ground,
    company_id: Uuid,
    kind: ValueKind,
    value_id: Option<Uuid>,
) -> Result<company::Model, Error> {
    let row = reach::by_id::<company::Entity>(viewer, ground, company_id).await?;
    viewer.may(Permission::ManageCompanies, row.organization_id)?;
    if let Some(id) = value_id {
        let found = reach::by_ids::<company_value::Entity>(viewer, ground, &[id]).await?.remove(&id);
        if !found.is_some_and(|value| value.kind == kind && value.organization_id == row.organization_id) {
            let message =
                "there is no such value of that kind in this organization; take the id from a list of them";
            return Err(Problem::of("companyValueId", ProblemCode::NotFound, message).into());
        }
    }
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                company::Entity::update_many()
                    .col_expr(column(kind), Expr::value(value_id))
                    .col_expr(company::Column::UpdatedAt, Expr::value(ground_of.clock.now()))
                    .filter(company::Column::Id.eq(company_id))
                    .exec(tx)
                    .await?;
                let change = Change::of("companyValueAssign", &row).is("kind", audit::facts::word(&kind));
                let change = change
                    .is("companyValueId", value_id.map(|id| crate::global_id::encode("CompanyValue", id)));
                audit::record(tx, &ground_of, &by, change).await
            })
        })
        .await?;
    reach::by_id::<company::Entity>(viewer, ground, company_id).await
}

/// What of a connection's values is mapped, and which kinds companies take over.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What each of the PSA's values is here; none where it is skipped.
    pub mapped: HashMap<(ValueKind, String), Option<Uuid>>,
    /// Kinds that companies take over.
    pub enabled: Vec<ValueKind>,
}

/// How the values of several connections in reach stand.
pub async fn of_connections(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Standing>, Error> {
    let db = ground.db.reader();
    let mut found: HashMap<Uuid, Standing> = HashMap::new();
    let mapped = reach::rows::<company_value_mapping::Entity>(viewer)
        .filter(company_value_mapping::Column::PsaConnectionId.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    for row in mapped {
        let standing = found.entry(row.psa_connection_id).or_default();
        standing.mapped.insert((row.kind, row.external_value), row.company_value_id);
    }
    let syncs = reach::rows::<company_value_sync::Entity>(viewer)
        .filter(company_value_sync::Column::PsaConnectionId.is_in(ids.iter().copied()))
        .filter(company_value_sync::Column::IsEnabled.eq(true))
        .order_by_asc(company_value_sync::Column::Kind)
        .all(db)
        .await?;
    for row in syncs {
        found.entry(row.psa_connection_id).or_default().enabled.push(row.kind);
    }
    Ok(found)
}

/// The types, statuses and markets of an organization, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ValueList {
    /// Of one of these kinds.
    pub kinds: Option<Vec<ValueKind>>,
    /// Part of the name.
    pub text: Option<String>,
}

impl List for ValueList {
    type Entity = company_value::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<company_value::Entity> {
        use company_value::Column as C;
        reach::rows::<company_value::Entity>(viewer)
            .filter(any_of(C::Kind, self.kinds.as_deref()))
            .filter(contains(&[C::Name], self.text.as_deref()))
    }

    fn parent(&self) -> ColumnRef {
        company_value::Column::OrganizationId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<company_value::Entity> {
        Order::ascending(company_value::Column::Name)
    }
}
