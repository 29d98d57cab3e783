//! The store beside a reference, and on flash that fails.

use std::collections::HashMap;

use proptest::prelude::*;
use smallgate_core::oauth::{Grant, Record, State};
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::store::{FlashStore, Kept, OpenError};
use smallgate_tests::powercut::{Model, TEARS, Tear};

use crate::grants::{NOW, grant, revoked};

/// Six sectors of four cells: ten grants are half of five.
type Flash = Model<4, 512>;
type Small = FlashStore<Flash, 64>;
const SECTORS: usize = 6;
const CELLS: usize = 4;
const HALF: usize = 10;

fn put(store: &mut Small, grant: &Grant) -> Committed {
    let seen = store
        .load(&grant.id)
        .map_or(Seen::ABSENT, |loaded| loaded.seen);
    store.commit(NOW, &grant.id, seen, Write::Record(&Record::new(grant)))
}

fn held(store: &mut Small, number: u8) -> Option<Grant> {
    let loaded = store.load(&grant(number, 1).id).expect("the flash works");
    loaded.record.and_then(|record| record.grant().ok())
}

/// Opens it, in six times as many reads as there are heads, twice, and cells,
/// whatever is on it, and once where nothing is torn; and only blank flash is written
/// to.
fn opened(flash: Flash) -> Small {
    let octets = flash.octets();
    let is_blank = octets.iter().all(|octet| matches!(octet, 0x00 | 0xFF));
    let before = (flash.reads, flash.read, flash.operations());
    let mut store = Small::new(flash);
    store.open().expect("it opens");
    let flash = store.flash();
    let reads = 6 * (SECTORS * (2 + CELLS) + 1) as u64;
    assert!(flash.reads - before.0 <= reads, "{} reads", flash.reads);
    let octets = 6 * ((SECTORS + 1) * 512) as u64;
    assert!(flash.read - before.1 <= octets, "{} octets", flash.read);
    assert_eq!(flash.operations() > before.2, is_blank);
    store
}

#[test]
fn full_store_refuses_new_grants_and_goes_on_rotating_and_revoking() {
    let mut store = opened(Model::new(SECTORS));
    for number in 0..HALF as u8 {
        assert_eq!(put(&mut store, &grant(number, 1)), Committed::Done);
    }
    assert_eq!(put(&mut store, &grant(99, 1)), Committed::Full);
    for generation in 2..100 {
        let number = generation as u8 % HALF as u8;
        assert_eq!(put(&mut store, &grant(number, generation)), Committed::Done);
    }
    for number in 0..HALF as u8 {
        assert!(held(&mut store, number).is_some());
        assert_eq!(put(&mut store, &revoked(number)), Committed::Done);
    }
    assert_eq!(put(&mut store, &grant(99, 1)), Committed::Done);
    let usage = store.usage();
    assert_eq!((usage.used, usage.slots), (HALF, HALF));
    let (most, least) = {
        let erasures = &store.flash().erasures;
        (
            erasures.iter().max().copied(),
            erasures.iter().min().copied(),
        )
    };
    assert!(most.unwrap() - least.unwrap() <= 1, "wear is levelled");
    assert_eq!(Some(usage.erasures()), most, "and counted");
}

#[test]
fn compare_and_swap_holds_across_an_opening() {
    let mut store = opened(Model::new(SECTORS));
    put(&mut store, &grant(1, 1));
    let seen = store.load(&grant(1, 1).id).unwrap().seen;
    let record = Record::new(&grant(1, 2));
    let id = record.id();
    assert_eq!(
        store.commit(NOW, &id, seen, Write::Confirm),
        Committed::Done
    );
    assert_eq!(
        store.commit(NOW, &id, seen, Write::Record(&record)),
        Committed::Done
    );
    assert_eq!(
        store.commit(NOW, &id, seen, Write::Record(&record)),
        Committed::Conflict
    );
    assert_eq!(
        store.commit(NOW, &id, seen, Write::Confirm),
        Committed::Conflict
    );
    let mut again = opened(store.flash().clone());
    assert_eq!(held(&mut again, 1), Some(grant(1, 2)));
    assert_eq!(again.newest(), UnixTime(NOW.0 + 2));
}

