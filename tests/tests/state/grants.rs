//! Grants for stores to keep.

use smallgate_core::oauth::{Grant, GrantId, Origin, Reason, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::time::UnixTime;

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// Grants of different numbers have different owners, and tags of one kind: a store
/// has to read them to tell them apart.
pub(crate) fn grant(number: u8, generation: u32) -> Grant {
    Grant {
        id: GrantId([1, 1, number, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        state: State::Active { generation },
        client: Tag([number, 1, 1, 1, 1, 1, 1, 1]),
        user: Some(Tag([2; 8])),
        refreshable: true,
        reuse: false,
        origin: Origin::Code,
        scope: ScopeSet::from_bits(1),
        scope_names: [0; 4],
        nonce: generation.to_le_bytes(),
        created: NOW,
        touched: generation,
        ends: UnixTime(NOW.0 + 1000),
        keep_until: UnixTime(NOW.0 + 1000),
    }
}

/// The same, when it is over.
pub(crate) fn revoked(number: u8) -> Grant {
    Grant {
        state: State::Revoked(Reason::Requested),
        ..grant(number, 1)
    }
}
