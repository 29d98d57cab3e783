//! The octets on the flash: a sector's head, and cells of one record each.
//!
//! | head, at | size | field | cell, at | size | field |
//! | --- | --- | --- | --- | --- | --- |
//! | 0 | 4 | `SGS1` | 0 | 2 | slot |
//! | 4 | 2 | octets of a cell | 2 | 2 | slot, inverted |
//! | 6 | 2 | sectors | 4 | 96 | [`Record`], with its CRC-32 |
//! | 8 | 2 | slots | | | |
//! | 10 | 2 | octets programmed at once, if over 32; else zero | | | |
//! | 12 | 4 | sequence | | | |
//! | 16 | 4 | CRC-32 | | | |
//!
//! Numbers are little-endian. Both are filled up with ones to what the flash
//! programs at once.

use smallgate_core::codec::crc::crc32;
use smallgate_core::oauth::{Grant, GrantId, Origin, RECORD_SIZE, Reason, Record, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::time::UnixTime;

/// The octets of a cell before it is filled up.
pub(super) const CELL: usize = RECORD_SIZE + 4;
/// The octets of a head before it is filled up.
pub(super) const HEAD: usize = 20;
/// The longest cell there is, and the longest head.
pub(super) const MAX_CELL: usize = 128;

const MAGIC: [u8; 4] = *b"SGS1";

/// What erased flash reads as.
const BLANK: u8 = 0xFF;

/// What a sector says of itself and of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) cell: u16,
    pub(super) sectors: u16,
    pub(super) slots: u16,
    /// Octets programmed at once where the cells do not tell: over 32; else zero.
    pub(super) unit: u16,
    /// Counts up with each sector that is begun.
    pub(super) sequence: u32,
}

impl Head {
    pub(super) fn octets(&self) -> [u8; MAX_CELL] {
        let mut octets = [BLANK; MAX_CELL];
        let [c0, c1] = self.cell.to_le_bytes();
        let [n0, n1] = self.sectors.to_le_bytes();
        let [l0, l1] = self.slots.to_le_bytes();
        let [u0, u1] = self.unit.to_le_bytes();
        let [s0, s1, s2, s3] = self.sequence.to_le_bytes();
        let [m0, m1, m2, m3] = MAGIC;
        let fields = [
            m0, m1, m2, m3, c0, c1, n0, n1, l0, l1, u0, u1, s0, s1, s2, s3,
        ];
        let checksum = crc32(&fields).to_le_bytes();
        for (to, from) in octets.iter_mut().zip(fields.iter().chain(&checksum)) {
            *to = *from;
        }
        octets
    }

    /// Reads a head, unless it is none or was not written to its end.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let (fields, rest) = octets.split_first_chunk::<16>()?;
        let checksum = rest.first_chunk::<4>()?;
        let [m0, m1, m2, m3, c0, c1, n0, n1, l0, l1, u0, u1, s @ ..] = *fields;
        let is_whole = [m0, m1, m2, m3] == MAGIC && crc32(fields).to_le_bytes() == *checksum;
        is_whole.then_some(Head {
            cell: u16::from_le_bytes([c0, c1]),
            sectors: u16::from_le_bytes([n0, n1]),
            slots: u16::from_le_bytes([l0, l1]),
            unit: u16::from_le_bytes([u0, u1]),
            sequence: u32::from_le_bytes(s),
        })
    }
}

/// Stands for a grant that can not be read any more, or that nobody was to hear of.
/// It is over, so its slot is the next one's.
pub(super) fn tombstone() -> Grant {
    Grant {
        id: GRAVE,
        state: State::Revoked(Reason::Requested),
        client: Tag([0; 8]),
        user: None,
        refreshable: false,
        reuse: false,
        origin: Origin::Direct,
        scope: ScopeSet::EMPTY,
        scope_names: [0; 4],
        nonce: [0; 4],
        created: UnixTime(0),
        touched: 0,
        ends: UnixTime(0),
        keep_until: UnixTime(0),
    }
}

/// Nobody's: others' are random.
pub(super) const GRAVE: GrantId = GrantId([0xFF; 12]);

/// A cell for `record`.
pub(super) fn seal(slot: u16, record: &Record) -> [u8; MAX_CELL] {
    let mut octets = [BLANK; MAX_CELL];
    let head = slot.to_le_bytes().into_iter();
    let head = head.chain((!slot).to_le_bytes());
    for (to, from) in octets
        .iter_mut()
        .zip(head.chain(record.octets().iter().copied()))
    {
        *to = from;
    }
    octets
}

/// The record in a cell and its slot, unless it was not written to its end.
pub(super) fn unseal(octets: &[u8]) -> Option<(u16, Record)> {
    let (head, rest) = octets.split_first_chunk::<4>()?;
    let [a, b, c, d] = *head;
    let slot = u16::from_le_bytes([a, b]);
    let record = Record::from_octets(*rest.first_chunk::<RECORD_SIZE>()?);
    let is_whole = slot == !u16::from_le_bytes([c, d]) && record.grant().is_ok();
    is_whole.then_some((slot, record))
}

/// Whether no store wrote this, nor anybody else: it is as erased flash is, or
/// all zeros as FRAM comes. Each octet may be either, since the power may have
/// failed while FRAM was erased the first time. A cell is erased before a store
/// writes to it.
pub(super) fn is_blank(octets: &[u8]) -> bool {
    octets.iter().all(|octet| matches!(*octet, BLANK | 0))
}
