//! Documents that clients name by a hash instead of sending them, and documents that were parsed a moment ago.
//!
//! Automatic persisted queries follow Apollo's protocol: a client sends `extensions.persistedQuery` with the
//! SHA-256 of its document, and the document itself when it is told that nobody knows it. Since the hash is
//! checked against the text, nobody can put another text under it. Each organization has its own, so that
//! none can find out what another one's dashboards ask.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use async_graphql::parser::types::ExecutableDocument;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{
    budget::Payer,
    errors::{code, refusal},
    form::Form,
    recent::Recent,
    refusal::Refusal,
    registered::{self, Registered},
    request::Asked,
};

/// What persisted queries may take together, in bytes.
const PERSISTED_BYTES: usize = 8 * 1_024 * 1_024;
/// How many parsed documents are kept.
const PARSED_COUNT: usize = 1_000;
/// What parsed documents may take together, in bytes.
const PARSED_BYTES: usize = 16 * 1_024 * 1_024;
/// How many bytes a token takes once it is parsed, generously.
const BYTES_PER_TOKEN: usize = 256;
/// With how many forms of its variables a document is known to fit.
const FORMS: usize = 16;

type Hash = [u8; 32];

/// Documents by payer and hash.
type Persisted = Recent<(Payer, String), Arc<str>>;

/// What is kept between requests.
#[derive(Debug)]
pub(super) struct Documents {
    registered: Option<Arc<Registered>>,
    persisted: Option<Mutex<Persisted>>,
    parsed: Mutex<Recent<Hash, Arc<Parsed>>>,
}

/// A document that was parsed, and the forms of variables with which it was found to fit the schema.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) document: ExecutableDocument,
    fits: Mutex<Recent<Form, ()>>,
}

impl Parsed {
    /// Nothing is known to fit it yet.
    pub(super) fn new(document: ExecutableDocument) -> Self {
        Self { document, fits: Mutex::new(Recent::new(FORMS, usize::MAX)) }
    }

    /// Whether variables of this form are known to fit.
    pub(super) fn fits(&self, form: &Form) -> bool {
        self.fits.lock().unwrap_or_else(PoisonError::into_inner).get(form).is_some()
    }

    /// Variables of this form fit.
    pub(super) fn keep_fitting(&self, form: Form) {
        self.fits.lock().unwrap_or_else(PoisonError::into_inner).keep(form, (), size_of::<Form>());
    }
}

/// The document that was asked for.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) text: Arc<str>,
    /// The hash to keep it under once it has proved to be a good one.
    pub(super) keep_as: Option<String>,
}

impl Documents {
    /// `persisted_count` is how many persisted queries are kept; with 0 they are not supported.
    pub(super) fn new(registered: Option<Arc<Registered>>, persisted_count: usize) -> Self {
        let persisted =
            (persisted_count > 0).then(|| Mutex::new(Recent::new(persisted_count, PERSISTED_BYTES)));
        Self { registered, persisted, parsed: Mutex::new(Recent::new(PARSED_COUNT, PARSED_BYTES)) }
    }

    /// The document that a request sends or names.
    pub(super) fn find(&self, payer: Payer, asked: &Asked) -> Result<Found, Refusal> {
        let hash = persisted_query(asked)?;
        // Clients of Apollo's protocol send an empty text where they send only the hash.
        let text = asked.query.as_deref().filter(|text| !text.is_empty() || hash.is_none());
        let id = match (&hash, asked.document_id.as_deref()) {
            (Some(hash), _) => Some(hash.as_str()),
            (None, Some(id)) if text.is_none() => Some(id.strip_prefix("sha256:").unwrap_or(id)),
            _ => None,
        };
        match (text, id) {
            (None, None) => Err(Refusal::malformed("`query` is missing")),
            (None, Some(id)) => Ok(Found { text: self.by_id(payer, id)?, keep_as: None }),
            (Some(text), id) => {
                if let Some(registered) = self.registered.as_ref().filter(|documents| !documents.has(text)) {
                    // Under a registered id the text may be left out, and is not looked at where it is there.
                    if let Some(text) = id.and_then(|id| registered.get(id)) {
                        return Ok(Found { text, keep_as: None });
                    }
                    let message =
                        "only registered documents run here (`graphql_documents`); register this one";
                    return Err(Refusal::of(vec![refusal(code::NOT_REGISTERED, message)])
                        .status(StatusCode::FORBIDDEN));
                }
                if self.registered.is_none() && id.is_some_and(|id| id != registered::hash(text)) {
                    let message = "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`";
                    return Err(Refusal::malformed(message));
                }
                Ok(Found { text: text.into(), keep_as: hash })
            }
        }
    }

    /// Keeps a document under the hash that its client named.
    pub(super) fn keep(&self, payer: Payer, hash: String, text: Arc<str>) {
        if let (Some(persisted), None) = (&self.persisted, &self.registered) {
            let bytes = text.len() + hash.len() + size_of::<Payer>();
            persisted.lock().unwrap_or_else(PoisonError::into_inner).keep((payer, hash), text, bytes);
        }
    }

