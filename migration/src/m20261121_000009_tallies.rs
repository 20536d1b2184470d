//! Kept counts for statistics: of tickets and of webhook deliveries, by UTC day and by month.
//!
//! The database keeps them itself, by triggers in the transaction that changes the row, so that no way of
//! changing one can forget to. A trigger only ever adds a row to `tally_delta`: two transactions never wait for
//! each other on a count. A worker folds these rows into `tally`, and a reader adds up both.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, small_integer, uuid},
};

use crate::columns::{index, time_null, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The keys of a count, as both tables have them.
fn keys(table: &mut TableCreateStatement) -> &mut TableCreateStatement {
    table
        .col(uuid("organization_id"))
        .col(word("about"))
        // The nil UUID where a count is not by company.
        .col(uuid("company_id"))
        // Days since 1970-01-01 in UTC.
        .col(integer("day"))
        // The connection of a ticket, the endpoint of a delivery.
        .col(uuid("place_id"))
        .col(small_integer("severity"))
        // Empty where a count is not by state.
        .col(word("state"))
}

fn sums(table: &mut TableCreateStatement) -> &mut TableCreateStatement {
    table.col(big_integer("count")).col(big_integer("timed")).col(big_integer("seconds"))
}

const KEYS: &str = "organization_id, about, company_id, day, place_id, severity, state";

/// What the two databases say differently.
#[derive(Clone, Copy)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    fn of(m: &SchemaManager<'_>) -> Self {
        if m.get_database_backend() == sea_orm::DbBackend::Sqlite { Self::Sqlite } else { Self::Postgres }
    }

    const fn nil(self) -> &'static str {
        match self {
            Self::Sqlite => "x'00000000000000000000000000000000'",
            Self::Postgres => "CAST('00000000-0000-0000-0000-000000000000' AS uuid)",
        }
    }

    /// The first day of the month of `day`.
    const fn month(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "CAST(strftime('%s', day * 86400, 'unixepoch', 'start of month') AS INTEGER) / 86400"
            }
            Self::Postgres => {
                "CAST(EXTRACT(EPOCH FROM date_trunc('month', to_timestamp(day * 86400.0) AT TIME ZONE 'UTC')) / 86400 AS INTEGER)"
            }
        }
    }

    /// A trigger on each row of `table`, after `event`, when `condition` holds.
    fn trigger(self, name: &str, table: &str, event: &str, condition: &str, steps: &[String]) -> String {
        let steps = steps.join(";\n");
        match self {
            Self::Sqlite => format!(
                "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW WHEN {condition} BEGIN\n{steps};\nEND"
            ),
            Self::Postgres => format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n{steps};\nRETURN NULL;\nEND $$;\n\
                 CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {name}()"
            ),
        }
    }
}

/// Something of a row that is counted.
struct Fact {
    about: &'static str,
    /// Values of the keys behind `about`, and of the three sums; `R` stands for the row, `S` for +1 or -1.
    values: String,
    /// When the row has it.
    condition: &'static str,
}

impl Fact {
    /// Its select list for a row called `row`, counted or taken back.
    fn select(&self, row: &str, sign: &str, from: &str) -> String {
        let Self { about, values, condition } = self;
        let text = format!("SELECT R.organization_id, '{about}', {values}{from} WHERE {condition}");
        text.replace("R.", &format!("{row}.")).replace("S*", &format!("{sign} * "))
    }

    fn step(&self, row: &str, sign: &str) -> String {
        let select = self.select(row, sign, "");
        format!("INSERT INTO tally_delta ({KEYS}, count, timed, seconds) {select}")
    }
}

const DAY: &str = "86400000000";

/// A ticket was planned; it was opened, so long after the first of its findings was first seen; it was closed,
/// so long after it was opened. Test tickets are not counted.
fn ticket_facts() -> [Fact; 3] {
    let place = "R.psa_connection_id, R.severity";
    let since = |from: &str, to: &str| {
        format!(
            "S*(CASE WHEN R.{from} IS NULL THEN 0 ELSE 1 END), \
             S*(CASE WHEN R.{from} < R.{to} THEN (R.{to} - R.{from}) / 1000000 ELSE 0 END)"
        )
    };
    let opened = since("first_seen_at", "opened_at");
    let closed = since("opened_at", "closed_at");
    [
        Fact {
            about: "ticket_created",
            values: format!("R.company_id, R.created_at / {DAY}, {place}, R.state, S*1, 0, 0"),
            condition: "NOT R.is_test",
        },
        Fact {
            about: "ticket_opened",
            values: format!("R.company_id, R.opened_at / {DAY}, {place}, '', S*1, {opened}"),
            condition: "NOT R.is_test AND R.opened_at IS NOT NULL",
        },
        Fact {
            about: "ticket_closed",
            values: format!("R.company_id, R.closed_at / {DAY}, {place}, '', S*1, {closed}"),
            condition: "NOT R.is_test AND R.closed_at IS NOT NULL",
        },
    ]
}

