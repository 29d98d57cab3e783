//! ES256 (RFC 7518 §3.4) in assembly for desktops and Linux gateways: `ring` behind the core's
//! [`Signer`] and [`Verifier`].
//!
//! Keys are refused as the core refuses them, because the core looks at each first. Signatures are
//! other ones each time: their nonces are drawn from the system's random numbers, where the core has
//! those of RFC 6979. Whoever verifies sees no difference.

mod signing;
mod verifying;
mod wiped;

pub use signing::Es256SigningKey;
pub use verifying::Es256VerifyingKey;

use smallgate_core::jose::{KeyError, KeyId};

/// Copies a `kid` into its own room.
fn owned(key_id: Option<&str>) -> Result<Option<KeyId>, KeyError> {
    let name = key_id.map(KeyId::try_from).transpose();
    name.map_err(|_| KeyError::KeyIdTooLong)
}

/// A point as SEC 1 §2.3.3 has it, uncompressed.
fn uncompressed(x: &[u8; 32], y: &[u8; 32]) -> [u8; 65] {
    let mut point = [4; 65];
    point[1..33].copy_from_slice(x);
    point[33..].copy_from_slice(y);
    point
}
