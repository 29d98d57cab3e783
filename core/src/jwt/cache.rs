//! Tokens that were verified, so that the same one again costs no signature.
//!
//! A token is known by SHA-256 of all of its octets, so one that differs anywhere
//! is another. Of it is kept where its claims are in its payload, and nothing of
//! what they say: whoever shows it again brings that along. So a repeat decodes
//! the payload and judges its times against the clock, each time; it does without
//! the signature and without scanning JSON, since both came out well for the same
//! octets under the same policy. Refused tokens are not kept: anybody can make
//! those.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering, fence};

use crate::jose::{Algorithm, Keys, decode_payload};
use crate::sha256::Sha256;
use crate::time::UnixTime;

use super::received::{Places, Received};
use super::validation::{Validation, Verified, VerifyError, verify_noting};

/// Room for `N` tokens, 84 octets for each: for a [`CachingVerifier`].
pub struct TokenCache<const N: usize> {
    state: State,
    slots: [Slot; N],
}

/// What all slots share.
struct State {
    /// Slots of another epoch are vacant. It is not 0 while anybody asks.
    epoch: AtomicU32,
    /// Counts entries, to know the oldest.
    turn: AtomicU32,
    /// The latest time that anybody came with, in Unix seconds.
    latest: AtomicU32,
}

impl<const N: usize> TokenCache<N> {
    /// Nothing remembered.
    #[must_use]
    pub const fn new() -> Self {
        TokenCache {
            state: State {
                epoch: AtomicU32::new(0),
                turn: AtomicU32::new(0),
                latest: AtomicU32::new(0),
            },
            slots: [const { Slot::new() }; N],
        }
    }
}

impl<const N: usize> Default for TokenCache<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for TokenCache<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenCache({N})")
    }
}

/// [`verify`](super::verify) with one policy, and a cache of the tokens that were
/// good. It is shared by any number of threads or cores; none waits for another.
///
/// ```
/// use smallgate_core::jose::{Es256SigningKey, Keys, Verifier};
/// use smallgate_core::jwt::{self, CachingVerifier, Claims, TokenCache, TokenFormat, Validation};
/// use smallgate_core::time::UnixTime;
///
/// let key = Es256SigningKey::new(&[7; 32], None).unwrap();
/// let format = TokenFormat { typ: None, claims: &[jwt::Claim::ExpiresAt], ..TokenFormat::ACCESS_TOKEN };
/// let claims = Claims { expires_at: Some(UnixTime(2_000)), ..Claims::default() };
/// let mut out = [0; 256];
/// let token = jwt::issue(&key, &format, &claims, &mut out).unwrap().as_str().as_bytes();
///
/// let public = key.verifying_key();
/// let keys: &[&dyn Verifier] = &[&public];
/// let mut cache = TokenCache::<4>::new();
/// let verifier = CachingVerifier::new(Keys::new(keys), Validation::new(format), &mut cache);
/// let mut scratch = [0; 256];
/// assert!(verifier.verify(token, Some(UnixTime(1_000)), &mut scratch).is_ok());
/// // Not verified again, and judged all the same.
/// assert!(verifier.verify(token, Some(UnixTime(1_999)), &mut scratch).is_ok());
/// assert!(verifier.verify(token, Some(UnixTime(2_000)), &mut scratch).is_err());
/// ```
#[derive(Clone, Copy)]
pub struct CachingVerifier<'c> {
    keys: Keys<'c>,
    validation: Validation<'c>,
    tokens: Tokens<'c>,
}

impl<'c> CachingVerifier<'c> {
    /// Empties `cache`, and has it for this policy alone as long as it is used:
    /// other keys or another validation need another one.
    #[must_use]
    pub fn new<const N: usize>(
        keys: Keys<'c>,
        validation: Validation<'c>,
        cache: &'c mut TokenCache<N>,
    ) -> Self {
        CachingVerifier {
            keys,
            validation,
            tokens: Tokens::new(&keys, cache),
        }
    }

    /// Forgets all tokens. Who changes the clock by hand does well to call it; that
    /// the clock went back is noticed by the next token.
    pub fn forget(&self) {
        self.tokens.forget();
    }

    /// [`verify`](super::verify), but for a token that was good before.
    ///
    /// # Errors
    ///
    /// As [`verify`](super::verify).
    pub fn verify<'t>(
        &self,
        token: &[u8],
        now: Option<UnixTime>,
        scratch: &'t mut [u8],
    ) -> Result<Verified<'t>, VerifyError> {
        let CachingVerifier {
            keys, validation, ..
        } = self;
        self.tokens.verify(token, keys, validation, now, scratch)
    }
}

impl fmt::Debug for CachingVerifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CachingVerifier({})", self.tokens.slots.len())
    }
}

/// A cache that somebody has for one policy, which they bring along each time.
#[derive(Clone, Copy)]
pub(crate) struct Tokens<'c> {
    state: &'c State,
    /// None if no key's signature takes longer than a look-up.
    slots: &'c [Slot],
}

