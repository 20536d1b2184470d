//! Types, statuses and markets of companies, and what they are at PSAs.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use entity::{company_value, organization, psa_connection};
use uuid::Uuid;

use super::{Organization, all, pick_list::PickListsOf};
use crate::{
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    psa,
    sync::{
        pick_lists::LoadedList,
        values::{self, Standing, ValueList},
    },
};

/// What a value says of companies. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "company_value::ValueKind")]
pub enum CompanyValueKind {
    /// What they are to the MSP: a customer, a prospect, a vendor.
    Type,
    /// Whether and how the MSP works for them.
    Status,
    /// What they do. ConnectWise has markets; elsewhere they are made and assigned here.
    Market,
}

/// A type, a status or a market that companies have: the organization's own.
pub struct CompanyValue(pub company_value::Model);

impl From<company_value::Model> for CompanyValue {
    fn from(row: company_value::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// Types, statuses and markets of companies, by name.
    CompanyValueConnection, CompanyValueEdge, CompanyValue, ValueList
}

/// Which types, statuses and markets; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct CompanyValueFilter {
    /// Of one of these kinds.
    pub kind_in: Option<Vec<CompanyValueKind>>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

impl CompanyValueFilter {
    /// The domain's list.
    pub fn read(self) -> ValueList {
        ValueList { kinds: all(self.kind_in), text: self.query }
    }
}

/// A type, a status or a market that companies have: the organization's own.
#[Object]
impl CompanyValue {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<company_value::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// What it says.
    async fn kind(&self) -> CompanyValueKind {
        self.0.kind.into()
    }

    /// Name for people; unique among the organization's of that kind. The PSA's where it is mapped to one.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Counts changes by people, from 1.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// One of the PSA's values, and what it is here.
#[derive(SimpleObject)]
pub struct CompanyValueMapping {
    /// The PSA's value, as in its pick list.
    pub external_value: String,
    /// The PSA's name for it.
    pub label: String,
    /// What it is here; null where it is not mapped.
    pub company_value: Option<CompanyValue>,
    /// Whether somebody chose that companies do not take it over.
    pub is_skipped: bool,
}

/// How types, statuses or markets of a connection's PSA and ours go together.
#[derive(SimpleObject)]
pub struct CompanyValueSync {
    /// Which of them.
    pub kind: CompanyValueKind,
    /// Whether the platform has them; where not they are made and assigned here.
    pub is_offered: bool,
    /// Whether companies take them over at each sync.
    pub is_enabled: bool,
    /// The PSA's values, in its order, as they were read last.
    pub values: Vec<CompanyValueMapping>,
}

/// How the values of a connection stand.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ValuesOf(pub(super) Uuid);

impl Loader<ValuesOf> for Fetch {
    type Value = Standing;
    type Error = Shared;

    async fn load(&self, keys: &[ValuesOf]) -> Result<HashMap<ValuesOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = values::of_connections(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, standing)| (ValuesOf(id), standing)).collect())
    }
}

/// How types, statuses and markets of a connection's PSA and ours go together.
pub(super) async fn company_value_syncs(
    ctx: &Context<'_>,
    connection: &psa_connection::Model,
) -> Result<Vec<CompanyValueSync>> {
    let loaders = ctx.loaders()?;
    let lists = loaders.get(PickListsOf(connection.id)).await?.unwrap_or_default();
    let standing = loaders.get(ValuesOf(connection.id)).await?.unwrap_or_default();
    let offered = psa::platform(&connection.platform)
        .map(|platform| platform.capabilities().company_values)
        .unwrap_or_default();
    let mut syncs = Vec::new();
    for kind in company_value::ValueKind::ALL {
        let list = lists.iter().find(|list| list.key == kind.pick_list());
        let items = list.map(|list| LoadedList::of(list).items).unwrap_or_default();
        let shown = items.into_iter().map(async |item| {
            let mapped = standing.mapped.get(&(kind, item.value.clone())).copied();
            let company_value = match mapped.flatten() {
                Some(id) => loaders.row::<company_value::Entity>(id).await?.map(CompanyValue::from),
                None => None,
            };
            let is_skipped = mapped == Some(None);
            let (external_value, label) = (item.value, item.label);
            Ok::<_, async_graphql::Error>(CompanyValueMapping {
                external_value,
                label,
                company_value,
                is_skipped,
            })
        });
        let values: Result<Vec<_>> = futures_util::future::join_all(shown).await.into_iter().collect();
        syncs.push(CompanyValueSync {
            kind: kind.into(),
            is_offered: offered.contains(&kind.pick_list()),
            is_enabled: standing.enabled.contains(&kind),
            values: values?,
        });
    }
    Ok(syncs)
}
