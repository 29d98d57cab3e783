//! The gateway on WIZnet's W5500-EVB-Pico2: which peripheral is on which pin, and what starts when.
//!
//! A board with another chip needs a file like this one, a `memory.x`, and its names in `Cargo.toml`;
//! all else is `smallgate-firmware`'s.
#![no_std]
#![no_main]

mod hardware;

use core::cell::RefCell;
use core::net::SocketAddrV4;

use defmt::{error, info};
use embassy_executor::Spawner;
use embassy_net::{Runner, Stack};
use embassy_net_wiznet::chip::W5500;
use embassy_net_wiznet::{Device, State};
use embassy_rp::Peri;
use embassy_rp::flash::Flash;
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::i2c::I2c;
use embassy_rp::peripherals::{DMA_CH0, DMA_CH1, FLASH, I2C0, SPI0, TRNG};
use embassy_rp::spi::{self, Spi};
use embassy_rp::trng::Trng;
use embassy_rp::watchdog::Watchdog;
use embassy_rp::{bind_interrupts, dma, i2c, trng};
use embassy_time::{Delay, Duration};
use embedded_hal_bus::spi::ExclusiveDevice;
use smallgate_cortex_m::provisioning;
use smallgate_firmware::app::{self, Board, Hall, Manners, Memory, Served};
use smallgate_firmware::devices::Lines;
use smallgate_firmware::events;
use smallgate_firmware::image::Image;
use smallgate_firmware::net::{Desk, Patient, WORKERS};
use smallgate_firmware::store::FlashStore;
use static_cell::{ConstStaticCell, StaticCell};

use crate::hardware::{Bus, Noise, Region};

#[cfg(feature = "asm")]
use smallgate_cortex_m::Assembly as Backend;
#[cfg(all(feature = "p256", not(feature = "asm")))]
use smallgate_firmware::image::Software as Backend;

#[cfg(not(any(feature = "asm", feature = "p256")))]
compile_error!("ES256 needs a backend: the feature `asm` or `p256`");

/// Grants in the flash's region for them, with 16 octets of RAM each.
type Grants = FlashStore<Region, 256>;

/// Frames that wait for the gateway, and as many that wait for the card.
const FRAMES: usize = 4;

/// The clock of the card's bus, in Hz; the card takes 33 MHz safely.
const CARD: u32 = 30_000_000;

/// The board starts anew when it was not fed for so long.
const PATIENCE: Duration = Duration::from_secs(5 * app::FEEDING);

/// This board.
struct Pico2;

impl Board for Pico2 {
    type Es256 = Backend;
    type Entropy = Noise;
    type Store = Grants;
    type Pins = Lines<Output<'static>, Input<'static>, 2, 1>;

    const SLICE: u32 = 100;
}

/// What drives the card.
type Card = embassy_net_wiznet::Runner<
    'static,
    W5500,
    ExclusiveDevice<Spi<'static, SPI0, spi::Async>, Output<'static>, Delay>,
    Input<'static>,
    Output<'static>,
>;

static MEMORY: Memory<Pico2> = Memory::new();
static STORE: StaticCell<RefCell<Grants>> = StaticCell::new();
static CARD_STATE: ConstStaticCell<State<FRAMES, FRAMES>> = ConstStaticCell::new(State::new());

bind_interrupts!(struct Interrupts {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>, dma::InterruptHandler<DMA_CH1>;
    I2C0_IRQ => i2c::InterruptHandler<I2C0>;
    TRNG_IRQ => trng::InterruptHandler<TRNG>;
});

