//! The gateway, from a provisioning image to workers that answer: what is the
//! same on every board.
//!
//! A board says what it has ([`Board`]), lends memory for the rest
//! ([`Memory`]), and calls the steps in their order:
//!
//! ```text
//! Image::open ─→ configure ─→ awaken ─→ gateway ─→ connect ─→ open_doors
//!                server       vitals    store      stack      ushers, workers
//! ```
//!
//! What takes a board's own types is a task of the board's: its network driver,
//! [`Hall::work`](net::Hall::work) for each desk, and [`tend`] with its bus.
//
// The steps are not inlined: each holds much on the stack, and not at the same time.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod keeping;
mod tables;

use core::cell::RefCell;
use core::net::SocketAddrV4;

use embassy_executor::Spawner;
use embassy_futures::join::join;
use embassy_futures::yield_now;
use embassy_net::tcp::TcpSocket;
use embassy_net::{Runner, Stack, StackResources};
use embassy_net_driver::Driver;
use embassy_time::{Instant, Timer};
use embedded_hal::i2c::I2c;
use heapless::Vec;
use smallgate_core::jose::Verifier;
use smallgate_core::jwt::TokenCache;
use smallgate_core::oauth::{AuthorizationServer, Throttle, ThrottleSlot};
use smallgate_core::store::Store;
use smallgate_core::time::UnixTime;
use static_cell::{ConstStaticCell, StaticCell};

use crate::clock::TrustedClock;
use crate::devices::{self, Devices, INTERVAL, Pins};
use crate::entropy::{EntropySource, Generator};
use crate::events;
use crate::http::{Deadlines, Gateway, Rooms, Subnet, Surroundings};
use crate::image::{Es256, Image, MAX_PROXIES, MAX_RETIRED_KEYS, ReadyKey};
use crate::net::sntp::Ears;
use crate::net::{self, AnswerRoom, Desk, Patient, ROOMS, SEATS, Seat, WORKERS};
use crate::rtc::Rtc;
use crate::store::Kept;
use crate::vitals::Vitals;

use keeping::Keeper;
pub use tables::{StartError, Tables};

/// The port of HTTP.
pub const PORT: u16 = 80;

/// What one board has and another has not.
pub trait Board: 'static {
    /// What computes ES256.
    type Es256: Es256<Signing: 'static, Verifying: 'static>;
    /// What entropy comes from.
    type Entropy: EntropySource + 'static;
    /// What keeps grants.
    type Store: Kept + 'static;
    /// What outputs and inputs are at, such as
    /// [`Lines`](crate::devices::Lines); [`NoPins`](crate::devices::NoPins) if
    /// there are none.
    type Pins: Pins + 'static;

    /// Iterations of password hashing until others have their turn: what it does
    /// in 10 ms.
    const SLICE: u32;
}

/// Answers requests on a board.
pub type Served<B> =
    Gateway<'static, <B as Board>::Store, Vitals<<B as Board>::Entropy>, <B as Board>::Pins>;

/// Leads connections to workers.
pub type Hall = net::Hall<'static, 'static>;

/// How connections are served.
pub type Manners = net::Manners<'static, 'static>;

/// How many keys there are at most: one signs, and the others did.
const KEYS: usize = MAX_RETIRED_KEYS + 1;

/// How many verified access tokens are remembered: those of as many clients as
/// are at it at a time.
const TOKENS: usize = 4;

/// Who failed to authenticate, and how often: so many at once.
const PATIENCE: usize = 32;

/// All that a gateway keeps in RAM, but for its store and what its tasks hold:
/// a `static` of the board's. All zeros, so it costs no image.
///
/// Each step takes its part of it, and can be taken once.
pub struct Memory<B: Board> {
    keys: StaticCell<Vec<ReadyKey<B::Es256>, KEYS>>,
    verifiers: StaticCell<Vec<&'static dyn Verifier, KEYS>>,
    tables: StaticCell<Tables<'static>>,
    server: StaticCell<AuthorizationServer<'static>>,
    tokens: ConstStaticCell<TokenCache<TOKENS>>,
    vitals: StaticCell<Vitals<B::Entropy>>,
    patience: [ThrottleSlot; PATIENCE],
    throttle: StaticCell<Throttle<'static>>,
    devices: StaticCell<RefCell<Devices<'static, B::Pins>>>,
    gateway: StaticCell<Served<B>>,
    /// A socket for each seat, for DHCP, and for SNTP.
    network: StaticCell<StackResources<{ SEATS + 2 }>>,
    seats: ConstStaticCell<[Seat; SEATS]>,
    sockets: StaticCell<[TcpSocket<'static>; SEATS]>,
    hall: StaticCell<Hall>,
    desks: ConstStaticCell<[Desk; WORKERS]>,
    answers: ConstStaticCell<[AnswerRoom; ROOMS]>,
    rooms: StaticCell<Rooms<'static>>,
    proxies: StaticCell<Vec<Subnet, MAX_PROXIES>>,
    manners: StaticCell<Manners>,
}

impl<B: Board> Memory<B> {
    /// Nothing is in it.
    #[must_use]
    pub const fn new() -> Self {
        Memory {
            keys: StaticCell::new(),
            verifiers: StaticCell::new(),
            tables: StaticCell::new(),
            server: StaticCell::new(),
            tokens: ConstStaticCell::new(TokenCache::new()),
            vitals: StaticCell::new(),
            patience: [const { ThrottleSlot::new() }; PATIENCE],
            throttle: StaticCell::new(),
            devices: StaticCell::new(),
            gateway: StaticCell::new(),
            network: StaticCell::new(),
            seats: ConstStaticCell::new([const { Seat::new() }; SEATS]),
            sockets: StaticCell::new(),
            hall: StaticCell::new(),
            desks: ConstStaticCell::new([const { Desk::new() }; WORKERS]),
            answers: ConstStaticCell::new([[0; size_of::<AnswerRoom>()]; ROOMS]),
            rooms: StaticCell::new(),
            proxies: StaticCell::new(),
            manners: StaticCell::new(),
        }
    }

