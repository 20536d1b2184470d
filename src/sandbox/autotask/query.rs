//! Reading: one record, a query and its pages, a count.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    answers::{Answer, body, no_such_verb, not_permitted, refused},
    bind,
    filter::{self, Filter},
    model::{Child, Entity, Reads, Row, Spec, Verb},
    options::Denied,
    world::AutotaskWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// The most records of a page, and how many it has where nothing is said.
const LARGEST_PAGE: usize = 500;

/// A query, read.
struct Search {
    filter: Filter,
    /// Fields to tell; all where it is empty.
    fields: Vec<&'static str>,
    page_size: usize,
    /// As it came, for the addresses of further pages.
    text: String,
}

/// Which part of what is found.
#[derive(Clone, Copy)]
enum Part {
    First,
    After(i64),
    Before(i64),
}

impl AutotaskWorld {
    /// Whether the login sees records of an entity. Nobody reads in somebody else's name: with the header of
    /// impersonation every query is refused.
    fn sees(&self, call: &Call, entity: Entity) -> Result<bool, Reply> {
        let sees = self.may(entity, Verb::Query);
        let refuses = !call.header("impersonationresourceid").is_empty()
            || (!sees && self.options.denied == Denied::Error);
        if refuses { Err(not_permitted("query")) } else { Ok(sees) }
    }

    /// `GET /Tickets/{id}`: null where there is none.
    pub(super) fn get(
        &self,
        call: &Call,
        spec: &'static Spec,
        id: i64,
        parent: Option<(Child, i64)>,
    ) -> Answer {
        let sees = self.sees(call, spec.entity)? && self.is_below(spec.entity, id, parent);
        let row = self.store.get(spec.entity, id).filter(|_| sees);
        Ok(Reply::ok(&json!({ "item": row.map(|row| self.shown(spec.entity, row)) })))
    }

    /// `/Tickets/query`.
    pub(super) fn query(&self, call: &Call, spec: &'static Spec) -> Answer {
        let search = search(call, spec)?;
        self.page(call, spec, &search, Part::First)
    }

    /// `/Tickets/query/count`.
    pub(super) fn count(&self, call: &Call, spec: &'static Spec) -> Answer {
        let search = search(call, spec)?;
        let sees = self.sees(call, spec.entity)?;
        let count = if sees { self.found(spec, &search.filter).len() } else { 0 };
        Ok(Reply::ok(&json!({ "queryCount": count })))
    }

    /// Where `nextPageUrl` and `prevPageUrl` lead. Clients follow them with either verb, with the query as
    /// body and without one; what counts is in the address.
    pub(super) fn next_page(&self, call: &Call, spec: &'static Spec) -> Answer {
        if !matches!(call.method.as_str(), "GET" | "POST") {
            return Err(no_such_verb(call));
        }
        let query = call.query();
        let member = |name: &str| {
            let text = query.text(name).and_then(|text| serde_json::from_str::<Value>(text).ok());
            text.ok_or_else(|| refused(format!("The parameter {name} cannot be read.")))
        };
        let (paging, model) = (member("paging")?, member("search")?);
        let search = read_search(spec, &model).map_err(refused)?;
        let part = match (paging.get("after").and_then(Value::as_i64), paging.get("before")) {
            (Some(id), _) => Part::After(id),
            (None, Some(id)) => Part::Before(id.as_i64().unwrap_or_default()),
            (None, None) => return Err(refused("The parameter paging cannot be read.")),
        };
        self.page(call, spec, &search, part)
    }

    /// `GET /Tickets/{id}/Notes`: one page, that is all.
    pub(super) fn children(&self, call: &Call, spec: &'static Spec, child: Child, parent: i64) -> Answer {
        let sees = self.sees(call, spec.entity)? && self.may(child.parent, Verb::Query);
        let rows = self.visible(spec).filter(|(_, row)| row.int(child.key) == Some(parent));
        let items: Vec<_> = rows.filter(|_| sees).map(|(_, row)| row).take(LARGEST_PAGE).collect();
        Ok(listing(&json!(items), items.len(), LARGEST_PAGE, [Value::Null, Value::Null]))
    }

    /// What queries find by now, by id.
    fn visible(&self, spec: &'static Spec) -> impl Iterator<Item = (i64, Cow<'_, Row>)> {
        let now = self.ground.clock.now();
        let records = self.store.records(spec.entity);
        let records = records.filter(move |(_, record)| !record.is_deleted && record.seen_from <= now);
        records.map(|(id, record)| (id, self.shown(spec.entity, &record.row)))
    }

