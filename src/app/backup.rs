//! Copying the embedded database while the gateway runs, and putting a copy back.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use entity::Timestamp;

use super::{Seams, ground_at, keys};
use crate::{
    audit::{self, Change},
    clock::Chance,
    config::{Config, MasterKeyAt, sqlite_url},
    db::copy::{self, CopyError},
    error::Error,
    ground::Ground,
    organizations::viewer::Viewer,
    queue::restored::{self, Marked},
};

/// A copy that was made.
#[derive(Clone, Debug)]
pub struct BackUp {
    /// Of which file.
    pub of: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// How long it took, checking it included.
    pub took: Duration,
    /// Where the master key is, which is not in it.
    pub key: String,
}

/// A database that was put back.
#[derive(Clone, Debug)]
pub struct PutBack {
    /// Where it stands.
    pub to: PathBuf,
    /// Where the one that stood there is now, if there was one.
    pub kept: Option<PathBuf>,
    /// What was marked in it.
    pub marked: Marked,
}

/// Copies the database to a file that is not there yet, readable by its owner only. The file appears whole and checked,
/// or not at all.
pub async fn back_up(config: &Config, file: &Path) -> anyhow::Result<BackUp> {
    let timer = Instant::now();
    let of = embedded(config).with_context(|| {
        format!(
            "PostgreSQL is backed up with its own tools, while gateways run: pg_dump --format=custom --file={} \
             \"$DATABASE_URL\" (or pg_basebackup with an archive of the WAL, to go back to any moment)",
            file.display()
        )
    })?;
    anyhow::ensure!(of.is_file(), "there is no database at {}; has the gateway run yet?", of.display());
    anyhow::ensure!(
        !file.exists(),
        "{} is there already, and nothing was changed; name another file",
        file.display()
    );
    let draft = Draft::beside(file)?;
    copy::copy(&of, &draft.path).await.with_context(|| {
        format!(
            "{} could not be copied, and nothing is left of the copy; is there room for it beside {}?",
            of.display(),
            file.display()
        )
    })?;
    let written = File::open(&draft.path)?;
    written.sync_all().context("the copy could not be written to the disk, and nothing is left of it")?;
    copy::check(&draft.path).await.context("the copy is not good, and nothing is left of it")?;
    let bytes = written.metadata()?.len();
    draft.becomes(file).with_context(|| format!("the copy cannot be given its name {}", file.display()))?;
    let key = match &config.master_key {
        MasterKeyAt::Named(path) | MasterKeyAt::Usual { path, .. } => path.display().to_string(),
        MasterKeyAt::Given(_) => "the setting master_key".to_owned(),
        MasterKeyAt::Vault(_) => "the key server".to_owned(),
    };
    Ok(BackUp { of, bytes, took: timer.elapsed(), key })
}

/// Puts a copy in the database's place. Everything is done to the copy before that: it is checked, brought up to date
/// and marked as put back. What stood there is kept beside under another name.
pub async fn restore(config: &Config, seams: &Seams, file: &Path) -> anyhow::Result<PutBack> {
    let to = embedded(config).context(
        "PostgreSQL is put back with its own tools (pg_restore, or recovery to a moment); before the first gateway \
         starts on it, run: psa-gateway restore --mark-only",
    )?;
    let changes = copy::check(file).await.map_err(|error| match error {
        CopyError::Io(error) => anyhow::anyhow!("{} cannot be read: {error}", file.display()),
        error => anyhow::anyhow!("{} cannot be restored: {error}; nothing was changed", file.display()),
    })?;
    if let Some(newer) = changes.unknown.first() {
        anyhow::bail!(
            "{} was made by a newer version of this program (it has had the change {newer}); install that version, \
             then restore; nothing was changed",
            file.display()
        );
    }
    anyhow::ensure!(
        !is_same(file, &to),
        "{} is the database itself; name a copy made by `psa-gateway backup`",
        file.display()
    );
    // A key that is missing was lost, not never made.
    keys::given(config).await.context("the copy opens with no other master key; restore the key first")?;
    config.prepare_data_dir()?;
    alone(&to).await?;
    let draft = Draft::beside(&to)?;
    io::copy(&mut File::open(file)?, &mut OpenOptions::new().write(true).open(&draft.path)?)
        .with_context(|| format!("the copy does not fit beside {}; nothing was changed", to.display()))?;
    let ground = ground_at(config, secrecy::ExposeSecret::expose_secret(&sqlite_url(&draft.path)), seams)
        .await
        .context("the copy cannot be used, and nothing was changed")?;
    let marked = mark(&ground).await?;
    let at = ground.clock.now();
    ground.db.close().await?;
    anyhow::ensure!(copy::fold(&draft.path).await?, "somebody else has opened {}", draft.path.display());
    File::open(&draft.path)?.sync_all()?;
    // Once more: somebody may have started it meanwhile.
    alone(&to).await?;
    let kept = set_aside(&to, at)?;
    if let Err(error) = std::fs::rename(&draft.path, &to) {
        if let Some(kept) = &kept {
            std::fs::rename(kept, &to)
                .with_context(|| format!("the database is now at {}; move it back", kept.display()))?;
        }
        return Err(error).context("the copy cannot be moved into its place; nothing was changed");
    }
    sync_folder(&to)?;
    Ok(PutBack { to, kept, marked })
}

