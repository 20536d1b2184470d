//! One request as a vendor sees it.

use serde_json::Value;

/// A request, taken apart.
#[derive(Clone, Debug)]
pub struct Call {
    /// In capitals.
    pub method: String,
    /// As sent, percent-encoded.
    pub path: String,
    /// As sent, without the question mark.
    pub query_string: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw bytes.
    pub body: Vec<u8>,
    /// How much later lists and searches see what this call creates, in milliseconds.
    pub search_lag_ms: i64,
}

impl Call {
    /// The value of a header, by its name in lower case; empty where it was not sent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The path's parts as sent, percent-decoded.
    pub fn segments(&self) -> Vec<String> {
        let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        self.path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
    }

    /// The query's parameters.
    pub fn query(&self) -> Query {
        Query::read(&self.query_string)
    }

    /// Whether the body claims to be JSON.
    pub fn is_json(&self) -> bool {
        let media = self.header("content-type").split(';').next().unwrap_or_default().trim();
        let media = media.to_ascii_lowercase();
        media == "application/json" || media == "text/json" || media.ends_with("+json")
    }

    /// The body as JSON, or the reader's complaint.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// User name and password of HTTP Basic (RFC 7617).
    pub fn basic(&self) -> Option<(String, String)> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let (scheme, text) = self.header("authorization").split_once(' ')?;
        let pair = STANDARD.decode(text.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let (user, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// The token of `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization").split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// Query parameters in the order sent; names are compared without minding case.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=1&b=2`, percent-encoded.
    pub fn read(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value of that name, where there is one that is not blank.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(found.1.trim()).filter(|value| !value.is_empty())
    }

    /// All values of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Everything.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}
