//! SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104), for all that hashes here and
//! for a [`Signer`](crate::jose::Signer) of one's own.
//!
//! The crates that compute them are generic, and would be in the image once more
//! for each who calls. These are not.
//!
//! ```
//! use smallgate_core::sha256::{HmacKey, Sha256};
//!
//! let mut hash = Sha256::new();
//! hash.update(b"a");
//! hash.update(b"bc");
//! assert_eq!(hash.finish()[..4], [0xba, 0x78, 0x16, 0xbf]); // FIPS 180-4, "abc"
//!
//! // RFC 4231 §4.3
//! let tag = HmacKey::new(b"Jefe").tag(b"what do ya want for nothing?");
//! assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
//! ```

use core::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Digest;
use zeroize::Zeroize;

use crate::codec::copy;

/// A hash that is being computed. Wiped when it is let go.
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Nothing hashed yet.
    #[must_use]
    // Not inlined: one copy for all.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub fn new() -> Self {
        Sha256(sha2::Sha256::new())
    }

    /// The hash of `octets`.
    #[must_use]
    pub fn of(octets: &[u8]) -> [u8; 32] {
        let mut hash = Self::new();
        hash.update(octets);
        hash.finish()
    }

    /// Hashes `octets` after those before.
    // Not inlined: one copy for all.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// The hash.
    #[must_use]
    // Not inlined: one copy for all.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

/// A key of HMAC, whose octets are hashed already: no tag pays for them again.
/// Wiped when it is let go.
#[derive(Clone)]
pub struct HmacKey(Hmac<sha2::Sha256>);

impl HmacKey {
    /// Takes `key`, which may have any length.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        // "keys longer than B bytes are first hashed using H" (RFC 2104 §3),
        // which `hmac` does too; done here, the length of what it gets is known.
        let mut block = [0_u8; 64];
        if key.len() > block.len() {
            copy(&Sha256::of(key), &mut block);
        } else {
            copy(key, &mut block);
        }
        let keyed = Hmac::new(&block.into());
        block.zeroize();
        HmacKey(keyed)
    }

    /// The tag of `octets`.
    #[must_use]
    pub fn tag(&self, octets: &[u8]) -> [u8; 32] {
        let mut mac = self.begin();
        mac.update(octets);
        mac.finish()
    }

    /// The tag of nothing yet.
    #[must_use]
    // Not inlined: one copy for all.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub fn begin(&self) -> Mac {
        Mac(self.0.clone())
    }
}

/// A tag that is being computed. Wiped when it is let go.
pub struct Mac(Hmac<sha2::Sha256>);

impl Mac {
    /// Takes in `octets` after those before.
    // Not inlined: one copy for all.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// The tag.
    #[must_use]
    // Not inlined: one copy for all.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

macro_rules! opaque {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
opaque!(Sha256, HmacKey, Mac);
