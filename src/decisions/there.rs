//! The problem is there: on its open ticket, on the one it had, or on a new one.

use entity::{
    Timestamp, company,
    event::Outcome::{Duplicate, Noted, Opened, Reopened, Stale},
    finding, policy, ticket,
    ticket_operation::OperationKind,
    waiting_finding::WaitsFor,
};
use sea_orm::DbErr;
use uuid::Uuid;

use super::{
    choose::Wants,
    decide::Deciding,
    group::Group,
    handling::{self, Handling},
    storm,
    trail::{Decision, Trail},
    words,
};
use crate::{
    findings::record::Change,
    tickets::{
        flaps, marker,
        plan::{self, Opening, Place},
        text,
    },
};

impl Deciding<'_> {
    /// The problem is there.
    pub(super) async fn there(
        &self,
        company: company::Model,
        finding: &finding::Model,
        change: Change,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let open = plan::open_tickets_of(self.desk.pen(), finding.organization_id, finding.id).await?;
        if let Some(ticket) = open.into_iter().next() {
            if self.waited.is_some() {
                trail.step("ticket", "it is on an open one by now");
                let words = "it came onto an open ticket while it waited";
                return Ok(Decision::new(Duplicate, "on_ticket", words).ticket(ticket.id));
            }
            if let Some(decision) = self.adds_no_note(&ticket, finding, change, trail) {
                return Ok(decision);
            }
            return self.on_open(ticket, finding, change, trail).await;
        }
        if change == (Change::SeenAgain { is_worse: false })
            && self.waited.is_none()
            && self.waits_for_its_time(finding).await?
        {
            trail.step("cadence", "it waits for its ticket already");
            let words = "seen again; it waits for its ticket already, which is opened when its time has come";
            return Ok(Decision::new(Duplicate, "waits_already", words));
        }
        if let Some(decision) = self.keeps_quiet(&company, finding, change, trail).await? {
            return Ok(decision);
        }
        let now = self.desk.ground.clock.now();
        let policy = match self.desk.rules.choose(company.id, self.event, finding, now, trail) {
            Ok(policy) => policy,
            Err(decision) => return Ok(*decision),
        };
        if !policy.opens_tickets {
            return self.tell(&company, policy, finding, change, trail).await;
        }
        let wants = Wants { rules: &self.desk.rules, event: self.event, finding, now };
        let place = match self.desk.places.choose(&company, policy, &wants, trail) {
            Ok(place) => place,
            Err(decision) => return Ok(*decision),
        };
        let handling = self.desk.rules.handling(policy.id);
        if let Some((waits_for, why)) = self.waits(policy, &handling, finding, change) {
            return self.wait(finding, Some(policy.id), waits_for, why, trail).await;
        }
        let digest = self.waited.filter(|waited| waited.waits_for == WaitsFor::Digest);
        let group = match digest {
            Some(waited) => Group::of_digest(policy, &place.company, waited.due_at),
            None => Group::of((policy, &handling), &self.desk.rules, &place.company, self.event, finding),
        };
        if let Some(what) = &group.what {
            trail.step("group", format!("shares a ticket: \"{what}\""));
        }
        if let Some(decision) = self.muted_until(finding, Some(&group.key), trail).await? {
            return Ok(decision);
        }
        let connection_id = place.profile.psa_connection_id;
        let of_group = match &group.what {
            Some(_) => {
                plan::open_of_group(self.desk.pen(), finding.organization_id, connection_id, &group.key)
                    .await?
            }
            None => None,
        };
        // What was not known before this transaction was on no ticket, and had none by itself.
        let is_first = group.what.is_none() || of_group.is_some();
        let last = if is_first && self.desk.is_new(finding.id).await {
            None
        } else {
            plan::last_closed(self.desk.pen(), finding.organization_id, connection_id, &group.key).await?
        };
        if let Some(last) = &last
            && let Some(decision) =
                self.on_closed((last, of_group.is_some()), &place, policy, finding, trail).await?
        {
            return Ok(decision);
        }
        self.open(place, (policy, &handling), finding, group, last, trail).await
    }

    /// What a finding still has to wait for, until when, and the words for it.
    fn waits(
        &self,
        policy: &policy::Model,
        handling: &Handling,
        finding: &finding::Model,
        change: Change,
    ) -> Option<((WaitsFor, Timestamp), String)> {
        if let Some(settled) = self.settles(handling, finding, change) {
            return Some(((WaitsFor::Settle, settled), handling::settling("gets a ticket", settled)));
        }
        let waited = self.waited.map(|waited| waited.waits_for);
        let now = self.desk.ground.clock.now();
        let due = if waited == Some(WaitsFor::Digest) { None } else { handling.cadence.next(now) };
        due.map(|due| {
            let words = format!(
                "collected by \"{}\": its ticket is opened at {due}, with what else comes",
                policy.name
            );
            ((WaitsFor::Digest, due), words)
        })
    }

    /// Until when a finding still has to be there before anything is made of it.
    pub(super) fn settles(
        &self,
        handling: &Handling,
        finding: &finding::Model,
        change: Change,
    ) -> Option<Timestamp> {
        // What has been there for long, as a first scan finds it, need not settle any more.
        let since = if change == Change::CameBack { self.row.occurred_at } else { finding.first_seen_at };
        let settled = handling.settles_at(since).filter(|at| self.desk.ground.clock.now() < *at);
        settled.filter(|_| self.waited.is_none())
    }

    /// The group had a ticket that is closed: nothing is done where it was closed since, and it is opened again
    /// inside the reopen window. None where a new one is due, or the group has another open one.
    async fn on_closed(
        &self,
        (last, has_other): (&ticket::Model, bool),
        place: &Place,
        policy: &policy::Model,
        finding: &finding::Model,
        trail: &mut Trail,
    ) -> Result<Option<Decision>, DbErr> {
        let closed_at = last.closed_at.unwrap_or(last.updated_at);
        // What the gateway closed, it closed for an older statement than this one.
        let by_person = last.closed_by.as_deref() != Some(plan::GATEWAY);
        let is_older = by_person && self.row.occurred_at <= closed_at;
        if is_older && plan::has_finding(self.desk.pen(), last, finding.id).await? {
            let by = last.closed_by.clone().unwrap_or_default();
            trail.step("ticket", format!("closed by {by} at {closed_at}, after this was so"));
            let words =
                format!("the ticket was closed by {by} at {closed_at}, after what this event reports");
            return Ok(Some(Decision::new(Stale, "closed_since", words).ticket(last.id)));
        }
        let is_same_customer = last.psa_company_id == place.mapping.psa_company_id;
        let until = closed_at.plus_secs(policy.reopen_window_secs);
        if has_other || is_older || !is_same_customer || self.row.occurred_at > until {
            return Ok(None);
        }
        let why = self.back(last, finding);
        let mut ticket = last.clone();
        flaps::came_back(&mut ticket, self.desk.ground.clock.now());
        let (ticket, is_planned) = plan::reopen(self.desk.pen(), ticket, why, Some(self.row.id)).await?;
        if !is_planned {
            return Ok(None);
        }
        plan::add_finding(self.desk.pen(), &ticket, finding.id).await?;
        trail.step("ticket", format!("closed at {closed_at}, inside the reopen window: opened again"));
        let words = "it came back inside the reopen window";
        Ok(Some(Decision::new(Reopened, "came_back", words).ticket(ticket.id)))
    }

    async fn open(
        &self,
        place: Place,
        (policy, handling): (&policy::Model, &Handling),
        finding: &finding::Model,
        mut group: Group,
        last: Option<ticket::Model>,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let connection_id = place.profile.psa_connection_id;
        let is_storm = self.is_over_cap(policy, handling).await?
            && plan::open_of_group(self.desk.pen(), policy.organization_id, connection_id, &group.key)
                .await?
                .is_none();
        if is_storm {
            group = Group::of_storm(policy, &place.company);
            trail.step("group", storm::words(handling));
        }
        let (title, body) = words::of_new_ticket(self.event, &place, finding, &group, trail);
        let (mut overrides, missed) = self.for_contact(&place, handling, trail).await?;
        self.for_device(&place, &group, &mut overrides, trail).await?;
        let opening = Opening {
            marker: mark(&group, finding, connection_id, last.as_ref()),
            group_key: group.key,
            policy_id: Some(policy.id),
            title,
            body,
            severity: finding.severity,
            is_test: false,
            is_list: group.what.is_some(),
            overrides,
            previous_ticket_id: last.as_ref().map(|ticket| ticket.id),
            first_seen_at: Some(finding.first_seen_at),
            event_id: Some(self.row.id),
        };
        let (ticket, is_first) = plan::open(self.desk.pen(), &place, opening).await?;
        let is_added = plan::add_finding(self.desk.pen(), &ticket, finding.id).await?;
        if is_first {
            self.desk.opens(policy).await;
            self.tell_missed(&ticket, missed).await?;
            let words = if last.is_some() {
                "the last one was closed, and its reopen window is over"
            } else {
                "none is open"
            };
            trail.step("ticket", format!("{words}: to be opened"));
            let reason = if is_storm { "storm" } else { "new_ticket" };
            return Ok(Decision::new(Opened, reason, "a ticket is opened").ticket(ticket.id));
        }
        trail.step("ticket", "its group has an open one: put on it");
        // A close that is still to be carried out was planned before this was there.
        if is_added && plan::pending(self.desk.pen(), ticket.id).await? == Some(OperationKind::Close) {
            let why = self.back(&ticket, finding);
            let (ticket, _) = plan::reopen(self.desk.pen(), ticket, why, Some(self.row.id)).await?;
            let id = ticket.id;
            trail.step("ticket", "it is being closed: to be opened again");
            self.joined(ticket, finding).await?;
            let words = "its group's ticket was being closed: it is opened again";
            return Ok(Decision::new(Reopened, "grouped", words).ticket(id));
        }
        if is_added {
            self.joined(ticket, finding).await
        } else {
            self.seen(ticket, finding, false, trail).await
        }
    }

    /// Whether a policy has opened as many tickets as it may.
    async fn is_over_cap(&self, policy: &policy::Model, handling: &Handling) -> Result<bool, DbErr> {
        let Some(cap) = storm::cap(handling) else { return Ok(false) };
        Ok(self.desk.opened_lately(policy).await? >= cap)
    }

    /// Why a ticket is opened again: one of many findings is named.
    fn back(&self, ticket: &ticket::Model, finding: &finding::Model) -> String {
        if plan::is_list(ticket) {
            text::joins(self.event, self.row.occurred_at)
        } else {
            text::came_back(self.event, finding, self.row.occurred_at)
        }
    }

    /// A finding is new on a ticket that is open: it is in the text where the PSA has not got it yet, else in the
    /// next note.
    async fn joined(&self, mut ticket: ticket::Model, finding: &finding::Model) -> Result<Decision, DbErr> {
        let id = ticket.id;
        ticket.severity = ticket.severity.max(finding.severity);
        ticket.close_due_at = None;
        let interval = self.desk.rules.note_interval_secs_of(&ticket);
        let is_listed = plan::mention(self.desk.pen(), ticket, interval).await?;
        let words = if is_listed {
            "it is put on its group's ticket; the next note names it"
        } else {
            "it is put on its group's ticket, whose text will name it"
        };
        Ok(Decision::new(Noted, "grouped", words).ticket(id))
    }

    async fn on_open(
        &self,
        ticket: ticket::Model,
        finding: &finding::Model,
        change: Change,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let id = ticket.id;
        if change != Change::CameBack {
            return self.seen(ticket, finding, change == (Change::SeenAgain { is_worse: true }), trail).await;
        }
        let why = self.back(&ticket, finding);
        let mut ticket = ticket;
        flaps::came_back(&mut ticket, self.desk.ground.clock.now());
        let was_to_close = ticket.close_due_at.take().is_some();
        let (ticket, is_planned) =
            plan::reopen(self.desk.pen(), ticket, why.clone(), Some(self.row.id)).await?;
        plan::add_finding(self.desk.pen(), &ticket, finding.id).await?;
        if is_planned {
            trail.step("ticket", "it is being closed: to be opened again");
            let words = "it came back while its ticket was being closed";
            return Ok(Decision::new(Reopened, "came_back", words).ticket(id));
        }
        if plan::is_list(&ticket) {
            return self.joined(ticket, finding).await;
        }
        let interval = flaps::note_interval_secs(&ticket, self.desk.rules.note_interval_secs_of(&ticket));
        if was_to_close
            && let Some(until) = plan::quiet_until(&ticket, interval, self.desk.ground.clock.now())
        {
            plan::save(self.desk.pen(), ticket).await?;
            trail
                .step("ticket", format!("open, and was to be closed soon: it stays; no note before {until}"));
            let words = "it came back before its ticket was closed: the ticket stays open";
            return Ok(Decision::new(Duplicate, "note_interval", words).ticket(id));
        }
        plan::note(self.desk.pen(), ticket, why, Some(self.row.id)).await?;
        trail.step("ticket", "open: noted");
        Ok(Decision::new(Noted, "came_back", "it came back; its ticket is open").ticket(id))
    }

    /// A finding is seen again on its open ticket.
    async fn seen(
        &self,
        mut ticket: ticket::Model,
        finding: &finding::Model,
        is_worse: bool,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let id = ticket.id;
        let interval = self.desk.rules.note_interval_secs_of(&ticket);
        let until = plan::quiet_until(&ticket, interval, self.desk.ground.clock.now());
        // A note about each of many would bury what is new.
        let is_one_of_many = plan::is_list(&ticket);
        if !is_worse && (is_one_of_many || until.is_some()) {
            let words = if let Some(until) = until.filter(|_| !is_one_of_many) {
                trail.step("ticket", format!("open; no further note before {until}"));
                format!(
                    "seen again; the ticket had a note a short while ago, the next one not before {until}"
                )
            } else {
                trail.step("ticket", "open; it is on it");
                "seen again; it stands on its group's ticket, which tells of what is new and what is over"
                    .to_owned()
            };
            return Ok(Decision::new(Duplicate, "note_interval", words).beside(id));
        }
        let note = text::seen_again(self.event, finding, is_worse);
        ticket.severity = ticket.severity.max(finding.severity);
        plan::note(self.desk.pen(), ticket, note, Some(self.row.id)).await?;
        trail.step("ticket", "open: noted");
        let reason = if is_worse { "worse" } else { "seen_again" };
        Ok(Decision::new(Noted, reason, "seen again; a note is added to its ticket").ticket(id))
    }
}

/// The mark of a group's next ticket: it follows from the last one's.
fn mark(
    group: &Group,
    finding: &finding::Model,
    connection_id: Uuid,
    last: Option<&ticket::Model>,
) -> String {
    // A storm's ticket is of another group than the one that was looked up.
    if let Some(last) = last.filter(|last| last.group_key == group.key) {
        return marker::after(&last.marker);
    }
    let company = finding.company_id.simple().to_string();
    marker::first(finding.organization_id, connection_id, &group.identity(finding, &company))
}
