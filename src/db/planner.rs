//! What SQLite's query planner is to believe: tables are large, and much of each is one organization's.
//!
//! Without statistics SQLite takes any index whose first column is compared for a good one, and reads all events of an
//! organization to find those of a delivery. Statistics taken by `ANALYZE` would be those of the moment: a fresh
//! database has none, and plans would change with the data. These are written once after the tables are, and are the
//! same everywhere. <https://www.sqlite.org/fileformat2.html#the_sqlite_stat1_table> says what they mean.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, FromQueryResult, Statement, TransactionTrait as _,
};

/// How many rows a table has.
const ROWS: u64 = 1_000_000;
/// How many an index over a part of a table has: what is due, or still open.
const ROWS_OF_PART: u64 = 1_000;
/// An organization has one row in so many.
const ORGANIZATIONS: u64 = 20;
/// A company, a connection, an endpoint, a policy has one row in so many.
const COMPANIES: u64 = 10;
/// A state, a severity, a kind: so many there are.
const KINDS: u64 = 4;
/// How many rows have the same value in a column that is meant to tell rows apart.
const SAME: u64 = 2;

#[derive(Debug, FromQueryResult)]
struct Column {
    table: String,
    index: String,
    is_unique: bool,
    is_partial: bool,
    /// None for an expression.
    name: Option<String>,
    is_nullable: bool,
}

#[derive(Debug, FromQueryResult, PartialEq, Eq)]
struct Believed {
    tbl: String,
    idx: String,
    stat: String,
}

/// Writes down what is to be believed, unless it is there already.
pub(super) async fn teach(writer: &DatabaseConnection) -> Result<(), DbErr> {
    let backend = writer.get_database_backend();
    let ask = |sql: &str| Statement::from_string(backend, sql);
    let columns = Column::find_by_statement(ask(
        "SELECT tables.name AS \"table\", indexes.name AS \"index\", indexes.\"unique\" AS is_unique, \
         indexes.partial AS is_partial, columns.name AS name, \
         EXISTS (SELECT 1 FROM pragma_table_info(tables.name) AS info \
         WHERE info.name = columns.name AND NOT info.\"notnull\") AS is_nullable \
         FROM sqlite_schema AS tables, pragma_index_list(tables.name) AS indexes, \
         pragma_index_info(indexes.name) AS columns \
         WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite!_%' ESCAPE '!' \
         ORDER BY tables.name, indexes.name, columns.seqno",
    ))
    .all(writer)
    .await?;
    let wanted = believed(&columns);
    let has_any = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'";
    if writer.query_one_raw(ask(has_any)).await?.is_some() {
        let known = "SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx";
        if Believed::find_by_statement(ask(known)).all(writer).await? == wanted {
            return Ok(());
        }
    }
    #[expect(clippy::disallowed_methods, reason = "before anything else uses the database")]
    let tx = writer.begin().await?;
    // Makes the table of statistics where there is none.
    tx.execute_unprepared("ANALYZE seaql_migrations").await?;
    tx.execute_unprepared("DELETE FROM sqlite_stat1").await?;
    for Believed { tbl, idx, stat } in wanted {
        let insert = "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)";
        tx.execute_raw(Statement::from_sql_and_values(
            backend,
            insert,
            [tbl.into(), idx.into(), stat.into()],
        ))
        .await?;
    }
    // Connections that are open read statistics again when the schema has changed; this one does when it is told to.
    tx.execute_unprepared("CREATE TABLE planner_has_learned (id INTEGER)").await?;
    tx.execute_unprepared("DROP TABLE planner_has_learned").await?;
    tx.commit().await?;
    writer.execute_unprepared("ANALYZE sqlite_schema").await.map(|_| ())
}

fn believed(columns: &[Column]) -> Vec<Believed> {
    let of_index = columns.chunk_by(|a, b| a.index == b.index);
    of_index
        .filter_map(|columns| {
            let Column { table, index, is_unique, is_partial, .. } = columns.first()?;
            let rows = if *is_partial { ROWS_OF_PART } else { ROWS };
            let (mut left, mut stat) = (rows, rows.to_string());
            for (place, column) in columns.iter().enumerate() {
                left = same(column, left);
                if *is_unique && place + 1 == columns.len() {
                    left = 1;
                }
                stat.push(' ');
                stat.push_str(&left.to_string());
            }
            // Nor is an index any good for its second column alone.
            stat.push_str(" noskipscan");
            Some(Believed { tbl: table.clone(), idx: index.clone(), stat })
        })
        .collect()
}

/// Of so many rows that are alike up to here, how many have the same value in this column too.
fn same(column: &Column, alike: u64) -> u64 {
    let tells_apart = ["_id", "_at", "key", "value", "marker", "number", "_until", "hash", "slug", "name"];
    let is_time = |name: &str| name.ends_with("_at") || name.ends_with("_until");
    let left = match column.name.as_deref().unwrap_or_default() {
        "id" => 1,
        "organization_id" => alike / ORGANIZATIONS,
        "company_id"
        | "psa_connection_id"
        | "policy_id"
        | "webhook_endpoint_id"
        | "webhook_subscriber_id" => alike / COMPANIES,
        // Most have none: what is done, and what is not to be done.
        time if column.is_nullable && is_time(time) => alike / KINDS,
        other if tells_apart.iter().any(|ending| other.ends_with(ending)) => alike.min(SAME),
        _ => alike / KINDS,
    };
    left.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    /// What deciding asks with every batch, however large the tables are.
    #[tokio::test]
    async fn events_of_a_delivery_and_findings_are_looked_up_by_their_own_keys() {
        let ground = fixtures::ground().await;
        if !ground.db.is_sqlite() {
            return;
        }
        let list = vec!["?"; 128].join(",");
        for (sql, index) in [
            (
                format!("SELECT * FROM event WHERE organization_id = ? AND webhook_delivery_id IN ({list}) AND position IN (0, 1)"),
                "ix_event_position",
            ),
            (
                format!("SELECT * FROM ticket_operation WHERE organization_id = ? AND ticket_id IN ({list}) AND state = 'ready' ORDER BY position"),
                "ix_ticket_operation_position",
            ),
            (
                "SELECT * FROM finding WHERE organization_id = ? AND ((company_id = ? AND source = ? AND key IN (?, ?)) OR (company_id = ? AND source = ? AND key IN (?, ?)))".to_owned(),
                "ix_finding_key (organization_id=? AND company_id=? AND source=? AND key=?)",
            ),
        ] {
            let explain = Statement::from_string(sea_orm::DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"));
            let read = ground.db.reader().query_all_raw(explain.clone()).await.unwrap();
            let written = ground.db.write::<_, DbErr, _>(move |tx| {
                Box::pin(async move { tx.query_all_raw(explain).await })
            });
            for rows in [read, written.await.unwrap()] {
                let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
                assert!(plan.iter().any(|step| step.contains(index)), "{sql}: {plan:?}");
            }
        }
    }

    #[test]
    fn an_index_is_believed_to_narrow_as_its_columns_say() {
        let column = |column: &str| Column {
            table: "finding".to_owned(),
            index: "ix_finding_key".to_owned(),
            is_unique: true,
            is_partial: false,
            name: Some(column.to_owned()),
            is_nullable: false,
        };
        let columns = ["organization_id", "company_id", "source", "key"].map(column);
        assert_eq!(believed(&columns)[0].stat, "1000000 50000 5000 1250 1 noskipscan");
    }
}
