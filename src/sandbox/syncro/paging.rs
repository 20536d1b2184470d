//! Pages of a size that the server fixes.

use serde_json::{Map, Value};

use crate::sandbox::frame::Query;

/// One page of a list.
pub(super) struct Page<T> {
    pub(super) rows: Vec<T>,
    /// From 1.
    pub(super) number: usize,
    pub(super) total_pages: usize,
    pub(super) total_entries: usize,
    pub(super) size: usize,
}

/// Cuts out the page that `page` asks for: the first where it is no number from 1; empty beyond the last.
pub(super) fn cut<T>(query: &Query, per_page: usize, rows: Vec<T>) -> Page<T> {
    let number = query.text("page").and_then(|text| text.parse().ok()).filter(|n| *n > 0).unwrap_or(1);
    let per_page = per_page.max(1);
    let total_entries = rows.len();
    let skipped = per_page.saturating_mul(number - 1);
    Page {
        rows: rows.into_iter().skip(skipped).take(per_page).collect(),
        number,
        // An empty list has one page, as the vendor's paginator counts.
        total_pages: total_entries.div_ceil(per_page).max(1),
        total_entries,
        size: per_page,
    }
}

impl<T> Page<T> {
    /// `{total_pages, page}` and what else this list tells.
    pub(super) fn meta(&self, with_entries: bool, with_per_page: bool) -> Value {
        let mut meta = Map::new();
        meta.insert("total_pages".to_owned(), self.total_pages.into());
        if with_entries {
            meta.insert("total_entries".to_owned(), self.total_entries.into());
        }
        if with_per_page {
            meta.insert("per_page".to_owned(), self.size.into());
        }
        meta.insert("page".to_owned(), self.number.into());
        Value::Object(meta)
    }
}

/// Whether a text holds another, without minding case.
pub(super) fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.trim().to_lowercase())
}
