//! What a PSA's answer makes of a ticket, written with the end of the attempt.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    Timestamp, company_mapping,
    finding::{self, FindingState},
    ticket::{self, TicketState},
    ticket_finding,
    ticket_operation::{self, OperationKind, OperationState},
};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
    sea_query::{Expr, LockType},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    listing, marker,
    pen::Pen,
    plan::{self, GATEWAY, add_operation, mark_closed, save_changes},
    remote::RemoteTicket,
    state::{Happening, after},
};
use crate::{
    ground::Ground,
    notifications::happenings::{self, OfTicket},
};

/// What came of carrying out an operation.
#[derive(Clone, Debug)]
pub enum Delivered {
    /// The ticket is there.
    Created(RemoteTicket),
    /// The note is there.
    Noted,
    /// The status is set.
    StatusSet(RemoteTicket),
    /// The ticket was read.
    Read(RemoteTicket),
    /// It is still not known; looked again later.
    StillUncertain,
    /// It cannot be told, for this reason; looked again later.
    Untold(String),
    /// Certainly not done; tried again later.
    Delayed,
    /// It may have been done.
    Uncertain,
    /// The PSA said no.
    Refused {
        /// Stable name.
        code: &'static str,
        /// In words, with the next step.
        message: String,
    },
}

/// Whether the ticket is there only once this is done.
const fn makes_ticket(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::Create | OperationKind::Link)
}

/// Whether what was found is a later ticket of the same group, made before the database was put back.
fn is_later(kind: OperationKind, ticket: &ticket::Model, mark: &str) -> bool {
    kind == OperationKind::Create && mark != ticket.marker && marker::is_later(mark, &ticket.marker)
}

/// The ticket of an operation, locked.
pub async fn lock(
    tx: &DatabaseTransaction,
    operation: &ticket_operation::Model,
) -> Result<ticket::Model, DbErr> {
    ticket::Entity::find_by_id(operation.ticket_id)
        .filter(ticket::Column::OrganizationId.eq(operation.organization_id))
        .lock(LockType::Update)
        .one(tx)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("ticket".to_owned()))
}

/// An operation is about to be carried out.
pub async fn begins(
    tx: &DatabaseTransaction,
    ground: &Ground,
    operation: ticket_operation::Model,
) -> Result<(ticket::Model, ticket_operation::Model), DbErr> {
    let ticket = lock(tx, &operation).await?;
    if !makes_ticket(operation.kind) {
        return Ok((ticket, operation));
    }
    let before = ticket.clone();
    let (mut ticket, operation) = listing::complete(tx, ground, &operation, ticket).await?;
    if let Some(state) = after(ticket.state, Happening::CreateBegins, None) {
        ticket.state = state;
        if operation.uncertain_since.is_some() {
            ticket.state = TicketState::Unknown;
        } else if let Some(mapping) = mapping_of(tx, &ticket).await? {
            // Certainly not created yet: a mapping that was corrected meanwhile counts.
            ticket.psa_company_id = mapping.psa_company_id;
        }
        ticket.updated_at = ground.clock.now();
        ticket = save_changes(tx, &before, ticket).await?;
    }
    Ok((ticket, operation))
}

async fn mapping_of(
    tx: &DatabaseTransaction,
    ticket: &ticket::Model,
) -> Result<Option<company_mapping::Model>, DbErr> {
    company_mapping::Entity::find()
        .filter(company_mapping::Column::OrganizationId.eq(ticket.organization_id))
        .filter(company_mapping::Column::CompanyId.eq(ticket.company_id))
        .filter(company_mapping::Column::PsaConnectionId.eq(ticket.psa_connection_id))
        .one(tx)
        .await
}

