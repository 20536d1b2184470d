//! Billing quantities: what was used, which lines bill it, and the ledger of what was sent to them.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, integer, string_len, string_len_null, text_null, uuid,
        uuid_null,
    },
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const CASCADE: ForeignKeyAction = ForeignKeyAction::Cascade;
const RESTRICT: ForeignKeyAction = ForeignKeyAction::Restrict;

/// In the order in which they can be taken away.
const TABLES: [&str; 7] = [
    "billing_entry",
    "billing_line",
    "billing_refresh",
    "psa_billing_line",
    "usage_report",
    "usage_mark",
    "billing_calendar",
];

/// A name or an id from outside, or one of ours.
const NAME: u32 = 255;
const EXTERNAL_ID: u32 = 100;
const DAY: u32 = 10;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        calendars(m).await?;
        usage(m).await?;
        copies(m).await?;
        lines(m).await?;
        ledger(m).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

async fn calendars(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    m.create_table(
        owned("billing_calendar")
            .col(integer("start_day"))
            .col(string_len("time_zone", 64))
            .col(integer("push_minute"))
            .col(boolean("is_push_enabled"))
            .col(time_null("next_push_at"))
            .col(time_null("last_push_at"))
            .col(integer("version"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .take(),
    )
    .await?;
    m.create_index(unique("billing_calendar", "organization", &["organization_id"])).await?;
    m.create_index(index("billing_calendar", "next", &["next_push_at"])).await
}

async fn usage(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    m.create_table(
        owned("usage_mark")
            .col(uuid("company_id"))
            .col(string_len("product", 100))
            .col(string_len("period", DAY))
            .col(time("period_starts_at"))
            .col(time("period_ends_at"))
            .col(big_integer("high_water"))
            .col(time("high_water_at"))
            .col(big_integer("last_quantity"))
            .col(time("last_observed_at"))
            .col(integer("report_count"))
            .col(boolean("is_late"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .foreign_key(&mut within("usage_mark", "company_id", "company", CASCADE))
            .take(),
    )
    .await?;
    m.create_index(unique("usage_mark", "month", &["company_id", "product", "period"])).await?;
    m.create_index(index("usage_mark", "start", &["organization_id", "period_starts_at", "id"])).await?;

    m.create_table(
        owned("usage_report")
            .col(uuid_null("webhook_delivery_id"))
            .col(uuid_null("company_id"))
            .col(string_len("source", 100))
            .col(string_len_null("client_ref", NAME))
            .col(string_len("product", 100))
            .col(big_integer("quantity"))
            .col(time("observed_at"))
            .col(string_len("fingerprint", 64))
            .col(integer("duplicate_count"))
            .col(word("state"))
            .col(text_null("problem"))
            .col(time("created_at"))
            .foreign_key(&mut within("usage_report", "company_id", "company", CASCADE))
            .take(),
    )
    .await?;
    m.create_index(unique("usage_report", "fingerprint", &["organization_id", "fingerprint"])).await?;
    m.create_index(index("usage_report", "created", &["organization_id", "created_at", "id"])).await?;
    m.create_index(index("usage_report", "state", &["organization_id", "state", "created_at", "id"])).await?;
    m.create_index(index("usage_report", "observed", &["organization_id", "observed_at"])).await?;
    m.create_index(index("usage_report", "old", &["created_at"])).await
}

async fn copies(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    m.create_table(
        owned("psa_billing_line")
            .col(uuid("psa_connection_id"))
            .col(uuid("psa_company_id"))
            .col(string_len("invoice_external_id", EXTERNAL_ID))
            .col(string_len("invoice_name", NAME))
            .col(string_len_null("invoice_rhythm", NAME))
            .col(string_len("external_id", EXTERNAL_ID))
            .col(string_len("name", NAME))
            .col(big_integer("quantity"))
            .col(text_null("fixed_because"))
            .col(text_null("external_url"))
            .col(time("synced_at"))
            .foreign_key(&mut within("psa_billing_line", "psa_connection_id", "psa_connection", CASCADE))
            .foreign_key(&mut within("psa_billing_line", "psa_company_id", "psa_company", CASCADE))
            .take(),
    )
    .await?;
    let key = ["psa_company_id", "invoice_external_id", "external_id"];
    m.create_index(unique("psa_billing_line", "line", &key)).await?;
    let by_name = ["psa_connection_id", "invoice_name", "id"];
    m.create_index(index("psa_billing_line", "connection", &by_name)).await?;

    m.create_table(
        owned("billing_refresh")
            .col(uuid("psa_connection_id"))
            .col(uuid("psa_company_id"))
            .col(word("state"))
            .col(time_null("run_at"))
            .col(integer("line_count"))
            .col(text_null("problem"))
            .col(time("created_at"))
            .col(time_null("refreshed_at"))
            .foreign_key(&mut within("billing_refresh", "psa_connection_id", "psa_connection", CASCADE))
            .foreign_key(&mut within("billing_refresh", "psa_company_id", "psa_company", CASCADE))
            .take(),
    )
    .await?;
    m.create_index(unique("billing_refresh", "company", &["psa_company_id"])).await?;
    m.create_index(index("billing_refresh", "due", &["psa_connection_id", "run_at"])).await
}

async fn lines(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    m.create_table(
        owned("billing_line")
            .col(uuid("company_id"))
            .col(string_len("product", 100))
            .col(uuid("psa_connection_id"))
            // No reference: a copy of a PSA's company comes and goes, the ledger stays.
            .col(uuid("psa_company_id"))
            .col(string_len("invoice_external_id", EXTERNAL_ID))
            .col(string_len("invoice_name", NAME))
            .col(string_len("line_external_id", EXTERNAL_ID))
            .col(string_len("line_name", NAME))
            .col(integer("aim"))
            .col(boolean("is_enabled"))
            .col(integer("version"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .foreign_key(&mut within("billing_line", "company_id", "company", RESTRICT))
            .foreign_key(&mut within("billing_line", "psa_connection_id", "psa_connection", RESTRICT))
            .take(),
    )
    .await?;
    m.create_index(target_key("billing_line")).await?;
    // What a company uses of a product is billed once; and a line is set by one of them.
    m.create_index(unique("billing_line", "product", &["company_id", "product"])).await?;
    let place = ["psa_connection_id", "invoice_external_id", "line_external_id"];
    m.create_index(unique("billing_line", "place", &place)).await?;
    m.create_index(index("billing_line", "created", &["organization_id", "created_at", "id"])).await
}

async fn ledger(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    m.create_table(
        owned("billing_entry")
            .col(uuid("billing_line_id"))
            .col(integer("aim"))
            .col(uuid("psa_connection_id"))
            .col(string_len("period", DAY))
            .col(time("period_starts_at"))
            .col(time("period_ends_at"))
            .col(integer("correction"))
            .col(text_null("reason"))
            .col(string_len_null("decided_by", 200))
            .col(big_integer_null("mark"))
            .col(big_integer("proposed"))
            .col(big_integer_null("before"))
            .col(big_integer_null("sent"))
            .col(time_null("sent_at"))
            .col(string_len_null("effective_on", DAY))
            .col(big_integer_null("read_back"))
            .col(time_null("read_back_at"))
            .col(word("state"))
            .col(string_len_null("problem_code", 32))
            .col(text_null("problem"))
            .col(time_null("uncertain_since"))
            .col(time_null("run_at"))
            .col(integer("attempts"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .foreign_key(&mut within("billing_entry", "billing_line_id", "billing_line", CASCADE))
            .take(),
    )
    .await?;
    // The same value of the same line in the same month is sent once.
    let once = ["billing_line_id", "aim", "period", "proposed", "correction"];
    m.create_index(unique("billing_entry", "once", &once)).await?;
    m.create_index(index("billing_entry", "line", &["billing_line_id", "created_at", "id"])).await?;
    m.create_index(index("billing_entry", "created", &["organization_id", "created_at", "id"])).await?;
    m.create_index(index("billing_entry", "due", &["psa_connection_id", "run_at", "id"])).await
}
