//! What people ask of operations: another try.
#![expect(clippy::disallowed_methods, reason = "scopes every query by the viewer's organization")]

use entity::{
    ticket::TicketState,
    ticket_operation::{self, OperationKind, OperationState},
};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, EntityTrait as _, QuerySelect as _, Set, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    delivered::lock,
    plan::save,
    state::{Happening, after},
};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::viewer::{Permission, Viewer},
    queue::lanes,
};

/// Tries a given-up operation again, and ends a pause of its connection.
pub async fn retry(
    viewer: &Viewer,
    ground: &Ground,
    operation_id: Uuid,
) -> Result<ticket_operation::Model, Error> {
    let found = ticket_operation::Entity::find_by_id(operation_id).one(ground.db.reader()).await?;
    let found = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::Operate, found.organization_id)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let row = ground
        .db
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let now = ground_of.clock.now();
                let operation =
                    ticket_operation::Entity::find_by_id(operation_id).lock(LockType::Update).one(tx).await?;
                let operation = operation.ok_or(Error::NotFound)?;
                if operation.state != OperationState::Failed {
                    return Err(Problem::of(
                        "id",
                        ProblemCode::WrongState,
                        "only an operation that was given up can be retried; this one is done, cancelled or still to come",
                    )
                    .into());
                }
                let mut ticket = lock(tx, &operation).await?;
                if ticket.state_reason.as_deref() == Some("wrong_company") {
                    return Err(Problem::of(
                        "id",
                        ProblemCode::WrongState,
                        "the ticket is there, in the wrong company; another try would make a second one. Move it in the PSA",
                    )
                    .into());
                }
                let happening = match operation.kind {
                    OperationKind::Create | OperationKind::Link => Some(Happening::RetryPlanned),
                    OperationKind::Close => Some(Happening::ClosePlanned),
                    OperationKind::Reopen => Some(Happening::ReopenPlanned),
                    OperationKind::Note | OperationKind::ReadBack => None,
                };
                if let Some(happening) = happening {
                    let Some(state) = after(ticket.state, happening, None) else {
                        return Err(Problem::of("id", ProblemCode::WrongState, "the ticket has moved on; there is nothing left to retry").into());
                    };
                    if ticket.open_group_key.is_none() && state != TicketState::Closed {
                        ticket.open_group_key = Some(ticket.group_key.clone());
                        ticket.closed_at = None;
                        ticket.closed_by = None;
                    }
                    ticket.state = state;
                }
                ticket.state_reason = None;
                ticket.state_message = None;
                ticket.updated_at = now;
                let name = format!("{} of {}", operation.kind.to_value().to_uppercase(), ticket.title);
                save(tx, ticket).await?;
                let lane_id = operation.psa_connection_id;
                let old = operation.clone();
                let mut row: ticket_operation::ActiveModel = operation.into();
                row.state = Set(OperationState::Ready);
                row.run_at = Set(now);
                row.finished_at = Set(None);
                let row = row.update(tx).await?;
                lanes::resume(tx, lane_id, now).await?;
                let change = Change::between("ticketOperationRetry", &old, &row).named(name);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok(row)
            })
        })
        .await?;
    ground.wake.outbox();
    tracing::info!(operation.id = %operation_id, viewer = viewer.name, "an operation is tried again");
    Ok(row)
}
