//! What a store knows of its slots without reading them: 16 octets of RAM each, with
//! their places.

use smallgate_core::oauth::{Grant, Record};
use smallgate_core::store::slots::{Standing, id_tag, matching, owner_tag};

/// What is known of the slots without reading them.
#[derive(Clone)]
pub(super) struct Index<const SLOTS: usize> {
    /// How many slots are in use: the first ones.
    pub(super) used: usize,
    /// The last stamp that was given out.
    stamp: u32,
    pub(super) ids: [u16; SLOTS],
    pub(super) owners: [u16; SLOTS],
    /// When a live grant ends; 0 where it is revoked.
    pub(super) ends: [u32; SLOTS],
    pub(super) stamps: [u32; SLOTS],
}

impl<const SLOTS: usize> Index<SLOTS> {
    pub(super) const EMPTY: Self = Index {
        used: 0,
        stamp: 0,
        ids: [0; SLOTS],
        owners: [0; SLOTS],
        ends: [0; SLOTS],
        stamps: [0; SLOTS],
    };

    /// The slot `at` has this record now.
    pub(super) fn note(&mut self, at: usize, grant: &Grant, record: &Record) {
        let (Some(id), Some(owner), Some(end), Some(stamp)) = (
            self.ids.get_mut(at),
            self.owners.get_mut(at),
            self.ends.get_mut(at),
            self.stamps.get_mut(at),
        ) else {
            return;
        };
        self.used = at.saturating_add(1).max(self.used);
        self.stamp = next_stamp(self.stamp);
        (*id, *owner, *end) = (id_tag(&grant.id), owner_tag(record), end_of(grant));
        *stamp = self.stamp;
    }
}

/// The first of `tags` from `from` and before `to` that is `tag`.
pub(super) fn position(tags: &[u16], from: usize, to: usize, tag: u16) -> Option<usize> {
    let first = matching(tags.get(from..to)?, tag).next()?;
    Some(from.saturating_add(first))
}

/// The stamp after `stamp`. It would have to go round between a load and its
/// commit to be taken for another; 0 is nobody's.
const fn next_stamp(stamp: u32) -> u32 {
    match stamp.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

/// When a grant gives way, as far as 32 bits tell; 0 if it does at once.
fn end_of(grant: &Grant) -> u32 {
    match Standing::of(grant) {
        Standing::Until(end) => u32::try_from(end.0).unwrap_or(u32::MAX),
        Standing::Vacant | Standing::Revoked => 0,
    }
}