#[test]
fn failing_flash_is_unavailable_and_takes_nothing_back() {
    let mut store = opened(Model::new(SECTORS));
    put(&mut store, &grant(1, 1));
    for tear in TEARS {
        store.flash_mut().cut_after(3, tear);
        assert_eq!(put(&mut store, &grant(1, 2)), Committed::Unavailable);
        assert!(store.load(&grant(1, 1).id).is_err());
        store.flash_mut().revive();
        assert_eq!(held(&mut store, 1), Some(grant(1, 1)), "{tear:?}");
    }
    assert_eq!(put(&mut store, &grant(1, 2)), Committed::Done);
    assert_eq!(
        held(&mut opened(store.flash().clone()), 1),
        Some(grant(1, 2))
    );
}

#[test]
fn closed_store_is_unavailable() {
    let mut store = Small::new(Model::new(SECTORS));
    assert!(store.load(&grant(1, 1).id).is_err());
    let record = Record::new(&grant(1, 1));
    let done = store.commit(NOW, &record.id(), Seen::ABSENT, Write::Record(&record));
    assert_eq!(done, Committed::Unavailable);
}

/// FRAM has zeros on it before its first erasure, which may be cut off.
#[test]
fn what_is_of_zeros_and_ones_alone_is_blank() {
    let mut octets = vec![0; SECTORS * 512];
    octets[..300].fill(0xFF);
    let mut store = opened(Model::holding(octets));
    for generation in 1..60 {
        assert_eq!(put(&mut store, &grant(1, generation)), Committed::Done);
    }
    assert_eq!(
        held(&mut opened(store.flash().clone()), 1),
        Some(grant(1, 59))
    );
}

#[test]
fn store_that_failed_is_resumed_where_it_was() {
    let mut store = Small::new(Model::new(SECTORS));
    assert!(!store.is_open());
    store.flash_mut().cut_after(0, Tear::Unseen);
    assert_eq!(store.resume(), Err(OpenError::Failed));
    assert!(!store.is_open());
    store.flash_mut().revive();
    assert_eq!(store.resume(), Ok(()), "it was opened");
    assert!(store.is_open());
    for turn in 1..40 {
        assert_eq!(put(&mut store, &grant(1, turn)), Committed::Done);
        assert_eq!(store.resume(), Ok(()), "{turn}");
    }
    let seen = store.load(&grant(1, 39).id).expect("it works").seen;
    store.flash_mut().cut_after(0, Tear::Half);
    put(&mut store, &grant(1, 99));
    assert_eq!(store.resume(), Err(OpenError::Failed));
    assert!(store.is_open());
    store.flash_mut().revive();
    assert_eq!(store.resume(), Ok(()));
    let record = Record::new(&grant(1, 40));
    let id = record.id();
    let done = store.commit(NOW, &id, seen, Write::Record(&record));
    assert_eq!(done, Committed::Done, "an exchange goes on");
}

#[test]
fn what_else_is_on_a_flash_is_not_overwritten() {
    let mut octets = vec![0xFF; SECTORS * 512];
    octets[1700] = 0x55;
    assert_eq!(
        Small::new(Model::holding(octets)).open(),
        Err(OpenError::Foreign)
    );
    // Nor is what is in the first sector, where others keep what they have.
    let mut octets = vec![0xFF; SECTORS * 512];
    octets[100..140].fill(0x55);
    assert_eq!(
        Small::new(Model::holding(octets)).open(),
        Err(OpenError::Foreign)
    );
    assert_eq!(Small::new(Model::new(2)).open(), Err(OpenError::Geometry));
    let written = opened(Model::new(SECTORS)).flash().octets().to_vec();
    let other = FlashStore::<_, 64>::new(Model::<4, 1024>::holding(written)).open();
    assert_eq!(other, Err(OpenError::Measures), "of other sectors");
}

