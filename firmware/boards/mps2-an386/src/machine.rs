//! What Rust's rules do not cover: registers and the stack as memory, interrupts, and the debugger's
//! services.
//!
//! The one file of this board with `unsafe`. What it offers is safe to call.
#![expect(
    unsafe_code,
    reason = "registers, the stack as memory, interrupts, and calls of the debugger"
)]

use core::hint::black_box;

use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::register::msp;

/// What the stack is painted with: no address of this board, and no likely value.
const PAINT: u32 = 0xC5A5_5A3C;

/// Octets below the stack pointer that stay unpainted: the frames of the painting itself.
const MARGIN: u32 = 128;

/// Runs `operation` on a stack painted down to its end, and says what it yielded and how many
/// octets deep it wrote; nothing if it went through the whole stack.
#[inline(never)]
pub(crate) fn stack_depth(operation: &mut dyn FnMut() -> bool) -> (bool, Option<u32>) {
    let top = msp::read();
    paint(top);
    // Opaque, so that the operation has its frame below this one instead of within it.
    let held = black_box(operation)();
    (held, depth(top))
}

/// The stack's words, from its end upwards to `top`.
fn words_below(top: u32) -> impl Iterator<Item = *mut u32> {
    // RAM ends below 4 GiB, and the static variables end where the stack may grow to.
    let end = cortex_m_rt::heap_start();
    let count = top.saturating_sub(end.addr() as u32) / 4;
    (0..count as usize).map(move |word| end.wrapping_add(word))
}

#[inline(never)]
fn paint(top: u32) {
    for word in words_below(top.saturating_sub(MARGIN)) {
        // SAFETY: `word` is aligned (the linker script aligns `__sheap`, and steps are of a word) and
        // lies in RAM between the end of the static variables and MARGIN below a caller's stack
        // pointer. This function's own frame is smaller than MARGIN, no other frame is below it, no
        // interrupt is enabled that could make one, and there is no heap: nobody owns that memory.
        unsafe { word.write_volatile(PAINT) }
    }
}

/// How far below `top` the lowest word is that has lost its paint; nothing if the last one has.
#[inline(never)]
fn depth(top: u32) -> Option<u32> {
    let untouched = words_below(top)
        // SAFETY: aligned and in RAM, as in `paint`; nobody has a reference to it, and a volatile
        // read of what a frame left behind there is a read of an initialised integer, since `paint`
        // wrote every word but the topmost, which the stack pointer has passed.
        .take_while(|&word| unsafe { word.read_volatile() } == PAINT)
        .count();
    let lowest = words_below(top).nth(untouched)?;
    (untouched > 0).then(|| top.saturating_sub(lowest.addr() as u32))
}

/// A block of 32-bit registers at a fixed address.
#[derive(Clone, Copy)]
pub(crate) struct Registers {
    address: usize,
    /// In octets.
    size: usize,
}

/// The network card.
pub(crate) const LAN9118: Registers = Registers::at(0x4020_0000, 0x100);
/// The CMSDK dual timer.
pub(crate) const DUAL_TIMERS: Registers = Registers::at(0x4000_2000, 0x40);
/// The first CMSDK timer.
pub(crate) const TIMER: Registers = Registers::at(0x4000_0000, 0x10);
/// The first CMSDK UART.
pub(crate) const UART: Registers = Registers::at(0x4000_4000, 0x14);
/// The FPGA's lamps and buttons.
pub(crate) const FPGAIO: Registers = Registers::at(0x4002_8000, 0x50);
/// The CMSDK watchdog.
pub(crate) const WATCHDOG: Registers = Registers::at(0x4000_8000, 0xC04);
/// The I2C bus of the second shield, which QEMU puts devices on: two pins, of Arm's SBCon.
pub(crate) const I2C: Registers = Registers::at(0x4002_A000, 8);

impl Registers {
    /// Only for the blocks above, which the board has and nothing else uses.
    const fn at(address: usize, size: usize) -> Self {
        Registers { address, size }
    }

