//! Findings that wait for their ticket: until they have settled, for a digest, for the end of a maintenance window.
//!
//! A finding waits once. When it is over before, nothing is opened; when its time has come it is decided by the
//! policies as they stand then, and only what it waited for is not waited for again.
#![expect(
    clippy::disallowed_methods,
    reason = "scopes every query by organization; the clock's worker by what is due"
)]

use entity::{
    Timestamp, company, event,
    event::Outcome::{Duplicate, Ignored, Suppressed, Waiting},
    finding::{self, FindingState},
    waiting_finding::{self, WaitsFor},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, ModelTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockBehavior, LockType, OnConflict},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    decide::Deciding,
    quiet::Quiet,
    rules::Rules,
    trail::{Decision, Trail},
};
use crate::{
    error::Error,
    findings::{details, record::Change},
    ground::Ground,
    queue::inbox,
    tickets::plan,
};

/// How many are taken up in one transaction.
const BATCH: u64 = 50;

/// Stable name of the reason.
const fn reason(waits_for: WaitsFor) -> &'static str {
    match waits_for {
        WaitsFor::Settle => "settling",
        WaitsFor::Digest => "digest",
        WaitsFor::Maintenance => "maintenance",
    }
}

impl Deciding<'_> {
    /// Makes a finding wait; it may do so already.
    pub(super) async fn wait(
        &self,
        finding: &finding::Model,
        policy_id: Option<Uuid>,
        (waits_for, due_at): (WaitsFor, Timestamp),
        why: String,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let now = self.ground.clock.now();
        let row = waiting_finding::Model {
            id: self.ground.chance.id(now),
            organization_id: finding.organization_id,
            finding_id: finding.id,
            event_id: self.row.id,
            policy_id,
            waits_for,
            due_at,
            created_at: now,
        };
        let is_first = waiting_finding::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::column(waiting_finding::Column::FindingId).do_nothing().to_owned())
            .exec_without_returning(self.tx)
            .await?
            > 0;
        trail.step("cadence", &why);
        if is_first {
            return Ok(Decision::new(Waiting, reason(waits_for), why));
        }
        let words =
            "an earlier event of this finding waits already; its ticket is opened when its time has come";
        Ok(Decision::new(Duplicate, "waits_already", words))
    }
}

impl Deciding<'_> {
    /// Whether a finding waits.
    pub(super) async fn is_waiting(&self, finding: &finding::Model) -> Result<bool, DbErr> {
        use waiting_finding::Column as C;
        let found: Option<Uuid> = waiting_finding::Entity::find()
            .select_only()
            .column(C::Id)
            .filter(C::OrganizationId.eq(finding.organization_id))
            .filter(C::FindingId.eq(finding.id))
            .into_tuple()
            .one(self.tx)
            .await?;
        Ok(found.is_some())
    }
}

/// Findings that are over wait no more. Says how many did. Call it with the findings locked.
pub(super) async fn forget(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    finding_ids: &[Uuid],
    now: Timestamp,
) -> Result<usize, DbErr> {
    use waiting_finding::Column as C;
    let mut count = 0;
    for chunk in finding_ids.chunks(500) {
        let rows = waiting_finding::Entity::find()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::FindingId.is_in(chunk.iter().copied()))
            .order_by_asc(C::FindingId)
            .lock(LockType::Update)
            .all(tx)
            .await?;
        for row in rows {
            let decision = Decision::new(
                Suppressed,
                "over_before_due",
                "it was over before its ticket was due: none is opened",
            );
            write(tx, &row, Vec::new(), &decision, now).await?;
            row.delete(tx).await?;
            count += 1;
        }
    }
    Ok(count)
}

/// Has what waits for the end of a maintenance window looked at again: windows have changed.
pub async fn windows_changed(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    use waiting_finding::Column as C;
    waiting_finding::Entity::update_many()
        .col_expr(C::DueAt, Expr::value(now))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::WaitsFor.eq(WaitsFor::Maintenance))
        .exec(tx)
        .await
        .map(|_| ())
}

/// An organization whose findings have waited long enough, the next one after `last` in a circle; none where no
/// finding has.
pub async fn whose_turn(
    db: &impl ConnectionTrait,
    last: Uuid,
    now: Timestamp,
) -> Result<Option<Uuid>, DbErr> {
    use waiting_finding::Column as C;
    let due = waiting_finding::Entity::find()
        .select_only()
        .column(C::OrganizationId)
        .filter(C::DueAt.lte(now))
        .limit(1);
    if due.clone().into_tuple::<Uuid>().one(db).await?.is_none() {
        return Ok(None);
    }
    let next = |from: Uuid| {
        let due = due.clone().filter(C::OrganizationId.gt(from)).order_by_asc(C::OrganizationId);
        due.into_tuple::<Uuid>()
    };
    match next(last).one(db).await? {
        Some(id) => Ok(Some(id)),
        None => next(Uuid::nil()).one(db).await,
    }
}

