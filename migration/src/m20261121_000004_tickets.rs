//! Findings, tickets, events and the outbox.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, integer, integer_null, json_binary, small_integer,
        string_len, string_len_null, string_len_uniq, text, text_null, uuid, uuid_null,
    },
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const RESTRICT: ForeignKeyAction = ForeignKeyAction::Restrict;
const CASCADE: ForeignKeyAction = ForeignKeyAction::Cascade;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("finding")
                .col(uuid("company_id"))
                .col(string_len("source", 100))
                .col(string_len("key", 255))
                .col(word("state"))
                .col(small_integer("severity"))
                .col(string_len("category", 64))
                .col(text("title"))
                .col(text("body_md"))
                .col(json_binary("asset"))
                .col(text_null("evidence_url"))
                .col(time("first_seen_at"))
                .col(time("last_seen_at"))
                .col(big_integer("seen_count"))
                .col(time("last_occurred_at"))
                .col(string_len_null("last_sequence", 255))
                .col(string_len("last_kind", 100))
                .col(time_null("resolved_at"))
                .col(string_len_null("close_reason", 24))
                .col(integer("reopened_count"))
                .foreign_key(&mut within("finding", "company_id", "company", RESTRICT))
                .take(),
        )
        .await?;
        m.create_index(target_key("finding")).await?;
        // One problem, one row, whatever arrives at the same moment.
        m.create_index(unique("finding", "key", &["organization_id", "company_id", "source", "key"])).await?;
        m.create_index(index("finding", "seen", &["organization_id", "last_seen_at", "id"])).await?;
        m.create_index(index("finding", "state", &["organization_id", "state", "last_seen_at", "id"]))
            .await?;
        m.create_index(index("finding", "company", &["company_id", "last_seen_at", "id"])).await?;

        m.create_table(
            owned("ticket")
                .col(uuid("psa_connection_id"))
                .col(uuid("company_id"))
                .col(uuid("psa_company_id"))
                .col(uuid("ticket_profile_id"))
                .col(uuid_null("policy_id"))
                .col(string_len("group_key", 300))
                .col(string_len_null("open_group_key", 300))
                .col(word("state"))
                .col(string_len_null("state_reason", 64))
                .col(text_null("state_message"))
                .col(string_len_uniq("marker", 40))
                .col(string_len_null("external_id", 100))
                .col(string_len_null("external_number", 100))
                .col(text_null("external_url"))
                .col(string_len_null("external_status", 255))
                .col(text("title"))
                .col(small_integer("severity"))
                .col(boolean("is_test"))
                .col(uuid_null("previous_ticket_id"))
                .col(big_integer("operation_count"))
                .col(time_null("noted_at"))
                .col(time_null("refresh_at"))
                .col(time_null("opened_at"))
                .col(time_null("closed_at"))
                .col(string_len_null("closed_by", 255))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within("ticket", "psa_connection_id", "psa_connection", RESTRICT))
                .foreign_key(&mut within("ticket", "company_id", "company", RESTRICT))
                .foreign_key(&mut within("ticket", "psa_company_id", "psa_company", RESTRICT))
                .foreign_key(&mut within("ticket", "ticket_profile_id", "ticket_profile", RESTRICT))
                .take(),
        )
        .await?;
        m.create_index(target_key("ticket")).await?;
        // Rule 4: one open ticket for a group of findings. NULLs (closed tickets) do not collide.
        m.create_index(unique(
            "ticket",
            "open_group",
            &["organization_id", "psa_connection_id", "open_group_key"],
        ))
        .await?;
        m.create_index(index("ticket", "group", &["organization_id", "psa_connection_id", "group_key"]))
            .await?;
        m.create_index(unique("ticket", "external", &["psa_connection_id", "external_id"])).await?;
        m.create_index(index("ticket", "created", &["organization_id", "created_at", "id"])).await?;
        m.create_index(index("ticket", "updated", &["organization_id", "updated_at", "id"])).await?;
        m.create_index(index("ticket", "state", &["organization_id", "state", "created_at", "id"])).await?;
        m.create_index(index("ticket", "company", &["company_id", "created_at", "id"])).await?;
        m.create_index(index("ticket", "connection", &["psa_connection_id", "created_at", "id"])).await?;
        m.create_index(index("ticket", "refresh", &["psa_connection_id", "refresh_at"])).await?;

        m.create_table(
            owned("ticket_finding")
                .col(uuid("ticket_id"))
                .col(uuid("finding_id"))
                .col(time("added_at"))
                .foreign_key(&mut within("ticket_finding", "ticket_id", "ticket", CASCADE))
                .foreign_key(&mut within("ticket_finding", "finding_id", "finding", CASCADE))
                .take(),
        )
        .await?;
        m.create_index(unique("ticket_finding", "member", &["ticket_id", "finding_id"])).await?;
        m.create_index(index("ticket_finding", "finding", &["finding_id"])).await?;

        m.create_table(
            owned("event")
                .col(uuid("webhook_delivery_id"))
                .col(integer("position"))
                .col(string_len("kind", 100))
                .col(string_len("source", 100))
                .col(string_len_null("client_ref", 255))
                .col(uuid_null("company_id"))
                .col(small_integer("severity"))
                .col(text("title"))
                .col(string_len_null("finding_key", 255))
                .col(time("occurred_at"))
                .col(word("outcome"))
                .col(string_len("reason", 64))
                .col(text("explanation"))
                .col(json_binary("steps"))
                .col(uuid_null("finding_id"))
                .col(uuid_null("ticket_id"))
                .col(time("created_at"))
                .col(time("decided_at"))
                .foreign_key(&mut within("event", "webhook_delivery_id", "webhook_delivery", CASCADE))
                .take(),
        )
        .await?;
        m.create_index(unique("event", "position", &["webhook_delivery_id", "position"])).await?;
        m.create_index(index("event", "created", &["organization_id", "created_at", "id"])).await?;
        m.create_index(index(
            "event",
            "outcome",
            &["organization_id", "outcome", "reason", "created_at", "id"],
        ))
        .await?;
        m.create_index(index("event", "finding", &["finding_id", "created_at", "id"])).await?;
        m.create_index(index("event", "ticket", &["ticket_id", "created_at", "id"])).await?;

        m.create_table(
            owned("ticket_operation")
                .col(uuid("psa_connection_id"))
                .col(uuid("ticket_id"))
                .col(big_integer("position"))
                .col(word("kind"))
                .col(word("state"))
                .col(json_binary("payload"))
                .col(time("run_at"))
                .col(integer("attempts"))
                .col(time_null("uncertain_since"))
                .col(string_len_null("last_error_code", 64))
                .col(text_null("last_error"))
                .col(uuid_null("event_id"))
                .col(time("created_at"))
                .col(time_null("finished_at"))
                .foreign_key(&mut within("ticket_operation", "ticket_id", "ticket", CASCADE))
                .take(),
        )
        .await?;
        m.create_index(target_key("ticket_operation")).await?;
        m.create_index(unique("ticket_operation", "position", &["ticket_id", "position"])).await?;
        m.create_index(index("ticket_operation", "run", &["psa_connection_id", "state", "run_at"])).await?;
        m.create_index(index("ticket_operation", "created", &["organization_id", "created_at", "id"]))
            .await?;
        m.create_index(index("ticket_operation", "state", &["organization_id", "state", "created_at", "id"]))
            .await?;

        m.create_table(
            owned("attempt")
                .col(uuid("ticket_operation_id"))
                .col(integer("number"))
                .col(time("started_at"))
                .col(time_null("finished_at"))
                .col(string_len_null("outcome", 64))
                .col(integer_null("response_status"))
                .col(big_integer_null("latency_ms"))
                .col(text_null("message"))
                .col(string_len("node", 64))
                .foreign_key(&mut within("attempt", "ticket_operation_id", "ticket_operation", CASCADE))
                .take(),
        )
        .await?;
        m.create_index(unique("attempt", "number", &["ticket_operation_id", "number"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["attempt", "ticket_operation", "event", "ticket_finding", "ticket", "finding"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
