//! What commits cost the flash of a board.

use smallgate_core::oauth::{Grant, GrantId, Origin, Record, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::store::FlashStore;

use super::flash::Model;

/// Erasures that a part stands, as its makers say.
const ENDURANCE: u64 = 100_000;

/// What a commit costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wear {
    /// Octets programmed, with their share of what is copied.
    pub octets: u64,
    /// Years until a sector was erased 100,000 times, at one commit a minute.
    pub years: u64,
}

/// Rotates one after the other of `live` grants on 64 KiB in sectors of 4 KiB.
///
/// # Panics
///
/// The store does not take a record.
#[must_use]
pub fn wear(live: u32) -> Wear {
    const COMMITS: u64 = 50_000;
    let now = UnixTime(1_800_000_000);
    let mut store = FlashStore::<_, 256>::new(Model::<4, 4096>::new(16));
    store.open().expect("a new flash opens");
    for number in 0..live {
        let record = Record::new(&grant(number, 1, now));
        let id = record.id();
        let done = store.commit(now, &id, Seen::ABSENT, Write::Record(&record));
        assert_eq!(done, Committed::Done);
    }
    let mut dice = 7_u64;
    let before = (store.flash().programmed, total(&store));
    for commit in 0..COMMITS {
        // In no order, as clients come: taking turns would cost less.
        dice = dice.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let number = (dice >> 33) as u32 % live;
        let record = Record::new(&grant(number, 2 + commit as u32, now));
        let id = record.id();
        let seen = store.load(&id).expect("it works").seen;
        let done = store.commit(now, &id, seen, Write::Record(&record));
        assert_eq!(done, Committed::Done);
    }
    let octets = store.flash().programmed - before.0;
    let erasures = total(&store) - before.1;
    // Each sector is erased once a turn.
    let commits = ENDURANCE * 16 * COMMITS / erasures;
    Wear {
        octets: octets / COMMITS,
        years: commits / (60 * 24 * 365),
    }
}

fn total(store: &FlashStore<Model<4, 4096>, 256>) -> u64 {
    let erasures = &store.flash().erasures;
    erasures.iter().map(|times| u64::from(*times)).sum()
}

/// A grant of an owner of its own.
fn grant(number: u32, generation: u32, now: UnixTime) -> Grant {
    let [a, b, c, d] = number.to_le_bytes();
    Grant {
        id: GrantId([0, a, b, c, d, 2, 3, 4, 5, 6, 7, 8]),
        state: State::Active { generation },
        client: Tag([a, b, c, d, 0, 0, 0, 0]),
        user: Some(Tag([1; 8])),
        refreshable: true,
        reuse: false,
        origin: Origin::Code,
        scope: ScopeSet::from_bits(1),
        scope_names: [0; 4],
        nonce: generation.to_le_bytes(),
        created: now,
        touched: 0,
        ends: UnixTime(now.0 + 1_000_000),
        keep_until: UnixTime(now.0 + 1_000_000),
    }
}
