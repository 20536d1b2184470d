//! The processes that are measured: this program again, told what to be, answering until it is asked no more.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
};

use actix_web::{App as Routes, HttpResponse, HttpServer, dev::HttpServiceFactory};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// What a process says when it is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) address: String,
    pub(super) path: String,
    pub(super) secret: String,
}

/// A process of this program that answers.
pub(super) struct Asked {
    child: Child,
    pub(super) ready: Ready,
}

impl Asked {
    pub(super) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().context("no output")?).read_line(&mut line)?;
        let ready =
            serde_json::from_str(&line).with_context(|| format!("{arguments:?} did not start: {line}"))?;
        Ok(Self { child, ready })
    }

    /// Its resident memory at the most, in KiB.
    pub(super) fn memory_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// Ends it; gives what it says last.
    pub(super) fn end(&mut self) -> anyhow::Result<String> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.child.stdout.take().context("no output")?.read_to_string(&mut said)?;
        self.child.wait()?;
        Ok(said)
    }
}

/// Says that it is ready, and waits until nobody asks any more.
pub(super) async fn until_asked_no_more(ready: &Ready) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(ready)?);
    std::io::stdout().flush()?;
    actix_web::rt::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

/// Serves nothing but an empty answer of that kind: the most that the machine and who asks can do.
pub(super) async fn serve_bare<F, S>(route: F) -> anyhow::Result<()>
where
    F: Fn() -> S + Clone + Send + 'static,
    S: HttpServiceFactory + 'static,
{
    let server = HttpServer::new(move || Routes::new().service(route())).bind("127.0.0.1:0")?;
    let address = server.addrs().first().context("no address")?.to_string();
    let running = server.disable_signals().run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    until_asked_no_more(&Ready { address, path: "/".to_owned(), secret: String::new() }).await?;
    handle.stop(false).await;
    Ok(())
}

/// The answer of the bare handler to what was posted.
pub(super) async fn answer_bare(body: actix_web::web::Bytes) -> HttpResponse {
    std::hint::black_box(&body);
    HttpResponse::Accepted().finish()
}
