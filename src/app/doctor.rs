//! What `psa-gateway doctor` looks at, in its order: what comes later needs what comes before.

use std::net::SocketAddr;

#[cfg(feature = "nats")]
use crate::queue::stream::{Stream, StreamOptions};

use super::{Seams, connect, keys, outbound};
use crate::{
    clock::Clock,
    config::Config,
    db::{Db, copy},
    doctor::{
        Check, Report, connections, database,
        keys::{self as key_checks, Keys},
        surroundings::{self, Doors},
        webhooks, work,
    },
    ground::Ground,
    vault::{Vault, rotation},
};

/// Looks at everything. Calls no PSA unless `with_calls` says so, and changes nothing.
pub async fn examine(config: &Config, seams: &Seams, with_calls: bool) -> anyhow::Result<Report> {
    let mut report = Report { checks: surroundings::doors(&doors(config)) };
    let file = match config.database_url() {
        url if url.starts_with("sqlite:") => Some(copy::file_of(url)?),
        _ => None,
    };
    if let Some(file) = file.as_ref().filter(|file| !file.is_file()) {
        report.checks.push(Check::bad(
            "database",
            format!("there is none at {}", file.display()),
            "is the setting right? psa-gateway serve makes a new one, psa-gateway restore puts a back-up there",
        ));
        return Ok(report);
    }
    let db = match connect(config).await {
        Ok(db) => db,
        Err(error) => {
            let next = "is the address right (PSA_GATEWAY_DATABASE_URL), and does it run?";
            report.checks.push(Check::bad("database", format!("it cannot be opened: {error:#}"), next));
            return Ok(report);
        }
    };
    let looked = look(config, seams, with_calls, &db, file.as_deref(), &mut report).await;
    if let Err(error) = looked {
        let next = "what comes after this was not looked at; if it is damaged, restore a back-up (psa-gateway restore)";
        report.checks.push(Check::bad(
            "database",
            format!("it does not answer as it should: {error:#}"),
            next,
        ));
    }
    db.close().await?;
    Ok(report)
}

async fn look(
    config: &Config,
    seams: &Seams,
    with_calls: bool,
    db: &Db,
    file: Option<&std::path::Path>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let checks = &mut report.checks;
    if let Some(facts) = db.sqlite_facts().await? {
        let wal = file.and_then(|file| std::fs::metadata(&copy::beside(file)[0]).ok());
        checks.extend(database::sqlite(&facts, wal.map_or(0, |file| file.len())));
        if let Some(file) = file {
            checks.extend(surroundings::file(&surroundings::look(file), facts.bytes));
        }
    }
    let clock = seams.clock.clone();
    if let Some(facts) = db.postgres_facts(|| clock.now()).await? {
        checks.extend(database::postgres(&facts, config.database_max_connections));
    }
    let changes = db.changes().await?;
    checks.push(database::changes(&changes));
    if changes.missing > 0 || !changes.unknown.is_empty() {
        return Ok(());
    }
    let given = keys::given(config).await;
    let keys = found_keys(db, &given).await?;
    checks.extend(key_checks::judge(&keys));
    let (Ok(masters), true) = (given, keys.are_good()) else {
        let next = "mend the keys first, then run this again";
        checks.push(Check::look("work", "connections, webhooks and what waits were not looked at", next));
        return Ok(());
    };
    if keys.uses.iter().all(|one| one.data_keys == 0) {
        checks.push(Check::ok("work", "no gateway has run on this database yet"));
        return Ok(());
    }
    let (clock, chance) = (seams.clock.clone(), seams.chance.clone());
    let vault = Vault::open(db.reader(), masters, clock.clone(), chance.clone()).await?;
    let ground = Ground::new(db.clone(), clock, chance, vault);
    let now = ground.clock.now();
    #[cfg(feature = "nats")]
    if let Some(url) = &config.nats_url {
        let options = StreamOptions { url: url.clone(), name: config.nats_stream.clone() };
        let facts = Stream::at(ground.clone(), &options).await?.facts().await;
        checks.extend(crate::doctor::stream::judge(&facts));
    }
    let outbound = outbound(config, &ground.clock)?;
    checks.extend(connections::judge(&connections::look(&ground, &outbound, with_calls).await?, now));
    checks.extend(webhooks::judge(&webhooks::look(&ground).await?, now));
    checks.extend(webhooks::judge_subscribers(&webhooks::subscribers(&ground).await?, now));
    checks.extend(work::judge(&work::look(&ground).await?, now));
    Ok(())
}

async fn found_keys(db: &Db, given: &anyhow::Result<crate::vault::MasterKeys>) -> anyhow::Result<Keys> {
    let (uses, data_keys) = rotation::usage(db.reader(), given.as_ref().ok()).await?;
    let broken = match given {
        Ok(given) => rotation::broken(db.reader(), given).await?,
        Err(_) => Vec::new(),
    };
    let unreadable = given.as_ref().err().map(|error| format!("{error:#}"));
    Ok(Keys { unreadable, uses, data_keys, broken })
}

fn doors(config: &Config) -> Doors {
    let listens_to = |address: SocketAddr| !address.ip().is_loopback();
    Doors {
        is_public: listens_to(config.listen),
        public_url: config.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
        has_proxies: config.doors.proxies.networks != crate::addresses::Networks::default(),
        graphiql: config.graphiql,
        calls_everywhere: config.psa_private_addresses == ["*"],
    }
}

/// The text for people, or the document for programs.
pub fn shown(report: &Report, clock: &Clock, as_json: bool) -> String {
    if as_json {
        format!("{:#}\n", report.json(env!("CARGO_PKG_VERSION"), clock.now()))
    } else {
        report.text()
    }
}
