//! What can be done with PSA connections.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{company, organization, psa_connection, sync_run};
use tracing::Instrument as _;

use super::{
    credentials::{self, CredentialInput},
    once::{Asked, Earlier},
};
use crate::{
    db::walled,
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{PsaConnection, SyncRun, Verification, VerificationStep},
    },
    ground::Ground,
    organizations::{
        connections::{self, ConnectionChange, NewConnection},
        viewer::{Permission, Viewer},
    },
    psa::{self, http::Outbound},
    sync::{
        remote::CompanyFilter,
        runs::{self, Wanted},
    },
};

/// A connection to be made.
#[derive(Debug, InputObject)]
pub struct PsaConnectionCreateInput {
    /// Whose it is.
    pub organization_id: ID,
    /// Key of the platform, e.g. `halo`.
    pub platform: String,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: String,
    /// The one company that it is for; for all where none is given.
    pub company_id: Option<ID>,
    /// The login: values by key of the platform's `credentialFields`.
    pub credentials: Vec<CredentialInput>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `psaConnectionCreate` answers.
    PsaConnectionCreatePayload, PsaConnectionCreateUserError {
        /// The new connection.
        psa_connection: PsaConnection,
    }
}

/// What to change of a connection; what is absent stays.
#[derive(Debug, InputObject)]
pub struct PsaConnectionUpdateInput {
    /// The connection.
    pub id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: Option<String>,
    /// Whether it is used. Work for one that is switched off waits.
    pub is_enabled: Option<bool>,
    /// The one company that it is for; null for all.
    pub company_id: MaybeUndefined<ID>,
    /// Fields of the login to change; others stay, and one without a value is taken away. Where a field
    /// that is no secret changes, secret ones have to be given again: they are sent to where the others say.
    pub credentials: Option<Vec<CredentialInput>>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `psaConnectionUpdate` answers.
    PsaConnectionUpdatePayload, PsaConnectionUpdateUserError {
        /// The connection, changed.
        psa_connection: PsaConnection,
    }
}

/// Which connection to remove.
#[derive(Debug, InputObject)]
pub struct PsaConnectionDeleteInput {
    /// The connection.
    pub id: ID,
}

payload! {
    /// What `psaConnectionDelete` answers.
    PsaConnectionDeletePayload, PsaConnectionDeleteUserError {
        /// Id of the connection that was removed.
        deleted_psa_connection_id: ID,
    }
}

/// Which connection to check.
#[derive(Debug, InputObject)]
pub struct PsaConnectionVerifyInput {
    /// The connection.
    pub id: ID,
}

payload! {
    /// What `psaConnectionVerify` answers.
    PsaConnectionVerifyPayload, PsaConnectionVerifyUserError {
        /// The connection with its new health.
        psa_connection: PsaConnection,
        /// What was tried, in order.
        steps: Vec<VerificationStep>,
    }
}

/// Which companies to read; everything given must hold.
#[derive(Debug, Default, InputObject)]
pub struct SyncCompanyFilterInput {
    /// Part of the name.
    pub query: Option<String>,
    /// The type, as a value of the pick list `company_type`.
    pub company_type: Option<String>,
    /// The status, as a value of the pick list `company_status`.
    pub status: Option<String>,
    /// The market, as a value of the pick list `company_market`, where the platform has markets.
    pub market: Option<String>,
    /// Inactive ones, too.
    #[graphql(default)]
    pub has_inactive: bool,
}

impl SyncCompanyFilterInput {
    /// The domain's filter.
    pub(super) fn read(self) -> CompanyFilter {
        CompanyFilter {
            search: self.query,
            company_type: self.company_type,
            status: self.status,
            market: self.market,
            include_inactive: self.has_inactive,
        }
    }
}

/// Which companies to read through which connection.
#[derive(Debug, InputObject)]
pub struct PsaConnectionSyncCompaniesInput {
    /// The connection.
    pub id: ID,
    /// Only these; all active ones where it is absent.
    pub filter: Option<SyncCompanyFilterInput>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `psaConnectionSyncCompanies` answers.
    PsaConnectionSyncCompaniesPayload, PsaConnectionSyncCompaniesUserError {
        /// The reading that was queued, or the same one that waits already.
        sync_run: SyncRun,
    }
}

