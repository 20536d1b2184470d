//! Webhook endpoints and subscribers: what was never heard of, and what does not arrive.
#![expect(clippy::disallowed_methods, reason = "the doctor looks at the whole installation")]

use entity::{
    Timestamp, webhook_endpoint, webhook_endpoint::Registration, webhook_subscriber,
    webhook_subscriber::DisabledBecause,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, FromQueryResult as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
};

use super::{Check, ago, named, slugs};
use crate::{error::Error, ground::Ground, queue::deliveries};

/// How long a new endpoint may be silent, in seconds: scanners that scan once a day.
const SILENT_SECS: i64 = 86_400;
/// How long registering may take, in seconds.
const REGISTERING_SECS: i64 = 3_600;

/// An endpoint that is on.
#[derive(Clone, Debug)]
pub struct EndpointFacts {
    /// Whose, and its name.
    pub subject: String,
    /// It.
    pub endpoint: webhook_endpoint::Model,
    /// When the last webhook came in.
    pub last_at: Option<Timestamp>,
}

/// Reads every endpoint that is on.
pub async fn look(ground: &Ground) -> Result<Vec<EndpointFacts>, Error> {
    let db = ground.db.reader();
    let slugs = slugs(db).await?;
    let rows = webhook_endpoint::Entity::find()
        .filter(webhook_endpoint::Column::IsEnabled.eq(true))
        .expr_as(deliveries::last_received(), "last_received_at")
        .order_by_asc(webhook_endpoint::Column::Id)
        .into_query();
    let mut found = Vec::new();
    for row in db.query_all(&rows).await? {
        let endpoint = webhook_endpoint::Model::from_query_result(&row, "")?;
        found.push(EndpointFacts {
            subject: named(&slugs, endpoint.organization_id, &endpoint.name),
            last_at: row.try_get::<Option<i64>>("", "last_received_at")?.map(Timestamp),
            endpoint,
        });
    }
    Ok(found)
}

/// What to make of them.
pub fn judge(endpoints: &[EndpointFacts], now: Timestamp) -> Vec<Check> {
    let mut checks: Vec<Check> = endpoints.iter().filter_map(|one| of_one(one, now)).collect();
    if checks.is_empty() {
        let heard = format!("{} endpoints are on, and heard of", endpoints.len());
        checks.push(Check::ok("webhooks", heard));
    }
    checks
}

fn of_one(facts: &EndpointFacts, now: Timestamp) -> Option<Check> {
    let row = &facts.endpoint;
    let said = row.registration_message.as_deref();
    let check = match row.registration {
        Registration::Failing => Check::bad(
            "webhooks.registration",
            said.unwrap_or("the PSA does not take or use the gateway's webhook"),
            "mend it in the PSA; the gateway looks again by itself, and polls meanwhile",
        ),
        Registration::Wanted if row.updated_at.plus_secs(REGISTERING_SECS) < now => Check::look(
            "webhooks.registration",
            format!("to be registered in the PSA since {} ago", ago(row.updated_at, now)),
            "is a gateway with workers running, and its connection well?",
        ),
        _ if facts.last_at.is_none() && row.created_at.plus_secs(SILENT_SECS) < now => Check::look(
            "webhooks.silent",
            format!("nothing has come in since it was made {} ago", ago(row.created_at, now)),
            "enter its address and secret at the sender; what was refused stands in the log and in \
             psa_gateway_webhooks_total (/metrics)",
        ),
        _ => return None,
    };
    Some(check.about(facts.subject.as_str()))
}

/// Subscribers, by whose they are and their names.
pub async fn subscribers(ground: &Ground) -> Result<Vec<(String, webhook_subscriber::Model)>, Error> {
    let db = ground.db.reader();
    let slugs = slugs(db).await?;
    let rows =
        webhook_subscriber::Entity::find().order_by_asc(webhook_subscriber::Column::Id).all(db).await?;
    Ok(rows.into_iter().map(|row| (named(&slugs, row.organization_id, &row.name), row)).collect())
}

/// What to make of them.
pub fn judge_subscribers(subscribers: &[(String, webhook_subscriber::Model)], now: Timestamp) -> Vec<Check> {
    let name = "subscribers";
    let mut checks = Vec::new();
    for (subject, row) in subscribers {
        let why = row.last_failure.as_deref().unwrap_or("no answer");
        let check = match (&row.disabled_because, row.failing_since) {
            (Some(because), _) => {
                let seen = match because {
                    DisabledBecause::Gone => "switched off: it answered that it is gone for good".to_owned(),
                    DisabledBecause::Failing => format!("switched off after days without success: {why}"),
                };
                Check::look(name, seen, "mend or delete it; webhookSubscriberUpdate switches it on again")
            }
            (None, Some(since)) if row.is_enabled => Check::look(
                name,
                format!("nothing arrives there since {} ago: {why}", ago(since, now)),
                "is its address right, and does it answer 2xx within 15 seconds?",
            ),
            _ => continue,
        };
        checks.push(check.about(subject.as_str()));
    }
    if checks.is_empty() {
        checks.push(Check::ok(name, format!("{} are told what becomes of tickets", subscribers.len())));
    }
    checks
}
