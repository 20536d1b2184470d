//! Findings that wait for their ticket: until they have settled, for a digest, for the end of a maintenance window or
//! of a mute.
//!
//! A finding waits once. When it is over before, nothing is opened; when its time has come it is decided by the
//! policies as they stand then, and only what it waited for is not waited for again.
#![expect(
    clippy::disallowed_methods,
    reason = "scopes every query by organization; the clock's worker by what is due"
)]

mod release;
mod sooner;

use entity::{
    Timestamp, event,
    event::Outcome::{Duplicate, Suppressed, Waiting},
    finding,
    waiting_finding::{self, WaitsFor},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, ModelTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{LockType, OnConflict, Query, SelectStatement},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    decide::Deciding,
    trail::{Decision, Trail},
};

pub use release::release;
pub use sooner::{mute_changed, windows_changed};

/// Stable name of the reason.
const fn reason(waits_for: WaitsFor) -> &'static str {
    match waits_for {
        WaitsFor::Settle => "settling",
        WaitsFor::Digest => "digest",
        WaitsFor::Maintenance => "maintenance",
        WaitsFor::Mute => "muted",
    }
}

impl Deciding<'_> {
    /// Makes a finding wait; it may do so already.
    pub(super) async fn wait(
        &self,
        finding: &finding::Model,
        policy_id: Option<Uuid>,
        until: (WaitsFor, Timestamp),
        why: String,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let is_first = self.begin_to_wait(finding, policy_id, until).await?;
        trail.step("cadence", &why);
        if is_first {
            return Ok(Decision::new(Waiting, reason(until.0), why));
        }
        let words =
            "an earlier event of this finding waits already; its ticket is opened when its time has come";
        Ok(Decision::new(Duplicate, "waits_already", words))
    }

    /// Writes down that a finding waits. False where it does already.
    pub(super) async fn begin_to_wait(
        &self,
        finding: &finding::Model,
        policy_id: Option<Uuid>,
        (waits_for, due_at): (WaitsFor, Timestamp),
    ) -> Result<bool, DbErr> {
        let now = self.desk.ground.clock.now();
        let row = waiting_finding::Model {
            id: self.desk.ground.chance.id(now),
            organization_id: finding.organization_id,
            finding_id: finding.id,
            event_id: self.row.id,
            policy_id,
            waits_for,
            due_at,
            created_at: now,
        };
        let written = waiting_finding::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::column(waiting_finding::Column::FindingId).do_nothing().to_owned())
            .exec_without_returning(self.desk.tx)
            .await?;
        if written > 0 {
            self.desk.set_waiting(finding.id, Some(waits_for));
        }
        Ok(written > 0)
    }

    /// Whether a finding waits. One that is muted is looked at again all the same: a person may have changed that.
    pub(super) async fn waits_for_its_time(&self, finding: &finding::Model) -> Result<bool, DbErr> {
        use waiting_finding::Column as C;
        if let Some(waits) = self.desk.waits(finding.id, |waits_for| waits_for != WaitsFor::Mute) {
            return Ok(waits);
        }
        let found: Option<Uuid> = waiting_finding::Entity::find()
            .select_only()
            .column(C::Id)
            .filter(C::OrganizationId.eq(finding.organization_id))
            .filter(C::FindingId.eq(finding.id))
            .filter(C::WaitsFor.ne(WaitsFor::Mute))
            .into_tuple()
            .one(self.desk.tx)
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

/// A finding that has waited long enough.
pub fn any_due(now: Timestamp) -> SelectStatement {
    use waiting_finding::Column as C;
    Query::select().column(C::Id).from(waiting_finding::Entity).and_where(C::DueAt.lte(now)).limit(1).take()
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

/// Writes what became of an event that had waited, behind the way to the first decision. Gives its row.
async fn write(
    tx: &DatabaseTransaction,
    waiting: &waiting_finding::Model,
    steps: Vec<Value>,
    decision: &Decision,
    now: Timestamp,
) -> Result<Option<event::Model>, DbErr> {
    let found = event::Entity::find_by_id(waiting.event_id)
        .filter(event::Column::OrganizationId.eq(waiting.organization_id))
        .one(tx)
        .await?;
    let Some(mut row) = found else { return Ok(None) };
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
    row.into_active_model().reset_all().update(tx).await.map(Some)
}
