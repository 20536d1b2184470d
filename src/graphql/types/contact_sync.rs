//! How contacts of a connection are kept in step.

use std::collections::HashMap;

use async_graphql::{Context, Result, SimpleObject, dataloader::Loader};
use entity::{company, contact_setup, psa_connection};
use uuid::Uuid;

use super::Company;
use crate::{
    graphql::{
        Asking as _,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    psa,
    sync::contacts::{self, Settings},
};

/// A field of contacts that the PSA has.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContactField {
    /// The PSA's key; `custom:` stands before the names of those that people have made.
    pub key: String,
    /// As the PSA's own pages call it.
    pub label: String,
    /// Whether it is kept.
    pub is_kept: bool,
}

/// A type of contacts that the PSA has.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContactType {
    /// The PSA's value.
    pub value: String,
    /// The PSA's name for it.
    pub label: String,
    /// Whether contacts of it are read.
    pub is_chosen: bool,
}

/// What a field must say of contacts that are to be read.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContactCondition {
    /// The key of the field.
    pub field_key: String,
    /// One of these, in upper or lower case; null for anything.
    pub value_in: Option<Vec<String>>,
    /// Whether it says anything at all; null for either.
    pub is_known: Option<bool>,
    /// Why no contacts can be read by it, and how to mend that; null where they can.
    pub problem: Option<String>,
}

/// How contacts of a connection are kept in step.
#[derive(SimpleObject)]
pub struct ContactSync {
    /// Whether the platform gives contacts at all; `capabilities` says what it says of them.
    pub is_offered: bool,
    /// Whether they are read.
    pub is_enabled: bool,
    /// The PSA's fields beside name, e-mail, telephone and job title, which are always kept.
    pub fields: Vec<ContactField>,
    /// The PSA's types; empty where it has none.
    pub types: Vec<ContactType>,
    /// What their fields must say.
    pub conditions: Vec<ContactCondition>,
    /// Whose contacts are read: those of these companies, as far as they are mapped; null for all that are mapped, also
    /// those that will be.
    pub companies: Option<Vec<Company>>,
    /// Whether inactive ones are read, too.
    pub has_inactive: bool,
    /// When the PSA was asked for its fields and types, last; what every tenant has is shown before.
    pub fields_read_at: Option<DateTime>,
    /// How old the copy is: when all contacts were read last; null where they never were.
    pub synced_at: Option<DateTime>,
}

/// How contacts of a connection are kept in step.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ContactSetupOf(pub(super) Uuid);

impl Loader<ContactSetupOf> for Fetch {
    type Value = contact_setup::Model;
    type Error = Shared;

    async fn load(&self, keys: &[ContactSetupOf]) -> Result<HashMap<ContactSetupOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = contacts::of_connections(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (ContactSetupOf(id), row)).collect())
    }
}

pub(super) async fn contact_sync(
    ctx: &Context<'_>,
    connection: &psa_connection::Model,
) -> Result<ContactSync> {
    let loaders = ctx.loaders()?;
    let row = loaders.get(ContactSetupOf(connection.id)).await?;
    let offered = psa::platform(&connection.platform).and_then(psa::Platform::contacts);
    let is_offered = offered.is_some();
    let known = contacts::catalogue(row.as_ref(), &offered.unwrap_or_default().1);
    let settings = row.as_ref().map(Settings::of).unwrap_or_default();
    let fields = known.fields.iter().map(|field| ContactField {
        key: field.key.clone(),
        label: field.label.clone(),
        is_kept: settings.fields.contains(&field.key),
    });
    let types = known.types.iter().map(|item| ContactType {
        value: item.value.clone(),
        label: item.label.clone(),
        is_chosen: settings.types.as_ref().is_none_or(|chosen| chosen.contains(&item.value)),
    });
    let conditions = settings.conditions.iter().map(|condition| ContactCondition {
        field_key: condition.key.clone(),
        value_in: condition.values.clone(),
        is_known: condition.is_known,
        problem: Settings { conditions: vec![condition.clone()], ..Settings::default() }.problem(&known),
    });
    let companies = match &settings.company_ids {
        None => None,
        Some(ids) => {
            let found = ids.iter().map(|id| loaders.row::<company::Entity>(*id));
            let found = futures_util::future::try_join_all(found).await?;
            Some(found.into_iter().flatten().map(Company::from).collect())
        }
    };
    Ok(ContactSync {
        is_offered,
        is_enabled: row.as_ref().is_some_and(|row| row.is_enabled),
        fields: fields.collect(),
        types: types.collect(),
        conditions: conditions.collect(),
        companies,
        has_inactive: settings.include_inactive,
        fields_read_at: row.as_ref().and_then(|row| row.catalogue_at).map(DateTime),
        synced_at: row.as_ref().and_then(|row| row.synced_at).map(DateTime),
    })
}
