//! Query parameters as Halo binds them: by type, the unknown ones ignored.

use entity::Timestamp;

use super::{dates, errors};
use crate::sandbox::frame::{Query, Reply};

/// Reads parameters of a type; a value of another type is refused with a map of names.
pub(super) trait ReadsQuery {
    fn int(&self, name: &str) -> Result<Option<i64>, Reply>;
    fn flag(&self, name: &str) -> Result<bool, Reply>;
    fn date(&self, name: &str) -> Result<Option<Timestamp>, Reply>;
    /// Whole numbers separated by commas.
    fn ints(&self, name: &str) -> Result<Option<Vec<i64>>, Reply>;
}

impl ReadsQuery for Query {
    fn int(&self, name: &str) -> Result<Option<i64>, Reply> {
        read_as(self, name, |text| text.parse().ok())
    }

    fn flag(&self, name: &str) -> Result<bool, Reply> {
        let read = |text: &str| text.to_ascii_lowercase().parse().ok();
        Ok(read_as(self, name, read)?.unwrap_or(false))
    }

    fn date(&self, name: &str) -> Result<Option<Timestamp>, Reply> {
        read_as(self, name, dates::read)
    }

    fn ints(&self, name: &str) -> Result<Option<Vec<i64>>, Reply> {
        read_as(self, name, |text| text.split(',').map(|part| part.trim().parse().ok()).collect())
    }
}

fn read_as<T>(query: &Query, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Reply> {
    let Some(text) = query.text(name) else { return Ok(None) };
    let wrong = || errors::field_map(name, &format!("The value '{text}' is not valid for {name}."));
    read(text).map(Some).ok_or_else(wrong)
}
