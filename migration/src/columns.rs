//! Columns, keys and indexes as all our tables have them.

use sea_orm_migration::{prelude::*, schema};

/// A table with its id, and the organization it belongs to.
pub(crate) fn owned(name: &'static str) -> TableCreateStatement {
    let mut table = with_id(name);
    table.col(schema::uuid("organization_id")).foreign_key(
        ForeignKey::create()
            .name(format!("fk_{name}_organization"))
            .from(name, "organization_id")
            .to("organization", "id"),
    );
    table
}

/// A table with its id.
pub(crate) fn with_id(name: &'static str) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).col(schema::uuid("id").primary_key());
    table
}

/// A time.
pub(crate) fn time(name: &'static str) -> ColumnDef {
    schema::big_integer(name)
}

/// A time that may be missing.
pub(crate) fn time_null(name: &'static str) -> ColumnDef {
    schema::big_integer_null(name)
}

/// A state or another word of ours.
pub(crate) fn word(name: &'static str) -> ColumnDef {
    schema::string_len(name, 24)
}

/// A reference within the organization: (organization_id, `column`) → (organization_id, id).
pub(crate) fn within(
    table: &'static str,
    column: &'static str,
    target: &'static str,
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, ("organization_id", column))
        .to(target, ("organization_id", "id"))
        .on_delete(on_delete)
        .to_owned()
}

/// The key that references within the organization need on their target.
pub(crate) fn target_key(table: &'static str) -> IndexCreateStatement {
    unique(table, "organization_and_id", &["organization_id", "id"])
}

/// An index.
pub(crate) fn index(table: &'static str, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("ix_{table}_{name}")).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// A unique index.
pub(crate) fn unique(table: &'static str, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = index(table, name, columns);
    index.unique();
    index
}
