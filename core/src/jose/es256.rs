//! ES256: ECDSA using P-256 and SHA-256 (RFC 7518 §3.4), in pure Rust.
//!
//! A signature is r and s, 32 octets each, big-endian, one after the other.

use core::fmt;

use p256::Sec1Point;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};

use super::{
    Algorithm, KeyError, KeyId, MAX_SIGNATURE, SignError, SignatureError, Signer, Verifier,
    owned_key_id,
};

/// A private key, which signs. Its nonces are those of RFC 6979, so it needs no
/// entropy. Wiped when it is let go.
#[derive(Clone)]
pub struct Es256SigningKey {
    key: SigningKey,
    key_id: Option<KeyId>,
}

impl Es256SigningKey {
    /// Takes `secret`, the scalar `d` in 32 octets, big-endian, and computes the
    /// public key: a multiplication on the curve, so do it once.
    ///
    /// # Errors
    ///
    /// [`KeyError::OutOfRange`] when `secret` is zero or not below the group's
    /// order; [`KeyError::KeyIdTooLong`].
    pub fn new(secret: &[u8; 32], key_id: Option<&str>) -> Result<Self, KeyError> {
        let key = SigningKey::from_slice(secret).map_err(|_| KeyError::OutOfRange)?;
        Ok(Es256SigningKey {
            key,
            key_id: owned_key_id(key_id)?,
        })
    }

    /// Takes `secret` as [`new`](Self::new) does, and refuses it when `x` and
    /// `y` are not the coordinates of its public key.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); [`KeyError::OffCurve`] and [`KeyError::NotAPair`].
    pub fn pair(
        secret: &[u8; 32],
        x: &[u8; 32],
        y: &[u8; 32],
        key_id: Option<&str>,
    ) -> Result<Self, KeyError> {
        let pair = Self::new(secret, key_id)?;
        if *pair.key.verifying_key() == on_curve(x, y)? {
            Ok(pair)
        } else {
            Err(KeyError::NotAPair)
        }
    }

    /// The public key to this private one, with the same `kid`.
    #[must_use]
    pub fn verifying_key(&self) -> Es256VerifyingKey {
        Es256VerifyingKey {
            key: *self.key.verifying_key(),
            key_id: self.key_id.clone(),
        }
    }
}

impl Signer for Es256SigningKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    fn sign(&self, input: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError> {
        let made: Signature = self.key.try_sign(input).map_err(|_| SignError::Backend)?;
        *signature = made.to_bytes().into();
        Ok(signature.len())
    }
}

impl fmt::Debug for Es256SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Es256SigningKey")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// A public key, which verifies.
#[derive(Clone)]
pub struct Es256VerifyingKey {
    key: VerifyingKey,
    key_id: Option<KeyId>,
}

impl Es256VerifyingKey {
    /// Takes the coordinates of a point, 32 octets each, big-endian.
    ///
    /// # Errors
    ///
    /// [`KeyError::OffCurve`] when there is no such point on P-256 (the point at
    /// infinity has no coordinates); [`KeyError::KeyIdTooLong`].
    pub fn new(x: &[u8; 32], y: &[u8; 32], key_id: Option<&str>) -> Result<Self, KeyError> {
        Ok(Es256VerifyingKey {
            key: on_curve(x, y)?,
            key_id: owned_key_id(key_id)?,
        })
    }

    /// The coordinates, x and y, for a JWK.
    #[must_use]
    pub fn coordinates(&self) -> ([u8; 32], [u8; 32]) {
        let point = self.key.to_sec1_point(false);
        let half = |part: Option<&p256::FieldBytes>| part.copied().unwrap_or_default().into();
        (half(point.x()), half(point.y()))
    }

    pub(super) const fn named(&self) -> Option<&KeyId> {
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
        Some(self.coordinates())
    }

    /// "The JWS Signature value MUST be a 64-octet sequence. If it is not a
    /// 64-octet sequence, the validation has failed" (RFC 7518 §3.4). r and s
    /// are in range. Of s and n − s both are let pass, as there: a token's
    /// octets are no unique name of it.
    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let octets: &[u8; 64] = signature.try_into().map_err(|_| SignatureError::Length)?;
        let signature = Signature::from_slice(octets).map_err(|_| SignatureError::OutOfRange)?;
        self.key
            .verify(input, &signature)
            .map_err(|_| SignatureError::Mismatch)
    }
}

impl fmt::Debug for Es256VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Es256VerifyingKey")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn on_curve(x: &[u8; 32], y: &[u8; 32]) -> Result<VerifyingKey, KeyError> {
    let point = Sec1Point::from_affine_coordinates(&(*x).into(), &(*y).into(), false);
    VerifyingKey::from_sec1_point(&point).map_err(|_| KeyError::OffCurve)
}
