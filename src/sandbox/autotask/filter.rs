//! Filters of queries: read, then applied as the database behind the API applies them.
//!
//! An operator that is not known is dropped without a word, so that more is found than was asked for
//! (WYRE-AI/autotask-mcp#211); a field that is not known is an error (#282). Comparisons with an empty field
//! are never true, as in SQL; text is compared without minding case.

use entity::Timestamp;
use serde_json::Value;

use super::{
    bind, dates,
    model::{Field, Kind, Reads, Row, Spec},
    seed,
};

/// The most alternatives in one query.
const MOST_OR: usize = 500;

/// One condition or a group of them.
#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Leaf(Subject, Test),
}

/// What is looked at.
#[derive(Debug)]
pub(super) enum Subject {
    Field(&'static Field),
    /// The user-defined field of that name.
    Udf(&'static str),
}

/// What is asked of it.
#[derive(Debug)]
pub(super) enum Test {
    Exists(bool),
    Compare(Compare, Operand),
    /// Whether it is one of these.
    Among(bool, Vec<Operand>),
    Like(Like, String),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Like {
    Begins,
    Ends,
    Contains,
}

/// A value as it is compared.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Operand {
    Number(f64),
    /// In lower case.
    Text(String),
    Flag(bool),
    Date(Timestamp),
}

/// Reads the top-level list, which is joined by "and".
pub(super) fn read(spec: &'static Spec, list: &Value) -> Result<Filter, String> {
    let items = list.as_array().ok_or("The filter is not an array.")?;
    if items.is_empty() {
        return Err("At least one filter must be given.".to_owned());
    }
    let filter = Filter::All(group(spec, items)?);
    if filter.alternatives(false) > MOST_OR {
        return Err(format!("Queries are limited to {MOST_OR} or fewer 'OR' conditions."));
    }
    Ok(filter)
}

fn group(spec: &'static Spec, items: &[Value]) -> Result<Vec<Filter>, String> {
    let mut read = Vec::new();
    for item in items {
        let object = item.as_object().ok_or("A filter is not an object.")?;
        let member = |name: &str| bind::key(Some(object), name);
        let operator = member("op").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        if operator == "and" || operator == "or" {
            let inner = member("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let inner = group(spec, inner)?;
            if !inner.is_empty() {
                read.push(if operator == "or" { Filter::Any(inner) } else { Filter::All(inner) });
            }
            continue;
        }
        let name = member("field").and_then(Value::as_str).unwrap_or_default();
        let is_udf = member("udf").and_then(Value::as_bool).unwrap_or_default();
        let subject = subject(spec, name, is_udf)?;
        if let Some(test) = test(&subject, &operator, member("value").unwrap_or(&Value::Null))? {
            read.push(Filter::Leaf(subject, test));
        }
    }
    Ok(read)
}

fn subject(spec: &'static Spec, name: &str, is_udf: bool) -> Result<Subject, String> {
    let missing = || format!("Unable to find {name} in the {} Entity", spec.name);
    if is_udf {
        let known = seed::TICKET_UDFS.iter().find(|known| known.eq_ignore_ascii_case(name));
        return known.filter(|_| spec.has_udfs()).map(|known| Subject::Udf(known)).ok_or_else(missing);
    }
    let field = spec.field(name).ok_or_else(missing)?;
    if field.is_queryable {
        Ok(Subject::Field(field))
    } else {
        Err(format!("The field {name} of the {} Entity is not queryable", spec.name))
    }
}

/// None where the operator is not known.
fn test(subject: &Subject, operator: &str, value: &Value) -> Result<Option<Test>, String> {
    let kind = match subject {
        Subject::Field(field) => field.kind,
        Subject::Udf(_) => Kind::Text(0),
    };
    let compare = |compare: Compare| Ok(Some(Test::Compare(compare, operand(kind, value)?)));
    let like = |like: Like| match (kind, value) {
        (Kind::Text(_), Value::String(text)) => Ok(Some(Test::Like(like, text.to_lowercase()))),
        _ => Err(format!("The operator {operator} needs a text and a field of text.")),
    };
    let among = |wanted: bool| {
        let values = value.as_array().filter(|values| !values.is_empty());
        let values = values.ok_or_else(|| format!("The operator {operator} needs an array of values."))?;
        let values = values.iter().map(|value| operand(kind, value)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Test::Among(wanted, values)))
    };
    match operator {
        "eq" => compare(Compare::Equal),
        "noteq" => compare(Compare::NotEqual),
        "gt" => compare(Compare::Greater),
        "gte" => compare(Compare::GreaterOrEqual),
        "lt" => compare(Compare::Less),
        "lte" => compare(Compare::LessOrEqual),
        "beginswith" => like(Like::Begins),
        "endswith" => like(Like::Ends),
        "contains" => like(Like::Contains),
        "exist" => Ok(Some(Test::Exists(true))),
        "notexist" => Ok(Some(Test::Exists(false))),
        "in" => among(true),
        "notin" => among(false),
        _ => Ok(None),
    }
}

/// A value as the field's type; texts are converted, as SQL does, and fail with SQL's words.
fn operand(kind: Kind, value: &Value) -> Result<Operand, String> {
    match (kind, value) {
        (Kind::Integer | Kind::Long | Kind::Decimal, Value::Number(number)) => {
            number.as_f64().map(Operand::Number).ok_or_else(|| "The number is out of range.".to_owned())
        }
        (Kind::Integer | Kind::Long | Kind::Decimal, Value::String(text)) => {
            let number = text.trim().parse().map(Operand::Number);
            number.map_err(|_| {
                format!("Conversion failed when converting the nvarchar value '{text}' to data type int.")
            })
        }
        (Kind::Flag, Value::Bool(flag)) => Ok(Operand::Flag(*flag)),
        (Kind::Flag, _) => Err("A boolean field must be compared with true or false.".to_owned()),
        (Kind::Date, Value::String(text)) => dates::parse(text).map(Operand::Date).ok_or_else(|| {
            "Conversion failed when converting date and/or time from character string.".to_owned()
        }),
        (Kind::Text(_), Value::String(text)) => Ok(Operand::Text(text.to_lowercase())),
        (Kind::Text(_), Value::Number(number)) => Ok(Operand::Text(number.to_string())),
        _ => Err(format!("The value {value} cannot be compared with this field.")),
    }
}

impl Filter {
    /// How many alternatives it has: values of lists, and conditions joined by "or".
    fn alternatives(&self, is_joined_by_or: bool) -> usize {
        match self {
            Self::All(inner) => inner.iter().map(|filter| filter.alternatives(is_joined_by_or)).sum(),
            Self::Any(inner) => inner.iter().map(|filter| filter.alternatives(true)).sum(),
            Self::Leaf(_, Test::Among(_, values)) => values.len(),
            Self::Leaf(..) => usize::from(is_joined_by_or),
        }
    }

    /// Whether a record is found.
    pub(super) fn finds(&self, row: &Row) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|filter| filter.finds(row)),
            Self::Any(inner) => inner.iter().any(|filter| filter.finds(row)),
            Self::Leaf(subject, test) => test.holds(subject.value(row)),
        }
    }
}