/// Decides some of an organization's findings that have waited long enough. Says how many there were.
pub async fn release(ground: &Ground, organization_id: Uuid) -> Result<usize, Error> {
    let ground_of = ground.clone();
    ground
        .db
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let count = release_some(tx, &ground_of, organization_id).await?;
                Ok(count)
            })
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
        .order_by_asc(finding::Column::Source)
        .order_by_asc(finding::Column::Key)
        .lock(LockType::Update)
        .all(tx)
        .await?;
    let rules = Rules::load(tx, organization_id).await?;
    let quiet = Quiet::load(tx, organization_id, None, now).await?;
    let mut touched = Vec::new();
    for finding in findings {
        let waiting = waiting_finding::Entity::find()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::FindingId.eq(finding.id))
            .filter(C::DueAt.lte(now))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .one(tx)
            .await?;
        let Some(waiting) = waiting else { continue };
        touched.extend(decide(tx, ground, (&rules, &quiet), finding, &waiting).await?);
    }
    plan::wake_lanes(tx, ground, organization_id, touched).await?;
    Ok(due.len())
}

/// Decides a finding that has waited, and lets it wait no more. Gives the tickets it touched.
async fn decide(
    tx: &DatabaseTransaction,
    ground: &Ground,
    (rules, quiet): (&Rules, &Quiet),
    finding: finding::Model,
    waiting: &waiting_finding::Model,
) -> Result<Vec<Uuid>, DbErr> {
    let now = ground.clock.now();
    waiting.clone().delete(tx).await?;
    let row = event::Entity::find_by_id(waiting.event_id)
        .filter(event::Column::OrganizationId.eq(waiting.organization_id))
        .one(tx)
        .await?;
    let company = company::Entity::find_by_id(finding.company_id)
        .filter(company::Column::OrganizationId.eq(waiting.organization_id))
        .one(tx)
        .await?;
    let said =
        Some(&finding).filter(|finding| finding.state == FindingState::Open).and_then(details::event_of);
    let (Some(row), Some(company), Some(event)) = (row, company, said) else {
        let decision = Decision::new(Ignored, "over_before_due", "it was over before its ticket was due");
        write(tx, waiting, Vec::new(), &decision, now).await?;
        return Ok(Vec::new());
    };
    let mut trail = Trail::default();
    trail.step("cadence", format!("its time has come: {}", waiting.due_at));
    let deciding = Deciding {
        tx,
        ground,
        rules,
        quiet,
        event: &event,
        row: &row,
        was_recorded: false,
        waited: Some(waiting),
    };
    let decision = deciding.there(company, &finding, Change::New, &mut trail).await?;
    let steps = match trail.into_json() {
        Value::Array(steps) => steps,
        _ => Vec::new(),
    };
    write(tx, waiting, steps, &decision, now).await?;
    if decision.outcome == event::Outcome::Held {
        inbox::look_again_soon(tx, waiting.organization_id, row.webhook_delivery_id, now).await?;
    }
    let mut tickets = decision.further_tickets;
    tickets.extend(decision.ticket_id);
    Ok(tickets)
}

/// Writes what became of an event that had waited, behind the way to the first decision.
async fn write(
    tx: &DatabaseTransaction,
    waiting: &waiting_finding::Model,
    steps: Vec<Value>,
    decision: &Decision,
    now: Timestamp,
) -> Result<(), DbErr> {
    let found = event::Entity::find_by_id(waiting.event_id)
        .filter(event::Column::OrganizationId.eq(waiting.organization_id))
        .one(tx)
        .await?;
    let Some(mut row) = found else { return Ok(()) };
    let mut all = match row.steps.take() {
        Value::Array(all) => all,
        _ => Vec::new(),
    };
    all.extend(steps);
    row.steps = Value::Array(all);
    row.outcome = decision.outcome;
    decision.reason.clone_into(&mut row.reason);
    row.explanation.clone_from(&decision.explanation);
    row.ticket_id = decision.ticket_id;
    row.decided_at = now;
    row.into_active_model().reset_all().update(tx).await.map(|_| ())
}
