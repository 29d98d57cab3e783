//! More flash and more RAM than there may be: a constant of 170 KiB, and a frame of 9 KiB above
//! variables that leave no room for it. Both limits must be broken.
#![no_std]
#![no_main]

use core::cell::RefCell;
use core::hint::black_box;

use cortex_m_rt::entry;
use critical_section::Mutex;
use smallgate_mps2_an386::{machine, uart};

/// Not zero, so that it is in the image.
static CONSTANT: [u8; 170 * 1024] = [0x5A; 170 * 1024];

static VARIABLE: Mutex<RefCell<[u8; 56 * 1024]>> = Mutex::new(RefCell::new([0; 56 * 1024]));

#[entry]
fn main() -> ! {
    machine::paint_stack();
    uart::start();
    critical_section::with(|section| {
        black_box(&VARIABLE).borrow(section).borrow_mut().fill(1);
    });
    black_box(&CONSTANT);
    defmt::info!("listening to nobody");
    // The last that this program does: the log's own variables are among what it overwrites.
    deep();
    loop {
        cortex_m::asm::wfi();
    }
}

#[inline(never)]
fn deep() {
    black_box([1_u8; 9 * 1024]);
}
