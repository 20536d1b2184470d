//! Who changed what, from where, and what it was before: a log that only grows.
//!
//! Every organization has a log of its own, and the installation has one. [`record`] adds an entry in the
//! transaction of the change itself, so that neither is there without the other; call it last there, so that
//! locks are taken in the same order everywhere. What of a row may stand in the log is in [`facts`].
//!
//! The entries of a log are a chain: each hash covers the entry and the hash before it, and numbers have no
//! gaps. The database refuses to change or remove entries (`migration`). Who gets round that by changing the
//! database itself still cannot mend the chain: every entry, and the head that says where the log ends, is sealed
//! under a key that only the vault can open. [`verify`] finds the first entry that does not fit.
#![expect(clippy::disallowed_methods, reason = "a log is looked up by the organization it belongs to")]

mod chain;
pub mod facts;
pub mod read;
pub mod verify;

use std::collections::BTreeMap;

use entity::{audit_entry, audit_entry::ActorKind, audit_head};
use sea_orm::{
    ActiveModelTrait as _, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _, QuerySelect as _,
    Set,
    sea_query::{LockType, OnConflict},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::facts::Audited;
use crate::{
    error::Error,
    ground::Ground,
    organizations::viewer::{Known, Viewer},
};

/// The log of the installation itself: nothing else has this id.
pub const INSTALLATION: Uuid = Uuid::nil();

/// The longest name of an actor that is kept, in characters.
const MAX_NAME: usize = 200;
/// The longest request id that is kept, in characters.
const MAX_REQUEST_ID: usize = 64;

/// A change, as it stands in the log.
#[derive(Clone, Debug)]
pub struct Change {
    organization_id: Uuid,
    action: &'static str,
    target: (&'static str, Uuid, String),
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl Change {
    /// Something done to a thing; what changed is told by [`Change::was`] and [`Change::is`]. `action` is the
    /// mutation's name in the API.
    pub fn of<T: Audited>(action: &'static str, target: &T) -> Self {
        Self {
            organization_id: target.organization_id().unwrap_or(INSTALLATION),
            action,
            target: (T::TYPE, target.id(), target.name()),
            before: Map::new(),
            after: Map::new(),
        }
    }

    /// Something done to the installation itself, e.g. by a command.
    pub fn of_installation(action: &'static str) -> Self {
        Self {
            organization_id: INSTALLATION,
            action,
            target: ("Installation", INSTALLATION, "the installation".to_owned()),
            before: Map::new(),
            after: Map::new(),
        }
    }

    /// A thing was made.
    pub fn made<T: Audited>(action: &'static str, row: &T) -> Self {
        Self { after: without_nulls(row.facts()), ..Self::of(action, row) }
    }

    /// A thing was removed.
    pub fn removed<T: Audited>(action: &'static str, row: &T) -> Self {
        Self { before: without_nulls(row.facts()), ..Self::of(action, row) }
    }

    /// A thing was changed: what is different stands in the log, by the name it has now.
    pub fn between<T: Audited>(action: &'static str, old: &T, new: &T) -> Self {
        let (before, after) = differences(old.facts(), new.facts());
        Self { before, after, ..Self::of(action, new) }
    }

    /// Under a name that says more than the row itself.
    #[must_use]
    pub fn named(mut self, name: String) -> Self {
        self.target.2 = name;
        self
    }

    /// In the installation's own log.
    #[must_use]
    pub fn in_installation(self) -> Self {
        Self { organization_id: INSTALLATION, ..self }
    }

    /// One more thing that was so before.
    #[must_use]
    pub fn was(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.before.insert(name.to_owned(), value.into());
        self
    }

    /// One more thing that is so now.
    #[must_use]
    pub fn is(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.after.insert(name.to_owned(), value.into());
        self
    }
}

fn without_nulls(facts: Map<String, Value>) -> Map<String, Value> {
    facts.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// What is not the same in both, also inside of objects.
fn differences(
    mut before: Map<String, Value>,
    mut after: Map<String, Value>,
) -> (Map<String, Value>, Map<String, Value>) {
    let names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    for name in names {
        match (before.get(&name), after.get(&name)) {
            (Some(old), Some(new)) if old == new => {
                before.remove(&name);
                after.remove(&name);
            }
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                let (old, new) = differences(old.clone(), new.clone());
                before.insert(name.clone(), old.into());
                after.insert(name, new.into());
            }
            _ => {}
        }
    }
    (before, after)
}

/// Adds a change to the log, in the transaction of the change: as its last step.
pub async fn record(
    tx: &DatabaseTransaction,
    ground: &Ground,
    viewer: &Viewer,
    change: Change,
) -> Result<(), Error> {
    record_all(tx, ground, viewer, vec![change]).await
}

/// Adds several changes of one transaction to their logs, in their order: as its last step.
pub async fn record_all(
    tx: &DatabaseTransaction,
    ground: &Ground,
    viewer: &Viewer,
    changes: Vec<Change>,
) -> Result<(), Error> {
    // Logs are locked in the order of their ids.
    let mut logs: BTreeMap<Uuid, Vec<Change>> = BTreeMap::new();
    for change in changes {
        logs.entry(change.organization_id).or_default().push(change);
    }
    for (id, changes) in logs {
        add(tx, ground, viewer, id, changes).await?;
    }
    Ok(())
}

async fn add(
    tx: &DatabaseTransaction,
    ground: &Ground,
    viewer: &Viewer,
    log: Uuid,
    changes: Vec<Change>,
) -> Result<(), Error> {
    let head = locked_head(tx, ground, log).await?;
    let is_sound = chain::is_head_sound(&ground.vault, &head);
    if !is_sound {
        tracing::error!(
            organization.id = %head.id,
            audit.number = head.last_number,
            "the head of this audit log was changed by somebody else; what is added now stays unsealed (see `psa-gateway audit verify`)"
        );
    }
    let now = ground.clock.now();
    let (actor_kind, actor_id) = match viewer.known() {
        Known::Gateway => (ActorKind::Gateway, None),
        Known::Token(id) => (ActorKind::Token, Some(id)),
        Known::Member(id) => (ActorKind::Member, Some(id)),
    };
    let text = |facts: Map<String, Value>| (!facts.is_empty()).then(|| Value::Object(facts).to_string());
    let (mut number, mut last_hash) = (head.last_number, head.last_hash.clone());
    let mut entries = Vec::with_capacity(changes.len());
    for change in changes {
        let (target_type, target_id, target_name) = change.target;
        let mut entry = audit_entry::Model {
            id: ground.chance.id(now),
            organization_id: head.id,
            number: number + 1,
            at: now,
            actor_kind,
            actor_id,
            actor_name: clean(&viewer.name, MAX_NAME),
            address: viewer.from().map(|address| address.to_string()),
            request_id: viewer.request_id().map(|id| clean(id, MAX_REQUEST_ID)),
            action: change.action.to_owned(),
            target_type: target_type.to_owned(),
            target_id,
            target_name: clean(&target_name, usize::MAX),
            before: text(change.before),
            after: text(change.after),
            hash: Vec::new(),
            seal: Vec::new(),
        };
        entry.hash = chain::hash(&entry, &last_hash).to_vec();
        // A head that somebody else wrote is never sealed over: that would make their work look like ours.
        if is_sound {
            entry.seal = chain::seal_of_entry(&ground.vault, &entry).to_vec();
        }
        (number, last_hash) = (entry.number, entry.hash.clone());
        entries.push(entry.into_active_model());
    }
    let id = head.id;
    let mut row = head.into_active_model();
    row.seal = Set(if is_sound {
        chain::seal_of_head(&ground.vault, id, number, &last_hash).to_vec()
    } else {
        Vec::new()
    });
    row.last_number = Set(number);
    row.last_hash = Set(last_hash);
    audit_entry::Entity::insert_many(entries).exec_without_returning(tx).await?;
    row.update(tx).await?;
    Ok(())
}

/// The head of a log, made where there is none; nobody else adds to the log until the transaction ends.
async fn locked_head(
    tx: &DatabaseTransaction,
    ground: &Ground,
    id: Uuid,
) -> Result<audit_head::Model, Error> {
    let find = || audit_head::Entity::find_by_id(id).lock(LockType::Update).one(tx);
    if let Some(head) = find().await? {
        return Ok(head);
    }
    let row = audit_head::ActiveModel {
        id: Set(id),
        organization_id: Set((id != INSTALLATION).then_some(id)),
        last_number: Set(0),
        last_hash: Set(Vec::new()),
        seal: Set(chain::seal_of_head(&ground.vault, id, 0, &[]).to_vec()),
    };
    audit_head::Entity::insert(row)
        .on_conflict(OnConflict::column(audit_head::Column::Id).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    find().await?.ok_or_else(|| Error::Internal(anyhow::anyhow!("the audit log of {id} has no head")))
}

/// At most so many characters, without the one that PostgreSQL keeps in no text.
fn clean(text: &str, max: usize) -> String {
    text.chars().filter(|letter| *letter != '\0').take(max).collect()
}

#[cfg(test)]
mod tests;
