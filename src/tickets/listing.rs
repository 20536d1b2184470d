//! The findings of a ticket for many, as people read them: the worst first, the rest counted, all of them in notes.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::fmt::Write as _;

use entity::{
    Severity, Timestamp, finding,
    finding::FindingState,
    ticket, ticket_finding,
    ticket_operation::{self, OperationKind},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, Iterable as _, JoinType, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select, Set,
    sea_query::{Expr, LockType, Query, SelectStatement},
};
use serde::Deserialize as _;
use serde_json::json;
use uuid::Uuid;

use super::{pen::Pen, plan};
use crate::{
    decisions::event::{Asset, Remediation},
    error::Error,
    findings::details,
    ground::Ground,
};

/// How many findings stand in the ticket's own text.
const TOP: u16 = 20;
/// How many stand in one note.
const IN_NOTE: u16 = 100;
/// In how many notes the whole list stands at the most.
const NOTES: u16 = 20;

/// The ticket is about to be created: its text gets the list of what is on it, and what does not fit goes into
/// notes behind it. Once: later attempts send the same.
pub(super) async fn complete(
    tx: &DatabaseTransaction,
    ground: &Ground,
    operation: &ticket_operation::Model,
    mut ticket: ticket::Model,
) -> Result<(ticket::Model, ticket_operation::Model), DbErr> {
    let wants_list = operation.payload.get("list").and_then(serde_json::Value::as_bool) == Some(true);
    if operation.kind != OperationKind::Create || !wants_list || ticket.listed_at.is_some() {
        return Ok((ticket, operation.clone()));
    }
    let all = members(&ticket).filter(finding::Column::State.eq(FindingState::Open));
    let count = all.clone().count(tx).await?;
    let wanted = u64::from(TOP) + u64::from(NOTES) * u64::from(IN_NOTE);
    let findings = worst_first(all).limit(wanted).all(tx).await?;
    let mut payload = operation.payload.clone();
    let body = payload.get("body").and_then(serde_json::Value::as_str).unwrap_or_default();
    let text = opening(body, &findings, count);
    let worst = findings.first().map_or(ticket.severity, |finding| finding.severity);
    ticket.title = retitled(&ticket.title, worst);
    if let Some(fields) = payload.as_object_mut() {
        fields.insert("title".to_owned(), json!(ticket.title));
        fields.insert("body".to_owned(), json!(text));
    }
    let mut row = operation.clone().into_active_model();
    row.payload = Set(payload);
    let operation = row.update(tx).await?;
    let now = ground.clock.now();
    told(tx, &ticket).await?;
    ticket.listed_at = Some(now);
    ticket.noted_at = Some(now);
    for text in rest(&findings, count) {
        ticket = plan::add_operation(
            Pen::at_once(tx, ground),
            ticket,
            OperationKind::Note,
            json!({ "text": text }),
            None,
        )
        .await?;
    }
    Ok((ticket, operation))
}

/// A title that begins with the severity of the finding that came first says the worst one's.
fn retitled(title: &str, worst: Severity) -> String {
    let parts = title.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    match parts.filter(|(word, _)| Severity::iter().any(|severity| severity.word() == *word)) {
        Some((_, rest)) => format!("[{}] {rest}", worst.word()),
        None => title.to_owned(),
    }
}

/// A body with the list below it.
fn opening(body: &str, findings: &[finding::Model], count: u64) -> String {
    let mut text = body.trim_end().to_owned();
    let plural = if count == 1 { "finding" } else { "findings" };
    let _ = write!(text, "\n\n{count} {plural}:");
    for finding in findings.iter().take(usize::from(TOP)) {
        text.push('\n');
        text.push_str(&line(finding));
    }
    if count > u64::from(TOP) {
        let _ = write!(text, "\nand {} more, listed in the notes.", count - u64::from(TOP));
    }
    text
}

/// What does not fit into the text, as notes.
fn rest(findings: &[finding::Model], count: u64) -> Vec<String> {
    let (top, in_note) = (usize::from(TOP), usize::from(IN_NOTE));
    let more = findings.get(top..).unwrap_or_default();
    let mut notes: Vec<String> = Vec::new();
    for (index, chunk) in more.chunks(in_note).enumerate() {
        let from = top + index * in_note + 1;
        let mut text = format!("Findings {from} to {} of {count}:", from + chunk.len() - 1);
        for finding in chunk {
            text.push('\n');
            text.push_str(&line(finding));
        }
        notes.push(text);
    }
    let left = count.saturating_sub(findings.len() as u64);
    if left > 0
        && let Some(last) = notes.last_mut()
    {
        let _ = write!(last, "\nand {left} more; PSA Gateway lists all of them.");
    }
    notes
}

/// A ticket whose note is due.
pub fn any_due(now: Timestamp) -> SelectStatement {
    use ticket::Column as C;
    Query::select().column(C::Id).from(ticket::Entity).and_where(C::NoteDueAt.lte(now)).limit(1).take()
}

