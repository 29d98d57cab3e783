//! Keys in an image: octets for whatever backend a board has.

use core::fmt;

use smallgate_core::jose::{
    Es256SigningKey, Es256VerifyingKey, Hs256Key, Jwk, KeyError, KeyId, Signer, Verifier,
};

use super::entries::Entry;
use super::fields::Reader;
use super::kind;

/// A key and its name.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// `kid` (RFC 7515 §4.1.4), at most 48 octets.
    pub key_id: Option<&'a str>,
    /// What it is made of.
    pub material: Material<'a>,
}

/// What a key is made of. Numbers are big-endian, as in a JWK (RFC 7518 §6.2).
#[derive(Clone, Copy)]
pub enum Material<'a> {
    /// HS256: 32 to 64 secret octets.
    Octets(&'a [u8]),
    /// ES256, private and public. Whether they are a pair, and the point on the
    /// curve, is for the backend to find out.
    Pair {
        /// The scalar `d`, which is in range.
        secret: &'a [u8; 32],
        /// The point's x.
        x: &'a [u8; 32],
        /// The point's y.
        y: &'a [u8; 32],
    },
    /// ES256, public alone.
    Point {
        /// The point's x.
        x: &'a [u8; 32],
        /// The point's y.
        y: &'a [u8; 32],
    },
}

/// Makes keys of ES256 ready to use: a backend.
pub trait Es256 {
    /// A private key, which signs.
    type Signing: Signer;
    /// A public key, which verifies.
    type Verifying: Verifier;

    /// A private key and its public one, from a secret and a point; numbers are
    /// big-endian.
    ///
    /// # Errors
    ///
    /// A number out of range, a point that is not on the curve, no pair.
    fn pair(
        secret: &[u8; 32],
        x: &[u8; 32],
        y: &[u8; 32],
        key_id: Option<&str>,
    ) -> Result<(Self::Signing, Self::Verifying), KeyError>;

    /// A public key.
    ///
    /// # Errors
    ///
    /// The point is not on the curve.
    fn point(x: &[u8; 32], y: &[u8; 32], key_id: Option<&str>)
    -> Result<Self::Verifying, KeyError>;
}

/// The core's own ES256, in pure Rust.
#[derive(Clone, Copy, Debug)]
pub struct Software;

impl Es256 for Software {
    type Signing = Es256SigningKey;
    type Verifying = Es256VerifyingKey;

    fn pair(
        secret: &[u8; 32],
        x: &[u8; 32],
        y: &[u8; 32],
        key_id: Option<&str>,
    ) -> Result<(Es256SigningKey, Es256VerifyingKey), KeyError> {
        Ok((
            Es256SigningKey::pair(secret, x, y, key_id)?,
            Es256VerifyingKey::new(x, y, key_id)?,
        ))
    }

    fn point(
        x: &[u8; 32],
        y: &[u8; 32],
        key_id: Option<&str>,
    ) -> Result<Es256VerifyingKey, KeyError> {
        Es256VerifyingKey::new(x, y, key_id)
    }
}

/// A key that is ready to use, with the backend `E`.
#[expect(
    clippy::large_enum_variant,
    reason = "there is no heap to put it in, and a backend's keys are as large"
)]
pub enum ReadyKey<E: Es256> {
    /// Signs and verifies.
    Hs256(Hs256Key),
    /// Signs; its counterpart verifies.
    Es256(E::Signing, E::Verifying),
    /// Verifies.
    Es256Public(E::Verifying),
}

impl<'a> Key<'a> {
    /// The parts of `jwk`; `None` for RSA.
    #[must_use]
    pub fn of(jwk: &'a Jwk) -> Option<Self> {
        let material = match (jwk.coordinates(), jwk.secret_octets()) {
            (Some((x, y)), Some(secret)) => Material::Pair {
                secret: secret.try_into().ok()?,
                x,
                y,
            },
            (Some((x, y)), None) => Material::Point { x, y },
            (None, Some(octets)) => Material::Octets(octets),
            (None, None) => return None,
        };
        Some(Key {
            key_id: jwk.key_id(),
            material,
        })
    }

    /// The same without what a verifier does not need.
    #[must_use]
    pub const fn to_verify(self) -> Self {
        match self.material {
            Material::Pair { x, y, .. } => Key {
                material: Material::Point { x, y },
                ..self
            },
            _ => self,
        }
    }

    /// Makes it ready to use.
    ///
    /// # Errors
    ///
    /// The octets are no key, or a secret and a point that are no pair.
    pub fn ready<E: Es256>(&self) -> Result<ReadyKey<E>, KeyError> {
        let name = self.key_id;
        Ok(match self.material {
            Material::Octets(octets) => ReadyKey::Hs256(Hs256Key::new(octets, name)?),
            Material::Pair { secret, x, y } => {
                let (signing, verifying) = E::pair(secret, x, y, name)?;
                ReadyKey::Es256(signing, verifying)
            }
            Material::Point { x, y } => ReadyKey::Es256Public(E::point(x, y, name)?),
        })
    }

    /// Whether it can sign.
    #[must_use]
    pub const fn signs(&self) -> bool {
        !matches!(self.material, Material::Point { .. })
    }
}

impl<E: Es256> ReadyKey<E> {
    /// What signs.
    #[must_use]
    pub fn signer(&self) -> Option<&dyn Signer> {
        match self {
            ReadyKey::Hs256(key) => Some(key),
            ReadyKey::Es256(key, _) => Some(key),
            ReadyKey::Es256Public(_) => None,
        }
    }

    /// What verifies.
    #[must_use]
    pub fn verifier(&self) -> &dyn Verifier {
        match self {
            ReadyKey::Hs256(key) => key,
            ReadyKey::Es256(_, key) | ReadyKey::Es256Public(key) => key,
        }
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("key_id", &self.key_id)
            .field("material", &self.material)
            .finish()
    }
}

impl fmt::Debug for Material<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Material::Octets(_) => "Octets(..)",
            Material::Pair { .. } => "Pair(..)",
            Material::Point { .. } => "Point(..)",
        })
    }
}

impl<'a> Entry<'a> for Key<'a> {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let key_id = from.optional(Reader::text)?;
        if key_id.is_some_and(|name| KeyId::try_from(name).is_err()) {
            return None;
        }
        let material = match from.u8()? {
            kind::OCTETS => {
                let octets = from.octets()?;
                // It is looked at as a key, too: one that is public is none.
                (octets.len() <= Jwk::MAX_OCTETS && Hs256Key::new(octets, None).is_ok())
                    .then_some(Material::Octets(octets))?
            }
            kind::PAIR => Material::Pair {
                secret: from.array().filter(|secret| is_scalar(secret))?,
                x: from.array()?,
                y: from.array()?,
            },
            kind::POINT => Material::Point {
                x: from.array()?,
                y: from.array()?,
            },
            _ => return None,
        };
        Some(Key { key_id, material })
    }
}

/// The order of P-256's group (FIPS 186-4 D.1.2.3).
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

/// Whether 0 < `secret` < [`ORDER`], in a time that says nothing about it.
fn is_scalar(secret: &[u8; 32]) -> bool {
    let any = secret.iter().fold(0, |any, octet| any | octet);
    // Subtracted, it borrows to the very end.
    let borrow = secret
        .iter()
        .zip(&ORDER)
        .rev()
        .fold(0_u16, |borrow, (ours, most)| {
            u16::from(*ours)
                .wrapping_sub(u16::from(*most))
                .wrapping_sub(borrow)
                >> 15
        });
    any != 0 && borrow == 1
}
