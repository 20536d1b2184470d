//! Policies that want no ticket: subscribers are told of a problem once while it is there, and once when it is over.
//!
//! Neither mapping nor profile is needed, and the switches of ticketing do not count. Mutes, maintenance windows,
//! baseline mode and the settle time do.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::fmt::Write as _;

use entity::{
    company,
    event::Outcome::{Duplicate, Ignored, Told},
    finding,
    notification::NotificationKind,
    policy, told_finding,
    waiting_finding::WaitsFor,
};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{
    conditions::span,
    decide::Deciding,
    group::Group,
    handling::{self, Handling},
    trail::{Decision, Trail},
};
use crate::{
    findings::record::Change, ground::Ground, notifications::findings as news,
    queue::notifications::NewNotification,
};

/// How many findings one statement names.
const CHUNK: usize = 500;

impl Deciding<'_> {
    /// A policy that wants no ticket has matched.
    pub(super) async fn tell(
        &self,
        company: &company::Model,
        policy: &policy::Model,
        finding: &finding::Model,
        change: Change,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let handling = self.desk.rules.handling(policy.id);
        let group = Group::of((policy, &handling), &self.desk.rules, company, self.event, finding);
        if let Some(decision) = self.muted_until(finding, Some(&group.key), trail).await? {
            return Ok(decision);
        }
        let none_wanted = none_wanted(policy);
        if finding.is_told && was_told(self.desk.tx, finding, policy.id).await? {
            trail.step("ticket", format!("{none_wanted}; it was told when it came"));
            let words = format!("told when it came, and told again only once it was over; {none_wanted}");
            return Ok(Decision::new(Duplicate, "told_before", words));
        }
        if let Some(settled) = self.settles(&handling, finding, change) {
            let words = handling::settling("is told", settled);
            return self.wait(finding, Some(policy.id), (WaitsFor::Settle, settled), words, trail).await;
        }
        let kind = NotificationKind::FindingMatched;
        let told = news::about((self.desk.tx, self.desk.ground), kind, finding, policy.id, Some(self.row.id))
            .await?;
        if told.is_empty() {
            trail.step("ticket", format!("{none_wanted}, and no subscriber wants to know"));
            let words = format!(
                "{none_wanted}, and no subscriber wants to know; make one with `webhookSubscriberCreate`, then it is \
                 told when it is seen the next time"
            );
            return Ok(Decision::new(Ignored, "nobody_listens", words));
        }
        self.remember(finding, policy.id).await?;
        let whom =
            if told.len() == 1 { "1 subscriber".to_owned() } else { format!("{} subscribers", told.len()) };
        trail.step("ticket", format!("{none_wanted}: told to {whom}"));
        Ok(Decision::new(Told, "told", format!("told to {whom}; {none_wanted}")).telling(told))
    }

    /// Writes down that it was told.
    async fn remember(&self, finding: &finding::Model, policy_id: Uuid) -> Result<(), DbErr> {
        use told_finding::Column as C;
        let now = self.desk.ground.clock.now();
        let row = told_finding::Model {
            id: self.desk.ground.chance.id(now),
            organization_id: finding.organization_id,
            finding_id: finding.id,
            policy_id,
            created_at: now,
        };
        told_finding::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::columns([C::FindingId, C::PolicyId]).do_nothing().to_owned())
            .exec_without_returning(self.desk.tx)
            .await?;
        self.desk.told(&[finding.id], true).await;
        mark(self.desk.tx, finding.organization_id, &[finding.id], true).await
    }
}

/// What a policy that wants no ticket says of it: `no ticket wanted by the policy "X"`.
pub(super) fn none_wanted(policy: &policy::Model) -> String {
    format!("no ticket wanted by the policy \"{}\"", policy.name)
}

/// What becomes of what a policy wants told, in words.
pub(super) fn explain(policy: &policy::Model, words: &mut String) {
    words.push_str(". Each is told once while it is there, and once when it is over; no ticket is opened.");
    let handling = Handling::of(policy);
    if handling.settle_secs > 0 {
        let _ = write!(words, " What is over within {} is not told.", span(handling.settle_secs));
    }
    if let Some(secs) = handling.age_secs {
        let _ = write!(words, " What has not been seen for {} is taken to be over.", span(secs));
    }
}

async fn was_told(
    tx: &DatabaseTransaction,
    finding: &finding::Model,
    policy_id: Uuid,
) -> Result<bool, DbErr> {
    use told_finding::Column as C;
    let found = told_finding::Entity::find()
        .filter(C::OrganizationId.eq(finding.organization_id))
        .filter(C::FindingId.eq(finding.id))
        .filter(C::PolicyId.eq(policy_id))
        .one(tx)
        .await?;
    Ok(found.is_some())
}

async fn mark(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    finding_ids: &[Uuid],
    is_told: bool,
) -> Result<(), DbErr> {
    use finding::Column as C;
    finding::Entity::update_many()
        .col_expr(C::IsTold, Expr::value(is_told))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::Id.is_in(finding_ids.iter().copied()))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Findings of which subscribers were told are over, and written down as such: gives what is to be told of that. Call
/// it with the findings locked.
pub(super) async fn over(
    (tx, ground): (&DatabaseTransaction, &Ground),
    organization_id: Uuid,
    finding_ids: &[Uuid],
    event_id: Option<Uuid>,
) -> Result<Vec<NewNotification>, DbErr> {
    use told_finding::Column as C;
    let mut all = Vec::new();
    for chunk in finding_ids.chunks(CHUNK) {
        let findings = finding::Entity::find()
            .filter(finding::Column::OrganizationId.eq(organization_id))
            .filter(finding::Column::Id.is_in(chunk.iter().copied()))
            .all(tx)
            .await?;
        let told = told_finding::Entity::find()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::FindingId.is_in(chunk.iter().copied()))
            .order_by_asc(C::Id)
            .all(tx)
            .await?;
        for row in told {
            let Some(finding) = findings.iter().find(|finding| finding.id == row.finding_id) else {
                continue;
            };
            let kind = NotificationKind::FindingResolved;
            all.extend(news::about((tx, ground), kind, finding, row.policy_id, event_id).await?);
        }
        told_finding::Entity::delete_many()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::FindingId.is_in(chunk.iter().copied()))
            .exec(tx)
            .await?;
        mark(tx, organization_id, chunk, false).await?;
    }
    Ok(all)
}
