//! The gateway: what is flashed.
#![no_std]
#![no_main]

use core::cell::RefCell;
use core::net::SocketAddrV4;

use cortex_m_rt::entry;
use defmt::error;
use embassy_executor::Spawner;
use embassy_executor::raw::Executor;
use embassy_net::{Runner, Stack};
use smallgate_cortex_m::provisioning;
use smallgate_firmware::app::{self, Board, Hall, Manners, Memory, Served};
use smallgate_firmware::entropy::{EntropyFailed, EntropySource};
use smallgate_firmware::events;
use smallgate_firmware::image::Image;
use smallgate_firmware::net::{Desk, Patient, WORKERS};
use smallgate_mps2_an386::fpgaio::{Pins, pins};
use smallgate_mps2_an386::i2c::{self, Bus};
use smallgate_mps2_an386::lan9118::{self, FrameBuffer, Lan9118};
use smallgate_mps2_an386::machine::{self, interrupt};
use smallgate_mps2_an386::store::{Grants, grants};
use smallgate_mps2_an386::{Backend, time, uart, watchdog};
use static_cell::{ConstStaticCell, StaticCell};

/// This board.
struct Mps2;

impl Board for Mps2 {
    type Es256 = Backend;
    type Entropy = HostEntropy;
    type Store = Grants;
    type Pins = Pins;

    const SLICE: u32 = 25;
}

static MEMORY: Memory<Mps2> = Memory::new();
static STORE: ConstStaticCell<RefCell<Grants>> = ConstStaticCell::new(RefCell::new(grants()));
static FRAMES: ConstStaticCell<[FrameBuffer; 2]> =
    ConstStaticCell::new([[0; size_of::<FrameBuffer>()]; 2]);
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
fn start(spawner: Spawner) {
    let image = match Image::open(provisioning()) {
        Ok(image) => image,
        Err(cause) => return events::image(cause),
    };
    let Some(server) = MEMORY.configure(&image) else {
        return;
    };
    let [received, sent] = FRAMES.take();
    let Some(card) = Lan9118::start(received, sent) else {
        return error!("event=\"no_network_card\"");
    };
    let vitals = MEMORY.awaken(&image, HostEntropy, card.address());
    let gateway = MEMORY.gateway(&image, server, STORE.take(), vitals, pins());
    let (stack, runner) = MEMORY.connect(&image, card, vitals);
    let (hall, manners, desks) = MEMORY.open_doors(spawner, &image, stack);
    watchdog::start();
    if let Ok(network) = network(runner, hall, gateway) {
        spawner.spawn(network);
    }
    for desk in desks {
        if let Ok(worker) = worker(hall, desk, manners, gateway) {
            spawner.spawn(worker);
        }
    }
    let mut bus = i2c::bus();
    // The first request finds the clock set, and the sensors read.
    app::tell_time(vitals, &mut bus);
    app::read_sensors::<Mps2>(gateway, &mut bus);
    if let Ok(tend) = tend(gateway, bus, stack, image.time_server()) {
        spawner.spawn(tend);
    }
}

#[embassy_executor::task]
async fn network(
    mut runner: Runner<'static, Patient<Lan9118<'static>>>,
    hall: &'static Hall,
    gateway: &'static Served<Mps2>,
) {
    app::run::<Mps2>(&mut runner, hall, gateway, watchdog::feed).await
}

#[embassy_executor::task(pool_size = WORKERS)]
async fn worker(
    hall: &'static Hall,
    desk: &'static mut Desk,
    manners: &'static Manners,
    gateway: &'static Served<Mps2>,
) {
    hall.work(desk, manners, gateway).await
}

#[embassy_executor::task]
async fn tend(
    gateway: &'static Served<Mps2>,
    mut bus: Bus,
    stack: Stack<'static>,
    server: Option<SocketAddrV4>,
) {
    app::tend::<Mps2>(gateway, &mut bus, stack, server).await
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
