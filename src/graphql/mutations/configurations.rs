//! What can be done with configurations.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{psa_connection, sync_run};

use super::once::{Asked, Earlier};
use crate::{
    error::{Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{ConfigurationTarget, PsaConnection, SyncRun},
    },
    organizations::{connections, viewer::Permission},
    psa,
    sync::{
        configurations::{self, SettingsChange},
        runs::{self, Wanted},
    },
};

/// Through which connection to read configurations.
#[derive(Debug, InputObject)]
pub struct PsaConnectionSyncConfigurationsInput {
    /// The connection.
    pub id: ID,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `psaConnectionSyncConfigurations` answers.
    PsaConnectionSyncConfigurationsPayload, PsaConnectionSyncConfigurationsUserError {
        /// The reading that was queued, or the same one that waits already.
        sync_run: SyncRun,
    }
}

/// From which fields something is to be taken.
#[derive(Debug, InputObject)]
pub struct ConfigurationMapInput {
    /// What is taken.
    pub target: ConfigurationTarget,
    /// The keys of the fields: the first that says something is taken, the others stand in for it. Null for the usual
    /// ones, none for nothing.
    pub field_keys: Option<Vec<String>>,
}

/// Which type assets of a kind are to have in the PSA.
#[derive(Debug, InputObject)]
pub struct ConfigurationWrittenTypeInput {
    /// The kind, as assets have it, in upper or lower case; null for all others.
    pub kind: Option<String>,
    /// The PSA's value of the type: one of `ConfigurationSync.types`.
    pub value: String,
}

/// How configurations are to be kept in step; what is absent stays.
#[derive(Debug, InputObject)]
pub struct ConfigurationSyncSetInput {
    /// Through which connection.
    pub psa_connection_id: ID,
    /// Whether they are read.
    pub is_enabled: Option<bool>,
    /// The keys of the fields to be downloaded; null for the usual ones.
    pub field_keys: MaybeUndefined<Vec<String>>,
    /// From which fields these are taken; others stay.
    pub maps: Option<Vec<ConfigurationMapInput>>,
    /// Whether those of all mapped companies are read, also of those that will be mapped; otherwise only of those whose
    /// mapping says `isConfigurationsEnabled`.
    pub has_all_companies: Option<bool>,
    /// Of one of these types, by their values; null for all.
    pub type_in: MaybeUndefined<Vec<String>>,
    /// In one of these statuses, by their values; null for all.
    pub status_in: MaybeUndefined<Vec<String>>,
    /// Whether inactive ones are read, too.
    pub has_inactive: Option<bool>,
    /// Whether the PSA is told of assets, where the platform takes that.
    pub is_written: Option<bool>,
    /// Which type assets have there, by their kind: all of them. Those of a kind that is not named are not told.
    pub written_types: Option<Vec<ConfigurationWrittenTypeInput>>,
    /// Types that are the PSA's own to keep, by their values: all of them. Assets of kinds that have one of these types are
    /// neither made nor changed there, and still found.
    pub psa_owned_type_in: Option<Vec<String>>,
    /// The PSA's id of the product that new configurations are of. Autotask makes none without one.
    pub written_product: Option<String>,
    /// Whether devices that events name become assets of the companies that are mapped here, or refresh them.
    pub takes_assets_from_events: Option<bool>,
    /// Whether a new ticket gets the configuration of the device that its event names.
    pub links_tickets: Option<bool>,
}

payload! {
    /// What `configurationSyncSet` answers.
    ConfigurationSyncSetPayload, ConfigurationSyncSetUserError {
        /// The connection.
        psa_connection: PsaConnection,
    }
}

/// A value, null, or nothing said.
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
fn said<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// What can be done with configurations.
#[derive(Default)]
pub struct ConfigurationMutation;

#[Object]
impl ConfigurationMutation {
    /// Reads the PSA's configurations anew, in the background: its fields, types and statuses, and where they are
    /// switched on the configurations of mapped companies. Needs `CHECK_INTEGRATIONS`.
    async fn psa_connection_sync_configurations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Through which connection.")] input: PsaConnectionSyncConfigurationsInput,
    ) -> Result<Option<PsaConnectionSyncConfigurationsPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let connection = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::CheckIntegrations, connection.organization_id)?;
            if psa::platform(&connection.platform).and_then(psa::Platform::configurations).is_none() {
                let message = "the API of this platform gives no configurations; there is nothing to be read";
                return Err(Problem::of("id", ProblemCode::WrongState, message).into());
            }
            let run = runs::request(viewer, ground, id, Wanted::Configurations).await?;
            Ok(PsaConnectionSyncConfigurationsPayload::done(run.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let sync_run = earlier.row::<sync_run::Entity>().await?.map(Into::into);
            Ok(PsaConnectionSyncConfigurationsPayload { sync_run, user_errors: Vec::new() })
        };
        PsaConnectionSyncConfigurationsPayload::answer(asked.answer(work, again).await)
    }

    /// Sets which configurations are read, what of them, and what becomes of it. The next run goes by it. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn configuration_sync_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: ConfigurationSyncSetInput,
    ) -> Result<Option<ConfigurationSyncSetPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let maps = input.maps.unwrap_or_default();
            let change = SettingsChange {
                is_enabled: input.is_enabled,
                fields: said(input.field_keys),
                maps: maps.into_iter().map(|map| (map.target.into(), map.field_keys)).collect(),
                only_chosen_companies: input.has_all_companies.map(|has_all| !has_all),
                types: said(input.type_in),
                statuses: said(input.status_in),
                include_inactive: input.has_inactive,
                is_written: input.is_written,
                written_types: input.written_types.map(|types| {
                    types.into_iter().map(|of| (of.kind.unwrap_or_default(), of.value)).collect()
                }),
                psa_types: input.psa_owned_type_in,
                written_product: input.written_product,
                takes_events: input.takes_assets_from_events,
                leaves_tickets: input.links_tickets.map(|links| !links),
            };
            let connection = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
            let platform = psa::platform(&connection.platform);
            if input.is_written == Some(true) && !platform.is_some_and(psa::Platform::writes_configurations) {
                let message = "the gateway makes no configurations on this platform; it can only read them";
                return Err(Problem::of("isWritten", ProblemCode::WrongState, message).into());
            }
            let offered = platform.and_then(psa::Platform::configurations);
            let connection = configurations::set(viewer, ground, id, change, offered).await?;
            Ok(ConfigurationSyncSetPayload::done(connection.into()))
        };
        ConfigurationSyncSetPayload::answer(work.await)
    }
}
