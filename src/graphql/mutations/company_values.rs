//! What can be done with types, statuses and markets of companies.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};
use entity::{company, company_value, organization, psa_connection};

use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{Company, CompanyValue, CompanyValueKind, PsaConnection},
    },
    organizations::connections,
    psa,
    sync::values::{self, Target},
};

/// A type, a status or a market to be made.
#[derive(Debug, InputObject)]
pub struct CompanyValueCreateInput {
    /// Whose it is.
    pub organization_id: ID,
    /// What it says.
    pub kind: CompanyValueKind,
    /// Name for people, at most 200 characters; unique among the organization's of that kind.
    pub name: String,
}

payload! {
    /// What `companyValueCreate` answers.
    CompanyValueCreatePayload, CompanyValueCreateUserError {
        /// The new one.
        company_value: CompanyValue,
    }
}

/// A type, a status or a market to be renamed.
#[derive(Debug, InputObject)]
pub struct CompanyValueUpdateInput {
    /// Which.
    pub id: ID,
    /// Name for people, at most 200 characters; unique among the organization's of that kind.
    pub name: String,
}

payload! {
    /// What `companyValueUpdate` answers.
    CompanyValueUpdatePayload, CompanyValueUpdateUserError {
        /// It, renamed.
        company_value: CompanyValue,
    }
}

/// A type, a status or a market to be removed.
#[derive(Debug, InputObject)]
pub struct CompanyValueDeleteInput {
    /// Which.
    pub id: ID,
}

payload! {
    /// What `companyValueDelete` answers.
    CompanyValueDeletePayload, CompanyValueDeleteUserError {
        /// Id of the one that was removed.
        deleted_company_value_id: ID,
    }
}

/// Which company gets which type, status or market.
#[derive(Debug, InputObject)]
pub struct CompanyValueAssignInput {
    /// The company.
    pub company_id: ID,
    /// Which of them.
    pub kind: CompanyValueKind,
    /// The value; null takes away what it has.
    pub company_value_id: Option<ID>,
}

payload! {
    /// What `companyValueAssign` answers.
    CompanyValueAssignPayload, CompanyValueAssignUserError {
        /// The company with its value.
        company: Company,
    }
}

/// Whether companies take a kind over from a PSA.
#[derive(Debug, InputObject)]
pub struct CompanyValueSyncSetInput {
    /// From which connection.
    pub psa_connection_id: ID,
    /// Which of them.
    pub kind: CompanyValueKind,
    /// Whether they do.
    pub is_enabled: bool,
}

payload! {
    /// What `companyValueSyncSet` answers.
    CompanyValueSyncSetPayload, CompanyValueSyncSetUserError {
        /// The connection.
        psa_connection: PsaConnection,
    }
}

/// What one of the PSA's values is here: give exactly one.
#[derive(Debug, OneofObject)]
pub enum CompanyValueTargetInput {
    /// This one of ours, which gets the PSA's name.
    CompanyValueId(ID),
    /// True: one is made by the PSA's name, or taken where it is there.
    Create(bool),
    /// True: nothing; companies do not take it over.
    Skip(bool),
    /// True: it is not mapped any more.
    Unmap(bool),
}

/// Which of the PSA's values is what here.
#[derive(Debug, InputObject)]
pub struct CompanyValueMapInput {
    /// On which connection.
    pub psa_connection_id: ID,
    /// Which of them.
    pub kind: CompanyValueKind,
    /// The PSA's value, as in its pick list.
    pub external_value: String,
    /// What it is.
    pub target: CompanyValueTargetInput,
}

payload! {
    /// What `companyValueMap` answers.
    CompanyValueMapPayload, CompanyValueMapUserError {
        /// The connection.
        psa_connection: PsaConnection,
    }
}

/// Which of the PSA's values to make and map here.
#[derive(Debug, InputObject)]
pub struct CompanyValueCreateUnmappedInput {
    /// On which connection.
    pub psa_connection_id: ID,
    /// Which of them.
    pub kind: CompanyValueKind,
}

payload! {
    /// What `companyValueCreateUnmapped` answers.
    CompanyValueCreateUnmappedPayload, CompanyValueCreateUnmappedUserError {
        /// The connection.
        psa_connection: PsaConnection,
        /// How many were mapped.
        mapped_count: i32,
    }
}

/// What can be done with types, statuses and markets of companies.
#[derive(Default)]
pub struct CompanyValueMutation;

