//! The program in processes of its own: gateways, and the sandboxes beside them.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use crate::{psas::Psa, time};

/// Below the ports that the system gives to callers, so that none of them takes one while its gateway is down.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// A port that nobody listens at, and nobody here will be given again.
pub fn free_port() -> u16 {
    let first = 18_000 + u16::try_from(std::process::id() % 100).unwrap_or(0) * 100;
    let _ = NEXT_PORT.compare_exchange(0, first, Ordering::SeqCst, Ordering::SeqCst);
    loop {
        let port = NEXT_PORT.fetch_add(1, Ordering::SeqCst);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A gateway that can be killed and started again, at the same address and on the same database.
pub struct Gateway {
    pub name: String,
    /// The program that is started next.
    pub binary: PathBuf,
    /// It takes webhooks and questions, and does no work.
    pub is_edge: bool,
    port: u16,
    settings: Vec<(String, String)>,
    log: PathBuf,
    child: Option<Child>,
    /// The most memory any of its processes had, in kilobytes.
    peak: u64,
}

impl Gateway {
    pub fn new(name: &str, binary: &Path, settings: Vec<(String, String)>, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            binary: binary.to_owned(),
            is_edge: false,
            port: free_port(),
            settings,
            log: folder.join(format!("{name}.log")),
            child: None,
            peak: 0,
        }
    }

    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The program with other words, on the same database; what it says goes into the node's log.
    pub fn command(&self, words: &[&str]) -> Command {
        let log = || OpenOptions::new().create(true).append(true).open(&self.log).expect("a log");
        let mut command = Command::new(&self.binary);
        command.args(words).envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log()).stderr(log());
        command
    }

    /// Starts it, with further variables in its environment.
    pub fn start(&mut self, more: &[(&str, &str)]) {
        let log = OpenOptions::new().create(true).append(true).open(&self.log).expect("a log");
        let child = Command::new(&self.binary)
            .args(["serve", "--listen", &format!("127.0.0.1:{}", self.port)])
            .args(self.is_edge.then_some(["--only", "web"]).into_iter().flatten())
            .env("PSA_GATEWAY_NODE_NAME", &self.name)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("the program starts"));
    }

    /// How many lines of its log say this.
    pub fn has_said(&self, words: &str) -> usize {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().filter(|line| line.contains(words)).count()
    }

    /// Waits until it takes requests. Starts it again where it ended: its database may have been away.
    pub async fn is_ready(&mut self, http: &reqwest::Client, limit: Duration) -> Result<(), String> {
        let end = Instant::now() + limit;
        let url = format!("{}/health/ready", self.base());
        loop {
            let asked = http.get(&url).timeout(Duration::from_secs(2)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!(
                    "{} is not ready after {limit:?}; see {}",
                    self.name,
                    self.log.display()
                ));
            }
            if self.has_ended() {
                tokio::time::sleep(Duration::from_millis(300)).await;
                self.start(&[]);
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// SIGKILL: nothing of it runs after this.
    pub fn kill(&mut self) {
        self.measure();
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The process's number, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    pub fn signal(&self, name: &str) {
        if let Some(id) = self.id() {
            let told = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status();
            assert!(told.is_ok_and(|status| status.success()), "{} cannot be sent {name}", self.name);
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// How it ended, once it has.
    pub async fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            self.measure();
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                self.child = None;
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// The most memory that it has had so far, in kilobytes, as Linux tells it.
    pub fn measure(&mut self) -> u64 {
        let status = self.id().map(|id| format!("/proc/{id}/status"));
        let text = status.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let peak = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        self.peak = self.peak.max(peak.unwrap_or(0));
        self.peak
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The sandboxes of all PSAs, in a process of their own.
pub struct Sandboxes {
    child: Child,
    pub psas: Vec<Psa>,
}

impl Sandboxes {
    /// Starts them and reads where they are, and how one signs in.
    pub fn start(binary: &Path, folder: &Path, clock: &Path, has_limits: bool) -> Self {
        let log = File::create(folder.join("sandbox.log")).expect("a log");
        let mut child = Command::new(binary)
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args((!has_limits).then_some("--unlimited"))
            .env(time::VARIABLE, clock)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the sandboxes start");
        let mut psas: Vec<Psa> = Vec::new();
        let output = child.stdout.take().expect("their output");
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(pair) = line.strip_prefix("  ") {
                let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
                let credentials = &mut psas.last_mut().expect("a PSA before its login").credentials;
                credentials.push((key.to_owned(), value.trim().to_owned()));
            } else if let Some((_, rest)) = line.split_once(" (platform ") {
                let (key, url) = rest.split_once("): ").expect("a platform and its address");
                psas.push(Psa::new(key, url));
            } else {
                break;
            }
        }
        assert!(!psas.is_empty(), "no sandbox has started");
        Self { child, psas }
    }
}

impl Drop for Sandboxes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