/// Through which connection to read pick lists.
#[derive(Debug, InputObject)]
pub struct PsaConnectionSyncPickListsInput {
    /// The connection.
    pub id: ID,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `psaConnectionSyncPickLists` answers.
    PsaConnectionSyncPickListsPayload, PsaConnectionSyncPickListsUserError {
        /// The reading that was queued, or the same one that waits already.
        sync_run: SyncRun,
    }
}

/// What can be done with PSA connections.
#[derive(Default)]
pub struct PsaConnectionMutation;

#[Object]
impl PsaConnectionMutation {
    /// Makes a connection to a PSA. The PSA is not called: see `psaConnectionVerify`. Needs `MANAGE_INTEGRATIONS`.
    async fn psa_connection_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The connection.")] input: PsaConnectionCreateInput,
    ) -> Result<Option<PsaConnectionCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground, outbound) = (asked.viewer(), ctx.ground()?, ctx.data::<Outbound>()?);
        let work = async {
            let organization_id =
                ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let read = match psa::platform(&input.platform) {
                Some(platform) => credentials::read(platform, input.credentials, outbound),
                None => Err(vec![no_platform(&input.platform)]),
            };
            let (credentials, problems) = split(read);
            let company_id = ids::parse_option::<company::Entity>(input.company_id.as_ref(), &["companyId"])?;
            let (platform, name) = (input.platform, input.name);
            let new = NewConnection { organization_id, platform, name, company_id, credentials, problems };
            Ok(PsaConnectionCreatePayload::done(connections::create(viewer, ground, new).await?.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let psa_connection = earlier.row::<psa_connection::Entity>().await?.map(Into::into);
            Ok(PsaConnectionCreatePayload { psa_connection, user_errors: Vec::new() })
        };
        PsaConnectionCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Changes a connection. Another login makes its health unknown; the gateway verifies it by itself, and
    /// the result shows in `verification` a moment later. Needs `MANAGE_INTEGRATIONS`.
    async fn psa_connection_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: PsaConnectionUpdateInput,
    ) -> Result<Option<PsaConnectionUpdatePayload>> {
        let (viewer, ground, outbound) = (ctx.viewer()?, ctx.ground()?, ctx.data::<Outbound>()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let row = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::ManageIntegrations, row.organization_id)?;
            let mut change = ConnectionChange {
                name: input.name,
                is_enabled: input.is_enabled,
                expected_version: input.expected_version,
                company_id: match input.company_id {
                    MaybeUndefined::Undefined => None,
                    MaybeUndefined::Null => Some(None),
                    MaybeUndefined::Value(id) => {
                        Some(Some(ids::parse::<company::Entity>(&id, &["companyId"])?))
                    }
                },
                ..ConnectionChange::default()
            };
            if let Some(typed) = input.credentials {
                let stored = connections::credentials(ground, &row).await?;
                let read = match psa::platform(&row.platform) {
                    Some(platform) => credentials::patch(platform, &stored, typed, outbound),
                    None => Err(vec![no_platform(&row.platform)]),
                };
                let (credentials, problems) = split(read);
                change.credentials = Some((row.credentials_version, credentials));
                change.problems = problems;
            }
            let changed = connections::update(viewer, ground, id, change).await?;
            Ok(PsaConnectionUpdatePayload::done(changed.into()))
        };
        PsaConnectionUpdatePayload::answer(work.await)
    }

    /// Removes a connection that nothing is built on, with its copies of the PSA's companies and lists. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn psa_connection_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which connection.")] input: PsaConnectionDeleteInput,
    ) -> Result<Option<PsaConnectionDeletePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            connections::delete(viewer, ground, id).await?;
            Ok(PsaConnectionDeletePayload::done(input.id.clone()))
        };
        PsaConnectionDeletePayload::answer(work.await)
    }

    /// Calls the PSA to find out whether the login works, and says which of its fields or permissions is wrong.
    /// Where this takes too long for one answer the result shows in `verification` later. Needs
    /// `CHECK_INTEGRATIONS`.
    async fn psa_connection_verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which connection.")] input: PsaConnectionVerifyInput,
    ) -> Result<Option<PsaConnectionVerifyPayload>> {
        let (viewer, ground, outbound) = (ctx.viewer()?, ctx.ground()?, ctx.data::<Outbound>()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let row = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::CheckIntegrations, row.organization_id)?;
            // Goes on to its end when the answer is no longer waited for.
            let check = verify(viewer.clone(), ground.clone(), row, outbound.clone());
            let checked = tokio::spawn(walled::carried(check).in_current_span())
                .await
                .map_err(|error| Error::Internal(error.into()))?;
            let (row, verification) = checked?;
            Ok(PsaConnectionVerifyPayload::done(row.into(), verification.steps))
        };
        PsaConnectionVerifyPayload::answer(work.await)
    }

    /// Reads the PSA's companies anew, in the background. Needs `CHECK_INTEGRATIONS`.
    async fn psa_connection_sync_companies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which companies.")] input: PsaConnectionSyncCompaniesInput,
    ) -> Result<Option<PsaConnectionSyncCompaniesPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let wanted = Wanted::Companies(input.filter.unwrap_or_default().read());
            let run = runs::request(viewer, ground, id, wanted).await?;
            Ok(PsaConnectionSyncCompaniesPayload::done(run.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let sync_run = earlier.row::<sync_run::Entity>().await?.map(Into::into);
            Ok(PsaConnectionSyncCompaniesPayload { sync_run, user_errors: Vec::new() })
        };
        PsaConnectionSyncCompaniesPayload::answer(asked.answer(work, again).await)
    }

    /// Reads the PSA's pick lists anew, in the background. Needs `CHECK_INTEGRATIONS`.
    async fn psa_connection_sync_pick_lists(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Through which connection.")] input: PsaConnectionSyncPickListsInput,
    ) -> Result<Option<PsaConnectionSyncPickListsPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let run = runs::request(viewer, ground, id, Wanted::PickLists).await?;
            Ok(PsaConnectionSyncPickListsPayload::done(run.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let sync_run = earlier.row::<sync_run::Entity>().await?.map(Into::into);
            Ok(PsaConnectionSyncPickListsPayload { sync_run, user_errors: Vec::new() })
        };
        PsaConnectionSyncPickListsPayload::answer(asked.answer(work, again).await)
    }
}

