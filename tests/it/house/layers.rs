//! What may import what. The order is that of the crate's documentation; the exceptions say why.

/// Floors of the house, from the ground up. A module may import those of lower floors.
const FLOORS: &[(&str, &[&str])] = &[
    ("time, chance, errors, ids, addresses", &["clock", "error", "global_id", "addresses"]),
    ("ground", &["telemetry", "db", "metrics", "outbound"]),
    ("settings", &["config"]),
    ("vault", &["vault"]),
    ("what everything works with", &["ground"]),
    ("queue", &["queue"]),
    ("domain", DOMAIN),
    ("adapters", &["scanners", "psa", "identity"]),
    ("what doors share", &["request_id", "security_headers", "entrance"]),
    ("doors", &["webhooks", "graphql", "workers", "health", "doctor"]),
    ("app", &["app"]),
    ("demo", &["demo"]),
    ("main", &["main", "arguments"]),
];

/// Modules of one floor that may refer to each other: decisions make tickets, tickets hold findings, and
/// notifications tell of all of them.
pub(crate) const DOMAIN: &[&str] =
    &["decisions", "tickets", "findings", "sync", "organizations", "notifications", "statistics", "audit"];

/// An outside world: shares only time and chance with the gateway, and is known only to who starts it.
const SANDBOX: &str = "sandbox";
const STARTS_SANDBOX: &[&str] = &["app", "demo", "main"];
/// Who hands settings down; nobody else knows of them.
const READS_CONFIG: &[&str] = &["app", "demo", "main", "arguments"];

/// Imports that go up all the same: who, what, why. The other way round none of these may import who.
pub(crate) const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "queue",
        "organizations::viewer",
        "what a person does to the queue (redrive, retry) asks, as everywhere, who that person is",
    ),
    (
        "queue",
        "organizations::once",
        "what a person asks of the queue under a key is done once, as everywhere",
    ),
    (
        "queue",
        "organizations::reach",
        "what a person reads of the queue goes, as everywhere, through the one wall between organizations",
    ),
    (
        "queue",
        "audit",
        "what a person does to the queue stands, as everywhere, in the organization's audit log",
    ),
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, modules)| modules.contains(&module))
}

/// Which rule an import breaks. `folders` are the adapters' own folders, such as `psa::halo`.
pub(crate) fn broken_rule(from: &str, path: &[String], folders: &[String]) -> Option<String> {
    let to = path.first()?.as_str();
    if from == to || from == "lib" {
        return None;
    }
    let whole = path.join("::");
    let begins = |beginning: &str| whole == beginning || whole.starts_with(&format!("{beginning}::"));
    if EXCEPTIONS.iter().any(|(who, what, _)| *who == from && begins(what)) {
        return None;
    }
    if from == SANDBOX {
        let words = "the sandbox is an outside world and shares only `clock` with the gateway";
        return (to != "clock").then(|| words.to_owned());
    }
    if to == SANDBOX {
        let words = "only app, demo and main start a sandbox; nobody else knows of it";
        return (!STARTS_SANDBOX.contains(&from)).then(|| words.to_owned());
    }
    if to == "config" && !READS_CONFIG.contains(&from) {
        return Some("only app, demo and main read the configuration; they hand values down".to_owned());
    }
    if let Some(folder) = folders.iter().find(|folder| begins(folder)) {
        let is_above = floor(from) >= floor("app");
        let words = format!("`{folder}` is one platform's or sender's own: go through its catalogue");
        return (!is_above).then_some(words);
    }
    let (Some(here), Some(there)) = (floor(from), floor(to)) else {
        let stranger = if floor(from).is_none() { from } else { to };
        return Some(format!(
            "`{stranger}` has no place in the house yet: give it one in tests/it/house/layers.rs"
        ));
    };
    let name = |floor: usize| FLOORS.get(floor).map_or("", |(name, _)| name);
    if here == there {
        let may = DOMAIN.contains(&from) && DOMAIN.contains(&to);
        return (!may).then(|| format!("neighbours of one floor ({}) do not know each other", name(here)));
    }
    (there > here).then(|| format!("{} ({}) lies above {} ({})", to, name(there), from, name(here)))
}
