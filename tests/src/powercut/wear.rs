//! What redemptions and refreshes cost the flash of a board.

use embedded_storage_async::nor_flash::NorFlash;
use smallgate_core::oauth::{Grant, GrantId, Origin, Record, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::store::FlashStore;

use super::device::{Device, Known, Servers};
use super::flash::{Chip, Model};
use super::paged::OnBus;
use crate::flow::{DEMO, OTHER, PUBLIC};

/// Erasures that a sector stands, or writes that a page of an EEPROM does, as
/// their makers say.
const ENDURANCE: u64 = 100_000;
const MINUTES: u64 = 60 * 24 * 365;
const COMMITS: u64 = 50_000;
const SECTORS: usize = 16;
/// 64 KiB of flash in sectors of 4 KiB.
pub type Nor = Model<4, 4096>;
/// The same of an EEPROM that programs pages of 128 octets.
pub type Pages = OnBus<65_536, 128, 4096>;
/// What a board keeps on them.
type Kept<F> = FlashStore<F, 256>;

const NOW: UnixTime = UnixTime(1_800_000_000);

/// What a commit costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wear {
    /// Octets programmed, with their share of what is copied.
    pub octets: u64,
    /// Years until the part is worn, at one commit a minute.
    pub years: u64,
}

/// Rotates one of `live` grants after the other on flash.
///
/// # Panics
///
/// The store does not take a record.
#[must_use]
pub fn wear(live: u32) -> Wear {
    let mut store = filled(Nor::new(SECTORS), live);
    let before = (store.flash().programmed, erasures(&store));
    rotate(&mut store, live);
    let octets = store.flash().programmed - before.0;
    // Each sector is erased once a turn.
    let turns = (erasures(&store) - before.1) / SECTORS as u64;
    Wear {
        octets: octets / COMMITS,
        years: ENDURANCE * COMMITS / turns / MINUTES,
    }
}

/// The same on an EEPROM, where an erasure is a write too.
///
/// # Panics
///
/// The store does not take a record.
#[must_use]
pub fn eeprom_wear(live: u32) -> Wear {
    let mut store = filled(Pages::new(), live);
    let before = store.flash().programmed;
    rotate(&mut store, live);
    let octets = store.flash().programmed - before;
    Wear {
        octets: octets / COMMITS,
        years: ENDURANCE * COMMITS / store.flash().most_written() / MINUTES,
    }
}

fn filled<F: NorFlash>(flash: F, live: u32) -> Kept<F> {
    let mut store = Kept::new(flash);
    store.open().expect("a new flash opens");
    for number in 0..live {
        put(&mut store, &grant(number, 1));
    }
    store
}

fn rotate<F: NorFlash>(store: &mut Kept<F>, live: u32) {
    let mut dice = 7_u64;
    for commit in 0..COMMITS {
        // In no order, as clients come: taking turns would cost less.
        dice = dice.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let number = (dice >> 33) as u32 % live;
        put(store, &grant(number, 2 + commit as u32));
    }
}

fn put<F: NorFlash>(store: &mut Kept<F>, grant: &Grant) {
    let seen = store
        .load(&grant.id)
        .map_or(Seen::ABSENT, |loaded| loaded.seen);
    let record = Record::new(grant);
    let done = store.commit(NOW, &grant.id, seen, Write::Record(&record));
    assert_eq!(done, Committed::Done);
}

fn erasures(store: &Kept<Nor>) -> u64 {
    let erasures = &store.flash().erasures;
    erasures.iter().map(|times| u64::from(*times)).sum()
}

/// Octets that requests have programmed, with their share of what is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// For a code that is redeemed.
    pub redemption: u64,
    /// For a refresh token that is used.
    pub refresh: u64,
}

/// Grants that [`spent`] has, as many as three clients of one user may have.
pub const GRANTS: usize = 48;

/// Redeems and refreshes at a whole server, on [`Nor`] or [`Pages`].
///
/// # Panics
///
/// Something is not answered as it should.
#[must_use]
pub fn spent<C: Chip>() -> Spent {
    const TURNS: usize = 400;
    let servers = Servers::new();
    let mut device = Device::<C>::new(&servers, SECTORS);
    let mut grants: Vec<Known> = Vec::new();
    let (mut redemption, mut refresh) = (0, 0);
    for turn in 0..GRANTS + TURNS {
        let who = [DEMO, PUBLIC, OTHER][turn % 3];
        device.now += 60;
        let mut grant = device.authorize(who).expect("there is room");
        redemption += programmed(&mut device, &mut grant);
        if grants.len() == GRANTS {
            // The oldest of its owner gave way.
            grants.remove(0);
        }
        grants.push(grant);
        for step in 0..8 {
            let at = (turn * 31 + step * 17) % grants.len();
            refresh += programmed(&mut device, &mut grants[at]);
        }
    }
    let redemptions = (GRANTS + TURNS) as u64;
    Spent {
        redemption: redemption / redemptions,
        refresh: refresh / (8 * redemptions),
    }
}

/// Presents the newest handle; the octets that this programs.
fn programmed<C: Chip>(device: &mut Device<'_, C>, grant: &mut Known) -> u64 {
    let (_, before, _) = device.store.flash().counts();
    let reply = device.newest(grant);
    assert_eq!(reply.status, 200, "{reply:?}");
    grant.tokens.push(reply.member("refresh_token"));
    let (_, after, _) = device.store.flash().counts();
    after - before
}

/// A grant of an owner of its own.
fn grant(number: u32, generation: u32) -> Grant {
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
        created: NOW,
        touched: 0,
        ends: UnixTime(NOW.0 + 1_000_000),
        keep_until: UnixTime(NOW.0 + 1_000_000),
    }
}
