//! The PSA's own lists of values: a copy.

use std::collections::HashMap;

use async_graphql::{Result, SimpleObject, dataloader::Loader};
use entity::pick_list;
use uuid::Uuid;

use crate::{
    graphql::{
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    sync::{
        pick_lists::{self, LoadedList},
        remote,
    },
};

/// One of the PSA's own lists of values: the copy that was read last.
#[derive(Clone, Debug, SimpleObject)]
pub struct PickList {
    /// Which list, e.g. `status`.
    pub key: String,
    /// Its values, in the PSA's order.
    pub items: Vec<PickItem>,
    /// Why it could not be read the last time; its values are those from before then.
    pub problem: Option<String>,
    /// When its values were read.
    pub synced_at: DateTime,
}

/// One value of a pick list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PickItem {
    /// What is sent to the PSA.
    pub value: String,
    /// What people see.
    pub label: String,
    /// The values of other lists under which this one may be used; a list that is not named sets no limit.
    pub parents: Vec<PickItemParent>,
    /// For statuses: whether a ticket in it is closed; null where the PSA does not tell.
    pub closes: Option<bool>,
}

/// The values of another list under which a value may be used.
#[derive(Clone, Debug, SimpleObject)]
pub struct PickItemParent {
    /// Key of the other list.
    pub key: String,
    /// One of these must be chosen there.
    pub values: Vec<String>,
}

impl From<pick_list::Model> for PickList {
    fn from(row: pick_list::Model) -> Self {
        let LoadedList { items, problem } = LoadedList::of(&row);
        Self {
            key: row.key,
            items: items.into_iter().map(PickItem::from).collect(),
            problem,
            synced_at: row.synced_at.into(),
        }
    }
}

impl From<remote::PickItem> for PickItem {
    fn from(item: remote::PickItem) -> Self {
        let parents = item.parents.into_iter().map(|(key, values)| PickItemParent { key, values });
        Self { value: item.value, label: item.label, parents: parents.collect(), closes: item.closes }
    }
}

/// The pick lists of a connection.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PickListsOf(pub(super) Uuid);

impl Loader<PickListsOf> for Fetch {
    type Value = Vec<pick_list::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[PickListsOf]) -> Result<HashMap<PickListsOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = pick_lists::of_connections(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (PickListsOf(id), rows)).collect())
    }
}
