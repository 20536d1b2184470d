//! What a change of hands comes to, before it is done.

use sea_orm::{
    ConnectionTrait, DbErr,
    sea_query::{Alias, Condition, Expr, Func, Order, Query},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Selection, tables};
use crate::{
    audit::verify,
    error::{Error, Problem, ProblemCode},
};

/// Named things whose names are each one's own within an organization: table, and by what else they are told apart.
pub(in crate::organizations) const NAMED: &[(&str, Option<&str>)] = &[
    ("company", None),
    ("company_value", Some("kind")),
    ("psa_connection", None),
    ("ticket_profile", None),
    ("event_set", None),
    ("webhook_subscriber", None),
];
/// What is set up by people, beside what has a name: with these rows the plan is another one.
const SET_UP: &[&str] = &["company_alias", "company_mapping", "policy", "webhook_endpoint", "billing_line"];

/// So many of a kind go along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The name of its type in the API, as in `PsaConnection`.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// How much goes along.
pub(in crate::organizations) async fn counts(
    db: &impl ConnectionTrait,
    selection: &Selection,
) -> Result<Vec<Count>, DbErr> {
    let mut counts = Vec::new();
    for table in tables::moved() {
        let query = Query::select()
            .expr(Func::count(Expr::col("organization_id")))
            .from(Alias::new(table))
            .cond_where(selection.rows(table))
            .to_owned();
        let count: i64 =
            db.query_one(&query).await?.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        if count > 0 {
            counts.push(Count { kind: type_name(table), count: count.unsigned_abs() });
        }
    }
    counts.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(counts)
}

/// The same for a log.
pub(in crate::organizations) fn as_json(counts: &[Count]) -> Value {
    counts.iter().map(|one| (one.kind.clone(), json!(one.count))).collect::<serde_json::Map<_, _>>().into()
}

/// What is set up of what goes, each thing in a line.
pub(in crate::organizations) async fn set_up(
    db: &impl ConnectionTrait,
    selection: &Selection,
) -> Result<Vec<String>, DbErr> {
    let mut lines = Vec::new();
    for &(table, beside) in NAMED {
        let named = names(db, table, beside, selection.rows(table)).await?;
        lines.extend(named.into_iter().map(|(id, _, name)| format!("{table} {id} {name}")));
    }
    for table in SET_UP {
        let query = Query::select()
            .column("id")
            .from(Alias::new(*table))
            .cond_where(selection.rows(table))
            .order_by("id", Order::Asc)
            .to_owned();
        for row in db.query_all(&query).await? {
            lines.push(format!("{table} {}", row.try_get_by_index::<Uuid>(0)?));
        }
    }
    Ok(lines)
}

/// Id, what it is told apart by beside its name, and the name.
pub(in crate::organizations) async fn names(
    db: &impl ConnectionTrait,
    table: &'static str,
    beside: Option<&'static str>,
    rows: Condition,
) -> Result<Vec<(Uuid, String, String)>, DbErr> {
    let mut query = Query::select();
    query
        .columns([Alias::new("id"), Alias::new("name")])
        .from(Alias::new(table))
        .cond_where(rows)
        .order_by("id", Order::Asc);
    if let Some(beside) = beside {
        query.column(Alias::new(beside));
    }
    let rows = db.query_all(&query).await?;
    rows.iter()
        .map(|row| {
            let beside = beside.map(|_| row.try_get_by_index(2)).transpose()?.unwrap_or_default();
            Ok((row.try_get_by_index(0)?, beside, row.try_get_by_index(1)?))
        })
        .collect()
}

/// Names a plan by all that it says.
pub(in crate::organizations) fn digest(whole: &Value) -> String {
    verify::hex(&Sha256::digest(whole.to_string()))
}

/// Whether nothing stands in its way, and it is what was shown.
pub(in crate::organizations) fn expected<'a>(
    (digest, mut conflicts): (&str, impl Iterator<Item = &'a str>),
    shown: Option<&str>,
) -> Result<(), Error> {
    const FIELD: &str = "expectedPlan";
    let problem = |message: &str| Problem::of("sourceId", ProblemCode::InUse, message);
    if let Some(first) = conflicts.next() {
        return Err(Error::Invalid(std::iter::once(first).chain(conflicts).map(problem).collect()));
    }
    match shown {
        Some(shown) if shown == digest => Ok(()),
        Some(_) => {
            let message = "what would be done is not what you were shown any more; look again with `isDryRun: true`, \
                           then name the digest that it gives";
            Err(Problem::of(FIELD, ProblemCode::Stale, message).into())
        }
        None => {
            let message =
                "look first, with `isDryRun: true`, then name the digest of the plan that you were shown";
            Err(Problem::of(FIELD, ProblemCode::Required, message).into())
        }
    }
}

/// `psa_connection` is `PsaConnection`.
pub(in crate::organizations) fn type_name(table: &str) -> String {
    table
        .split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_called_as_in_the_api() {
        assert_eq!(type_name("psa_connection"), "PsaConnection");
        assert_eq!(type_name("company"), "Company");
    }
}
