//! A private key.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use smallgate_core::jose::{self, Algorithm, KeyError, KeyId, MAX_SIGNATURE, SignError, Signer};

use crate::verifying::Es256VerifyingKey;
use crate::wiped::Wiped;
use crate::{owned, uncompressed};

/// A private key, which signs. Wiped when it is let go.
///
/// ```
/// use smallgate_core::jose::{Jwk, Signer, Verifier};
///
/// let jwk = Jwk::p256(&[7; 32]).unwrap();
/// let key = smallgate_es256::Es256SigningKey::of(&jwk).unwrap();
/// let mut signature = [0; 64];
/// key.sign(b"input", &mut signature).unwrap();
/// // The core's own key takes it.
/// let core = jwk.es256_verifying_key().unwrap();
/// assert_eq!(core.verify(b"input", &signature), Ok(()));
/// ```
pub struct Es256SigningKey {
    pair: Box<Wiped>,
    random: SystemRandom,
    public: Es256VerifyingKey,
}

impl Es256SigningKey {
    /// Takes `secret`, the scalar `d`, and its public key's coordinates, 32 octets each, big-endian.
    ///
    /// # Errors
    ///
    /// Those of [`jose::Es256SigningKey::pair`], for the same octets.
    pub fn pair(
        secret: &[u8; 32],
        x: &[u8; 32],
        y: &[u8; 32],
        key_id: Option<&str>,
    ) -> Result<Self, KeyError> {
        jose::Es256SigningKey::pair(secret, x, y, key_id)?;
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            secret,
            &uncompressed(x, y),
            &random,
        );
        Ok(Es256SigningKey {
            // They are a pair, so this is a system without random numbers.
            pair: Wiped::new(pair.map_err(|_| KeyError::NotAPair)?),
            random,
            public: Es256VerifyingKey::known(x, y, owned(key_id)?),
        })
    }

    /// Takes the key in `jwk`, with its name.
    ///
    /// # Errors
    ///
    /// Those of [`jose::Jwk::es256_signing_key`].
    pub fn of(jwk: &jose::Jwk) -> Result<Self, KeyError> {
        let secret = jwk
            .secret_octets()
            .and_then(|octets| octets.try_into().ok());
        match (jwk.coordinates(), secret) {
            (Some((x, y)), Some(secret)) => Self::pair(secret, x, y, jwk.key_id()),
            _ => Err(KeyError::WrongKeyType),
        }
    }

    /// The public key to this private one, with the same `kid`.
    #[must_use]
    pub fn verifying_key(&self) -> Es256VerifyingKey {
        self.public.clone()
    }

    fn named(&self) -> Option<&KeyId> {
        self.public.named()
    }
}

impl Signer for Es256SigningKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    fn key_id(&self) -> Option<&str> {
        self.named().map(KeyId::as_str)
    }

    fn sign(&self, input: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError> {
        let made = self.pair.get().sign(&self.random, input);
        let made = made.map_err(|_| SignError::Backend)?;
        // r and s in 32 octets each: `FIXED` is the form of RFC 7518 §3.4.
        let octets: &[u8; 64] = made.as_ref().try_into().map_err(|_| SignError::Backend)?;
        signature.copy_from_slice(octets);
        Ok(octets.len())
    }
}

impl fmt::Debug for Es256SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Es256SigningKey")
            .field("key_id", &self.named())
            .finish_non_exhaustive()
    }
}
