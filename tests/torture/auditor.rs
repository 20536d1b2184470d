//! The auditor: judges from outside, by what senders were told and by what stands in the PSAs' ledgers. Where no
//! ticket stands there, it asks the gateway's public API for the reason, as a user would. It never reads a table.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    journal::{Says, Told, key_in, key_name},
    psas::LedgerTicket,
};

/// What the public API says of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// It does not know it, or of nothing that was in it.
    Missing,
    /// It is stored, and not worked on yet.
    Waiting,
    /// It was held, refused or left alone, for this reason.
    Reason(String),
    /// Something was to be done on a ticket; its state and the reason for it.
    Ticket { state: String, reason: Option<String> },
}

/// What the auditor found.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Tickets in the ledgers.
    pub tickets: u64,
    /// Told 2xx, and neither in a ledger nor anywhere with a reason.
    pub lost: Vec<String>,
    /// More than one open ticket for a problem, or two for one marker.
    pub doubled: Vec<String>,
    /// The last word was that it is over, and its ticket is open.
    pub left_open: Vec<String>,
    /// On another customer's ticket.
    pub misplaced: Vec<String>,
    /// Notes that stand twice on a ticket.
    pub notes_twice: Vec<String>,
    /// No ticket, for a reason that the API tells.
    pub with_reason: u64,
    /// Still being worked on when the auditor came.
    pub pending: u64,
}

impl Judgement {
    /// What broke a promise, in words.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (what, cases) in [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("left open", &self.left_open),
            ("misplaced", &self.misplaced),
            ("noted twice", &self.notes_twice),
        ] {
            if let Some(first) = cases.first() {
                broken.push(format!("{} {what}, such as {first}", cases.len()));
            }
        }
        broken
    }
}

/// States of tickets that are still being worked on.
pub const UNDER_WAY: [&str; 5] = ["PLANNED", "CREATING", "CLOSING", "REOPENING", "UNKNOWN"];

/// Judges. `companies` are the customers of the lanes; `accounts` what the API says of the deliveries; `unsure` are
/// problems of which more may have been heard than a sender was told.
pub fn judge(
    told: &[Told],
    ledger: &[LedgerTicket],
    companies: &[String],
    accounts: &HashMap<String, Account>,
    unsure: &BTreeSet<u64>,
) -> Judgement {
    let mut judged = Judgement { tickets: ledger.len() as u64, ..Judgement::default() };
    let mut of_key: BTreeMap<u64, (Vec<&Told>, Vec<&LedgerTicket>)> = BTreeMap::new();
    for one in told {
        of_key.entry(one.key).or_default().0.push(one);
    }
    for ticket in ledger {
        match key_in(&ticket.title) {
            Some(key) => of_key.entry(key).or_default().1.push(ticket),
            None => judged.misplaced.push(format!("\"{}\", which nobody asked for", ticket.title)),
        }
    }
    for (key, (mut told, tickets)) in of_key {
        told.sort_by_key(|one| one.place);
        let name = key_name(key);
        tickets_of(&name, &tickets, &mut judged);
        let Some(last) = told.last() else { continue };
        for ticket in &tickets {
            if companies.get(last.lane).is_some_and(|company| *company != ticket.company) {
                judged.misplaced.push(format!("{name} on a ticket of {}", ticket.company));
            }
        }
        for one in &told {
            match accounts.get(&one.delivery).unwrap_or(&Account::Missing) {
                Account::Missing => {
                    judged
                        .lost
                        .push(format!("{name}: delivery {} is not known, or holds nothing", one.delivery));
                }
                Account::Waiting => judged.pending += 1,
                Account::Reason(_) | Account::Ticket { .. } => {}
            }
        }
        if unsure.contains(&key) {
            continue;
        }
        let open = tickets.iter().filter(|ticket| !ticket.is_over).count();
        let account = accounts.get(&last.delivery).unwrap_or(&Account::Missing);
        match (last.says, open, account) {
            (Says::There, 1.., _) | (Says::Over, 0, _) | (_, _, Account::Missing | Account::Waiting) => {}
            (_, _, Account::Reason(_)) => judged.with_reason += 1,
            (_, _, Account::Ticket { state, .. }) if UNDER_WAY.contains(&state.as_str()) => {
                judged.pending += 1;
            }
            (_, _, Account::Ticket { state, reason: Some(_) }) if state == "FAILED" => {
                judged.with_reason += 1;
            }
            (Says::There, 0, account) => {
                judged.lost.push(format!("{name}: no open ticket, and the API says {account:?}"));
            }
            (Says::Over, 1.., account) => {
                judged.left_open.push(format!("{name}: its ticket is open, and the API says {account:?}"));
            }
        }
    }
    judged
}

/// What the tickets of one problem say by themselves.
fn tickets_of(name: &str, tickets: &[&LedgerTicket], judged: &mut Judgement) {
    let numbers = |tickets: &mut dyn Iterator<Item = &&LedgerTicket>| {
        tickets.map(|ticket| ticket.id.clone()).collect::<Vec<_>>().join(", ")
    };
    let mut open = tickets.iter().filter(|ticket| !ticket.is_over);
    if open.clone().count() > 1 {
        judged.doubled.push(format!("{name}: open are {}", numbers(&mut open)));
    }
    let mut of_marker: BTreeMap<&str, Vec<&&LedgerTicket>> = BTreeMap::new();
    for ticket in tickets {
        of_marker.entry(&ticket.marker).or_default().push(ticket);
    }
    for (marker, twice) in of_marker.into_iter().filter(|(_, tickets)| tickets.len() > 1) {
        // Two open ones are counted above.
        if twice.iter().filter(|ticket| !ticket.is_over).count() <= 1 {
            judged.doubled.push(format!("{name}: {marker} is on {}", numbers(&mut twice.into_iter())));
        }
    }
    for ticket in tickets {
        let mut markers: Vec<&str> = ticket.notes.iter().filter_map(|note| note_marker(note)).collect();
        markers.sort_unstable();
        let twice = markers.windows(2).find_map(|pair| match pair {
            [one, next] if one == next => Some(one),
            _ => None,
        });
        if let Some(twice) = twice {
            judged.notes_twice.push(format!("{name}: {twice} on ticket {}", ticket.id));
        }
    }
}

/// What a note is recognised by.
fn note_marker(text: &str) -> Option<&str> {
    let at = text.find("PSAGW-N-")?;
    text.get(at..at + "PSAGW-N-".len() + 32)
}
