//! What keeping quiet means for an event whose problem is there.

use entity::{company, event::Outcome::Suppressed, finding, ticket, waiting_finding::WaitsFor};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, prelude::Uuid, sea_query::Expr};

use super::Mute;
use crate::{
    decisions::{
        decide::Deciding,
        trail::{Decision, Trail},
    },
    findings::record::Change,
};

/// The reason of events whose finding was learned.
pub const LEARNED: &str = "baseline";
/// The reason of events whose finding was learned before.
pub const KNOWN: &str = "baseline_known";

impl Deciding<'_> {
    /// Whether a finding without an open ticket gets none, whatever the policies say. Call it before they are asked.
    pub(in crate::decisions) async fn keeps_quiet(
        &self,
        company: &company::Model,
        finding: &finding::Model,
        change: Change,
        trail: &mut Trail,
    ) -> Result<Option<Decision>, DbErr> {
        let (quiet, now) = (self.quiet, self.ground.clock.now());
        let learning = quiet.learning();
        let is_news = matches!(change, Change::CameBack | Change::SeenAgain { is_worse: true });
        let is_known = finding.baseline_endpoint_id.is_some() && !is_news;
        if let Some(endpoint) = learning {
            if finding.baseline_endpoint_id.is_none() {
                self.learned_at(finding, Some(endpoint.id)).await?;
            }
        } else if finding.baseline_endpoint_id.is_some() && is_news {
            // Whatever else keeps it quiet now: it is no longer what was learned.
            self.learned_at(finding, None).await?;
            trail.step("remark", "learned in baseline mode; it is not as it was then");
        }
        if let Some(decision) = self.muted(finding, None, trail) {
            return Ok(Some(decision));
        }
        if let Some(endpoint) = learning {
            let until = endpoint
                .baseline_until
                .map_or_else(|| "until somebody ends that".to_owned(), |until| format!("until {until}"));
            let name = &endpoint.name;
            trail.step("remark", format!("the endpoint \"{name}\" was learning when it came in ({until})"));
            let words = format!(
                "it came in while the endpoint \"{name}\" was in baseline mode ({until}): the finding is written down \
                 and gets no ticket"
            );
            return Ok(Some(Decision::new(Suppressed, LEARNED, words)));
        }
        if is_known {
            trail.step("remark", "learned in baseline mode, and as it was then");
            let words = "it was there before the endpoint's baseline mode ended; it gets a ticket once it gets worse, or \
                         comes back after it was resolved";
            return Ok(Some(Decision::new(Suppressed, KNOWN, words)));
        }
        if let Some(window) = quiet.window(company.id, now) {
            let (name, until) = (window.name, window.until);
            let words = format!(
                "the maintenance window \"{name}\" is open until {until}: what is still there then gets its ticket"
            );
            let waits_for = (WaitsFor::Maintenance, until);
            return Ok(Some(self.wait(finding, None, waits_for, words, trail).await?));
        }
        Ok(None)
    }

    /// Nobody wants to hear of a finding, or of its group where that is known.
    pub(in crate::decisions) fn muted(
        &self,
        finding: &finding::Model,
        group_key: Option<&str>,
        trail: &mut Trail,
    ) -> Option<Decision> {
        let Mute { until, reason, by } = self.quiet.mute(finding.id, group_key, self.ground.clock.now())?;
        trail.step("remark", format!("muted until {until} by {by}: {reason}"));
        let words = format!(
            "muted until {until} by {by}: {reason}; it is taken up when it is seen after that, or after \
             `findingUnmute`"
        );
        Some(Decision::new(Suppressed, "muted", words))
    }

    /// Whether the open ticket of a muted finding gets no note. That it is back, after it was gone, is always told.
    pub(in crate::decisions) fn adds_no_note(
        &self,
        ticket: &ticket::Model,
        finding: &finding::Model,
        change: Change,
        trail: &mut Trail,
    ) -> Option<Decision> {
        if change == Change::CameBack {
            return None;
        }
        let decision = self.muted(finding, Some(&ticket.group_key), trail)?;
        Some(decision.ticket(ticket.id))
    }

    async fn learned_at(
        &self,
        finding: &finding::Model,
        webhook_endpoint_id: Option<Uuid>,
    ) -> Result<(), DbErr> {
        use finding::Column as C;
        finding::Entity::update_many()
            .col_expr(C::BaselineEndpointId, Expr::value(webhook_endpoint_id))
            .filter(C::OrganizationId.eq(finding.organization_id))
            .filter(C::Id.eq(finding.id))
            .exec(self.tx)
            .await
            .map(|_| ())
    }
}
