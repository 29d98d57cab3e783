//! A grant as a store keeps it.

use core::fmt;

use super::grant::{Grant, GrantId, Origin, Reason, State, Tag};
use crate::codec::crc::crc32;
use crate::scope::ScopeSet;
use crate::time::UnixTime;

/// How many octets a record has.
pub const RECORD_SIZE: usize = 96;

/// A record: a grant in 96 octets, little-endian, with a checksum.
///
/// | at | size | field | at | size | field |
/// | --- | --- | --- | --- | --- | --- |
/// | 0 | 1 | layout version | 48 | 4 | fingerprint of the scope names |
/// | 1 | 1 | state | 52 | 4 | touched, seconds after created |
/// | 2 | 1 | flags | 56 | 8 | created, Unix seconds |
/// | 3 | 1 | reason of revocation | 64 | 4 | ends, seconds after created |
/// | 4 | 4 | generation | 68 | 4 | keep until, seconds after created |
/// | 8 | 12 | grant id | 72 | 16 | binding, zero |
/// | 20 | 4 | write nonce | 88 | 4 | reserved, zero |
/// | 24 | 8+8 | client tag, user tag | 92 | 4 | CRC-32 |
/// | 40 | 8 | scope bits | | | |
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Record([u8; RECORD_SIZE]);

/// Why octets are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RecordError {
    /// The slot is vacant.
    Vacant,
    /// The checksum is wrong.
    Checksum,
    /// The layout is of another version.
    Version,
    /// A field has a value that no record has.
    Malformed,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordError::Vacant => "the slot is vacant",
            RecordError::Checksum => "the record's checksum is wrong",
            RecordError::Version => "the record has another layout",
            RecordError::Malformed => "the record holds an impossible value",
        })
    }
}

impl core::error::Error for RecordError {}

const LAYOUT: u8 = 1;
const PENDING: u8 = 0x01;
const ACTIVE: u8 = 0x02;
const REVOKED: u8 = 0x03;
const USER: u8 = 1;
const REFRESHABLE: u8 = 2;
const REUSE: u8 = 4;
const DIRECT: u8 = 8;

impl Record {
    /// A slot that nothing was written to since it was zeroed.
    pub const VACANT: Record = Record([0; RECORD_SIZE]);

    /// Takes octets from a store. Nothing is checked before [`Record::grant`].
    #[must_use]
    pub const fn from_octets(octets: [u8; RECORD_SIZE]) -> Self {
        Record(octets)
    }

    /// The octets for a store.
    #[must_use]
    pub const fn octets(&self) -> &[u8; RECORD_SIZE] {
        &self.0
    }

    /// Encodes `grant`.
    #[must_use]
    pub fn new(grant: &Grant) -> Self {
        let (state, reason, generation) = match grant.state {
            State::Pending => (PENDING, 0, 0),
            State::Active { generation } => (ACTIVE, 0, generation),
            State::Revoked(reason) => (REVOKED, reason as u8, 0),
        };
        let flags = flag(grant.user.is_some(), USER)
            | flag(grant.refreshable, REFRESHABLE)
            | flag(grant.reuse, REUSE)
            | flag(grant.origin == Origin::Direct, DIRECT);
        let mut fields = Fields::new();
        fields.put([LAYOUT, state, flags, reason]);
        fields.put(generation.to_le_bytes());
        fields.put(grant.id.0);
        fields.put(grant.nonce);
        fields.put(grant.client.0);
        fields.put(grant.user.unwrap_or_default().0);
        fields.put(grant.scope.bits().to_le_bytes());
        fields.put(grant.scope_names);
        fields.put(grant.touched.to_le_bytes());
        fields.put(grant.created.0.to_le_bytes());
        fields.put(offset(grant.created, grant.ends));
        fields.put(offset(grant.created, grant.keep_until));
        fields.put([0_u8; 20]);
        fields.put(crc32(fields.written()).to_le_bytes());
        Record(fields.octets)
    }

