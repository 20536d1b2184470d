//! The file that holds the master key.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::MasterKey;
use crate::clock::Chance;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is not there.
    #[error(
        "the master key file {path} is not there; restore it, or for a new database make one: \
         (umask 077; openssl rand -hex 32 > {path})", path = .0.display()
    )]
    Missing(PathBuf),
    /// Others than its owner may read or write it.
    #[error("the master key file {path} may be read by others; run: chmod 600 {path}", path = .0.display())]
    Open(PathBuf),
    /// It holds something else.
    #[error("the master key file {}: {problem}", .path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system refuses.
    #[error("the master key file {} cannot be {verb}: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// `read` or `made`.
        verb: &'static str,
        /// Why.
        error: io::Error,
    },
}

/// Reads the key; refuses a file that others may read.
pub fn read(path: &Path) -> Result<MasterKey, KeyFileError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
        _ => KeyFileError::Io { path: path.to_owned(), verb: "read", error },
    };
    let file = File::open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyFileError::Open(path.to_owned()));
        }
    }
    let text = Zeroizing::new(io::read_to_string(file).map_err(failed)?);
    MasterKey::parse(&text.trim().to_owned().into())
        .map_err(|problem| KeyFileError::Content { path: path.to_owned(), problem })
}

/// Makes a key and its file, readable by its owner only; false where the file was there already. The file
/// appears whole or not at all, also to another gateway that starts at the same moment.
pub fn make(path: &Path, chance: &Chance) -> Result<bool, KeyFileError> {
    let failed = |error| KeyFileError::Io { path: path.to_owned(), verb: "made", error };
    if path.exists() {
        return Ok(false);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", chance.alphanumeric(8)));
    let draft = PathBuf::from(name);
    let written = write_new(&draft, chance);
    // A link, unlike a rename, does not replace what somebody else made in between.
    let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
    let _ = std::fs::remove_file(&draft);
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        // Some file systems know no links.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            write_new(path, chance).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(true)
}

fn write_new(path: &Path, chance: &Chance) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let key = MasterKey::generate(chance);
    file.write_all(key.expose_secret().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("key-{}", Chance::system().alphanumeric(12)));
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = folder();
        let path = folder.join("master.key");
        assert!(matches!(read(&path), Err(KeyFileError::Missing(_))));
        assert!(make(&path, &Chance::system()).unwrap());
        let first = format!("{:?}", read(&path).unwrap());
        assert!(!make(&path, &Chance::system()).unwrap());
        assert_eq!(format!("{:?}", read(&path).unwrap()), first);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a draft is left");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_command_that_mends_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let path = folder.join("master.key");
        make(&path, &Chance::system()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let words = read(&path).unwrap_err().to_string();
        assert!(words.contains(&format!("chmod 600 {}", path.display())), "{words}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn other_content_is_refused_and_not_shown() {
        let folder = folder();
        let path = folder.join("master.key");
        make(&path, &Chance::system()).unwrap();
        std::fs::write(&path, "canary-not-a-key").unwrap();
        let words = read(&path).unwrap_err().to_string();
        assert!(words.contains("64 hexadecimal digits") && !words.contains("canary"), "{words}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
