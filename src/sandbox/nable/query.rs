//! What a list was asked for: `$filter`, `$select`, `$orderby`, `$top`, `$skip` and `$count`.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{
    cell::{Cell, Columns, Row},
    options::NableOptions,
    parser::{self, Scope},
    refusal::Refusal,
};
use crate::sandbox::frame::{Call, Reply};

/// The column that may be shown but perhaps not be filtered by.
const UPDATED: &str = "UpdatedDate";

/// A table: its name in `@odata.context`, its columns and its rows.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: Columns,
    pub(super) rows: Vec<Row>,
}

/// Where answers say they come from.
pub(super) fn root(call: &Call) -> String {
    format!("http://{}/odata", call.header("host"))
}

/// The rows asked for, in the envelope of a list.
pub(super) fn list(call: &Call, table: Table, options: &NableOptions) -> Result<Reply, Refusal> {
    let asked = Asked::read(call, table.columns, options)?;
    let mind_case = options.texts_mind_case.holds();
    let mut rows = table.rows;
    if let Some(filter) = &asked.filter {
        rows.retain(|row| filter.takes(row, mind_case));
    }
    let count = rows.len();
    rows.sort_by(|a, b| asked.order(a, b));
    let wanted = rows.len().saturating_sub(asked.skip).min(asked.top.unwrap_or(usize::MAX));
    let shown = wanted.min(options.page_size.unwrap_or(usize::MAX).max(1));
    let value: Vec<Value> = rows
        .iter()
        .skip(asked.skip)
        .take(shown)
        .map(|row| record(table.columns, row, &asked.select))
        .collect();

    let mut context = format!("{}/$metadata#{}", root(call), table.name);
    if !asked.select.is_empty() {
        let names = asked.select.iter().filter_map(|column| table.columns.get(*column));
        let names: Vec<_> = names.map(|(name, _)| *name).collect();
        context = format!("{context}({})", names.join(","));
    }
    let mut answer = json!({ "@odata.context": context });
    if let Value::Object(answer) = &mut answer {
        if asked.count {
            answer.insert("@odata.count".to_owned(), count.into());
        }
        answer.insert("value".to_owned(), value.into());
        if shown < wanted {
            let next = next_link(call, asked.skip + shown, asked.top.map(|top| top - shown));
            answer.insert("@odata.nextLink".to_owned(), next.into());
        }
    }
    Ok(Reply::ok(&answer))
}

/// One record: with the columns selected, or all.
pub(super) fn record(columns: Columns, row: &Row, select: &[usize]) -> Value {
    let shown = columns.iter().zip(row).enumerate();
    let shown = shown.filter(|(column, _)| select.is_empty() || select.contains(column));
    let fields: Map<String, Value> =
        shown.map(|(_, ((name, _), cell))| ((*name).to_owned(), cell.json())).collect();
    Value::Object(fields)
}

struct Asked {
    filter: Option<super::filter::Condition>,
    /// Numbers of columns; empty for all.
    select: Vec<usize>,
    /// Column and whether it descends.
    orderby: Vec<(usize, bool)>,
    top: Option<usize>,
    skip: usize,
    count: bool,
}

impl Asked {
    fn read(call: &Call, columns: Columns, options: &NableOptions) -> Result<Self, Refusal> {
        let barred = (!options.updated_date_can_be_filtered.holds()).then_some(UPDATED);
        let scope = Scope {
            columns,
            mind_case: options.column_names_mind_case.holds(),
            barred,
            most_nodes: options.most_filter_nodes,
        };
        let mut asked =
            Self { filter: None, select: Vec::new(), orderby: Vec::new(), top: None, skip: 0, count: false };
        let known = |name: &str| {
            scope
                .column(name)
                .ok_or_else(|| Refusal::Query(format!("Could not find a property named '{name}'.")))
        };
        let number = |text: &str| {
            text.parse().map_err(|_| Refusal::Query(format!("Invalid value '{text}' for a number of rows.")))
        };
        for (name, value) in call.query().pairs() {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "$filter" => asked.filter = Some(parser::read(value, &scope).map_err(Refusal::Query)?),
                "$select" => {
                    for name in value.split(',') {
                        asked.select.push(known(name.trim())?);
                    }
                }
                "$orderby" => {
                    for part in value.split(',') {
                        asked.orderby.push(order_by(part.trim(), known)?);
                    }
                }
                "$top" => asked.top = Some(number(value)?),
                "$skip" => asked.skip = number(value)?,
                "$count" if options.count_is_answered.holds() => {
                    asked.count = match value {
                        "true" => true,
                        "false" => false,
                        _ => return Err(Refusal::Query(format!("Invalid value '{value}' for $count."))),
                    };
                }
                // The vendor names `$expand` too; no relation between its records is known.
                option if option.starts_with('$') => {
                    return Err(Refusal::Query(format!("The query option '{option}' is not supported.")));
                }
                _ => {}
            }
        }
        Ok(asked)
    }

    fn order(&self, a: &Row, b: &Row) -> Ordering {
        let cell = |row: &Row, column: usize| row.get(column).cloned().unwrap_or(Cell::Null);
        let orders = self.orderby.iter().map(|(column, descends)| {
            let order = cell(a, *column).order(&cell(b, *column)).unwrap_or(Ordering::Equal);
            if *descends { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    }
}

fn order_by(part: &str, known: impl Fn(&str) -> Result<usize, Refusal>) -> Result<(usize, bool), Refusal> {
    let (name, direction) = part.split_once(char::is_whitespace).unwrap_or((part, "asc"));
    let descends = match direction.trim() {
        "asc" => false,
        "desc" => true,
        other => return Err(Refusal::Query(format!("Syntax error at '{other}' in $orderby."))),
    };
    Ok((known(name)?, descends))
}

/// The address of the rest: absolute, with the other options as they were.
fn next_link(call: &Call, skip: usize, top: Option<usize>) -> String {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut options: Vec<String> = call
        .query()
        .pairs()
        .iter()
        .filter(|(name, _)| !["$skip", "$top"].iter().any(|known| name.eq_ignore_ascii_case(known)))
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    options.extend(top.map(|top| format!("$top={top}")));
    options.push(format!("$skip={skip}"));
    format!("http://{}{}?{}", call.header("host"), call.path, options.join("&"))
}
