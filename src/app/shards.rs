//! The databases of an installation, and bringing an organization from one to another.

use std::fmt::Write as _;

use anyhow::Context as _;

use super::{Seams, ground, keys};
use crate::{
    config::Config,
    db::Db,
    error::Error,
    organizations::{
        organization,
        relocation::{self, Pauses, Shard},
        viewer::Viewer,
    },
    vault::Vault,
};

/// Makes a database one of the installation's whose first one is at `main`.
pub(super) async fn join(config: &Config, seams: &Seams, db: &Db, main: &str) -> anyhow::Result<()> {
    let masters = keys::master_keys(config, &seams.chance).await?;
    let first = Db::connect(main, 1).await.context("the first database cannot be opened")?;
    let joined = Vault::join(&masters, first.reader(), db.reader()).await;
    first.close().await?;
    joined.with_context(|| format!("the shard {}", config.shard_name()))
}

/// What works with each of the installation's databases, the first one first.
pub async fn all(config: &Config, seams: &Seams) -> anyhow::Result<Vec<Shard>> {
    let mut shards = Vec::new();
    for config in config.of_each_shard() {
        let name = config.shard_name().to_owned();
        let ground = ground(&config, seams).await.with_context(|| format!("database {name}"))?;
        shards.push(Shard { name, ground });
    }
    Ok(shards)
}

/// Where an organization lives; its database, among all.
pub async fn home_of<'a>(shards: &'a [Shard], slug: &str) -> anyhow::Result<&'a Shard> {
    let viewer = Viewer::gateway();
    for shard in shards {
        match organization::by_slug(&viewer, &shard.ground, slug).await {
            Ok(row) if row.moved_at.is_none() => return Ok(shard),
            Ok(_) | Err(Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("there is no organization `{slug}`")
}

/// What `psa-gateway organization move` does. `tell` gets a line at a time.
pub async fn relocate(
    config: &Config,
    seams: &Seams,
    (slug, there): (&str, &str),
    pauses: Pauses,
    tell: &mut (dyn FnMut(String) + Send),
) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.has_shards(),
        "there is one database; name further ones first (setting `shards`, PSA_GATEWAY_SHARDS)"
    );
    let shards = all(config, seams).await?;
    let to = shards.iter().find(|shard| shard.name == there).with_context(|| {
        let names: Vec<_> = shards.iter().map(|shard| shard.name.as_str()).collect();
        format!("there is no shard `{there}`; there are {}", names.join(", "))
    })?;
    let from = origin(&shards, slug, to).await?;
    let moved = relocation::relocate(&Viewer::gateway(), (from, to), slug, pauses, tell).await;
    for shard in shards {
        shard.ground.db.close().await?;
    }
    Ok(moved?)
}

/// Where it comes from: where it lives, or from where it is on its way.
async fn origin<'a>(shards: &'a [Shard], slug: &str, to: &Shard) -> anyhow::Result<&'a Shard> {
    let viewer = Viewer::gateway();
    let mut living = None;
    for shard in shards {
        let Ok(row) = organization::by_slug(&viewer, &shard.ground, slug).await else { continue };
        match &row.moving_to {
            // What is left of one that went there, perhaps before it went on from there.
            Some(there) if *there == to.name && *there != shard.name => {
                if row.moved_at.is_none() {
                    return Ok(shard);
                }
                living = living.or(Some(shard));
            }
            // One that goes elsewhere, or a copy that has not arrived.
            Some(there) if row.moved_at.is_none() && *there != to.name => {
                anyhow::bail!("{slug} is on its way to {there}; have it arrive there first (--to {there})")
            }
            Some(_) => {}
            None => {
                anyhow::ensure!(shard.name != to.name, "{slug} lives in {} already", to.name);
                return Ok(shard);
            }
        }
    }
    living.with_context(|| format!("there is no organization `{slug}`"))
}

/// Which organization lives in which database, a line each.
pub async fn table(shards: &[Shard]) -> anyhow::Result<String> {
    let mut text = format!("{:<34}  {:<66}  {}\n", "DATABASE", "ORGANIZATION", "STATE");
    for shard in shards {
        for row in organization::all(&Viewer::gateway(), &shard.ground).await? {
            let state = match (&row.moving_to, row.moved_at, row.merged_into_id) {
                // What is left of one that was moved tells nothing more than the other database does.
                (Some(_), Some(_), _) => continue,
                (Some(there), None, _) if *there == shard.name => "arriving; run the move again".to_owned(),
                (Some(there), None, _) => format!("on its way to {there}; run the move again"),
                (None, _, Some(_)) => "merged into another one".to_owned(),
                (None, _, None) => "served".to_owned(),
            };
            let _ = writeln!(text, "{:<34}  {:<66}  {state}", shard.name, row.slug);
        }
    }
    Ok(text)
}
