//! Lists part by part.
//!
//! OData answers at most `$top` rows and names no next part beyond them; a server with a smaller page of its
//! own names the rest in `@odata.nextLink`, up to `$top` in all. So links are followed within a chunk, and
//! full chunks are counted on with `$skip`. Neither the server's page size nor `$count` is known.

use serde_json::Value;

use super::{Connection, wire};
use crate::psa::PsaError;

/// Where a list goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Rows before this chunk.
    skip: u64,
    /// Rows of this chunk that came already.
    seen: u64,
    /// The first id of the part before: a list that repeats itself does not go on.
    first: String,
    /// The query of the link to the rest of this chunk.
    link: String,
}

impl Place {
    /// As it was written by [`Place::word`]; the start where it was not.
    pub(super) fn read(word: Option<&str>) -> Self {
        let read = |word: &str| {
            let mut parts = word.splitn(4, ':');
            Some(Self {
                skip: parts.next()?.parse().ok()?,
                seen: parts.next()?.parse().ok()?,
                first: parts.next()?.to_owned(),
                link: parts.next()?.to_owned(),
            })
        };
        word.and_then(read).unwrap_or_default()
    }

    pub(super) fn word(&self) -> String {
        format!("{}:{}:{}:{}", self.skip, self.seen, self.first, self.link)
    }
}

/// One part of a list.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    pub(super) total: Option<u64>,
    pub(super) next: Option<Place>,
}

/// What is listed: where, the name of its id (parts are asked for in its order; empty where the name is not
/// known), and how many at once.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) path: &'a str,
    pub(super) id: &'a str,
    pub(super) filter: Option<&'a str>,
    pub(super) size: u64,
}

impl Connection {
    /// One part of a list.
    pub(super) async fn page(&self, list: List<'_>, place: &Place) -> Result<Page, PsaError> {
        let answer = if place.link.is_empty() {
            let mut query = vec![("$top", list.size.to_string())];
            if !list.id.is_empty() {
                query.push(("$orderby", list.id.to_owned()));
            }
            query.extend(list.filter.map(|filter| ("$filter", filter.to_owned())));
            if place.skip > 0 {
                query.push(("$skip", place.skip.to_string()));
            }
            self.api.list(list.path, &query).await?
        } else {
            self.api.list_at(list.path, &place.link).await?
        };
        let came = u64::try_from(answer.items.len()).unwrap_or(u64::MAX);
        let first = answer.items.first().and_then(|row| wire::guid(row, list.id)).unwrap_or_default();
        let repeats = !first.is_empty() && first == place.first;
        let leads_nowhere = answer.link.as_ref().is_some_and(|link| link.is_empty() || *link == place.link);
        if repeats || leads_nowhere {
            let detail = format!("MSP Manager does not give all of {}: its pages repeat", list.path);
            return Err(PsaError::Unavailable { detail });
        }
        let seen = place.seen.saturating_add(came);
        let next = match answer.link {
            Some(link) => Some(Place { skip: place.skip, seen, first, link }),
            // More rows than were asked for: `$top` was not heeded, and this is everything.
            None if came > list.size => None,
            None if seen >= list.size && came > 0 => {
                Some(Place { skip: place.skip.saturating_add(seen), first, ..Place::default() })
            }
            None => None,
        };
        Ok(Page { items: answer.items, total: answer.total, next })
    }

    /// A list of at most so many parts, and whether that was all of it.
    pub(super) async fn pages(&self, list: List<'_>, most: usize) -> Result<(Vec<Value>, bool), PsaError> {
        let (mut rows, mut place) = (Vec::new(), Some(Place::default()));
        for _ in 0..most {
            let Some(at) = place.take() else { break };
            let page = self.page(list, &at).await?;
            rows.extend(page.items);
            place = page.next;
        }
        Ok((rows, place.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read_and_nonsense_is_the_start() {
        let link = "$top=5&$filter=CreatedDate ge 2026-11-21T10:00:00Z".to_owned();
        let place = Place { skip: 1000, seen: 20, first: "a-b".to_owned(), link };
        assert_eq!(Place::read(Some(&place.word())), place);
        for word in [None, Some(""), Some("x:y:z:"), Some("1"), Some("1:2:3")] {
            assert_eq!(Place::read(word), Place::default());
        }
    }
}
