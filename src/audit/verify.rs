//! Looks whether a log is as it was written, and gives it out for keeping elsewhere.
//!
//! What no look from inside can find is a whole log put back to what it was at an earlier time, end and all: who
//! must know keeps the number and hash of the end, or the entries themselves, somewhere else.
#![expect(clippy::disallowed_methods, reason = "a log is looked up by the organization it belongs to")]

use std::fmt;

use entity::{audit_entry, audit_head};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::chain;
use crate::{error::Error, global_id, ground::Ground, organizations::viewer::Viewer};

/// How many entries, or logs, are read at a time.
const PAGE: u64 = 500;

/// What a look at a log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Whose log it is.
    pub organization_id: Uuid,
    /// How many entries are as they were written, from the first.
    pub sound: i64,
    /// The hash of the last of them, in hexadecimal digits; empty where there is none.
    pub hash: String,
    /// Where the log stops being as it was written.
    pub flaw: Option<Flaw>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Number of the entry.
    pub number: i64,
    /// Its id, where there is an entry.
    pub id: Option<Uuid>,
    /// In words.
    pub what: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "entry {} ({id}): {}", self.number, self.what),
            None => write!(f, "entry {}: {}", self.number, self.what),
        }
    }
}

/// Whose logs there are, in the order of their ids, behind this one: some at a time, until none is given.
pub async fn logs(viewer: &Viewer, ground: &Ground, after: Option<Uuid>) -> Result<Vec<Uuid>, Error> {
    viewer.may_operate_installation()?;
    let mut heads = audit_head::Entity::find().select_only().column(audit_head::Column::Id);
    if let Some(after) = after {
        heads = heads.filter(audit_head::Column::Id.gt(after));
    }
    Ok(heads.order_by_asc(audit_head::Column::Id).limit(PAGE).into_tuple().all(ground.db.reader()).await?)
}

/// Whose entries there are without a head: only somebody who went round the database's rules leaves them.
pub async fn headless(viewer: &Viewer, ground: &Ground) -> Result<Vec<Uuid>, Error> {
    viewer.may_operate_installation()?;
    let heads = audit_head::Entity::find().select_only().column(audit_head::Column::Id).into_query();
    Ok(audit_entry::Entity::find()
        .select_only()
        .column(audit_entry::Column::OrganizationId)
        .distinct()
        .filter(audit_entry::Column::OrganizationId.not_in_subquery(heads))
        .limit(PAGE)
        .into_tuple()
        .all(ground.db.reader())
        .await?)
}

/// Entries of a log behind a number, some at a time, until none is given.
pub async fn entries(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    after: i64,
) -> Result<Vec<audit_entry::Model>, Error> {
    viewer.may_operate_installation()?;
    Ok(audit_entry::Entity::find()
        .filter(audit_entry::Column::OrganizationId.eq(organization_id))
        .filter(audit_entry::Column::Number.gt(after))
        .order_by_asc(audit_entry::Column::Number)
        .limit(PAGE)
        .all(ground.db.reader())
        .await?)
}

/// Walks a log from its first entry to its end, or to the first flaw. Others may add to it meanwhile.
pub async fn verify(viewer: &Viewer, ground: &Ground, organization_id: Uuid) -> Result<Checked, Error> {
    let (mut sound, mut hash) = (0, Vec::new());
    let mut looked_again = false;
    let flaw = 'walk: loop {
        let page = entries(viewer, ground, organization_id, sound).await?;
        if page.is_empty() {
            let head = audit_head::Entity::find_by_id(organization_id).one(ground.db.reader()).await?;
            // Somebody may have added an entry between the two looks.
            if !looked_again && head.as_ref().is_some_and(|head| head.last_number > sound) {
                looked_again = true;
                continue;
            }
            break flaw_of_end(ground, head.as_ref(), sound, &hash);
        }
        looked_again = false;
        for entry in page {
            if let Some(flaw) = flaw_of(ground, &entry, sound, &hash) {
                break 'walk Some(flaw);
            }
            (sound, hash) = (entry.number, entry.hash);
        }
    };
    Ok(Checked { organization_id, sound, hash: hex(&hash), flaw })
}

fn flaw_of(ground: &Ground, entry: &audit_entry::Model, sound: i64, previous: &[u8]) -> Option<Flaw> {
    if entry.number != sound + 1 {
        let what = format!("is missing, and all until entry {}", entry.number);
        return Some(Flaw { number: sound + 1, id: None, what });
    }
    let what = if chain::hash(entry, previous).as_slice() != entry.hash {
        "was changed: its hash fits neither what it says nor the entry before it"
    } else if entry.seal.is_empty() {
        "was added after somebody else had changed the log's end: what stood between may be gone"
    } else if !chain::is_entry_sealed(&ground.vault, entry) {
        "was written by somebody without the gateway's key: its seal does not fit"
    } else {
        return None;
    };
    Some(Flaw { number: entry.number, id: Some(entry.id), what: what.to_owned() })
}

fn flaw_of_end(ground: &Ground, head: Option<&audit_head::Model>, sound: i64, hash: &[u8]) -> Option<Flaw> {
    // An organization whose log has not begun.
    if head.is_none() && sound == 0 {
        return None;
    }
    let Some(head) = head else {
        let what = "the record of where the log ends is gone".to_owned();
        return Some(Flaw { number: sound + 1, id: None, what });
    };
    let (number, what) = if head.last_number > sound {
        (sound + 1, format!("is missing, and all until entry {}", head.last_number))
    } else if head.last_number < sound || head.last_hash != hash {
        (sound, "is not where the log ends, by its own record".to_owned())
    } else if !chain::is_head_sound(&ground.vault, head) {
        let what = "the record that the log ends here was written by somebody without the gateway's key";
        (sound, what.to_owned())
    } else {
        return None;
    };
    Some(Flaw { number, id: None, what })
}

/// An entry for keeping elsewhere: a line of JSON, by the names that the API has.
pub fn exported(entry: &audit_entry::Model) -> Value {
    let facts = |text: &Option<String>| -> Value {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let organization = (entry.organization_id != super::INSTALLATION)
        .then(|| global_id::encode("Organization", entry.organization_id));
    json!({
        "organizationId": organization,
        "number": entry.number,
        "id": global_id::encode("AuditEntry", entry.id),
        "at": entry.at.rfc3339(),
        "actor": {
            "kind": chain::kind_name(entry.actor_kind).to_uppercase(),
            "id": actor_id(entry),
            "name": entry.actor_name,
        },
        "address": entry.address,
        "requestId": entry.request_id,
        "action": entry.action,
        "target": {
            "type": entry.target_type,
            "id": global_id::encode(&entry.target_type, entry.target_id),
            "name": entry.target_name,
        },
        "before": facts(&entry.before),
        "after": facts(&entry.after),
        "hash": hex(&entry.hash),
    })
}

/// The token or member that an entry names, as the API has it.
pub fn actor_id(entry: &audit_entry::Model) -> Option<String> {
    use audit_entry::ActorKind;
    let kind = match entry.actor_kind {
        ActorKind::Gateway => return None,
        ActorKind::Token => "AccessToken",
        ActorKind::Member => "Member",
    };
    Some(global_id::encode(kind, entry.actor_id?))
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