/// The octets of a first head, from the cell's length to the unit, for one slot.
fn told<const UNIT: usize>() -> [u8; 8] {
    let mut store = FlashStore::<_, 1>::new(Model::<UNIT, 1024>::new(3));
    store.open().expect("it opens");
    let octets = store.flash().octets();
    let octets = &octets[octets.len() - 1024..];
    assert_eq!(octets[..4], *b"SGS1");
    octets[4..12].try_into().expect("8 octets")
}

/// What an earlier version wrote is read, and the other way around.
#[test]
fn heads_are_as_they_were_and_tell_of_the_unit_where_cells_do_not() {
    assert_eq!(told::<1>(), [100, 0, 3, 0, 1, 0, 0, 0]);
    assert_eq!(told::<4>(), [100, 0, 3, 0, 1, 0, 0, 0]);
    assert_eq!(told::<8>(), [104, 0, 3, 0, 1, 0, 0, 0]);
    assert_eq!(told::<16>(), [112, 0, 3, 0, 1, 0, 0, 0]);
    assert_eq!(told::<32>(), [128, 0, 3, 0, 1, 0, 0, 0]);
    assert_eq!(told::<64>(), [128, 0, 3, 0, 1, 0, 64, 0]);
    assert_eq!(told::<128>(), [128, 0, 3, 0, 1, 0, 128, 0]);
}

#[test]
fn units_that_no_head_tells_of_are_refused() {
    let mut of_40 = FlashStore::<_, 8>::new(Model::<40, 4000>::new(4));
    assert_eq!(of_40.open(), Err(OpenError::Geometry));
    let mut of_256 = FlashStore::<_, 8>::new(Model::<256, 4096>::new(4));
    assert_eq!(of_256.open(), Err(OpenError::Geometry));
    let mut of_128 = FlashStore::<_, 8>::new(Model::<128, 4096>::new(4));
    of_128.open().expect("it opens");
    let octets = of_128.flash().octets().to_vec();
    let mut of_32 = FlashStore::<_, 8>::new(Model::<32, 4096>::holding(octets));
    assert_eq!(of_32.open(), Err(OpenError::Measures));
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Put(u8),
    Revoke(u8),
    Reopen,
    /// The power fails at this operation of the flash while a grant is put.
    Cut(u8, u8, Tear),
}

fn operation() -> impl Strategy<Value = Operation> {
    let number = 0..14_u8;
    let tear = prop::sample::select(TEARS.to_vec());
    prop_oneof![
        8 => number.clone().prop_map(Operation::Put),
        2 => number.clone().prop_map(Operation::Revoke),
        1 => Just(Operation::Reopen),
        3 => (number, 0..90_u8, tear).prop_map(|(number, at, tear)| Operation::Cut(number, at, tear)),
    ]
}

