//! What policies were asked, kept so that the answers can be given again.
//!
//! An organization may have hundreds of policies, each with its own reason not to want a ticket. In words these would
//! be larger with every event than what senders say. Kept are the question, with its event, and the policies as they
//! stood, once for all events that were held against them ([`policy_snapshot`]). The words are made for whoever reads
//! them, by the same code.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{HashMap, HashSet};

use entity::{Timestamp, event, policy_snapshot};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QuerySelect as _, sea_query::OnConflict,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::filter::{Filter, Question};

/// How often it is written down that a snapshot is used, in seconds: once a day.
pub const STAMPED_SECS: i64 = 86_400;
/// How many of a policy's words stand in a trace, in characters.
const MAX_WORDS: usize = 400;

/// Snapshots by their ids.
pub type Snapshots = HashMap<Uuid, policy_snapshot::Model>;

/// The first policies of a snapshot, all of which did not want a ticket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::decisions) struct Asked {
    /// Which policies.
    snapshot: Uuid,
    /// How many of them.
    count: usize,
    question: Question,
}

impl Asked {
    pub(super) fn new(snapshot: &Snapshot, count: usize, question: Question) -> Self {
        Self { snapshot: snapshot.id, count, question }
    }
}

/// Policies as they stand.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) id: Uuid,
    filters: Value,
}

impl Snapshot {
    /// The same policies of an organization always have the same id.
    pub(super) fn of<'f>(organization_id: Uuid, filters: impl Iterator<Item = &'f Filter>) -> Self {
        let filters: Vec<&Filter> = filters.collect();
        let filters = serde_json::to_value(filters).unwrap_or_default();
        let mut digest = Sha256::new_with_prefix(organization_id.as_bytes());
        digest.update(filters.to_string());
        let mut id = [0; 16];
        for (byte, of_digest) in id.iter_mut().zip(digest.finalize()) {
            *byte = of_digest;
        }
        Self { id: uuid::Builder::from_custom_bytes(id).into_uuid(), filters }
    }

    pub(super) fn row(&self, organization_id: Uuid, created_at: Timestamp) -> policy_snapshot::Model {
        let (id, filters) = (self.id, self.filters.clone());
        policy_snapshot::Model { id, organization_id, filters, created_at, used_at: Some(created_at) }
    }

    /// Writes it down, if it is not there yet, and to the day that it was used.
    pub(super) async fn keep(
        &self,
        tx: &DatabaseTransaction,
        organization_id: Uuid,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        use policy_snapshot::Column as C;
        let fresh: Option<Uuid> = policy_snapshot::Entity::find_by_id(self.id)
            .select_only()
            .column(C::Id)
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::UsedAt.gt(now.plus_secs(-STAMPED_SECS)))
            .into_tuple()
            .one(tx)
            .await?;
        if fresh.is_none() {
            // One that goes away right now is written anew.
            policy_snapshot::Entity::insert(self.row(organization_id, now).into_active_model())
                .on_conflict(OnConflict::column(C::Id).update_column(C::UsedAt).to_owned())
                .exec_without_returning(tx)
                .await?;
        }
        Ok(())
    }
}

/// The snapshots that events were held against: their ids.
pub fn snapshots_of<'e>(events: impl IntoIterator<Item = &'e event::Model>) -> HashSet<Uuid> {
    let steps = events.into_iter().filter_map(|event| event.steps.as_array()).flatten();
    steps.filter_map(|step| Uuid::deserialize(step.get("asked")?.get("snapshot")?).ok()).collect()
}

/// The steps that are kept with an event, by name and in words; `snapshots` holds those of [`snapshots_of`].
pub fn steps(kept: &Value, snapshots: &Snapshots) -> Vec<(String, String)> {
    let text = |step: &Value, key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut said = Vec::new();
    for step in kept.as_array().map(Vec::as_slice).unwrap_or_default() {
        let name = text(step, "step");
        match step.get("asked") {
            None => said.push((name, text(step, "result"))),
            Some(asked) => match answers(asked, snapshots) {
                Some(answers) => said.extend(answers.into_iter().map(|answer| (name.clone(), answer))),
                None => said.push((name, "this version cannot say what the policies said".to_owned())),
            },
        }
    }
    said
}

fn answers(asked: &Value, snapshots: &Snapshots) -> Option<Vec<String>> {
    let asked = Asked::deserialize(asked).ok()?;
    let filters = Vec::<Filter>::deserialize(&snapshots.get(&asked.snapshot)?.filters).ok()?;
    Some(filters.iter().take(asked.count).filter_map(|filter| answer(filter, &asked.question)).collect())
}

/// What a policy says that wants no ticket; none where it wants one.
pub(super) fn answer(filter: &Filter, asked: &Question) -> Option<String> {
    let why = filter.why_not(asked)?;
    let name = &filter.name;
    if why.chars().count() <= MAX_WORDS {
        return Some(format!("\"{name}\" {why}"));
    }
    let cut: String = why.chars().take(MAX_WORDS - 1).collect();
    Some(format!("\"{name}\" {cut}…"))
}
