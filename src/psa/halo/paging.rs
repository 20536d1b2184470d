//! Lists page by page.
//!
//! Halo gives at most 100 rows however many are asked for, while `record_count` stays true (HaloAPI#90),
//! and some lists ignore paging and repeat their first page (halocli). So pages are counted by the
//! rows that came, and a page that begins like the one before ends the list.

use serde_json::Value;

use super::{Connection, wire};
use crate::psa::PsaError;

/// What is asked for, and what Halo gives at most.
pub(super) const PAGE_SIZE: usize = 100;

/// Where a list goes on: the page, how many rows came before it, and how the page before began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    page: u32,
    seen: u64,
    before: Option<String>,
}

impl Place {
    pub(super) const START: Self = Self { page: 1, seen: 0, before: None };

    /// As it was written by [`Place::word`]; the start where it was not.
    pub(super) fn read(word: Option<&str>) -> Self {
        let read = |word: &str| {
            let mut parts = word.splitn(3, ':');
            let page = parts.next()?.parse().ok()?;
            let seen = parts.next()?.parse().ok()?;
            Some(Self { page, seen, before: parts.next().map(ToOwned::to_owned) })
        };
        word.and_then(read).unwrap_or(Self::START)
    }

    pub(super) fn word(&self) -> String {
        format!("{}:{}:{}", self.page, self.seen, self.before.as_deref().unwrap_or_default())
    }
}

/// One page.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    pub(super) total: Option<u64>,
    pub(super) next: Option<Place>,
    /// The list did not go on although there is more: its paging does not work.
    pub(super) is_stuck: bool,
}

impl Connection {
    /// One page of a list.
    pub(super) async fn page(
        &self,
        path: &str,
        key: &str,
        query: &[(&str, String)],
        place: Place,
    ) -> Result<Page, PsaError> {
        let mut query = query.to_vec();
        query.push(("pageinate", String::from("true")));
        query.push(("page_size", PAGE_SIZE.to_string()));
        query.push(("page_no", place.page.to_string()));
        let answer = self.api.get(path, &query).await?;
        let Some((rows, total)) = wire::rows(answer, key) else {
            let detail = format!("Halo's answer to {path} holds no list");
            return Err(PsaError::Unavailable { detail });
        };
        let first = rows.first().and_then(|row| row.get("id")).map(ToString::to_string);
        let seen = place.seen.saturating_add(u64::try_from(rows.len()).unwrap_or_default());
        if first.is_some() && first == place.before {
            tracing::warn!(path, "Halo repeats the first page of this list");
            let is_stuck = total.is_none_or(|total| place.seen < total);
            return Ok(Page { items: Vec::new(), total, next: None, is_stuck });
        }
        let goes_on = !rows.is_empty() && total.map_or(rows.len() == PAGE_SIZE, |total| seen < total);
        let next = goes_on.then(|| Place { page: place.page.saturating_add(1), seen, before: first });
        let is_stuck = rows.is_empty() && total.is_some_and(|total| seen < total);
        Ok(Page { items: rows, total, next, is_stuck })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read_and_nonsense_is_the_start() {
        let place = Place { page: 3, seen: 200, before: Some("\"a:b\"".to_owned()) };
        assert_eq!(Place::read(Some(&place.word())), place);
        for word in [None, Some(""), Some("x:y:z"), Some("1")] {
            assert_eq!(Place::read(word), Place::START);
        }
    }
}