    /// A document that was parsed a moment ago, by its text. Whose it was does not matter: a text is parsed to
    /// the same document for everybody.
    pub(super) fn parsed(&self, text: &str) -> Option<Arc<Parsed>> {
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner).get(&hash_of(text))
    }

    /// Keeps a parsed document, of so many tokens.
    pub(super) fn keep_parsed(&self, text: &str, parsed: Arc<Parsed>, tokens: usize) {
        let forms = FORMS * size_of::<Form>() * 4;
        let bytes = tokens.saturating_mul(BYTES_PER_TOKEN).saturating_add(text.len() + forms);
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner).keep(hash_of(text), parsed, bytes);
    }

    fn by_id(&self, payer: Payer, id: &str) -> Result<Arc<str>, Refusal> {
        let no = |code, message: &str| Refusal::of(vec![refusal(code, message)]);
        if let Some(registered) = &self.registered {
            let message = "there is no registered document of that id (`graphql_documents`)";
            let unknown = || no(code::NOT_REGISTERED, message).status(StatusCode::FORBIDDEN);
            return registered.get(id).ok_or_else(unknown);
        }
        // The messages are Apollo's: older clients go by them.
        let Some(persisted) = &self.persisted else {
            return Err(no(code::PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported"));
        };
        let found = persisted.lock().unwrap_or_else(PoisonError::into_inner).get(&(payer, id.to_owned()));
        found.ok_or_else(|| no(code::PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound"))
    }
}

fn hash_of(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// `extensions.persistedQuery.sha256Hash`, where it is there.
fn persisted_query(asked: &Asked) -> Result<Option<String>, Refusal> {
    let Some(extension) = asked.extensions.get("persistedQuery").filter(|extension| !extension.is_null())
    else {
        return Ok(None);
    };
    if extension.get("version").and_then(Json::as_u64) != Some(1) {
        return Err(Refusal::malformed("`extensions.persistedQuery.version` is not 1"));
    }
    match extension.get("sha256Hash") {
        Some(Json::String(hash)) if !hash.is_empty() && hash.len() <= 256 => Ok(Some(hash.clone())),
        _ => Err(Refusal::malformed(
            "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of a document, in hexadecimal digits",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const A: Payer = Payer::Organization(Uuid::from_u128(1));
    const B: Payer = Payer::Organization(Uuid::from_u128(2));

    fn asked(query: Option<&str>, hash: Option<&str>) -> Asked {
        let body = json!({
            "query": query,
            "extensions": hash.map(|hash| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })),
        });
        Asked::from_json(body).unwrap()
    }

    fn code_of(result: Result<Found, Refusal>) -> String {
        let refusal = result.unwrap_err();
        refusal.errors[0].extensions.as_ref().unwrap().get("code").unwrap().to_string()
    }

    #[test]
    fn a_hash_is_found_after_its_document_was_sent_and_by_nobody_else() {
        let documents = Documents::new(None, 10);
        let hash = registered::hash("{ a }");
        let only = asked(None, Some(&hash));
        assert_eq!(code_of(documents.find(A, &only)), "\"PERSISTED_QUERY_NOT_FOUND\"");
        let found = documents.find(A, &asked(Some("{ a }"), Some(&hash))).unwrap();
        documents.keep(A, found.keep_as.unwrap(), found.text);
        assert_eq!(&*documents.find(A, &only).unwrap().text, "{ a }");
        assert_eq!(&*documents.find(A, &asked(Some(""), Some(&hash))).unwrap().text, "{ a }");
        assert_eq!(code_of(documents.find(B, &only)), "\"PERSISTED_QUERY_NOT_FOUND\"");
        assert_eq!(code_of(documents.find(A, &asked(Some("{ b }"), Some(&hash)))), "\"BAD_USER_INPUT\"");
        let by_id = Asked { document_id: Some(format!("sha256:{hash}")), ..Asked::default() };
        assert_eq!(&*documents.find(A, &by_id).unwrap().text, "{ a }");
    }

    #[test]
    fn where_they_are_off_clients_are_told_to_send_the_text() {
        let documents = Documents::new(None, 0);
        let hash = registered::hash("{ a }");
        assert_eq!(
            code_of(documents.find(A, &asked(None, Some(&hash)))),
            "\"PERSISTED_QUERY_NOT_SUPPORTED\""
        );
        assert!(documents.find(A, &asked(Some("{ a }"), Some(&hash))).is_ok());
        assert_eq!(code_of(documents.find(A, &asked(None, None))), "\"BAD_USER_INPUT\"");
        let old = json!({ "extensions": { "persistedQuery": { "version": 2, "sha256Hash": hash } } });
        assert_eq!(code_of(documents.find(A, &Asked::from_json(old).unwrap())), "\"BAD_USER_INPUT\"");
    }
}
