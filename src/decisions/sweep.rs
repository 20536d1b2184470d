//! A snapshot names everything that a scope still has: open findings of the scope that it does not name are gone.
//!
//! Only inside the scope, the company and the source that the snapshot speaks of, and only what was last seen
//! before it: a finding of another scan is none of its business.

use entity::{
    company,
    event::Outcome::{Closed, Ignored, Noted, Told},
};
use sea_orm::DbErr;

use super::{
    decide::Deciding,
    ended::Ending,
    told,
    trail::{Decision, Trail},
    waiting,
};
use crate::{
    findings::{record::About, sweep},
    tickets::{plan, text},
};

impl Deciding<'_> {
    /// Ends what the snapshot does not name; tickets close that have nothing open any more.
    pub(super) async fn sweep(
        &self,
        company: &company::Model,
        scope: &str,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let about = About {
            organization_id: company.organization_id,
            company_id: company.id,
            occurred_at: self.row.occurred_at,
        };
        self.desk.write().await?;
        let gone = sweep::sweep(self.desk.tx, about, self.event, scope).await?;
        let (present, count) = (self.event.present.len(), gone.len());
        trail.step(
            "finding",
            format!("the snapshot of \"{scope}\" names {present}; {count} open ones are not among them"),
        );
        if gone.is_empty() {
            let words = "everything that is open in this scope is still there";
            return Ok(Decision::new(Ignored, "nothing_gone", words));
        }
        let ids: Vec<_> = gone.iter().map(|finding| finding.id).collect();
        self.desk.changed_below(&ids).await?;
        waiting::forget(self.desk.tx, about.organization_id, &ids, self.desk.ground.clock.now()).await?;
        for id in &ids {
            self.desk.set_waiting(*id, None);
        }
        let told: Vec<_> = gone.iter().filter(|finding| finding.is_told).map(|finding| finding.id).collect();
        let of = (self.desk.tx, self.desk.ground);
        let news = told::over(of, about.organization_id, &told, Some(self.row.id)).await?;
        let (mut closed, mut noted, mut touched) = (0, 0, Vec::new());
        for finding in gone {
            let why = text::gone(self.event, &finding.title, self.row.occurred_at);
            for ticket in plan::open_tickets_of(self.desk.pen(), about.organization_id, finding.id).await? {
                touched.push(ticket.id);
                match self.end_on(ticket, finding.id, why.clone()).await? {
                    Ending::Closes => closed += 1,
                    Ending::OthersOpen(_) | Ending::LeftToPerson(_) => noted += 1,
                    Ending::ClosesAt(_) | Ending::ClosesAlready => {}
                }
            }
        }
        trail.step("ticket", format!("{closed} to be closed, {noted} noted"));
        let words = format!("{count} findings of this scope are gone; {closed} tickets close");
        let decision = match (closed, noted) {
            (0, 0) if !news.is_empty() => Decision::new(Told, "told_over", words),
            (0, 0) => Decision::new(Ignored, "no_open_ticket", words),
            (0, _) => Decision::new(Noted, "others_open", words),
            _ => Decision::new(Closed, "absent", words),
        };
        Ok(decision.tickets(touched).telling(news))
    }
}
