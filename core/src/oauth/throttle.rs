//! Patience (R16): after too many failures of one client or user from one
//! source, that pair waits; the same client or user from elsewhere does not.

use core::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};

use crate::http::Source;
use crate::time::{Seconds, UnixTime};

/// How many failures are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottlePolicy {
    /// So many failures are answered as failures; what follows has to wait.
    pub failures: u8,
    /// Failures count for this long after the first.
    pub window: Seconds,
}

impl ThrottlePolicy {
    /// 10 failures in 60 seconds.
    pub const DEFAULT: ThrottlePolicy = ThrottlePolicy {
        failures: 10,
        window: Seconds(60),
    };
}

/// Room to remember one pair: 8 octets.
#[derive(Debug)]
pub struct ThrottleSlot {
    tag: AtomicU32,
    /// Failures in the low 8 bits, above them the window's start in seconds.
    count: AtomicU32,
}

impl ThrottleSlot {
    /// Nothing remembered.
    #[must_use]
    pub const fn new() -> Self {
        ThrottleSlot {
            tag: AtomicU32::new(0),
            count: AtomicU32::new(0),
        }
    }

    fn holds(&self, pair: Pair) -> bool {
        self.tag.load(Ordering::Acquire) == pair.tag
    }
}

impl Default for ThrottleSlot {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts failures in the caller's fixed memory. All methods take `&self`, so
/// that several cores can share it.
///
/// When the memory is full the pair with the fewest failures gives way, so
/// that a flood of names cannot wash out the count of one that is being
/// guessed at.
///
/// ```
/// use smallgate_core::oauth::{Throttle, ThrottlePolicy, ThrottleSlot};
///
/// static SLOTS: [ThrottleSlot; 64] = [const { ThrottleSlot::new() }; 64];
/// let throttle = Throttle::new(&SLOTS, ThrottlePolicy::DEFAULT, [7; 16]);
/// # let _ = throttle;
/// ```
#[derive(Clone, Copy)]
pub struct Throttle<'t> {
    slots: &'t [ThrottleSlot],
    policy: ThrottlePolicy,
    salt: [u8; 16],
}

/// A client or user, and where the attempt came from.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    tag: u32,
    place: u32,
}

/// Who a pair is about. Clients and users are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Account {
    /// A `client_id`.
    Client,
    /// A user name.
    User,
}

const COUNT_BITS: u32 = 8;
const COUNT_MASK: u32 = 0xFF;
const SECONDS_MASK: u32 = 0x00FF_FFFF;
const WAYS: usize = 4;

impl<'t> Throttle<'t> {
    /// Counts in `slots`. The `salt` is random, so that nobody outside knows
    /// which pairs share a place.
    #[must_use]
    pub const fn new(slots: &'t [ThrottleSlot], policy: ThrottlePolicy, salt: [u8; 16]) -> Self {
        Throttle {
            slots,
            policy,
            salt,
        }
    }

    pub(super) fn pair(&self, account: Account, name: &str, source: Source) -> Pair {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update([account as u8]);
        hash.update(source.octets());
        hash.update(name.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
        Pair {
            // 0 is a vacant slot.
            tag: u32::from_le_bytes([a, b, c, d]).max(1),
            place: u32::from_le_bytes([e, f, g, h]),
        }
    }

    /// Whether an attempt may be made now; if not, how long to wait.
    pub(super) fn admit(&self, pair: Pair, now: UnixTime) -> Result<(), Seconds> {
        let Some(slot) = self.ways(pair).find(|slot| slot.holds(pair)) else {
            return Ok(());
        };
        let (failures, age) = split(slot.count.load(Ordering::Acquire), now);
        let left = self.policy.window.0.saturating_sub(age);
        if failures >= u32::from(self.policy.failures) && left > 0 {
            Err(Seconds(left))
        } else {
            Ok(())
        }
    }

    /// Counts a failure; true when it is the one after which the pair waits.
    pub(super) fn failed(&self, pair: Pair, now: UnixTime) -> bool {
        let Some(slot) = self
            .ways(pair)
            .find(|slot| slot.holds(pair))
            .or_else(|| self.ways(pair).min_by_key(|slot| self.weight(slot, now)))
        else {
            return false;
        };
        let known = slot.tag.swap(pair.tag, Ordering::AcqRel) == pair.tag;
        let counted = |count: u32| {
            let (failures, age) = split(count, now);
            if known && age < self.policy.window.0 && failures > 0 {
                count & !COUNT_MASK | failures.saturating_add(1).min(COUNT_MASK)
            } else {
                seconds(now) << COUNT_BITS | 1
            }
        };
        let before = slot
            .count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
                Some(counted(count))
            })
            .unwrap_or_else(|count| count);
        counted(before) & COUNT_MASK == u32::from(self.policy.failures)
    }

    /// The slots a pair may be in.
    fn ways(&self, pair: Pair) -> impl Iterator<Item = &'t ThrottleSlot> {
        let sets = u32::try_from(self.slots.len().div_ceil(WAYS)).unwrap_or(u32::MAX);
        let set = pair.place.checked_rem(sets).unwrap_or(0);
        let start = usize::try_from(set).unwrap_or(0).saturating_mul(WAYS);
        self.slots.iter().skip(start).take(WAYS)
    }

    /// What would be lost with this slot.
    fn weight(&self, slot: &ThrottleSlot, now: UnixTime) -> u32 {
        let (failures, age) = split(slot.count.load(Ordering::Acquire), now);
        if age < self.policy.window.0 {
            failures
        } else {
            0
        }
    }
}

fn seconds(now: UnixTime) -> u32 {
    u32::try_from(now.0 & u64::from(SECONDS_MASK)).unwrap_or(0)
}

/// The failures in `count`, and the age of its window in seconds. A window
/// that seems to lie ahead, after a clock was set back, has age 0.
fn split(count: u32, now: UnixTime) -> (u32, u32) {
    let age = seconds(now).wrapping_sub(count >> COUNT_BITS) & SECONDS_MASK;
    let age = if age > SECONDS_MASK / 2 { 0 } else { age };
    (count & COUNT_MASK, age)
}
