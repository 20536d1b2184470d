//! One request as the handlers see it.

use super::{dates, reply::Reply};
use entity::Timestamp;

/// A request, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// In capitals.
    pub(super) method: String,
    /// As sent.
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) content_type: String,
    pub(super) authorization: String,
    pub(super) host: String,
    pub(super) body: Vec<u8>,
    /// How much later lists see what this call creates.
    pub(super) search_lag_ms: i64,
}

impl Call {
    /// The path's parts in lower case: Halo does not mind case.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect()
    }

    /// Whether the body claims to be JSON; anything else is 415 (halocli changelog 0.8.2).
    pub(super) fn is_json(&self) -> bool {
        let media = self.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        media == "application/json" || media == "text/json" || media.ends_with("+json")
    }
}

/// Query parameters; names do not mind case, and the unknown ones are ignored, as Halo does.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=1&b=2`, percent-encoded.
    pub(super) fn read(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Self(pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned())).collect())
    }

    /// The value, where there is one that is not blank.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn int(&self, name: &str) -> Result<Option<i64>, Reply> {
        self.read_as(name, |text| text.parse().ok())
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Reply> {
        let read = |text: &str| text.to_ascii_lowercase().parse().ok();
        Ok(self.read_as(name, read)?.unwrap_or(false))
    }

    pub(super) fn date(&self, name: &str) -> Result<Option<Timestamp>, Reply> {
        self.read_as(name, dates::read)
    }

    /// Whole numbers separated by commas.
    pub(super) fn ints(&self, name: &str) -> Result<Option<Vec<i64>>, Reply> {
        self.read_as(name, |text| text.split(',').map(|part| part.trim().parse().ok()).collect())
    }

    fn read_as<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Reply> {
        self.text(name)
            .map(|text| {
                read(text).ok_or_else(|| {
                    Reply::field_map(name, &format!("The value '{text}' is not valid for {name}."))
                })
            })
            .transpose()
    }
}
