//! Keys of findings, made by hashing.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// `v1:` and SHA-256 in hex over the parts, each after its length, so that no two lists of parts read the same.
///
/// The parts are what a sender declares as identity, never what may change while the problem stays the same:
/// no severity, title, description, score, scan id or time. The version stands in front, so that keys made by
/// another rule later are told apart.
pub(in crate::scanners) fn hashed<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::from("v1:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The parts joined by slashes where they fit a key as they are and read well; hashed where they do not.
pub(in crate::scanners) fn joined(parts: &[&str]) -> String {
    let plain = |part: &&str| !part.is_empty() && !part.contains('/') && !part.chars().any(char::is_control);
    let length: usize = parts.iter().map(|part| part.len() + 1).sum();
    if length <= 200 && parts.iter().all(plain) { parts.join("/") } else { hashed(parts.iter().copied()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_parts_give_different_keys() {
        assert_eq!(joined(&["repo", "7"]), "repo/7");
        assert_ne!(joined(&["a/b", "c"]), joined(&["a", "b/c"]));
        assert_ne!(joined(&["", "c"]), joined(&["c", ""]));
        assert!(joined(&[&"x".repeat(300)]).starts_with("v1:"));
        assert_ne!(hashed(["ab", "c"]), hashed(["a", "bc"]));
    }
}
