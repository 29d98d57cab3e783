//! The store on flash that does not do all that it is told, or says what is not so.

use std::ops::Range;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use smallgate_core::oauth::{Grant, GrantId, Record};
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_firmware::store::{FlashStore, Kept, OpenError};
use smallgate_tests::powercut::{Dead, Model, TEARS};

use crate::grants::{NOW, grant, revoked};

const SECTORS: usize = 6;

/// Six sectors of four cells, which can ail.
#[derive(Clone)]
struct Ailing {
    flash: Model<4, 512>,
    /// It reads and does nothing else.
    is_protected: bool,
    /// These reads, counted from the beginning, get a bit wrong.
    misread: Range<u64>,
    /// These get ones alone, as from a bus that nobody drives.
    mute: Range<u64>,
    reads: u64,
}

impl Ailing {
    fn holding(flash: Model<4, 512>) -> Self {
        Ailing {
            flash,
            is_protected: false,
            misread: 0..0,
            mute: 0..0,
            reads: 0,
        }
    }
}

impl ErrorType for Ailing {
    type Error = Dead;
}

impl ReadNorFlash for Ailing {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), Dead> {
        self.flash.read(offset, octets).await?;
        if self.misread.contains(&self.reads) {
            // Noise, which is another each time.
            let at = (self.reads as usize * 7 + 11) % octets.len();
            octets[at] ^= 1 << (self.reads % 8);
        }
        if self.mute.contains(&self.reads) {
            octets.fill(0xFF);
        }
        self.reads += 1;
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl NorFlash for Ailing {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 512;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Dead> {
        match self.is_protected {
            true => Err(Dead),
            false => self.flash.erase(from, to).await,
        }
    }

    async fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), Dead> {
        match self.is_protected {
            true => Err(Dead),
            false => self.flash.write(offset, octets).await,
        }
    }
}

type Small = FlashStore<Ailing, 64>;

fn opened(flash: Model<4, 512>) -> Small {
    let mut store = Small::new(Ailing::holding(flash));
    store.open().expect("it opens");
    store
}

fn put(store: &mut Small, grant: &Grant) -> Committed {
    match store.load(&grant.id) {
        Ok(loaded) => store.commit(
            NOW,
            &grant.id,
            loaded.seen,
            Write::Record(&Record::new(grant)),
        ),
        Err(_) => Committed::Unavailable,
    }
}

fn held(store: &mut Small, number: u8) -> Option<Grant> {
    let loaded = store.load(&grant(number, 1).id).expect("the flash works");
    loaded.record.and_then(|record| record.grant().ok())
}

/// As after a restart.
fn kept(store: &Small, number: u8) -> Option<Grant> {
    held(&mut opened(store.flash().flash.clone()), number)
}

#[test]
fn r30_store_that_reads_and_does_not_write_is_not_regained() {
    for known in [0, 1] {
        let mut store = opened(Model::new(SECTORS));
        if known == 1 {
            assert_eq!(put(&mut store, &grant(1, 1)), Committed::Done);
        }
        store.flash_mut().is_protected = true;
        assert_eq!(put(&mut store, &grant(1, 2)), Committed::Unavailable);
        for _ in 0..100 {
            assert_eq!(store.resume(), Err(OpenError::Failed), "{known}");
        }
        assert_eq!(put(&mut store, &grant(2, 1)), Committed::Unavailable);
        store.flash_mut().is_protected = false;
        assert_eq!(store.resume(), Ok(()));
        assert_eq!(put(&mut store, &grant(1, 2)), Committed::Done);
        assert_eq!(kept(&store, 1), Some(grant(1, 2)));
    }
}

/// A commit that failed, although all of it may be on the flash, is taken back by
/// what comes next, whatever that is.
#[test]
fn r30_a_commit_that_was_refused_does_not_come_back() {
    for tear in TEARS {
        for at in 0..60 {
            for is_resumed in [true, false] {
                let mut store = opened(Model::new(SECTORS));
                for number in 1..4 {
                    assert_eq!(put(&mut store, &grant(number, 1)), Committed::Done);
                }
                store.flash_mut().flash.cut_after(at, tear);
                let done = put(&mut store, &grant(1, 2));
                store.flash_mut().flash.revive();
                match is_resumed {
                    true => assert_eq!(store.resume(), Ok(())),
                    false => assert_eq!(put(&mut store, &grant(2, 2)), Committed::Done),
                }
                let known = held(&mut store, 1);
                let generation = if done == Committed::Done { 2 } else { 1 };
                assert_eq!(known, Some(grant(1, generation)), "{tear:?} {at}");
                assert_eq!(kept(&store, 1), known, "{tear:?} {at} {is_resumed}");
            }
        }
    }
}

#[test]
fn r30_three_reads_in_a_row_that_are_wrong_lose_nothing() {
    for length in 1..=3 {
        wrong_reads_lose_nothing(length);
    }
}

