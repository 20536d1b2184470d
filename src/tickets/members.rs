//! Which findings are on a ticket, and what its next note has to say of them.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    Timestamp,
    finding::{self, FindingState},
    ticket, ticket_finding,
};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _, Set,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::plan;
use crate::ground::Ground;

/// Puts a finding on a ticket; it may be there already. Says whether it is new there, or there again after it was
/// over.
pub async fn add_finding(
    tx: &DatabaseTransaction,
    ground: &Ground,
    ticket: &ticket::Model,
    finding_id: Uuid,
) -> Result<bool, DbErr> {
    use ticket_finding::Column as C;
    let now = ground.clock.now();
    let row = ticket_finding::ActiveModel {
        id: Set(ground.chance.id(now)),
        organization_id: Set(ticket.organization_id),
        ticket_id: Set(ticket.id),
        finding_id: Set(finding_id),
        added_at: Set(now),
        ended_at: Set(None),
        is_told: Set(false),
    };
    let mut is_new = ticket_finding::Entity::insert(row)
        .on_conflict(OnConflict::columns([C::TicketId, C::FindingId]).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?
        > 0;
    if !is_new {
        is_new = ticket_finding::Entity::update_many()
            .col_expr(C::EndedAt, Expr::value(None::<Timestamp>))
            .col_expr(C::AddedAt, Expr::value(now))
            .col_expr(C::IsTold, Expr::value(false))
            .filter(C::OrganizationId.eq(ticket.organization_id))
            .filter(C::TicketId.eq(ticket.id))
            .filter(C::FindingId.eq(finding_id))
            .filter(C::EndedAt.is_not_null())
            .exec(tx)
            .await?
            .rows_affected
            > 0;
    }
    plan::changed(ticket, now);
    Ok(is_new)
}

/// Writes down that a finding is over on a ticket.
pub async fn end_finding(
    tx: &DatabaseTransaction,
    ticket: &ticket::Model,
    finding_id: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    use ticket_finding::Column as C;
    ticket_finding::Entity::update_many()
        .col_expr(C::EndedAt, Expr::value(Some(now)))
        .col_expr(C::IsTold, Expr::value(false))
        .filter(C::OrganizationId.eq(ticket.organization_id))
        .filter(C::TicketId.eq(ticket.id))
        .filter(C::FindingId.eq(finding_id))
        .filter(C::EndedAt.is_null())
        .exec(tx)
        .await
        .map(|_| ())
}

/// Whether a finding is, or was, on a ticket.
pub async fn has_finding(
    tx: &DatabaseTransaction,
    ticket: &ticket::Model,
    finding_id: Uuid,
) -> Result<bool, DbErr> {
    let found = ticket_finding::Entity::find()
        .filter(ticket_finding::Column::OrganizationId.eq(ticket.organization_id))
        .filter(ticket_finding::Column::TicketId.eq(ticket.id))
        .filter(ticket_finding::Column::FindingId.eq(finding_id))
        .one(tx)
        .await?;
    Ok(found.is_some())
}

/// How many findings of a ticket are open.
pub async fn open_findings(tx: &DatabaseTransaction, ticket: &ticket::Model) -> Result<u64, DbErr> {
    let members = ticket_finding::Entity::find()
        .select_only()
        .column(ticket_finding::Column::FindingId)
        .filter(ticket_finding::Column::TicketId.eq(ticket.id))
        .into_query();
    finding::Entity::find()
        .filter(finding::Column::OrganizationId.eq(ticket.organization_id))
        .filter(finding::Column::Id.in_subquery(members))
        .filter(finding::Column::State.eq(FindingState::Open))
        .count(tx)
        .await
}

/// Whether a ticket is for many findings.
pub fn is_list(ticket: &ticket::Model) -> bool {
    !ticket.group_key.starts_with("finding:") && !ticket.is_test
}

/// Something is new, or over, on a ticket for many findings: its next note says so, and is planned when the interval
/// since the last one is over. Nothing to do where the PSA has not got the ticket yet: its text will say it. Gives
/// whether a note will.
pub async fn mention(
    tx: &DatabaseTransaction,
    ground: &Ground,
    mut ticket: ticket::Model,
    interval_secs: i64,
) -> Result<bool, DbErr> {
    let Some(listed_at) = ticket.listed_at else {
        plan::save(tx, ticket).await?;
        return Ok(false);
    };
    if ticket.note_due_at.is_none() {
        let last = Ord::max(ticket.noted_at.unwrap_or(listed_at), listed_at);
        ticket.note_due_at =
            Some(Ord::max(last.plus_secs(Ord::max(interval_secs, GATHER_SECS)), ground.clock.now()));
    }
    plan::save(tx, ticket).await?;
    Ok(true)
}

/// For how long what is new on a ticket is gathered at least before a note tells of it, in seconds: what one scan
/// finds comes in many deliveries.
const GATHER_SECS: i64 = 60;