/// Starts everything, or says why nothing was started, until the watchdog has it tried again.
#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let board = embassy_rp::init(Default::default());
    // A stack that grows too far is a fault and no damage; it can always be set on this chip.
    let _ = embassy_rp::install_core0_stack_guard();
    let mut watchdog = Watchdog::new(board.WATCHDOG);
    if let Some(reason) = watchdog.reset_reason() {
        error!("event=\"restarted\" cause={}", defmt::Debug2Format(&reason));
    }
    watchdog.pause_on_debug(true);
    watchdog.start(PATIENCE);

    let image = match Image::open(provisioning()) {
        Ok(image) => image,
        Err(cause) => return events::image(cause),
    };
    let Some(server) = MEMORY.configure(&image) else {
        return;
    };
    let Some(address) = hardware::address() else {
        return error!("event=\"no_serial_number\"");
    };

    let noise = Noise(Trng::new(board.TRNG, Interrupts, trng::Config::default()));
    let vitals = MEMORY.awaken(&image, noise, address);
    let pins = Lines {
        // The board's own lamp, and a relay.
        outputs: [
            Output::new(board.PIN_25, Level::Low),
            Output::new(board.PIN_14, Level::Low),
        ],
        // A button to ground.
        inputs: [Input::new(board.PIN_15, Pull::Up)],
    };
    let gateway = MEMORY.gateway(&image, server, store(board.FLASH), vitals, pins);

    // The card: W5500 on SPI0.
    let (miso, select, clock, mosi) = (board.PIN_16, board.PIN_17, board.PIN_18, board.PIN_19);
    let (reset, interrupt) = (board.PIN_20, board.PIN_21);
    let mut config = spi::Config::default();
    config.frequency = CARD;
    let (transmit, receive) = (board.DMA_CH0, board.DMA_CH1);
    let bus = Spi::new(
        board.SPI0, clock, mosi, miso, transmit, receive, Interrupts, config,
    );
    let Ok(card) = ExclusiveDevice::new(bus, Output::new(select, Level::High), Delay);
    let interrupt = Input::new(interrupt, Pull::Up);
    let reset = Output::new(reset, Level::High);
    let state = CARD_STATE.take();
    let Ok((device, card)) = embassy_net_wiznet::new(address, state, card, interrupt, reset).await
    else {
        return error!("event=\"no_network_card\"");
    };
    if let Ok(card) = drive(card) {
        spawner.spawn(card);
    }

    let (stack, runner) = MEMORY.connect(&image, device, vitals);
    let (hall, manners, desks) = MEMORY.open_doors(spawner, &image, stack);
    if let Ok(network) = network(runner, hall, gateway, watchdog) {
        spawner.spawn(network);
    }
    for desk in desks {
        if let Ok(worker) = worker(hall, desk, manners, gateway) {
            spawner.spawn(worker);
        }
    }

    // A real-time clock and sensors on I2C0, if somebody wired them.
    let (data, clock) = (board.PIN_4, board.PIN_5);
    let config = i2c::Config::default();
    let mut bus = Bus(I2c::new_async(board.I2C0, clock, data, Interrupts, config));
    // The first request finds the clock set, and the sensors read.
    app::tell_time(vitals, &mut bus);
    app::read_sensors::<Pico2>(gateway, &mut bus);
    if let Ok(tend) = tend(gateway, bus, stack, image.time_server()) {
        spawner.spawn(tend);
    }
    info!("event=\"started\"");
}

/// What keeps the grants, not open yet.
// Not inlined: it may be on the stack before it is in its place.
#[inline(never)]
fn store(flash: Peri<'static, FLASH>) -> &'static RefCell<Grants> {
    STORE.init_with(|| RefCell::new(FlashStore::new(Region(Flash::new_blocking(flash)))))
}

#[embassy_executor::task]
async fn drive(card: Card) {
    card.run().await
}

#[embassy_executor::task]
async fn network(
    mut runner: Runner<'static, Patient<Device<'static>>>,
    hall: &'static Hall,
    gateway: &'static Served<Pico2>,
    mut watchdog: Watchdog,
) {
    app::run::<Pico2>(&mut runner, hall, gateway, || watchdog.feed(PATIENCE)).await
}

#[embassy_executor::task(pool_size = WORKERS)]
async fn worker(
    hall: &'static Hall,
    desk: &'static mut Desk,
    manners: &'static Manners,
    gateway: &'static Served<Pico2>,
) {
    hall.work(desk, manners, gateway).await
}

#[embassy_executor::task]
async fn tend(
    gateway: &'static Served<Pico2>,
    mut bus: Bus,
    stack: Stack<'static>,
    server: Option<SocketAddrV4>,
) {
    app::tend::<Pico2>(gateway, &mut bus, stack, server).await
}

/// Logs the place and starts anew.
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    match info.location() {
        Some(place) => error!(
            "event=\"panic\" file={} line={}",
            place.file(),
            place.line()
        ),
        None => error!("event=\"panic\""),
    }
    cortex_m::peripheral::SCB::sys_reset()
}
