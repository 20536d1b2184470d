//! A database of a benchmark's own.

use psa_gateway::db::Db;
use sea_orm::ConnectionTrait as _;

/// Makes one on a PostgreSQL server, and gives its address.
pub(super) async fn new(server: &str) -> anyhow::Result<String> {
    let name = format!("psagw_bench_{}", std::process::id());
    let admin = Db::connect(server, 2).await?;
    admin.reader().execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
    admin.close().await?;
    let mut url = url::Url::parse(server)?;
    url.set_path(&name);
    Ok(url.to_string())
}

/// Has PostgreSQL take its statistics anew, as its autovacuum does within a minute; a benchmark is over before that.
#[allow(dead_code, reason = "not every benchmark changes what there is so fast")]
pub(super) async fn analyze(db: &Db) -> anyhow::Result<()> {
    if !db.is_sqlite() {
        db.reader().execute_unprepared("ANALYZE").await?;
    }
    Ok(())
}
