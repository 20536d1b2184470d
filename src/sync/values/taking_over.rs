//! Companies take their types, statuses and markets over from the PSA's companies that they are mapped to.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::{BTreeMap, HashMap};

use entity::{
    company, company_mapping, company_value::ValueKind, company_value_mapping, company_value_sync,
    psa_company,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{column, of_company};
use crate::ground::Ground;

/// What was just read of companies of the PSA holds for companies of ours that are mapped to them, as far as it is to
/// be kept in step. What is as it was is not written.
pub async fn take_over(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    rows: &[psa_company::Model],
) -> Result<(), DbErr> {
    use company_mapping::Column as M;
    use company_value_mapping::Column as V;
    let kinds: Vec<ValueKind> = company_value_sync::Entity::find()
        .select_only()
        .column(company_value_sync::Column::Kind)
        .filter(company_value_sync::Column::OrganizationId.eq(organization_id))
        .filter(company_value_sync::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(company_value_sync::Column::IsEnabled.eq(true))
        .into_tuple()
        .all(tx)
        .await?;
    if kinds.is_empty() || rows.is_empty() {
        return Ok(());
    }
    let values: HashMap<(ValueKind, String), Option<Uuid>> = company_value_mapping::Entity::find()
        .filter(V::OrganizationId.eq(organization_id))
        .filter(V::PsaConnectionId.eq(psa_connection_id))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| ((row.kind, row.external_value), row.company_value_id))
        .collect();
    let mapped = company_mapping::Entity::find()
        .filter(M::OrganizationId.eq(organization_id))
        .filter(M::PsaCompanyId.is_in(rows.iter().map(|row| row.id)))
        .filter(M::IsEnabled.eq(true))
        .all(tx)
        .await?;
    let companies: HashMap<Uuid, company::Model> = company::Entity::find()
        .filter(company::Column::OrganizationId.eq(organization_id))
        .filter(company::Column::Id.is_in(mapped.iter().map(|row| row.company_id)))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let theirs: HashMap<Uuid, &psa_company::Model> = rows.iter().map(|row| (row.id, row)).collect();
    // Those that get the same value are written together.
    let mut changes: BTreeMap<(ValueKind, Uuid), Vec<Uuid>> = BTreeMap::new();
    for mapping in &mapped {
        let (Some(our), Some(their)) =
            (companies.get(&mapping.company_id), theirs.get(&mapping.psa_company_id))
        else {
            continue;
        };
        let ids: BTreeMap<String, Vec<String>> =
            their.value_ids.clone().and_then(|ids| serde_json::from_value(ids).ok()).unwrap_or_default();
        for kind in &kinds {
            let all = ids.get(kind.pick_list()).map(Vec::as_slice).unwrap_or_default();
            // Of several the first that is mapped.
            let value = all.iter().find_map(|value| values.get(&(*kind, value.clone())).copied().flatten());
            if let Some(value) = value.filter(|value| of_company(our, *kind) != Some(*value)) {
                changes.entry((*kind, value)).or_default().push(our.id);
            }
        }
    }
    for ((kind, value), ids) in changes {
        company::Entity::update_many()
            .col_expr(column(kind), Expr::value(Some(value)))
            .col_expr(company::Column::UpdatedAt, Expr::value(ground.clock.now()))
            .filter(company::Column::OrganizationId.eq(organization_id))
            .filter(company::Column::Id.is_in(ids))
            .exec(tx)
            .await?;
    }
    Ok(())
}
