//! The floor under the wall between organizations, on PostgreSQL: row-level security.
//!
//! What is done for somebody of one organization runs [`within`] it. Connections that such work takes from the
//! pool act as the role [`ROLE`], for which every table shows and takes the rows of that organization only, so
//! that a query that forgets its condition still finds nothing of a neighbour's. The gateway's own work, which
//! crosses organizations, and back-ups act as the tables' owner.
//!
//! SQLite has no such thing; there the wall stands on `organizations::reach` alone.
//!
//! Source: PostgreSQL documentation, 5.9 Row Security Policies (owners pass; integrity checks pass).

use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement};
use uuid::Uuid;

/// The role that sees one organization. Nobody signs in with it.
pub const ROLE: &str = "psa_gateway_walled";

tokio::task_local! {
    static WITHIN: Option<Uuid>;
}

/// Does work for one organization, or for none in particular.
pub async fn within<F: Future>(organization_id: Option<Uuid>, work: F) -> F::Output {
    WITHIN.scope(organization_id, work).await
}

/// The organization for which this task works.
pub(super) fn current() -> Option<Uuid> {
    WITHIN.try_with(|within| *within).ok().flatten()
}

/// The same work, to be done in a task of its own, for the organization of this one.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    WITHIN.scope(current(), work)
}

/// Whether the database has the floor: then, as which role the login acts by itself. That is `none`, for the login's
/// own, where it was not given another one (`ALTER ROLE … SET role`).
#[derive(Clone, Debug, Default)]
pub(super) struct Floor(Arc<OnceLock<String>>);

impl Floor {
    /// What a connection is sent before somebody works on it: it takes the place of whoever that is.
    pub(super) fn statement(&self) -> String {
        if !self.is_laid() {
            return String::new();
        }
        match current() {
            // A UUID as text has nothing in it that would have to be quoted.
            Some(id) => format!("SET ROLE {ROLE}; SET psa_gateway.organization = '{id}'; "),
            None => "RESET ROLE; SET psa_gateway.organization = ''; ".to_owned(),
        }
    }

    /// As which role a connection is to act, none for the one that it has; and for which organization.
    pub(super) fn wanted(&self) -> (Option<&str>, String) {
        match (self.0.get(), current()) {
            (Some(_), Some(id)) => (Some(ROLE), id.to_string()),
            (usual, _) => (usual.map(String::as_str), String::new()),
        }
    }

    fn is_laid(&self) -> bool {
        self.0.get().is_some()
    }

    /// Puts the floor under every table that has an organization. Where the login may not do that, says what its
    /// administrator can do, and the gateway works without.
    pub(super) async fn lay(&self, db: &DatabaseConnection) {
        match lay(db).await {
            Ok(usual) => drop(self.0.set(usual)),
            Err(error) => tracing::warn!(
                %error,
                "row-level security is not on; have a superuser run: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO \
                 (this login); then start again"
            ),
        }
    }
}