/// Takes over what came of an operation. Call it after the operation itself was written, so that what is
/// still pending on the ticket is right.
pub async fn delivered(
    tx: &DatabaseTransaction,
    ground: &Ground,
    operation: &ticket_operation::Model,
    what: Delivered,
) -> Result<ticket::Model, DbErr> {
    let now = ground.clock.now();
    let before = lock(tx, operation).await?;
    let mut ticket = before.clone();
    let is_last = operation.position >= ticket.operation_count;
    let pending = if is_last && makes_ticket(operation.kind) {
        None // nothing was planned since
    } else {
        plan::pending(Pen::at_once(tx, ground), ticket.id).await?
    };
    let mut happening = match (&what, operation.kind) {
        (Delivered::Created(_), _) => Some(Happening::Created),
        (Delivered::StatusSet(_), OperationKind::Close) => Some(Happening::Closed),
        (Delivered::StatusSet(_), OperationKind::Reopen) => Some(Happening::Reopened),
        (Delivered::StillUncertain | Delivered::Uncertain | Delivered::Untold(_), OperationKind::Create) => {
            Some(Happening::CreateUncertain)
        }
        (Delivered::Delayed, kind) if makes_ticket(kind) => Some(Happening::CreateDelayed),
        (Delivered::Refused { .. }, kind) if makes_ticket(kind) => Some(Happening::CreateRefused),
        (Delivered::Refused { .. }, OperationKind::Close) => Some(Happening::CloseRefused),
        (Delivered::Refused { .. }, OperationKind::Reopen) => Some(Happening::ReopenRefused),
        _ => None,
    };
    let is_noted = matches!(what, Delivered::Noted);
    match what {
        Delivered::Created(remote) => {
            let expected = ticket.psa_company_id;
            release_id(tx, &ticket, &remote.external_id, now).await?;
            take_over(&mut ticket, &remote);
            if let Some(later) = remote.marker.as_ref().filter(|mark| is_later(operation.kind, &ticket, mark))
            {
                ticket.marker.clone_from(later);
            }
            if operation.attempts > 1 || operation.uncertain_since.is_some() {
                // It stood there for a while: somebody may have closed it by now.
                ticket.refresh_at = Some(now);
            }
            ticket.opened_at = Some(now);
            ticket.state_reason = None;
            ticket.state_message = None;
            if let Some(wrong) = wrong_company(tx, &ticket, expected, &remote).await? {
                happening = Some(Happening::CreateRefused);
                block(tx, operation, &wrong).await?;
                ticket.state_reason = Some("wrong_company".to_owned());
                ticket.state_message = Some(wrong);
            }
        }
        Delivered::StatusSet(remote) => {
            take_over(&mut ticket, &remote);
            ticket.state_reason = None;
            ticket.state_message = None;
        }
        // A close that was refused weighs more than the note that says so.
        Delivered::Refused { .. }
            if operation.kind == OperationKind::Note
                && matches!(ticket.state_reason.as_deref(), Some("close_refused" | "reopen_refused")) => {}
        Delivered::Refused { code, message } => {
            ticket.state_reason = Some(match operation.kind {
                OperationKind::Close => "close_refused".to_owned(),
                OperationKind::Reopen => "reopen_refused".to_owned(),
                OperationKind::Note => "note_refused".to_owned(),
                OperationKind::Create | OperationKind::ReadBack | OperationKind::Link => code.to_owned(),
            });
            ticket.state_message = Some(message);
            // What the ticket looks like now is asked of the PSA, not guessed.
            if ticket.external_id.is_some() {
                ticket.refresh_at = Some(now);
            }
        }
        Delivered::Uncertain | Delivered::StillUncertain if operation.kind == OperationKind::Create => {
            ticket.state_reason = Some("fate_unknown".to_owned());
            ticket.state_message = Some(
                "it is not known whether the PSA has made it (an answer was lost, or a back-up was put back); it is looked for before the PSA is asked again"
                    .to_owned(),
            );
        }
        Delivered::Untold(why) => {
            ticket.state_reason = Some("fate_unknown".to_owned());
            ticket.state_message = Some(format!("{why}; it is looked for again before it is made"));
        }
        _ => {}
    }
    if operation.kind == OperationKind::Link && happening == Some(Happening::CreateRefused) {
        // It was never ours: what is reported next opens a ticket of its own.
        ticket.open_group_key = None;
        ticket.external_id = None;
        ticket.refresh_at = None;
    }
    if let Some(state) = happening.and_then(|happening| after(ticket.state, happening, pending)) {
        ticket.state = state;
        if state == TicketState::Closed {
            mark_closed(&mut ticket, GATEWAY, now);
        }
    }
    ticket.updated_at = now;
    let mut ticket = save_changes(tx, &before, ticket).await?;
    if happening == Some(Happening::CloseRefused) {
        let why = ticket.state_message.clone().unwrap_or_default();
        let text = format!(
            "PSA Gateway could not close this ticket although the problem is over: {why}\nPlease close it by hand."
        );
        ticket = add_operation(
            Pen::at_once(tx, ground),
            ticket,
            OperationKind::Note,
            json!({ "text": text }),
            None,
        )
        .await?;
    }
    if happening == Some(Happening::ReopenRefused) && ticket.state == TicketState::Closed {
        follow_up(tx, ground, &ticket).await?;
    }
    let what = match (happening, ticket.state) {
        (Some(Happening::Created), _) => Some(OfTicket::Opened),
        (Some(Happening::Closed), TicketState::Closed) => Some(OfTicket::Closed),
        (Some(Happening::Reopened), TicketState::Open) => Some(OfTicket::Reopened),
        (None, _) if is_noted => {
            let text = operation.payload.get("text").and_then(|text| text.as_str()).unwrap_or_default();
            Some(OfTicket::Noted(text.to_owned()))
        }
        _ => None,
    };
    if let Some(what) = what {
        happenings::to_ticket(tx, ground, &ticket, what).await?;
    }
    Ok(ticket)
}

