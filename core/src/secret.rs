//! Values that must not be seen, and comparisons that must not be timed.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::sha256::Sha256;

/// Whether two octet strings are equal, in a time that depends on their
/// lengths alone. Different lengths are unequal.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    // Where flash counts more than some 200 instructions for a tag, octet for octet.
    if cfg!(target_pointer_width = "32") {
        return left.len() == right.len() && bool::from(left.ct_eq(right));
    }
    // Elsewhere a word at a time.
    let (left_words, left_tail) = left.as_chunks();
    let (right_words, right_tail) = right.as_chunks();
    let words = left_words.iter().zip(right_words);
    let same = words.fold(left_tail.ct_eq(right_tail), |same, (left, right)| {
        same & usize::from_ne_bytes(*left).ct_eq(&usize::from_ne_bytes(*right))
    });
    left.len() == right.len() && bool::from(same)
}

/// A secret of the request that is being answered, such as a password: it can
/// be used, but not printed.
#[derive(Clone, Copy)]
pub struct Secret<'a>(&'a str);

impl<'a> Secret<'a> {
    /// Wraps `text`.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Secret(text)
    }

    /// The octets, for a hash or a comparison.
    #[must_use]
    pub const fn expose(&self) -> &'a [u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a client secret: what a configuration keeps instead of it.
///
/// Client secrets are random and at least 128 bits long, so a plain hash is
/// enough; a slow one would only slow the server down. People's passwords are
/// another matter.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Wraps a hash made earlier.
    #[must_use]
    pub const fn new(hash: [u8; 32]) -> Self {
        SecretHash(hash)
    }

    /// Hashes `secret`.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        SecretHash(Sha256::of(secret))
    }

    /// Whether `other` is the hash of the same secret, in constant time.
    #[must_use]
    pub fn matches(&self, other: &SecretHash) -> bool {
        constant_time_eq(&self.0, &other.0)
    }

    /// The 32 octets, for a configuration to be written.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// Octets of entropy for one exchange, from the caller's random number
/// generator, each used once.
///
/// An exchange needs a grant id (12), the tail of a `jti` (16 where there is no
/// grant) and a write nonce (4) for each of at most four rounds.
pub struct Entropy {
    octets: [u8; Entropy::SIZE],
    used: usize,
}

impl Entropy {
    /// How many octets an exchange is given.
    pub const SIZE: usize = 48;

    /// Takes `octets`, which the caller must not use for anything else.
    #[must_use]
    pub const fn new(octets: [u8; Entropy::SIZE]) -> Self {
        Entropy { octets, used: 0 }
    }

    /// The next `N` octets; `None` when they are used up.
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let end = self.used.checked_add(N)?;
        let taken = self
            .octets
            .get(self.used..end)?
            .first_chunk::<N>()
            .copied()?;
        self.used = end;
        Some(taken)
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}