/// That many, in turn from each read on.
fn wrong_reads_lose_nothing(length: u64) {
    let mut script = opened(Model::new(SECTORS));
    let mut generation = [0; 6];
    for turn in 1..40 {
        let number = turn % 6;
        assert_eq!(
            put(&mut script, &grant(number as u8, turn as u32)),
            Committed::Done
        );
        generation[number] = turn as u32;
    }
    for wrong in 0.. {
        let mut flash = Ailing::holding(script.flash().flash.clone());
        flash.misread = wrong..wrong + length;
        let mut store = Small::new(flash);
        store.open().expect("it opens");
        let mut newest = generation;
        for turn in 40..60 {
            let number = turn % 6;
            let new = grant(number as u8, turn as u32);
            // Refused at worst, and not for ever.
            let tries = (0..4).take_while(|_| put(&mut store, &new) != Committed::Done);
            assert!(tries.count() < 4, "{wrong}");
            newest[number] = turn as u32;
        }
        assert_eq!(store.spoiled(), 0, "{wrong}");
        for (number, generation) in (0..).zip(newest) {
            let new = Some(grant(number, generation));
            assert_eq!(held(&mut store, number), new, "{wrong}");
            assert_eq!(kept(&store, number), new, "{wrong}");
        }
        if store.flash().reads <= wrong {
            assert!(wrong > 100, "{wrong}");
            break;
        }
    }
}

/// Its grant is gone, as if it had never been; nobody else's is.
#[test]
fn one_cell_that_can_not_be_read_takes_nobody_else_along() {
    let mut store = opened(Model::new(SECTORS));
    for number in 0..4 {
        assert_eq!(put(&mut store, &grant(number, 1)), Committed::Done);
    }
    let id = grant(2, 1).id.0;
    let octets = store.flash_mut().flash.octets_mut();
    let at = octets.windows(12).position(|window| window == id);
    octets[at.expect("it is there") + 20] ^= 1;
    assert_eq!(store.spoiled(), 0);
    assert_eq!(held(&mut store, 2), None);
    assert_eq!(store.spoiled(), 1);
    assert_eq!(store.resume(), Ok(()));
    for generation in 2..60 {
        for number in [0, 1, 3] {
            let new = grant(number, generation);
            assert_eq!(put(&mut store, &new), Committed::Done);
            assert_eq!(held(&mut store, number), Some(new));
        }
    }
    // Somebody who is over has its slot, which is free for another grant.
    assert_eq!(store.usage().used, 4);
    assert_eq!(kept(&store, 2), None);
    let record = Record::new(&grant(9, 1));
    let done = store.commit(NOW, &record.id(), Seen::ABSENT, Write::Record(&record));
    assert_eq!(done, Committed::Done);
    assert_eq!((store.usage().used, store.spoiled()), (5, 1));
    assert_eq!(kept(&store, 9), Some(grant(9, 1)));
}

/// What is spoiled is not copied on, and what is not is.
#[test]
fn a_cell_that_is_spoiled_is_left_behind() {
    // Nobody looks at it before, as they do at those of the same tag.
    let lone = |number: u8, generation| Grant {
        id: GrantId([number; 12]),
        ..grant(number, generation)
    };
    let mut store = opened(Model::new(SECTORS));
    for number in 0..3 {
        assert_eq!(put(&mut store, &lone(number, 1)), Committed::Done);
    }
    rot(&mut store, &lone(1, 1));
    for generation in 1..60 {
        assert_eq!(put(&mut store, &lone(5, generation)), Committed::Done);
    }
    assert_eq!((store.usage().used, store.spoiled()), (3, 1));
    let mut again = opened(store.flash().flash.clone());
    for store in [&mut store, &mut again] {
        for number in [0, 1, 2] {
            let id = lone(number, 1).id;
            let record = store.load(&id).expect("it works").record;
            assert_eq!(record.is_none(), number == 1, "{number}");
        }
    }
}

fn rot(store: &mut Small, new: &Grant) {
    let cell = Record::new(new);
    let octets = store.flash_mut().flash.octets_mut();
    let mut windows = octets.windows(96);
    let at = windows.rposition(|window| window == cell.octets());
    octets[at.expect("it is there") + 20] ^= 1;
}

/// An older one of its slot, which was not over yet, is somewhere still.
#[test]
fn r30_what_can_not_be_read_any_more_does_not_come_back_older() {
    for is_new in [true, false] {
        let mut store = opened(Model::new(SECTORS));
        if !is_new {
            assert_eq!(put(&mut store, &grant(1, 1)), Committed::Done);
        }
        assert_eq!(put(&mut store, &grant(2, 1)), Committed::Done);
        let ended = revoked(2);
        assert_eq!(put(&mut store, &ended), Committed::Done);
        rot(&mut store, &ended);
        assert_eq!(held(&mut store, 2), None);
        assert_eq!(store.spoiled(), 1);
        for generation in 2..8 {
            assert_eq!(put(&mut store, &grant(1, generation)), Committed::Done);
            assert_eq!(kept(&store, 2), None, "{generation}");
            assert_eq!(kept(&store, 1), Some(grant(1, generation)));
        }
    }
}