    /// Reads the register at `offset`, in octets; one that is none reads 0.
    pub(crate) fn read(self, offset: usize) -> u32 {
        match self.register(offset) {
            // SAFETY: an aligned register of a device that the board has (see `at`); no memory of
            // Rust's is there.
            Some(register) => unsafe { register.read_volatile() },
            None => 0,
        }
    }

    /// Writes the register at `offset`, in octets; one that is none is left alone.
    pub(crate) fn write(self, offset: usize, value: u32) {
        if let Some(register) = self.register(offset) {
            // SAFETY: as in `read`. No device here writes to memory.
            unsafe { register.write_volatile(value) }
        }
    }

    fn register(self, offset: usize) -> Option<*mut u32> {
        (offset < self.size && offset.is_multiple_of(4))
            .then(|| core::ptr::with_exposed_provenance_mut(self.address.wrapping_add(offset)))
    }
}

/// An entry of the table of interrupts.
type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    fn DefaultHandler();
    fn DUAL_TIMER();
    fn ETHERNET();
}

/// The interrupts up to the last one that is used; the linker script puts it where the processor
/// looks.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".vector_table.interrupts")]
static __INTERRUPTS: [Handler; 14] = {
    let mut table: [Handler; 14] = [DefaultHandler; 14];
    table[10] = DUAL_TIMER;
    table[13] = ETHERNET;
    table
};

/// The interrupts that are used, by name: what `cortex_m_rt::interrupt` makes handlers of.
#[expect(non_camel_case_types, reason = "the attribute looks for this name")]
#[derive(Clone, Copy, Debug)]
pub enum interrupt {
    /// An alarm.
    DUAL_TIMER,
    /// A frame.
    ETHERNET,
}

/// A number of [`__INTERRUPTS`].
#[derive(Clone, Copy)]
struct Line(u16);

// SAFETY: the number of an interrupt of this board, always the same for the same line.
unsafe impl cortex_m::interrupt::InterruptNumber for Line {
    fn number(self) -> u16 {
        self.0
    }
}

/// Lets the timer interrupt.
pub(crate) fn unmask_timer() {
    // SAFETY: its handler keeps to critical sections, and nothing relies on its being masked.
    unsafe { cortex_m::peripheral::NVIC::unmask(Line(10)) }
}

/// Lets the network card interrupt.
pub(crate) fn unmask_ethernet() {
    // SAFETY: as with the timer.
    unsafe { cortex_m::peripheral::NVIC::unmask(Line(13)) }
}

/// Something is to be polled.
static WOKEN: AtomicBool = AtomicBool::new(false);

#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    WOKEN.store(true, Ordering::Relaxed);
}

/// Polls what is to be polled, and sleeps when nothing is.
///
/// An executor of its own for the one reason that the usual one waits for events, which QEMU does
/// not: it would keep a core of the host busy.
pub fn run(executor: &'static embassy_executor::raw::Executor) -> ! {
    static RUNS: AtomicBool = AtomicBool::new(false);
    if RUNS.swap(true, Ordering::Relaxed) {
        crate::bench::fail();
    }
    loop {
        WOKEN.store(false, Ordering::Relaxed);
        // SAFETY: the executor is initialised where it is made, this is the one place that polls it,
        // and whoever comes here a second time, from a task or an interrupt, was stopped above.
        unsafe { executor.poll() };
        cortex_m::interrupt::disable();
        // An interrupt that comes now ends the waiting, and is served after `enable`.
        if !WOKEN.load(Ordering::Relaxed) {
            cortex_m::asm::wfi();
        }
        // SAFETY: nobody is in a critical section: this is the main loop.
        unsafe { cortex_m::interrupt::enable() };
    }
}

/// Paints what of the stack is free, for whoever wants to know later how deep it went.
pub fn paint_stack() {
    paint(msp::read());
}

