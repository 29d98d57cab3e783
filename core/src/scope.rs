//! Scopes (RFC 6749 §3.3): up to 64 configured names, a set of them in 64 bits.

use core::fmt;

use crate::codec::split::pieces;
use crate::sha256::Sha256;

/// The names of all scopes a server knows, at most 64; the position of a name
/// is its bit in a [`ScopeSet`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ScopeNames<'c>(&'c [&'c str]);

/// Why a list of scope names, or a request for scopes, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ScopeError {
    /// More than [`ScopeNames::MAX`] names.
    TooMany,
    /// An empty name, or a character outside `%x21 / %x23-5B / %x5D-7E`.
    Malformed,
    /// A name that stands twice in the configuration.
    Repeated,
    /// A name that the server does not know.
    Unknown,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ScopeError::TooMany => "more than 64 scopes",
            ScopeError::Malformed => "not a scope token of RFC 6749 section 3.3",
            ScopeError::Repeated => "a scope is named twice",
            ScopeError::Unknown => "an unknown scope",
        })
    }
}

impl core::error::Error for ScopeError {}

/// Whether `name` is a scope token: "scope-token = 1*( %x21 / %x23-5B / %x5D-7E )".
#[must_use]
pub fn is_scope_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|octet| matches!(octet, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

impl<'c> ScopeNames<'c> {
    /// The most names there can be.
    pub const MAX: usize = 64;

    /// Takes `names` in the order of their bits.
    ///
    /// # Errors
    ///
    /// Too many names, a name that is no scope token, or one that stands twice.
    pub fn new(names: &'c [&'c str]) -> Result<Self, ScopeError> {
        if names.len() > Self::MAX {
            return Err(ScopeError::TooMany);
        }
        let mut earlier: &[&str] = &[];
        for (position, name) in names.iter().enumerate() {
            if !is_scope_token(name) {
                return Err(ScopeError::Malformed);
            }
            if earlier.contains(name) {
                return Err(ScopeError::Repeated);
            }
            earlier = names.get(..=position).unwrap_or_default();
        }
        Ok(ScopeNames(names))
    }

    /// All names, in the order of their bits.
    #[must_use]
    pub const fn all(&self) -> &'c [&'c str] {
        self.0
    }

    /// The set that holds `name` alone.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<ScopeSet> {
        let bit = self.0.iter().position(|known| *known == name)?;
        Some(ScopeSet(1_u64.checked_shl(u32::try_from(bit).ok()?)?))
    }

    /// Reads a `scope` parameter: names separated by single spaces, in any
    /// order. "The order does not matter", and a name that stands twice counts
    /// once (RFC 6749 §3.3).
    ///
    /// # Errors
    ///
    /// The first piece that is malformed or unknown, and why.
    pub fn parse<'a>(&self, scope: &'a str) -> Result<ScopeSet, (ScopeError, &'a str)> {
        let mut set = ScopeSet::EMPTY;
        for name in pieces(scope, b' ') {
            if !is_scope_token(name) {
                return Err((ScopeError::Malformed, name));
            }
            let bit = self.one(name).ok_or((ScopeError::Unknown, name))?;
            set = set.union(bit);
        }
        Ok(set)
    }

    /// The names in `set`, in the order of the configuration.
    pub fn names(self, set: ScopeSet) -> impl Iterator<Item = &'c str> + Clone {
        let mut left = set;
        core::iter::from_fn(move || self.take(&mut left))
    }

    /// The name of the lowest bit of `set`, which is taken off.
    pub(crate) fn take(self, set: &mut ScopeSet) -> Option<&'c str> {
        let bit = usize::try_from(set.0.trailing_zeros()).ok()?;
        set.0 &= set.0.wrapping_sub(1);
        // An empty set's would be 64, and there are no more than 64 names.
        self.0.get(bit).copied()
    }

    /// Four octets that change when a name up to the highest bit of `set` is
    /// renamed, moved or taken away; names after it do not count.
    #[must_use]
    pub fn fingerprint(&self, set: ScopeSet) -> [u8; 4] {
        let mut hash = Sha256::new();
        let highest = 64_u32.saturating_sub(set.0.leading_zeros());
        for name in self.0.iter().take(usize::try_from(highest).unwrap_or(0)) {
            hash.update(name.as_bytes());
            hash.update(b" ");
        }
        let [a, b, c, d, ..] = hash.finish();
        [a, b, c, d]
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScopeSet(u64);

impl ScopeSet {
    /// No scope at all.
    pub const EMPTY: ScopeSet = ScopeSet(0);

    /// The set whose bits are `bits`.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        ScopeSet(bits)
    }

    /// The bits, one a scope.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether no scope is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: ScopeSet) -> ScopeSet {
        ScopeSet(self.0 | other.0)
    }

    /// Whether everything in `other` is in this one too.
    #[must_use]
    pub const fn contains(self, other: ScopeSet) -> bool {
        self.0 & other.0 == other.0
    }
}
