//! A server for tests that plays answers and keeps what it was asked.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, key: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    /// Status, headers and body.
    Answer(u16, Vec<(String, String)>, Vec<u8>),
    /// Reads the request and closes.
    Cut,
    /// Promises more than it sends.
    Truncated,
    /// Never answers.
    Hang,
}

impl Play {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".into(), "application/json; charset=utf-8".into())];
        Self::Answer(status, headers, body.to_string().into_bytes())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        let headers = vec![("content-type".into(), "text/html".into())];
        Self::Answer(status, headers, body.as_bytes().to_vec())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer(_, headers, _) = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// The server; it lives as long as the test's runtime.
#[derive(Clone)]
pub(crate) struct Canned {
    pub(crate) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Canned {
    pub(crate) async fn start(play: impl Fn(&Asked) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (play, log) = (Arc::new(play), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (play, log) = (Arc::clone(&play), Arc::clone(&log));
                tokio::spawn(async move {
                    let _ = serve(stream, move |asked| {
                        log.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
                        play(asked)
                    })
                    .await;
                });
            }
        });
        Self { base, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was asked of one path, by method.
    pub(crate) fn calls(&self, method: &str, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|a| a.method == method && a.path.eq_ignore_ascii_case(path)).collect()
    }
}

/// One request per connection.
async fn serve(mut stream: TcpStream, play: impl Fn(&Asked) -> Play) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut asked = Asked::default();
    let mut lines = head.split("\r\n");
    let mut request = lines.next().unwrap_or_default().split(' ');
    asked.method = request.next().unwrap_or_default().to_owned();
    let target = request.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    asked.path = path.to_owned();
    asked.query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    asked.headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = asked.header("content-length").and_then(|l| l.parse::<usize>().ok()).unwrap_or(0);
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    asked.body = bytes[head_end..].to_vec();

    match play(&asked) {
        Play::Cut => Ok(()),
        Play::Hang => std::future::pending().await,
        Play::Truncated => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\"").await?;
            stream.shutdown().await
        }
        Play::Answer(status, headers, body) => {
            let mut head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
            for (name, value) in headers {
                let _ = write!(head, "{name}: {value}\r\n");
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await
        }
    }
}
