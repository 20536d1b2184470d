//! The HTTP server, on threads of its own.

use std::{any::Any, io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer,
    dev::{Extensions, ServerHandle},
    http::StatusCode,
    web,
};
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;

use super::{
    call::Call,
    control::Sent,
    faults::FaultKind,
    post,
    reply::Reply,
    world::{Shared, World},
};

/// The largest body taken, in bytes.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// A second handle on the connection's socket, to cut it with.
struct Wire(std::net::TcpStream);

/// Starts the server and its post room; both end when the handle is told to stop.
pub(super) async fn start<W: World>(
    shared: Arc<Shared<W>>,
    listener: TcpListener,
) -> io::Result<ServerHandle> {
    let (ready, started) = oneshot::channel();
    std::thread::Builder::new().name(format!("sandbox-{}", W::KEY)).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let post = actix_web::rt::spawn(post::run(Arc::clone(&shared)));
            match serve(shared, listener) {
                Ok(server) => {
                    drop(ready.send(Ok(server.handle())));
                    if let Err(error) = server.await {
                        tracing::error!(%error, platform = W::KEY, "a sandbox ended");
                    }
                }
                Err(error) => drop(ready.send(Err(error))),
            }
            post.abort();
        });
    })?;
    started.await.map_err(|_| io::Error::other("the sandbox's thread ended"))?
}

fn serve<W: World>(shared: Arc<Shared<W>>, listener: TcpListener) -> io::Result<actix_web::dev::Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&shared)))
            .app_data(web::PayloadConfig::new(LARGEST_BODY))
            .default_service(web::to(answer::<W>))
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).on_connect(keep_wire).listen(listener)?.run())
}

fn keep_wire(connection: &dyn Any, extensions: &mut Extensions) {
    let stream = connection.downcast_ref::<actix_web::rt::net::TcpStream>();
    if let Some(Ok(wire)) = stream.map(second_handle) {
        extensions.insert(Wire(wire));
    }
}

#[cfg(unix)]
fn second_handle(stream: &actix_web::rt::net::TcpStream) -> io::Result<std::net::TcpStream> {
    use std::os::fd::AsFd;
    stream.as_fd().try_clone_to_owned().map(Into::into)
}

#[cfg(windows)]
fn second_handle(stream: &actix_web::rt::net::TcpStream) -> io::Result<std::net::TcpStream> {
    use std::os::windows::io::AsSocket;
    stream.as_socket().try_clone_to_owned().map(Into::into)
}

/// A call that is not answered yet; gone when the caller is.
struct Present<W: World>(web::Data<Shared<W>>, Call);

impl<W: World> Drop for Present<W> {
    fn drop(&mut self) {
        self.0.with(|inside| inside.world.leaves(&self.1));
    }
}

async fn answer<W: World>(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared<W>>,
) -> HttpResponse {
    let call = read(&request, &body);
    if call.path.starts_with("/_") {
        return whole(shared.with(|inside| inside.control(&call)));
    }
    if let Some(refusal) = shared.with(|inside| inside.world.arrives(&call)) {
        return whole(refusal);
    }
    let _present = Present(shared.clone(), call.clone());
    let met = shared.with(|inside| inside.meet(&call.method, &call.path));
    for fault in &met {
        if let FaultKind::Delay { ms } = fault {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    let sent = shared.with(|inside| inside.dispatch(call, &met));
    for fault in &met {
        if let FaultKind::DelayAnswer { ms } = fault {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    match sent {
        Sent::Whole(reply) => {
            tokio::time::sleep(Duration::from_millis(reply.delay_ms)).await;
            whole(reply)
        }
        Sent::Half(reply) => half(reply),
        Sent::Nothing => {
            if let Some(Wire(wire)) = request.conn_data::<Wire>() {
                drop(wire.shutdown(std::net::Shutdown::Both));
            }
            // Written to a socket that is shut: nobody sees it.
            HttpResponse::InternalServerError().force_close().finish()
        }
    }
}

fn read(request: &HttpRequest, body: &web::Bytes) -> Call {
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    Call {
        method: request.method().as_str().to_owned(),
        path: request.path().to_owned(),
        query_string: request.query_string().to_owned(),
        headers: headers.collect(),
        body: body.to_vec(),
        search_lag_ms: 0,
    }
}

fn head(reply: &Reply) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(content_type) = reply.content_type {
        response.insert_header(("content-type", content_type));
    }
    for (name, value) in &reply.headers {
        response.append_header((*name, value.as_str()));
    }
    response
}

fn whole(reply: Reply) -> HttpResponse {
    head(&reply).body(reply.body)
}

fn half(mut reply: Reply) -> HttpResponse {
    let length = reply.body.len();
    reply.body.truncate(length / 2);
    let mut response = head(&reply);
    let sent = stream::once(async move { Ok(web::Bytes::from(reply.body)) });
    let cut = stream::once(async {
        // Lets the first half reach the wire before the connection breaks.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    response.no_chunking(length as u64).streaming(Box::pin(sent.chain(cut)))
}
