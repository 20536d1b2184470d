//! A device of a company, as scanners know it.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use entity::{asset, asset_link, company, psa_connection};
use uuid::Uuid;

use super::{Company, OrderDirection, PsaConnection, ReferenceFilter, filters::ordering};
use crate::{
    error::Error,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::{DateTime, Url},
    },
    sync::assets::{self, AssetList},
};

/// A device of a company, as scanners know it.
pub struct CompanyAsset(pub asset::Model);

impl From<asset::Model> for CompanyAsset {
    fn from(row: asset::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of assets, by name unless ordered otherwise.
    CompanyAssetConnection, CompanyAssetEdge, CompanyAsset, AssetList
}

/// Which assets; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct CompanyAssetFilter {
    /// Part of the name, serial number or the sender's name for it, in upper or lower case.
    pub query: Option<String>,
    /// Whose.
    pub company: Option<ReferenceFilter>,
    /// Of one of these kinds.
    pub kind_in: Option<Vec<String>>,
}

ordering! {
    /// The order of assets; those that are equal stand in the order of their ids.
    CompanyAssetOrder, CompanyAssetOrderField of asset, Asc, [
        /// Their names.
        #[default]
        Name,
    ]
}

impl CompanyAssetFilter {
    /// The domain's list.
    pub fn read(self, of_company: bool, order_by: Option<CompanyAssetOrder>) -> Result<AssetList, Error> {
        let company_ids = ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?;
        let filter = assets::AssetFilter { text: self.query, company_ids, kinds: self.kind_in };
        Ok(AssetList { of_company, filter, order: order_by.map(Into::into) })
    }
}

/// Which configuration of a PSA an asset is.
#[derive(SimpleObject)]
pub struct CompanyAssetLink {
    /// On which connection.
    pub psa_connection: PsaConnection,
    /// The PSA's id of the configuration; null where none is known.
    pub external_id: Option<String>,
    /// Where a person opens it in the PSA.
    pub external_url: Option<Url>,
    /// Whether it is the gateway that writes it; where not, it was found there and is the PSA's own to keep.
    pub is_written: bool,
    /// Why the PSA could not be told of it, and how to mend that; null where it could.
    pub problem: Option<String>,
    /// When the PSA was last told, or looked at for it.
    pub updated_at: DateTime,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct LinksOf(Uuid);

impl Loader<LinksOf> for Fetch {
    type Value = Vec<asset_link::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[LinksOf]) -> Result<HashMap<LinksOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = assets::links_of(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (LinksOf(id), rows)).collect())
    }
}

fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A device of a company, as scanners know it.
#[Object]
impl CompanyAsset {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<asset::Entity>(self.0.id)
    }

    /// The customer that has it.
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Ok(ctx.loaders()?.named::<company::Entity>(self.0.company_id).await?.into())
    }

    /// The sender's own stable name for it.
    async fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is, e.g. `Workstation`.
    async fn kind(&self) -> Option<&str> {
        known(&self.0.kind)
    }

    /// Its serial number.
    async fn serial_number(&self) -> Option<&str> {
        known(&self.0.serial_number)
    }

    /// The day on which it was bought, as in `2026-01-31`.
    async fn purchased_on(&self) -> Option<&str> {
        known(&self.0.purchased_on)
    }

    /// The day on which its warranty ends, as in `2026-01-31`.
    async fn expires_on(&self) -> Option<&str> {
        known(&self.0.expires_on)
    }

    /// Its memory, in words.
    async fn ram(&self) -> Option<&str> {
        known(&self.0.ram)
    }

    /// Its operating system, in words.
    async fn os_type(&self) -> Option<&str> {
        known(&self.0.os_type)
    }

    /// Who made it.
    async fn manufacturer(&self) -> Option<&str> {
        known(&self.0.manufacturer)
    }

    /// Which configurations of PSAs it is.
    async fn links(&self, ctx: &Context<'_>) -> Result<Vec<CompanyAssetLink>> {
        let loaders = ctx.loaders()?;
        let rows = loaders.get(LinksOf(self.0.id)).await?.unwrap_or_default();
        let shown = rows.into_iter().map(async |row| {
            Ok::<_, async_graphql::Error>(CompanyAssetLink {
                psa_connection: loaders.named::<psa_connection::Entity>(row.psa_connection_id).await?.into(),
                external_id: row.external_id,
                external_url: row.external_url.map(Url),
                is_written: row.is_written,
                problem: row.problem,
                updated_at: row.updated_at.into(),
            })
        });
        futures_util::future::try_join_all(shown).await
    }

    /// When it was last said to be there, to the hour.
    async fn seen_at(&self) -> DateTime {
        self.0.seen_at.into()
    }

    /// When something of it was other than before, last.
    async fn changed_at(&self) -> DateTime {
        self.0.changed_at.into()
    }

    /// When it was first seen.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}
