//! The machine: files, their permissions, room on the disk, and settings that are unwise together.

use std::path::Path;

use super::{Check, size};

/// Less room than this is too little for a busy hour.
const LITTLE: u64 = 1_000_000_000;
/// Less than this, and the next storm fills it.
const NONE: u64 = 100_000_000;

/// How a file or folder of ours stands on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Where.
    pub path: String,
    /// Who may do what, as `chmod` takes it; none where the system knows no such thing.
    pub mode: Option<u32>,
    /// The same of the folder that holds it.
    pub folder_mode: Option<u32>,
    /// How much room is left beside it, in bytes; none where that is not told.
    pub free: Option<u64>,
}

/// Looks at a file and its folder.
pub fn look(path: &Path) -> FileFacts {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    FileFacts {
        path: path.display().to_string(),
        mode: mode(path),
        folder_mode: mode(folder),
        free: free(folder),
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).ok().map(|file| file.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_path: &Path) -> Option<u32> {
    None
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

/// Who may read the database's file, and how much room is beside it. A back-up wants as much room as the database.
pub fn file(facts: &FileFacts, database_bytes: u64) -> Vec<Check> {
    let mut checks = Vec::new();
    // Others do not come to a file in a folder that they may not enter.
    let open = |bits: u32| {
        facts.mode.is_some_and(|mode| mode & bits != 0)
            && facts.folder_mode.is_none_or(|mode| mode & 0o011 != 0)
    };
    let path = &facts.path;
    checks.push(if open(0o022) {
        let next = format!("run: chmod 600 {path}");
        Check::bad("database.permissions", format!("others than its owner may write {path}"), next)
    } else if open(0o044) {
        let next = format!("run: chmod 600 {path}");
        let seen = format!("others than its owner may read {path}: what scanners reported is not sealed");
        Check::look("database.permissions", seen, next)
    } else {
        Check::ok("database.permissions", format!("only its owner gets at {path}"))
    });
    if let Some(free) = facts.free {
        let seen = format!("{} are free beside it", size(free));
        let next = "make room: on a full disk senders are answered 503 until there is some";
        checks.push(if free < NONE {
            Check::bad("database.room", seen, next)
        } else if free < LITTLE.max(database_bytes) {
            Check::look("database.room", format!("{seen}, the database has {}", size(database_bytes)), next)
        } else {
            Check::ok("database.room", seen)
        });
    }
    checks
}

/// Settings that matter to who can reach the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one setting, or follows from one")]
pub struct Doors {
    /// It listens to other machines.
    pub is_public: bool,
    /// Under which address others reach it, where that was said.
    pub public_url: Option<String>,
    /// It takes callers' addresses from a proxy.
    pub has_proxies: bool,
    /// GraphiQL is shown.
    pub graphiql: bool,
    /// Every private address may be called.
    pub calls_everywhere: bool,
}

/// Which of them are unwise.
pub fn doors(doors: &Doors) -> Vec<Check> {
    let mut checks = Vec::new();
    let url = doors.public_url.as_deref();
    let is_plain = url.is_some_and(|url| url.starts_with("http://") && !is_local(url));
    if is_plain || (url.is_none() && doors.is_public && !doors.has_proxies) {
        checks.push(Check::look(
            "settings.public_url",
            match url {
                Some(url) => format!("{url} is not encrypted: tokens and findings can be read on the way"),
                None => "it listens to other machines, and no address with https is set".to_owned(),
            },
            "put a proxy with TLS before it, and set PSA_GATEWAY_PUBLIC_URL=https://… and \
             PSA_GATEWAY_TRUSTED_PROXIES",
        ));
    }
    if doors.graphiql && (doors.is_public || url.is_some_and(|url| !is_local(url))) {
        checks.push(Check::look(
            "settings.graphiql",
            "GraphiQL and the schema are shown to everybody who reaches the gateway",
            "set PSA_GATEWAY_GRAPHIQL=false; who may INTROSPECT sees them all the same",
        ));
    }
    if doors.calls_everywhere {
        checks.push(Check::look(
            "settings.private_addresses",
            "psa_private_addresses is *: who may change connections can make the gateway call into your network",
            "name the PSAs' hosts or networks instead",
        ));
    }
    if checks.is_empty() {
        checks.push(Check::ok("settings", "nothing unwise"));
    }
    checks
}

fn is_local(url: &str) -> bool {
    let host = url.trim_start_matches("http://").trim_start_matches("https://");
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}
