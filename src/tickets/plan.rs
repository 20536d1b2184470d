//! Planning: what is to become of a ticket, written together with the operation that does it.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::BTreeMap;

use entity::{
    Severity, Timestamp, company, company_mapping,
    ticket::{self, TicketState},
    ticket_finding,
    ticket_operation::{self, OperationKind, OperationState},
    ticket_profile,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, Iterable as _, ModelTrait as _, NotSet, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Unchanged,
    sea_query::{LockType, OnConflict},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    marker,
    pen::Pen,
    state::{Happening, after},
};

pub use super::members::{add_finding, end_finding, has_finding, is_list, mention, open_findings};
use crate::{
    db::news::{self, Happened, What},
    ground::Ground,
    queue::{lanes, outbox::NewOperation},
};

/// Who closes what the gateway closes.
pub const GATEWAY: &str = "PSA Gateway";

/// For whom and how a ticket is opened.
#[derive(Clone, Debug)]
pub struct Place {
    /// For whom.
    pub company: company::Model,
    /// As whom in the PSA.
    pub mapping: company_mapping::Model,
    /// How.
    pub profile: ticket_profile::Model,
}

/// What goes onto a new ticket.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Which findings belong on it.
    pub group_key: String,
    /// Its mark; the next one where a ticket of ours has it.
    pub marker: String,
    /// Why it is opened; none for a test.
    pub policy_id: Option<Uuid>,
    /// One line.
    pub title: String,
    /// More.
    pub body: String,
    /// How bad.
    pub severity: Severity,
    /// Whether it is a test.
    pub is_test: bool,
    /// Whether it is for many findings: its text lists them when the PSA gets it, and notes tell of what is new and
    /// what is over.
    pub is_list: bool,
    /// Values beside the profile's, by key.
    pub overrides: BTreeMap<String, String>,
    /// The closed ticket it follows.
    pub previous_ticket_id: Option<Uuid>,
    /// When the finding that it is opened for was seen first.
    pub first_seen_at: Option<Timestamp>,
    /// The event that asks for it.
    pub event_id: Option<Uuid>,
}

/// Plans a ticket, unless its group has an open one already: the row that says so is written before any
/// PSA is asked, and the database lets only one of them be. Gives the group's open ticket, and whether it is
/// this one.
pub async fn open(pen: Pen<'_>, place: &Place, opening: Opening) -> Result<(ticket::Model, bool), DbErr> {
    let payload = json!({ "title": opening.title, "body": opening.body, "list": opening.is_list });
    begin(pen, place, opening, OperationKind::Create, payload).await
}

/// The same with the operation that makes the ticket, or takes over one that is there.
pub(super) async fn begin(
    pen: Pen<'_>,
    place: &Place,
    opening: Opening,
    kind: OperationKind,
    payload: Value,
) -> Result<(ticket::Model, bool), DbErr> {
    let (ground, now) = (pen.ground, pen.ground.clock.now());
    let organization_id = place.mapping.organization_id;
    let psa_connection_id = place.profile.psa_connection_id;
    if let Some(known) = pen.pile.and_then(|pile| pile.of_group(psa_connection_id, &opening.group_key)) {
        return Ok((known, false));
    }
    let mut row = ticket::Model {
        id: ground.chance.id(now),
        organization_id,
        psa_connection_id,
        company_id: place.company.id,
        psa_company_id: place.mapping.psa_company_id,
        ticket_profile_id: place.profile.id,
        policy_id: opening.policy_id,
        open_group_key: Some(opening.group_key.clone()),
        group_key: opening.group_key,
        state: TicketState::Planned,
        state_reason: None,
        state_message: None,
        marker: opening.marker,
        external_id: None,
        external_number: None,
        external_url: None,
        external_status: None,
        board: place.profile.board.clone(),
        title: opening.title.clone(),
        severity: opening.severity,
        is_test: opening.is_test,
        previous_ticket_id: opening.previous_ticket_id,
        operation_count: 1,
        noted_at: None,
        refresh_at: None,
        first_seen_at: opening.first_seen_at,
        opened_at: None,
        closed_at: None,
        closed_by: None,
        overrides: (!opening.overrides.is_empty()).then(|| json!(opening.overrides)),
        is_touched: false,
        listed_at: None,
        note_due_at: None,
        close_due_at: None,
        flap_count: 0,
        flapped_at: None,
        created_at: now,
        updated_at: now,
    };
    if let Some(pile) = pen.pile.filter(|pile| pile.is_ours(&row.group_key)) {
        pile.put_new_ticket(&row, false);
    } else {
        pen.settle().await?;
        if let Some(other) = insert(pen, &mut row).await? {
            pen.take(&other);
            return Ok((other, false));
        }
        if let Some(pile) = pen.pile {
            pile.put_new_ticket(&row, true);
        }
    }
    enqueue(pen, &row, kind, payload, opening.event_id).await?;
    changed(&row, now);
    Ok((row, true))
}

