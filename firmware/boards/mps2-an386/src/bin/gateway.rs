//! The gateway: what is flashed.
#![no_std]
#![no_main]

use core::cell::RefCell;

use cortex_m_rt::entry;
use defmt::{error, info};
use embassy_executor::Spawner;
use embassy_executor::raw::Executor;
use embassy_net::tcp::TcpSocket;
use embassy_net::{Runner, StackResources};
use heapless::Vec;
use smallgate_core::http::Source;
use smallgate_core::jose::Verifier;
use smallgate_core::oauth::{AuthorizationServer, Event, Throttle, ThrottleSlot};
use smallgate_core::secret::Entropy;
use smallgate_core::store::MemoryStore;
use smallgate_core::time::UnixTime;
use smallgate_firmware::app::Tables;
use smallgate_firmware::http::{Deadlines, Gateway, Surroundings};
use smallgate_firmware::image::{Image, MAX_RETIRED_KEYS};
use smallgate_firmware::net::{self, Desk, Patient, SEATS, Seat, WORKERS};
use smallgate_mps2_an386::keys::BoardKey;
use smallgate_mps2_an386::lan9118::{self, FrameBuffer, Lan9118};
use smallgate_mps2_an386::machine::{self, interrupt};
use smallgate_mps2_an386::{time, uart};
use static_cell::{ConstStaticCell, StaticCell};

/// How many grants are kept.
const GRANTS: usize = 128;

/// The port of HTTP.
const PORT: u16 = 80;

/// Iterations of password hashing until others have their turn: 10 ms.
const SLICE: u32 = 25;

type Store = MemoryStore<GRANTS>;
type Hall = net::Hall<'static, 'static>;

static STORE: ConstStaticCell<RefCell<Store>> =
    ConstStaticCell::new(RefCell::new(MemoryStore::new()));
static SEATS_MEMORY: ConstStaticCell<[Seat; SEATS]> =
    ConstStaticCell::new([const { Seat::new() }; SEATS]);
static SOCKETS: StaticCell<[TcpSocket<'static>; SEATS]> = StaticCell::new();
static HALL: StaticCell<Hall> = StaticCell::new();
static DESKS: ConstStaticCell<[Desk; WORKERS]> =
    ConstStaticCell::new([const { Desk::new() }; WORKERS]);
static FRAMES: ConstStaticCell<[FrameBuffer; 2]> =
    ConstStaticCell::new([[0; size_of::<FrameBuffer>()]; 2]);
static NETWORK: StaticCell<StackResources<{ SEATS + 1 }>> = StaticCell::new();
static PATIENCE: [ThrottleSlot; 32] = [const { ThrottleSlot::new() }; 32];
static THROTTLE: StaticCell<Throttle<'static>> = StaticCell::new();
static KEYS: StaticCell<Vec<BoardKey, { MAX_RETIRED_KEYS + 1 }>> = StaticCell::new();
static VERIFIERS: StaticCell<Vec<&'static dyn Verifier, { MAX_RETIRED_KEYS + 1 }>> =
    StaticCell::new();
static TABLES: StaticCell<Tables<'static>> = StaticCell::new();
static SERVER: StaticCell<AuthorizationServer<'static>> = StaticCell::new();
static GATEWAY: StaticCell<Gateway<'static, Store, Host>> = StaticCell::new();
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
    uart::start();
    time::start();
    let executor = EXECUTOR.init(Executor::new(core::ptr::null_mut()));
    start(executor.spawner());
    machine::run(executor)
}

/// Starts everything, or says why nothing was started.
fn start(spawner: Spawner) {
    let image = match Image::open(machine::provisioning()) {
        Ok(image) => image,
        Err(cause) => return error!("the provisioning image is not good: {}", cause),
    };
    let keys = KEYS.init(Vec::new());
    for key in core::iter::once(image.signing_key()).chain(image.retired_keys()) {
        match BoardKey::new(&key) {
            Ok(key) => {
                let _as_many_as_there_are = keys.push(key);
            }
            Err(cause) => return error!("a key is not good: {}", cause),
        }
    }
    let verifiers = VERIFIERS.init(keys.iter().map(BoardKey::verifier).collect());
    let Some(signer) = keys.first().and_then(BoardKey::signer) else {
        return error!("the signing key does not sign");
    };
    let server = match TABLES.init(Tables::new()).server(&image, signer, verifiers) {
        Ok(server) => &*SERVER.init(server),
        Err(cause) => return error!("the configuration is not good: {}", cause),
    };
    let [received, sent] = FRAMES.take();
    let Some(card) = Lan9118::start(received, sent) else {
        return error!("there is no network card");
    };
    let Some([a, b, c, d, e, f, g, h, salt @ ..]) = Host.entropy() else {
        return error!("there is no entropy");
    };
    let salt = salt.first_chunk().copied().unwrap_or_default();
    let throttle = THROTTLE.init(Throttle::new(&PATIENCE, image.throttle(), salt));
    let gateway = GATEWAY.init(Gateway::new(
        server,
        throttle,
        STORE.take(),
        &Host,
        SLICE,
        UnixTime(0),
    ));
    let (stack, runner) = embassy_net::new(
        Patient(card),
        net::config(image.network()),
        NETWORK.init(StackResources::new()),
        u64::from_le_bytes([a, b, c, d, e, f, g, h]),
    );
    if let Ok(network) = network(runner) {
        spawner.spawn(network);
    }
    let hall = HALL.init(net::Hall::new());
    let seats = SEATS_MEMORY.take().each_mut();
    for socket in SOCKETS.init(seats.map(|seat| seat.socket(stack))) {
        hall.furnish(socket);
        if let Ok(usher) = usher(hall) {
            spawner.spawn(usher);
        }
    }
    for desk in DESKS.take() {
        if let Ok(worker) = worker(hall, desk, gateway) {
            spawner.spawn(worker);
        }
    }
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
    gateway: &'static Gateway<'static, Store, Host>,
) {
    hall.work(desk, &Deadlines::DEFAULT, gateway, |_, _| {})
        .await
}

struct Host;

impl Surroundings for Host {
    fn now(&self) -> Option<UnixTime> {
        let since = embassy_time::Instant::now().as_secs();
        Some(UnixTime(1_767_225_600 + since))
    }

    fn serving_since(&self) -> UnixTime {
        UnixTime(0)
    }

    fn entropy(&self) -> Option<[u8; Entropy::SIZE]> {
        let mut octets = [0; Entropy::SIZE];
        machine::host_entropy(&mut octets).then_some(octets)
    }

    fn event(&self, event: &Event<'_>, source: Source) {
        info!("{} {}", event, source);
    }
}
