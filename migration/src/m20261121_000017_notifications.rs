//! Others are told what becomes of tickets: subscribers with their secrets and lanes, and what they are sent.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, binary, boolean, integer, integer_null, json_binary_null, string_len,
        string_len_null, text, text_null, uuid, uuid_null,
    },
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const CASCADE: ForeignKeyAction = ForeignKeyAction::Cascade;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        subscribers(m).await?;
        notifications(m).await?;
        let notifies = word("notifies").default("all").take();
        m.alter_table(Table::alter().table("policy").add_column(notifies).take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.alter_table(Table::alter().table("policy").drop_column("notifies").take()).await?;
        for table in [
            "notification_attempt",
            "notification",
            "subscriber_lane",
            "subscriber_secret",
            "webhook_subscriber",
        ] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

async fn subscribers(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    m.create_table(
        owned("webhook_subscriber")
            .col(string_len("name", 200))
            .col(text("url"))
            .col(boolean("is_enabled"))
            .col(json_binary_null("kinds"))
            .col(json_binary_null("policy_ids"))
            .col(integer("failures"))
            .col(time_null("failing_since"))
            .col(time_null("last_success_at"))
            .col(time_null("last_failure_at"))
            .col(text_null("last_failure"))
            .col(time_null("disabled_at"))
            .col(string_len_null("disabled_because", 24))
            .col(integer("version"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .take(),
    )
    .await?;
    m.create_index(target_key("webhook_subscriber")).await?;
    m.create_index(unique("webhook_subscriber", "name", &["organization_id", "name"])).await?;
    m.create_index(index("webhook_subscriber", "created", &["organization_id", "created_at", "id"])).await?;

    m.create_table(
        owned("subscriber_secret")
            .col(uuid("webhook_subscriber_id"))
            .col(binary("sealed"))
            .col(string_len("hint", 16))
            .col(time("created_at"))
            .col(time_null("expires_at"))
            .foreign_key(&mut within(
                "subscriber_secret",
                "webhook_subscriber_id",
                "webhook_subscriber",
                CASCADE,
            ))
            .take(),
    )
    .await?;
    m.create_index(index("subscriber_secret", "subscriber", &["webhook_subscriber_id", "id"])).await?;

    m.create_table(
        owned("subscriber_lane")
            .col(time_null("next_at"))
            .col(time("paused_until"))
            .col(text_null("pause_reason"))
            .col(integer("failures"))
            .col(big_integer("last_number"))
            .col(time("lease_until"))
            .col(string_len_null("holder", 64))
            .col(big_integer("fence"))
            .foreign_key(&mut within("subscriber_lane", "id", "webhook_subscriber", CASCADE))
            .take(),
    )
    .await?;
    m.create_index(index("subscriber_lane", "next", &["next_at"])).await
}

async fn notifications(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    // No reference to what it is about: that may go, and what was told stays.
    m.create_table(
        owned("notification")
            .col(uuid("webhook_subscriber_id"))
            .col(big_integer("number"))
            .col(word("kind"))
            .col(word("state"))
            .col(text("payload"))
            .col(uuid("subject_id"))
            .col(uuid_null("ticket_id"))
            .col(uuid_null("psa_connection_id"))
            .col(uuid_null("event_id"))
            .col(uuid_null("policy_id"))
            .col(time("run_at"))
            .col(integer("attempts"))
            .col(integer("failures"))
            .col(integer_null("last_status"))
            .col(text_null("last_error"))
            .col(time("created_at"))
            .col(time_null("finished_at"))
            .foreign_key(&mut within("notification", "webhook_subscriber_id", "webhook_subscriber", CASCADE))
            .take(),
    )
    .await?;
    m.create_index(target_key("notification")).await?;
    m.create_index(unique("notification", "number", &["webhook_subscriber_id", "number"])).await?;
    m.create_index(index("notification", "created", &["organization_id", "created_at", "id"])).await?;
    m.create_index(index("notification", "told", &["webhook_subscriber_id", "created_at", "id"])).await?;
    let due = ["webhook_subscriber_id", "state", "run_at", "number"];
    m.create_index(index("notification", "due", &due)).await?;
    let turn = ["webhook_subscriber_id", "subject_id", "number"];
    m.create_index(index("notification", "turn", &turn)).await?;

    m.create_table(
        owned("notification_attempt")
            .col(uuid("notification_id"))
            .col(integer("number"))
            .col(time("started_at"))
            .col(time_null("finished_at"))
            .col(string_len_null("outcome", 64))
            .col(integer_null("response_status"))
            .col(big_integer_null("latency_ms"))
            .col(text_null("message"))
            .col(string_len("node", 64))
            .foreign_key(&mut within("notification_attempt", "notification_id", "notification", CASCADE))
            .take(),
    )
    .await?;
    m.create_index(unique("notification_attempt", "number", &["notification_id", "number"])).await
}