    /// Decodes the grant.
    ///
    /// # Errors
    ///
    /// What keeps the octets from being a record.
    pub fn grant(&self) -> Result<Grant, RecordError> {
        let (fields, checksum) = self
            .0
            .split_last_chunk::<4>()
            .ok_or(RecordError::Malformed)?;
        if matches!(self.0, [_, 0x00 | 0xFF, ..]) {
            return Err(RecordError::Vacant);
        }
        if crc32(fields) != u32::from_le_bytes(*checksum) {
            return Err(RecordError::Checksum);
        }
        self.trusted()
    }

    /// Decodes the grant without a look at the checksum, for a memory that does
    /// not tear.
    pub(crate) fn trusted(&self) -> Result<Grant, RecordError> {
        let [layout, state, flags, reason, fields @ ..] = &self.0;
        let (state, flags, reason) = (*state, *flags, *reason);
        if matches!(state, 0x00 | 0xFF) {
            return Err(RecordError::Vacant);
        }
        if *layout != LAYOUT {
            return Err(RecordError::Version);
        }
        let mut rest: &[u8] = fields;
        let generation = u32::from_le_bytes(take(&mut rest)?);
        let id = GrantId(take(&mut rest)?);
        let nonce = take(&mut rest)?;
        let client = Tag(take(&mut rest)?);
        let user = Tag(take(&mut rest)?);
        let scope = ScopeSet::from_bits(u64::from_le_bytes(take(&mut rest)?));
        let scope_names = take(&mut rest)?;
        let touched = u32::from_le_bytes(take(&mut rest)?);
        let created = UnixTime(u64::from_le_bytes(take(&mut rest)?));
        let ends = u32::from_le_bytes(take(&mut rest)?);
        let keep = u32::from_le_bytes(take(&mut rest)?);
        let state = match (state, reason, generation) {
            (PENDING, 0, 0) => State::Pending,
            (ACTIVE, 0, 1..) => State::Active { generation },
            (REVOKED, 1, 0) => State::Revoked(Reason::CodeReplayed),
            (REVOKED, 2, 0) => State::Revoked(Reason::RefreshReused),
            (REVOKED, 3, 0) => State::Revoked(Reason::Requested),
            (REVOKED, 4, 0) => State::Revoked(Reason::Exhausted),
            (REVOKED, 5, 0) => State::Revoked(Reason::GaveWay),
            _ => return Err(RecordError::Malformed),
        };
        let after = |seconds: u32| UnixTime(created.0.saturating_add(u64::from(seconds)));
        Ok(Grant {
            id,
            state,
            client,
            user: (flags & USER != 0).then_some(user),
            refreshable: flags & REFRESHABLE != 0,
            reuse: flags & REUSE != 0,
            origin: if flags & DIRECT == 0 {
                Origin::Code
            } else {
                Origin::Direct
            },
            scope,
            scope_names,
            nonce,
            created,
            touched,
            ends: after(ends),
            keep_until: after(keep),
        })
    }

    /// The id, without a look at the checksum.
    #[must_use]
    pub fn id(&self) -> GrantId {
        let [_, _, _, _, _, _, _, _, id @ ..] = &self.0;
        GrantId(id.first_chunk::<12>().copied().unwrap_or_default())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Record").field(&self.grant()).finish()
    }
}

/// Fields one after the other.
struct Fields {
    octets: [u8; RECORD_SIZE],
    used: usize,
}

impl Fields {
    const fn new() -> Self {
        Fields {
            octets: [0; RECORD_SIZE],
            used: 0,
        }
    }

    fn put<const N: usize>(&mut self, field: [u8; N]) {
        let room = self.octets.iter_mut().skip(self.used);
        for (octet, value) in room.zip(field) {
            *octet = value;
        }
        self.used = self.used.saturating_add(N);
    }

    fn written(&self) -> &[u8] {
        self.octets.get(..self.used).unwrap_or_default()
    }
}

const fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], RecordError> {
    let (field, left) = rest
        .split_first_chunk::<N>()
        .ok_or(RecordError::Malformed)?;
    *rest = left;
    Ok(*field)
}

fn offset(from: UnixTime, to: UnixTime) -> [u8; 4] {
    u32::try_from(to.since(from))
        .unwrap_or(u32::MAX)
        .to_le_bytes()
}
