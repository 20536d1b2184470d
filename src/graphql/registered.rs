//! Documents registered by the operator: with them no other document runs.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// What all registered documents may take together, in bytes.
const MAX_BYTES: u64 = 64 * 1_024 * 1_024;
/// How many files a folder may have.
const MAX_FILES: usize = 10_000;

/// Documents by the ids that clients know them by.
#[derive(Debug, Default)]
pub struct Registered {
    by_id: HashMap<String, Arc<str>>,
}

/// SHA-256 of a document's text, in the hexadecimal digits that clients send.
pub(super) fn hash(document: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(document.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Registered {
    /// Reads a file, or every file of a folder: `.graphql` and `.gql` hold one document each; `.json` holds
    /// `{"<id>": "<document>", …}` as Relay's compiler writes it, or Apollo's manifest of operations.
    pub fn load(place: &Path) -> Result<Self, String> {
        let mut registered = Self::default();
        let mut left = MAX_BYTES;
        for path in files(place)? {
            let at = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
            let bytes = fs::metadata(&path).map_err(|error| at(&error))?.len();
            left = left.checked_sub(bytes).ok_or_else(|| {
                at(&format!("all documents together take more than {MAX_BYTES} bytes; register fewer"))
            })?;
            let text = fs::read_to_string(&path).map_err(|error| at(&error))?;
            if path.extension().is_some_and(|ending| ending == "json") {
                registered.manifest(&text).map_err(|problem| at(&problem))?;
            } else {
                registered.add(None, text.trim());
                // As it stands in the file, too: with the line's end that editors add.
                registered.add(None, &text);
            }
        }
        if registered.by_id.is_empty() {
            return Err(format!("{}: there is no document in it", place.display()));
        }
        Ok(registered)
    }

    /// The document of an id: one of a manifest, or the SHA-256 of its text.
    pub(super) fn get(&self, id: &str) -> Option<Arc<str>> {
        self.by_id.get(id).cloned()
    }

    /// Whether a text is one of the documents, letter by letter.
    pub(super) fn has(&self, document: &str) -> bool {
        self.by_id.contains_key(&hash(document))
    }

    fn add(&mut self, id: Option<&str>, document: &str) {
        let text: Arc<str> = document.into();
        self.by_id.insert(hash(document), Arc::clone(&text));
        if let Some(id) = id {
            self.by_id.insert(id.to_owned(), text);
        }
    }

    fn manifest(&mut self, text: &str) -> Result<(), String> {
        let json: Json = serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
        let object = json.as_object().ok_or("this is not a JSON object of documents by their ids")?;
        let Some(operations) = object.get("operations").and_then(Json::as_array) else {
            for (id, document) in object {
                let document = document.as_str().ok_or_else(|| format!("`{id}` is not a text"))?;
                self.add(Some(id), document);
            }
            return Ok(());
        };
        let format = object.get("format").and_then(Json::as_str).unwrap_or_default();
        let version = object.get("version").and_then(Json::as_u64);
        if format != "apollo-persisted-query-manifest" || version != Some(1) {
            return Err(format!(
                "the manifest's format is `{format}`, version {version:?}; \
                 `apollo-persisted-query-manifest`, version 1, is read"
            ));
        }
        for (place, operation) in operations.iter().enumerate() {
            let text = |key| operation.get(key).and_then(Json::as_str);
            let (Some(id), Some(body)) = (text("id"), text("body")) else {
                return Err(format!("`operations[{place}]` has no `id` or no `body`"));
            };
            self.add(Some(id), body);
        }
        Ok(())
    }
}

fn files(place: &Path) -> Result<Vec<PathBuf>, String> {
    let at = |error: std::io::Error| format!("{}: {error}", place.display());
    if !fs::metadata(place).map_err(at)?.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place).map_err(at)? {
        let path = entry.map_err(at)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if matches!(ending, "graphql" | "gql" | "json") {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(format!("{}: there are more than {MAX_FILES} files in it", place.display()));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> PathBuf {
        let name = format!("documents-{}", crate::clock::Chance::system().alphanumeric(12));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn documents_are_known_by_text_by_hash_and_by_the_id_of_a_manifest() {
        let apollo = r#"{"format": "apollo-persisted-query-manifest", "version": 1, "operations":
            [{"id": "tickets-1", "name": "T", "type": "query", "body": "query T { a }"}]}"#;
        let place = folder(&[
            ("one.graphql", "{ viewer { name } }\n"),
            ("relay.json", r#"{"0123456789abcdef0123456789abcdef": "{ b }"}"#),
            ("apollo.json", apollo),
            ("readme.md", "not a document"),
        ]);
        let registered = Registered::load(&place).unwrap();
        assert!(registered.has("{ viewer { name } }") && registered.has("{ viewer { name } }\n"));
        assert!(!registered.has("{ viewer { name  } }") && !registered.has("not a document"));
        assert_eq!(registered.get("0123456789abcdef0123456789abcdef").as_deref(), Some("{ b }"));
        assert_eq!(registered.get("tickets-1").as_deref(), Some("query T { a }"));
        assert_eq!(registered.get(&hash("query T { a }")).as_deref(), Some("query T { a }"));
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_file() {
        let place = folder(&[("a.json", r#"{"operations": [], "format": "other", "version": 2}"#)]);
        let problem = Registered::load(&place).unwrap_err();
        assert!(problem.contains("a.json: the manifest's format is `other`"), "{problem}");
        fs::remove_file(place.join("a.json")).unwrap();
        assert!(Registered::load(&place).unwrap_err().contains("there is no document in it"));
        fs::remove_dir(&place).unwrap();
        assert!(Registered::load(&place).is_err());
    }

    #[test]
    fn the_hash_is_sha_256_in_hexadecimal() {
        // FIPS 180-4, example of "abc".
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