proptest! {
    /// Beside a map, which knows nothing of flash.
    #[test]
    fn r30_random_operations_and_power_cuts_beside_a_map(
        operations in prop::collection::vec(operation(), 1..150),
    ) {
        let mut store = opened(Model::new(SECTORS));
        let mut map: HashMap<u8, Grant> = HashMap::new();
        let mut generation = 1;
        for operation in operations {
            generation += 1;
            let (number, new) = match operation {
                Operation::Put(number) | Operation::Cut(number, ..) => (number, grant(number, generation)),
                Operation::Revoke(number) if map.contains_key(&number) => (number, revoked(number)),
                Operation::Revoke(_) => continue,
                Operation::Reopen => {
                    store = opened(store.flash().clone());
                    continue;
                }
            };
            if let Operation::Cut(_, at, tear) = operation {
                store.flash_mut().cut_after(u64::from(at), tear);
            }
            let done = put(&mut store, &new);
            let was_cut = store.flash().is_dead();
            if was_cut {
                prop_assert_eq!(done, Committed::Unavailable);
            }
            let mut flash = store.flash().clone();
            flash.revive();
            match was_cut {
                true => store = opened(flash),
                false => store.flash_mut().revive(),
            }
            let is_there = held(&mut store, number) == Some(new);
            // Who is not there any more gave way, and then was revoked.
            let gone: Vec<u8> = map.keys().copied()
                .filter(|other| *other != number && held(&mut store, *other).is_none())
                .collect();
            prop_assert!(gone.len() <= usize::from(is_there && !map.contains_key(&number)));
            for other in gone {
                prop_assert!(matches!(map[&other].state, State::Revoked(_)));
                map.remove(&other);
            }
            match (was_cut, done) {
                (true, _) | (false, Committed::Full) => {}
                (false, done) => {
                    prop_assert_eq!(done, Committed::Done);
                    prop_assert!(is_there);
                }
            }
            if is_there {
                map.insert(number, new);
            }
            for (number, grant) in &map {
                prop_assert_eq!(held(&mut store, *number), Some(*grant));
            }
            prop_assert_eq!(store.usage().used, map.len());
        }
    }

    /// Whatever is on it, opening ends, and what opens works.
    #[test]
    fn images_with_octets_changed_open_or_say_what_is_wrong(
        puts in prop::collection::vec(0..14_u8, 0..60),
        changes in prop::collection::vec((0..SECTORS * 512, any::<u8>()), 0..40),
    ) {
        let mut store = opened(Model::new(SECTORS));
        for (at, number) in puts.into_iter().enumerate() {
            put(&mut store, &grant(number, 2 + at as u32));
        }
        let mut octets = store.flash().octets().to_vec();
        for (at, octet) in changes {
            octets[at] = octet;
        }
        let mut store = Small::new(Model::holding(octets));
        let _whatever_it_says = store.written().expect("the flash works");
        if store.open().is_ok() {
            let done = put(&mut store, &grant(1, 1000));
            prop_assert!(matches!(done, Committed::Done | Committed::Full), "{:?}", done);
            prop_assert_eq!(held(&mut store, 1).is_some(), done == Committed::Done);
        }
    }
}

/// The head is another's, who knew of fewer slots.
#[test]
fn more_slots_than_a_head_says_are_not_there() {
    let mut other = opened(Model::new(SECTORS));
    for number in 0..5 {
        assert_eq!(put(&mut other, &grant(number, 1)), Committed::Done);
    }
    let with = |at: usize, value: &[u8]| {
        let mut octets = other.flash().octets().to_vec();
        for sector in 0..SECTORS {
            let head = &mut octets[sector * 512..sector * 512 + 20];
            if head.starts_with(b"SGS1") {
                head[at..at + value.len()].copy_from_slice(value);
                let sum = smallgate_core::codec::crc::crc32(&head[..16]).to_le_bytes();
                head[16..].copy_from_slice(&sum);
            }
        }
        Small::new(Model::holding(octets))
    };
    let mut fewer = with(8, &[1]);
    fewer.open().expect("it opens");
    let usage = fewer.usage();
    assert_eq!((usage.used, usage.slots), (1, 1));
    // The last number that there is: no sector can be begun after it.
    assert_eq!(with(12, &[0xFF; 4]).open(), Err(OpenError::Foreign));
}

/// What no store writes: each slot of a ring that is full of them lives.
#[test]
fn ring_without_room_is_not_opened() {
    let mut other = opened(Model::new(SECTORS));
    for number in 0..HALF as u8 {
        assert_eq!(put(&mut other, &grant(number, 1)), Committed::Done);
    }
    let mut octets = other.flash().octets().to_vec();
    let last = octets
        .windows(4)
        .rposition(|cell| cell == [9, 0, 0xF6, 0xFF]);
    let at = last.expect("its cell");
    octets[at..at + 4].copy_from_slice(&[10, 0, 0xF5, 0xFF]);
    assert_eq!(
        Small::new(Model::holding(octets)).open(),
        Err(OpenError::Foreign)
    );
}