/// Checks a login and keeps the result. No transaction is open meanwhile.
async fn verify(
    viewer: Viewer,
    ground: Ground,
    row: psa_connection::Model,
    outbound: Outbound,
) -> Result<(psa_connection::Model, Verification), Error> {
    let Some(platform) = psa::platform(&row.platform) else { return Err(no_platform(&row.platform).into()) };
    let login = connections::credentials(&ground, &row).await?;
    let settings = connections::settings(&row);
    let budget = psa::budget_of(platform, &outbound, row.organization_id, row.id, &settings);
    let client = platform
        .connect(login, psa::counted(&ground, &outbound, budget))
        .map_err(|problems| Error::Invalid(problems.iter().map(stored_wrong).collect()))?;
    let verification = client.verify().await;
    let (is_ok, message) = (verification.is_ok(), verification.summary());
    let steps = serde_json::to_value(&verification)?;
    let verification = Verification::from(verification);
    let row = connections::record_verification(
        &viewer,
        &ground,
        row.id,
        row.credentials_version,
        steps,
        is_ok,
        &message,
    )
    .await?;
    Ok((row, verification))
}

/// What is wrong with a stored login: no field of this input is to blame.
fn stored_wrong(found: &psa::FieldProblem) -> Problem {
    let message = format!(
        "{}: {} Change the connection's credentials, then verify it again.",
        found.field, found.message
    );
    Problem { field: Vec::new(), code: ProblemCode::WrongState, message }
}

fn no_platform(key: &str) -> Problem {
    let known: Vec<_> = psa::platforms().iter().map(|platform| platform.key()).collect();
    let message = format!("there is no platform {key}; it is one of {}", known.join(", "));
    Problem::of("platform", ProblemCode::NotFound, message)
}

/// What was read, and what is wrong with it: the domain adds what it finds and tells all at once.
fn split<T: Default>(read: Result<T, Vec<Problem>>) -> (T, Vec<Problem>) {
    match read {
        Ok(value) => (value, Vec::new()),
        Err(problems) => (T::default(), problems),
    }
}
