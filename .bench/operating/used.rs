//! What a process uses, as Linux tells it.

use std::{fs, time::Duration};

#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Memory now.
    pub resident_kib: u64,
    /// Of all its threads since its start.
    pub cpu: Duration,
}

impl Used {
    /// Nothing where there is no such process.
    pub fn by(process: Option<u32>) -> Self {
        let read = |what| {
            let path = process.map(|id| format!("/proc/{id}/{what}"));
            path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
        };
        let (status, stat) = (read("status"), read("stat"));
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|line| line.split_whitespace().next()?.parse().ok());
        // proc(5): after the name in parentheses the 12th and the 13th field, in hundredths of a second.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Self { resident_kib: resident.unwrap_or_default(), cpu: Duration::from_millis(ticks * 10) }
    }
}
