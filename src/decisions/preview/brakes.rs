//! What would hold tickets back: baseline mode, mutes and maintenance windows, the settle time, the storm brake. Each is asked by the
//! function that decides.

use std::collections::VecDeque;

use entity::{Timestamp, company, event, finding};

use super::{Previewing, Skip, Why, WouldBeTicket};
use crate::decisions::{
    handling::{self, Handling},
    quiet, storm,
};

/// When something that has to settle is due, or why nothing comes of it.
pub(super) type Settled = Result<Option<Timestamp>, Why>;

impl Previewing<'_> {
    /// What kept, or would have kept, a finding quiet when an event came in.
    pub(super) fn quiet(
        &self,
        row: &event::Model,
        company: &company::Model,
        finding: &finding::Model,
    ) -> Result<(), Why> {
        self.muted(row, finding, None)?;
        if finding.baseline_endpoint_id.is_some() {
            // Nothing that was said of it since made it worse, or brought it back.
            let is_learned = row.reason == quiet::LEARNED;
            let (reason, words) = if is_learned {
                (quiet::LEARNED, &*row.explanation)
            } else {
                (quiet::KNOWN, quiet::KNOWN_WORDS)
            };
            return Err((reason, words.to_owned()));
        }
        match self.quiet.window(company.id, row.created_at) {
            Some(window) => Err(("maintenance", window.words())),
            None => Ok(()),
        }
    }

    /// The same by a mute alone, of the finding or of its group where that is known.
    pub(super) fn muted(
        &self,
        row: &event::Model,
        finding: &finding::Model,
        group_key: Option<&str>,
    ) -> Result<(), Why> {
        match self.quiet.mute(finding.id, group_key, row.created_at) {
            Some(mute) => Err(("muted", mute.words())),
            None => Ok(()),
        }
    }
}

/// Until when a finding had to settle when an event came in.
pub(super) fn settled(
    handling: &Handling,
    row: &event::Model,
    finding: &finding::Model,
    what: &str,
) -> Settled {
    let due = handling.settles_at(finding.first_seen_at).filter(|at| row.created_at < *at);
    let Some(at) = due else { return Ok(None) };
    match finding.resolved_at {
        Some(over) if over <= at => {
            Err(("over_before_due", format!("{}; it was over at {over}", handling::settling(what, at))))
        }
        _ => Ok(Some(at)),
    }
}

/// Takes away the tickets that the storm brake would not have let through.
pub(super) fn storm(handling: &Handling, tickets: &mut Vec<WouldBeTicket>) -> Vec<Skip> {
    let Some(cap) = storm::cap(handling).and_then(|cap| usize::try_from(cap).ok()) else { return Vec::new() };
    tickets.sort_by_key(WouldBeTicket::opens_at);
    let mut opened: VecDeque<Timestamp> = VecDeque::new();
    let (mut through, mut held_back) = (Vec::new(), Vec::new());
    for ticket in tickets.drain(..) {
        let at = ticket.opens_at();
        while opened.front().is_some_and(|before| *before <= storm::since(at)) {
            opened.pop_front();
        }
        if opened.len() < cap {
            opened.push_back(at);
            through.push(ticket);
        } else {
            let company = &ticket.place.company.name;
            let explanation = format!("{} of \"{company}\"", storm::words(handling));
            held_back.push(Skip { event: ticket.event, reason: "storm", explanation });
        }
    }
    through.sort_by_key(|ticket| std::cmp::Reverse((ticket.event.created_at, ticket.event.id)));
    *tickets = through;
    held_back
}
