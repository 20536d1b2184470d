//! What a PSA's types, statuses and markets are here, and which of them companies take over.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use entity::{
    company_value::{self, ValueKind},
    company_value_mapping, company_value_sync, psa_connection,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QuerySelect as _,
    sea_query::{LockType, OnConflict},
};
use uuid::Uuid;

use super::{MAX_NAME, Target, name_of, named, new, taken};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
    sync::{pick_lists, remote::PickItem},
};

async fn connection(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<psa_connection::Model, Error> {
    let row = reach::by_id::<psa_connection::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageIntegrations, row.organization_id)?;
    Ok(row)
}

/// Says whether companies take a kind over from a connection's PSA. `is_offered` is whether the platform has it.
pub async fn set_sync(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    kind: ValueKind,
    is_enabled: bool,
    is_offered: bool,
) -> Result<psa_connection::Model, Error> {
    let connection = connection(viewer, ground, psa_connection_id).await?;
    if is_enabled && !is_offered {
        let message = "this platform has none; make and assign them here";
        return Err(Problem::of("kind", ProblemCode::WrongState, message).into());
    }
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_value_sync::Column as C;
                let now = ground_of.clock.now();
                let row = company_value_sync::Model {
                    id: ground_of.chance.id(now),
                    organization_id: connection.organization_id,
                    psa_connection_id,
                    kind,
                    is_enabled,
                    updated_at: now,
                };
                company_value_sync::Entity::insert(row.into_active_model().reset_all())
                    .on_conflict(
                        OnConflict::columns([C::PsaConnectionId, C::Kind])
                            .update_columns([C::IsEnabled, C::UpdatedAt])
                            .to_owned(),
                    )
                    .exec_without_returning(tx)
                    .await?;
                let change = Change::of("companyValueSyncSet", &connection)
                    .is("kind", audit::facts::word(&kind))
                    .is("isEnabled", is_enabled);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(connection)
            })
        })
        .await
}

/// The PSA's values of a kind, from its pick list.
async fn theirs(
    tx: &DatabaseTransaction,
    connection: &psa_connection::Model,
    kind: ValueKind,
) -> Result<Vec<PickItem>, Error> {
    let lists = pick_lists::of_connection(tx, connection.organization_id, connection.id).await?;
    let Some(list) = lists.get(kind.pick_list()) else {
        let message =
            "the PSA's values are not known yet; read its pick lists first (psaConnectionSyncPickLists)";
        return Err(Problem::of("psaConnectionId", ProblemCode::WrongState, message).into());
    };
    Ok(list.items.clone())
}

/// Maps one of the PSA's values. Companies take it over at the next sync.
pub async fn map(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    kind: ValueKind,
    external_value: String,
    target: Target,
) -> Result<psa_connection::Model, Error> {
    let connection = connection(viewer, ground, psa_connection_id).await?;
    let (ground_of, by, row) = (ground.clone(), viewer.clone(), connection.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let items = theirs(tx, &row, kind).await?;
                let item = items.iter().find(|item| item.value == external_value);
                let Some(item) = item.filter(|_| target != Target::Unmap) else {
                    if target == Target::Unmap {
                        unmap(tx, &row, kind, &external_value).await?;
                        let change = Change::of("companyValueMap", &row).is("unmapped", external_value);
                        return audit::record(tx, &ground_of, &by, change).await;
                    }
                    let message = "the PSA has no such value; take one of its pick list";
                    return Err(Problem::of("externalValue", ProblemCode::NotInPickList, message).into());
                };
                let ours = match &target {
                    Target::Ours(id) => Some(take_name(tx, &ground_of, &row, kind, *id, &item.label).await?),
                    Target::Create => Some(made(tx, &ground_of, &row, kind, &item.label).await?.0),
                    Target::Skip | Target::Unmap => None,
                };
                write(tx, &ground_of, &row, kind, &item.value, ours).await?;
                let change = Change::of("companyValueMap", &row)
                    .is("kind", audit::facts::word(&kind))
                    .is("externalValue", item.label.as_str())
                    .is("companyValueId", ours.map(|id| crate::global_id::encode("CompanyValue", id)));
                audit::record(tx, &ground_of, &by, change).await
            })
        })
        .await?;
    Ok(connection)
}

