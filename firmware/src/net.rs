//! Seats and workers: an HTTP server on an `embassy-net` stack, in fixed memory.
//!
//! A board has memory for few requests at once, and a client that finds no
//! socket listening is told that nobody is there. So there are more sockets than
//! workers: a *seat* takes a connection and holds it until a worker is free.
//!
//! ```text
//! free ─→ usher: accept ─→ arrived ─→ worker: serve ─→ free …
//! ```
//!
//! Whoever arrived first is served first. When every seat is taken, connection
//! requests stay unanswered ([`Patient`]), so that their clients ask again.

mod patient;
pub mod sntp;

use core::cell::Cell;
use core::net::IpAddr;
use core::time::Duration;

use embassy_futures::select::select;
use embassy_net::tcp::{State, TcpSocket};
use embassy_net::{Config, DhcpConfig, Ipv4Cidr, Stack, StaticConfigV4};
use embassy_time::{Instant, Timer};
use smallgate_core::http::Source;
use smallgate_core::oauth::AuthorizationServer;

use crate::http::{
    Buffers, Deadlines, Ended, Handler, Peer, Platform, Rooms, Subnet, serve, source,
};
use crate::image::{Addressing, Network};
use crate::progress::Pulse;
use crate::queue::Queue;

pub use patient::Patient;

/// The stack's configuration; without settings, what DHCP says.
#[must_use]
pub fn config(network: Option<Network<'_>>) -> Config {
    let addressing = network.map_or(Addressing::Dhcp, |network| network.addressing);
    match addressing {
        Addressing::Dhcp => {
            let mut dhcp = DhcpConfig::default();
            dhcp.hostname = network
                .and_then(|network| network.hostname)
                .and_then(|name| name.try_into().ok());
            Config::dhcpv4(dhcp)
        }
        Addressing::Static {
            address,
            prefix,
            gateway,
        } => Config::ipv4_static(StaticConfigV4 {
            address: Ipv4Cidr::new(address, prefix),
            gateway,
            dns_servers: heapless::Vec::new(),
        }),
    }
}

/// How many connections are served at once.
pub const WORKERS: usize = 4;

/// How many answers there are at once: so many clients may be slow to take one.
pub const ROOMS: usize = 2;

/// How many connections there are at most, those that wait for a worker too.
pub const SEATS: usize = 8;

/// What a socket keeps of what comes, in octets: it is the window that clients
/// see, and suffices for a usual request.
const RECEIVING: usize = 512;

/// What a socket keeps of what goes: most token responses, with their heads.
const SENDING: usize = 768;

/// A worker's room for a request: the longest body of the default limits, and
/// as much again and a half for a head.
const REQUEST: usize = 2560;

/// Memory of a connection.
pub struct Seat {
    receiving: [u8; RECEIVING],
    sending: [u8; SENDING],
}

impl Seat {
    /// All zeros, so in a `static` it costs no image.
    #[must_use]
    pub const fn new() -> Self {
        Seat {
            receiving: [0; RECEIVING],
            sending: [0; SENDING],
        }
    }

    /// A socket in this memory.
    #[must_use]
    pub fn socket<'s>(&'s mut self, stack: Stack<'s>) -> TcpSocket<'s> {
        TcpSocket::new(stack, &mut self.receiving, &mut self.sending)
    }
}

impl Default for Seat {
    fn default() -> Self {
        Self::new()
    }
}

/// Memory of a worker: it takes a request.
pub struct Desk {
    request: [u8; REQUEST],
}

/// Memory of an answer.
pub type AnswerRoom = [u8; AuthorizationServer::ROOM];