impl Subject {
    fn value(&self, row: &Row) -> Option<Operand> {
        match self {
            Self::Field(field) => operand(field.kind, row.get(field.name)?).ok(),
            Self::Udf(name) => {
                let udfs = row.get("userDefinedFields")?.as_array()?.iter().filter_map(Value::as_object);
                let udf = udfs.into_iter().find(|udf| udf.text("name") == *name)?;
                operand(Kind::Text(0), udf.get("value")?).ok()
            }
        }
    }
}

impl Test {
    fn holds(&self, value: Option<Operand>) -> bool {
        let Some(value) = value else { return matches!(self, Self::Exists(false)) };
        match self {
            Self::Exists(wanted) => *wanted,
            Self::Compare(compare, operand) => match compare {
                Compare::Equal => value == *operand,
                Compare::NotEqual => value != *operand,
                Compare::Greater => value > *operand,
                Compare::GreaterOrEqual => value >= *operand,
                Compare::Less => value < *operand,
                Compare::LessOrEqual => value <= *operand,
            },
            Self::Among(wanted, operands) => operands.contains(&value) == *wanted,
            Self::Like(like, part) => {
                let Operand::Text(text) = value else { return false };
                match like {
                    Like::Begins => text.starts_with(part),
                    Like::Ends => text.ends_with(part),
                    Like::Contains => text.contains(part),
                }
            }
        }
    }
}
