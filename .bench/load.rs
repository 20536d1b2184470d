//! Sends requests over keep-alive connections, as fast as they are answered.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// Who asks where, for how long.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) address: String,
    pub(super) connections: usize,
    pub(super) duration: Duration,
    /// What every answer must say.
    pub(super) status: u16,
}

/// Makes a request, whole, for a connection and its count of requests.
pub(super) type Make = std::sync::Arc<dyn Fn(usize, u64) -> anyhow::Result<Vec<u8>> + Send + Sync>;

/// What came of it.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) count: usize,
    took: Duration,
    /// Of each request, in microseconds, sorted.
    waited: Vec<u32>,
    /// How long the longest answer was, in bytes.
    pub(super) answer_bytes: usize,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "a count of a benchmark")]
    pub(super) fn per_sec(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }

    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        let index = (self.waited.len() * percent / 100).min(self.waited.len().saturating_sub(1));
        f64::from(self.waited.get(index).copied().unwrap_or_default()) / 1_000.0
    }
}

impl Load {
    pub(super) async fn run(self, make: Make) -> anyhow::Result<Measured> {
        let began = Instant::now();
        let mut senders = JoinSet::new();
        for number in 0..self.connections {
            senders.spawn(self.clone().send(make.clone(), number, began + self.duration));
        }
        let mut measured = Measured::default();
        while let Some(waited) = senders.join_next().await {
            let (waited, answer_bytes) = waited??;
            measured.waited.extend(waited);
            measured.answer_bytes = measured.answer_bytes.max(answer_bytes);
        }
        measured.took = began.elapsed();
        measured.count = measured.waited.len();
        measured.waited.sort_unstable();
        Ok(measured)
    }

    /// Sends over one connection; gives how long each answer took, in microseconds, and how long the longest was.
    async fn send(self, make: Make, connection: usize, until: Instant) -> anyhow::Result<(Vec<u32>, usize)> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (mut waited, mut answer, mut longest) = (Vec::new(), Vec::with_capacity(4_096), 0);
        for number in 0_u64.. {
            let asked = Instant::now();
            if asked >= until {
                break;
            }
            let request = make(connection, number)?;
            stream.write_all(&request).await?;
            let status = read_answer(&mut stream, &mut answer).await?;
            anyhow::ensure!(status == self.status, "answered {status}: {}", String::from_utf8_lossy(&answer));
            waited.push(u32::try_from(asked.elapsed().as_micros())?);
            if number == 0 {
                let text = String::from_utf8_lossy(&answer);
                anyhow::ensure!(!text.contains("\"errors\":"), "answered {text}");
            }
            longest = longest.max(answer.len());
        }
        Ok((waited, longest))
    }
}

/// Reads one answer to its end; gives its status.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<u16> {
    answer.clear();
    loop {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = std::str::from_utf8(answer.get(..end).unwrap_or_default())?.to_ascii_lowercase();
            let status = head.split(' ').nth(1).context("no status")?.parse()?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(Ok(0), |length| length.trim().parse())?;
            while answer.len() < end + 4 + length {
                anyhow::ensure!(stream.read_buf(answer).await? > 0, "the answer broke off");
            }
            return Ok(status);
        }
        anyhow::ensure!(stream.read_buf(answer).await? > 0, "the connection was closed");
    }
}