/// While a commit fails by noise, and for a while after it.
#[test]
fn r30_noise_around_a_commit_loses_nothing() {
    for length in 1..12_u64 {
        for start in 0..12 {
            let mut store = opened(Model::new(SECTORS));
            for number in 1..4 {
                assert_eq!(put(&mut store, &grant(number, 1)), Committed::Done);
            }
            let id = grant(1, 1).id;
            let seen = store.load(&id).expect("it works").seen;
            let from = store.flash().reads + start;
            store.flash_mut().misread = from..from + length;
            let record = Record::new(&grant(1, 2));
            let done = store.commit(NOW, &id, seen, Write::Record(&record));
            if done == Committed::Unavailable {
                let resumed = (0..20).find(|_| store.resume().is_ok());
                assert!(resumed.is_some(), "{length} from {start}");
            }
            store.flash_mut().misread = 0..0;
            let expected = Some(grant(1, if done == Committed::Done { 2 } else { 1 }));
            let known = held(&mut store, 1);
            assert_eq!(known, expected, "{length} from {start}: {done:?}");
            assert_eq!(kept(&store, 1), expected, "{length} from {start}: {done:?}");
        }
    }
}

/// A bus on which nobody answers for a while, and that does not fail, reads as blank:
/// while records are looked for, written, or copied into another sector.
#[test]
fn r30_a_bus_that_reads_as_blank_for_a_while_loses_nothing() {
    for length in [1, 2, 3, 4, 40] {
        for start in 0..40 {
            let mut store = opened(Model::new(SECTORS));
            for turn in 1..24 {
                let new = grant(turn as u8 % 6, turn);
                assert_eq!(put(&mut store, &new), Committed::Done);
            }
            let from = store.flash().reads + start;
            store.flash_mut().mute = from..from + length;
            let mut newest = [18, 19, 20, 21, 22, 23];
            for turn in 24..36 {
                let number = turn as u8 % 6;
                let new = grant(number, turn);
                let done = (0..60).any(|_| put(&mut store, &new) == Committed::Done);
                assert!(done, "{length} from {start}: {turn}");
                newest[usize::from(number)] = turn;
            }
            assert_eq!(store.spoiled(), 0, "{length} from {start}");
            for (number, generation) in (0..).zip(newest) {
                let new = Some(grant(number, generation));
                assert_eq!(held(&mut store, number), new, "{length} from {start}");
                assert_eq!(kept(&store, number), new, "{length} from {start}");
            }
        }
    }
}

#[test]
fn r30_a_new_grant_that_was_refused_does_not_come_back() {
    for tear in TEARS {
        for at in 0..60 {
            let mut store = opened(Model::new(SECTORS));
            for number in 1..4 {
                assert_eq!(put(&mut store, &grant(number, 1)), Committed::Done);
            }
            store.flash_mut().flash.cut_after(at, tear);
            let done = put(&mut store, &grant(9, 1));
            store.flash_mut().flash.revive();
            assert_eq!(store.resume(), Ok(()));
            let known = held(&mut store, 9);
            assert_eq!(known.is_some(), done == Committed::Done, "{tear:?} {at}");
            assert_eq!(kept(&store, 9), known, "{tear:?} {at}");
        }
    }
}

/// Of which a bit of one cell is stuck at one.
struct Worn {
    flash: Model<4, 512>,
    at: u32,
}

impl ErrorType for Worn {
    type Error = Dead;
}

impl ReadNorFlash for Worn {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), Dead> {
        self.flash.read(offset, octets).await?;
        let within = self.at.checked_sub(offset);
        if let Some(octet) = within.and_then(|at| octets.get_mut(at as usize)) {
            *octet |= 0x80;
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl NorFlash for Worn {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 512;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Dead> {
        self.flash.erase(from, to).await
    }

    async fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), Dead> {
        self.flash.write(offset, octets).await
    }
}

/// It is gone round, whether a commit or a copy comes to it.
#[test]
fn one_worn_cell_does_not_end_the_store() {
    for cell in 0..4 {
        let flash = Worn {
            flash: Model::new(SECTORS),
            at: 2 * 512 + 20 + 100 * cell + 30,
        };
        let mut store = FlashStore::<_, 64>::new(flash);
        store.open().expect("it opens");
        for turn in 1..400_u32 {
            let new = grant(if turn < 4 { turn as u8 } else { 9 }, turn);
            let seen = store.load(&new.id).expect("it works").seen;
            let record = Record::new(&new);
            let done = store.commit(NOW, &new.id, seen, Write::Record(&record));
            assert_eq!(done, Committed::Done, "{cell}: {turn}");
        }
        let erasures = &store.flash().flash.erasures;
        let (most, least) = (erasures.iter().max(), erasures.iter().min());
        assert!(most.unwrap() - least.unwrap() <= 1, "{cell}: {erasures:?}");
    }
}