impl<'c> Tokens<'c> {
    /// No room for any.
    pub(crate) const NONE: Tokens<'static> = {
        static NOBODY: State = State {
            epoch: AtomicU32::new(0),
            turn: AtomicU32::new(0),
            latest: AtomicU32::new(0),
        };
        Tokens {
            state: &NOBODY,
            slots: &[],
        }
    };

    /// Empties `cache`.
    pub(crate) fn new<const N: usize>(keys: &Keys<'_>, cache: &'c mut TokenCache<N>) -> Self {
        let tokens = Tokens {
            state: &cache.state,
            slots: match keys.any(Algorithm::Es256) {
                true => &cache.slots,
                false => &[],
            },
        };
        tokens.forget();
        tokens
    }

    pub(crate) fn forget(&self) {
        self.state.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// [`CachingVerifier::verify`].
    pub(crate) fn verify<'t>(
        &self,
        token: &[u8],
        keys: &Keys<'_>,
        validation: &Validation<'_>,
        now: Option<UnixTime>,
        scratch: &'t mut [u8],
    ) -> Result<Verified<'t>, VerifyError> {
        let mut entry = Entry::default();
        // What is too long is not hashed.
        let remembers = !self.slots.is_empty() && token.len() <= validation.token_octets;
        if remembers {
            self.watch(now);
            entry.name(self.state.epoch.load(Ordering::Acquire), &Sha256::of(token));
            let mut slots = self.slots.iter();
            if let (Some(now), Some(slot)) = (now, slots.find(|slot| slot.read(&mut entry))) {
                let again = again(token, &entry.places, validation, now, scratch);
                if again.is_err() {
                    // It has expired, or the clock is another one than before.
                    slot.vacate();
                }
                return again;
            }
        }
        let places = Some(&mut entry.places);
        let verified = verify_noting(token, keys, validation, now, scratch, places);
        if remembers && verified.is_ok() {
            // In the place of the oldest.
            let turn = self.state.turn.fetch_add(1, Ordering::Relaxed) as usize;
            let place = turn.checked_rem(self.slots.len()).unwrap_or(0);
            if let Some(slot) = self.slots.get(place) {
                slot.write(&entry);
            }
        }
        verified
    }

    /// Nothing is remembered beyond the time's being unknown, or going back.
    fn watch(&self, now: Option<UnixTime>) {
        let seconds = now.map_or(0, |now| u32::try_from(now.0).unwrap_or(u32::MAX));
        let latest = self.state.latest.swap(seconds, Ordering::AcqRel);
        // Two who read the clock one after the other may come the other way round.
        if seconds < latest.saturating_sub(1) {
            self.forget();
        }
    }
}

/// Judges a token that is remembered. If what is remembered should ever be
/// damaged, a claim is missing.
// Not inlined: its frame would lie below the one that checks the signature.
#[inline(never)]
fn again<'t>(
    token: &[u8],
    places: &Places,
    validation: &Validation<'_>,
    now: UnixTime,
    scratch: &'t mut [u8],
) -> Result<Verified<'t>, VerifyError> {
    let payload = places.payload(token).unwrap_or_default();
    let (payload, rest) = decode_payload(payload, scratch).map_err(VerifyError::Jws)?;
    let text = core::str::from_utf8(payload).unwrap_or_default();
    let mut received = Received::EMPTY;
    received.read_again(text, validation.format.scope, places)?;
    validation.conclude(&received, text, now, rest)
}

/// What is remembered of a token.
#[derive(Default)]
struct Entry {
    /// What tells it from others: the epoch, and the hash.
    key: [u32; 9],
    places: Places,
}

impl Entry {
    fn name(&mut self, epoch: u32, hash: &[u8; 32]) {
        let [first, others @ ..] = &mut self.key;
        *first = epoch;
        for (word, octets) in others.iter_mut().zip(hash.as_chunks().0) {
            *word = u32::from_le_bytes(*octets);
        }
    }
}

/// Room for one token. Who reads it while it is written, or wants to write it at
/// the same time as another, goes without.
struct Slot {
    /// Odd while somebody writes.
    version: AtomicU32,
    key: [AtomicU32; 9],
    places: [AtomicU32; Places::WORDS],
}

impl Slot {
    const fn new() -> Self {
        Slot {
            version: AtomicU32::new(0),
            key: [const { AtomicU32::new(0) }; 9],
            places: [const { AtomicU32::new(0) }; Places::WORDS],
        }
    }

    fn vacate(&self) {
        let [epoch, ..] = &self.key;
        epoch.store(0, Ordering::Relaxed);
    }

    /// Whether this is the entry with that key; then it has its places.
    fn read(&self, entry: &mut Entry) -> bool {
        let version = self.version.load(Ordering::Acquire);
        // All of it is compared, however early it differs.
        let mut differences = version & 1;
        for (word, key) in self.key.iter().zip(&entry.key) {
            differences |= word.load(Ordering::Relaxed) ^ key;
        }
        if differences != 0 {
            return false;
        }
        for (place, word) in entry.places.words_mut().iter_mut().zip(&self.places) {
            *place = word.load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
        self.version.load(Ordering::Relaxed) == version
    }

    fn write(&self, entry: &Entry) {
        let version = self.version.load(Ordering::Relaxed);
        let begun = self.version.compare_exchange(
            version & !1,
            version | 1,
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if begun.is_err() {
            return;
        }
        fence(Ordering::Release);
        for (to, word) in self.key.iter().zip(&entry.key) {
            to.store(*word, Ordering::Relaxed);
        }
        for (to, word) in self.places.iter().zip(entry.places.words()) {
            to.store(*word, Ordering::Relaxed);
        }
        let next = (version | 1).wrapping_add(1);
        self.version.store(next, Ordering::Release);
    }
}