/// Writes a new ticket. Where its group has an open one that is given instead, locked.
async fn insert(pen: Pen<'_>, row: &mut ticket::Model) -> Result<Option<ticket::Model>, DbErr> {
    // Where it is not the first: its group has an open one, or its mark is that of an earlier ticket.
    for _ in 0..3 {
        // On any key: a PostgreSQL transaction would not survive the other.
        let written = ticket::Entity::insert(row.clone().into_active_model())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(pen.tx)
            .await?;
        if written > 0 {
            return Ok(None);
        }
        let other =
            open_row_of_group(pen.tx, row.organization_id, row.psa_connection_id, &row.group_key).await?;
        if other.is_some() {
            return Ok(other);
        }
        row.marker = marker::free(pen.tx, std::mem::take(&mut row.marker), &pen.ground.chance).await?;
    }
    Err(DbErr::RecordNotFound("ticket".to_owned()))
}

/// The open tickets a finding is on, oldest first, locked. One, unless its company's mapping was moved to
/// another connection while it was open.
pub async fn open_tickets_of(
    pen: Pen<'_>,
    organization_id: Uuid,
    finding_id: Uuid,
) -> Result<Vec<ticket::Model>, DbErr> {
    if let Some(known) = pen.pile.and_then(|pile| pile.open_tickets_of(finding_id)) {
        return Ok(known);
    }
    pen.settle().await?;
    let tickets = ticket::Entity::find()
        .filter(ticket::Column::OrganizationId.eq(organization_id))
        .filter(ticket::Column::OpenGroupKey.is_not_null())
        .filter(ticket::Column::Id.in_subquery(tickets_with(finding_id)))
        .order_by_asc(ticket::Column::Id)
        .lock(LockType::Update)
        .all(pen.tx)
        .await?;
    for ticket in &tickets {
        pen.take(ticket);
    }
    Ok(tickets)
}