impl Desk {
    /// All zeros, so in a `static` it costs no image.
    #[must_use]
    pub const fn new() -> Self {
        Desk {
            request: [0; REQUEST],
        }
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

/// How connections are served, all of them alike.
pub struct Manners<'m, 'r> {
    /// How long a client may take.
    pub deadlines: Deadlines,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: &'m [Subnet],
    /// Where answers are written.
    pub rooms: &'m Rooms<'r>,
    /// Is told how each connection ended, and whose it was.
    pub ended: fn(Ended, Source),
}

/// Sockets on their way from seat to worker and back, in the order in which
/// their connections came.
pub struct Hall<'q, 's> {
    free: Queue<&'q mut TcpSocket<'s>, SEATS>,
    arrived: Queue<Guest<'q, 's>, SEATS>,
    /// Workers that have no connection, or are about to have none.
    available: Cell<usize>,
    /// Of the workers, in the order in which they began.
    pulses: [Pulse; WORKERS],
    begun: Cell<usize>,
}

/// A connection that waits for a worker, and whose it is. That is asked when it
/// comes: a client that has reset it has no address any more, and what it sent
/// before would be nobody's.
struct Guest<'q, 's> {
    socket: &'q mut TcpSocket<'s>,
    address: IpAddr,
}

impl<'q, 's> Hall<'q, 's> {
    /// Nobody is here yet.
    #[must_use]
    pub const fn new() -> Self {
        Hall {
            free: Queue::new(),
            arrived: Queue::new(),
            available: Cell::new(0),
            pulses: [const { Pulse::new() }; WORKERS],
            begun: Cell::new(0),
        }
    }

    /// Whether every worker is back from what it waited for.
    #[must_use]
    pub fn is_alive(&self, uptime: u64) -> bool {
        self.pulses.iter().all(|pulse| pulse.is_alive(uptime))
    }

    /// Adds a seat; more than [`SEATS`] find no room.
    pub fn furnish(&self, socket: &'q mut TcpSocket<'s>) {
        // Silent clients are asked whether they are there, so that who is gone
        // without a word is found, and who waits for an answer is not lost.
        socket.set_keep_alive(Some(ALIVE));
        // An answer is written at once, and its last piece waits for nothing.
        socket.set_nagle_enabled(false);
        let _no_room = self.free.put(socket);
    }

    /// Leads one connection to `port` after another to a seat. As many of it
    /// run as there are seats.
    pub async fn usher(&self, port: u16) -> ! {
        loop {
            let socket = self.free.take().await;
            socket.set_timeout(Some(OPENING));
            let accepted = socket.accept(port).await;
            let address = socket.remote_endpoint().map(|peer| peer.addr.into());
            match (accepted, address) {
                (Ok(()), Some(address)) => {
                    socket.set_timeout(Some(LOST));
                    let _there_is_room = self.arrived.put(Guest { socket, address });
                }
                _ => {
                    reset(socket).await;
                    let _there_is_room = self.free.put(socket);
                }
            }
        }
    }

    /// Serves one connection after another by `handler`. As many of it run as
    /// there are desks.
    pub async fn work<H: Handler>(
        &self,
        desk: &mut Desk,
        manners: &Manners<'_, '_>,
        handler: &H,
    ) -> ! {
        let number = self.begun.get();
        self.begun.set(number.saturating_add(1));
        // One more than there are desks is not watched.
        let unwatched = Pulse::new();
        let pulse = self.pulses.get(number).unwrap_or(&unwatched);
        loop {
            let attendant = Attendant::waiting(self, pulse);
            let Guest { socket, address } = self.arrived.take().await;
            attendant.is_occupied();
            attendant.is_back_within(Duration::ZERO);
            let peer = Peer {
                address,
                trusted_proxies: manners.trusted_proxies,
            };
            let buffers = Buffers {
                request: &mut desk.request,
                rooms: manners.rooms,
                // The socket gathers.
                sending: &mut [],
            };
            let serving = serve(
                socket,
                peer,
                &attendant,
                buffers,
                &manners.deadlines,
                handler,
            );
            let ended = serving.await;
            (manners.ended)(ended, source(address));
            reset(socket).await;
            let _there_is_room = self.free.put(socket);
        }
    }
}

/// A worker, as the others see it.
struct Attendant<'h, 'q, 's> {
    hall: &'h Hall<'q, 's>,
    pulse: &'h Pulse,
    /// It is among those that are available.
    is_available: Cell<bool>,
}

impl<'h, 'q, 's> Attendant<'h, 'q, 's> {
    fn waiting(hall: &'h Hall<'q, 's>, pulse: &'h Pulse) -> Self {
        pulse.rest();
        let attendant = Attendant {
            hall,
            pulse,
            is_available: Cell::new(false),
        };
        attendant.is_available_soon();
        attendant
    }

    fn is_back_within(&self, duration: Duration) {
        self.pulse.back_within(duration, Instant::now().as_millis());
    }

    fn is_available_soon(&self) {
        if !self.is_available.replace(true) {
            let available = &self.hall.available;
            available.set(available.get().saturating_add(1));
        }
    }

    fn is_occupied(&self) {
        if self.is_available.replace(false) {
            let available = &self.hall.available;
            available.set(available.get().saturating_sub(1));
        }
    }
}

impl Drop for Attendant<'_, '_, '_> {
    fn drop(&mut self) {
        self.is_occupied();
    }
}

impl Default for Hall<'_, '_> {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a client may take to complete its connection: half-open ones hold a
/// seat no longer.
const OPENING: embassy_time::Duration = embassy_time::Duration::from_secs(2);

/// How often a silent client is asked whether it is there, and after how long
/// without a word, not even that, its connection is lost.
const ALIVE: embassy_time::Duration = embassy_time::Duration::from_secs(3);
const LOST: embassy_time::Duration = embassy_time::Duration::from_secs(10);

/// Leaves the socket closed, whatever state it is in.
async fn reset(socket: &mut TcpSocket<'_>) {
    if socket.state() != State::Closed {
        socket.abort();
    }
    // What abort says to the client has to leave before the socket listens again.
    select(socket.flush(), Timer::after_millis(50)).await;
}

impl<'s> Platform<TcpSocket<'s>> for Attendant<'_, '_, 's> {
    async fn wait(&self, duration: Duration) {
        self.is_back_within(duration);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Timer::after_micros(micros).await;
    }

    fn close(&self, connection: &mut TcpSocket<'s>) {
        self.is_available_soon();
        connection.close();
    }

    fn abort(&self, connection: &mut TcpSocket<'s>) {
        if connection.state() != State::Closed {
            connection.abort();
        }
    }

    /// More wait than there are workers for: then this one ends its connection.
    fn is_wanted(&self) -> bool {
        let is_wanted = self.hall.arrived.len() > self.hall.available.get();
        if is_wanted {
            self.is_available_soon();
        }
        is_wanted
    }

    fn is_at_work(&self) {
        self.is_back_within(Duration::ZERO);
    }

    fn is_at_rest(&self) {
        self.pulse.rest();
    }
}
