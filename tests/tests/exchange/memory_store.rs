//! The store in memory: compare-and-swap, room, owners.

use std::collections::HashMap;

use proptest::prelude::*;
use smallgate_core::oauth::{Grant, GrantId, Reason, Record, State, Tag};
use smallgate_core::store::slots::{Standing, id_tag, owner_tag};
use smallgate_core::store::{
    Committed, GrantSlot, MemoryStore, OwnerLimits, Seen, SliceStore, Store, Write,
};
use smallgate_core::time::UnixTime;

use crate::record;

const NOW: UnixTime = UnixTime(1_800_000_000);

/// A live grant of its own owner.
fn grant(number: u16) -> Grant {
    let [a, b] = number.to_le_bytes();
    Grant {
        id: GrantId([a, b, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        state: State::Active { generation: 1 },
        client: Tag([a, b, 1, 1, 1, 1, 1, 1]),
        user: Some(Tag([b, a, 2, 2, 2, 2, 2, 2])),
        created: NOW,
        ends: UnixTime(NOW.0 + 1000),
        keep_until: UnixTime(NOW.0 + 1000),
        touched: 0,
        ..record::grant()
    }
}

fn create<const N: usize>(store: &mut MemoryStore<N>, grant: &Grant) -> Committed {
    let record = Record::new(grant);
    store.commit(NOW, &grant.id, Seen::ABSENT, Write::Record(&record))
}

fn kept<const N: usize>(store: &mut MemoryStore<N>, grant: &Grant) -> bool {
    let found = store.load(&grant.id).unwrap().record;
    found.is_some_and(|record| record.id() == grant.id)
}

#[test]
fn absent_record_is_seen_as_absent() {
    let mut store = MemoryStore::<4>::new();
    let loaded = store.load(&grant(1).id).unwrap();
    assert_eq!((loaded.record, loaded.seen), (None, Seen::ABSENT));
    assert!(store.is_empty());
}

#[test]
fn swap_needs_what_was_seen() {
    let mut store = MemoryStore::<4>::new();
    let grant = grant(1);
    assert_eq!(create(&mut store, &grant), Committed::Done);
    assert_eq!(
        create(&mut store, &grant),
        Committed::Conflict,
        "it is there"
    );
    let first = store.load(&grant.id).unwrap();
    let revoked = Record::new(&Grant {
        state: State::Revoked(Reason::Requested),
        ..grant
    });
    let mut commit = |seen, write| store.commit(NOW, &grant.id, seen, write);
    assert_eq!(commit(first.seen, Write::Confirm), Committed::Done);
    assert_eq!(commit(first.seen, Write::Record(&revoked)), Committed::Done);
    assert_eq!(commit(first.seen, Write::Confirm), Committed::Conflict);
    assert_eq!(
        commit(first.seen, Write::Record(&revoked)),
        Committed::Conflict
    );
    let second = store.load(&grant.id).unwrap();
    assert_eq!(second.record, Some(revoked));
    assert_ne!(second.seen, first.seen);
    assert_eq!(store.len(), 1);
}

#[test]
fn absent_record_is_confirmed_as_absent_only() {
    let mut store = MemoryStore::<4>::new();
    let id = grant(1).id;
    assert_eq!(
        store.commit(NOW, &id, Seen(1), Write::Confirm),
        Committed::Conflict
    );
    assert_eq!(
        store.commit(NOW, &id, Seen::ABSENT, Write::Confirm),
        Committed::Done
    );
    assert!(store.is_empty());
}

/// A record that went and came back is another one.
#[test]
fn stamp_is_never_used_twice() {
    let mut store = MemoryStore::<1>::new();
    let revoked = Grant {
        state: State::Revoked(Reason::Requested),
        ..grant(1)
    };
    let mut seen = Vec::new();
    for _ in 0..10 {
        for grant in [
            revoked,
            Grant {
                id: grant(2).id,
                ..revoked
            },
        ] {
            assert_eq!(create(&mut store, &grant), Committed::Done);
            seen.push(store.load(&grant.id).unwrap().seen.0);
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}

#[test]
fn full_store_of_live_grants_takes_nobody_elses_place() {
    let mut store = MemoryStore::<8>::new();
    for number in 0..8 {
        assert_eq!(create(&mut store, &grant(number)), Committed::Done);
    }
    assert_eq!(create(&mut store, &grant(8)), Committed::Full);
    for number in 0..8 {
        assert!(kept(&mut store, &grant(number)));
    }
    assert!(!kept(&mut store, &grant(8)));
}

#[test]
fn revoked_grants_give_way_before_expired_ones() {
    let mut store = MemoryStore::<4>::new();
    let expired = Grant {
        keep_until: NOW,
        ..grant(1)
    };
    let revoked = Grant {
        state: State::Revoked(Reason::RefreshReused),
        ..grant(2)
    };
    let pending = Grant {
        state: State::Pending,
        keep_until: NOW,
        ..grant(3)
    };
    for grant in [expired, revoked, pending, grant(4)] {
        assert_eq!(create(&mut store, &grant), Committed::Done);
    }
    assert_eq!(create(&mut store, &grant(5)), Committed::Done);
    assert!(!kept(&mut store, &revoked));
    assert!(kept(&mut store, &expired) && kept(&mut store, &pending));
    assert_eq!(create(&mut store, &grant(6)), Committed::Done);
    assert_eq!(create(&mut store, &grant(7)), Committed::Done);
    assert!(!kept(&mut store, &expired) && !kept(&mut store, &pending));
    assert_eq!(create(&mut store, &grant(8)), Committed::Full);
    for number in 4..8 {
        assert!(kept(&mut store, &grant(number)), "{number}");
    }
}

fn owned(number: u16, user: Option<Tag>) -> Grant {
    Grant {
        client: Tag([9; 8]),
        user,
        created: UnixTime(NOW.0 - 1000 + u64::from(number)),
        ..grant(number)
    }
}

/// Creates `limit` grants and one more of an owner, out of order.
fn overflow(user: Option<Tag>, limit: u16) {
    let mut store = MemoryStore::<64>::new();
    let neighbours = [
        grant(900),
        Grant {
            user: Some(Tag([4; 8])),
            ..owned(0, None)
        },
        Grant {
            client: Tag([8; 8]),
            id: grant(901).id,
            ..owned(0, user)
        },
    ];
    for neighbour in &neighbours {
        assert_eq!(create(&mut store, neighbour), Committed::Done);
    }
    for number in (1..=limit).rev() {
        assert_eq!(create(&mut store, &owned(number, user)), Committed::Done);
    }
    for number in 1..=limit {
        assert!(
            kept(&mut store, &owned(number, user)),
            "{number} of {limit}"
        );
    }
    for number in 1..=limit {
        let (next, oldest) = (owned(limit + number, user), owned(number, user));
        assert_eq!(create(&mut store, &next), Committed::GaveWay(oldest.id));
        assert!(
            !kept(&mut store, &owned(number, user)),
            "the oldest gives way"
        );
        assert!(kept(&mut store, &owned(number + 1, user)), "no other does");
    }
    for neighbour in &neighbours {
        assert!(kept(&mut store, neighbour));
    }
}

#[test]
fn of_grants_made_in_one_second_the_first_gives_way() {
    let mut store = MemoryStore::<64>::new();
    let at_once = |number| Grant {
        created: NOW,
        ..owned(number, None)
    };
    for number in 1..=4 {
        assert_eq!(create(&mut store, &at_once(number)), Committed::Done);
    }
    for number in 1..=40 {
        let oldest = at_once(number).id;
        assert_eq!(
            create(&mut store, &at_once(number + 4)),
            Committed::GaveWay(oldest)
        );
    }
}

#[test]
fn owners_oldest_grant_gives_way_at_16_for_a_user() {
    assert_eq!(OwnerLimits::DEFAULT.user, 16);
    overflow(Some(Tag([7; 8])), 16);
}

#[test]
fn owners_oldest_grant_gives_way_at_4_for_a_client() {
    assert_eq!(OwnerLimits::DEFAULT.client, 4);
    overflow(None, 4);
}

#[test]
fn revoked_and_expired_grants_are_none_of_an_owners_16() {
    let mut store = MemoryStore::<64>::new();
    let user = Some(Tag([7; 8]));
    for number in 0..40 {
        let over = if number % 2 == 0 {
            Grant {
                keep_until: NOW,
                ..owned(number, user)
            }
        } else {
            Grant {
                state: State::Revoked(Reason::Requested),
                ..owned(number, user)
            }
        };
        assert_eq!(create(&mut store, &over), Committed::Done);
    }
    for number in 40..56 {
        assert_eq!(create(&mut store, &owned(number, user)), Committed::Done);
    }
    for number in 0..56 {
        assert!(kept(&mut store, &owned(number, user)), "{number}");
    }
}

/// Ids that share the octets a tag is made of.
#[test]
fn grants_with_the_same_tag_are_told_apart() {
    let mut store = MemoryStore::<32>::new();
    let same = |number: u8| Grant {
        id: GrantId([1, 1, number, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ..grant(u16::from(number))
    };
    for number in 0..32 {
        assert_eq!(create(&mut store, &same(number)), Committed::Done);
    }
    for number in 0..32 {
        let record = store.load(&same(number).id).unwrap().record;
        assert_eq!(record.unwrap().grant(), Ok(same(number)));
    }
}

#[test]
fn a_grant_is_looked_for_by_its_id_and_by_both_parts_of_its_owner() {
    let grant = grant(0x3C0F);
    assert_eq!(id_tag(&grant.id), 0x3C0F);
    assert_eq!(owner_tag(&Record::new(&grant)), 0x3333);
    let others = Grant {
        user: Some(Tag([0; 8])),
        ..grant
    };
    assert_eq!(owner_tag(&Record::new(&others)), 0x3C0F);
}

#[test]
fn a_slot_is_live_until_its_grant_ends() {
    let before = UnixTime(NOW.0 - 1);
    let until = Standing::of(&Grant {
        keep_until: NOW,
        ..grant(1)
    });
    assert_eq!(until, Standing::Until(NOW));
    assert!(until.is_live(before) && !until.is_live(NOW));
    let revoked = Standing::of(&Grant {
        state: State::Revoked(Reason::Requested),
        ..grant(1)
    });
    assert!(!revoked.is_live(before) && !Standing::Vacant.is_live(before));
}

#[derive(Clone, Debug)]
enum Operation {
    Create(u16),
    Revoke(u16),
    Stale(u16),
    Load(u16),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = (0_u16..24, 0_u8..8).prop_map(|(number, kind)| match kind {
        0..4 => Operation::Create(number),
        4 => Operation::Revoke(number),
        5 => Operation::Stale(number),
        _ => Operation::Load(number),
    });
    prop::collection::vec(one, 0..200)
}

proptest! {
    /// In lent memory, whatever was in it, as in memory of its own.
    #[test]
    fn lent_slots_answer_as_owned_ones(operations in operations()) {
        const N: usize = 12;
        let mut owned = MemoryStore::<N>::new();
        let (mut ids, mut owners) = ([7; N + 1], [7; N]);
        let mut slots = [GrantSlot::VACANT; N + 2];
        let mut lent = SliceStore::new(&mut ids, &mut owners, &mut slots);
        for operation in operations {
            let (Operation::Create(number) | Operation::Revoke(number) | Operation::Stale(number)
                | Operation::Load(number)) = operation;
            let mut new = grant(number);
            let (ours, theirs) = (owned.load(&new.id).unwrap(), lent.load(&new.id).unwrap());
            prop_assert_eq!((ours.record, ours.seen), (theirs.record, theirs.seen));
            let seen = match operation {
                Operation::Create(_) => Seen::ABSENT,
                Operation::Stale(_) => Seen(ours.seen.0 + 1),
                _ => ours.seen,
            };
            if let Operation::Revoke(_) = operation {
                new.state = State::Revoked(Reason::Requested);
            }
            let record = Record::new(&new);
            let write = match operation {
                Operation::Load(_) => Write::Confirm,
                _ => Write::Record(&record),
            };
            prop_assert_eq!(
                owned.commit(NOW, &new.id, seen, write),
                lent.commit(NOW, &new.id, seen, write)
            );
            prop_assert_eq!(owned.len(), lent.len());
            prop_assert_eq!(owned.is_empty(), owned.records().next().is_none());
            prop_assert_eq!(lent.is_empty(), owned.is_empty());
            let shown = format!("{owned:?}").replace("MemoryStore", "SliceStore");
            prop_assert_eq!(format!("{lent:?}"), shown);
        }
    }

    /// Beside a map, which knows nothing of slots and tags.
    #[test]
    fn store_agrees_with_a_map(operations in operations()) {
        const N: usize = 12;
        let mut store = MemoryStore::<N>::new();
        let mut map: HashMap<u16, Grant> = HashMap::new();
        for operation in operations {
            match operation {
                Operation::Create(number) => {
                    let answer = create(&mut store, &grant(number));
                    let revoked = map.iter()
                        .filter(|(_, grant)| matches!(grant.state, State::Revoked(_)))
                        .map(|(number, _)| *number)
                        .collect::<Vec<_>>();
                    if map.contains_key(&number) {
                        prop_assert_eq!(answer, Committed::Conflict);
                    } else if map.len() < N {
                        prop_assert_eq!(answer, Committed::Done);
                        map.insert(number, grant(number));
                    } else if revoked.is_empty() {
                        prop_assert_eq!(answer, Committed::Full);
                    } else {
                        prop_assert_eq!(answer, Committed::Done);
                        let gone: Vec<_> = map.keys().copied()
                            .filter(|other| !kept(&mut store, &grant(*other)))
                            .collect();
                        prop_assert_eq!(gone.len(), 1);
                        prop_assert!(revoked.contains(&gone[0]));
                        map.remove(&gone[0]);
                        map.insert(number, grant(number));
                    }
                }
                Operation::Revoke(number) => {
                    let loaded = store.load(&grant(number).id).unwrap();
                    prop_assert_eq!(loaded.record.is_some(), map.contains_key(&number));
                    if loaded.record.is_some() {
                        let over = Grant { state: State::Revoked(Reason::Requested), ..grant(number) };
                        let record = Record::new(&over);
                        let write = Write::Record(&record);
                        prop_assert_eq!(store.commit(NOW, &over.id, loaded.seen, write), Committed::Done);
                        map.insert(number, over);
                    }
                }
                Operation::Stale(number) => {
                    let seen = Seen(store.load(&grant(number).id).unwrap().seen.0 + 1000);
                    let record = Record::new(&grant(number));
                    let write = Write::Record(&record);
                    prop_assert_eq!(store.commit(NOW, &grant(number).id, seen, write), Committed::Conflict);
                }
                Operation::Load(number) => {
                    let record = store.load(&grant(number).id).unwrap().record;
                    prop_assert_eq!(record, map.get(&number).map(Record::new));
                }
            }
            prop_assert_eq!(store.len(), map.len());
            prop_assert_eq!(store.records().count(), map.len());
        }
    }
}
