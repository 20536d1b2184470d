//! What can be done with companies, their aliases and mappings.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{company, company_alias, company_mapping, organization};

use super::{
    listed,
    many::{self, CompanyMappingSetManyItem},
    once::{Asked, Earlier},
};
use crate::{
    error::Error,
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{Company, CompanyAlias, CompanyMapping},
    },
    organizations::{
        companies::{self, NewAlias},
        mappings::{self, Copied},
    },
};

/// A company to be made.
#[derive(Debug, InputObject)]
pub struct CompanyCreateInput {
    /// Whose customer it is.
    pub organization_id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: String,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `companyCreate` answers.
    CompanyCreatePayload, CompanyCreateUserError {
        /// The new company.
        company: Company,
    }
}

/// What to change of a company; what is absent stays.
#[derive(Debug, InputObject)]
pub struct CompanyUpdateInput {
    /// The company.
    pub id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: Option<String>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `companyUpdate` answers.
    CompanyUpdatePayload, CompanyUpdateUserError {
        /// The company, changed.
        company: Company,
    }
}

/// Which company to remove.
#[derive(Debug, InputObject)]
pub struct CompanyDeleteInput {
    /// The company.
    pub id: ID,
}

payload! {
    /// What `companyDelete` answers.
    CompanyDeletePayload, CompanyDeleteUserError {
        /// Id of the company that was removed.
        deleted_company_id: ID,
    }
}

/// A name or id that a sender has for a company.
#[derive(Debug, InputObject)]
pub struct CompanyAliasAddInput {
    /// The company meant.
    pub company_id: ID,
    /// Which product uses it, as its events name it in `source`; absent or `*` for any. At most 100
    /// characters.
    pub source: Option<String>,
    /// The name or id as sent, upper and lower case told apart; at most 255 characters.
    pub value: String,
}

payload! {
    /// What `companyAliasAdd` answers.
    CompanyAliasAddPayload, CompanyAliasAddUserError {
        /// The new alias.
        company_alias: CompanyAlias,
        /// Its company.
        company: Company,
    }
}

/// Which alias to remove.
#[derive(Debug, InputObject)]
pub struct CompanyAliasRemoveInput {
    /// The alias.
    pub id: ID,
}

payload! {
    /// What `companyAliasRemove` answers.
    CompanyAliasRemovePayload, CompanyAliasRemoveUserError {
        /// Id of the alias that was removed.
        deleted_company_alias_id: ID,
        /// The company it was of.
        company: Company,
    }
}

/// A company, and what it is at a PSA.
#[derive(Debug, InputObject)]
pub struct CompanyMappingSetInput {
    /// Our side.
    pub company_id: ID,
    /// The PSA's side, which says on which connection.
    pub psa_company_id: ID,
    /// Whether tickets are opened for it. Absent leaves it as it is: on, for a new mapping.
    pub is_ticketing_enabled: Option<bool>,
    /// A ticket profile of its own, of the same connection; null takes it away, absent leaves it.
    pub ticket_profile_id: MaybeUndefined<ID>,
    /// An event set of its own, other events open no tickets for it; null takes it away, absent leaves it.
    pub event_set_id: MaybeUndefined<ID>,
    /// Whether the mapping is used at all. Absent leaves it as it is: on, for a new one.
    pub is_enabled: Option<bool>,
    /// Whether its configurations are read where not those of all companies are (see `configurationSyncSet`). Absent
    /// leaves it as it is: off, for a new one.
    pub is_configurations_enabled: Option<bool>,
    /// The mapping's version that you have seen, 0 where you have seen none: where it is another by now nothing is
    /// changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `companyMappingSet` answers.
    CompanyMappingSetPayload, CompanyMappingSetUserError {
        /// The mapping, new or changed.
        company_mapping: CompanyMapping,
    }
}

/// Which mapping to copy to which companies.
#[derive(Debug, InputObject)]
pub struct CompanyMappingCopyInput {
    /// The mapping.
    pub id: ID,
    /// The companies, 1 to 100. One that has no mapping on that connection is mapped to the same company of the PSA; one
    /// that has keeps what it is mapped to and gets the settings.
    pub company_ids: Vec<ID>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `companyMappingCopy` answers.
    CompanyMappingCopyPayload, CompanyMappingCopyUserError {
        /// The mappings of those companies, in the order of the input.
        company_mappings: Vec<CompanyMapping>,
    }
}

/// Which mapping to remove.
#[derive(Debug, InputObject)]
pub struct CompanyMappingRemoveInput {
    /// The mapping.
    pub id: ID,
}

payload! {
    /// What `companyMappingRemove` answers.
    CompanyMappingRemovePayload, CompanyMappingRemoveUserError {
        /// Id of the mapping that was removed.
        deleted_company_mapping_id: ID,
    }
}

/// What can be done with companies, their aliases and mappings.
#[derive(Default)]
pub struct CompanyMutation;

