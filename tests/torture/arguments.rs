//! What is asked for on the command line.

use std::{path::PathBuf, time::Duration};

pub const USAGE: &str = "\
usage: cargo test --test torture -- [FAULT …] [OPTION …]

Without anything: every fault, briefly, a few at the same time. With one of the counts: as many as you say, one fault
after the other, and with all the patience it takes.

  --list             what there is
  --seed N           the same throws again (printed with every row)
  --kills N          kills of `kill`
  --deliveries N     webhooks to be sent by each fault that sends a stream of them
  --rounds N         rounds of the other faults (kills at each step, cuts, freezes, restarts, full disks)
  --groups N         groups of `same`, a hundred webhooks each
  --patience SECS    how long to wait at the end for everything to come to rest
  --at-once N        how many faults are tried at the same time in a brief round (4)
  --binary PATH      another psa-gateway, such as a release build (--features torture lets its time be moved)
  --before PATH      the psa-gateway of the version before: `rolling` starts with it, and goes back to it in every
                     second round (--rounds 2)
  --keep             keep databases and logs

TEST_DATABASE_URL (postgres://…) names the PostgreSQL to use; each fault makes a database of its own there.";

/// What to do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Try what is asked for.
    Try,
    /// Say what there is.
    List,
    /// Say it as the standard harness does.
    ListTersely,
    /// Say how it is used.
    Help,
}

/// The command line, read.
#[derive(Clone, Debug)]
pub struct Wishes {
    pub names: Vec<String>,
    pub is_exact: bool,
    pub seed: u64,
    pub kills: Option<u64>,
    pub deliveries: Option<u64>,
    pub rounds: Option<u64>,
    pub groups: Option<u64>,
    pub patience: Option<Duration>,
    pub binary: PathBuf,
    pub before: Option<PathBuf>,
    pub at_once: usize,
    pub keep: bool,
    pub deed: Deed,
    /// Asked only for what the standard harness calls ignored.
    pub only_ignored: bool,
}

impl Wishes {
    /// Also takes what the standard harness takes, so that it can stand beside other tests.
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wishes = Self {
            names: Vec::new(),
            is_exact: false,
            seed: some_seed(),
            kills: None,
            deliveries: None,
            rounds: None,
            groups: None,
            patience: None,
            binary: PathBuf::from(env!("CARGO_BIN_EXE_psa-gateway")),
            before: None,
            at_once: 4,
            keep: false,
            deed: Deed::Try,
            only_ignored: false,
        };
        let mut is_terse = false;
        let mut words = words.flat_map(|word| match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => vec![name.to_owned(), value.to_owned()],
            _ => vec![word],
        });
        while let Some(word) = words.next() {
            let mut number = || {
                let value = words.next().ok_or_else(|| format!("{word} wants a number"))?;
                value
                    .replace('_', "")
                    .parse::<u64>()
                    .map_err(|_| format!("{word} wants a number, not {value}"))
            };
            match word.as_str() {
                "--seed" => wishes.seed = number()?,
                "--kills" => wishes.kills = Some(number()?),
                "--deliveries" => wishes.deliveries = Some(number()?),
                "--rounds" => wishes.rounds = Some(number()?),
                "--groups" => wishes.groups = Some(number()?),
                "--patience" => wishes.patience = Some(Duration::from_secs(number()?)),
                "--binary" => wishes.binary = words.next().ok_or("--binary wants a path")?.into(),
                "--before" => wishes.before = Some(words.next().ok_or("--before wants a path")?.into()),
                "--at-once" => wishes.at_once = usize::try_from(number()?).unwrap_or(1).max(1),
                "--keep" => wishes.keep = true,
                "--list" => wishes.deed = Deed::List,
                "--help" | "-h" => wishes.deed = Deed::Help,
                "--exact" => wishes.is_exact = true,
                "--ignored" => wishes.only_ignored = true,
                "--format" => is_terse = words.next().is_some_and(|value| value == "terse"),
                "--test-threads" | "--color" | "--skip" | "--logfile" | "-Z" | "--shuffle-seed" => {
                    words.next();
                }
                "--nocapture" | "--no-capture" | "--show-output" | "--quiet" | "-q" | "--include-ignored"
                | "--report-time" | "--ensure-time" | "--shuffle" => {}
                option if option.starts_with('-') => {
                    return Err(format!("{option}: no such option\n\n{USAGE}"));
                }
                name => wishes.names.push(name.to_owned()),
            }
        }
        if is_terse && wishes.deed == Deed::List {
            wishes.deed = Deed::ListTersely;
        }
        Ok(wishes)
    }

    /// Whether nobody said how much of it.
    pub fn is_brief(&self) -> bool {
        [self.kills, self.deliveries, self.rounds, self.groups].iter().all(Option::is_none)
    }

    /// Whether a fault is asked for: by a part of its name, as the standard harness does.
    pub fn wants(&self, name: &str) -> bool {
        let is_named =
            |part: &String| if self.is_exact { part == name } else { name.contains(part.as_str()) };
        !self.only_ignored && (self.names.is_empty() || self.names.iter().any(is_named))
    }
}

fn some_seed() -> u64 {
    u64::from(u32::from_be_bytes(psa_gateway::clock::Chance::system().bytes()))
}
