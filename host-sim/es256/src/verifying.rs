//! A public key.

use std::fmt;

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use smallgate_core::jose::{self, Algorithm, KeyError, KeyId, SignatureError, Verifier};

use crate::{owned, uncompressed};

/// The order of P-256's group, big-endian (FIPS 186-4 D.1.2.3).
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

/// A public key, which verifies.
#[derive(Clone)]
pub struct Es256VerifyingKey {
    point: ([u8; 32], [u8; 32]),
    key: UnparsedPublicKey<[u8; 65]>,
    key_id: Option<KeyId>,
}

impl Es256VerifyingKey {
    /// Takes the coordinates of a point, 32 octets each, big-endian.
    ///
    /// # Errors
    ///
    /// Those of [`jose::Es256VerifyingKey::new`], for the same octets.
    pub fn new(x: &[u8; 32], y: &[u8; 32], key_id: Option<&str>) -> Result<Self, KeyError> {
        jose::Es256VerifyingKey::new(x, y, key_id)?;
        Ok(Self::known(x, y, owned(key_id)?))
    }

    /// Takes the public key in `jwk`, with its name.
    ///
    /// # Errors
    ///
    /// Those of [`jose::Jwk::es256_verifying_key`].
    pub fn of(jwk: &jose::Jwk) -> Result<Self, KeyError> {
        let (x, y) = jwk.coordinates().ok_or(KeyError::WrongKeyType)?;
        Self::new(x, y, jwk.key_id())
    }

    /// Takes what is known to be a point.
    pub(crate) fn known(x: &[u8; 32], y: &[u8; 32], key_id: Option<KeyId>) -> Self {
        Es256VerifyingKey {
            point: (*x, *y),
            key: UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, uncompressed(x, y)),
            key_id,
        }
    }

    pub(crate) const fn named(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }
}

impl Verifier for Es256VerifyingKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    fn public_point(&self) -> Option<([u8; 32], [u8; 32])> {
        Some(self.point)
    }

    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let octets: &[u8; 64] = signature.try_into().map_err(|_| SignatureError::Length)?;
        // `ring` looks at this as well, and does not say so.
        let (halves, _) = octets.as_chunks::<32>();
        let in_range = |number: &[u8; 32]| *number != [0; 32] && *number < ORDER;
        if !halves.iter().all(in_range) {
            return Err(SignatureError::OutOfRange);
        }
        let verified = self.key.verify(input, octets);
        verified.map_err(|_| SignatureError::Mismatch)
    }
}

impl fmt::Debug for Es256VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Es256VerifyingKey")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
