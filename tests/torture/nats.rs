//! A server of NATS with JetStream, in a process of its own.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::process::free_port;

/// How long it may take to listen again: it reads what it holds.
const LISTENS: Duration = Duration::from_secs(30);

/// It, with its files in a folder.
pub struct Nats {
    program: String,
    folder: PathBuf,
    port: u16,
    /// Where it tells how it is, over HTTP.
    monitor: u16,
    child: Option<Child>,
}

impl Nats {
    /// Starts the program that `TEST_NATS_SERVER` names; says why where that cannot be.
    pub fn start(folder: &Path) -> Result<Self, String> {
        if !cfg!(feature = "nats") {
            return Err("built without the feature `nats`".to_owned());
        }
        let program = std::env::var("TEST_NATS_SERVER")
            .map_err(|_| "TEST_NATS_SERVER does not name NATS's server (nats-server)".to_owned())?;
        let (port, monitor) = (free_port(), free_port());
        let mut nats = Self { program, folder: folder.join("nats"), port, monitor, child: None };
        nats.begin()?;
        Ok(nats)
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Starts it on what it holds; returns once it takes connections.
    pub fn begin(&mut self) -> Result<(), String> {
        let child = Command::new(&self.program)
            .args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-m", &self.monitor.to_string(), "-sd"])
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", self.program))?;
        self.child = Some(child);
        let end = Instant::now() + LISTENS;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > end {
                return Err(format!("{} does not listen after {LISTENS:?}", self.program));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// How many messages lie in it.
    pub async fn holds(&self, http: &reqwest::Client) -> u64 {
        let answer = http.get(format!("http://127.0.0.1:{}/jsz", self.monitor)).send().await;
        let told: Value = answer.expect("NATS answers").json().await.expect("how it is");
        told["messages"].as_u64().expect("a number of messages")
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}
