//! What is judged, without anything broken.

use super::{
    keys::Keys,
    surroundings::{Doors, FileFacts},
    work::WorkFacts,
    *,
};
use crate::{
    db::{
        copy::Changes,
        facts::{PostgresFacts, SqliteFacts},
    },
    queue::restored::Restored,
    statistics::backlog::Queue,
    vault::rotation::{DataKeys, MasterKeyUse},
};

/// The verdict on one thing, the worst where there are several.
fn verdict(checks: &[Check], name: &str) -> Option<Verdict> {
    checks.iter().filter(|check| check.name == name).map(|check| check.verdict).max()
}

/// Nothing but what is as it should be needs no next step, and everything else has one.
fn says_what_to_do(checks: &[Check]) {
    for check in checks {
        assert_eq!(check.next.is_none(), check.verdict == Verdict::Ok, "{check:?}");
    }
}

fn sqlite() -> SqliteFacts {
    SqliteFacts { journal_mode: "wal".to_owned(), synchronous: 2, bytes: 5_000_000, damage: Ok(Vec::new()) }
}

fn postgres() -> PostgresFacts {
    PostgresFacts {
        version: "15.8".to_owned(),
        version_number: 150_008,
        fsync: "on".to_owned(),
        synchronous_commit: "on".to_owned(),
        full_page_writes: "on".to_owned(),
        connections: 97,
        open: 12,
        ahead_millis: 3,
        has_transaction_pooler: false,
    }
}

#[test]
fn an_sqlite_database_that_can_lose_something_is_bad() {
    let good = database::sqlite(&sqlite(), 1_000_000);
    assert!(good.iter().all(|check| check.verdict == Verdict::Ok), "{good:?}");
    for (facts, name) in [
        (SqliteFacts { journal_mode: "delete".to_owned(), ..sqlite() }, "database.journal"),
        (SqliteFacts { synchronous: 1, ..sqlite() }, "database.synchronous"),
        (
            SqliteFacts { damage: Ok(vec!["row 3 missing from index".to_owned()]), ..sqlite() },
            "database.pages",
        ),
    ] {
        let checks = database::sqlite(&facts, 0);
        assert_eq!(verdict(&checks, name), Some(Verdict::Bad), "{checks:?}");
        says_what_to_do(&checks);
    }
    let slow = SqliteFacts { damage: Err("not done".to_owned()), ..sqlite() };
    assert_eq!(verdict(&database::sqlite(&slow, 0), "database.pages"), Some(Verdict::Look));
    assert_eq!(verdict(&database::sqlite(&sqlite(), 1 << 30), "database.wal"), Some(Verdict::Look));
}

#[test]
fn a_postgres_server_that_can_lose_something_is_bad() {
    let good = database::postgres(&postgres(), 20);
    assert!(good.iter().all(|check| check.verdict == Verdict::Ok), "{good:?}");
    let off = || "off".to_owned();
    for (facts, name, expected) in [
        (PostgresFacts { fsync: off(), ..postgres() }, "database.fsync", Verdict::Bad),
        (PostgresFacts { synchronous_commit: off(), ..postgres() }, "database.synchronous", Verdict::Bad),
        (PostgresFacts { full_page_writes: off(), ..postgres() }, "database.pages", Verdict::Look),
        (PostgresFacts { version_number: 120_020, ..postgres() }, "database.version", Verdict::Look),
        (PostgresFacts { connections: 22, ..postgres() }, "database.connections", Verdict::Bad),
        (PostgresFacts { open: 80, ..postgres() }, "database.connections", Verdict::Look),
        (PostgresFacts { has_transaction_pooler: true, ..postgres() }, "database.pooler", Verdict::Bad),
        (PostgresFacts { ahead_millis: -6_000, ..postgres() }, "database.clock", Verdict::Bad),
        (PostgresFacts { ahead_millis: 2_000, ..postgres() }, "database.clock", Verdict::Look),
    ] {
        let checks = database::postgres(&facts, 20);
        assert_eq!(verdict(&checks, name), Some(expected), "{checks:?}");
        says_what_to_do(&checks);
    }
}

#[test]
fn tables_of_another_version_are_bad_and_the_next_step_fits() {
    let behind = database::changes(&Changes { missing: 2, unknown: Vec::new() });
    assert_eq!((behind.verdict, behind.next.as_deref()), (Verdict::Bad, Some("run psa-gateway migrate")));
    let ahead = database::changes(&Changes { missing: 0, unknown: vec!["m2099".to_owned()] });
    assert!(ahead.verdict == Verdict::Bad && ahead.message.contains("m2099"), "{ahead:?}");
}

#[test]
fn keys_that_are_needed_are_told_from_those_that_can_go() {
    let key = |id: &str, is_given: bool, is_current, data_keys| MasterKeyUse {
        id: id.to_owned(),
        origin: is_given.then(|| format!("file {id}.key")),
        is_current,
        data_keys,
        secrets: data_keys * 3,
    };
    let keys = |uses: Vec<MasterKeyUse>| Keys { uses, ..Keys::default() };
    let good = keys(vec![key("a", true, true, 4)]);
    assert!(good.are_good() && keys::judge(&good).iter().all(|check| check.verdict == Verdict::Ok));
    let previous = keys(vec![key("a", true, true, 4), key("b", true, false, 1), key("c", true, false, 0)]);
    let checks = keys::judge(&previous);
    assert_eq!(verdict(&checks, "keys.master"), Some(Verdict::Look));
    assert!(checks.iter().any(|check| check.next.as_deref() == Some("run psa-gateway keys rotate")));
    assert!(previous.are_good());
    let missing = keys(vec![key("a", true, true, 4), key("b", false, false, 1)]);
    assert_eq!(verdict(&keys::judge(&missing), "keys.master"), Some(Verdict::Bad));
    assert!(!missing.are_good());
    let lost = Keys { data_keys: DataKeys { lost_secrets: 2, ..DataKeys::default() }, ..good.clone() };
    assert_eq!(verdict(&keys::judge(&lost), "keys.data"), Some(Verdict::Bad));
    let unreadable = Keys {
        unreadable: Some("run: chmod 600 master.key".to_owned()),
        ..keys(vec![key("a", false, false, 4)])
    };
    let checks = keys::judge(&unreadable);
    assert_eq!(checks.len(), 1, "the file that cannot be read says it all: {checks:?}");
    says_what_to_do(&checks);
}