/// The ticket of that group on that connection that was closed last.
pub async fn last_closed(
    pen: Pen<'_>,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    group_key: &str,
) -> Result<Option<ticket::Model>, DbErr> {
    pen.settle().await?;
    ticket::Entity::find()
        .filter(ticket::Column::OrganizationId.eq(organization_id))
        .filter(ticket::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(ticket::Column::GroupKey.eq(group_key))
        .filter(ticket::Column::State.eq(TicketState::Closed))
        .order_by_desc(ticket::Column::ClosedAt)
        .order_by_desc(ticket::Column::Id)
        .lock(LockType::Update)
        .limit(1)
        .one(pen.tx)
        .await
}

fn tickets_with(finding_id: Uuid) -> sea_orm::sea_query::SelectStatement {
    ticket_finding::Entity::find()
        .select_only()
        .column(ticket_finding::Column::TicketId)
        .filter(ticket_finding::Column::FindingId.eq(finding_id))
        .into_query()
}

/// The open ticket of a group, locked.
pub async fn open_of_group(
    pen: Pen<'_>,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    group_key: &str,
) -> Result<Option<ticket::Model>, DbErr> {
    if let Some(known) = pen.pile.and_then(|pile| pile.of_group(psa_connection_id, group_key)) {
        return Ok(Some(known));
    }
    pen.settle().await?;
    let found = open_row_of_group(pen.tx, organization_id, psa_connection_id, group_key).await?;
    if let Some(ticket) = &found {
        pen.take(ticket);
    }
    Ok(found)
}

async fn open_row_of_group(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    group_key: &str,
) -> Result<Option<ticket::Model>, DbErr> {
    ticket::Entity::find()
        .filter(ticket::Column::OrganizationId.eq(organization_id))
        .filter(ticket::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(ticket::Column::OpenGroupKey.eq(group_key))
        .lock(LockType::Update)
        .one(tx)
        .await
}

/// Plans a note.
pub async fn note(
    pen: Pen<'_>,
    mut ticket: ticket::Model,
    text: String,
    event_id: Option<Uuid>,
) -> Result<ticket::Model, DbErr> {
    ticket.noted_at = Some(pen.ground.clock.now());
    add_operation(pen, ticket, OperationKind::Note, json!({ "text": text }), event_id).await
}

/// Until when a ticket gets no further note about repetitions; none where it may get one now.
pub fn quiet_until(ticket: &ticket::Model, interval_secs: i64, now: Timestamp) -> Option<Timestamp> {
    ticket.noted_at.map(|at| at.plus_secs(interval_secs)).filter(|until| now < *until)
}

/// Plans a close, with a note that says why. The ticket as it was where it cannot be closed.
pub async fn close(
    pen: Pen<'_>,
    mut ticket: ticket::Model,
    why: String,
    event_id: Option<Uuid>,
) -> Result<(ticket::Model, bool), DbErr> {
    let pending = pending(pen, ticket.id).await?;
    if pending == Some(OperationKind::Close) {
        return Ok((ticket, false));
    }
    let Some(state) = after(ticket.state, Happening::ClosePlanned, pending) else {
        return Ok((ticket, false));
    };
    ticket.state = state;
    ticket.close_due_at = None;
    let payload = json!({ "text": why });
    let ticket = add_operation(pen, ticket, OperationKind::Note, payload.clone(), event_id).await?;
    let ticket = add_operation(pen, ticket, OperationKind::Close, payload, event_id).await?;
    Ok((ticket, true))
}

/// Plans to open a closed (or closing) ticket again, with a note that says why.
pub async fn reopen(
    pen: Pen<'_>,
    mut ticket: ticket::Model,
    why: String,
    event_id: Option<Uuid>,
) -> Result<(ticket::Model, bool), DbErr> {
    let pending = pending(pen, ticket.id).await?;
    if pending == Some(OperationKind::Reopen) {
        return Ok((ticket, false));
    }
    let Some(state) = after(ticket.state, Happening::ReopenPlanned, pending) else {
        return Ok((ticket, false));
    };
    ticket.state = state;
    ticket.open_group_key = Some(ticket.group_key.clone());
    ticket.closed_at = None;
    ticket.closed_by = None;
    ticket.close_due_at = None;
    ticket.state_reason = None;
    ticket.state_message = None;
    ticket.noted_at = Some(pen.ground.clock.now());
    let ticket = add_operation(pen, ticket, OperationKind::Reopen, Value::Null, event_id).await?;
    let ticket = add_operation(pen, ticket, OperationKind::Note, json!({ "text": why }), event_id).await?;
    Ok((ticket, true))
}

/// The last close or reopening that is still to be carried out.
pub async fn pending(pen: Pen<'_>, ticket_id: Uuid) -> Result<Option<OperationKind>, DbErr> {
    use ticket_operation::Column as C;
    if let Some(known) = pen.pile.and_then(|pile| pile.pending(ticket_id)) {
        return Ok(known);
    }
    pen.settle().await?;
    let last = ticket_operation::Entity::find()
        .filter(C::TicketId.eq(ticket_id))
        .filter(C::State.eq(OperationState::Ready))
        .filter(C::Kind.is_in([OperationKind::Close, OperationKind::Reopen]))
        .order_by_desc(C::Position)
        .limit(1)
        .one(pen.tx)
        .await?;
    Ok(last.map(|operation| operation.kind))
}

/// Gives a ticket its next operation, and writes the ticket.
pub async fn add_operation(
    pen: Pen<'_>,
    mut ticket: ticket::Model,
    kind: OperationKind,
    payload: Value,
    event_id: Option<Uuid>,
) -> Result<ticket::Model, DbErr> {
    ticket.operation_count += 1;
    ticket.updated_at = pen.ground.clock.now();
    let ticket = save(pen, ticket).await?;
    enqueue(pen, &ticket, kind, payload, event_id).await?;
    Ok(ticket)
}

/// The operation that the ticket counted last.
async fn enqueue(
    pen: Pen<'_>,
    ticket: &ticket::Model,
    kind: OperationKind,
    payload: Value,
    event_id: Option<Uuid>,
) -> Result<(), DbErr> {
    let new = NewOperation {
        organization_id: ticket.organization_id,
        psa_connection_id: ticket.psa_connection_id,
        ticket_id: ticket.id,
        position: ticket.operation_count,
        kind,
        payload,
        event_id,
    };
    pen.operation(new).await
}

/// Tells the lanes of these tickets that there is work: the last step of a transaction.
pub async fn wake_lanes(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    ticket_ids: Vec<Uuid>,
) -> Result<(), DbErr> {
    if ticket_ids.is_empty() {
        return Ok(());
    }
    let mut lanes: Vec<Uuid> = ticket::Entity::find()
        .select_only()
        .column(ticket::Column::PsaConnectionId)
        .filter(ticket::Column::OrganizationId.eq(organization_id))
        .filter(ticket::Column::Id.is_in(ticket_ids))
        .into_tuple()
        .all(tx)
        .await?;
    lanes.sort_unstable();
    lanes.dedup();
    for lane in lanes {
        lanes::wake(tx, lane, ground.clock.now()).await?;
    }
    Ok(())
}

/// Writes a ticket as it stands, and tells those who watch. Call it with its row locked.
pub async fn save(pen: Pen<'_>, ticket: ticket::Model) -> Result<ticket::Model, DbErr> {
    let saved = pen.ticket(ticket).await?;
    changed(&saved, saved.updated_at);
    Ok(saved)
}

/// The same where nothing has changed that anybody sees.
pub(super) async fn save_quietly(
    tx: &DatabaseTransaction,
    ticket: ticket::Model,
) -> Result<ticket::Model, DbErr> {
    let mut row = ticket.into_active_model().reset_all();
    row.first_seen_at = NotSet;
    row.update(tx).await
}

/// Writes what is no longer as it was when its row was locked, and tells those who watch: a column that is named is
/// written anew in each of its indexes, though its value stays.
pub(super) async fn save_changes(
    tx: &DatabaseTransaction,
    before: &ticket::Model,
    ticket: ticket::Model,
) -> Result<ticket::Model, DbErr> {
    let mut row = ticket::ActiveModel { id: Unchanged(ticket.id), ..Default::default() };
    let columns = ticket::Column::iter().filter(|column| !matches!(column, ticket::Column::FirstSeenAt));
    for column in columns {
        let value = ticket.get(column);
        if before.get(column) != value {
            row.set(column, value);
        }
    }
    if row.is_changed() {
        let it = ticket::Column::Id.eq(ticket.id);
        // Everything of it is known, and nothing is read back.
        if ticket::Entity::update_many().set(row).filter(it).exec(tx).await?.rows_affected != 1 {
            return Err(DbErr::RecordNotUpdated);
        }
    }
    changed(&ticket, ticket.updated_at);
    Ok(ticket)
}

/// Tells those who watch that a ticket is not as it was.
pub(super) fn changed(ticket: &ticket::Model, at: Timestamp) {
    let (organization_id, id) = (ticket.organization_id, ticket.id);
    news::tell(Happened { what: What::TicketUpdated, organization_id, id, at });
}

/// Marks a ticket closed: its group may have a new one from here on.
pub fn mark_closed(ticket: &mut ticket::Model, by: &str, at: Timestamp) {
    ticket.open_group_key = None;
    ticket.note_due_at = None;
    ticket.close_due_at = None;
    ticket.closed_at = Some(at);
    ticket.closed_by = Some(by.to_owned());
}
