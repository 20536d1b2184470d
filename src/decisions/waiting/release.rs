//! Deciding what has waited long enough.
#![expect(
    clippy::disallowed_methods,
    reason = "scopes every query by organization; the clock's worker by what is due"
)]

use std::collections::BTreeSet;

use entity::{
    company, event,
    event::Outcome::Ignored,
    finding::{self, FindingState},
    waiting_finding,
};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, ModelTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{LockBehavior, LockType},
};
use serde_json::Value;
use uuid::Uuid;

use super::write;
use crate::{
    decisions::{
        decide::Deciding,
        desk::Desk,
        trail::{Decision, Trail},
    },
    error::Error,
    findings::{details, record::Change},
    ground::Ground,
    notifications::happenings,
    queue::{
        inbox,
        notifications::{self, NewNotification},
    },
    tickets::plan,
};

/// How many are taken up in one transaction.
const BATCH: u64 = 50;

/// Decides some of an organization's findings that have waited long enough. Says how many there were.
pub async fn release(ground: &Ground, organization_id: Uuid) -> Result<usize, Error> {
    let ground_of = ground.clone();
    ground
        .db
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(Box::pin(release_some(tx, &ground_of, organization_id)).await?) })
        })
        .await
}

async fn release_some(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
) -> Result<usize, DbErr> {
    use waiting_finding::Column as C;
    let now = ground.clock.now();
    let due: Vec<(Uuid, Uuid)> = waiting_finding::Entity::find()
        .select_only()
        .columns([C::Id, C::FindingId])
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::DueAt.lte(now))
        .order_by_asc(C::DueAt)
        .order_by_asc(C::Id)
        .limit(BATCH)
        .into_tuple()
        .all(tx)
        .await?;
    if due.is_empty() {
        return Ok(0);
    }
    // Findings first, in the order in which deliveries lock them; then what waits, unless another took it meanwhile.
    let findings = finding::Entity::find()
        .filter(finding::Column::OrganizationId.eq(organization_id))
        .filter(finding::Column::Id.is_in(due.iter().map(|(_, finding_id)| *finding_id)))
        .order_by_asc(finding::Column::CompanyId)
        .order_by_asc(finding::Column::Source)
        .order_by_asc(finding::Column::Key)
        .lock(LockType::Update)
        .all(tx)
        .await?;
    let company_ids: BTreeSet<Uuid> = findings.iter().map(|finding| finding.company_id).collect();
    let companies = company::Entity::find()
        .filter(company::Column::OrganizationId.eq(organization_id))
        .filter(company::Column::Id.is_in(company_ids.iter().copied()))
        .all(tx)
        .await?;
    let desk = Desk::of(tx, ground, organization_id, &company_ids).await?;
    desk.read_ahead(&findings.iter().map(|finding| finding.id).collect::<Vec<_>>()).await?;
    let mut all = Released::default();
    for finding in findings {
        let waiting = waiting_finding::Entity::find()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::FindingId.eq(finding.id))
            .filter(C::DueAt.lte(now))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .one(tx)
            .await?;
        let Some(waiting) = waiting else { continue };
        let company = companies.iter().find(|company| company.id == finding.company_id).cloned();
        Box::pin(decide(&desk, company, finding, &waiting, &mut all)).await?;
    }
    desk.write().await?;
    all.news.extend(happenings::newly_held(tx, ground, organization_id, all.held).await?);
    notifications::enqueue(tx, ground, all.news).await?;
    plan::wake_lanes(tx, ground, organization_id, all.tickets).await?;
    Ok(due.len())
}

/// What came of findings that had waited.
#[derive(Default)]
struct Released {
    /// The tickets they touched.
    tickets: Vec<Uuid>,
    /// What subscribers are to be told.
    news: Vec<NewNotification>,
    /// Events that are held now.
    held: Vec<event::Model>,
}

/// Decides a finding that has waited, and lets it wait no more.
async fn decide(
    desk: &Desk<'_>,
    company: Option<company::Model>,
    finding: finding::Model,
    waiting: &waiting_finding::Model,
    all: &mut Released,
) -> Result<(), DbErr> {
    let (tx, now) = (desk.tx, desk.ground.clock.now());
    waiting.clone().delete(tx).await?;
    let row = event::Entity::find_by_id(waiting.event_id)
        .filter(event::Column::OrganizationId.eq(waiting.organization_id))
        .one(tx)
        .await?;
    let said =
        Some(&finding).filter(|finding| finding.state == FindingState::Open).and_then(details::event_of);
    let (Some(row), Some(company), Some(event)) = (row, company, said) else {
        let decision = Decision::new(Ignored, "over_before_due", "it was over before its ticket was due");
        return write(tx, waiting, Vec::new(), &decision, now).await.map(|_| ());
    };
    let mut trail = Trail::default();
    trail.step("cadence", format!("its time has come: {}", waiting.due_at));
    let (event, row, waited) = (&event, &row, Some(waiting));
    let deciding = Deciding { desk, delivery: None, event, row, was_recorded: false, waited };
    let decision = deciding.there(company, &finding, Change::New, &mut trail).await?;
    let steps = match trail.into_json() {
        Value::Array(steps) => steps,
        _ => Vec::new(),
    };
    let written = write(tx, waiting, steps, &decision, now).await?;
    if decision.outcome == event::Outcome::Held {
        inbox::look_again_soon(tx, waiting.organization_id, row.webhook_delivery_id, now).await?;
        all.held.extend(written);
    }
    all.news.extend(decision.news);
    all.tickets.extend(decision.further_tickets);
    all.tickets.extend(decision.ticket_id);
    Ok(())
}
