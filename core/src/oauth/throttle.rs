//! Patience (R16): after too many failures of one client or user from one
//! source, that pair waits; the same client or user from elsewhere does not.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::http::Source;
use crate::sha256::Sha256;
use crate::time::{Seconds, UnixTime};

/// How many failures are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottlePolicy {
    /// So many failures are answered as failures; what follows has to wait. At
    /// least 1.
    pub failures: u8,
    /// Failures count for this long after the first: a second to a day.
    pub window: Seconds,
}

impl ThrottlePolicy {
    /// 10 failures in 60 seconds.
    pub const DEFAULT: ThrottlePolicy = ThrottlePolicy {
        failures: 10,
        window: Seconds(60),
    };

    /// The longest [`ThrottlePolicy::window`].
    pub const MAX_WINDOW: Seconds = Seconds::days(1);
}

/// Room to remember one pair: 12 octets.
#[derive(Debug)]
pub struct ThrottleSlot {
    /// 0 is a vacant slot.
    tag: AtomicU32,
    /// When the window began, in Unix seconds.
    since: AtomicU32,
    failures: AtomicU32,
}

impl ThrottleSlot {
    /// Nothing remembered.
    #[must_use]
    pub const fn new() -> Self {
        ThrottleSlot {
            tag: AtomicU32::new(0),
            since: AtomicU32::new(0),
            failures: AtomicU32::new(0),
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
/// that a flood of names does not wash out the count of one that is being
/// guessed at, unless each of them fails as often: whoever may make up clients
/// can have a client's failures forgotten, at the price of many times as many.
/// A count of all that a source fails with would end that, and let one lock out
/// all clients behind its address; a client's secret is no word to be guessed.
/// Passwords are, and are counted so too ([`Account::Source`]). Clients have one
/// half of the memory and people the other: a failed client costs a hash, a
/// failed password many thousands.
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

/// An account, and where the attempt came from.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    account: Account,
    tag: u32,
    place: u32,
}

/// Who a pair is about, each counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Account {
    /// A `client_id`.
    Client,
    /// A user name.
    User,
    /// All the user names that one source tries: each wrong password costs a
    /// hash, whoever's it is, so a source gets [`SOURCE_FACTOR`] times as many.
    Source,
}

/// How many times the failures of one user a source may have with all of them.
pub const SOURCE_FACTOR: u32 = 5;

const WAYS: usize = 4;

impl<'t> Throttle<'t> {
    /// Counts in `slots`. The `salt` is random, so that nobody outside knows
    /// which pairs share a place. A `policy` beyond its bounds is taken as the
    /// nearest one within.
    #[must_use]
    pub fn new(slots: &'t [ThrottleSlot], policy: ThrottlePolicy, salt: [u8; 16]) -> Self {
        Throttle {
            slots,
            policy: ThrottlePolicy {
                failures: policy.failures.max(1),
                window: policy.window.clamp(Seconds(1), ThrottlePolicy::MAX_WINDOW),
            },
            salt,
        }
    }

    pub(super) fn pair(&self, account: Account, name: &str, source: Source) -> Pair {
        let mut hash = Sha256::new();
        hash.update(&self.salt);
        hash.update(&[account as u8]);
        hash.update(source.octets());
        hash.update(name.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = hash.finish();
        Pair {
            account,
            tag: u32::from_le_bytes([a, b, c, d]).max(1),
            place: u32::from_le_bytes([e, f, g, h]),
        }
    }

    /// Whether an attempt may be made now; if not, how long to wait.
    pub(super) fn admit(&self, pair: Pair, now: UnixTime) -> Result<(), Seconds> {
        let Some(slot) = self.ways(pair).find(|slot| slot.holds(pair)) else {
            return Ok(());
        };
        let left = self.left(slot, now);
        if slot.failures.load(Ordering::Acquire) >= self.limit(pair) && left > 0 {
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
        let failures = if known && self.left(slot, now) > 0 {
            let before = slot.failures.fetch_add(1, Ordering::AcqRel);
            before.saturating_add(1)
        } else {
            slot.since.store(seconds(now), Ordering::Release);
            slot.failures.store(1, Ordering::Release);
            1
        };
        failures == self.limit(pair)
    }

    fn limit(&self, pair: Pair) -> u32 {
        let failures = u32::from(self.policy.failures);
        match pair.account {
            Account::Client | Account::User => failures,
            Account::Source => failures.saturating_mul(SOURCE_FACTOR),
        }
    }

    /// The slots a pair may be in.
    fn ways(&self, pair: Pair) -> impl Iterator<Item = &'t ThrottleSlot> {
        let sets = self.slots.len().div_ceil(WAYS);
        let clients = sets / 2;
        let (first, sets) = match pair.account {
            Account::Client if clients > 0 => (0, clients),
            _ => (clients, sets.saturating_sub(clients)),
        };
        let place = usize::try_from(pair.place).unwrap_or(usize::MAX);
        let set = first.saturating_add(place.checked_rem(sets).unwrap_or(0));
        let start = set.saturating_mul(WAYS);
        self.slots.iter().skip(start).take(WAYS)
    }

    /// What would be lost with this slot.
    fn weight(&self, slot: &ThrottleSlot, now: UnixTime) -> u32 {
        if self.left(slot, now) > 0 {
            slot.failures.load(Ordering::Acquire)
        } else {
            0
        }
    }

    /// How many seconds the slot's window is still open. One that seems to lie
    /// ahead, after a clock was set back, is over.
    fn left(&self, slot: &ThrottleSlot, now: UnixTime) -> u32 {
        let age = seconds(now).checked_sub(slot.since.load(Ordering::Acquire));
        age.map_or(0, |age| self.policy.window.0.saturating_sub(age))
    }
}

fn seconds(now: UnixTime) -> u32 {
    u32::try_from(now.0).unwrap_or(u32::MAX)
}
