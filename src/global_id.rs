//! Global ids: opaque to those outside, typed for us. What a webhook is answered with is what GraphQL takes.
//!
//! base64url (without padding) of the type's name, a colon and the 16 bytes of the row's id.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// The global id of a row of that GraphQL type.
pub fn encode(type_name: &str, id: Uuid) -> String {
    let mut bytes = Vec::with_capacity(type_name.len() + 17);
    bytes.extend_from_slice(type_name.as_bytes());
    bytes.push(b':');
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The type and the row's id; none where it is no id of ours.
pub fn decode(id: &str) -> Option<(String, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    let (name, id) = bytes.split_at_checked(bytes.len().checked_sub(16)?)?;
    let name = name.strip_suffix(b":")?;
    Some((String::from_utf8(name.to_vec()).ok()?, Uuid::from_slice(id).ok()?))
}