/// A delivery was decided; it came again so often. One that waits is not counted yet: accepting a webhook
/// writes nothing more.
fn delivery_facts(dialect: Dialect) -> [Fact; 2] {
    let keys = format!("{}, R.received_at / {DAY}, R.webhook_endpoint_id, 0", dialect.nil());
    [
        Fact {
            about: "delivery",
            values: format!("{keys}, R.state, S*1, 0, 0"),
            condition: "R.state <> 'received'",
        },
        Fact {
            about: "delivery_repeated",
            values: format!("{keys}, '', S*R.duplicate_count, 0, 0"),
            condition: "R.state <> 'received' AND R.duplicate_count > 0",
        },
    ]
}

fn differs(columns: &[&str]) -> String {
    let parts: Vec<_> =
        columns.iter().map(|column| format!("OLD.{column} IS DISTINCT FROM NEW.{column}")).collect();
    format!("({})", parts.join(" OR "))
}

/// Columns that each fact of a ticket depends on, beside those that all do.
const OF_TICKET_FACTS: [&[&str]; 3] =
    [&["created_at", "state"], &["opened_at", "first_seen_at"], &["closed_at", "opened_at"]];
const OF_ALL_TICKET_FACTS: &[&str] =
    &["organization_id", "company_id", "psa_connection_id", "severity", "is_test"];
const OF_DELIVERY_FACTS: &[&str] =
    &["organization_id", "webhook_endpoint_id", "received_at", "state", "duplicate_count"];

/// Name, table and text of each trigger.
fn triggers(dialect: Dialect) -> Vec<(String, &'static str, String)> {
    let mut made = Vec::new();
    let mut add = |name: &str, table, event: &str, condition: &str, steps: Vec<String>| {
        let name = format!("tally_{name}");
        let text = dialect.trigger(&name, table, event, condition, &steps);
        made.push((name, table, text));
    };
    let (tickets, deliveries) = (ticket_facts(), delivery_facts(dialect));
    let all = |facts: &[Fact], row: &str, sign: &str| facts.iter().map(|fact| fact.step(row, sign)).collect();
    add("ticket_insert", "ticket", "INSERT", "NOT NEW.is_test", all(&tickets, "NEW", "1"));
    add("ticket_delete", "ticket", "DELETE", "NOT OLD.is_test", all(&tickets, "OLD", "-1"));
    for (fact, own) in tickets.iter().zip(OF_TICKET_FACTS) {
        let condition = differs(&[own, OF_ALL_TICKET_FACTS].concat());
        let steps = vec![fact.step("OLD", "-1"), fact.step("NEW", "1")];
        add(&format!("{}_update", fact.about), "ticket", "UPDATE", &condition, steps);
    }
    let table = "webhook_delivery";
    add("delivery_insert", table, "INSERT", "NEW.state <> 'received'", all(&deliveries, "NEW", "1"));
    add("delivery_delete", table, "DELETE", "OLD.state <> 'received'", all(&deliveries, "OLD", "-1"));
    let condition =
        format!("(OLD.state <> 'received' OR NEW.state <> 'received') AND {}", differs(OF_DELIVERY_FACTS));
    let steps = [all(&deliveries, "OLD", "-1"), all(&deliveries, "NEW", "1")];
    add("delivery_update", table, "UPDATE", &condition, steps.concat());
    // Findings that join a ticket after it was opened do not add it late.
    let seen = "(SELECT finding.first_seen_at FROM finding WHERE finding.id = NEW.finding_id)";
    let first_seen = format!(
        "UPDATE ticket SET first_seen_at = {seen} WHERE id = NEW.ticket_id AND opened_at IS NULL \
         AND (first_seen_at IS NULL OR first_seen_at > {seen})"
    );
    add("ticket_first_seen", "ticket_finding", "INSERT", "NEW.finding_id IS NOT NULL", vec![first_seen]);
    made
}

