//! The baseline: what a program weighs that measures nothing.
#![no_std]
#![no_main]

use core::num::NonZeroU32;

use cortex_m_rt::entry;
use smallgate_mps2_an386::Bench;

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    bench.instructions("nothing", NonZeroU32::MIN, || true);
    bench.stack("nothing", || true);
    bench.check("nothing", true);
    bench.end()
}
