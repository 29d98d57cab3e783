//! The record of a grant: 96 octets, little-endian, with a checksum.

use proptest::prelude::*;
use smallgate_core::oauth::{
    Grant, GrantId, Origin, RECORD_SIZE, Reason, Record, RecordError, State, Tag,
};
use smallgate_core::scope::ScopeSet;
use smallgate_core::time::UnixTime;

/// A grant in which every octet of every field is another one.
pub(crate) fn grant() -> Grant {
    Grant {
        id: GrantId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        state: State::Active {
            generation: 0x1514_1312,
        },
        client: Tag([0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28]),
        user: Some(Tag([0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38])),
        refreshable: true,
        reuse: false,
        origin: Origin::Direct,
        scope: ScopeSet::from_bits(0x4847_4645_4443_4241),
        scope_names: [0x51, 0x52, 0x53, 0x54],
        nonce: [0x61, 0x62, 0x63, 0x64],
        created: UnixTime(0x0102_0304),
        touched: 0x7473_7271,
        ends: UnixTime(0x0102_0304 + 0x0483_8281),
        keep_until: UnixTime(0x0102_0304 + 0x0593_9291),
    }
}

/// CRC-32 by the polynomial, a bit at a time from the top: not the core's way.
fn crc32(octets: &[u8]) -> u32 {
    let mut register = 0xFFFF_FFFF_u32;
    for octet in octets {
        register ^= u32::from(octet.reverse_bits()) << 24;
        for _ in 0..8 {
            let carry = register & 0x8000_0000 != 0;
            register <<= 1;
            if carry {
                register ^= 0x04C1_1DB7;
            }
        }
    }
    !register.reverse_bits()
}

#[test]
fn crc32_of_the_tests_is_the_known_one() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

/// The table of the design, octet by octet.
#[test]
fn record_layout_is_the_documented_one() {
    let record = Record::new(&grant());
    let octets = record.octets();
    assert_eq!(octets.len(), 96);
    assert_eq!(octets[0], 1, "layout");
    assert_eq!(octets[4..8], [0x12, 0x13, 0x14, 0x15], "generation");
    assert_eq!(octets[8..20], grant().id.0, "id");
    assert_eq!(octets[20..24], [0x61, 0x62, 0x63, 0x64], "nonce");
    assert_eq!(octets[24..32], grant().client.0, "client");
    assert_eq!(octets[32..40], grant().user.unwrap().0, "user");
    let scope = [0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48];
    assert_eq!(octets[40..48], scope, "scope");
    assert_eq!(octets[48..52], [0x51, 0x52, 0x53, 0x54], "scope names");
    assert_eq!(octets[52..56], [0x71, 0x72, 0x73, 0x74], "touched");
    assert_eq!(octets[56..64], [4, 3, 2, 1, 0, 0, 0, 0], "created");
    assert_eq!(octets[64..68], [0x81, 0x82, 0x83, 0x04], "ends");
    assert_eq!(octets[68..72], [0x91, 0x92, 0x93, 0x05], "keep until");
    assert_eq!(octets[72..92], [0; 20], "binding and reserved");
    assert_eq!(octets[92..], crc32(&octets[..92]).to_le_bytes(), "CRC-32");
    assert_eq!(record.id(), grant().id);
}

#[test]
fn every_flipped_bit_of_a_record_is_noticed() {
    let good = *Record::new(&grant()).octets();
    assert!(Record::from_octets(good).grant().is_ok());
    for bit in 0..RECORD_SIZE * 8 {
        let mut octets = good;
        octets[bit / 8] ^= 1 << (bit % 8);
        let error = Record::from_octets(octets).grant().expect_err("noticed");
        assert!(
            matches!(error, RecordError::Checksum | RecordError::Vacant),
            "bit {bit}: {error:?}"
        );
    }
}

#[test]
fn every_torn_record_is_noticed() {
    let good = *Record::new(&grant()).octets();
    for blank in [0x00, 0xFF] {
        for written in 0..RECORD_SIZE {
            let mut octets = [blank; RECORD_SIZE];
            octets[..written].copy_from_slice(&good[..written]);
            if octets != good {
                assert!(Record::from_octets(octets).grant().is_err(), "{written}");
            }
        }
    }
}