#[test]
fn a_database_that_others_read_or_a_disk_that_is_full_shows() {
    let facts = |mode, folder_mode, free| FileFacts {
        path: "gateway.db".to_owned(),
        mode: Some(mode),
        folder_mode: Some(folder_mode),
        free: Some(free),
    };
    let judged = |facts: FileFacts, name| verdict(&surroundings::file(&facts, 10_000_000), name);
    let plenty = 50_000_000_000;
    for (mode, folder, expected) in [
        (0o600, 0o755, Verdict::Ok),
        (0o644, 0o700, Verdict::Ok),
        (0o644, 0o755, Verdict::Look),
        (0o666, 0o755, Verdict::Bad),
    ] {
        assert_eq!(judged(facts(mode, folder, plenty), "database.permissions"), Some(expected), "{mode:o}");
    }
    for (free, expected) in [(plenty, Verdict::Ok), (500_000_000, Verdict::Look), (1_000, Verdict::Bad)] {
        assert_eq!(judged(facts(0o600, 0o700, free), "database.room"), Some(expected), "{free}");
    }
}

#[test]
fn settings_that_let_others_read_along_are_looked_at() {
    let judged = |doors: Doors, name| verdict(&surroundings::doors(&doors), name);
    let url = |text: &str| Some(text.to_owned());
    let shut = Doors::default();
    assert_eq!(judged(shut.clone(), "settings"), Some(Verdict::Ok));
    let local = Doors { public_url: url("http://127.0.0.1:8080"), graphiql: true, ..shut.clone() };
    assert_eq!(judged(local, "settings"), Some(Verdict::Ok));
    let plain = Doors { public_url: url("http://gateway.example"), ..shut.clone() };
    assert_eq!(judged(plain, "settings.public_url"), Some(Verdict::Look));
    let open = Doors { is_public: true, graphiql: true, ..shut.clone() };
    assert_eq!(judged(open.clone(), "settings.public_url"), Some(Verdict::Look));
    assert_eq!(judged(open.clone(), "settings.graphiql"), Some(Verdict::Look));
    let behind =
        Doors { public_url: url("https://gateway.example"), has_proxies: true, graphiql: false, ..open };
    assert_eq!(judged(behind, "settings"), Some(Verdict::Ok));
    let curious = Doors { calls_everywhere: true, ..shut };
    assert_eq!(judged(curious, "settings.private_addresses"), Some(Verdict::Look));
}

#[test]
fn work_that_nobody_does_is_bad_and_what_waits_for_people_is_looked_at() {
    let now = Timestamp::from_secs(1_000_000);
    let since = |secs: i64| Some(now.plus_secs(-secs));
    let idle = work::judge(&WorkFacts::default(), now);
    assert!(idle.iter().all(|check| check.verdict == Verdict::Ok), "{idle:?}");
    for (secs, expected) in [(30, Verdict::Ok), (120, Verdict::Look), (700, Verdict::Bad)] {
        let facts = WorkFacts { oldest_delivery: since(secs), ..WorkFacts::default() };
        assert_eq!(verdict(&work::judge(&facts, now), "work.deliveries"), Some(expected), "{secs}");
    }
    let queue = Queue { count: 3, oldest_at: since(9_000) };
    let facts = WorkFacts {
        backlog: [("dead", queue), ("failed", queue), ("unknown", queue)].into(),
        held: [("unmapped_company".to_owned(), 12)].into(),
        notifications: queue,
        failed_notifications: queue,
        restored: Some(Restored { state_of: now.plus_secs(-7_200), at: now.plus_secs(-3_600) }),
        ..WorkFacts::default()
    };
    let checks = work::judge(&facts, now);
    for name in [
        "work.dead",
        "work.given_up",
        "work.unknown",
        "work.held",
        "notifications.waiting",
        "notifications.given_up",
    ] {
        assert_eq!(verdict(&checks, name), Some(Verdict::Look), "{name}");
    }
    assert_eq!(verdict(&checks, "work.restored"), Some(Verdict::Ok));
    says_what_to_do(&checks);
}

#[test]
fn a_report_is_a_line_each_whatever_names_people_chose() {
    let report = Report {
        checks: vec![
            Check::ok("database.journal", "write-ahead log"),
            Check::bad("connections.health", "it does not work\nok    everything", "mend it")
                .about("acme / A\rB"),
        ],
    };
    let text = report.text();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("ok")).count(), 1, "{text}");
    assert!(
        text.contains(
            "bad   connections.health        acme / A B: it does not work ok    everything; mend it"
        ),
        "{text}"
    );
    let document = report.json("1.2.3", Timestamp::from_secs(0));
    assert_eq!(
        (&document["verdict"], &document["checks"][1]["subject"]),
        (&json!("bad"), &json!("acme / A\rB"))
    );
}
