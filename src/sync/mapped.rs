//! The companies of a PSA whose people, assets and tickets are copied: those that are mapped now, so that new ones join by
//! themselves.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::{HashMap, HashSet};

use entity::{company_mapping, psa_company};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::db::portions;

/// How many are asked for at once: SQLite takes 32,766 values.
const BATCH: usize = 512;

/// Of companies by the PSA's ids, those that are mapped, with our ids of their copies. `chosen` is what more a mapping
/// must be.
pub(super) async fn by_external_id<'a>(
    tx: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    external_ids: impl Iterator<Item = &'a String>,
    chosen: Condition,
) -> Result<HashMap<String, Uuid>, DbErr> {
    use company_mapping::Column as M;
    use psa_company::Column as C;
    let ids: HashSet<&str> = external_ids.map(String::as_str).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut mapped = HashMap::new();
    for ids in ids.chunks(BATCH) {
        let rows: Vec<(Uuid, String)> = psa_company::Entity::find()
            .select_only()
            .columns([C::Id, C::ExternalId])
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::PsaConnectionId.eq(psa_connection_id))
            .filter(C::ExternalId.is_in(portions::filled(ids.iter().copied())))
            .into_tuple()
            .all(tx)
            .await?;
        if rows.is_empty() {
            continue;
        }
        let found: Vec<Uuid> = company_mapping::Entity::find()
            .select_only()
            .column(M::PsaCompanyId)
            .filter(M::OrganizationId.eq(organization_id))
            .filter(M::PsaConnectionId.eq(psa_connection_id))
            .filter(M::IsEnabled.eq(true))
            .filter(M::PsaCompanyId.is_in(portions::filled(rows.iter().map(|row| row.0))))
            .filter(chosen.clone())
            .into_tuple()
            .all(tx)
            .await?;
        let found: HashSet<Uuid> = found.into_iter().collect();
        let kept = rows.into_iter().filter(|row| found.contains(&row.0));
        mapped.extend(kept.map(|(id, external_id)| (external_id, id)));
    }
    Ok(mapped)
}