    fn found(&self, spec: &'static Spec, filter: &Filter) -> Vec<(i64, Cow<'_, Row>)> {
        self.visible(spec).filter(|(_, row)| filter.finds(row)).collect()
    }

    fn page(&self, call: &Call, spec: &'static Spec, search: &Search, part: Part) -> Answer {
        let sees = self.sees(call, spec.entity)?;
        let found = if sees { self.found(spec, &search.filter) } else { Vec::new() };
        if found.len() > LARGEST_PAGE && !search.fields.is_empty() && !search.fields.contains(&"id") {
            return Err(refused("IncludeFields must contain id to page through more than 500 records."));
        }
        let size = search.page_size;
        let within = |id: i64| match part {
            Part::First => true,
            Part::After(last) => id > last,
            Part::Before(first) => id < first,
        };
        let ids: Vec<i64> = found.iter().map(|(id, _)| *id).filter(|id| within(*id)).collect();
        let skipped = if matches!(part, Part::Before(_)) { ids.len().saturating_sub(size) } else { 0 };
        let page: Vec<i64> = ids.into_iter().skip(skipped).take(size).collect();
        let (first, last) = (page.first().copied(), page.last().copied());
        let items: Vec<Value> = found
            .iter()
            .filter(|(id, _)| page.binary_search(id).is_ok())
            .map(|(_, row)| told(row, &search.fields))
            .collect();
        let link = |side: &str, end: Option<i64>, is_more: &dyn Fn(i64, i64) -> bool| {
            let end = end.filter(|end| found.iter().any(|(id, _)| is_more(*id, *end)));
            end.map_or(Value::Null, |end| self.page_url(call, spec, search, side, end).into())
        };
        let links = [link("before", first, &|id, end| id < end), link("after", last, &|id, end| id > end)];
        Ok(listing(&json!(items), items.len(), size, links))
    }

    fn page_url(&self, call: &Call, spec: &Spec, search: &Search, side: &str, id: i64) -> String {
        let paging = json!({ "pageSize": search.page_size, side: id }).to_string();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("paging", &paging)
            .append_pair("search", &search.text)
            .finish();
        format!("{}V1.0/{}/query/next?{query}", self.zone(call), spec.path)
    }
}

/// The query of a call: in the body of a POST, in the address of a GET.
fn search(call: &Call, spec: &'static Spec) -> Result<Search, Reply> {
    let model = match call.method.as_str() {
        "POST" => body(call)?,
        "GET" => {
            let query = call.query();
            let text = query.text("search").ok_or_else(|| refused("The parameter search is required."))?;
            serde_json::from_str(text).map_err(|error| refused(error.to_string()))?
        }
        _ => return Err(no_such_verb(call)),
    };
    read_search(spec, &model).map_err(refused)
}

fn read_search(spec: &'static Spec, model: &Value) -> Result<Search, String> {
    let member = |name: &str| bind::key(model.as_object(), name).filter(|value| !value.is_null());
    let page_size = match member("maxRecords") {
        None => LARGEST_PAGE,
        Some(number) => {
            let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
            let number = number.filter(|number| (1..=LARGEST_PAGE).contains(number));
            number.ok_or_else(|| format!("MaxRecords must be between 1 and {LARGEST_PAGE}."))?
        }
    };
    let mut fields = Vec::new();
    for name in member("includeFields").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().ok_or("IncludeFields must be names of fields.")?;
        let field = spec.field(name);
        let field = field.ok_or_else(|| format!("Unable to find {name} in the {} Entity", spec.name))?;
        fields.push(field.name);
    }
    let filter = filter::read(spec, member("filter").ok_or("The filter is required.")?)?;
    Ok(Search { filter, fields, page_size, text: model.to_string() })
}

/// A record with the fields that were asked for.
fn told(row: &Row, fields: &[&str]) -> Value {
    if fields.is_empty() {
        return Value::Object(row.clone());
    }
    let told = fields.iter().filter_map(|name| Some(((*name).to_owned(), row.get(*name)?.clone())));
    Value::Object(told.collect())
}

fn listing(items: &Value, count: usize, requested: usize, [previous, next]: [Value; 2]) -> Reply {
    Reply::ok(&json!({
        "items": items,
        "pageDetails": {
            "count": count,
            "requestCount": requested,
            "prevPageUrl": previous,
            "nextPageUrl": next,
        },
    }))
}
