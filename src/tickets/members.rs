//! Which findings are on a ticket, and what its next note has to say of them.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    Timestamp,
    finding::{self, FindingState},
    ticket, ticket_finding,
};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{pen::Pen, pile::Pile, plan};

/// Puts a finding on a ticket; it may be there already. Says whether it is new there, or there again after it was
/// over.
pub async fn add_finding(pen: Pen<'_>, ticket: &ticket::Model, finding_id: Uuid) -> Result<bool, DbErr> {
    use ticket_finding::Column as C;
    let now = pen.ground.clock.now();
    plan::changed(ticket, now);
    let row = ticket_finding::Model {
        id: pen.ground.chance.id(now),
        organization_id: ticket.organization_id,
        ticket_id: ticket.id,
        finding_id,
        added_at: now,
        ended_at: None,
        is_told: false,
    };
    if let Some((pile, known)) = known(pen, ticket, finding_id) {
        let is_new = known.as_ref().is_none_or(|known| known.ended_at.is_some());
        if is_new {
            pile.put_member(ticket_finding::Model { id: known.map_or(row.id, |known| known.id), ..row });
        }
        return Ok(is_new);
    }
    pen.settle().await?;
    let is_new = ticket_finding::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns([C::TicketId, C::FindingId]).do_nothing().to_owned())
        .exec_without_returning(pen.tx)
        .await?
        > 0;
    let is_added = is_new
        || ticket_finding::Entity::update_many()
            .col_expr(C::EndedAt, Expr::value(None::<Timestamp>))
            .col_expr(C::AddedAt, Expr::value(now))
            .col_expr(C::IsTold, Expr::value(false))
            .filter(C::OrganizationId.eq(ticket.organization_id))
            .filter(C::TicketId.eq(ticket.id))
            .filter(C::FindingId.eq(finding_id))
            .filter(C::EndedAt.is_not_null())
            .exec(pen.tx)
            .await?
            .rows_affected
            > 0;
    if let Some(pile) = pen.pile {
        pile.forget_open_of(ticket.id);
    }
    Ok(is_added)
}

/// A finding's place on a ticket, where all of the finding's are known.
fn known<'a>(
    pen: Pen<'a>,
    ticket: &ticket::Model,
    finding_id: Uuid,
) -> Option<(&'a Pile, Option<ticket_finding::Model>)> {
    let pile = pen.pile?;
    Some((pile, pile.member(ticket.id, finding_id)?))
}

/// Writes down that a finding is over on a ticket.
pub async fn end_finding(pen: Pen<'_>, ticket: &ticket::Model, finding_id: Uuid) -> Result<(), DbErr> {
    use ticket_finding::Column as C;
    let now = pen.ground.clock.now();
    if let Some((pile, known)) = known(pen, ticket, finding_id) {
        if let Some(known) = known.filter(|known| known.ended_at.is_none()) {
            pile.put_member(ticket_finding::Model { ended_at: Some(now), is_told: false, ..known });
        }
        return Ok(());
    }
    pen.settle().await?;
    ticket_finding::Entity::update_many()
        .col_expr(C::EndedAt, Expr::value(Some(now)))
        .col_expr(C::IsTold, Expr::value(false))
        .filter(C::OrganizationId.eq(ticket.organization_id))
        .filter(C::TicketId.eq(ticket.id))
        .filter(C::FindingId.eq(finding_id))
        .filter(C::EndedAt.is_null())
        .exec(pen.tx)
        .await
        .map(|_| ())
}

/// Whether a finding is, or was, on a ticket.
pub async fn has_finding(pen: Pen<'_>, ticket: &ticket::Model, finding_id: Uuid) -> Result<bool, DbErr> {
    if let Some((_, known)) = known(pen, ticket, finding_id) {
        return Ok(known.is_some());
    }
    pen.settle().await?;
    let found = ticket_finding::Entity::find()
        .filter(ticket_finding::Column::OrganizationId.eq(ticket.organization_id))
        .filter(ticket_finding::Column::TicketId.eq(ticket.id))
        .filter(ticket_finding::Column::FindingId.eq(finding_id))
        .one(pen.tx)
        .await?;
    Ok(found.is_some())
}

/// How many findings of a ticket are open. Call it with what was learned of findings written, unless the pile knows.
pub async fn open_findings(pen: Pen<'_>, ticket: &ticket::Model) -> Result<u64, DbErr> {
    if let Some(known) = pen.pile.and_then(|pile| pile.open_findings(ticket.id)) {
        return Ok(known);
    }
    pen.settle().await?;
    let members = ticket_finding::Entity::find()
        .select_only()
        .column(ticket_finding::Column::FindingId)
        .filter(ticket_finding::Column::TicketId.eq(ticket.id))
        .into_query();
    let open = finding::Entity::find()
        .filter(finding::Column::OrganizationId.eq(ticket.organization_id))
        .filter(finding::Column::Id.in_subquery(members))
        .filter(finding::Column::State.eq(FindingState::Open));
    let Some(pile) = pen.pile else { return open.count(pen.tx).await };
    // Many of a batch may be over on it: which are open is asked once.
    let ids: Vec<Uuid> = open.select_only().column(finding::Column::Id).into_tuple().all(pen.tx).await?;
    let count = ids.len() as u64;
    pile.set_open(ticket.id, ids);
    Ok(count)
}

/// Whether a ticket is for many findings.
pub fn is_list(ticket: &ticket::Model) -> bool {
    !ticket.group_key.starts_with("finding:") && !ticket.is_test
}

/// Something is new, or over, on a ticket for many findings: its next note says so, and is planned when the interval
/// since the last one is over. Nothing to do where the PSA has not got the ticket yet: its text will say it. Gives
/// whether a note will.
pub async fn mention(pen: Pen<'_>, mut ticket: ticket::Model, interval_secs: i64) -> Result<bool, DbErr> {
    let Some(listed_at) = ticket.listed_at else {
        plan::save(pen, ticket).await?;
        return Ok(false);
    };
    if ticket.note_due_at.is_none() {
        let last = Ord::max(ticket.noted_at.unwrap_or(listed_at), listed_at);
        ticket.note_due_at =
            Some(Ord::max(last.plus_secs(Ord::max(interval_secs, GATHER_SECS)), pen.ground.clock.now()));
    }
    plan::save(pen, ticket).await?;
    Ok(true)
}

/// For how long what is new on a ticket is gathered at least before a note tells of it, in seconds: what one scan
/// finds comes in many deliveries.
const GATHER_SECS: i64 = 60;
