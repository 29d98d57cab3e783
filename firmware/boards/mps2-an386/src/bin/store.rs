//! The store of grants on the board's EEPROM, full: what it takes to open it, and to write to it.
#![no_std]
#![no_main]

use core::num::NonZeroU32;

use cortex_m_rt::entry;
use smallgate_core::oauth::{Grant, GrantId, Origin, Record, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_mps2_an386::Bench;
use smallgate_mps2_an386::store::{Grants, grants};
use static_cell::ConstStaticCell;

const ONE: NonZeroU32 = NonZeroU32::MIN;
const HUNDRED: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// As many as there may be on the chip.
const FULL: u32 = 232;

const NOW: UnixTime = UnixTime(1_800_000_000);

static STORE: ConstStaticCell<Grants> = ConstStaticCell::new(grants());

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    if let Some(store) = STORE.try_take() {
        measure(&mut bench, store);
    } else {
        bench.check("one store", false);
    }
    bench.end()
}

fn measure(bench: &mut Bench, store: &mut Grants) {
    bench.check("a blank chip is opened", store.open().is_ok());
    let filled = (0..FULL).all(|number| puts(store, number, 1));
    bench.check("it is full", filled && store.usage().used == 232);
    bench.check("another grant is refused", !puts(store, FULL, 1));
    bench.stack("open a full store", || store.open().is_ok());
    // What it begins with is another sector, and a copy of what lives in the oldest one.
    bench.stack("load and commit in a full store", || puts(store, 5, 2));
    bench.instructions("open a full 64 KiB store", ONE, || store.open().is_ok());
    let mut turn: u32 = 2;
    bench.instructions("load and commit in a full store", HUNDRED, || {
        turn = turn.wrapping_add(1);
        puts(store, turn % FULL, turn)
    });
}

/// Whether the grant of this number comes to this generation.
fn puts(store: &mut Grants, number: u32, generation: u32) -> bool {
    let record = Record::new(&grant(number, generation));
    let id = record.id();
    store.load(&id).is_ok_and(|loaded| {
        let write = Write::Record(&record);
        store.commit(NOW, &id, loaded.seen, write) == Committed::Done
    })
}

/// A grant of an owner of its own.
fn grant(number: u32, generation: u32) -> Grant {
    let [a, b, c, d] = number.to_le_bytes();
    Grant {
        id: GrantId([a, b, c, d, 4, 5, 6, 7, 8, 9, 10, 11]),
        state: State::Active { generation },
        client: Tag([a, b, c, d, 0, 0, 0, 0]),
        user: Some(Tag([1; 8])),
        refreshable: true,
        reuse: false,
        origin: Origin::Code,
        scope: ScopeSet::from_bits(1),
        scope_names: [0; 4],
        nonce: generation.to_le_bytes(),
        created: NOW,
        touched: 0,
        ends: UnixTime(1_900_000_000),
        keep_until: UnixTime(1_900_000_000),
    }
}
