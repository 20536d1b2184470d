//! Devices that events name, what each sender calls them, and configurations found again by serial number and name.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, string_len, uuid},
};

use crate::columns::{index, owned, target_key, time, unique, within};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

async fn add(m: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table(table).add_column(column).take()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("asset_alias")
                .col(uuid("company_id"))
                .col(string_len("source", 100))
                .col(string_len("value", 255))
                .col(uuid("asset_id"))
                .col(time("created_at"))
                .foreign_key(&mut within("asset_alias", "company_id", "company", ForeignKeyAction::Cascade))
                .foreign_key(&mut within("asset_alias", "asset_id", "asset", ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
        m.create_index(target_key("asset_alias")).await?;
        // One device a name.
        m.create_index(unique("asset_alias", "value", &["company_id", "source", "value"])).await?;
        m.create_index(index("asset_alias", "asset", &["asset_id"])).await?;
        add(m, "asset", boolean("is_from_events").default(false).take()).await?;

        add(m, "configuration", string_len("name_key", 255).default("").take()).await?;
        add(m, "configuration", string_len("serial_key", 255).default("").take()).await?;
        // Other than ASCII letters stay as they are where the database does not know them: the next reading mends that.
        let mut known = Query::update();
        known
            .table("configuration")
            .value("name_key", Func::lower(Expr::col("name")))
            .value("serial_key", Func::upper(Expr::col("serial_number")));
        m.exec_stmt(known).await?;
        m.create_index(index("configuration", "name_key", &["psa_company_id", "name_key"])).await?;
        m.create_index(index("configuration", "serial_key", &["psa_company_id", "serial_key"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for name in ["name_key", "serial_key"] {
            let mut index = Index::drop();
            index.name(format!("ix_configuration_{name}")).table("configuration");
            m.drop_index(index).await?;
            m.alter_table(Table::alter().table("configuration").drop_column(name).take()).await?;
        }
        m.alter_table(Table::alter().table("asset").drop_column("is_from_events").take()).await?;
        m.drop_table(Table::drop().table("asset_alias").take()).await
    }
}