/// Gives the role as which the login acts by itself.
async fn lay(db: &DatabaseConnection) -> Result<String, DbErr> {
    // Roles belong to the whole server: another gateway may make it at the same moment.
    db.execute_unprepared(&format!(
        "DO $$ BEGIN
           IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN CREATE ROLE {ROLE} NOLOGIN; END IF;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         DO $$ BEGIN
           IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN EXECUTE 'GRANT {ROLE} TO ' || quote_ident(current_user); END IF;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"
    ))
    .await?;
    // Tables that were not there yet at the last start, and what they lack.
    let missing = db
        .query_all_raw(Statement::from_string(
            DbBackend::Postgres,
            format!(
                "SELECT c.relname::text AS name,
                        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id') AS is_owned,
                        c.relrowsecurity AS is_walled
                 FROM pg_class c
                 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
                   AND c.relname <> 'seaql_migrations'
                   AND NOT (has_table_privilege('{ROLE}', c.oid, 'SELECT') AND has_table_privilege('{ROLE}', c.oid, 'INSERT')
                            AND has_table_privilege('{ROLE}', c.oid, 'UPDATE') AND has_table_privilege('{ROLE}', c.oid, 'DELETE'))
                 ORDER BY c.relname"
            ),
        ))
        .await?;
    let mut statements = format!(
        "DO $$ BEGIN
           IF NOT has_schema_privilege('{ROLE}', current_schema(), 'USAGE') THEN
             EXECUTE 'GRANT USAGE ON SCHEMA ' || quote_ident(current_schema()) || ' TO {ROLE}';
           END IF;
         END $$;"
    );
    for row in missing {
        let name: String = row.try_get("", "name")?;
        let is_owned: bool = row.try_get("", "is_owned")?;
        let is_walled: bool = row.try_get("", "is_walled")?;
        let owner = if name == "organization" { "id" } else { "organization_id" };
        let table = format!("\"{name}\"");
        if (is_owned || name == "organization") && !is_walled {
            let own =
                format!("{owner} = nullif(current_setting('psa_gateway.organization', true), '')::uuid");
            let _ = write!(
                statements,
                "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
                 DROP POLICY IF EXISTS walled ON {table};
                 CREATE POLICY walled ON {table} TO {ROLE} USING ({own}) WITH CHECK ({own});"
            );
        }
        // Last: a table that the role may use has its policy.
        let _ = write!(statements, "GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE};");
    }
    db.execute_unprepared(&statements).await?;
    let usual = Statement::from_string(DbBackend::Postgres, "SELECT current_setting('role') AS role");
    let row = db.query_one_raw(usual).await?;
    row.map_or_else(|| Ok("none".to_owned()), |row| row.try_get("", "role"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "forgets the condition on purpose")]

    use entity::company;
    use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, Set};

    use super::*;
    use crate::{organizations::companies, testing};

    #[tokio::test]
    async fn a_query_that_forgets_the_organization_still_sees_nothing_of_the_neighbours() {
        let ground = testing::ground().await;
        let (acme, acmes) = ground.organization("acme").await;
        let (globex, theirs) = ground.organization("globex").await;
        companies::create(&acmes, &ground, acme.id, "Northwind").await.unwrap();
        let secret = companies::create(&theirs, &ground, globex.id, "Harbor").await.unwrap();
        let names = async || {
            let rows = company::Entity::find().all(ground.db.reader()).await.unwrap();
            let mut names: Vec<_> = rows.into_iter().map(|row| row.name).collect();
            names.sort();
            names
        };
        assert_eq!(names().await, ["Harbor", "Northwind"], "the gateway's own work sees all");
        if ground.db.is_sqlite() {
            return; // there is no floor to stand on
        }
        assert_eq!(within(Some(acme.id), names()).await, ["Northwind"]);
        assert_eq!(within(Some(globex.id), names()).await, ["Harbor"]);
        assert_eq!(names().await, ["Harbor", "Northwind"], "a connection forgets for whom it worked");

        // Nor does a write reach over the wall, also from the task of its own in which writes run.
        let renamed = within(
            Some(acme.id),
            ground.db.write(move |tx| {
                Box::pin(async move {
                    let mut row = secret.into_active_model();
                    row.name = Set("Taken".to_owned());
                    row.update(tx).await
                })
            }),
        );
        assert!(matches!(renamed.await, Err(DbErr::RecordNotUpdated)));
        let planted = within(
            Some(acme.id),
            ground.db.write(move |tx| {
                Box::pin(async move {
                    let row = company::Entity::find().one(tx).await?.map(|mut row| {
                        row.organization_id = globex.id;
                        row.id = Uuid::nil();
                        row
                    });
                    company::Entity::insert(row.unwrap().into_active_model()).exec_without_returning(tx).await
                })
            }),
        );
        assert!(planted.await.unwrap_err().to_string().contains("row-level security"));
        assert_eq!(names().await, ["Harbor", "Northwind"]);
    }

    #[tokio::test]
    async fn no_table_with_an_organization_is_left_out() {
        let ground = testing::ground().await;
        if ground.db.is_sqlite() {
            return; // there is no floor to stand on
        }
        let open = ground
            .db
            .reader()
            .query_all_raw(Statement::from_string(
                DbBackend::Postgres,
                "SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE c.relkind = 'r' AND a.attname = 'organization_id' AND c.relnamespace = current_schema()::regnamespace
                   AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))",
            ))
            .await
            .unwrap();
        let open: Vec<String> = open.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        assert_eq!(open, Vec::<String>::new());
    }
}
