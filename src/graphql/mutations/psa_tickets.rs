//! What can be done with the copy of PSAs' own tickets.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{psa_connection, sync_run};

use super::once::{Asked, Earlier};
use crate::{
    error::{Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{PsaConnection, SyncRun},
    },
    organizations::{connections, viewer::Permission},
    psa,
    sync::{
        psa_tickets::{self, SettingsChange},
        runs::{self, Wanted},
    },
};

/// Through which connection to read its own tickets.
#[derive(Debug, InputObject)]
pub struct PsaConnectionSyncTicketsInput {
    /// The connection.
    pub id: ID,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `psaConnectionSyncTickets` answers.
    PsaConnectionSyncTicketsPayload, PsaConnectionSyncTicketsUserError {
        /// The reading that was queued, or the same one that waits already.
        sync_run: SyncRun,
    }
}

/// How a PSA's own tickets are to be copied; what is absent stays.
#[derive(Debug, InputObject)]
pub struct PsaTicketSyncSetInput {
    /// Through which connection.
    pub psa_connection_id: ID,
    /// Whether those of mapped companies are copied.
    pub is_enabled: Option<bool>,
    /// Those that changed within so many days are copied, 1 to 3650; older ones when they change. 90 where nobody says.
    pub days: Option<i32>,
    /// Whether their notes are copied, too: one more call for each ticket that changed.
    pub has_notes: Option<bool>,
}

payload! {
    /// What `psaTicketSyncSet` answers.
    PsaTicketSyncSetPayload, PsaTicketSyncSetUserError {
        /// The connection.
        psa_connection: PsaConnection,
    }
}

fn is_offered(platform: &str) -> bool {
    psa::platform(platform).and_then(psa::Platform::own_tickets).is_some()
}

/// What can be done with the copy of PSAs' own tickets.
#[derive(Default)]
pub struct PsaTicketMutation;

#[Object]
impl PsaTicketMutation {
    /// Reads the PSA's own tickets of mapped companies that changed since the run before, in the background, and the notes
    /// of those that did. They must be switched on (`psaTicketSyncSet`). Needs `CHECK_INTEGRATIONS`.
    async fn psa_connection_sync_tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Through which connection.")] input: PsaConnectionSyncTicketsInput,
    ) -> Result<Option<PsaConnectionSyncTicketsPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let connection = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::CheckIntegrations, connection.organization_id)?;
            if !is_offered(&connection.platform) {
                let message =
                    "the API of this platform does not show its own tickets; there is nothing to read";
                return Err(Problem::of("id", ProblemCode::WrongState, message).into());
            }
            let setup =
                psa_tickets::of_connection(ground.db.reader(), connection.organization_id, id).await?;
            if !setup.is_some_and(|setup| setup.is_enabled) {
                let message = "its own tickets are not copied; switch that on first (psaTicketSyncSet)";
                return Err(Problem::of("id", ProblemCode::WrongState, message).into());
            }
            let run = runs::request(viewer, ground, id, Wanted::Tickets).await?;
            Ok(PsaConnectionSyncTicketsPayload::done(run.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let sync_run = earlier.row::<sync_run::Entity>().await?.map(Into::into);
            Ok(PsaConnectionSyncTicketsPayload { sync_run, user_errors: Vec::new() })
        };
        PsaConnectionSyncTicketsPayload::answer(asked.answer(work, again).await)
    }

    /// Sets whether the PSA's own tickets of mapped companies are copied, how far back, and whether with notes. The next run
    /// goes by it; a schedule (`syncScheduleSet`) asks for runs. Switched off, the copy stays as it is. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn psa_ticket_sync_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: PsaTicketSyncSetInput,
    ) -> Result<Option<PsaTicketSyncSetPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let change = SettingsChange {
                is_enabled: input.is_enabled,
                // What is below zero is refused as zero is.
                days: input.days.map(|days| u32::try_from(days).unwrap_or(0)),
                includes_notes: input.has_notes,
            };
            let platform = connections::by_id(viewer, ground, id).await?.platform;
            let connection = psa_tickets::set(viewer, ground, id, change, is_offered(&platform)).await?;
            Ok(PsaTicketSyncSetPayload::done(connection.into()))
        };
        PsaTicketSyncSetPayload::answer(work.await)
    }
}
