//! Something that must hold does not: what a failure looks like.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use smallgate_mps2_an386::Bench;

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    bench.check("planted", false);
    bench.end()
}