/// Makes the last words of the stack's room untouchable: a stack that outgrows it ends in a fault,
/// where it would else have written over variables. Painting comes first.
pub fn guard_stack() {
    /// A frame that is larger could step over it; most are smaller, and every octet here is one less
    /// of the stack.
    const SIZE: u32 = 256;
    const SIZE_IS_256: u32 = 7 << 1;
    const NEVER_EXECUTED: u32 = 1 << 28;
    const VALID: u32 = 1 << 4;
    const ENABLE: u32 = 1;
    const OTHERS_AS_EVER: u32 = 1 << 2;
    let Some(mut board) = cortex_m::Peripherals::take() else {
        return;
    };
    let end = cortex_m_rt::heap_start().addr() as u32;
    let mpu = &mut board.MPU;
    // SAFETY: the region is between the static variables and the stack, where no live value is, and
    // the memory map stays as it is elsewhere.
    unsafe {
        mpu.rbar.write(end.next_multiple_of(SIZE) | VALID);
        // No access, for nobody.
        mpu.rasr.write(NEVER_EXECUTED | SIZE_IS_256 | ENABLE);
        mpu.ctrl.write(ENABLE | OTHERS_AS_EVER);
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

/// Fills `octets` from the host's source of entropy, by the debugger's services: an emulated board
/// has none of its own. False if that fails.
pub fn host_entropy(octets: &mut [u8]) -> bool {
    use cortex_m_semihosting::syscall;

    const SOURCE: &core::ffi::CStr = c"/dev/urandom";
    const READ_BINARY: usize = 1;
    // SAFETY: OPEN reads a string that ends with a zero, of the length that it is told.
    let file = unsafe { syscall!(OPEN, SOURCE.as_ptr(), READ_BINARY, SOURCE.count_bytes()) };
    if file == usize::MAX {
        return false;
    }
    // SAFETY: READ writes at most so many octets there, all of which are `octets`; no reference to
    // them is used meanwhile.
    let missing = unsafe { syscall!(READ, file, octets.as_mut_ptr(), octets.len()) };
    // SAFETY: CLOSE takes a file that OPEN gave.
    let closed = unsafe { syscall!(CLOSE, file) };
    missing == 0 && closed == 0
}

mod log {
    //! defmt's frames, on the UART.

    use core::cell::UnsafeCell;
    use core::sync::atomic::{AtomicBool, Ordering};

    use super::UART;

    const DATA: usize = 0x00;
    const STATE: usize = 0x04;
    const FULL: u32 = 1;

    struct Encoder(UnsafeCell<(defmt::Encoder, critical_section::RestoreState)>);

    // SAFETY: what is in it is touched within the critical section that `acquire` enters and
    // `release` leaves, and nowhere else.
    unsafe impl Sync for Encoder {}

    static ENCODER: Encoder = Encoder(UnsafeCell::new((
        defmt::Encoder::new(),
        critical_section::RestoreState::invalid(),
    )));
    static TAKEN: AtomicBool = AtomicBool::new(false);

    fn send(octets: &[u8]) {
        for octet in octets {
            while UART.read(STATE) & FULL != 0 {}
            UART.write(DATA, (*octet).into());
        }
    }

    #[defmt::global_logger]
    struct Uart;

    // SAFETY: one frame at a time: `acquire` enters a critical section, in which there is one
    // executor of code, and ends the program if that one was in a frame already.
    unsafe impl defmt::Logger for Uart {
        fn acquire() {
            // SAFETY: `release` leaves it with the same state, and frames do not overlap.
            let restore = unsafe { critical_section::acquire() };
            if TAKEN.swap(true, Ordering::Relaxed) {
                crate::bench::fail();
            }
            // SAFETY: in the critical section, and no frame is open.
            let (encoder, before) = unsafe { &mut *ENCODER.0.get() };
            *before = restore;
            encoder.start_frame(send);
        }

        unsafe fn flush() {}

        unsafe fn release() {
            // SAFETY: in the critical section of `acquire`, at the frame's end.
            let (encoder, before) = unsafe { &mut *ENCODER.0.get() };
            encoder.end_frame(send);
            TAKEN.store(false, Ordering::Relaxed);
            // SAFETY: entered by `acquire`, with this state.
            unsafe { critical_section::release(*before) };
        }

        unsafe fn write(octets: &[u8]) {
            // SAFETY: in the critical section of `acquire`, within a frame.
            let (encoder, _) = unsafe { &mut *ENCODER.0.get() };
            encoder.write(octets, send);
        }
    }
}
