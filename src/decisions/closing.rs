//! Tickets that close because of the time: those that had to stay open for a while, and those whose findings nobody
//! has seen for long.
#![expect(
    clippy::disallowed_methods,
    reason = "the clock's worker asks what is due, then scopes by organization"
)]

use entity::{
    Timestamp,
    finding::{self, FindingState},
    policy, ticket, ticket_finding, told_finding,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{LockType, Query, SelectStatement},
};
use uuid::Uuid;

use super::{
    ended::{Ending, end_on},
    event::CloseReason,
    handling::Handling,
    rules::Rules,
    told, waiting,
};
use crate::{
    error::Error,
    findings::record::close_reason_word,
    ground::Ground,
    queue::notifications,
    tickets::{pen::Pen, plan, text},
};

/// How many findings grow old in one transaction.
const BATCH: u64 = 50;

/// A ticket whose close is due.
pub fn any_due(now: Timestamp) -> SelectStatement {
    use ticket::Column as C;
    Query::select().column(C::Id).from(ticket::Entity).and_where(C::CloseDueAt.lte(now)).limit(1).take()
}

/// Tickets whose close is due, the longest waiting first: organization and ticket.
pub async fn due(db: &impl ConnectionTrait, now: Timestamp, limit: u64) -> Result<Vec<(Uuid, Uuid)>, DbErr> {
    use ticket::Column as C;
    ticket::Entity::find()
        .select_only()
        .columns([C::OrganizationId, C::Id])
        .filter(C::CloseDueAt.lte(now))
        .order_by_asc(C::CloseDueAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// Closes a ticket that had to stay open for a while, where nothing on it is open and nobody works on it by now.
pub async fn close(ground: &Ground, organization_id: Uuid, ticket_id: Uuid) -> Result<(), Error> {
    let ground_of = ground.clone();
    ground
        .db
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (pen, now) = (Pen::at_once(tx, &ground_of), ground_of.clock.now());
                let found = ticket::Entity::find_by_id(ticket_id)
                    .filter(ticket::Column::OrganizationId.eq(organization_id))
                    .filter(ticket::Column::CloseDueAt.lte(now))
                    .lock(LockType::Update)
                    .one(tx)
                    .await?;
                let Some(mut ticket) = found else { return Ok(()) };
                ticket.close_due_at = None;
                let is_over = plan::open_findings(pen, &ticket).await? == 0;
                if is_over && !ticket.is_touched && ticket.open_group_key.is_some() {
                    plan::close(pen, ticket, text::stayed_over(now), None).await?;
                    plan::wake_lanes(tx, &ground_of, organization_id, vec![ticket_id]).await?;
                } else if is_over && ticket.open_group_key.is_some() {
                    plan::note(pen, ticket, text::stayed_over(now), None).await?;
                    plan::wake_lanes(tx, &ground_of, organization_id, vec![ticket_id]).await?;
                } else {
                    plan::save(pen, ticket).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Ends findings that nobody has seen for as long as their tickets' policies say. Gives how many there were.
pub async fn age(ground: &Ground) -> Result<usize, Error> {
    let policies = policy::Entity::find()
        .filter(policy::Column::Handling.is_not_null())
        .order_by_asc(policy::Column::Id)
        .all(ground.db.reader())
        .await?;
    let mut count = 0;
    for policy in policies {
        let Some(secs) = Handling::of(&policy).age_secs else { continue };
        let before = ground.clock.now().plus_secs(-secs);
        let mut old = old(ground.db.reader(), &policy, before).await?;
        old.extend(old_told(ground.db.reader(), &policy, before).await?);
        if old.is_empty() {
            continue;
        }
        count += old.len();
        let ground_of = ground.clone();
        ground
            .db
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move { Ok(end(tx, &ground_of, &policy, old, before).await?) })
            })
            .await?;
    }
    Ok(count)
}

/// Findings on open tickets of a policy that nobody has seen since a time.
async fn old(
    db: &impl ConnectionTrait,
    policy: &policy::Model,
    before: Timestamp,
) -> Result<Vec<Uuid>, DbErr> {
    let on = |from, to| -> sea_orm::RelationDef {
        finding::Entity::belongs_to(ticket_finding::Entity).from(from).to(to).into()
    };
    let of = ticket_finding::Entity::belongs_to(ticket::Entity)
        .from(ticket_finding::Column::TicketId)
        .to(ticket::Column::Id)
        .into();
    finding::Entity::find()
        .select_only()
        .column(finding::Column::Id)
        .join(JoinType::InnerJoin, on(finding::Column::Id, ticket_finding::Column::FindingId))
        .join(JoinType::InnerJoin, of)
        .filter(ticket::Column::OrganizationId.eq(policy.organization_id))
        .filter(ticket::Column::PolicyId.eq(policy.id))
        .filter(ticket::Column::OpenGroupKey.is_not_null())
        .filter(finding::Column::State.eq(FindingState::Open))
        .filter(finding::Column::LastSeenAt.lt(before))
        .distinct()
        .limit(BATCH)
        .into_tuple()
        .all(db)
        .await
}

/// The same of those of which a policy wanted subscribers told.
async fn old_told(
    db: &impl ConnectionTrait,
    policy: &policy::Model,
    before: Timestamp,
) -> Result<Vec<Uuid>, DbErr> {
    let told = finding::Entity::belongs_to(told_finding::Entity)
        .from(finding::Column::Id)
        .to(told_finding::Column::FindingId)
        .into();
    finding::Entity::find()
        .select_only()
        .column(finding::Column::Id)
        .join(JoinType::InnerJoin, told)
        .filter(told_finding::Column::OrganizationId.eq(policy.organization_id))
        .filter(told_finding::Column::PolicyId.eq(policy.id))
        .filter(finding::Column::State.eq(FindingState::Open))
        .filter(finding::Column::LastSeenAt.lt(before))
        .limit(BATCH)
        .into_tuple()
        .all(db)
        .await
}

async fn end(
    tx: &DatabaseTransaction,
    ground: &Ground,
    policy: &policy::Model,
    ids: Vec<Uuid>,
    before: Timestamp,
) -> Result<(), DbErr> {
    let (pen, now) = (Pen::at_once(tx, ground), ground.clock.now());
    let organization_id = policy.organization_id;
    let findings = finding::Entity::find()
        .filter(finding::Column::OrganizationId.eq(organization_id))
        .filter(finding::Column::Id.is_in(ids))
        .filter(finding::Column::State.eq(FindingState::Open))
        .filter(finding::Column::LastSeenAt.lt(before))
        .order_by_asc(finding::Column::CompanyId)
        .order_by_asc(finding::Column::Source)
        .order_by_asc(finding::Column::Key)
        .lock(LockType::Update)
        .all(tx)
        .await?;
    let rules = Rules::recall(tx, ground, organization_id).await?;
    let (mut touched, mut told) = (Vec::new(), Vec::new());
    for finding in findings {
        let why = text::not_seen(&finding);
        let id = finding.id;
        told.extend(finding.is_told.then_some(id));
        let mut row = finding.into_active_model();
        row.state = sea_orm::Set(FindingState::Resolved);
        row.resolved_at = sea_orm::Set(Some(now));
        row.close_reason = sea_orm::Set(Some(close_reason_word(CloseReason::Expired)));
        row.update(tx).await?;
        waiting::forget(tx, organization_id, &[id], now).await?;
        for ticket in plan::open_tickets_of(pen, organization_id, id).await? {
            let ticket_id = ticket.id;
            plan::end_finding(pen, &ticket, id).await?;
            let left = plan::open_findings(pen, &ticket).await?;
            let ending = end_on((pen, &*rules), ticket, left, why.clone(), None).await?;
            tracing::info!(ticket.id = %ticket_id, finding.id = %id, ending = ?ending, "a finding was not seen for long");
            if ending != Ending::ClosesAlready {
                touched.push(ticket_id);
            }
        }
    }
    let news = told::over((tx, ground), organization_id, &told, None).await?;
    notifications::enqueue(tx, ground, news).await?;
    plan::wake_lanes(tx, ground, organization_id, touched).await
}
