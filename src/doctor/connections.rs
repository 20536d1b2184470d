//! Connections to PSAs: those that do not work, rest, or were left behind.
#![expect(clippy::disallowed_methods, reason = "the doctor looks at the whole installation")]

use std::collections::HashMap;

use entity::{Timestamp, lane, psa_connection, psa_connection::Health};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::{Check, ago, named, slugs};
use crate::{
    error::Error,
    ground::Ground,
    organizations::connections,
    psa::{self, Psa, http::Outbound},
};

/// From so many failures in a row on a connection is taken for broken.
const BREAKS: i32 = 5;
/// A lease that ran out so long ago, in seconds, with work that is due: nobody takes the lane over.
const LEFT_SECS: i64 = 120;

/// A connection, and what there is to say of it.
#[derive(Clone, Debug)]
pub struct ConnectionFacts {
    /// Whose, and its name.
    pub subject: String,
    /// It.
    pub connection: psa_connection::Model,
    /// The right to call it.
    pub lane: Option<lane::Model>,
    /// What is missing in its form, or why its secrets do not open.
    pub form: Vec<String>,
    /// What calling it showed, where it was called: whether it works, and in words.
    pub called: Option<(bool, String)>,
}

/// Reads every connection that is on; calls the PSAs where that is wished.
pub async fn look(
    ground: &Ground,
    outbound: &Outbound,
    with_calls: bool,
) -> Result<Vec<ConnectionFacts>, Error> {
    let db = ground.db.reader();
    let slugs = slugs(db).await?;
    let mut lanes: HashMap<Uuid, lane::Model> =
        lane::Entity::find().all(db).await?.into_iter().map(|lane| (lane.id, lane)).collect();
    let rows = psa_connection::Entity::find()
        .filter(psa_connection::Column::IsEnabled.eq(true))
        .order_by_asc(psa_connection::Column::Id)
        .all(db)
        .await?;
    let mut found = Vec::new();
    for row in rows {
        let (form, client) = match client(ground, outbound, &row).await {
            Ok(client) => (Vec::new(), Some(client)),
            Err(problems) => (problems, None),
        };
        let called = match client.filter(|_| with_calls) {
            Some(client) => {
                let verification = client.verify().await;
                Some((verification.is_ok(), verification.summary()))
            }
            None => None,
        };
        found.push(ConnectionFacts {
            subject: named(&slugs, row.organization_id, &row.name),
            lane: lanes.remove(&row.id),
            connection: row,
            form,
            called,
        });
    }
    Ok(found)
}

/// The client that the gateway would call it with; what is wrong with its form where there is none.
async fn client(
    ground: &Ground,
    outbound: &Outbound,
    row: &psa_connection::Model,
) -> Result<std::sync::Arc<dyn Psa>, Vec<String>> {
    let Some(platform) = psa::platform(&row.platform) else {
        return Err(vec![format!("this version knows no platform \"{}\"", row.platform)]);
    };
    let credentials = connections::credentials(ground, row).await.map_err(|error| vec![error.to_string()])?;
    let settings = connections::settings(row);
    let budget = psa::budget_of(platform, outbound, row.organization_id, row.id, &settings);
    platform
        .connect(credentials, psa::counted(ground, outbound, budget))
        .map_err(|problems| problems.into_iter().map(|problem| problem.message).collect())
}

/// What to make of them.
pub fn judge(connections: &[ConnectionFacts], now: Timestamp) -> Vec<Check> {
    let mut checks: Vec<Check> = connections.iter().flat_map(|one| of_one(one, now)).collect();
    if checks.is_empty() {
        checks
            .push(Check::ok("connections", format!("{} are on, none of them in trouble", connections.len())));
    }
    checks
}

fn of_one(facts: &ConnectionFacts, now: Timestamp) -> Vec<Check> {
    let row = &facts.connection;
    let mut checks = Vec::new();
    if !facts.form.is_empty() {
        let next = "psaConnectionUpdate with the whole form";
        checks.push(Check::bad("connections.login", facts.form.join("; "), next));
    }
    match &facts.called {
        Some((true, words)) => checks.push(Check::ok("connections.call", words.as_str())),
        Some((false, words)) => {
            let next = "mend it there or in psaConnectionUpdate, then psaConnectionVerify";
            checks.push(Check::bad("connections.call", words.as_str(), next));
        }
        None => {}
    }
    let said = row.health_message.as_deref().unwrap_or("it does not work");
    let works_now = matches!(facts.called, Some((true, _)));
    match row.health {
        Health::Failing if !works_now => {
            let since =
                row.health_checked_at.map(|at| format!(" ({} ago)", ago(at, now))).unwrap_or_default();
            let next = "mend it, then psaConnectionVerify; its tickets wait until then";
            checks.push(Check::bad("connections.health", format!("{said}{since}"), next));
        }
        Health::Unverified if facts.called.is_none() => {
            let next = "psaConnectionVerify shows whether its login works";
            checks.push(Check::look("connections.health", "its login was never verified", next));
        }
        _ => {}
    }
    if let Some(lane) = &facts.lane {
        checks.extend(of_lane(lane, row.health, now));
    }
    checks.into_iter().map(|check| check.about(facts.subject.as_str())).collect()
}

fn of_lane(lane: &lane::Model, health: Health, now: Timestamp) -> Option<Check> {
    let name = "connections.rest";
    if lane.paused_until > now && health != Health::Failing {
        let why = lane.pause_reason.as_deref().unwrap_or("no reason is known");
        let seen = format!("left alone until {}: {why}", lane.paused_until);
        return Some(if lane.failures >= BREAKS {
            let next = "is the PSA up, and reached from here? Its tickets wait, and go on by themselves";
            Check::bad(name, format!("{} calls in a row failed; {seen}", lane.failures), next)
        } else {
            Check::look(name, seen, "it goes on by itself")
        });
    }
    let is_due = lane.next_at.is_some_and(|at| at.plus_secs(LEFT_SECS) < now) && lane.paused_until <= now;
    let ran_out = lane.lease_until.plus_secs(LEFT_SECS) < now;
    let holder = lane.holder.as_deref().filter(|_| is_due && ran_out)?;
    Some(Check::bad(
        "connections.lease",
        format!("held by node {holder}, which is gone, and its work waits"),
        "start a gateway with workers: it takes the work over by itself",
    ))
}
