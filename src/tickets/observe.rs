//! What people do in the PSA, seen by reading the ticket again.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::HashMap;

use entity::{Timestamp, pick_list, ticket, ticket::TicketState, ticket_profile};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::{
    delivered::take_over,
    pen::Pen,
    plan::{self, mark_closed, save, save_quietly},
    remote::RemoteTicket,
    state::{Happening, after},
};
use crate::{
    error::Error,
    ground::Ground,
    notifications::happenings::{self, OfTicket},
    sync::remote::PickItem,
};

/// A connection's tickets that are to be read again by now, the longest waiting first.
pub async fn due(ground: &Ground, psa_connection_id: Uuid, limit: u64) -> Result<Vec<ticket::Model>, Error> {
    Ok(ticket::Entity::find()
        .filter(ticket::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(ticket::Column::RefreshAt.lte(ground.clock.now()))
        .filter(ticket::Column::ExternalId.is_not_null())
        .order_by_asc(ticket::Column::RefreshAt)
        .limit(limit)
        .all(ground.db.reader())
        .await?)
}

/// Reads a ticket again at `at` and no sooner.
pub async fn put_off(ground: &Ground, ticket: &ticket::Model, at: Timestamp) -> Result<(), Error> {
    let (id, asked_at) = (ticket.id, ticket.refresh_at);
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                ticket::Entity::update_many()
                    .col_expr(ticket::Column::RefreshAt, Expr::value(Some(at)))
                    .filter(ticket::Column::Id.eq(id))
                    .filter(ticket::Column::RefreshAt.eq(asked_at))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Whether the connection has tickets at the PSA whose changes matter.
pub async fn has_tickets(ground: &Ground, psa_connection_id: Uuid) -> Result<bool, Error> {
    Ok(ticket::Entity::find()
        .filter(ticket::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(ticket::Column::ExternalId.is_not_null())
        .one(ground.db.reader())
        .await?
        .is_some())
}

/// Of tickets the PSA lists as changed, marks ours whose status or board is not the one we know: they are
/// read again. Gives their number.
pub async fn mark_changed(
    ground: &Ground,
    psa_connection_id: Uuid,
    listed: Vec<RemoteTicket>,
) -> Result<usize, Error> {
    let now = ground.clock.now();
    let by_id: HashMap<String, RemoteTicket> =
        listed.into_iter().map(|remote| (remote.external_id.clone(), remote)).collect();
    let ours = ticket::Entity::find()
        .filter(ticket::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(ticket::Column::ExternalId.is_in(by_id.keys()))
        .all(ground.db.reader())
        .await?;
    let changed: Vec<Uuid> = ours
        .into_iter()
        .filter(|ticket| {
            let listed = ticket.external_id.as_ref().and_then(|id| by_id.get(id));
            let status = listed.and_then(|remote| remote.status.as_ref());
            let board = listed.and_then(|remote| remote.board.as_ref());
            let is_moved = board.is_some() && board != ticket.board.as_ref();
            status.is_none() || status != ticket.external_status.as_ref() || is_moved
        })
        .map(|ticket| ticket.id)
        .collect();
    let count = changed.len();
    if count > 0 {
        ground
            .db
            .write(move |tx| {
                Box::pin(async move {
                    ticket::Entity::update_many()
                        .col_expr(ticket::Column::RefreshAt, Expr::value(Some(now)))
                        .filter(ticket::Column::Id.is_in(changed))
                        .filter(ticket::Column::RefreshAt.is_null())
                        .exec(tx)
                        .await
                        .map_err(Error::from)
                })
            })
            .await?;
    }
    Ok(count)
}

/// Takes over a ticket as it was just read; `remote` is none where the PSA no longer has it. `asked_at`
/// is the ticket's `refresh_at` when it was read: what was asked for after that stays asked for.
pub async fn observed(
    tx: &DatabaseTransaction,
    ground: &Ground,
    ticket_id: Uuid,
    asked_at: Option<Timestamp>,
    remote: Option<&RemoteTicket>,
) -> Result<(), DbErr> {
    let now = ground.clock.now();
    let Some(mut ticket) = ticket::Entity::find_by_id(ticket_id).lock(LockType::Update).one(tx).await? else {
        return Ok(());
    };
    if ticket.refresh_at == asked_at {
        ticket.refresh_at = None;
    }
    let pending = plan::pending(Pen::at_once(tx, ground), ticket.id).await?;
    let is_closed = match remote {
        None => true,
        Some(remote) => is_closed(tx, &ticket, remote).await?,
    };
    let known = ticket.clone();
    if let Some(remote) = remote {
        take_over(&mut ticket, remote);
        // Nothing of ours is under way: who changed the status works on it.
        let is_changed = known.external_status.is_some() && ticket.external_status != known.external_status;
        ticket.is_touched |= is_changed && pending.is_none() && known.state == TicketState::Open;
    }
    // With a close or reopening of ours still to come, that decides.
    let happening = match (is_closed, ticket.state) {
        _ if pending.is_some() => None,
        (true, TicketState::Open) => Some(Happening::ClosedByPerson),
        (false, TicketState::Closed) => Some(Happening::ReopenedByPerson),
        _ => None,
    };
    let state = happening.and_then(|happening| after(ticket.state, happening, None));
    let Some(state) = state else {
        if ticket == known {
            return save_quietly(tx, ticket).await.map(|_| ());
        }
        ticket.updated_at = now;
        return save(Pen::at_once(tx, ground), ticket).await.map(|_| ());
    };
    ticket.updated_at = now;
    ticket.state_message = None;
    ticket.state_reason = None;
    if state == TicketState::Closed {
        ticket.state = state;
        // A PSA's clock or time zone may be off: nothing is closed in the future.
        let closed_at = remote.and_then(|remote| remote.closed_at).unwrap_or(now).min(now);
        if remote.is_none() {
            ticket.state_reason = Some("removed".to_owned());
            ticket.state_message = Some("the PSA no longer has this ticket".to_owned());
        }
        let by = name(remote.and_then(|remote| remote.closed_by.as_deref()));
        mark_closed(&mut ticket, &by, closed_at);
        tracing::info!(ticket.id = %ticket.id, closed_by = by, "a ticket was closed in the PSA");
        let ticket = save(Pen::at_once(tx, ground), ticket).await?;
        return happenings::to_ticket(tx, ground, &ticket, OfTicket::ClosedByPerson).await;
    }
    if group_has_other(tx, &ticket).await? {
        ticket.state_reason = Some("reopened_beside_another".to_owned());
        ticket.state_message = Some(
            "it was opened again in the PSA, but its findings are on a newer open ticket by now".to_owned(),
        );
        return save(Pen::at_once(tx, ground), ticket).await.map(|_| ());
    }
    ticket.state = state;
    ticket.is_touched = true;
    ticket.open_group_key = Some(ticket.group_key.clone());
    ticket.closed_at = None;
    ticket.closed_by = None;
    tracing::info!(ticket.id = %ticket.id, "a ticket was opened again in the PSA");
    let ticket = save(Pen::at_once(tx, ground), ticket).await?;
    happenings::to_ticket(tx, ground, &ticket, OfTicket::Reopened).await
}

/// Whether the findings of a ticket are on another open one.
pub(super) async fn group_has_other(tx: &DatabaseTransaction, ticket: &ticket::Model) -> Result<bool, DbErr> {
    Ok(ticket::Entity::find()
        .filter(ticket::Column::OrganizationId.eq(ticket.organization_id))
        .filter(ticket::Column::PsaConnectionId.eq(ticket.psa_connection_id))
        .filter(ticket::Column::OpenGroupKey.eq(&ticket.group_key))
        .one(tx)
        .await?
        .is_some())
}

/// Closed is what the profile closes with, and every other status that the PSA says closes.
async fn is_closed(
    db: &impl ConnectionTrait,
    ticket: &ticket::Model,
    remote: &RemoteTicket,
) -> Result<bool, DbErr> {
    let Some(status) = &remote.status else { return Ok(ticket.state == TicketState::Closed) };
    let profile = ticket_profile::Entity::find_by_id(ticket.ticket_profile_id)
        .filter(ticket_profile::Column::OrganizationId.eq(ticket.organization_id))
        .one(db)
        .await?;
    if profile.is_some_and(|profile| profile.status_on_close == *status) {
        return Ok(true);
    }
    let statuses = statuses(db, ticket.psa_connection_id).await?;
    Ok(statuses.iter().any(|item| item.value == *status && item.closes == Some(true)))
}

/// A person's name as the PSA gives it, fit to be kept.
fn name(given: Option<&str>) -> String {
    let name: String = given.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    if name.trim().is_empty() { "somebody in the PSA".to_owned() } else { name }
}

/// The connection's statuses as last read.
pub async fn statuses(db: &impl ConnectionTrait, psa_connection_id: Uuid) -> Result<Vec<PickItem>, DbErr> {
    let list = pick_list::Entity::find()
        .filter(pick_list::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(pick_list::Column::Key.eq("status"))
        .one(db)
        .await?;
    Ok(list.and_then(|list| serde_json::from_value(list.items).ok()).unwrap_or_default())
}
