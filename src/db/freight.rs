//! Rows on their way from one PostgreSQL database to another.
//!
//! They are read in one snapshot, and written in one transaction: what arrives is what stood there at one moment. Memory
//! holds a piece of a table at a time, however long it is.

use std::time::Duration;

use futures_util::StreamExt as _;
use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{self, AssertSqlSafe, Executor as _, PgConnection},
};
use uuid::Uuid;

use super::Db;

/// How long a snapshot waits for rows that somebody else is changing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two connections: one on which rows are taken from a database, one on which they are put into another.
#[derive(Debug)]
pub struct Freight {
    from: PgConnection,
    to: PgConnection,
}

/// Columns of both databases that are written, as a list; a column that counts by itself counts anew.
const COLUMNS: &str = "SELECT column_name::text FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER' AND is_identity = 'NO'
      AND coalesce(column_default, '') NOT LIKE 'nextval(%'
    ORDER BY column_name";

const TABLES: &str = "SELECT c.table_name::text FROM information_schema.columns c
    JOIN information_schema.tables t ON t.table_name = c.table_name AND t.table_schema = c.table_schema
    WHERE c.column_name = $1 AND c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY 1";

/// Who refers, and who is referred to.
const REFERENCES: &str = "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND conrelid <> confrelid AND connamespace = current_schema()::regnamespace";