/// Marks a database that was put back by other means: by the tools of PostgreSQL, or as a snapshot of its disk.
pub async fn mark_only(config: &Config, seams: &Seams) -> anyhow::Result<Marked> {
    let ground = super::ground(config, seams).await?;
    let holders = restored::holders(&ground).await?;
    anyhow::ensure!(
        holders.is_empty(),
        "a gateway works on this database ({}); stop every gateway first, and if one was killed wait 30 seconds",
        holders.join(", ")
    );
    let marked = mark(&ground).await?;
    ground.db.close().await?;
    Ok(marked)
}

async fn mark(ground: &Ground) -> Result<Marked, Error> {
    let ground_of = ground.clone();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let marked = restored::mark(tx, &ground_of).await?;
                let change = Change::of_installation("databaseRestore")
                    .is("stateOf", marked.state_of.rfc3339())
                    .is("operationsOfUnknownFate", marked.operations);
                audit::record(tx, &ground_of, &Viewer::gateway(), change).await?;
                Ok(marked)
            })
        })
        .await
}

/// The embedded database's file.
fn embedded(config: &Config) -> Option<PathBuf> {
    let url = config.database_url();
    url.starts_with("sqlite:").then(|| copy::file_of(url).ok()).flatten()
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Refuses where somebody has the database open; else it is one file.
async fn alone(file: &Path) -> anyhow::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let folded = copy::fold(file).await;
    anyhow::ensure!(
        !matches!(folded, Ok(false)),
        "a gateway (or another program) has {} open; stop it, then run this again; nothing was changed",
        file.display()
    );
    if let Err(error) = folded {
        // What is to be replaced may well be broken: it is kept as it is.
        tracing::warn!(error = %error, file = %file.display(), "the present database cannot be opened");
    }
    Ok(())
}

/// Gives what stands in the database's place another name, the files beside it included.
fn set_aside(file: &Path, at: Timestamp) -> anyhow::Result<Option<PathBuf>> {
    let named = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".before-restore-{}{ending}", at.datetime().format("%Y%m%dT%H%M%SZ")));
        PathBuf::from(name)
    };
    let further = (2..100).map(|number| named(&format!("-{number}")));
    let kept = std::iter::once(named("")).chain(further).find(|path| !path.exists());
    let kept = kept.context("a hundred databases were set aside within this second; nothing was changed")?;
    // A journal that is left alone would be taken for the new database's.
    for (from, to) in copy::beside(file).into_iter().zip(copy::beside(&kept)) {
        if from.exists() {
            std::fs::rename(&from, &to).with_context(|| format!("{} cannot be moved", from.display()))?;
        }
    }
    if !file.exists() {
        return Ok(None);
    }
    std::fs::rename(file, &kept).with_context(|| format!("{} cannot be moved", file.display()))?;
    Ok(Some(kept))
}

/// An unfinished file, gone when it is dropped.
struct Draft {
    path: PathBuf,
}

impl Draft {
    /// Empty, beside a file, readable by its owner only.
    fn beside(file: &Path) -> anyhow::Result<Self> {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".part-{}", Chance::system().alphanumeric(8)));
        let path = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).with_context(|| format!("nothing can be written beside {}", file.display()))?;
        Ok(Self { path })
    }

    /// Gives it its name, which nobody else has taken meanwhile.
    fn becomes(self, file: &Path) -> io::Result<()> {
        // A link, unlike a rename, replaces nothing.
        match std::fs::hard_link(&self.path, file) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => std::fs::rename(&self.path, file)?,
            linked => linked?,
        }
        drop(self);
        sync_folder(file)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        for path in copy::beside(&self.path) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A name is on the disk only once its folder is.
fn sync_folder(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}