/// The trigger that counted deliveries as they came in.
pub(crate) const DELIVERY_INSERT: &str = "tally_delivery_insert";

/// How one of the triggers goes.
pub(crate) fn drop_trigger(m: &SchemaManager<'_>, name: &str) -> String {
    let dialect = Dialect::of(m);
    let table = triggers(dialect).into_iter().find(|(made, ..)| made == name).map(|(_, table, _)| table);
    match (dialect, table) {
        (Dialect::Postgres, Some(table)) => format!("DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}()"),
        _ => format!("DROP TRIGGER {name}"),
    }
}

/// Makes one of the triggers anew.
pub(crate) async fn make_trigger(m: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    for (_, _, text) in triggers(Dialect::of(m)).into_iter().filter(|(made, ..)| made == name) {
        m.get_connection().execute_unprepared(&text).await?;
    }
    Ok(())
}

/// Counts what is there already.
fn count_existing(dialect: Dialect) -> Vec<String> {
    let mut statements = vec![
        "UPDATE ticket SET first_seen_at = (SELECT MIN(finding.first_seen_at) FROM ticket_finding \
         JOIN finding ON finding.id = ticket_finding.finding_id WHERE ticket_finding.ticket_id = ticket.id \
         AND (ticket.opened_at IS NULL OR ticket_finding.added_at <= ticket.opened_at))"
            .to_owned(),
    ];
    let tickets = ticket_facts();
    let deliveries = delivery_facts(dialect);
    for (table, facts) in [("ticket", &tickets[..]), ("webhook_delivery", &deliveries[..])] {
        for fact in facts {
            let select = fact.select(table, "1", &format!(" FROM {table}"));
            statements.push(format!("INSERT INTO tally_delta ({KEYS}, count, timed, seconds) {select}"));
        }
    }
    let month = dialect.month();
    let by_company = format!("company_id <> {}", dialect.nil());
    for (period, day) in [("day", "day"), ("month", month)] {
        for (company, condition) in [("company_id", by_company.as_str()), (dialect.nil(), "1 = 1")] {
            statements.push(format!(
                "INSERT INTO tally (organization_id, period, about, company_id, day, place_id, severity, state, count, timed, seconds) \
                 SELECT organization_id, '{period}', about, c, d, place_id, severity, state, SUM(count), SUM(timed), SUM(seconds) \
                 FROM (SELECT organization_id, about, {company} AS c, {day} AS d, place_id, severity, state, count, timed, seconds \
                 FROM tally_delta WHERE {condition}) AS facts \
                 GROUP BY organization_id, about, c, d, place_id, severity, state"
            ));
        }
    }
    statements.push("DELETE FROM tally_delta".to_owned());
    statements
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table.table("tally_delta").col(big_integer("id").primary_key().auto_increment());
        m.create_table(sums(keys(&mut table)).take()).await?;
        m.create_index(index("tally_delta", "day", &["organization_id", "day"])).await?;

        let mut table = Table::create();
        table.table("tally").col(word("period"));
        let mut key = Index::create();
        for column in
            ["organization_id", "period", "about", "company_id", "day", "place_id", "severity", "state"]
        {
            key.col(column);
        }
        m.create_table(sums(keys(&mut table)).primary_key(&mut key).take()).await?;
        m.create_index(index("tally", "day", &["organization_id", "period", "about", "day"])).await?;

        // Kept by a trigger alone: no entity names it.
        m.alter_table(Table::alter().table("ticket").add_column(time_null("first_seen_at")).take()).await?;

        let (dialect, db) = (Dialect::of(m), m.get_connection());
        for statement in count_existing(dialect) {
            db.execute_unprepared(&statement).await?;
        }
        for (_, _, text) in triggers(dialect) {
            db.execute_unprepared(&text).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let (dialect, db) = (Dialect::of(m), m.get_connection());
        for (name, ..) in triggers(dialect) {
            db.execute_unprepared(&drop_trigger(m, &name)).await?;
        }
        m.alter_table(Table::alter().table("ticket").drop_column("first_seen_at").take()).await?;
        m.drop_table(Table::drop().table("tally").take()).await?;
        m.drop_table(Table::drop().table("tally_delta").take()).await
    }
}
