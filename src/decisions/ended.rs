//! The problem is over: its ticket closes once nothing else on it is open, by the rule of its policy.

use entity::{
    Timestamp,
    event::Outcome::{Closed, Duplicate, Ignored, Noted, Told, Waiting},
    finding, ticket,
};
use sea_orm::DbErr;
use uuid::Uuid;

use super::{
    decide::Deciding,
    handling::CloseRule,
    rules::Rules,
    told,
    trail::{Decision, Trail},
    waiting,
};
use crate::tickets::{flaps, pen::Pen, plan, text};

/// What became of a ticket on which something is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Others on it are open.
    OthersOpen(u64),
    /// It is to be closed.
    Closes,
    /// It is being closed already.
    ClosesAlready,
    /// It is closed later, unless something comes back.
    ClosesAt(Timestamp),
    /// A person is to close it.
    LeftToPerson(&'static str),
}

impl Deciding<'_> {
    /// The problem is over.
    pub(super) async fn ended(&self, finding: &finding::Model, trail: &mut Trail) -> Result<Decision, DbErr> {
        let organization_id = finding.organization_id;
        let now = self.desk.ground.clock.now();
        let may_wait = self.desk.waits(finding.id, |_| true) != Some(false);
        if may_wait || finding.is_told {
            // What waits and what was told is asked of the database, and written there.
            self.desk.write().await?;
        }
        let has_waited =
            may_wait && waiting::forget(self.desk.tx, organization_id, &[finding.id], now).await? > 0;
        self.desk.set_waiting(finding.id, None);
        let mut news = Vec::new();
        if finding.is_told {
            let of = (self.desk.tx, self.desk.ground);
            news = told::over(of, organization_id, &[finding.id], Some(self.row.id)).await?;
            self.desk.told(&[finding.id], false).await;
        }
        let tickets = plan::open_tickets_of(self.desk.pen(), organization_id, finding.id).await?;
        let mut decision = if !news.is_empty() {
            trail.step("ticket", "none was wanted: subscribers are told that it is over");
            Decision::new(Told, "told_over", "told that it is over; no ticket was wanted")
        } else if has_waited {
            trail.step("cadence", "its ticket was not due yet: none is opened");
            let words = "it was over before its ticket was due: none is opened";
            Decision::new(Ignored, "over_before_due", words)
        } else {
            Decision::new(Ignored, "no_open_ticket", "it has no open ticket")
        };
        let has_ticket = !tickets.is_empty();
        for ticket in tickets {
            let id = ticket.id;
            let why = if plan::is_list(&ticket) {
                text::last_ended(self.event, self.row.occurred_at)
            } else {
                text::ended(self.event, self.row.occurred_at)
            };
            let ending = self.end_on(ticket, finding.id, why).await?;
            decision = match ending {
                Ending::OthersOpen(left) => {
                    trail.step("ticket", format!("{left} other findings on it are open: noted"));
                    let words = format!("{left} other findings on the ticket are still open");
                    Decision::new(Noted, "others_open", words)
                }
                Ending::Closes => {
                    trail.step("ticket", "nothing on it is open: to be closed");
                    Decision::new(Closed, "resolved", "nothing on the ticket is open any more")
                }
                Ending::ClosesAlready => {
                    trail.step("ticket", "it is closed, or being closed, already");
                    Decision::new(Duplicate, "closing_already", "the ticket is being closed already")
                }
                Ending::ClosesAt(at) => {
                    trail.step(
                        "ticket",
                        format!("nothing on it is open: to be closed at {at}, if it stays so"),
                    );
                    let words = format!(
                        "nothing on the ticket is open any more; it is closed at {at} if that stays so"
                    );
                    Decision::new(Waiting, "closes_later", words)
                }
                Ending::LeftToPerson(why) => {
                    trail.step("ticket", format!("nothing on it is open; {why}: noted"));
                    let words = format!(
                        "nothing on the ticket is open any more; {why}, so that a note says it is over"
                    );
                    Decision::new(Noted, "left_to_person", words)
                }
            }
            .ticket(id);
        }
        if !has_ticket && decision.reason == "no_open_ticket" {
            trail.step("ticket", "none is open");
        }
        Ok(decision.telling(news))
    }

    /// The same for a ticket that is held in hand.
    pub(super) async fn end_on(
        &self,
        ticket: ticket::Model,
        finding_id: Uuid,
        why: String,
    ) -> Result<Ending, DbErr> {
        let (pen, rules) = (self.desk.pen(), &self.desk.rules);
        plan::end_finding(pen, &ticket, finding_id).await?;
        let left = self.desk.open_findings(&ticket).await?;
        end_on((pen, rules), ticket, left, why, Some(self.row.id)).await
    }
}

/// What becomes of a ticket on which a finding is over; it is written down as such before, there and by itself. So
/// many are `left` open on the ticket.
pub(super) async fn end_on(
    (pen, rules): (Pen<'_>, &Rules),
    ticket: ticket::Model,
    left: u64,
    why: String,
    event_id: Option<Uuid>,
) -> Result<Ending, DbErr> {
    let now = pen.ground.clock.now();
    if left > 0 {
        if plan::is_list(&ticket) {
            let interval = rules.note_interval_secs_of(&ticket);
            plan::mention(pen, ticket, interval).await?;
        } else {
            plan::note(pen, ticket, why, event_id).await?;
        }
        return Ok(Ending::OthersOpen(left));
    }
    let handling = rules.handling_of(&ticket);
    let person = match handling.close_rule {
        CloseRule::Never => Some("its policy leaves closing to a person"),
        CloseRule::Untouched if ticket.is_touched => Some("somebody works on it in the PSA"),
        CloseRule::Always | CloseRule::Untouched => None,
    };
    if let Some(person) = person {
        plan::note(pen, ticket, why, event_id).await?;
        return Ok(Ending::LeftToPerson(person));
    }
    if let Some(at) = flaps::closes_at(&ticket, handling.minimum_open_secs, now) {
        let mut ticket = ticket;
        ticket.close_due_at = Some(at);
        plan::save(pen, ticket).await?;
        return Ok(Ending::ClosesAt(at));
    }
    let (_, is_planned) = plan::close(pen, ticket, why, event_id).await?;
    Ok(if is_planned { Ending::Closes } else { Ending::ClosesAlready })
}
