//! `/metrics`, on a listener of its own: plain HTTP, few connections, each bounded.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE as PROMETHEUS;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::info;

use crate::connection::{Patience, Phase, Stream, Transport};
use crate::gateway::Gateway;
use crate::serve::not_listened_on;

/// Connections at once; more are closed.
const MOST: usize = 16;

/// Who scrapes does so in one go, and comes again within minutes.
const PATIENCE: Patience = Patience {
    head: Duration::from_secs(5),
    idle: Duration::from_secs(120),
};

/// Listens on `address`, which is not where the `gateway` does.
pub(crate) async fn listener(
    address: SocketAddr,
    gateway: SocketAddr,
) -> Result<TcpListener, String> {
    if address == gateway && address.port() != 0 {
        return Err(format!(
            "[metrics] listen: the gateway itself listens on {address}\n  remedy: use another port, such as 127.0.0.1:9464"
        ));
    }
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| format!("[metrics]: {}", not_listened_on(address, &error)))
}

/// Takes connections for the rest of the process's life.
pub(crate) async fn accept(listener: TcpListener, gateway: &'static Gateway) {
    if let Ok(address) = listener.local_addr() {
        info!(event = "metrics", %address);
    }
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Without a place it is closed.
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            tokio::spawn(async move {
                serve(tcp, gateway).await;
                drop(place);
            });
        }
    }
}

async fn serve(tcp: TcpStream, gateway: &'static Gateway) {
    let phase = Phase::new();
    let stream = Stream::new(Transport::Plain(tcp), phase.clone(), PATIENCE);
    let answer = service_fn(move |request| {
        phase.answering();
        let reply = answer(&request, gateway);
        phase.answered();
        async move { Ok::<_, Infallible>(reply) }
    });
    // Why a connection ended is the client's business.
    let _ended = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

fn answer(request: &Request<Incoming>, gateway: &Gateway) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::default());
    if request.uri().path() != "/metrics" {
        *reply.status_mut() = StatusCode::NOT_FOUND;
    } else if request.method() != Method::GET && request.method() != Method::HEAD {
        *reply.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let allow = HeaderValue::from_static("GET, HEAD");
        reply.headers_mut().insert(ALLOW, allow);
    } else {
        *reply.body_mut() = Full::new(Bytes::from(gateway.metrics()));
        let format = HeaderValue::from_static(PROMETHEUS);
        reply.headers_mut().insert(CONTENT_TYPE, format);
    }
    reply
}