    /// The server that the image says, or a line about what is wrong with it.
    pub fn configure(
        &'static self,
        image: &Image<'static>,
    ) -> Option<&'static AuthorizationServer<'static>> {
        let server = self.server(image)?;
        // Only now, when what that took of the stack is free again.
        events::start(
            server.configuration(),
            image.devices().count(),
            image.is_demonstration(),
        );
        Some(server)
    }

    #[inline(never)]
    fn server(
        &'static self,
        image: &Image<'static>,
    ) -> Option<&'static AuthorizationServer<'static>> {
        let keys = self.keys.init_with(Vec::new);
        for key in core::iter::once(image.signing_key()).chain(image.retired_keys()) {
            match key.ready() {
                Ok(key) => {
                    let _as_many_as_there_are = keys.push(key);
                }
                Err(cause) => {
                    defmt::error!("event=\"key_refused\" cause={}", cause);
                    return None;
                }
            }
        }
        let verifiers = self
            .verifiers
            .init(keys.iter().map(ReadyKey::verifier).collect());
        // An image whose first key does not sign was refused when it was opened.
        let signer = keys.first().and_then(ReadyKey::signer)?;
        match self
            .tables
            .init_with(Tables::new)
            .server(image, signer, verifiers)
        {
            Ok(server) => {
                let server = self.server.init(server);
                server.remember(self.tokens.take());
                Some(server)
            }
            Err(cause) => {
                defmt::error!("event=\"configuration_refused\" cause={}", cause);
                None
            }
        }
    }

    /// The clock and the generator, as far as there is time and entropy. The
    /// `address` tells the board from others that are made like it.
    #[inline(never)]
    pub fn awaken(
        &'static self,
        image: &Image<'_>,
        entropy: B::Entropy,
        address: [u8; 6],
    ) -> &'static Vitals<B::Entropy> {
        let generator = Generator::start(entropy, &address);
        if let Err(cause) = generator.health() {
            events::entropy(Err(cause));
        }
        self.vitals.init(Vitals::new(
            TrustedClock::new(image.made_at(), UnixTime(0)),
            generator,
            || Instant::now().as_millis(),
            events::event,
        ))
    }

    /// What answers requests, and switches these `pins`. It opens the store, or
    /// says why that is not to be; everything but grants goes on without.
    pub fn gateway(
        &'static self,
        image: &Image<'static>,
        server: &'static AuthorizationServer<'static>,
        store: &'static RefCell<B::Store>,
        vitals: &'static Vitals<B::Entropy>,
        pins: B::Pins,
    ) -> &'static Served<B> {
        // Without entropy nothing is issued; what is refused is refused all the same.
        let salt = vitals.octets().unwrap_or_default();
        let throttle = Throttle::new(&self.patience, image.throttle(), salt);
        let devices = Devices::new(image.devices().into(), pins);
        let gateway = self.gateway.init(Gateway::new(
            server,
            self.throttle.init(throttle),
            store,
            vitals,
            self.devices.init(RefCell::new(devices)),
            B::SLICE,
            UnixTime(0),
        ));
        gateway.lose();
        if let Err(cause) = keeping::resume::<B>(gateway) {
            events::store_failed(cause);
        }
        gateway
    }

    /// The network on `driver`, and what runs it: for a task of the board's.
    #[inline(never)]
    pub fn connect<D: Driver>(
        &'static self,
        image: &Image<'_>,
        driver: D,
        vitals: &Vitals<B::Entropy>,
    ) -> (Stack<'static>, Runner<'static, Patient<D>>) {
        // Its ports and sequence numbers begin there.
        let seed = vitals.octets().unwrap_or_default();
        embassy_net::new(
            Patient(driver),
            net::config(image.network()),
            self.network.init_with(StackResources::new),
            u64::from_le_bytes(seed),
        )
    }

    /// Seats with their ushers. A worker of the board's at each desk serves who
    /// is led to the hall.
    #[inline(never)]
    pub fn open_doors(
        &'static self,
        spawner: Spawner,
        image: &Image<'_>,
        stack: Stack<'static>,
    ) -> (
        &'static Hall,
        &'static Manners,
        &'static mut [Desk; WORKERS],
    ) {
        let proxies = self.proxies.init_with(Vec::new);
        // There is room for as many as an image has.
        let _ = image.fill_trusted_proxies(proxies);
        let rooms = self.rooms.init_with(Rooms::new);
        for room in self.answers.take() {
            let _there_is_room = rooms.put(room);
        }
        let manners = self.manners.init(Manners {
            deadlines: Deadlines::DEFAULT.with(image.timeouts()),
            trusted_proxies: proxies,
            rooms,
            ended: events::connection,
        });
        let hall = self.hall.init_with(Hall::new);
        let seats = self.seats.take().each_mut();
        for socket in self.sockets.init(seats.map(|seat| seat.socket(stack))) {
            hall.furnish(socket);
            if let Ok(usher) = usher(hall) {
                spawner.spawn(usher);
            }
        }
        if let Ok(announcement) = announcement(stack) {
            spawner.spawn(announcement);
        }
        (hall, manners, self.desks.take())
    }
}

