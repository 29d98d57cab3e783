//! Connections: taken while there is room for them, greeted, served, and let
//! come to their end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::connection::{Patience, Phase, Stream, Transport};
use crate::http::{self, Service};
use crate::room::{Place, Room};
use crate::{notify, tls};

/// Takes connections until `stop`, and lets those that are being answered come
/// to their end.
pub(crate) async fn accept(
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()>,
) {
    let start = service.gateway.current();
    // It is for the rest of the process's life, as its connections are.
    let room: &'static Room = Box::leak(Box::new(Room::new(
        start.settings.connections,
        start.settings.connections_per_source,
    )));
    drop(start);
    let open = GracefulShutdown::new();
    let (serving, stopping) = watch::channel(());
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = next(&listener, room, service) => accepted,
        };
        let Some((tcp, peer, place)) = accepted else {
            continue;
        };
        let connection = Connection {
            service,
            peer,
            place,
            room,
        };
        let mut stopping = stopping.clone();
        let watcher = open.watcher();
        let counted = service.gateway.meters.connection();
        tokio::spawn(async move {
            let _counted = counted;
            let connected = tokio::select! {
                connected = connection.greet(tcp) => connected,
                // Nothing was asked yet.
                _ = stopping.changed() => None,
            };
            if let Some((transport, patience)) = connected {
                connection.serve(transport, patience, watcher).await;
            }
        });
    }
    drop((listener, serving));
    info!(event = "stopping");
    notify::tell(notify::State::Stopping);
    let patience = service.gateway.current().settings.stop_timeout;
    if tokio::time::timeout(patience, open.shutdown())
        .await
        .is_err()
    {
        warn!(event = "stopped", "some connections were cut off");
    }
}

/// The longest head, in octets; a longer one is answered 431. hyper takes no
/// less.
const MAX_HEAD: usize = 8192;

/// A connection that has its place.
struct Connection {
    service: Service,
    peer: SocketAddr,
    place: Place<'static>,
    room: &'static Room,
}

impl Connection {
    /// Comes to where requests can be read, with what is configured now.
    async fn greet(&self, tcp: TcpStream) -> Option<(Transport, Patience)> {
        let generation = self.service.gateway.current();
        let settings = &generation.settings;
        let patience = Patience {
            head: settings.header_timeout,
            idle: settings.idle_timeout,
        };
        let transport = match &settings.tls {
            None => Transport::Plain(tcp),
            Some(tls) => {
                let stream = tls::handshake(tls, tcp, self.peer.ip(), patience.head).await?;
                Transport::Tls(Box::new(stream))
            }
        };
        Some((transport, patience))
    }

    /// Answers its requests until it ends.
    async fn serve(self, transport: Transport, patience: Patience, watcher: Watcher) {
        let Connection {
            service,
            peer,
            place,
            room,
        } = self;
        let phase = Phase::new();
        let stream = TokioIo::new(Stream::new(transport, phase.clone(), patience));
        let answer = service_fn(move |request| {
            let phase = phase.clone();
            async move {
                let reply = service.answer(request, peer.ip(), &phase).await;
                // Somebody may be waiting for this connection's place.
                Ok::<_, Infallible>(match room.is_full() {
                    true => http::closing(reply),
                    false => reply,
                })
            }
        });
        let connection = http1::Builder::new()
            .half_close(true)
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD)
            .serve_connection(stream, answer);
        // Why a connection ended is the client's business.
        let _ended = watcher.watch(connection).await;
        drop(place);
    }
}

/// The next connection, once there is room for one more. One that is beyond its
/// source's share is closed.
async fn next(
    listener: &TcpListener,
    room: &'static Room,
    service: Service,
) -> Option<(TcpStream, SocketAddr, Place<'static>)> {
    room.free().await;
    match listener.accept().await {
        Ok((tcp, peer)) => {
            let generation = service.gateway.current();
            let trusted = generation.settings.peer(peer.ip()).is_trusted();
            let Some(place) = room.take(peer.ip(), trusted) else {
                info!(event = "too_many_connections", source = %peer.ip());
                return None;
            };
            // An answer is one write; it need not wait for another.
            let _slower = tcp.set_nodelay(true);
            Some((tcp, peer, place))
        }
        Err(error) => {
            warn!(event = "not_accepted", %error);
            // Too many open files: give some time to be closed.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
