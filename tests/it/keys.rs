//! Keys rotate by command, while the gateway runs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::json;

use crate::support::{TestApp, finding, text};

/// A folder for key files, away from the gateway's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("psa-gateway-keys-{}", psa_gateway::clock::Chance::system().alphanumeric(12));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A command of the program on the gateway's database, with one current key and perhaps an older one.
fn command(app: &TestApp, key: &str, previous: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_psa-gateway"));
    command
        .args(arguments)
        .env("PSA_GATEWAY_DATA_DIR", app.place.dir())
        .env("DATABASE_URL", app.place.url())
        .env("PSA_GATEWAY_MASTER_KEY_FILE", key)
        .env("PSA_GATEWAY_MASTER_KEY_PREVIOUS_FILES", previous)
        .env("PSA_GATEWAY_LOG_FILTER", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].iter().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}

async fn runs(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn mode(path: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(Path::new(path)).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_under_a_running_gateway_and_the_old_one_is_let_go() {
    let folder = Folder::new();
    let new = folder.file("new.key");
    let new_key = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_psa-gateway"));
        command.args(["keys", "new", &new]).output().unwrap()
    };
    let made = new_key();
    assert!(made.status.success(), "{}", said(&made));
    let new_id = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert_eq!((new_id.len(), mode(&new)), (16, 0o600));
    let again = new_key();
    assert!(!again.status.success() && said(&again).contains("is there already"), "{}", said(&again));

    let app = TestApp::start_with(&[("master_key_previous_files", &new)]).await;
    let acme = app.msp("acme").await.ready().await;
    let old = app.place.dir().join("master.key").display().to_string();
    acme.posts(&finding("CVE-1")).await.is_accepted();

    let without = runs(command(&app, &new, "", &["keys", "rotate"])).await;
    assert!(!without.status.success(), "it starts without the key that opens the database");
    assert!(said(&without).contains("is needed to open this database"), "{}", said(&without));
    let list = said(&runs(command(&app, &new, "", &["keys", "list"])).await);
    assert!(list.contains("not given: needed"), "{list}");

    // Killed at some point, and run again to its end.
    let mut killed = command(&app, &new, &old, &["keys", "rotate", "--data-keys"]).spawn().unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    let rotated = runs(command(&app, &new, &old, &["keys", "rotate", "--data-keys"])).await;
    let words = said(&rotated);
    assert!(rotated.status.success(), "{words}");
    assert!(words.contains(&new_id) && words.contains("is not used any more"), "{words}");
    let list = said(&runs(command(&app, &new, &old, &["keys", "list"])).await);
    assert!(list.contains(&format!("file {new}: current")), "{list}");
    assert!(list.contains(&format!("file {old}: unused, can be removed")), "{list}");

    let log =
        app.graphql("{ auditLog(first: 1) { nodes { action actor { kind } after } } }", json!({})).await;
    let entry = &log["auditLog"]["nodes"][0];
    assert_eq!(
        (text(entry, "/action").as_str(), text(entry, "/actor/kind").as_str()),
        ("keysRotate", "GATEWAY")
    );
    assert_eq!(text(entry, "/after/masterKey"), new_id, "{log:#}");

    // The gateway that runs through it opens its endpoint's secret and its PSA's login; its tokens work.
    app.clock.advance_secs(60);
    acme.posts(&finding("CVE-2")).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2);
    let alone = runs(command(&app, &new, "", &["keys", "rotate"])).await;
    assert!(alone.status.success(), "{}", said(&alone));
    let refused = runs(command(&app, &old, "", &["keys", "rotate"])).await;
    assert!(said(&refused).contains(&format!("the master key {new_id} is needed")), "{}", said(&refused));
}
