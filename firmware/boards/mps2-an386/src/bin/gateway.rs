//! The gateway: what is flashed.
#![no_std]
#![no_main]

use core::cell::RefCell;

use cortex_m_rt::entry;
use defmt::{error, info};
use embassy_executor::Spawner;
use embassy_executor::raw::Executor;
use embassy_net::tcp::TcpSocket;
use embassy_net::{Runner, Stack, StackResources};
use embassy_time::{Instant, Timer};
use heapless::Vec;
use smallgate_core::jose::Verifier;
use smallgate_core::oauth::{AuthorizationServer, Throttle, ThrottleSlot};
use smallgate_core::store::MemoryStore;
use smallgate_core::time::UnixTime;
use smallgate_cortex_m::provisioning;
use smallgate_firmware::app::{Proxies, Tables};
use smallgate_firmware::clock::{TimeSource, TrustedClock};
use smallgate_firmware::entropy::{EntropyFailed, EntropySource, Generator};
use smallgate_firmware::events;
use smallgate_firmware::http::{Deadlines, Gateway, Rooms};
use smallgate_firmware::image::{Image, MAX_RETIRED_KEYS, ReadyKey};
use smallgate_firmware::net::{
    self, AnswerRoom, Desk, Manners, Patient, ROOMS, SEATS, Seat, WORKERS,
};
use smallgate_firmware::rtc::Rtc;
use smallgate_firmware::vitals::Vitals;
use smallgate_mps2_an386::i2c::Bus;
use smallgate_mps2_an386::lan9118::{self, FrameBuffer, Lan9118};
use smallgate_mps2_an386::machine::{self, interrupt};
use smallgate_mps2_an386::{Backend, time, uart};
use static_cell::{ConstStaticCell, StaticCell};

/// How many grants are kept, 108 octets each.
const GRANTS: usize = 64;

/// The port of HTTP.
const PORT: u16 = 80;

/// Iterations of password hashing until others have their turn: 10 ms.
const SLICE: u32 = 25;

type Store = MemoryStore<GRANTS>;
type Served = Gateway<'static, Store, Vitals<HostEntropy>>;
type Hall = net::Hall<'static, 'static>;

static STORE: ConstStaticCell<RefCell<Store>> =
    ConstStaticCell::new(RefCell::new(MemoryStore::new()));
static SEATS_MEMORY: ConstStaticCell<[Seat; SEATS]> =
    ConstStaticCell::new([const { Seat::new() }; SEATS]);
