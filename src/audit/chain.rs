//! What holds the entries of a log together: hashes that anybody can recompute, and seals that only the gateway
//! can make.
//!
//! The hash of an entry is the SHA-256 of these parts, in this order: the text `psa-gateway audit 1`, the hash of
//! the entry before (empty for the first), organization (16 bytes), number and time (8 bytes each, big-endian; time
//! in microseconds since 1970), id (16), kind of the actor, its id, its name, address, request id, action, type of
//! the target, its id, its name, before, after. Each part stands after its length (8 bytes, big-endian), so that no
//! two entries read the same; a part that may be missing begins with the byte 1 and is the byte 0 where it is.

use entity::audit_entry::{self, ActorKind};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::vault::Vault;

const VERSION: &[u8] = b"psa-gateway audit 1";

struct Parts(Sha256);

impl Parts {
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn add_maybe(&mut self, part: Option<&[u8]>) {
        let Some(part) = part else { return self.add(&[0]) };
        self.0.update((part.len() as u64 + 1).to_be_bytes());
        self.0.update([1]);
        self.0.update(part);
    }
}

/// The hash of an entry behind one of this hash.
pub(super) fn hash(entry: &audit_entry::Model, previous: &[u8]) -> [u8; 32] {
    let mut parts = Parts(Sha256::new());
    parts.add(VERSION);
    parts.add(previous);
    parts.add(entry.organization_id.as_bytes());
    parts.add(&entry.number.to_be_bytes());
    parts.add(&entry.at.0.to_be_bytes());
    parts.add(entry.id.as_bytes());
    parts.add(kind_name(entry.actor_kind).as_bytes());
    parts.add_maybe(entry.actor_id.as_ref().map(|id| id.as_bytes().as_slice()));
    parts.add(entry.actor_name.as_bytes());
    parts.add_maybe(entry.address.as_deref().map(str::as_bytes));
    parts.add_maybe(entry.request_id.as_deref().map(str::as_bytes));
    parts.add(entry.action.as_bytes());
    parts.add(entry.target_type.as_bytes());
    parts.add(entry.target_id.as_bytes());
    parts.add(entry.target_name.as_bytes());
    parts.add_maybe(entry.before.as_deref().map(str::as_bytes));
    parts.add_maybe(entry.after.as_deref().map(str::as_bytes));
    parts.0.finalize().into()
}

/// The name of a kind of actors, for hashes and exports.
pub(super) const fn kind_name(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Gateway => "gateway",
        ActorKind::Token => "token",
        ActorKind::Member => "member",
    }
}

pub(super) fn seal_of_entry(vault: &Vault, entry: &audit_entry::Model) -> [u8; 32] {
    let number = entry.number.to_be_bytes();
    vault.mark(&[b"audit entry", entry.organization_id.as_bytes(), &number, &entry.hash])
}

/// Another one than that of the last entry: who cuts entries off cannot make a head of what is left.
pub(super) fn seal_of_head(vault: &Vault, organization_id: Uuid, number: i64, hash: &[u8]) -> [u8; 32] {
    vault.mark(&[b"audit head", organization_id.as_bytes(), &number.to_be_bytes(), hash])
}

pub(super) fn is_entry_sealed(vault: &Vault, entry: &audit_entry::Model) -> bool {
    seal_of_entry(vault, entry).as_slice().ct_eq(&entry.seal).into()
}

pub(super) fn is_head_sound(vault: &Vault, head: &entity::audit_head::Model) -> bool {
    seal_of_head(vault, head.id, head.last_number, &head.last_hash).as_slice().ct_eq(&head.seal).into()
}
