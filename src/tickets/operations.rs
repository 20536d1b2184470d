//! What people ask of operations: another try.
#![expect(clippy::disallowed_methods, reason = "tickets are looked up by the operations the asker sees")]

use std::collections::{BTreeSet, HashMap};

use entity::{
    ticket,
    ticket::TicketState,
    ticket_operation::{self, OperationKind, OperationState},
};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Set, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    observe::group_has_other,
    pen::Pen,
    plan::save,
    state::{Happening, after},
};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        once::Done,
        reach,
        viewer::{Permission, Viewer},
    },
    queue::lanes,
};

/// Tries a given-up operation again, and ends a pause of its connection.
pub async fn retry(
    viewer: &Viewer,
    ground: &Ground,
    operation_id: Uuid,
) -> Result<ticket_operation::Model, Error> {
    let row = reach::by_id::<ticket_operation::Entity>(viewer, ground, operation_id).await?;
    viewer.may(Permission::Operate, row.organization_id)?;
    let outcome = retry_many(viewer, ground, vec![Ok(operation_id)]).await?.pop().ok_or(Error::NotFound)?;
    outcome.map_err(|problems| {
        let on_id = |problem| Problem { field: vec!["id".to_owned()], ..problem };
        Error::Invalid(problems.into_iter().map(on_id).collect())
    })
}

/// The same with many at once, each with its own outcome: one that cannot be tried again leaves the others to be
/// tried. Operations and tickets are read and locked in one statement of each kind.
pub async fn retry_many(
    viewer: &Viewer,
    ground: &Ground,
    ids: Vec<Result<Uuid, Vec<Problem>>>,
) -> Result<Vec<Result<ticket_operation::Model, Vec<Problem>>>, Error> {
    if !viewer.holds(Permission::Operate) {
        return Err(Permission::Operate.is_lacking());
    }
    let (viewer_of, ground_of, once) = (viewer.clone(), ground.clone(), viewer.once());
    let outcomes = ground
        .db
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let now = ground_of.clock.now();
                let mut locked = Locked::read(tx, &viewer_of, ids.iter().flatten().copied()).await?;
                let (mut outcomes, mut lanes) = (Vec::with_capacity(ids.len()), BTreeSet::new());
                for id in ids {
                    let outcome = match id {
                        Ok(id) => locked.retry(Pen::at_once(tx, &ground_of), id).await?,
                        Err(problems) => Err(problems),
                    };
                    lanes.extend(outcome.iter().map(|row| row.psa_connection_id));
                    outcomes.push(outcome);
                }
                for lane in lanes {
                    lanes::resume(tx, lane, now).await?;
                }
                once.finish(tx, &ground_of, &Done::rows(&outcomes, |row: &ticket_operation::Model| row.id))
                    .await?;
                audit::record_all(tx, &ground_of, &viewer_of, locked.changes).await?;
                Ok(outcomes)
            })
        })
        .await?;
    ground.wake.outbox();
    for row in outcomes.iter().flatten() {
        tracing::info!(operation.id = %row.id, viewer = viewer.name, "an operation is tried again");
    }
    Ok(outcomes)
}

/// Operations in the asker's sight and their tickets, locked in the order of their ids.
struct Locked {
    operations: HashMap<Uuid, ticket_operation::Model>,
    tickets: HashMap<Uuid, ticket::Model>,
    /// What was done, for the audit log.
    changes: Vec<Change>,
}

impl Locked {
    async fn read(
        tx: &DatabaseTransaction,
        viewer: &Viewer,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<Self, DbErr> {
        let operations = reach::rows::<ticket_operation::Entity>(viewer)
            .filter(ticket_operation::Column::Id.is_in(ids))
            .order_by_asc(ticket_operation::Column::Id)
            .lock(LockType::Update)
            .all(tx)
            .await?;
        let tickets = ticket::Entity::find()
            .filter(ticket::Column::Id.is_in(operations.iter().map(|row| row.ticket_id)))
            .order_by_asc(ticket::Column::Id)
            .lock(LockType::Update)
            .all(tx)
            .await?;
        Ok(Self {
            operations: operations.into_iter().map(|row| (row.id, row)).collect(),
            tickets: tickets.into_iter().map(|row| (row.id, row)).collect(),
            changes: Vec::new(),
        })
    }

    /// Nothing is written before it is plain that it can be tried again.
    async fn retry(
        &mut self,
        pen: Pen<'_>,
        id: Uuid,
    ) -> Result<Result<ticket_operation::Model, Vec<Problem>>, DbErr> {
        let (tx, now) = (pen.tx, pen.ground.clock.now());
        let wrong = |code, message: &str| Ok(Err(vec![Problem::at(&[], code, message)]));
        let found = self.operations.get(&id).cloned();
        let found = found.and_then(|row| Some((self.tickets.get(&row.ticket_id).cloned()?, row)));
        let Some((mut ticket, operation)) = found else {
            return wrong(
                ProblemCode::NotFound,
                "there is no such operation; take the id from a list of them",
            );
        };
        if operation.state != OperationState::Failed {
            let message = "only an operation that was given up can be retried; this one is done, cancelled or still to come";
            return wrong(ProblemCode::WrongState, message);
        }
        if ticket.state_reason.as_deref() == Some("wrong_company") {
            let message = "the ticket is there, in the wrong company; another try would make a second one. Move it in the PSA";
            return wrong(ProblemCode::WrongState, message);
        }
        if let Some(happening) = happening(operation.kind) {
            let Some(state) = after(ticket.state, happening, None) else {
                let message = "the ticket has moved on; there is nothing left to retry";
                return wrong(ProblemCode::WrongState, message);
            };
            if ticket.open_group_key.is_none() && state != TicketState::Closed {
                if group_has_other(tx, &ticket).await? {
                    let message =
                        "its findings are on a newer open ticket by now; there is nothing left to retry";
                    return wrong(ProblemCode::WrongState, message);
                }
                ticket.open_group_key = Some(ticket.group_key.clone());
                ticket.closed_at = None;
                ticket.closed_by = None;
            }
            ticket.state = state;
        }
        ticket.state_reason = None;
        ticket.state_message = None;
        ticket.updated_at = now;
        let ticket = save(pen, ticket).await?;
        let name = format!("{} of {}", operation.kind.to_value().to_uppercase(), ticket.title);
        self.tickets.insert(ticket.id, ticket);
        let mut row: ticket_operation::ActiveModel = operation.clone().into();
        row.state = Set(OperationState::Ready);
        row.run_at = Set(now);
        row.finished_at = Set(None);
        let row = row.update(tx).await?;
        self.changes.push(Change::between("ticketOperationRetry", &operation, &row).named(name));
        self.operations.insert(row.id, row.clone());
        Ok(Ok(row))
    }
}

/// What another try means for the ticket.
fn happening(kind: OperationKind) -> Option<Happening> {
    match kind {
        OperationKind::Create | OperationKind::Link => Some(Happening::RetryPlanned),
        OperationKind::Close => Some(Happening::ClosePlanned),
        OperationKind::Reopen => Some(Happening::ReopenPlanned),
        OperationKind::Note | OperationKind::ReadBack => None,
    }
}
