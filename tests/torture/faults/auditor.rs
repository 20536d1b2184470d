//! The auditor is audited: what it must find is planted, and a clean case must be clean.

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use super::Run;
use crate::{
    auditor::{Account, Judgement, judge},
    journal::{Says, Told, key_name},
    psas::LedgerTicket,
    table::{Row, Verdict},
};

fn ticket(id: i64, key: u64, marker: &str, is_over: bool) -> LedgerTicket {
    LedgerTicket {
        id: id.to_string(),
        marker: marker.to_owned(),
        company: "Northwind Dental".to_owned(),
        title: format!("[High] {} on web-1", key_name(key)),
        is_over,
        notes: Vec::new(),
    }
}

fn told(key: u64, place: u32, says: Says) -> Told {
    Told { key, place, says, lane: 0, message: String::new(), delivery: format!("d{key}-{place}") }
}

fn acted(state: &str) -> Account {
    Account::Ticket { state: state.to_owned(), reason: None }
}

fn judged(told: &[Told], ledger: &[LedgerTicket], accounts: &[(&str, Account)]) -> Judgement {
    let accounts: HashMap<String, Account> =
        accounts.iter().map(|(id, account)| ((*id).to_owned(), account.clone())).collect();
    judge(told, ledger, &["Northwind Dental".to_owned()], &accounts, &BTreeSet::new())
}

/// What it says of a case, and what it has to say: lost, doubled, left open, misplaced, noted twice, with reason,
/// pending.
fn cases() -> Vec<(&'static str, Judgement, [u64; 7])> {
    let there = [told(1, 0, Says::There)];
    let over = [told(1, 0, Says::There), told(1, 1, Says::Over)];
    let open = |accounts: &str| [("d1-0", acted(accounts))];
    let closed = [("d1-0", acted("CLOSED")), ("d1-1", acted("CLOSED"))];
    let mut elsewhere = ticket(1, 1, "m1", false);
    "Harbour Legal".clone_into(&mut elsewhere.company);
    let mut noted = ticket(1, 1, "m1", false);
    let note = format!("seen again PSAGW-N-{}", "0".repeat(32));
    noted.notes = vec![note.clone(), note];
    vec![
        ("clean", judged(&there, &[ticket(1, 1, "m1", false)], &open("OPEN")), [0; 7]),
        ("clean and closed", judged(&over, &[ticket(1, 1, "m1", true)], &closed), [0; 7]),
        (
            "two open tickets for a key",
            judged(&there, &[ticket(1, 1, "m1", false), ticket(2, 1, "m2", false)], &open("OPEN")),
            [0, 1, 0, 0, 0, 0, 0],
        ),
        (
            "two posts for a marker, one of them closed",
            judged(&there, &[ticket(1, 1, "m1", true), ticket(2, 1, "m1", false)], &open("OPEN")),
            [0, 1, 0, 0, 0, 0, 0],
        ),
        (
            "a delivery that nobody knows",
            judged(&there, &[ticket(1, 1, "m1", false)], &[]),
            [1, 0, 0, 0, 0, 0, 0],
        ),
        ("an open ticket that no PSA has", judged(&there, &[], &open("OPEN")), [1, 0, 0, 0, 0, 0, 0]),
        (
            "held, with the reason",
            judged(&there, &[], &[("d1-0", Account::Reason("unmapped_company".to_owned()))]),
            [0, 0, 0, 0, 0, 1, 0],
        ),
        ("not decided yet", judged(&there, &[], &[("d1-0", Account::Waiting)]), [0, 0, 0, 0, 0, 0, 1]),
        ("still looked for", judged(&there, &[], &open("UNKNOWN")), [0, 0, 0, 0, 0, 0, 1]),
        ("over, and still open", judged(&over, &[ticket(1, 1, "m1", false)], &closed), [0, 0, 1, 0, 0, 0, 0]),
        ("another customer's", judged(&there, &[elsewhere], &open("OPEN")), [0, 0, 0, 1, 0, 0, 0]),
        ("the same note twice", judged(&there, &[noted], &open("OPEN")), [0, 0, 0, 0, 1, 0, 0]),
    ]
}

pub fn auditor(run: &Run) -> Row {
    let began = Instant::now();
    let cases = cases();
    let count = cases.len();
    let wrong: Vec<String> = cases
        .into_iter()
        .filter_map(|(name, judged, expected)| {
            let found = [
                judged.lost.len() as u64,
                judged.doubled.len() as u64,
                judged.left_open.len() as u64,
                judged.misplaced.len() as u64,
                judged.notes_twice.len() as u64,
                judged.with_reason,
                judged.pending,
            ];
            (found != expected).then(|| format!("\"{name}\" gave {found:?}, and should give {expected:?}"))
        })
        .collect();
    Row {
        done: format!("{count} planted cases"),
        verdict: if wrong.is_empty() { Verdict::Held } else { Verdict::Broken(wrong) },
        took: began.elapsed(),
        ..Row::skipped(run.fault, run.seed, "")
    }
}
