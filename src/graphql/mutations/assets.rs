//! What can be done with devices as scanners know them.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::{asset, company, organization, psa_connection, sync_run};

use super::once::{Asked, Earlier};
use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{CompanyAsset, SyncRun},
    },
    organizations::{connections, viewer::Permission},
    psa,
    sync::{
        assets::{self, Said},
        runs::{self, Wanted},
    },
};

/// How many are taken in at once.
const MAX: usize = 500;

/// What is said of a device: one of many. What is absent stays as it is known.
#[derive(Debug, InputObject)]
pub struct AssetUpsertItem {
    /// The customer that has it.
    pub company_id: ID,
    /// Your own stable name for it, at most 200 characters: by it the device is known again whatever it is called.
    pub key: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is, e.g. `Workstation`: decides as what a PSA is told of it.
    pub kind: Option<String>,
    /// Its serial number: by it the device is known again where its key is not.
    pub serial_number: Option<String>,
    /// The day on which it was bought, as in `2026-01-31`.
    pub purchased_on: Option<String>,
    /// The day on which its warranty ends, as in `2026-01-31`.
    pub expires_on: Option<String>,
    /// Its memory, in words.
    pub ram: Option<String>,
    /// Its operating system, in words.
    pub os_type: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
}

/// What is said of devices.
#[derive(Debug, InputObject)]
pub struct AssetUpsertInput {
    /// Whose customers they belong to.
    pub organization_id: ID,
    /// The devices, 500 at the most.
    pub assets: Vec<AssetUpsertItem>,
    /// Your key for this request: see `CompanyMappingSetManyInput.idempotencyKey`. What is said twice changes nothing in
    /// any case.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `assetUpsert` answers.
    AssetUpsertPayload, AssetUpsertUserError {
        /// What became of each, in the order of the input.
        results: Vec<AssetUpsertResult>,
    }
}

/// What became of one of them.
#[derive(SimpleObject)]
pub struct AssetUpsertResult {
    /// Its place in the input's list, from 0.
    pub index: i32,
    /// The device; null where something is wrong.
    pub asset: Option<CompanyAsset>,
    /// What is wrong with it; empty when it was taken in.
    pub user_errors: Vec<AssetUpsertUserError>,
}

impl AssetUpsertPayload {
    fn of(outcomes: Vec<std::result::Result<Option<asset::Model>, Vec<Problem>>>) -> Self {
        let result = |(index, outcome): (usize, std::result::Result<Option<asset::Model>, Vec<Problem>>)| {
            let place = i32::try_from(index).unwrap_or(i32::MAX);
            match outcome {
                Ok(asset) => {
                    AssetUpsertResult { index: place, asset: asset.map(Into::into), user_errors: Vec::new() }
                }
                Err(problems) => {
                    let problems = problems.into_iter().map(|problem| problem.within("assets", index));
                    let user_errors = problems.map(AssetUpsertUserError).collect();
                    AssetUpsertResult { index: place, asset: None, user_errors }
                }
            }
        };
        Self::done(outcomes.into_iter().enumerate().map(result).collect())
    }
}

/// Through which connection to tell a PSA.
#[derive(Debug, InputObject)]
pub struct PsaConnectionPushAssetsInput {
    /// The connection.
    pub id: ID,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `psaConnectionPushAssets` answers.
    PsaConnectionPushAssetsPayload, PsaConnectionPushAssetsUserError {
        /// The run that was queued, or the same one that waits already.
        sync_run: SyncRun,
    }
}

/// What can be done with devices as scanners know them.
#[derive(Default)]
pub struct AssetMutation;

#[Object]
impl AssetMutation {
    /// Takes in what is said of devices; a wrong one leaves the others taken in. A device is known again by its key, then
    /// by its serial number, then by its name, within its company; none is ever removed. Needs `MANAGE_COMPANIES`.
    async fn asset_upsert(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The devices.")] input: AssetUpsertInput,
    ) -> Result<Option<AssetUpsertPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let count = input.assets.len();
            if count > MAX {
                let message = format!(
                    "{count} are given, {MAX} are taken in at once; send the others in another request"
                );
                return Err(Error::from(Problem::of("assets", ProblemCode::TooLong, message)));
            }
            let rows = input.assets.into_iter().map(said).collect();
            let outcomes = assets::upsert(viewer, ground, id, rows).await?;
            Ok(AssetUpsertPayload::of(outcomes.into_iter().map(|outcome| outcome.map(Some)).collect()))
        };
        let again =
            async |earlier: Earlier<'_>| Ok(AssetUpsertPayload::of(earlier.rows::<asset::Entity>().await?));
        AssetUpsertPayload::answer(asked.answer(work, again).await)
    }

    /// Tells the PSA of the assets of mapped companies, in the background: those that are new to it are made there unless
    /// they are found, those that changed are changed, none is removed. `configurationSyncSet` says as what. Needs
    /// `CHECK_INTEGRATIONS`.
    async fn psa_connection_push_assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Through which connection.")] input: PsaConnectionPushAssetsInput,
    ) -> Result<Option<PsaConnectionPushAssetsPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let connection = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::CheckIntegrations, connection.organization_id)?;
            if !psa::platform(&connection.platform).is_some_and(psa::Platform::writes_configurations) {
                let message =
                    "the gateway makes no configurations on this platform; there is nothing to be told";
                return Err(Problem::of("id", ProblemCode::WrongState, message).into());
            }
            let run = runs::request(viewer, ground, id, Wanted::Assets).await?;
            Ok(PsaConnectionPushAssetsPayload::done(run.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let sync_run = earlier.row::<sync_run::Entity>().await?.map(Into::into);
            Ok(PsaConnectionPushAssetsPayload { sync_run, user_errors: Vec::new() })
        };
        PsaConnectionPushAssetsPayload::answer(asked.answer(work, again).await)
    }
}

fn said(item: AssetUpsertItem) -> std::result::Result<Said, Vec<Problem>> {
    let company_id =
        ids::parse::<company::Entity>(&item.company_id, &["companyId"]).map_err(|problem| vec![problem])?;
    Ok(Said {
        company_id,
        key: item.key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()),
        name: item.name,
        kind: item.kind,
        serial_number: item.serial_number,
        purchased_on: item.purchased_on,
        expires_on: item.expires_on,
        ram: item.ram,
        os_type: item.os_type,
        manufacturer: item.manufacturer,
    })
}
