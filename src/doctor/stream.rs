//! The stream in front of the database.

use super::Check;
use crate::queue::stream::StreamFacts;

/// On fewer servers than this, what is acknowledged is lost with one of them.
const REPLICAS: usize = 3;
/// More than this is not brought into the database as fast as it comes.
const MANY: u64 = 10_000;

/// What is to be said of it.
pub fn judge(facts: &anyhow::Result<StreamFacts>) -> Vec<Check> {
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => {
            let next = "does NATS run with JetStream, and has a gateway been started since? Until then webhooks go into the \
                        database";
            return vec![Check::look("stream", format!("it cannot be looked at: {error:#}"), next)];
        }
    };
    let StreamFacts { waiting, replicas, is_in_files } = *facts;
    let kept = if !is_in_files {
        let next = "have it in files (storage: file): what is in memory is gone when NATS stops";
        Check::bad("stream.kept", "it is kept in memory", next)
    } else if replicas < REPLICAS {
        let seen = format!(
            "it is on {replicas} server: what it acknowledged is lost with that server's disk, or power"
        );
        Check::look("stream.kept", seen, "have it on three: nats stream edit NAME --replicas 3")
    } else {
        Check::ok("stream.kept", format!("it is in files, on {replicas} servers"))
    };
    let seen = format!("{waiting} webhooks wait in it for the database");
    let waits = if waiting > MANY {
        let next = "does a gateway with workers run, and is nats_url set there too?";
        Check::look("stream.waiting", seen, next)
    } else {
        Check::ok("stream.waiting", seen)
    };
    vec![kept, waits]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_stream_that_can_lose_something_or_is_not_emptied_is_looked_at() {
        let verdicts = |waiting, replicas, is_in_files| {
            let checks = judge(&Ok(StreamFacts { waiting, replicas, is_in_files }));
            checks.iter().map(|check| check.verdict).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(0, 3, true), [Verdict::Ok, Verdict::Ok]);
        assert_eq!(verdicts(20_000, 1, true), [Verdict::Look, Verdict::Look]);
        assert_eq!(verdicts(5, 3, false), [Verdict::Bad, Verdict::Ok]);
        let away = judge(&Err(anyhow::anyhow!("no responders")));
        assert_eq!(away[0].verdict, Verdict::Look);
    }
}
