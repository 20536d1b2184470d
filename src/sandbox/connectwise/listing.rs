//! Lists: conditions, order, pages and the fields asked for.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{
    conditions::{Condition, Scope},
    errors::{self, Problem},
    options::ConnectWiseOptions,
    resources::{CUSTOM_FIELDS, Member, kind_at},
    row::{self, Row},
};
use crate::sandbox::frame::{Call, Query, Reply};

/// The page where none is asked for.
const USUAL_PAGE: u64 = 25;
/// Links name whatever host and codebase the vendor thinks fit; only `page` and `pageId` are of use
/// (the Developer Guide).
const LINK_BASE: &str = "https://api-na.psa.example/v4_6_release/apis/3.0";

/// What a list was asked for.
#[derive(Debug)]
pub(super) struct Listing {
    conditions: Vec<Condition>,
    order: Vec<(Vec<String>, bool)>,
    fields: Vec<Vec<String>>,
    paging: Paging,
    /// The query without its page.
    query: Vec<(String, String)>,
    path: String,
}

#[derive(Clone, Copy, Debug)]
enum Paging {
    Pages {
        page: u64,
        size: u64,
    },
    /// Records with an id above `after`.
    Forward {
        after: i64,
        size: u64,
    },
}

impl Listing {
    /// Reads the query, or refuses it.
    pub(super) fn read(call: &Call, fields: &[Member], options: &ConnectWiseOptions) -> Result<Self, Reply> {
        let query = call.query();
        let filters = ["conditions", "childConditions", "customFieldConditions", "orderBy"];
        let [conditions, children, custom, order] = filters.map(|name| query.text(name).map(str::to_owned));
        Self::build(call, &query, fields, options, [conditions, children, custom, order])
    }

    /// Reads the body of a `…/search`, whose names are taken without minding case; pages are in the query.
    pub(super) fn search(
        call: &Call,
        body: &Row,
        fields: &[Member],
        options: &ConnectWiseOptions,
    ) -> Result<Self, Reply> {
        let mut filters = [None, None, None, None];
        for (name, value) in body {
            let at = match name.to_ascii_lowercase().as_str() {
                "conditions" => 0,
                "childconditions" => 1,
                "customfieldconditions" => 2,
                "orderby" => 3,
                _ => {
                    return Err(errors::invalid(
                        "filterValues",
                        &[Problem::invalid(name, "It is not known.")],
                    ));
                }
            };
            let text = match value {
                Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
                Value::Null => None,
                _ => {
                    return Err(errors::invalid("filterValues", &[Problem::invalid(name, "It is no text.")]));
                }
            };
            if let Some(filter) = filters.get_mut(at) {
                *filter = text;
            }
        }
        Self::build(call, &call.query(), fields, options, filters)
    }

    fn build(
        call: &Call,
        query: &Query,
        fields: &[Member],
        options: &ConnectWiseOptions,
        filters: [Option<String>; 4],
    ) -> Result<Self, Reply> {
        let [own, children, custom, order] = filters;
        let mut conditions = Vec::new();
        let mut keep = |parameter: &str, read: Option<Result<Condition, String>>| match read {
            Some(Ok(condition)) => {
                conditions.push(condition);
                Ok(())
            }
            Some(Err(complaint)) => Err(errors::bad_condition(parameter, &complaint)),
            None => Ok(()),
        };
        keep("conditions", own.map(|text| Condition::read(&text, &Scope::record(fields))))?;
        keep("childConditions", children.map(|text| Condition::read(&text, &Scope::children(fields))))?;
        let custom = custom.map(|text| Condition::about("customFields", &text, CUSTOM_FIELDS));
        keep("customFieldConditions", custom)?;
        let is_forward = call.header("pagination-type").trim().eq_ignore_ascii_case("forward-only");
        if is_forward && order.is_some() {
            let problem = Problem::invalid("orderBy", "It cannot be used with forward-only pagination.");
            return Err(errors::invalid("orderBy", &[problem]));
        }
        let size = whole(query, "pageSize", 1, options.page_cap)?.unwrap_or(USUAL_PAGE.min(options.page_cap));
        let last = i64::MAX.unsigned_abs();
        let paging = if is_forward {
            let after = whole(query, "pageId", 0, last)?.and_then(|after| i64::try_from(after).ok());
            Paging::Forward { after: after.unwrap_or(0), size }
        } else {
            Paging::Pages {
                page: whole(query, "page", 1, i32::MAX.unsigned_abs().into())?.unwrap_or(1),
                size,
            }
        };
        let kept = query.pairs().iter().filter(|(name, _)| {
            !["page", "pageId", "pageSize"].iter().any(|known| name.eq_ignore_ascii_case(known))
        });
        Ok(Self {
            conditions,
            order: order.map_or(Ok(Vec::new()), |order| read_order(&order, fields))?,
            fields: fields_asked(query),
            paging,
            query: kept.cloned().collect(),
            path: call.path.split("/apis/3.0").nth(1).unwrap_or_default().to_owned(),
        })
    }

