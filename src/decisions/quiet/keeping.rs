//! What keeping quiet means for an event whose problem is there.

use entity::{company, event::Outcome::Suppressed, finding, ticket, waiting_finding::WaitsFor};
use sea_orm::DbErr;

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

/// The same in words.
pub const KNOWN_WORDS: &str = "it was there before the endpoint's baseline mode ended; it gets a ticket once it gets \
                               worse, or comes back after it was resolved";

fn holding(mute: Mute<'_>) -> String {
    let Mute { until, reason, by } = mute;
    format!("muted until {until} by {by}: {reason}")
}

impl Deciding<'_> {
    /// Whether a finding without an open ticket gets none, whatever the policies say. Call it before they are asked.
    pub(in crate::decisions) async fn keeps_quiet(
        &self,
        company: &company::Model,
        finding: &finding::Model,
        change: Change,
        trail: &mut Trail,
    ) -> Result<Option<Decision>, DbErr> {
        let (quiet, now) = (&self.desk.quiet, self.desk.ground.clock.now());
        let learning = self.delivery.and_then(|delivery| quiet.learning(delivery));
        let is_news = matches!(change, Change::CameBack | Change::SeenAgain { is_worse: true });
        let is_known = finding.baseline_endpoint_id.is_some() && !is_news;
        if let Some(endpoint) = learning {
            if finding.baseline_endpoint_id.is_none() {
                self.desk.learned_at(finding, Some(endpoint.id)).await?;
            }
        } else if finding.baseline_endpoint_id.is_some() && is_news {
            // Whatever else keeps it quiet now: it is no longer what was learned.
            self.desk.learned_at(finding, None).await?;
            trail.step("remark", "learned in baseline mode; it is not as it was then");
        }
        if let Some(decision) = self.muted_until(finding, None, trail).await? {
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
            return Ok(Some(Decision::new(Suppressed, KNOWN, KNOWN_WORDS)));
        }
        if let Some(window) = quiet.window(company.id, now) {
            let waits_for = (WaitsFor::Maintenance, window.until);
            return Ok(Some(self.wait(finding, None, waits_for, window.words(), trail).await?));
        }
        Ok(None)
    }

    /// Nobody wants to hear of a finding, or of its group where that is known: it waits until that ends.
    pub(in crate::decisions) async fn muted_until(
        &self,
        finding: &finding::Model,
        group_key: Option<&str>,
        trail: &mut Trail,
    ) -> Result<Option<Decision>, DbErr> {
        let now = self.desk.ground.clock.now();
        let Some(mute) = self.desk.quiet.mute(finding.id, group_key, now) else { return Ok(None) };
        self.begin_to_wait(finding, None, (WaitsFor::Mute, mute.until)).await?;
        trail.step("remark", holding(mute));
        Ok(Some(Decision::new(Suppressed, "muted", mute.words())))
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
        let mute = self.desk.quiet.mute(finding.id, Some(&ticket.group_key), self.desk.ground.clock.now())?;
        trail.step("remark", holding(mute));
        let words = format!("{}: its open ticket gets no notes that it is still there", holding(mute));
        Some(Decision::new(Suppressed, "muted", words).beside(ticket.id))
    }
}
