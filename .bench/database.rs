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