fn told(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

impl Freight {
    /// Begins on both sides. What is dropped before its end leaves everything as it was.
    pub async fn begin(from: &Db, to: &Db) -> Result<Self, DbErr> {
        let (mut from, mut to) =
            (from.own_postgres().await.map_err(told)?, to.own_postgres().await.map_err(told)?);
        let patience = format!("SET lock_timeout = {}", PATIENCE.as_millis());
        from.execute(AssertSqlSafe(patience)).await.map_err(told)?;
        // A row that somebody changes after the snapshot cannot be taken away any more: that is an error, and nothing
        // was done.
        from.execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.map_err(told)?;
        to.execute("BEGIN").await.map_err(told)?;
        for side in [&mut from, &mut to] {
            side.execute("SET CONSTRAINTS ALL DEFERRED").await.map_err(told)?;
        }
        Ok(Self { from, to })
    }

    /// Brings an owner's rows of a table over; how many they were. Rows that are there already stay as they are where
    /// `may_be_there`, and are an error otherwise.
    pub async fn bring(
        &mut self,
        table: &str,
        owner: (&str, Uuid),
        may_be_there: bool,
    ) -> Result<u64, DbErr> {
        let columns = self.columns(table).await?;
        if !may_be_there {
            return self.copy(table, owner, table, &columns).await;
        }
        let count = self.bring_apart(table, owner).await?;
        for statement in [
            format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM arriving ON CONFLICT DO NOTHING"),
            "DROP TABLE arriving".to_owned(),
        ] {
            self.there(statement).await?;
        }
        Ok(count)
    }

    /// Brings the row of that id over, in place of the one that is there.
    pub async fn bring_instead(&mut self, table: &str, id: (&str, Uuid)) -> Result<(), DbErr> {
        let columns = self.columns(table).await?;
        self.bring_apart(table, id).await?;
        let key = id.0;
        self.there(format!(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM arriving
             ON CONFLICT ({key}) DO UPDATE SET ({columns}) = (SELECT {columns} FROM arriving)"
        ))
        .await?;
        self.there("DROP TABLE arriving".to_owned()).await.map(|_| ())
    }

    /// Brings an owner's rows of a table over into a table of their own, `arriving`, which is to be dropped.
    pub async fn bring_apart(&mut self, table: &str, owner: (&str, Uuid)) -> Result<u64, DbErr> {
        let columns = self.columns(table).await?;
        let apart = format!(
            "CREATE TEMPORARY TABLE arriving ON COMMIT DROP AS SELECT {columns} FROM {table} LIMIT 0"
        );
        self.there(apart).await?;
        self.copy(table, owner, "arriving", &columns).await
    }

    async fn copy(
        &mut self,
        table: &str,
        (column, id): (&str, Uuid),
        target: &str,
        columns: &str,
    ) -> Result<u64, DbErr> {
        let out =
            format!("COPY (SELECT {columns} FROM {table} WHERE {column} = '{id}') TO STDOUT (FORMAT binary)");
        let mut rows = self.from.copy_out_raw(&out).await.map_err(told)?;
        let into = format!("COPY {target} ({columns}) FROM STDIN (FORMAT binary)");
        let mut sink = self.to.copy_in_raw(&into).await.map_err(told)?;
        while let Some(piece) = rows.next().await {
            let sent = match piece {
                Ok(piece) => sink.send(piece).await.map(|_| ()),
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                let _ = sink.abort("the other side broke off").await;
                return Err(told(error));
            }
        }
        sink.finish().await.map_err(told)
    }

    /// Takes an owner's rows of a table away where they came from.
    pub async fn take_away(&mut self, table: &str, owner: (&str, Uuid)) -> Result<u64, DbErr> {
        remove(&mut self.from, table, owner).await
    }

    /// Takes an owner's rows of a table away where they go to.
    pub async fn clear(&mut self, table: &str, owner: (&str, Uuid)) -> Result<u64, DbErr> {
        remove(&mut self.to, table, owner).await
    }

    /// Every table with that column: who is referred to stands before who refers, as far as nobody refers in a circle.
    pub async fn tables_with(&mut self, column: &str) -> Result<Vec<String>, DbErr> {
        let tables: Vec<String> =
            sqlx::query_scalar(TABLES).bind(column).fetch_all(&mut self.from).await.map_err(told)?;
        let references: Vec<(String, String)> =
            sqlx::query_as(REFERENCES).fetch_all(&mut self.from).await.map_err(told)?;
        Ok(sorted(tables, &references))
    }

    /// Brings an organization's log along: entries that are there stay, and its head goes on step by step, as it does
    /// everywhere.
    pub async fn bring_log(&mut self, [heads, entries]: [&str; 2], id: Uuid) -> Result<(), DbErr> {
        let number = format!("SELECT last_number FROM {heads} WHERE id = '{id}'");
        let mut last = Vec::new();
        for side in [&mut self.from, &mut self.to] {
            let found: Option<i64> =
                sqlx::query_scalar(AssertSqlSafe(number.clone())).fetch_optional(side).await.map_err(told)?;
            last.push(found);
        }
        if let [Some(here), Some(there)] = *last.as_slice() {
            self.bring_apart(heads, ("id", id)).await?;
            for step in there + 1..=here {
                self.there(format!(
                    "UPDATE {heads} SET last_number = {step}, last_hash = arriving.last_hash, seal = arriving.seal
                     FROM arriving WHERE {heads}.id = arriving.id"
                ))
                .await?;
            }
            self.there("DROP TABLE arriving".to_owned()).await?;
        } else {
            self.bring(heads, ("id", id), true).await?;
        }
        self.bring(entries, ("organization_id", id), true).await.map(|_| ())
    }

    async fn there(&mut self, statement: String) -> Result<u64, DbErr> {
        Ok(self.to.execute(AssertSqlSafe(statement)).await.map_err(told)?.rows_affected())
    }

    /// What was brought over is there for good.
    pub async fn arrive(&mut self) -> Result<(), DbErr> {
        self.to.execute("COMMIT").await.map(|_| ()).map_err(told)
    }

    /// What was taken away is gone for good. An error where somebody has changed any of it since the snapshot.
    pub async fn leave(mut self) -> Result<(), DbErr> {
        self.from.execute("COMMIT").await.map(|_| ()).map_err(told)
    }

    /// The columns of a table; an error where the two databases do not have the same ones.
    async fn columns(&mut self, table: &str) -> Result<String, DbErr> {
        let mut both = Vec::new();
        for side in [&mut self.from, &mut self.to] {
            let names: Vec<String> =
                sqlx::query_scalar(COLUMNS).bind(table).fetch_all(&mut *side).await.map_err(told)?;
            both.push(names);
        }
        match both.as_slice() {
            [one, other] if one == other && !one.is_empty() => {
                Ok(one.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
            }
            _ => Err(DbErr::Custom(format!(
                "the table {table} is not the same in both databases; run `psa-gateway migrate`"
            ))),
        }
    }
}

async fn remove(side: &mut PgConnection, table: &str, (column, id): (&str, Uuid)) -> Result<u64, DbErr> {
    let statement = format!("DELETE FROM {table} WHERE {column} = '{id}'");
    Ok(side.execute(AssertSqlSafe(statement)).await.map_err(told)?.rows_affected())
}

/// Tables in an order in which who is referred to comes first. In a circle the order is that of names: its references can
/// wait for the end of the transaction.
fn sorted(mut tables: Vec<String>, references: &[(String, String)]) -> Vec<String> {
    let mut order = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let waits = |table: &String| {
            references.iter().any(|(who, whom)| who == table && whom != table && tables.contains(whom))
        };
        let next = tables.iter().position(|table| !waits(table)).unwrap_or_default();
        order.push(tables.remove(next));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn who_is_referred_to_comes_first_and_a_circle_ends() {
        let pair = |who: &str, whom: &str| (who.to_owned(), whom.to_owned());
        let references = [pair("attempt", "operation"), pair("operation", "ticket"), pair("ticket", "gone")];
        let order = sorted(named(&["attempt", "operation", "ticket"]), &references);
        assert_eq!(order, ["ticket", "operation", "attempt"]);
        let circle = [pair("a", "b"), pair("b", "a"), pair("c", "a")];
        assert_eq!(sorted(named(&["a", "b", "c"]), &circle), ["a", "b", "c"]);
    }
}