/// Tickets of which a note is due, the longest waiting first.
pub async fn due(db: &impl ConnectionTrait, now: Timestamp, limit: u64) -> Result<Vec<(Uuid, Uuid)>, DbErr> {
    use ticket::Column as C;
    ticket::Entity::find()
        .select_only()
        .columns([C::OrganizationId, C::Id])
        .filter(C::NoteDueAt.lte(now))
        .order_by_asc(C::NoteDueAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// Plans the note that tells of what is new and what is over on a ticket since the last one.
pub async fn tell(ground: &Ground, organization_id: Uuid, ticket_id: Uuid) -> Result<(), Error> {
    let ground_of = ground.clone();
    ground
        .db
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let ground = &ground_of;
                let now = ground.clock.now();
                let found = ticket::Entity::find_by_id(ticket_id)
                    .filter(ticket::Column::OrganizationId.eq(organization_id))
                    .filter(ticket::Column::NoteDueAt.lte(now))
                    .lock(LockType::Update)
                    .one(tx)
                    .await?;
                let Some(mut ticket) = found else { return Ok(()) };
                ticket.note_due_at = None;
                let pen = Pen::at_once(tx, ground);
                let text = news(pen, &ticket).await?;
                told(tx, &ticket).await?;
                match text {
                    Some(text) if ticket.open_group_key.is_some() => {
                        plan::note(pen, ticket, text, None).await?;
                        plan::wake_lanes(tx, ground, organization_id, vec![ticket_id]).await?;
                    }
                    _ => {
                        plan::save(pen, ticket).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}

/// From here on the ticket tells of its findings as they stand. Call it with the ticket locked: whoever puts a finding
/// on it, or ends one, holds the lock.
async fn told(tx: &DatabaseTransaction, ticket: &ticket::Model) -> Result<(), DbErr> {
    use ticket_finding::Column as C;
    ticket_finding::Entity::update_many()
        .col_expr(C::IsTold, Expr::value(true))
        .filter(C::OrganizationId.eq(ticket.organization_id))
        .filter(C::TicketId.eq(ticket.id))
        .filter(C::IsTold.eq(false))
        .exec(tx)
        .await
        .map(|_| ())
}

/// What is new and what is over on a ticket and was not told yet; none where nothing is.
async fn news(pen: Pen<'_>, ticket: &ticket::Model) -> Result<Option<String>, DbErr> {
    use ticket_finding::Column as C;
    let untold = members(ticket).filter(C::IsTold.eq(false));
    let added = untold.clone().filter(C::EndedAt.is_null());
    let ended = untold.filter(C::EndedAt.is_not_null());
    let mut text = String::new();
    for (heading, select) in [("New on this ticket", added), ("Over", ended)] {
        let count = select.clone().count(pen.tx).await?;
        if count == 0 {
            continue;
        }
        let findings = worst_first(select).limit(u64::from(IN_NOTE)).all(pen.tx).await?;
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let _ = write!(text, "{heading} ({count}):");
        for finding in &findings {
            text.push('\n');
            text.push_str(&line(finding));
        }
        let left = count.saturating_sub(findings.len() as u64);
        if left > 0 {
            let _ = write!(text, "\nand {left} more; PSA Gateway lists all of them.");
        }
    }
    if text.is_empty() {
        return Ok(None);
    }
    let open = plan::open_findings(pen, ticket).await?;
    let _ = write!(text, "\n\nOpen on this ticket now: {open}.");
    Ok(Some(text))
}

/// The findings on a ticket.
fn members(ticket: &ticket::Model) -> Select<finding::Entity> {
    let on = finding::Entity::belongs_to(ticket_finding::Entity)
        .from(finding::Column::Id)
        .to(ticket_finding::Column::FindingId)
        .into();
    finding::Entity::find()
        .join(JoinType::InnerJoin, on)
        .filter(finding::Column::OrganizationId.eq(ticket.organization_id))
        .filter(ticket_finding::Column::TicketId.eq(ticket.id))
}

fn worst_first(select: Select<finding::Entity>) -> Select<finding::Entity> {
    select
        .order_by_desc(finding::Column::Severity)
        .order_by_asc(finding::Column::Title)
        .order_by_asc(finding::Column::Id)
}

/// A finding in one line: `- [high] title, on asset, fixed in 1.2 (https://…)`.
fn line(finding: &finding::Model) -> String {
    let mut line = format!("- [{}] {}", finding.severity.word(), finding.title);
    let asset = Option::<Asset>::deserialize(&finding.asset).ok().flatten().unwrap_or_default();
    if let Some(name) = asset.name.or(asset.fqdn).or(asset.ip).or(asset.uid) {
        let _ = write!(line, ", on {name}");
    }
    let Remediation { title, fixed_version, .. } = details::read(finding).remediation.unwrap_or_default();
    if let Some(version) = fixed_version {
        let _ = write!(line, ", fixed in {version}");
    } else if let Some(title) = title {
        let _ = write!(line, "; to do: {title}");
    }
    if let Some(url) = &finding.evidence_url {
        let _ = write!(line, " ({url})");
    }
    // One line each, whatever a sender puts into it.
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
