//! Databases to break: a folder for SQLite, a database of one's own on a PostgreSQL server, or a whole server.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait as _, Database};

use crate::process::free_port;

/// A PostgreSQL server that is somebody else's, or our own to start and to stop.
#[derive(Clone, Debug)]
pub enum Server {
    /// The one of `TEST_DATABASE_URL`.
    Given(String),
    /// Our own.
    Own(OwnServer),
}

/// A server in a folder, with everything that makes a commit durable left on. It ends with the last of its clones.
#[derive(Clone, Debug)]
pub struct OwnServer(Arc<Cluster>);

#[derive(Debug)]
struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
}

impl Server {
    /// The given one, else our own where PostgreSQL is installed.
    pub fn any(folder: &Path) -> Result<Self, String> {
        match given() {
            Some(url) => Ok(Self::Given(url)),
            None => OwnServer::start(folder).map(Self::Own),
        }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> String {
        let url = self.url_of("postgres");
        let url = url::Url::parse(&url).expect("an address");
        format!("{}:{}", url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or(5432))
    }

    fn url_of(&self, database: &str) -> String {
        match self {
            Self::Given(url) => {
                format!("{}/{database}", url.rsplit_once('/').map_or(url.as_str(), |(base, _)| base))
            }
            Self::Own(own) => format!("postgres://postgres@127.0.0.1:{}/{database}", own.0.port),
        }
    }

    /// The address of a new database.
    pub async fn database(&self, name: &str) -> String {
        self.run(&format!("CREATE DATABASE {name}")).await.expect("a new database");
        self.url_of(name)
    }

    /// Cuts every connection to a database.
    pub async fn cut(&self, name: &str) -> Result<(), String> {
        self.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        ))
        .await
    }

    async fn run(&self, statement: &str) -> Result<(), String> {
        let own = match self {
            Self::Given(url) => url.clone(),
            Self::Own(_) => self.url_of("postgres"),
        };
        let connection = Database::connect(own).await.map_err(|error| error.to_string())?;
        let done = connection.execute_unprepared(statement).await.map_err(|error| error.to_string());
        let _ = connection.close().await;
        done.map(|_| ())
    }

    /// Removes a database; our own server goes as a whole.
    pub async fn drop_database(&self, name: &str) {
        if let Self::Given(_) = self {
            let _ = self.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

/// The server of the environment.
pub fn given() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

impl OwnServer {
    /// Makes and starts one.
    pub fn start(folder: &Path) -> Result<Self, String> {
        let programs = programs().ok_or("PostgreSQL's programs (initdb, pg_ctl) are not installed")?;
        let cluster = Cluster { folder: folder.join("postgres"), programs, port: free_port() };
        fs::create_dir_all(&cluster.folder).map_err(|error| error.to_string())?;
        // Who is root has to leave the server to somebody else.
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o711));
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&cluster.folder))?;
        }
        let options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"];
        run(cluster.program("initdb").args(options).arg(cluster.place()))?;
        cluster.begin()?;
        Ok(Self(Arc::new(cluster)))
    }

    /// Starts it again; returns once it takes connections.
    pub fn begin(&self) -> Result<(), String> {
        self.0.begin()
    }

    /// Stops it: `fast` (connections are cut) or `immediate` (as if it had crashed).
    pub fn end(&self, mode: &str) -> Result<(), String> {
        self.0.end(mode)
    }
}

impl Cluster {
    fn place(&self) -> PathBuf {
        self.folder.join("cluster")
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/");
        command
    }

    fn begin(&self) -> Result<(), String> {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200",
            self.port
        );
        let mut program = self.program("pg_ctl");
        program.arg("-D").arg(self.place()).arg("-l").arg(self.folder.join("log"));
        run(program.args(["-w", "-t", "60", "-o", &options, "start"]))?;
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn end(&self, mode: &str) -> Result<(), String> {
        run(self.program("pg_ctl").arg("-D").arg(self.place()).args(["-m", mode, "-w", "stop"]))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.end("immediate");
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match done {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// Whether this is root, who may mount and change owners.
pub fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status.lines().any(|line| {
            line.strip_prefix("Uid:").is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
        })
    })
}

/// Where initdb and pg_ctl lie.
fn programs() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told =
        told.and_then(|output| String::from_utf8(output.stdout).ok()).map(|path| PathBuf::from(path.trim()));
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    installed.sort();
    installed.extend(told);
    installed
        .into_iter()
        .rev()
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}
