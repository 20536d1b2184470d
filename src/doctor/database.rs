//! The database's settings, and whether its tables are those of this program.

use super::{Check, size};
use crate::db::{
    copy::Changes,
    facts::{PostgresFacts, SqliteFacts},
};

/// From this size on a journal is too long: somebody reads without end, or nobody writes it back.
const LONG_WAL: u64 = 256 * 1_024 * 1_024;
/// How far clocks may lie apart, in milliseconds: leases are 30 seconds, and a skew eats from them.
const SKEW: (i64, i64) = (1_000, 5_000);
/// The oldest PostgreSQL that the gateway is tested with.
const POSTGRES: i64 = 130_000;

/// Whether the tables are those that this program works with.
pub fn changes(changes: &Changes) -> Check {
    let name = "database.tables";
    if let Some(newer) = changes.unknown.first() {
        let count = changes.unknown.len();
        return Check::bad(
            name,
            format!("a newer program has changed the tables ({count} changes, {newer} among them)"),
            "install that version, or restore a back-up made by this one",
        );
    }
    match changes.missing {
        0 => Check::ok(name, "up to date"),
        missing => Check::bad(name, format!("{missing} changes are missing"), "run psa-gateway migrate"),
    }
}

/// How SQLite is set up; `wal_bytes` is the size of its journal.
pub fn sqlite(facts: &SqliteFacts, wal_bytes: u64) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.push(match facts.journal_mode.as_str() {
        "wal" => Check::ok("database.journal", "write-ahead log"),
        other => Check::bad(
            "database.journal",
            format!("its mode is {other}, so that readers and the writer wait for each other"),
            "is it on a network file system? SQLite needs a local disk for a write-ahead log",
        ),
    });
    checks.push(match facts.synchronous {
        2.. => Check::ok("database.synchronous", "full: what was accepted is on the disk"),
        other => Check::bad(
            "database.synchronous",
            format!("it is {other}: what was accepted can be lost when the power fails"),
            "remove what sets it from the database's address",
        ),
    });
    checks.push(match &facts.damage {
        Ok(problems) if problems.is_empty() => {
            Check::ok("database.pages", format!("{}, every page looked at", size(facts.bytes)))
        }
        Ok(problems) => Check::bad(
            "database.pages",
            format!("damaged: {}", problems.join("; ")),
            "stop the gateway, keep a copy of the folder, and restore the last back-up (psa-gateway restore)",
        ),
        Err(why) => {
            let next = "look at a copy instead: psa-gateway backup checks what it has copied";
            Check::look("database.pages", format!("not all were looked at: {why}"), next)
        }
    });
    checks.push(if wal_bytes < LONG_WAL {
        Check::ok("database.wal", format!("{} are still to be written back", size(wal_bytes)))
    } else {
        Check::look(
            "database.wal",
            format!("{} are still to be written back", size(wal_bytes)),
            "does another program read the database without end? Stop it; else restart the gateway",
        )
    });
    checks
}

/// How PostgreSQL is set up, where a gateway may open so many connections.
pub fn postgres(facts: &PostgresFacts, pool: u32) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.push(if facts.version_number < POSTGRES {
        let next = "upgrade to a version that its makers still look after";
        Check::look("database.version", format!("PostgreSQL {}", facts.version), next)
    } else {
        Check::ok("database.version", format!("PostgreSQL {}", facts.version))
    });
    let lost = "what was accepted can be lost when the server falls over";
    checks.push(match facts.fsync.as_str() {
        "on" => Check::ok("database.fsync", "on"),
        other => Check::bad(
            "database.fsync",
            format!("{other}: {lost}, and the whole database with it"),
            "set fsync = on in postgresql.conf and reload the server",
        ),
    });
    checks.push(match facts.synchronous_commit.as_str() {
        "off" => Check::bad(
            "database.synchronous",
            format!("synchronous_commit is off: {lost}"),
            "ALTER ROLE (the gateway's login) SET synchronous_commit = on, then restart the gateways",
        ),
        other => Check::ok("database.synchronous", format!("synchronous_commit is {other}")),
    });
    checks.push(match facts.full_page_writes.as_str() {
        "on" => Check::ok("database.pages", "full_page_writes is on"),
        other => Check::look(
            "database.pages",
            format!("full_page_writes is {other}: a page that was written in part cannot be mended"),
            "set it on, unless the file system writes pages whole (ZFS does)",
        ),
    });
    let seen = format!(
        "{} of {} open; each gateway opens up to {pool}, one to listen and two to take webhooks in",
        facts.open, facts.connections
    );
    let (pool, free) = (i64::from(pool) + 3, facts.connections - facts.open);
    checks.push(if pool > facts.connections {
        let next = "raise max_connections, or lower PSA_GATEWAY_DATABASE_MAX_CONNECTIONS";
        Check::bad("database.connections", seen, next)
    } else if free < pool {
        let next = "another gateway would find too few free: raise max_connections, or lower \
                    PSA_GATEWAY_DATABASE_MAX_CONNECTIONS";
        Check::look("database.connections", seen, next)
    } else {
        Check::ok("database.connections", seen)
    });
    checks.push(if facts.has_transaction_pooler {
        Check::bad(
            "database.pooler",
            "a pooler hands the server's connections out anew for each transaction: nodes do not hear of each other's \
             work (LISTEN), and walls between organizations (SET ROLE) do not hold",
            "let the gateway connect to PostgreSQL itself, or set the pooler to mode session",
        )
    } else {
        Check::ok("database.pooler", "none that hands connections out anew for each transaction")
    });
    checks.push(clock(facts.ahead_millis));
    checks
}

/// Whether the server and this machine agree on the time.
fn clock(ahead_millis: i64) -> Check {
    let apart = ahead_millis.abs();
    let side = if ahead_millis < 0 { "behind" } else { "ahead of" };
    let seen = format!("the server is {apart} ms {side} this machine");
    let next = "let both get their time from the same place (NTP): leases and waiting times go by it";
    if apart > SKEW.1 {
        Check::bad("database.clock", seen, next)
    } else if apart > SKEW.0 {
        Check::look("database.clock", seen, next)
    } else {
        Check::ok("database.clock", seen)
    }
}
