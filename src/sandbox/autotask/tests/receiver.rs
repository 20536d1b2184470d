//! A listener that webhooks are sent to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Keeps what comes, and answers with a status that can be changed.
pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) status: Arc<AtomicU16>,
    /// Path, head and body.
    pub(super) received: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (status, received) = (Arc::new(AtomicU16::new(200)), Arc::default());
        let (answered, kept) = (Arc::clone(&status), Arc::clone(&received));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, answered.load(Ordering::SeqCst), &kept).await;
            }
        });
        Self { url, status, received }
    }

    pub(super) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The bodies that came to a path.
    pub(super) fn bodies(&self, path: &str) -> Vec<Value> {
        let received = self.received.lock().unwrap();
        let at_path = received.iter().filter(|(at, ..)| at == path);
        at_path.map(|(_, _, body)| serde_json::from_str(body).unwrap()).collect()
    }
}

async fn serve(mut stream: tokio::net::TcpStream, status: u16, kept: &Mutex<Vec<(String, String, String)>>) {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lower = head.to_lowercase();
        let length = lower.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            kept.lock().unwrap().push((path, head.to_owned(), body.to_owned()));
            break;
        }
    }
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}
