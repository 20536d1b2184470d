//! A way between a node and its database that can be cut: nothing goes through any more, and neither end is told.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// It. What is under way when it is cut arrives once it is healed, as TCP has it.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub port: u16,
    is_open: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// From a port of its own to this address.
    pub async fn start(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let is_open = Arc::new(watch::Sender::new(true));
        let gate = Arc::clone(&is_open);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (to, gate) = (to.clone(), gate.subscribe());
                tokio::spawn(async move {
                    let mut first = gate.clone();
                    open(&mut first).await;
                    let Ok(far) = TcpStream::connect(to).await else { return };
                    let (from_near, to_near) = near.into_split();
                    let (from_far, to_far) = far.into_split();
                    tokio::spawn(carry(from_near, to_far, gate.clone()));
                    tokio::spawn(carry(from_far, to_near, gate));
                });
            }
        });
        Self { port, is_open }
    }

    pub fn cut(&self) {
        self.is_open.send_replace(false);
    }

    pub fn heal(&self) {
        self.is_open.send_replace(true);
    }
}

async fn open(gate: &mut watch::Receiver<bool>) {
    let _ = gate.wait_for(|is_open| *is_open).await;
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut gate: watch::Receiver<bool>) {
    let mut some = vec![0; 16 * 1_024];
    while let Ok(count @ 1..) = from.read(&mut some).await {
        open(&mut gate).await;
        if to.write_all(&some[..count]).await.is_err() {
            return;
        }
    }
    open(&mut gate).await;
    let _ = to.shutdown().await;
}