#[test]
fn vacant_slots_are_vacant() {
    assert_eq!(Record::VACANT.grant(), Err(RecordError::Vacant));
    let erased = Record::from_octets([0xFF; RECORD_SIZE]);
    assert_eq!(erased.grant(), Err(RecordError::Vacant));
}

/// Octets with a good checksum and these first ones.
fn forged(start: [u8; 8]) -> Record {
    let mut octets = *Record::new(&grant()).octets();
    octets[..8].copy_from_slice(&start);
    let checksum = crc32(&octets[..92]);
    octets[92..].copy_from_slice(&checksum.to_le_bytes());
    Record::from_octets(octets)
}

#[test]
fn impossible_values_are_refused_under_a_good_checksum() {
    assert!(forged([1, 2, 3, 0, 1, 0, 0, 0]).grant().is_ok());
    let refused = [
        ([2, 2, 3, 0, 1, 0, 0, 0], RecordError::Version),
        ([0, 2, 3, 0, 1, 0, 0, 0], RecordError::Version),
        ([1, 2, 3, 0, 0, 0, 0, 0], RecordError::Malformed),
        ([1, 2, 3, 1, 1, 0, 0, 0], RecordError::Malformed),
        ([1, 1, 3, 0, 1, 0, 0, 0], RecordError::Malformed),
        ([1, 1, 3, 1, 0, 0, 0, 0], RecordError::Malformed),
        ([1, 3, 3, 0, 0, 0, 0, 0], RecordError::Malformed),
        ([1, 3, 3, 6, 0, 0, 0, 0], RecordError::Malformed),
        ([1, 3, 3, 1, 1, 0, 0, 0], RecordError::Malformed),
        ([1, 4, 3, 0, 0, 0, 0, 0], RecordError::Malformed),
        ([1, 0, 3, 0, 1, 0, 0, 0], RecordError::Vacant),
        ([1, 0xFF, 3, 0, 1, 0, 0, 0], RecordError::Vacant),
    ];
    for (start, error) in refused {
        assert_eq!(forged(start).grant(), Err(error), "{start:?}");
    }
}

fn states() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Pending),
        (1_u32..).prop_map(|generation| State::Active { generation }),
        prop::sample::select(vec![
            Reason::CodeReplayed,
            Reason::RefreshReused,
            Reason::Requested,
            Reason::Exhausted,
            Reason::GaveWay,
        ])
        .prop_map(State::Revoked),
    ]
}

prop_compose! {
    fn grants()(
        id in any::<[u8; 12]>(), state in states(), client in any::<[u8; 8]>(),
        user in any::<Option<[u8; 8]>>(), refreshable: bool, reuse: bool, direct: bool,
        scope: u64, scope_names in any::<[u8; 4]>(), nonce in any::<[u8; 4]>(),
        created in 0..UnixTime::LAST.0, touched: u32, ends: u32, keep: u32,
    ) -> Grant {
        Grant {
            id: GrantId(id), state, client: Tag(client), user: user.map(Tag), refreshable, reuse,
            origin: if direct { Origin::Direct } else { Origin::Code },
            scope: ScopeSet::from_bits(scope), scope_names, nonce, created: UnixTime(created), touched,
            ends: UnixTime(created + u64::from(ends)), keep_until: UnixTime(created + u64::from(keep)),
        }
    }
}

proptest! {
    #[test]
    fn decode_after_encode_is_identity(grant in grants()) {
        let record = Record::new(&grant);
        prop_assert_eq!(record.grant(), Ok(grant));
        prop_assert_eq!(Record::from_octets(*record.octets()).grant(), Ok(grant));
    }

    #[test]
    fn no_octets_make_the_decoder_panic(octets in prop::collection::vec(any::<u8>(), RECORD_SIZE)) {
        let mut octets: [u8; RECORD_SIZE] = octets.try_into().unwrap();
        let _ = Record::from_octets(octets).grant();
        // Under a good checksum the fields are read.
        let checksum = crc32(&octets[..92]);
        octets[92..].copy_from_slice(&checksum.to_le_bytes());
        octets[0] = 1;
        if let Ok(grant) = Record::from_octets(octets).grant() {
            prop_assert_eq!(Record::new(&grant).grant(), Ok(grant));
        }
    }
}
