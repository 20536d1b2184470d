//! What is shown: a row for each fault, and a line now and then while it runs.

use std::{fmt::Write as _, time::Duration};

use crate::auditor::Judgement;

/// How a fault ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything held.
    Held,
    /// Something did not.
    Broken(Vec<String>),
    /// It could not be tried here.
    Skipped(String),
}

/// What came of a fault.
#[derive(Clone, Debug)]
pub struct Row {
    pub fault: &'static str,
    pub seed: u64,
    pub database: &'static str,
    /// What was done to it, counted: `50 kills`.
    pub done: String,
    pub sent: u64,
    pub told: u64,
    pub judged: Judgement,
    /// What else was measured.
    pub remark: String,
    pub verdict: Verdict,
    pub took: Duration,
}

impl Row {
    pub fn skipped(fault: &'static str, seed: u64, why: impl Into<String>) -> Self {
        Self {
            fault,
            seed,
            database: "",
            done: String::new(),
            sent: 0,
            told: 0,
            judged: Judgement::default(),
            remark: String::new(),
            verdict: Verdict::Skipped(why.into()),
            took: Duration::ZERO,
        }
    }
}

const HEADS: [&str; 15] = [
    "fault",
    "database",
    "seed",
    "done",
    "sent",
    "told 2xx",
    "tickets",
    "lost",
    "doubled",
    "left open",
    "misplaced",
    "with reason",
    "pending",
    "seconds",
    "verdict",
];

fn cells(row: &Row) -> [String; 15] {
    let judged = &row.judged;
    let verdict = match &row.verdict {
        Verdict::Held => "held".to_owned(),
        Verdict::Broken(_) => "BROKEN".to_owned(),
        Verdict::Skipped(_) => "skipped".to_owned(),
    };
    [
        row.fault.to_owned(),
        row.database.to_owned(),
        row.seed.to_string(),
        row.done.clone(),
        row.sent.to_string(),
        row.told.to_string(),
        judged.tickets.to_string(),
        judged.lost.len().to_string(),
        judged.doubled.len().to_string(),
        judged.left_open.len().to_string(),
        judged.misplaced.len().to_string(),
        judged.with_reason.to_string(),
        judged.pending.to_string(),
        row.took.as_secs().to_string(),
        verdict,
    ]
}

/// One row by itself, with what there is to say about it.
pub fn line(row: &Row) -> String {
    let mut text = String::new();
    for (head, cell) in HEADS.iter().zip(cells(row)).filter(|(_, cell)| !cell.is_empty()) {
        let _ = write!(text, "{head} {cell} · ");
    }
    text.push_str(&row.remark);
    let text = text.trim_end_matches(" · ").to_owned();
    text + &why(row)
}

fn why(row: &Row) -> String {
    match &row.verdict {
        Verdict::Held => String::new(),
        Verdict::Skipped(why) => format!("\n    skipped: {why}"),
        Verdict::Broken(what) => what.iter().fold(String::new(), |text, what| text + "\n    broken: " + what),
    }
}

/// The whole table, as a README can hold it.
pub fn table(rows: &[Row]) -> String {
    let cells: Vec<[String; 15]> = rows.iter().map(cells).collect();
    let widths: Vec<usize> = HEADS
        .iter()
        .enumerate()
        .map(|(at, head)| {
            cells.iter().map(|row| row[at].chars().count()).chain([head.len()]).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    let mut write_row = |row: &mut dyn Iterator<Item = &str>| {
        text.push('|');
        for (cell, width) in row.zip(&widths) {
            let _ = write!(text, " {cell:<width$} |");
        }
        text.push('\n');
    };
    write_row(&mut HEADS.iter().copied());
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    write_row(&mut dashes.iter().map(String::as_str));
    for row in &cells {
        write_row(&mut row.iter().map(String::as_str));
    }
    for row in rows {
        if !row.remark.is_empty() {
            let _ = writeln!(text, "{}: {}", row.fault, row.remark);
        }
        let why = why(row);
        if !why.is_empty() {
            let _ = writeln!(text, "{}:{why}", row.fault);
        }
    }
    text
}
