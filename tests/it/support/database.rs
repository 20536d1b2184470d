//! A database of its own for every test: a file, or a database cloned from a migrated template.

use std::path::{Path, PathBuf};

use psa_gateway::db::Db;
use sea_orm::{ConnectionTrait as _, Database};
use tokio::sync::OnceCell;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// Where one test keeps its data: removed when the test ends.
pub struct Place {
    dir: PathBuf,
    url: String,
}

impl Place {
    /// SQLite, or PostgreSQL where `TEST_DATABASE_URL` names a server; through the pooler in front of it that
    /// `TEST_DATABASE_POOLER` names.
    pub async fn new() -> Self {
        let id = unique();
        let dir = std::env::temp_dir().join(format!("psa-gateway-test-{id}"));
        std::fs::create_dir_all(&dir).expect("a temporary folder");
        let url = match std::env::var("TEST_DATABASE_URL") {
            Ok(server) => clone_of_template(&server, &id).await,
            Err(_) => format!("sqlite://{}", dir.join("gateway.db").display()),
        };
        Self { dir, url }
    }

    /// An SQLite database, whatever the others are, that is not there yet.
    pub fn embedded() -> Self {
        let dir = std::env::temp_dir().join(format!("psa-gateway-test-{}", unique()));
        std::fs::create_dir_all(&dir).expect("a temporary folder");
        let url = format!("sqlite://{}", dir.join("gateway.db").display());
        Self { dir, url }
    }

    /// Whether the database is a file in the folder.
    pub fn is_embedded(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// A folder of the test's own.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The database.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A name nobody else has, in this run or another.
pub fn unique() -> String {
    psa_gateway::clock::Chance::system().alphanumeric(16).to_lowercase()
}

async fn clone_of_template(server: &str, id: &str) -> String {
    let template = TEMPLATE
        .get_or_init(|| async {
            let name = format!("psagw_template_{}", unique());
            run(server, &format!("CREATE DATABASE {name}")).await;
            let db = Db::connect(&with_database(server, &name), 2).await.expect("the template opens");
            db.migrate().await.expect("the template is migrated");
            db.close().await.expect("the template is closed");
            name
        })
        .await;
    let name = format!("psagw_{id}");
    run(server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    match std::env::var("TEST_DATABASE_POOLER") {
        Ok(pooler) => with_database(&pooler, &name),
        Err(_) => with_database(server, &name),
    }
}

async fn run(server: &str, statement: &str) {
    let admin = Database::connect(server).await.expect("TEST_DATABASE_URL answers");
    admin.execute_unprepared(statement).await.expect("a database for the test");
    admin.close().await.expect("closed");
}

fn with_database(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').expect("an address with a database in it");
    format!("{base}/{name}")
}