    fn matches(&self, row: &Row) -> bool {
        self.conditions.iter().all(|condition| condition.matches(row))
    }

    /// `{"count": n}`.
    pub(super) fn count<'r>(&self, rows: impl Iterator<Item = &'r Row>) -> Reply {
        Reply::ok(&json!({ "count": rows.filter(|row| self.matches(row)).count() }))
    }

    /// A page: a bare array, and where the next one is.
    pub(super) fn page<'r>(&self, rows: impl Iterator<Item = &'r Row>) -> Reply {
        let mut found: Vec<&Row> = rows.filter(|row| self.matches(row)).collect();
        found.sort_by(|one, other| self.compare(one, other));
        let (rows, links) = match self.paging {
            Paging::Forward { after, size } => {
                let rest = found.into_iter().filter(|row| row::id(row) > after);
                let rows: Vec<_> = rest.take(usize::try_from(size).unwrap_or(usize::MAX)).collect();
                let last = rows.last().map_or(after, |row| row::id(row));
                // Always there: an empty or short page is the end.
                (rows, vec![self.link("next", &format!("pageSize={size}&pageId={last}"))])
            }
            Paging::Pages { page, size } => {
                let total = found.len() as u64;
                let pages = total.div_ceil(size).max(1);
                let skip = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
                let take = usize::try_from(size).unwrap_or(usize::MAX);
                let rows: Vec<_> = found.into_iter().skip(skip).take(take).collect();
                let mut links = Vec::new();
                let mut add = |rel: &str, number: u64| {
                    links.push(self.link(rel, &format!("pageSize={size}&page={number}")));
                };
                if page > 1 {
                    add("first", 1);
                    add("prev", (page - 1).min(pages));
                }
                if page < pages {
                    add("next", page + 1);
                    add("last", pages);
                }
                (rows, links)
            }
        };
        let shown = rows.into_iter().map(|row| Value::Object(shown(row, &self.fields))).collect();
        let reply = Reply::ok(&Value::Array(shown));
        if links.is_empty() { reply } else { reply.with("link", links.join(", ")) }
    }

    fn link(&self, rel: &str, page: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        let query = query.finish();
        let and = if query.is_empty() { "" } else { "&" };
        format!("<{LINK_BASE}{}?{query}{and}{page}>; rel=\"{rel}\"", self.path)
    }

    fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let by_order = self.order.iter().map(|(path, is_descending)| {
            let path = path.join("/");
            let order = compare_values(row::at(one, &path), row::at(other, &path));
            if *is_descending { order.reverse() } else { order }
        });
        by_order.fold(Ordering::Equal, Ordering::then).then(row::id(one).cmp(&row::id(other)))
    }
}

/// A record with the fields asked for.
pub(super) fn shown(row: &Row, fields: &[Vec<String>]) -> Row {
    if fields.is_empty() { row.clone() } else { row::pick(row, fields) }
}

/// The paths of `fields=`; none means all.
pub(super) fn fields_asked(query: &Query) -> Vec<Vec<String>> {
    let paths = query.text("fields").unwrap_or_default().split(',').map(str::trim);
    let paths = paths.filter(|path| !path.is_empty());
    paths.map(|path| path.split('/').map(str::to_owned).collect()).collect()
}

fn whole(query: &Query, name: &str, least: u64, most: u64) -> Result<Option<u64>, Reply> {
    let Some(text) = query.text(name) else { return Ok(None) };
    let value = text.parse().ok().filter(|value| (least..=most).contains(value));
    value.map(Some).ok_or_else(|| {
        let message = format!("The field {name} must be between {least} and {most}.");
        errors::invalid(name, &[Problem::out_of_range(name, message)])
    })
}

fn read_order(text: &str, fields: &[Member]) -> Result<Vec<(Vec<String>, bool)>, Reply> {
    let one = |part: &str| {
        let mut words = part.split_whitespace();
        let name = words.next()?;
        let name = if name.eq_ignore_ascii_case("lastUpdated") { "_info/lastUpdated" } else { name };
        let path: Vec<&str> = name.split('/').collect();
        kind_at(fields, &path)?;
        let is_descending = match words.next().map(str::to_ascii_lowercase).as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return None,
        };
        let path = path.into_iter().map(str::to_owned).collect();
        words.next().is_none().then_some((path, is_descending))
    };
    text.split(',')
        .map(|part| one(part).ok_or_else(|| errors::bad_condition("orderBy", &format!("'{part}'"))))
        .collect()
}

/// Absent values come first.
fn compare_values(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::String(one)), Some(Value::String(other))) => {
            one.to_lowercase().cmp(&other.to_lowercase())
        }
        (Some(Value::Bool(one)), Some(Value::Bool(other))) => one.cmp(other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}
