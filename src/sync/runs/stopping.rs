//! Stopping a run: what it has done until then stays.

use entity::{psa_connection, sync_run, sync_run::SyncStatus};
use uuid::Uuid;

use super::steps;
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    global_id,
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
    queue::lanes,
};

/// Stops a run that waits or is under way. One that is under way ends before its next page.
pub async fn cancel(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<sync_run::Model, Error> {
    let run = reach::by_id::<sync_run::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::CheckIntegrations, run.organization_id)?;
    let connection = reach::by_id::<psa_connection::Entity>(viewer, ground, run.psa_connection_id).await?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let problem = format!("stopped by {}; what was done until then stays", viewer.name);
    let cancelled = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = ground_of.clock.now();
                match steps::end(tx, id, SyncStatus::Cancelled, Some(problem), now).await {
                    Err(Error::NotFound) => {
                        let message = "the run has ended already; there is nothing to stop";
                        return Err(Problem::of("id", ProblemCode::WrongState, message).into());
                    }
                    other => other?,
                }
                // Whatever waits behind it is due now.
                lanes::wake(tx, connection.id, now).await?;
                let change = Change::of("syncRunCancel", &connection)
                    .is("syncRunId", global_id::encode("SyncRun", id));
                audit::record(tx, &ground_of, &by, change).await
            })
        })
        .await;
    cancelled?;
    ground.wake.outbox();
    reach::by_id::<sync_run::Entity>(viewer, ground, id).await
}
