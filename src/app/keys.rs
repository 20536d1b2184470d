//! Where master keys come from, and the commands that rotate keys.

use std::{fmt::Write as _, path::Path};

use anyhow::Context as _;

use super::{Seams, connect};
use crate::{
    audit::{self, Change},
    clock::Chance,
    config::{Config, MasterKeyAt},
    error::Error,
    organizations::viewer::Viewer,
    vault::{
        MasterKey, MasterKeys, key_file,
        key_server::{self, KeyServer},
        rotation::{self, DataKeys, MasterKeyUse, Progress},
    },
};

/// The keys given, or the one in the data folder, made there at the first start.
pub(super) async fn master_keys(config: &Config, chance: &Chance) -> anyhow::Result<MasterKeys> {
    let mut further = Vec::new();
    let current = match &config.master_key {
        MasterKeyAt::Given(key) => {
            MasterKey::parse(key).map_err(anyhow::Error::msg)?.from_origin("setting master_key")
        }
        MasterKeyAt::Named(path) => in_file(path)?,
        MasterKeyAt::Vault(at) => {
            let server = KeyServer {
                url: at.url.clone(),
                token: at.token.clone(),
                namespace: at.namespace.clone(),
                field: at.field.clone(),
                previous_fields: at.previous_fields.clone(),
                authority: at.authority.clone(),
            };
            let keys = key_server::read(&server).await?;
            further.extend(keys.all().skip(1).cloned());
            keys.current().clone()
        }
        MasterKeyAt::Usual { path, database } => {
            if let Some(database) = database.as_ref().filter(|database| database.exists() && !path.exists()) {
                anyhow::bail!(
                    "the master key {} is gone, and the secrets in {} open with no other; restore it from your copy",
                    path.display(),
                    database.display()
                );
            }
            if key_file::make(path, chance)? {
                tracing::info!(path = %path.display(), "made a master key; keep a copy apart from the database");
            }
            in_file(path)?
        }
    };
    for key in &config.master_keys_previous.given {
        let key = MasterKey::parse(key).map_err(anyhow::Error::msg)?;
        further.push(key.from_origin("setting master_key_previous"));
    }
    for path in &config.master_keys_previous.files {
        further.push(in_file(path)?);
    }
    Ok(MasterKeys::new(current, further))
}

fn in_file(path: &Path) -> anyhow::Result<MasterKey> {
    Ok(key_file::read(path)?.from_origin(format!("file {}", path.display())))
}

/// Makes a key file that only its owner may read, and says what the key is called.
pub fn new_file(path: &Path) -> anyhow::Result<String> {
    if !key_file::make(path, &Chance::system())? {
        anyhow::bail!("{} is there already, and nothing was changed; name another file", path.display());
    }
    Ok(in_file(path)?.id().to_owned())
}

/// What `psa-gateway keys list` prints. Works without the right keys, too: it tells which are missing.
pub async fn list(config: &Config) -> anyhow::Result<String> {
    let db = connect(config).await?;
    anyhow::ensure!(
        db.pending_migrations().await? == 0,
        "the database's tables are not up to date; run `psa-gateway migrate` first"
    );
    let given = match given(config).await {
        Ok(given) => Ok(given),
        Err(error) => Err(format!("The master keys that are set cannot be read: {error:#}\n\n")),
    };
    let (uses, data_keys) = rotation::usage(db.reader(), given.as_ref().ok()).await?;
    db.close().await?;
    let mut text = given.err().unwrap_or_default();
    text.push_str(&table(&uses, &data_keys));
    Ok(text)
}

/// The keys that are set; a list makes none.
pub(super) async fn given(config: &Config) -> anyhow::Result<MasterKeys> {
    if let MasterKeyAt::Usual { path, .. } = &config.master_key {
        in_file(path)?;
    }
    master_keys(config, &Chance::system()).await
}

