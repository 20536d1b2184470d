//! By what companies of ours are found among many: kept in step before they are compared, so that a name is looked up
//! in an index and never held against all others.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{BTreeSet, HashMap};

use entity::{company, company_alias, company_lookup};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::{error::Error, ground::Ground, sync::names};

/// How many companies are brought in step at a time.
const BATCH: u64 = 500;
/// How many rows go into one statement.
const ROWS: usize = 2_000;
/// The longest id of a sender that is looked up, in characters.
const MAX_ID: usize = 100;

/// What an id of a sender or of a PSA is looked up by.
pub(super) fn of_id(id: &str) -> Option<String> {
    let id = id.trim().to_lowercase();
    (!id.is_empty() && id.chars().count() <= MAX_ID).then(|| format!("i:{id}"))
}

/// What a domain is looked up by.
pub(super) fn of_domain(domain: &str) -> String {
    format!("d:{domain}")
}

fn of_company(row: &company::Model, aliases: &[company_alias::Model]) -> BTreeSet<String> {
    let mut found = names::lookups(&names::key(&row.name));
    for alias in aliases {
        found.extend(of_id(&alias.value));
        found.extend(names::domain(&alias.value).map(|domain| of_domain(&domain)));
        let key = names::key(&alias.value);
        if !key.is_empty() {
            found.insert(format!("n:{key}"));
        }
    }
    found
}

/// Brings the lookups of all companies of an organization in step. What is as it was is not written.
pub async fn refresh(ground: &Ground, organization_id: Uuid) -> Result<(), Error> {
    let mut after = Some(Uuid::nil());
    while let Some(id) = after {
        after = refresh_some(ground, organization_id, id).await?;
    }
    Ok(())
}

async fn refresh_some(ground: &Ground, organization_id: Uuid, after: Uuid) -> Result<Option<Uuid>, Error> {
    let db = ground.db.reader();
    let companies = company::Entity::find()
        .filter(company::Column::OrganizationId.eq(organization_id))
        .filter(company::Column::Id.gt(after))
        .order_by_asc(company::Column::Id)
        .limit(BATCH)
        .all(db)
        .await?;
    let ids: Vec<Uuid> = companies.iter().map(|row| row.id).collect();
    let mut aliases: HashMap<Uuid, Vec<company_alias::Model>> = HashMap::new();
    let rows = company_alias::Entity::find()
        .filter(company_alias::Column::OrganizationId.eq(organization_id))
        .filter(company_alias::Column::CompanyId.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    for row in rows {
        aliases.entry(row.company_id).or_default().push(row);
    }
    let mut known: HashMap<Uuid, Vec<company_lookup::Model>> = HashMap::new();
    let rows = company_lookup::Entity::find()
        .filter(company_lookup::Column::OrganizationId.eq(organization_id))
        .filter(company_lookup::Column::CompanyId.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    for row in rows {
        known.entry(row.company_id).or_default().push(row);
    }
    let (mut gone, mut new, now) = (Vec::new(), Vec::new(), ground.clock.now());
    for row in &companies {
        let wanted = of_company(row, aliases.get(&row.id).map(Vec::as_slice).unwrap_or_default());
        let mut there = BTreeSet::new();
        for old in known.remove(&row.id).unwrap_or_default() {
            // Two nodes at the same time may have written one twice.
            if wanted.contains(&old.lookup) && there.insert(old.lookup.clone()) {
                continue;
            }
            gone.push(old.id);
        }
        new.extend(wanted.into_iter().filter(|lookup| !there.contains(lookup)).map(|lookup| {
            let id = ground.chance.id(now);
            company_lookup::Model { id, organization_id, company_id: row.id, lookup }
        }));
    }
    if !gone.is_empty() || !new.is_empty() {
        let write = ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                for some in gone.chunks(ROWS) {
                    company_lookup::Entity::delete_many()
                        .filter(company_lookup::Column::Id.is_in(some.iter().copied()))
                        .exec(tx)
                        .await?;
                }
                for some in new.chunks(ROWS) {
                    let rows = some.iter().cloned().map(|row| row.into_active_model().reset_all());
                    company_lookup::Entity::insert_many(rows).exec_without_returning(tx).await?;
                }
                Ok(())
            })
        });
        write.await?;
    }
    let is_last = ids.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
    Ok(ids.last().copied().filter(|_| !is_last))
}