#[Object]
impl CompanyValueMutation {
    /// Makes a type, a status or a market. Needs `MANAGE_COMPANIES`.
    async fn company_value_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new one.")] input: CompanyValueCreateInput,
    ) -> Result<Option<CompanyValueCreatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let made = values::create(viewer, ground, id, input.kind.into(), &input.name).await?;
            Ok(CompanyValueCreatePayload::done(made.into()))
        };
        CompanyValueCreatePayload::answer(work.await)
    }

    /// Renames a type, a status or a market. Needs `MANAGE_COMPANIES`.
    async fn company_value_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: CompanyValueUpdateInput,
    ) -> Result<Option<CompanyValueUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_value::Entity>(&input.id, &["id"])?;
            Ok(CompanyValueUpdatePayload::done(values::rename(viewer, ground, id, &input.name).await?.into()))
        };
        CompanyValueUpdatePayload::answer(work.await)
    }

    /// Removes a type, a status or a market; companies that have it have none then. Needs `MANAGE_COMPANIES`.
    async fn company_value_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: CompanyValueDeleteInput,
    ) -> Result<Option<CompanyValueDeletePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_value::Entity>(&input.id, &["id"])?;
            values::delete(viewer, ground, id).await?;
            Ok(CompanyValueDeletePayload::done(input.id.clone()))
        };
        CompanyValueDeletePayload::answer(work.await)
    }

    /// Gives a company a type, a status or a market by hand. Where companies take it over from a PSA, the next sync does
    /// so again. Needs `MANAGE_COMPANIES`.
    async fn company_value_assign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which company, and what.")] input: CompanyValueAssignInput,
    ) -> Result<Option<CompanyValueAssignPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company::Entity>(&input.company_id, &["companyId"])?;
            let value = ids::parse_option::<company_value::Entity>(
                input.company_value_id.as_ref(),
                &["companyValueId"],
            )?;
            let company = values::assign(viewer, ground, id, input.kind.into(), value).await?;
            Ok(CompanyValueAssignPayload::done(company.into()))
        };
        CompanyValueAssignPayload::answer(work.await)
    }

    /// Says whether companies take their types, statuses or markets over from a PSA, at each sync. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn company_value_sync_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: CompanyValueSyncSetInput,
    ) -> Result<Option<CompanyValueSyncSetPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let kind: company_value::ValueKind = input.kind.into();
            let platform = connections::by_id(viewer, ground, id).await?.platform;
            let is_offered = psa::platform(&platform)
                .is_some_and(|platform| platform.capabilities().company_values.contains(&kind.pick_list()));
            let connection = values::set_sync(viewer, ground, id, kind, input.is_enabled, is_offered).await?;
            Ok(CompanyValueSyncSetPayload::done(connection.into()))
        };
        CompanyValueSyncSetPayload::answer(work.await)
    }

    /// Maps one of the PSA's types, statuses or markets, or skips it; ours gets the PSA's name. Companies take it over
    /// at the next sync. Needs `MANAGE_INTEGRATIONS`.
    async fn company_value_map(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what it is.")] input: CompanyValueMapInput,
    ) -> Result<Option<CompanyValueMapPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let target = match input.target {
                CompanyValueTargetInput::CompanyValueId(id) => {
                    Target::Ours(ids::parse::<company_value::Entity>(&id, &["target", "companyValueId"])?)
                }
                CompanyValueTargetInput::Create(true) => Target::Create,
                CompanyValueTargetInput::Skip(true) => Target::Skip,
                CompanyValueTargetInput::Unmap(true) => Target::Unmap,
                _ => {
                    let message = "give true, or another target";
                    return Err(Error::from(Problem::of("target", ProblemCode::Invalid, message)));
                }
            };
            let (kind, value) = (input.kind.into(), input.external_value);
            let connection = values::map(viewer, ground, id, kind, value, target).await?;
            Ok(CompanyValueMapPayload::done(connection.into()))
        };
        CompanyValueMapPayload::answer(work.await)
    }

    /// Makes and maps what is missing here: each of the PSA's types, statuses or markets that is neither mapped nor
    /// skipped. Needs `MANAGE_INTEGRATIONS`.
    async fn company_value_create_unmapped(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: CompanyValueCreateUnmappedInput,
    ) -> Result<Option<CompanyValueCreateUnmappedPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let (connection, count) = values::create_unmapped(viewer, ground, id, input.kind.into()).await?;
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            Ok(CompanyValueCreateUnmappedPayload::done(connection.into(), count))
        };
        CompanyValueCreateUnmappedPayload::answer(work.await)
    }
}
