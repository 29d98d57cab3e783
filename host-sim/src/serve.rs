//! `smallgate serve`: from the command line to connections, and to a stop.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use smallgate_core::oauth::{AuthorizationServer, ThrottlePolicy};
use smallgate_core::profile::Profile;
use smallgate_firmware::devices::Device;
use tokio::net::{TcpListener, TcpStream};
use tracing::{info, warn};

use crate::clock::HostClock;
use crate::config::{Built, Document, Notes, ServerSettings};
use crate::connection::{Patience, Phase, Stream};
use crate::demo;
use crate::gateway::Gateway;
use crate::http::{self, Service};
use crate::provision;
use crate::room::{Place as Seat, Room};
use crate::store::{Place, Store};

/// Where to listen if nobody says.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// What to serve.
pub(crate) struct Plan {
    /// A configuration, or a built-in demonstration.
    pub(crate) config: Option<PathBuf>,
    /// An image instead of either.
    pub(crate) image: Option<PathBuf>,
    pub(crate) profile: Option<&'static Profile>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) clock: HostClock,
    pub(crate) store: Place,
}

/// Serves until the process is told to stop.
pub(crate) fn serve(plan: Plan) -> Result<(), String> {
    // Two at least, so that exchanges are under way at once on any computer.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(2))
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime does not start: {error}"))?;
    let outcome = runtime.block_on(run(plan));
    // What is not done by now, such as a long hash, is not waited for.
    runtime.shutdown_background();
    outcome
}

async fn run(plan: Plan) -> Result<(), String> {
    let origin = Origin::find(&plan)?;
    let settings = origin.server_settings()?;
    let listen = plan.listen.or(settings.listen).unwrap_or(DEFAULT_LISTEN);
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| not_listened_on(listen, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("the address listened on is not known: {error}"))?;
    let url = format!("http://{address}");

    let demonstrated = matches!(origin, Origin::Demo(_));
    let Ready {
        server,
        throttle,
        devices,
        notes,
    } = origin.ready(plan.profile, &url)?;
    let made = notes.signing_key_made || notes.handle_key_made;
    if made && matches!(plan.store, Place::File { .. }) {
        return Err(
            "--store: what is kept ends with a key that is made at each start; configure keys.signing and keys.handle".to_owned(),
        );
    }
    say(&server, devices.len(), &notes, demonstrated);
    let profile = server.configuration().profile;
    let store = Store::open(&plan.store)?;
    let gateway = Gateway::new(server, throttle, plan.clock, store, devices)?;
    let gateway: &'static Gateway = Box::leak(Box::new(gateway));
    gateway.keep_tending()?;
    let service = Service {
        gateway,
        trusted_proxies: Box::leak(settings.trusted_proxies.clone().into_boxed_slice()),
        body_timeout: settings.body_timeout,
    };
    announce(&url, demonstrated.then_some(&profile));
    accept(listener, service, &settings, stop_signal()?).await;
    Ok(())
}

fn not_listened_on(listen: SocketAddr, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "`--listen 127.0.0.1:0` picks a free port",
        io::ErrorKind::PermissionDenied => "choose a port of 1024 or more with --listen",
        _ => "name an address of this computer with --listen, such as 127.0.0.1:8080",
    };
    format!("{listen} can not be listened on: {error}\n  remedy: {remedy}")
}

/// Where a configuration comes from.
enum Origin {
    File(Document),
    Demo(Document),
    Image(Box<Opened>),
}

/// What is served.
pub(crate) struct Ready {
    pub(crate) server: AuthorizationServer<'static>,
    pub(crate) throttle: ThrottlePolicy,
    pub(crate) devices: &'static [Device<'static>],
    pub(crate) notes: Notes,
}

/// An image, opened.
pub(crate) struct Opened {
    pub(crate) ready: Ready,
    pub(crate) settings: ServerSettings,
}

impl Origin {
    fn find(plan: &Plan) -> Result<Self, String> {
        if let Some(path) = &plan.image {
            return provision::open(path).map(|opened| Origin::Image(Box::new(opened)));
        }
        match &plan.config {
            Some(path) => Document::read(path).map(Origin::File),
            None => demo::document(plan.profile).map(Origin::Demo),
        }
        .map_err(|error| error.to_string())
    }

