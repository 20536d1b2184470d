//! Posts signed webhooks as fast as they are answered.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use psa_gateway::scanners::signature;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// How long a body is, in bytes.
const BODY: usize = 2_048;

/// Who posts where, for how long.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) address: String,
    pub(super) path: String,
    pub(super) secret: String,
    pub(super) connections: usize,
    pub(super) duration: Duration,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) count: usize,
    took: Duration,
    /// Of each request, in microseconds, sorted.
    waited: Vec<u32>,
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
    pub(super) async fn run(self) -> anyhow::Result<Measured> {
        let began = Instant::now();
        let mut senders = JoinSet::new();
        for number in 0..self.connections {
            senders.spawn(self.clone().send(number, began + self.duration));
        }
        let mut measured = Measured::default();
        while let Some(waited) = senders.join_next().await {
            measured.waited.extend(waited??);
        }
        measured.took = began.elapsed();
        measured.count = measured.waited.len();
        measured.waited.sort_unstable();
        Ok(measured)
    }

    /// Sends over one connection; gives how long each answer took, in microseconds.
    async fn send(self, connection: usize, until: Instant) -> anyhow::Result<Vec<u32>> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (mut waited, mut answer) = (Vec::new(), Vec::with_capacity(4_096));
        let run = super::now();
        for number in 0_u64.. {
            let asked = Instant::now();
            if asked >= until {
                break;
            }
            let request = self.request(&format!("msg_{}_{connection}_{number}", run.0))?;
            stream.write_all(&request).await?;
            let status = read_answer(&mut stream, &mut answer).await?;
            anyhow::ensure!(status == 202, "answered {status}: {}", String::from_utf8_lossy(&answer));
            waited.push(u32::try_from(asked.elapsed().as_micros())?);
        }
        Ok(waited)
    }

    fn request(&self, id: &str) -> anyhow::Result<Vec<u8>> {
        let head = format!(
            "{{\"kind\":\"finding.opened\",\"source\":\"scanner\",\"client_ref\":\"northwind\",\"finding_key\":\"{id}\",\
             \"severity\":\"high\",\"title\":\"Outdated library\",\"body\":\""
        );
        let mut body = head.into_bytes();
        body.resize(BODY - 2, b'x');
        body.extend_from_slice(b"\"}");
        let signed = signature::sign(&self.secret, id, super::now(), &body)?;
        let mut request = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
             webhook-timestamp: {}\r\nwebhook-signature: {}\r\ncontent-length: {}\r\n\r\n",
            self.path,
            self.address,
            signed.timestamp,
            signed.signature,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(&body);
        Ok(request)
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
