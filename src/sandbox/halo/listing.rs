//! Lists in pages, as Halo cuts them.
//!
//! No page is longer than 100 rows whatever `page_size` asks, while `record_count`
//! stays true (HaloAPI#90). Without `pageinate=true` (their spelling) `page_size`
//! is ignored and `count` limits.

use serde_json::{Value, json};

use super::query::ReadsQuery as _;
use crate::sandbox::frame::{Query, Reply};

/// Rows of a page where `pageinate` is on and no `page_size` is named.
const USUAL_PAGE: i64 = 50;

/// One page of `rows` under `key`.
pub(super) fn page(query: &Query, key: &str, rows: Vec<Value>, cap: usize) -> Result<Reply, Reply> {
    page_of(query, key, rows, cap, std::convert::identity)
}

/// The same of rows of which only those of the page are written out: there may be very many.
pub(super) fn page_of<T>(
    query: &Query,
    key: &str,
    rows: Vec<T>,
    cap: usize,
    write: impl Fn(T) -> Value,
) -> Result<Reply, Reply> {
    let record_count = rows.len();
    let size = query.int("page_size")?;
    let number = query.int("page_no")?.unwrap_or(1).max(1);
    let count = query.int("count")?;
    let length = |asked: i64| usize::try_from(asked).unwrap_or(0).min(cap);

    if query.flag("pageinate")? {
        let size = size.filter(|size| *size > 0).unwrap_or(USUAL_PAGE);
        let skip = usize::try_from(number - 1).unwrap_or(0).saturating_mul(length(size));
        let rows: Vec<Value> = rows.into_iter().skip(skip).take(length(size)).map(write).collect();
        return Ok(Reply::ok(&json!({
            "page_no": number, "page_size": size, "record_count": record_count, key: rows,
        })));
    }
    let limit = count.filter(|count| *count > 0).map_or(cap, length);
    let rows: Vec<Value> = rows.into_iter().take(limit).map(write).collect();
    Ok(Reply::ok(&json!({ "record_count": record_count, key: rows })))
}

/// Whether `text` holds `part`, without minding case.
pub(super) fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// The answer to a POST: the record itself for one, only the last of several,
/// all of them with `returnall=true` (dotMARC; stellarcyber `halopsa-actions.data.ts`).
pub(super) fn posted(query: &Query, mut written: Vec<Value>) -> Result<Reply, Reply> {
    if query.flag("returnall")? {
        return Ok(Reply::json(201, &Value::Array(written)));
    }
    Ok(Reply::json(201, &written.pop().unwrap_or_default()))
}
