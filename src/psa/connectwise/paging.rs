//! Lists page by page.
//!
//! Long lists that change meanwhile are read by id (`id>N`, in the order of ids): the numbers of pages
//! shift under one who counts them (Developer Guide). What is set up by hand and small is counted.

use reqwest::header::{HeaderMap, LINK};
use serde_json::Value;

use super::{Connection, conditions::Conditions, wire};
use crate::psa::PsaError;

/// Rows asked for. The vendor gives at most 1,000 and 25 where nothing is said; some tenants give less than
/// they were asked for, which the `Link` header tells.
pub(super) const PAGE_SIZE: usize = 250;
/// Pages of a set-up list, beyond which something is wrong with it.
const PAGES: usize = 40;

/// A page of a list that is read by id.
pub(super) struct PageById {
    pub(super) items: Vec<Value>,
    /// Where the next page starts; none after the last.
    pub(super) next: Option<i64>,
}

impl Connection {
    /// The rows after an id, one page.
    pub(super) async fn page_after(
        &self,
        path: &str,
        conditions: Conditions,
        more: &[(&str, String)],
        after: i64,
    ) -> Result<PageById, PsaError> {
        let mut query = vec![
            ("conditions", conditions.above("id", after).text()),
            ("orderBy", String::from("id asc")),
            ("pageSize", PAGE_SIZE.to_string()),
        ];
        query.extend(more.iter().cloned());
        let rows = self.api.rows(path, &query).await?;
        let ids: Vec<_> = rows.items.iter().filter_map(|row| wire::id(row, "id")).collect();
        let is_kept = ids.len() == rows.items.len() && ids.iter().all(|id| *id > after) && ids.is_sorted();
        if !is_kept {
            let detail = format!("ConnectWise does not give the rows of {path} in the order asked for");
            return Err(PsaError::Unavailable { detail });
        }
        let goes_on = rows.has_next || rows.items.len() >= PAGE_SIZE;
        let next = ids.last().copied().filter(|_| goes_on);
        Ok(PageById { items: rows.items, next })
    }

    /// All rows of a list that is set up by hand.
    pub(super) async fn all_rows(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Vec<Value>, PsaError> {
        let mut all: Vec<Value> = Vec::new();
        let mut first = None;
        for page in 1..=PAGES {
            let mut query = query.to_vec();
            query.push(("pageSize", PAGE_SIZE.to_string()));
            query.push(("page", page.to_string()));
            let rows = self.api.rows(path, &query).await?;
            let begins = rows.items.first().cloned();
            if page > 1 && begins.is_some() && begins == first {
                break;
            }
            let goes_on = !rows.items.is_empty() && (rows.has_next || rows.items.len() >= PAGE_SIZE);
            first = begins;
            all.extend(rows.items);
            if !goes_on {
                return Ok(all);
            }
        }
        Err(PsaError::Unavailable { detail: format!("ConnectWise does not give all pages of {path}") })
    }
}

/// Whether the `Link` header names a next page (RFC 8288). Its addresses are not used: they may name
/// another host than was called.
pub(super) fn has_next(headers: &HeaderMap) -> bool {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).any(names_next)
}

fn names_next(mut header: &str) -> bool {
    // Addresses hold commas themselves (`fields=id,name`), so they are skipped before commas are looked for.
    while let Some((_, rest)) = header.split_once('<') {
        let Some((_, rest)) = rest.split_once('>') else { return false };
        let parameters = rest.split(',').next().unwrap_or_default();
        let is_next = parameters.split(';').any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value.trim().trim_matches('"').split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
            })
        });
        if is_next {
            return true;
        }
        header = rest;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_next_page_is_seen_among_addresses_with_commas() {
        for header in [
            r#"<https://h/x?fields=id,name&page=2>; rel="next", <https://h/x?page=4>; rel="last""#,
            r#"<https://h/x?page=1>; rel="prev", <https://h/x?page=3>;REL=next"#,
            r#"<https://h/x>; title="a"; rel="last next""#,
        ] {
            assert!(names_next(header), "{header}");
        }
        for header in [
            "",
            "<",
            "<>",
            r#"<https://h/x?rel="next">; rel="prev""#,
            r#"<https://h/a>; rel="first", <https://h/b>; rel="last""#,
            "rel=next",
        ] {
            assert!(!names_next(header), "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_reading_panic(header in "[<>;,=\" a-z]{0,60}") {
            let _ = names_next(&header);
        }
    }
}