#[Object]
impl CompanyMutation {
    /// Makes a company. Needs `MANAGE_COMPANIES`.
    async fn company_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The company.")] input: CompanyCreateInput,
    ) -> Result<Option<CompanyCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let organization_id =
                ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let made = companies::create(viewer, ground, organization_id, &input.name).await?;
            Ok(CompanyCreatePayload::done(made.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let company = earlier.row::<company::Entity>().await?.map(Into::into);
            Ok(CompanyCreatePayload { company, user_errors: Vec::new() })
        };
        CompanyCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Changes a company's name. Needs `MANAGE_COMPANIES`.
    async fn company_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: CompanyUpdateInput,
    ) -> Result<Option<CompanyUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company::Entity>(&input.id, &["id"])?;
            let changed =
                companies::rename(viewer, ground, id, input.name.as_deref(), input.expected_version).await?;
            Ok(CompanyUpdatePayload::done(changed.into()))
        };
        CompanyUpdatePayload::answer(work.await)
    }

    /// Removes a company with its aliases and mappings; one that has findings or tickets stays. Needs
    /// `MANAGE_COMPANIES`.
    async fn company_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which company.")] input: CompanyDeleteInput,
    ) -> Result<Option<CompanyDeletePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company::Entity>(&input.id, &["id"])?;
            companies::delete(viewer, ground, id).await?;
            Ok(CompanyDeletePayload::done(input.id.clone()))
        };
        CompanyDeletePayload::answer(work.await)
    }

    /// Adds a name or id that a sender has for a company; held events are decided again. Needs `MANAGE_COMPANIES`.
    async fn company_alias_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The alias.")] input: CompanyAliasAddInput,
    ) -> Result<Option<CompanyAliasAddPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let company_id = ids::parse::<company::Entity>(&input.company_id, &["companyId"])?;
            let new = NewAlias { company_id, source: input.source, value: input.value };
            let (alias, company) = companies::add_alias(viewer, ground, new).await?;
            Ok(CompanyAliasAddPayload::done(alias.into(), company.into()))
        };
        CompanyAliasAddPayload::answer(work.await)
    }

    /// Removes an alias. Needs `MANAGE_COMPANIES`.
    async fn company_alias_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which alias.")] input: CompanyAliasRemoveInput,
    ) -> Result<Option<CompanyAliasRemovePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_alias::Entity>(&input.id, &["id"])?;
            let company = companies::remove_alias(viewer, ground, id).await?;
            Ok(CompanyAliasRemovePayload::done(input.id.clone(), company.into()))
        };
        CompanyAliasRemovePayload::answer(work.await)
    }

    /// Maps a company to one of a PSA, or maps it anew on that connection; held events are decided again. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn company_mapping_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The two sides.")] input: CompanyMappingSetInput,
    ) -> Result<Option<CompanyMappingSetPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let set = many::mapping(CompanyMappingSetManyItem {
                company_id: input.company_id,
                psa_company_id: input.psa_company_id,
                is_ticketing_enabled: input.is_ticketing_enabled,
                ticket_profile_id: input.ticket_profile_id,
                event_set_id: input.event_set_id,
                is_enabled: input.is_enabled,
                is_configurations_enabled: input.is_configurations_enabled,
                expected_version: input.expected_version,
            });
            let set = set.map_err(Error::Invalid)?;
            Ok(CompanyMappingSetPayload::done(mappings::set(viewer, ground, set).await?.into()))
        };
        CompanyMappingSetPayload::answer(work.await)
    }

    /// Copies a mapping and its settings to other companies, all or none; held events are decided again. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn company_mapping_copy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which mapping, to which companies.")] input: CompanyMappingCopyInput,
    ) -> Result<Option<CompanyMappingCopyPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_mapping::Entity>(&input.id, &["id"])?;
            let company_ids = listed::<company::Entity>(&input.company_ids, "companyIds")?;
            let rows = mappings::copy(viewer, ground, Copied { id, company_ids }).await?;
            Ok(CompanyMappingCopyPayload::done(rows.into_iter().map(Into::into).collect()))
        };
        let again = async |earlier: Earlier<'_>| {
            let rows = earlier.rows::<company_mapping::Entity>().await?;
            let rows = rows.into_iter().flatten().flatten().map(Into::into).collect();
            Ok(CompanyMappingCopyPayload { company_mappings: Some(rows), user_errors: Vec::new() })
        };
        CompanyMappingCopyPayload::answer(asked.answer(work, again).await)
    }

    /// Takes a mapping away: events of the company are held from then on. Needs `MANAGE_INTEGRATIONS`.
    async fn company_mapping_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which mapping.")] input: CompanyMappingRemoveInput,
    ) -> Result<Option<CompanyMappingRemovePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_mapping::Entity>(&input.id, &["id"])?;
            mappings::remove(viewer, ground, id).await?;
            Ok(CompanyMappingRemovePayload::done(input.id.clone()))
        };
        CompanyMappingRemovePayload::answer(work.await)
    }
}
