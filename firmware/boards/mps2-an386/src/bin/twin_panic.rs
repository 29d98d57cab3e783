//! One index that nothing proves: the search for panics must find it.
#![no_std]
#![no_main]
#![expect(clippy::indexing_slicing, reason = "the panic is the point")]

use core::hint::black_box;

use cortex_m_rt::entry;
use smallgate_mps2_an386::Bench;

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    let table = black_box([1_u8, 2, 3]);
    bench.check("planted", planted(&table, black_box(2)) == 3);
    bench.end()
}

#[inline(never)]
fn planted(table: &[u8], place: usize) -> u8 {
    table[place]
}