static SOCKETS: StaticCell<[TcpSocket<'static>; SEATS]> = StaticCell::new();
static HALL: StaticCell<Hall> = StaticCell::new();
static DESKS: ConstStaticCell<[Desk; WORKERS]> =
    ConstStaticCell::new([const { Desk::new() }; WORKERS]);
static ANSWERS: ConstStaticCell<[AnswerRoom; ROOMS]> =
    ConstStaticCell::new([[0; size_of::<AnswerRoom>()]; ROOMS]);
static ROOMS_FREE: StaticCell<Rooms<'static>> = StaticCell::new();
static FRAMES: ConstStaticCell<[FrameBuffer; 2]> =
    ConstStaticCell::new([[0; size_of::<FrameBuffer>()]; 2]);
static NETWORK: StaticCell<StackResources<{ SEATS + 1 }>> = StaticCell::new();
static PATIENCE: [ThrottleSlot; 32] = [const { ThrottleSlot::new() }; 32];
static THROTTLE: StaticCell<Throttle<'static>> = StaticCell::new();
static KEYS: StaticCell<Vec<ReadyKey<Backend>, { MAX_RETIRED_KEYS + 1 }>> = StaticCell::new();
static VERIFIERS: StaticCell<Vec<&'static dyn Verifier, { MAX_RETIRED_KEYS + 1 }>> =
    StaticCell::new();
static TABLES: StaticCell<Tables<'static>> = StaticCell::new();
static SERVER: StaticCell<AuthorizationServer<'static>> = StaticCell::new();
static GATEWAY: StaticCell<Served> = StaticCell::new();
static PROXIES: StaticCell<Proxies> = StaticCell::new();
static MANNERS: StaticCell<Manners<'static, 'static>> = StaticCell::new();
static VITALS: StaticCell<Vitals<HostEntropy>> = StaticCell::new();
static EXECUTOR: StaticCell<Executor> = StaticCell::new();

#[cortex_m_rt::interrupt]
fn DUAL_TIMER() {
    time::interrupt();
}

#[cortex_m_rt::interrupt]
fn ETHERNET() {
    lan9118::interrupt();
}

#[entry]
fn main() -> ! {
    machine::paint_stack();
    machine::guard_stack();
    uart::start();
    time::start();
    let executor = EXECUTOR.init(Executor::new(core::ptr::null_mut()));
    start(executor.spawner());
    machine::run(executor)
}

/// Starts everything, or says why nothing was started.
//
// What it calls is not inlined: each holds much on the stack, and not at the same time.
fn start(spawner: Spawner) {
    let image = match Image::open(provisioning()) {
        Ok(image) => image,
        Err(cause) => return events::image(cause),
    };
    let Some(server) = configure(&image) else {
        return;
    };
    let [received, sent] = FRAMES.take();
    let Some(card) = Lan9118::start(received, sent) else {
        return error!("event=\"no_network_card\"");
    };
    let vitals = awaken(&image, card.address());
    // Without entropy nothing is issued; what is refused is refused all the same.
    let salt = vitals.octets().unwrap_or_default();
    let throttle = THROTTLE.init(Throttle::new(&PATIENCE, image.throttle(), salt));
    let gateway = GATEWAY.init(Gateway::new(
        server,
        throttle,
        STORE.take(),
        vitals,
        SLICE,
        UnixTime(0),
    ));
    let stack = connect(spawner, &image, card, vitals.octets().unwrap_or_default());
    serve(spawner, &image, stack, gateway);
}

/// The server that the image says, or a line about what is wrong with it.
#[inline(never)]
fn configure(image: &Image<'static>) -> Option<&'static AuthorizationServer<'static>> {
    let keys = KEYS.init_with(Vec::new);
    for key in core::iter::once(image.signing_key()).chain(image.retired_keys()) {
        match key.ready() {
            Ok(key) => {
                let _as_many_as_there_are = keys.push(key);
            }
            Err(cause) => {
                error!("event=\"key_refused\" cause={}", cause);
                return None;
            }
        }
    }
    let verifiers = VERIFIERS.init(keys.iter().map(ReadyKey::verifier).collect());
    // An image whose first key does not sign was refused when it was opened.
    let signer = keys.first().and_then(ReadyKey::signer)?;
    match TABLES
        .init_with(Tables::new)
        .server(image, signer, verifiers)
    {
        Ok(server) => Some(SERVER.init(server)),
        Err(cause) => {
            error!("event=\"configuration_refused\" cause={}", cause);
            None
        }
    }
}

/// The clock and the generator, as far as there is time and entropy.
#[inline(never)]
fn awaken(image: &Image<'_>, address: [u8; 6]) -> &'static Vitals<HostEntropy> {
    let generator = Generator::start(HostEntropy, &address);
    if let Err(cause) = generator.health() {
        events::entropy(Err(cause));
    }
    VITALS.init(Vitals::new(
        TrustedClock::new(image.made_at(), UnixTime(0)),
        generator,
        || Instant::now().as_millis(),
        events::event,
    ))
}

/// The network. Its ports and sequence numbers begin at `seed`.
#[inline(never)]
fn connect(
    spawner: Spawner,
    image: &Image<'_>,
    card: Lan9118<'static>,
    seed: [u8; 8],
) -> Stack<'static> {
    let (stack, runner) = embassy_net::new(
        Patient(card),
        net::config(image.network()),
        NETWORK.init_with(StackResources::new),
        u64::from_le_bytes(seed),
    );
    if let Ok(network) = network(runner) {
        spawner.spawn(network);
    }
    stack
}

/// Seats, workers, and who looks after the clock.
#[inline(never)]
fn serve(spawner: Spawner, image: &Image<'_>, stack: Stack<'static>, gateway: &'static Served) {
    let proxies = PROXIES.init_with(Vec::new);
    // There is room for as many as an image has.
    let _ = image.fill_trusted_proxies(proxies);
    let rooms = ROOMS_FREE.init_with(Rooms::new);
    for room in ANSWERS.take() {
        let _there_is_room = rooms.put(room);
    }
    let manners = MANNERS.init(Manners {
        deadlines: Deadlines::DEFAULT.with(image.timeouts()),
        trusted_proxies: proxies,
        rooms,
        ended: events::connection,
    });
    let hall = HALL.init_with(net::Hall::new);
    let seats = SEATS_MEMORY.take().each_mut();
    for socket in SOCKETS.init(seats.map(|seat| seat.socket(stack))) {
        hall.furnish(socket);
        if let Ok(usher) = usher(hall) {
            spawner.spawn(usher);
        }
    }
    for desk in DESKS.take() {
        if let Ok(worker) = worker(hall, desk, manners, gateway) {
            spawner.spawn(worker);
        }
    }
    let mut rtc = Rtc::new(Bus::start());
    // The first request finds the clock set.
    tell_time(gateway.surroundings(), &mut rtc);
    if let Ok(tend) = tend(gateway.surroundings(), rtc) {
        spawner.spawn(tend);
    }
    if let Ok(announcement) = announcement(stack) {
        spawner.spawn(announcement);
    }
}

/// Without an address nobody is heard.
#[embassy_executor::task]
async fn announcement(stack: Stack<'static>) {
    stack.wait_config_up().await;
    info!("listening on port {}", PORT);
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, Patient<Lan9118<'static>>>) {
    runner.run().await
}

#[embassy_executor::task(pool_size = SEATS)]
async fn usher(hall: &'static Hall) {
    hall.usher(PORT).await
}

#[embassy_executor::task(pool_size = WORKERS)]
async fn worker(
    hall: &'static Hall,
    desk: &'static mut Desk,
    manners: &'static Manners<'static, 'static>,
    gateway: &'static Served,
) {
    hall.work(desk, manners, gateway).await
}

/// Looks after time and entropy.
#[embassy_executor::task]
async fn tend(vitals: &'static Vitals<HostEntropy>, mut rtc: Rtc<Bus>) {
    loop {
        Timer::after_secs(Vitals::<HostEntropy>::INTERVAL).await;
        tell_time(vitals, &mut rtc);
        if let Some(health) = vitals.tend() {
            events::entropy(health);
        }
    }
}

fn tell_time(vitals: &Vitals<HostEntropy>, rtc: &mut Rtc<Bus>) {
    match rtc.read() {
        Ok(time) => {
            let source = TimeSource::RealTimeClock;
            events::clock(source, time, vitals.synchronise(source, time));
        }
        Err(cause) => events::rtc(cause),
    }
}

/// The host's source of entropy: an emulated board has none of its own.
struct HostEntropy;

impl EntropySource for HostEntropy {
    fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
        match machine::host_entropy(octets) {
            true => Ok(()),
            false => Err(EntropyFailed::NoOctets),
        }
    }
}