fn table(uses: &[MasterKeyUse], data_keys: &DataKeys) -> String {
    let mut text = format!("{:<16}  {:>9}  {:>7}  {}\n", "MASTER KEY", "DATA KEYS", "SECRETS", "WHERE");
    for one in uses {
        let origin = one.origin.as_deref().unwrap_or("not given");
        let state = match (&one.origin, one.is_current) {
            (None, _) => ": needed, give it (PSA_GATEWAY_MASTER_KEY_PREVIOUS_FILES)",
            (Some(_), true) => ": current",
            (Some(_), false) if one.can_be_removed() => ": unused, can be removed",
            (Some(_), false) => ": in use until `psa-gateway keys rotate` has run",
        };
        let _ = writeln!(text, "{:<16}  {:>9}  {:>7}  {origin}{state}", one.id, one.data_keys, one.secrets);
    }
    let _ = writeln!(text, "\n{} organizations have data keys of their own.", data_keys.organizations);
    if data_keys.replaced > 0 {
        let _ = writeln!(
            text,
            "{} older data keys are still there; `psa-gateway keys rotate --data-keys` removes what seals nothing.",
            data_keys.replaced
        );
    }
    if data_keys.lost_secrets > 0 {
        let _ = writeln!(
            text,
            "{} secrets are sealed under data keys that are gone; restore the table data_key, or type them in anew.",
            data_keys.lost_secrets
        );
    }
    text
}

/// What `psa-gateway keys rotate` does: wraps every data key under the current master key and, where that
/// is asked for, gives every organization a new data key. `tell` gets a line at a time.
pub async fn rotate(
    config: &Config,
    with_data_keys: bool,
    tell: &mut (dyn FnMut(String) + Send),
) -> anyhow::Result<()> {
    let ground = super::ground(config, &Seams::default()).await?;
    let (db, vault) = (&ground.db, &ground.vault);
    let current = vault.masters().current();
    let (id, origin) = (current.id().to_owned(), current.origin().to_owned());
    let mut change = Change::of_installation("keysRotate").is("masterKey", id.as_str());
    let line = |Progress { done, total }: Progress, what: &str| format!("{done} of {total} {what}");
    let wrapped =
        rotation::rewrap(db, vault, &mut |progress| tell(line(progress, "data keys are wrapped anew")))
            .await
            .context("what is done stays done; run it again to go on")?;
    tell(match wrapped {
        0 => format!("Every data key was wrapped by the current master key already: {id} ({origin})."),
        _ => format!("Every data key is wrapped by the current master key: {id} ({origin})."),
    });
    change = change.is("wrappedDataKeys", wrapped);
    if with_data_keys {
        let renewed =
            rotation::renew(db, vault, &mut |progress| tell(line(progress, "organizations are done"))).await;
        let renewed = renewed.context("what is done stays done; run it again to go on")?;
        change = change
            .is("newDataKeys", renewed.made)
            .is("resealedSecrets", renewed.sealed)
            .is("removedDataKeys", renewed.removed);
        tell(format!(
            "{} new data keys (another {} are younger than an hour and stay), {} secrets sealed anew, {} old \
             data keys removed. The installation's own key stays: access tokens are recognised by it.",
            renewed.made, renewed.fresh, renewed.sealed, renewed.removed
        ));
        for place in &renewed.broken {
            tell(format!("The secret in {place} does not open; restore it, or type it in anew."));
        }
        if renewed.left > 0 {
            tell(format!(
                "{} old data keys still seal something; look after the secrets above, then run this again.",
                renewed.left
            ));
        }
    }
    let ground_of = ground.clone();
    db.write(move |tx| {
        Box::pin(async move {
            audit::record(tx, &ground_of, &Viewer::gateway(), change).await?;
            Ok::<_, Error>(())
        })
    })
    .await?;
    let (uses, _) = rotation::usage(db.reader(), Some(vault.masters())).await?;
    for unused in uses.iter().filter(|one| one.can_be_removed()) {
        tell(format!(
            "The master key {} ({}) is not used any more. When every gateway runs with the current one, remove \
             it from the settings; `psa-gateway keys list` shows whether that is so. Backups made before now \
             still need it.",
            unused.id,
            unused.origin.as_deref().unwrap_or_default()
        ));
    }
    ground.db.close().await?;
    Ok(())
}
