//! Lists page by page.
//!
//! The size of a page is the server's (25 in the vendor's document, 50 and 100 in live answers) and some
//! lists have no `meta` (users, products, schedules). So a list goes on until `meta.total_pages`, or without
//! it until a page is empty or begins like the one before.

use serde_json::Value;

use super::{Connection, wire};
use crate::psa::PsaError;

/// Where a list goes on: the page, and how the page before began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    page: i64,
    before: Option<String>,
}

impl Place {
    pub(super) const START: Self = Self { page: 1, before: None };

    /// As it was written by [`Place::word`]; the start where it was not.
    pub(super) fn read(word: Option<&str>) -> Self {
        let read = |word: &str| {
            let (page, before) = word.split_once(':')?;
            let page = page.parse().ok().filter(|page| *page > 0)?;
            Some(Self { page, before: Some(before.to_owned()).filter(|before| !before.is_empty()) })
        };
        word.and_then(read).unwrap_or(Self::START)
    }

    pub(super) fn word(&self) -> String {
        format!("{}:{}", self.page, self.before.as_deref().unwrap_or_default())
    }
}

/// One page.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    pub(super) total: Option<u64>,
    pub(super) next: Option<Place>,
}

/// Several pages of a list.
pub(super) struct Pages {
    pub(super) items: Vec<Value>,
    pub(super) count: usize,
    pub(super) next: Option<Place>,
}

impl Connection {
    /// One page of a list. A list that does not go on although it says so is an error: it is not whole.
    pub(super) async fn page(
        &self,
        path: &str,
        key: &str,
        query: &[(&str, String)],
        place: Place,
    ) -> Result<Page, PsaError> {
        let mut query = query.to_vec();
        query.push(("page", place.page.to_string()));
        let answer = self.api.get(path, &query).await?;
        let Some(wire::Rows { items: rows, pages, total }) = wire::rows(answer, key) else {
            let detail = format!("Syncro's answer to {path} holds no list");
            return Err(PsaError::Unavailable { detail });
        };
        let first = rows.first().and_then(|row| wire::id(row, "id")).map(|id| id.to_string());
        let is_repeated = first.is_some() && first == place.before;
        let has_more = pages.map_or(!rows.is_empty(), |pages| place.page < pages);
        let is_stuck = pages.is_some() && (is_repeated || (rows.is_empty() && has_more));
        if is_stuck {
            let detail = format!("Syncro does not give all pages of {path}");
            return Err(PsaError::Unavailable { detail });
        }
        if is_repeated {
            return Ok(Page { items: Vec::new(), total, next: None });
        }
        let next = has_more.then(|| Place { page: place.page.saturating_add(1), before: first });
        Ok(Page { items: rows, total, next })
    }

    /// Page after page, up to so many.
    pub(super) async fn pages(
        &self,
        path: &str,
        key: &str,
        query: &[(&str, String)],
        from: Place,
        most: usize,
    ) -> Result<Pages, PsaError> {
        let mut all = Pages { items: Vec::new(), count: 0, next: Some(from) };
        while all.count < most {
            let Some(at) = all.next.take() else { break };
            let page = self.page(path, key, query, at).await?;
            all.items.extend(page.items);
            all.next = page.next;
            all.count += 1;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read_and_nonsense_is_the_start() {
        let place = Place { page: 3, before: Some("42".to_owned()) };
        assert_eq!(Place::read(Some(&place.word())), place);
        for word in [None, Some(""), Some("x:y"), Some("1"), Some("0:7"), Some("-1:7")] {
            assert_eq!(Place::read(word), Place::START);
        }
    }
}
