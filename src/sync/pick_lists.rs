//! The copy of a PSA's pick lists.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{BTreeMap, HashMap};

use entity::pick_list;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, Set,
    sea_query::OnConflict,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    companies::plain,
    remote::{PickItem, RemotePickList},
    runs::{Counts, Failure},
};
use crate::{
    error::Error,
    ground::Ground,
    organizations::{reach, viewer::Viewer},
};

const MAX_KEY: usize = 64;
const MAX_TEXT: usize = 255;

/// A list as it was last loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedList {
    /// Its values, in the PSA's order.
    pub items: Vec<PickItem>,
    /// Why it could not be loaded the last time; the values are older then.
    pub problem: Option<String>,
}

impl LoadedList {
    /// That of a row.
    pub fn of(row: &pick_list::Model) -> Self {
        let items = serde_json::from_value(row.items.clone()).unwrap_or_default();
        Self { items, problem: row.problem.clone() }
    }
}

/// Stores all lists of a connection as its PSA has just shown them. A list that could not be loaded keeps
/// the values it had and says why; one that is no longer among them goes. Gives how many were new, other or the same.
pub async fn store_pick_lists(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    lists: &[RemotePickList],
) -> Result<(Counts, Vec<Failure>), DbErr> {
    use pick_list::Column as C;
    let now = ground.clock.now();
    let (mut counts, mut failures) = (Counts::default(), Vec::new());
    let known = of_connection(tx, organization_id, psa_connection_id).await?;
    for list in lists {
        let key = plain(&list.key, MAX_KEY);
        let items: Vec<_> = list.items.iter().map(cleaned).collect();
        let problem = list.problem.as_deref().map(|problem| plain(problem, 1_000));
        match (&problem, known.get(&key)) {
            (Some(problem), _) => {
                counts.failed += 1;
                let message = format!("{problem}; mend it in the PSA, then sync the pick lists again");
                failures.push(Failure { external_id: None, name: Some(key.clone()), message });
            }
            (None, None) => counts.created += 1,
            (None, Some(old)) if old.items == items && old.problem.is_none() => counts.unchanged += 1,
            (None, Some(_)) => counts.updated += 1,
        }
        let mut update = OnConflict::columns([C::PsaConnectionId, C::Key]);
        if problem.is_some() {
            update.update_column(C::Problem);
        } else {
            update.update_columns([C::Items, C::Problem, C::SyncedAt]);
        }
        let row = pick_list::ActiveModel {
            id: Set(ground.chance.id(now)),
            organization_id: Set(organization_id),
            psa_connection_id: Set(psa_connection_id),
            key: Set(key),
            items: Set(json!(items)),
            problem: Set(problem),
            synced_at: Set(now),
        };
        pick_list::Entity::insert(row).on_conflict(update).exec_without_returning(tx).await?;
    }
    pick_list::Entity::delete_many()
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::Key.is_not_in(lists.iter().map(|list| plain(&list.key, MAX_KEY))))
        .exec(tx)
        .await?;
    Ok((counts, failures))
}

/// The lists of a connection as they were last loaded, by key.
pub async fn of_connection(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<BTreeMap<String, LoadedList>, DbErr> {
    let rows = pick_list::Entity::find()
        .filter(pick_list::Column::OrganizationId.eq(organization_id))
        .filter(pick_list::Column::PsaConnectionId.eq(psa_connection_id))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.key.clone(), LoadedList::of(&row))).collect())
}

/// The copied lists of several connections in reach, in the order of their keys.
pub async fn of_connections(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<pick_list::Model>>, Error> {
    let rows = reach::rows::<pick_list::Entity>(viewer)
        .filter(pick_list::Column::PsaConnectionId.is_in(psa_connection_ids.iter().copied()))
        .order_by_asc(pick_list::Column::Key)
        .all(ground.db.reader())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry(row.psa_connection_id).or_default().push(row);
    }
    Ok(found)
}

/// An item from outside, on one line each and without what a database would refuse. Values stay whole:
/// they are sent back to the PSA.
fn cleaned(item: &PickItem) -> PickItem {
    let value = |text: &str| text.replace('\0', "");
    PickItem {
        value: value(&item.value),
        label: plain(&item.label, MAX_TEXT),
        parents: item
            .parents
            .iter()
            .map(|(list, values)| (value(list), values.iter().map(|text| value(text)).collect()))
            .collect(),
        closes: item.closes,
    }
}