/// An id that another ticket of the connection had is not that ticket's any more: the PSA was set up anew,
/// or restored from a back-up.
async fn release_id(
    tx: &DatabaseTransaction,
    ticket: &ticket::Model,
    external_id: &str,
    now: Timestamp,
) -> Result<(), DbErr> {
    let reused = "the PSA has given this ticket's id to another one; it was set up anew or restored";
    let released = ticket::Entity::update_many()
        .col_expr(ticket::Column::ExternalId, Expr::value(None::<String>))
        .col_expr(ticket::Column::RefreshAt, Expr::value(None::<Timestamp>))
        .col_expr(ticket::Column::StateReason, Expr::value(Some("id_reused")))
        .col_expr(ticket::Column::StateMessage, Expr::value(Some(reused)))
        .filter(ticket::Column::OrganizationId.eq(ticket.organization_id))
        .filter(ticket::Column::PsaConnectionId.eq(ticket.psa_connection_id))
        .filter(ticket::Column::ExternalId.eq(external_id))
        .filter(ticket::Column::Id.ne(ticket.id))
        .exec_with_returning(tx)
        .await?;
    for other in &released {
        plan::changed(other, now);
    }
    Ok(())
}

/// Nothing more is done to a ticket that stands at another customer.
async fn block(
    tx: &DatabaseTransaction,
    operation: &ticket_operation::Model,
    why: &str,
) -> Result<(), DbErr> {
    use ticket_operation::Column as C;
    ticket_operation::Entity::update_many()
        .col_expr(C::State, Expr::value(OperationState::Failed.to_value()))
        .col_expr(C::LastErrorCode, Expr::value(Some("wrong_company")))
        .col_expr(C::LastError, Expr::value(Some(why)))
        .filter(C::Id.eq(operation.id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Takes over what a PSA shows of a ticket; what it does not say stays.
pub fn take_over(ticket: &mut ticket::Model, remote: &RemoteTicket) {
    ticket.external_id = Some(remote.external_id.clone());
    for (field, value) in [
        (&mut ticket.external_number, &remote.number),
        (&mut ticket.external_url, &remote.url),
        (&mut ticket.external_status, &remote.status),
        (&mut ticket.board, &remote.board),
    ] {
        if value.is_some() {
            field.clone_from(value);
        }
    }
}

/// A ticket in the wrong company is the worst there is: it is never taken for done.
async fn wrong_company(
    tx: &DatabaseTransaction,
    ticket: &ticket::Model,
    expected: Uuid,
    remote: &RemoteTicket,
) -> Result<Option<String>, DbErr> {
    let company = entity::psa_company::Entity::find_by_id(expected)
        .filter(entity::psa_company::Column::OrganizationId.eq(ticket.organization_id))
        .one(tx)
        .await?;
    let expected = company.map(|company| company.external_id);
    Ok(match (&remote.company_external_id, expected) {
        (Some(is), Some(expected)) if *is != expected => {
            tracing::error!(ticket.id = %ticket.id, "the PSA put a ticket into another company");
            Some(format!(
                "the PSA put ticket {} into its company {is} instead of {expected}; move it there by hand, then \
                 check the connection's rules",
                remote.external_id
            ))
        }
        _ => None,
    })
}

/// A ticket the PSA will not open again is followed by a new one that names it.
async fn follow_up(tx: &DatabaseTransaction, ground: &Ground, old: &ticket::Model) -> Result<(), DbErr> {
    let members = ticket_finding::Entity::find()
        .select_only()
        .column(ticket_finding::Column::FindingId)
        .filter(ticket_finding::Column::TicketId.eq(old.id))
        .into_query();
    let open = finding::Entity::find()
        .filter(finding::Column::OrganizationId.eq(old.organization_id))
        .filter(finding::Column::Id.in_subquery(members))
        .filter(finding::Column::State.eq(FindingState::Open))
        .all(tx)
        .await?;
    let is_list = plan::is_list(old);
    if open.is_empty() {
        return Ok(());
    }
    let now = ground.clock.now();
    let number = old.external_number.as_deref().or(old.external_id.as_deref()).unwrap_or_default();
    let mut body = format!("Follows ticket {number}, which could not be opened again.");
    for finding in open.iter().filter(|_| !is_list) {
        body.push_str("\n\n");
        body.push_str(&finding.title);
        body.push('\n');
        body.push_str(&finding.body_md);
    }
    let new = ticket::Model {
        id: ground.chance.id(now),
        open_group_key: Some(old.group_key.clone()),
        state: TicketState::Planned,
        state_reason: None,
        state_message: None,
        marker: marker::free(tx, marker::after(&old.marker), &ground.chance).await?,
        external_id: None,
        external_number: None,
        external_url: None,
        external_status: None,
        previous_ticket_id: Some(old.id),
        operation_count: 0,
        noted_at: None,
        refresh_at: None,
        first_seen_at: None,
        opened_at: None,
        closed_at: None,
        closed_by: None,
        is_touched: false,
        listed_at: None,
        note_due_at: None,
        close_due_at: None,
        created_at: now,
        updated_at: now,
        ..old.clone()
    };
    let new = new.into_active_model().insert(tx).await?;
    for finding in &open {
        plan::add_finding(Pen::at_once(tx, ground), &new, finding.id).await?;
    }
    let payload = json!({ "title": new.title, "body": body, "list": is_list });
    add_operation(Pen::at_once(tx, ground), new, OperationKind::Create, payload, None).await.map(|_| ())
}
