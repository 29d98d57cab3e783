//! `smallgate serve`: from the command line to connections, and to a stop.

use std::io::{self, Write};
use std::net::SocketAddr;

use smallgate_core::profile::Profile;
use tokio::net::TcpListener;
use tracing::{info, warn};

use crate::accept::accept;
use crate::clock::HostClock;
use crate::config::{DEFAULT_LISTEN, Notes};
use crate::gateway::Gateway;
use crate::generation::{Generation, Origin, Ready, Source};
use crate::http::Service;
use crate::keys::Made;
use crate::reload::Reload;
use crate::signals::HangUps;
use crate::store::{Place, Store};
use crate::{credentials, demo, files, notify, scrape, signals};

/// What to serve.
pub(crate) struct Plan {
    pub(crate) from: Source,
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
    // One that comes before there is anything to reload is no end. A demonstration has
    // nothing to read again, and ends with its terminal.
    let hang_ups = match plan.from {
        Source::Demonstration => None,
        Source::File(_) | Source::Image(_) => Some(HangUps::caught()?),
    };
    let origin = Origin {
        from: plan.from,
        profile: plan.profile,
        made: Made::default(),
        salt: credentials::random()?,
    };
    let (found, settings) = origin.find()?;
    let store_settings = found.store_settings()?;
    let listen = plan.listen.or(settings.listen).unwrap_or(DEFAULT_LISTEN);
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| not_listened_on(listen, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("the address listened on is not known: {error}"))?;
    let scheme = match settings.tls {
        Some(_) => "https",
        None => "http",
    };
    let url = format!("{scheme}://{address}");
    if settings.can_be_overheard(address.ip()) {
        warn!(
            event = "unencrypted",
            address = %address,
            "secrets and tokens can be read on their way here: configure [server.tls], or in trusted_proxies what speaks TLS before it"
        );
    }
    let metrics = match settings.metrics {
        Some(metrics) => Some(scrape::listener(metrics, listen).await?),
        None => None,
    };

    let generation = origin.generation(found, settings, &url)?;
    let keeps = !matches!(plan.store, Place::Memory);
    let shares = matches!(plan.store, Place::Nats(_));
    if keeps && generation.has_made_keys() {
        return Err(MADE_AND_KEPT.to_owned());
    }
    let demonstrated = matches!(origin.from, Source::Demonstration);
    say(&generation);
    remark(&generation, demonstrated);
    let profile = generation.server().configuration().profile;
    let configuration = generation.server().configuration();
    files::make_room(generation.settings.connections);
    let store = Store::open(&plan.store, &store_settings, configuration).await?;
    let gateway = Gateway::new(generation, plan.clock, store);
    let gateway: &'static Gateway = Box::leak(Box::new(gateway));
    gateway.keep_tending()?;
    tokio::spawn(gateway.keep_watching());
    let stop = signals::stop()?;
    announce(&url, demonstrated.then_some(&profile));
    notify::tell(notify::State::Ready);
    let reload = Reload {
        origin,
        url,
        listen: plan.listen,
        keeps,
        shares,
    };
    if let Some(hang_ups) = hang_ups {
        tokio::spawn(reload.at_each(hang_ups, gateway));
    }
    if let Some(metrics) = metrics {
        tokio::spawn(scrape::accept(metrics, gateway));
    }
    accept(listener, Service { gateway }, stop).await;
    Ok(())
}

/// Why keys that are made and a store that outlives them do not go together.
pub(crate) const MADE_AND_KEPT: &str = "--store: what is kept ends with a key that is made at each start; configure keys.signing and keys.handle";

pub(crate) fn not_listened_on(listen: SocketAddr, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "`--listen 127.0.0.1:0` picks a free port",
        io::ErrorKind::PermissionDenied => "choose a port of 1024 or more with --listen",
        _ => "name an address of this computer with --listen, such as 127.0.0.1:8080",
    };
    format!("{listen} can not be listened on: {error}\n  remedy: {remedy}")
}

/// What is served, on standard error.
fn say(generation: &Generation) {
    let Ready {
        server,
        devices,
        notes,
        throttle: _,
    } = generation.ready();
    let configuration = server.configuration();
    info!(
        event = "start",
        profile = configuration.profile.name,
        issuer = configuration.issuer,
        audience = configuration.audience,
        clients = configuration.clients.len(),
        users = configuration.users.len(),
        devices = devices.len(),
    );
    info!(
        event = "signing_key",
        alg = configuration.signer.algorithm().name(),
        kid = configuration.signer.key_id(),
        configured = !notes.signing_key_made,
        verifying = configuration.verifiers.len(),
    );
}

/// What an operator should know of it.
pub(crate) fn remark(generation: &Generation, demonstrated: bool) {
    let Notes {
        demo,
        signing_key_made,
        handle_key_made,
        issuer_assumed,
        exposed_keys,
    } = &generation.ready().notes;
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
    let tls = generation.settings.tls.as_ref();
    for path in exposed_keys
        .iter()
        .chain(tls.and_then(|tls| tls.exposed.as_ref()))
    {
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