/// Makes and maps what is missing here: each of the PSA's values that is neither mapped nor skipped. Gives how many.
pub async fn create_unmapped(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    kind: ValueKind,
) -> Result<(psa_connection::Model, u64), Error> {
    let connection = connection(viewer, ground, psa_connection_id).await?;
    let (ground_of, by, row) = (ground.clone(), viewer.clone(), connection.clone());
    let count = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_value_mapping::Column as C;
                let known: Vec<String> = company_value_mapping::Entity::find()
                    .select_only()
                    .column(C::ExternalValue)
                    .filter(C::OrganizationId.eq(row.organization_id))
                    .filter(C::PsaConnectionId.eq(row.id))
                    .filter(C::Kind.eq(kind))
                    .into_tuple()
                    .all(tx)
                    .await?;
                let mut count = 0_u64;
                for item in theirs(tx, &row, kind).await? {
                    if known.contains(&item.value) {
                        continue;
                    }
                    let (ours, _) = made(tx, &ground_of, &row, kind, &item.label).await?;
                    write(tx, &ground_of, &row, kind, &item.value, Some(ours)).await?;
                    count += 1;
                }
                let change = Change::of("companyValueCreateUnmapped", &row)
                    .is("kind", audit::facts::word(&kind))
                    .is("count", count);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(count)
            })
        })
        .await?;
    Ok((connection, count))
}

/// One of ours by the PSA's name, made where it is not there; and whether it was made.
async fn made(
    tx: &DatabaseTransaction,
    ground: &Ground,
    connection: &psa_connection::Model,
    kind: ValueKind,
    label: &str,
) -> Result<(Uuid, bool), Error> {
    use company_value::Column as C;
    let name = name_of(label).unwrap_or_else(|_| label.chars().take(MAX_NAME).collect());
    let found = company_value::Entity::find()
        .filter(C::OrganizationId.eq(connection.organization_id))
        .filter(C::Kind.eq(kind))
        .filter(C::Name.eq(name.as_str()))
        .one(tx)
        .await?;
    if let Some(found) = found {
        return Ok((found.id, false));
    }
    let row = new(ground, connection.organization_id, kind, name);
    let row = row.into_active_model().reset_all().insert(tx).await?;
    Ok((row.id, true))
}

/// Gives one of ours the PSA's name: it goes before ours.
async fn take_name(
    tx: &DatabaseTransaction,
    ground: &Ground,
    connection: &psa_connection::Model,
    kind: ValueKind,
    id: Uuid,
    label: &str,
) -> Result<Uuid, Error> {
    let found = company_value::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?;
    let found = found.filter(|row| row.organization_id == connection.organization_id && row.kind == kind);
    let Some(old) = found else {
        let message =
            "there is no such value of that kind in this organization; take the id from a list of them";
        return Err(Problem::of("companyValueId", ProblemCode::NotFound, message).into());
    };
    let name: String = label.trim().chars().take(MAX_NAME).collect();
    if !name.is_empty() && old.name != name {
        let in_use = taken(&name);
        named(ground, &old, name).into_active_model().reset_all().update(tx).await.map_err(in_use)?;
    }
    Ok(id)
}

async fn write(
    tx: &DatabaseTransaction,
    ground: &Ground,
    connection: &psa_connection::Model,
    kind: ValueKind,
    external_value: &str,
    company_value_id: Option<Uuid>,
) -> Result<(), Error> {
    use company_value_mapping::Column as C;
    let now = ground.clock.now();
    let row = company_value_mapping::Model {
        id: ground.chance.id(now),
        organization_id: connection.organization_id,
        psa_connection_id: connection.id,
        kind,
        external_value: external_value.chars().take(255).collect(),
        company_value_id,
        mapped_at: now,
    };
    company_value_mapping::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(
            OnConflict::columns([C::PsaConnectionId, C::Kind, C::ExternalValue])
                .update_columns([C::CompanyValueId, C::MappedAt])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

async fn unmap(
    tx: &DatabaseTransaction,
    connection: &psa_connection::Model,
    kind: ValueKind,
    external_value: &str,
) -> Result<(), Error> {
    use company_value_mapping::Column as C;
    company_value_mapping::Entity::delete_many()
        .filter(C::OrganizationId.eq(connection.organization_id))
        .filter(C::PsaConnectionId.eq(connection.id))
        .filter(C::Kind.eq(kind))
        .filter(C::ExternalValue.eq(external_value))
        .exec(tx)
        .await?;
    Ok(())
}