    fn server_settings(&self) -> Result<ServerSettings, String> {
        match self {
            Origin::File(document) | Origin::Demo(document) => document.server_settings(),
            Origin::Image(opened) => Ok(opened.settings.clone()),
        }
        .map_err(|error| error.to_string())
    }

    fn ready(self, profile: Option<&Profile>, url: &str) -> Result<Ready, String> {
        let document = match self {
            Origin::Image(opened) => return Ok(opened.ready),
            Origin::File(document) | Origin::Demo(document) => document,
        };
        let Built {
            server,
            throttle,
            devices,
            notes,
            packing: _,
        } = document
            .build(profile, url)
            .map_err(|error| error.to_string())?;
        Ok(Ready {
            server,
            throttle,
            devices,
            notes,
        })
    }
}

/// What an operator should know, on standard error.
fn say(server: &AuthorizationServer<'_>, devices: usize, notes: &Notes, demonstrated: bool) {
    let Notes {
        demo,
        signing_key_made,
        handle_key_made,
        issuer_assumed,
        exposed_keys,
    } = notes;
    let configuration = server.configuration();
    info!(
        event = "start",
        profile = configuration.profile.name,
        issuer = configuration.issuer,
        audience = configuration.audience,
        clients = configuration.clients.len(),
        users = configuration.users.len(),
        devices,
    );
    info!(
        event = "signing_key",
        alg = configuration.signer.algorithm().name(),
        kid = configuration.signer.key_id(),
        configured = !*signing_key_made,
        verifying = configuration.verifiers.len(),
    );
    if *demo {
        warn!("demo = true: secrets may be guessable. Not for anything but a demonstration");
    }
    if *signing_key_made {
        warn!("no key configured: one was made, and tokens end with this process");
    }
    if *handle_key_made {
        warn!(
            "no handle key configured: one was made, and codes and refresh tokens end with this process"
        );
    }
    if *issuer_assumed && !demonstrated {
        warn!("no issuer configured: it is the address listened on");
    }
    for path in exposed_keys {
        warn!(
            event = "key_exposed",
            path = %path.display(),
            "others than its owner may read or write this private key: chmod 600 it"
        );
    }
}

/// The line that says that requests are answered, and for a demonstration
/// lines to try it with.
fn announce(url: &str, demonstrated: Option<&Profile>) {
    let mut lines = format!("listening on {url}\n");
    if let Some(profile) = demonstrated {
        lines.push_str(&demo::curl_lines(profile, url));
    }
    // Nobody may be reading: that is no reason to stop.
    let mut stdout = io::stdout().lock();
    let _unread = stdout
        .write_all(lines.as_bytes())
        .and_then(|()| stdout.flush());
}

/// SIGINT and SIGTERM, caught from the moment this is called.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let unheard = |error| format!("signals can not be handled: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    Ok(async {
        let _unheard = tokio::signal::ctrl_c().await;
    })
}

/// Takes connections until `stop`, and lets those that are being answered come
/// to their end.
async fn accept(
    listener: TcpListener,
    service: Service,
    settings: &ServerSettings,
    stop: impl Future<Output = ()>,
) {
    let patience = Patience {
        head: settings.header_timeout,
        idle: settings.idle_timeout,
    };
    // It is for the rest of the process's life, as its connections are.
    let room: &'static Room = Box::leak(Box::new(Room::new(
        settings.connections,
        settings.connections_per_source,
    )));
    let open = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = next(&listener, room, service) => accepted,
        };
        let Some((tcp, peer, place)) = accepted else {
            continue;
        };
        let phase = Phase::new();
        let stream = TokioIo::new(Stream::new(tcp, phase.clone(), patience));
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
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // Why a connection ended is the client's business.
            let _ended = connection.await;
            drop(place);
        });
    }
    drop(listener);
    info!(event = "stopping");
    if tokio::time::timeout(settings.stop_timeout, open.shutdown())
        .await
        .is_err()
    {
        warn!(event = "stopped", "some connections were cut off");
    }
}

/// The longest head, in octets; a longer one is answered 431. hyper takes no
/// less.
const MAX_HEAD: usize = 8192;

/// The next connection, once there is room for one more. One that is beyond its
/// source's share is closed.
async fn next(
    listener: &TcpListener,
    room: &'static Room,
    service: Service,
) -> Option<(TcpStream, SocketAddr, Seat<'static>)> {
    room.free().await;
    match listener.accept().await {
        Ok((tcp, peer)) => {
            let trusted = service.peer(peer.ip()).is_trusted();
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