impl<B: Board> Default for Memory<B> {
    fn default() -> Self {
        Self::new()
    }
}

/// Without an address nobody is heard.
#[embassy_executor::task]
async fn announcement(stack: Stack<'static>) {
    stack.wait_config_up().await;
    if let Some(config) = stack.config_v4() {
        events::listening(config.address.address(), PORT);
    }
}

#[embassy_executor::task(pool_size = SEATS)]
async fn usher(hall: &'static Hall) {
    hall.usher(PORT).await
}

/// How often a watchdog is fed, in seconds; one that waits for five times as
/// long has time for all that is well.
pub const FEEDING: u64 = 2;

/// Runs the network, and calls `feed` as long as the gateway makes progress:
/// for the board's watchdog.
///
/// That the network's own task feeds it means that the network was polled.
pub async fn run<B: Board>(
    runner: &mut Runner<'_, impl Driver>,
    hall: &Hall,
    gateway: &Served<B>,
    mut feed: impl FnMut(),
) {
    let vitals = gateway.surroundings();
    let feeding = async {
        loop {
            match hall.is_alive(Instant::now().as_millis()) && vitals.is_alive() {
                true => feed(),
                false => defmt::error!("event=\"stuck\""),
            }
            Timer::after_secs(FEEDING).await;
        }
    };
    join(runner.run(), feeding).await;
}

/// Looks after sensors, time and entropy, and after a store that failed. Who owns
/// the bus runs this, so nobody has to share it. And asks the `server` that the
/// image may name for the time.
pub async fn tend<B: Board>(
    gateway: &Served<B>,
    bus: &mut impl I2c,
    stack: Stack<'_>,
    server: Option<SocketAddrV4>,
) {
    let vitals = gateway.surroundings();
    let tending = async {
        let mut passed: u32 = 0;
        let mut keeper = Keeper::of::<B>(gateway);
        loop {
            Timer::after_secs(INTERVAL.into()).await;
            let mut all = 0..;
            while all.next().is_some_and(|at| read_sensor(gateway, at, bus)) {
                // Others have their turn between two, however long one takes.
                yield_now().await;
            }
            passed = passed.wrapping_add(INTERVAL);
            let is_minute_over = u64::from(passed) >= Vitals::<B::Entropy>::INTERVAL;
            keeper.mend::<B>(gateway, is_minute_over);
            if !is_minute_over {
                continue;
            }
            passed = 0;
            tell_time(vitals, bus);
            if let Some(health) = vitals.tend() {
                events::entropy(health);
            }
        }
    };
    let asking = async {
        if let Some(server) = server {
            let ears = Ears {
                told: events::clock,
                failed: events::sntp,
            };
            net::sntp::follow(stack, server, vitals, ears).await;
        }
    };
    join(tending, asking).await;
}

/// Reads all sensors, before anybody asks.
pub fn read_sensors<B: Board>(gateway: &Served<B>, bus: &mut impl I2c) {
    let mut all = 0..;
    while all.next().is_some_and(|at| read_sensor(gateway, at, bus)) {}
}

/// Reads the sensor at this position, if one is there; false after the last
/// device.
// Not inlined: it is called from two places, and its frame is in no future.
#[inline(never)]
fn read_sensor<S, B, P>(gateway: &Gateway<'static, S, B, P>, at: u8, bus: &mut impl I2c) -> bool
where
    S: Store,
    B: Surroundings,
    P: Pins,
{
    let uptime = gateway.surroundings().uptime();
    devices::tend(gateway.devices(), at, bus, uptime, events::device)
}

/// Takes the time of the real-time clock, or says why not, or sets it by a
/// server's time.
pub fn tell_time<S: EntropySource>(vitals: &Vitals<S>, bus: &mut impl I2c) {
    events::consulted(vitals.consult(&mut Rtc::new(bus)));
}
