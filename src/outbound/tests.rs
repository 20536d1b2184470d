//! What the guarded client does on the wire.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;

/// Names that lead somewhere else each time they are asked for.
#[derive(Debug)]
struct Rebinding {
    answers: Vec<Vec<SocketAddr>>,
    asked: Arc<AtomicUsize>,
}

impl Names for Rebinding {
    fn look_up<'n>(&'n self, _: &'n str) -> Found<'n> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[turn.min(self.answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// A server that reads one request a connection, and answers what `play` writes; it says who called, and the
/// head of what was asked.
async fn server<F, W>(play: F) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<(SocketAddr, String)>)
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, from)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let _ = tell.send((from, String::from_utf8_lossy(&head).into_owned()));
            tokio::spawn(play(stream));
        }
    });
    (at, told)
}

async fn say(mut stream: TcpStream, text: &'static str) {
    let _ = stream.write_all(text.as_bytes()).await;
}

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

#[tokio::test]
async fn a_name_that_turns_private_after_it_was_checked_is_not_called() {
    let (at, mut asked_of_server) = server(|stream| say(stream, EMPTY)).await;
    let asked = Arc::new(AtomicUsize::new(0));
    // The first answer is nobody's; the second leads inside, as does the third among public ones.
    let closed: SocketAddr = "8.8.8.8:0".parse().unwrap();
    let names = Rebinding { answers: vec![vec![SocketAddr::new(at.ip(), 0)]], asked: Arc::clone(&asked) };
    let client =
        GuardedClient::new(ClientOptions { names: Arc::new(names), ..ClientOptions::default() }).unwrap();
    let target = url(&format!("https://rebind.example:{}/", at.port()));
    assert_eq!(client.check_url(&target), Ok(()), "the name alone tells nothing");
    for calls in 1..=2 {
        let refused = client.send(Call::get(target.clone())).await.err().unwrap();
        assert!(refused.detail().contains("rebind.example is this machine itself"), "{refused:?}");
        assert!(matches!(refused, Failed::NotSent { .. }));
        assert_eq!(asked.load(Ordering::SeqCst), calls, "each connection looks anew");
    }
    assert!(asked_of_server.try_recv().is_err(), "the server was called");

    // Of several addresses only the public one is tried; nothing answers for it here.
    let names = Rebinding { answers: vec![vec![SocketAddr::new(at.ip(), 0), closed]], asked };
    let client = GuardedClient::new(ClientOptions {
        names: Arc::new(names),
        connect_timeout: Duration::from_millis(50),
        ..ClientOptions::default()
    });
    assert!(client.unwrap().send(Call::get(target)).await.is_err());
    assert!(asked_of_server.try_recv().is_err(), "the private one of two addresses was called");
}

#[tokio::test]
async fn an_answer_that_stands_still_is_given_up_before_the_whole_time_is_over() {
    let (at, _asked) = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\":").await;
        std::future::pending::<()>().await;
    })
    .await;
    let client = GuardedClient::new(ClientOptions {
        allow_private: PrivateAddresses::All,
        idle_timeout: Duration::from_millis(50),
        timeout: Duration::from_mins(5),
        ..ClientOptions::default()
    });
    let failed = client.unwrap().send(Call::get(url(&format!("http://{at}/")))).await.err().unwrap();
    assert!(failed.detail().contains("stood still"), "{failed:?}");
    assert!(matches!(failed, Failed::MaybeSent { status: Some(200), .. }));
}

#[tokio::test]
async fn an_answer_that_says_it_is_too_long_is_not_read() {
    let (at, _asked) = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4000000000\r\n\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let client = GuardedClient::new(ClientOptions {
        allow_private: PrivateAddresses::All,
        max_body: 1_000,
        ..ClientOptions::default()
    });
    let failed = client.unwrap().send(Call::get(url(&format!("http://{at}/")))).await.err().unwrap();
    assert!(failed.detail().contains("longer than 1000 bytes"), "{failed:?}");
}

#[tokio::test]
async fn public_addresses_are_called_through_the_proxy_and_private_ones_past_it() {
    let (proxy_at, mut asked_of_proxy) =
        server(|stream| say(stream, "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")).await;
    let (psa_at, mut asked_of_psa) = server(|stream| say(stream, EMPTY)).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let names =
        Rebinding { answers: vec![vec![SocketAddr::new(proxy_at.ip(), 0)]], asked: Arc::clone(&asked) };
    let text = format!("http://gateway:s%40fe@proxy.corp.example:{}", proxy_at.port());
    let proxy = Proxy::parse(&text.into()).unwrap();
    assert!(!format!("{proxy:?}").contains("fe@"), "{proxy:?}");
    let client = GuardedClient::new(ClientOptions {
        allow_private: PrivateAddresses::Listed(vec!["127.0.0.1".into()]),
        proxy: Some(proxy),
        names: Arc::new(names),
        ..ClientOptions::default()
    })
    .unwrap();

    let failed = client.send(Call::get(url("https://acme.halopsa.com/api?x=1"))).await.err().unwrap();
    assert!(matches!(failed, Failed::NotSent { .. }), "{failed:?}");
    let (_, head) = asked_of_proxy.recv().await.unwrap();
    assert!(head.starts_with("CONNECT acme.halopsa.com:443 "), "{head}");
    assert!(head.contains("Basic Z2F0ZXdheTpzQGZl"), "{head}");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "only the proxy's own name is looked up here");

    assert_eq!(client.send(Call::get(url(&format!("http://{psa_at}/")))).await.unwrap().status, 200);
    assert!(asked_of_psa.recv().await.is_some());
    assert!(asked_of_proxy.try_recv().is_err());
    for inside in ["https://10.0.0.1/", "https://[::1]/", "https://proxy.corp.example/"] {
        assert!(client.check_url(&url(inside)).is_err(), "{inside}: a proxy opens nothing");
    }
    for wrong in ["socks5://proxy:1080", "proxy:3128", "http://proxy/path", "http://"] {
        assert!(Proxy::parse(&wrong.to_owned().into()).is_none(), "{wrong}");
    }
}

#[cfg(target_os = "linux")] // all of 127.0.0.0/8 is this machine there
#[tokio::test]
async fn calls_come_from_the_address_that_the_operator_chose() {
    let (at, mut asked) = server(|stream| say(stream, EMPTY)).await;
    let options = |address: &str| ClientOptions {
        allow_private: PrivateAddresses::All,
        local_address: Some(address.parse().unwrap()),
        ..ClientOptions::default()
    };
    let client = GuardedClient::new(options("127.0.0.77")).unwrap();
    client.send(Call::get(url(&format!("http://{at}/")))).await.unwrap();
    assert_eq!(asked.recv().await.unwrap().0.ip().to_string(), "127.0.0.77");
    let Err(error) = GuardedClient::new(options("8.8.8.8")) else { panic!("8.8.8.8 is not ours") };
    assert!(error.to_string().contains("outbound_address"), "{error}");
}

#[test]
fn a_call_prints_no_secret() {
    let call = Call::get(url("https://acme.example/?token=canary")).bearer(&"canary".to_owned().into());
    assert!(!format!("{call:?}").contains("canary"), "{call:?}");
}
