//! JSON Web Keys (RFC 7517, RFC 7518 §6): `oct` and `EC` on P-256.

use core::fmt;

use crate::sha256::Sha256;
use zeroize::Zeroizing;

use crate::codec::base64url;
use crate::codec::json::Writer;

#[cfg(feature = "es256")]
use super::{Es256SigningKey, Es256VerifyingKey};
use super::{Hs256Key, KeyError, KeyId, Verifier, owned_key_id};

mod error;
mod parse;

pub use error::{JwkError, JwkMember};

/// One key: its octets, decoded, and its name. Private parts are wiped when it
/// is let go.
///
/// ```
/// use smallgate_core::jose::{Jwk, KeyError};
///
/// let jwk = Jwk::parse(br#"{"kty":"EC","crv":"P-256","kid":"1","use":"sig",
///     "x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
///     "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#).unwrap();
/// assert_eq!(jwk.key_id(), Some("1"));
/// // A public key is no HMAC secret.
/// assert_eq!(jwk.hs256_key().unwrap_err(), KeyError::WrongKeyType);
/// ```
#[derive(Clone)]
pub struct Jwk {
    material: Material,
    key_id: Option<KeyId>,
}

#[derive(Clone)]
enum Material {
    /// `oct` (RFC 7518 §6.4).
    Octets(Octets),
    /// `EC` with `"crv":"P-256"` (RFC 7518 §6.2).
    P256 {
        x: [u8; 32],
        y: [u8; 32],
        d: Option<Zeroizing<[u8; 32]>>,
    },
    /// `RSA`: no algorithm here uses it, so its thumbprint is all that is kept.
    Rsa { thumbprint: [u8; 32] },
}

/// Up to 64 secret octets.
#[derive(Clone)]
struct Octets {
    room: Zeroizing<[u8; Jwk::MAX_OCTETS]>,
    len: usize,
}

impl Octets {
    fn as_slice(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }
}

impl Jwk {
    /// The most octets of a symmetric key: a block of SHA-256, beyond which HMAC
    /// would hash the key.
    pub const MAX_OCTETS: usize = 64;

    /// A symmetric key of 32 to 64 random octets, named by its thumbprint.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`], [`KeyError::TooLong`].
    pub fn symmetric(octets: &[u8]) -> Result<Self, KeyError> {
        if octets.len() < Hs256Key::MIN_OCTETS {
            return Err(KeyError::TooShort);
        }
        let mut room = Zeroizing::new([0; Self::MAX_OCTETS]);
        let len = octets.len();
        room.get_mut(..len)
            .ok_or(KeyError::TooLong)?
            .copy_from_slice(octets);
        Self::named_by_thumbprint(Material::Octets(Octets { room, len }))
    }

    /// A private key on P-256, named by its thumbprint.
    ///
    /// # Errors
    ///
    /// [`KeyError::OutOfRange`].
    #[cfg(feature = "es256")]
    pub fn p256(secret: &[u8; 32]) -> Result<Self, KeyError> {
        let (x, y) = Es256SigningKey::new(secret, None)?
            .verifying_key()
            .coordinates();
        let d = Some(Zeroizing::new(*secret));
        Self::named_by_thumbprint(Material::P256 { x, y, d })
    }

    fn named_by_thumbprint(material: Material) -> Result<Self, KeyError> {
        let unnamed = Jwk {
            material,
            key_id: None,
        };
        let mut name = [0; 43];
        let name = base64url::encode(&unnamed.thumbprint(), &mut name)
            .map_err(|_| KeyError::KeyIdTooLong)?;
        Ok(Jwk {
            key_id: owned_key_id(Some(name))?,
            ..unnamed
        })
    }

    /// `kid` (RFC 7517 §4.5).
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Whether there is a part of it that nobody else may know.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        matches!(
            self.material,
            Material::Octets(_) | Material::P256 { d: Some(_), .. }
        )
    }

    /// The key as one that signs and verifies with HS256.
    ///
    /// # Errors
    ///
    /// [`KeyError::WrongKeyType`] for anything but `oct`; those of
    /// [`Hs256Key::new`].
    pub fn hs256_key(&self) -> Result<Hs256Key, KeyError> {
        match &self.material {
            Material::Octets(octets) => Hs256Key::new(octets.as_slice(), self.key_id()),
            _ => Err(KeyError::WrongKeyType),
        }
    }

    /// The key as one that signs with ES256.
    ///
    /// # Errors
    ///
    /// [`KeyError::WrongKeyType`] for anything but `EC` with a `d`; those of
    /// [`Es256SigningKey::pair`].
    #[cfg(feature = "es256")]
    pub fn es256_signing_key(&self) -> Result<Es256SigningKey, KeyError> {
        match &self.material {
            Material::P256 { x, y, d: Some(d) } => Es256SigningKey::pair(d, x, y, self.key_id()),
            _ => Err(KeyError::WrongKeyType),
        }
    }

    /// The key as one that verifies with ES256.
    ///
    /// # Errors
    ///
    /// [`KeyError::WrongKeyType`] for anything but `EC`; those of
    /// [`Es256VerifyingKey::new`].
    #[cfg(feature = "es256")]
    pub fn es256_verifying_key(&self) -> Result<Es256VerifyingKey, KeyError> {
        match &self.material {
            Material::P256 { x, y, .. } => Es256VerifyingKey::new(x, y, self.key_id()),
            _ => Err(KeyError::WrongKeyType),
        }
    }

    /// The coordinates of an `EC` key, x and y, for another backend.
    #[must_use]
    pub const fn coordinates(&self) -> Option<(&[u8; 32], &[u8; 32])> {
        match &self.material {
            Material::P256 { x, y, .. } => Some((x, y)),
            _ => None,
        }
    }

    /// The private octets: `d` of an `EC` key, `k` of an `oct` key, for another
    /// backend.
    #[must_use]
    pub fn secret_octets(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Octets(octets) => Some(octets.as_slice()),
            Material::P256 { d, .. } => d.as_ref().map(|d| d.as_slice()),
            Material::Rsa { .. } => None,
        }
    }

    /// SHA-256 over the required members, "ordered lexicographically" and
    /// "with no whitespace or line breaks" (RFC 7638 §3).
    ///
    /// That of a symmetric key is a hash of the secret: publish it only of keys
    /// that are random (RFC 7638 §7).
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        match &self.material {
            Material::Rsa { thumbprint } => return *thumbprint,
            Material::P256 { x, y, .. } => {
                hash.update(br#"{"crv":"P-256","kty":"EC","x":""#);
                hash.update(Characters::of(x).as_str().as_bytes());
                hash.update(br#"","y":""#);
                hash.update(Characters::of(y).as_str().as_bytes());
                hash.update(br#""}"#);
            }
            Material::Octets(octets) => {
                hash.update(br#"{"k":""#);
                hash.update(Characters::of(octets.as_slice()).as_str().as_bytes());
                hash.update(br#"","kty":"oct"}"#);
            }
        }
        hash.finish()
    }

    /// The public key of `verifier` with its name, wherever the key lives; none
    /// for a symmetric one.
    #[must_use]
    pub fn public(verifier: &dyn Verifier) -> Option<Self> {
        let (x, y) = verifier.public_point()?;
        let key_id = match verifier.key_id() {
            Some(name) => Some(KeyId::try_from(name).ok()?),
            None => None,
        };
        Some(Jwk {
            material: Material::P256 { x, y, d: None },
            key_id,
        })
    }

    /// Writes the public key as a JSON object, such as an item of a JWK Set's
    /// `keys` (RFC 7517 §5): never `d` or `k`.
    ///
    /// # Errors
    ///
    /// [`JwkError::NotWritable`] for a symmetric key, which has no public part,
    /// and for RSA. Whether it fitted, the writer says.
    pub fn write_public(&self, json: &mut Writer<'_>) -> Result<(), JwkError> {
        let Material::P256 { x, y, .. } = &self.material else {
            return Err(JwkError::NotWritable);
        };
        json.begin_object();
        write_point(json, x, y);
        self.write_purpose(json, "ES256");
        json.end_object();
        Ok(())
    }

    /// Writes the key with its private part as a JSON object.
    ///
    /// # Errors
    ///
    /// [`JwkError::NotWritable`] when there is no private part, and for RSA.
    /// Whether it fitted, the writer says.
    pub fn write_private(&self, json: &mut Writer<'_>) -> Result<(), JwkError> {
        match &self.material {
            Material::P256 { x, y, d: Some(d) } => {
                json.begin_object();
                write_point(json, x, y);
                json.member_text("d", Characters::of(d.as_slice()).as_str());
                self.write_purpose(json, "ES256");
            }
            Material::Octets(octets) => {
                json.begin_object();
                json.member_text("kty", "oct");
                json.member_text("k", Characters::of(octets.as_slice()).as_str());
                self.write_purpose(json, "HS256");
            }
            _ => return Err(JwkError::NotWritable),
        }
        json.end_object();
        Ok(())
    }

    fn write_purpose(&self, json: &mut Writer<'_>, algorithm: &str) {
        json.member_text("use", "sig");
        json.member_text("alg", algorithm);
        if let Some(key_id) = &self.key_id {
            json.member_text("kid", key_id);
        }
    }
}

#[cfg(feature = "es256")]
impl From<&Es256VerifyingKey> for Jwk {
    /// The public key, with the name it has.
    fn from(key: &Es256VerifyingKey) -> Self {
        let (x, y) = key.coordinates();
        Jwk {
            material: Material::P256 { x, y, d: None },
            key_id: key.named().cloned(),
        }
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn write_point(json: &mut Writer<'_>, x: &[u8; 32], y: &[u8; 32]) {
    json.member_text("kty", "EC");
    json.member_text("crv", "P-256");
    json.member_text("x", Characters::of(x).as_str());
    json.member_text("y", Characters::of(y).as_str());
}

/// Up to 64 octets as base64url, made in constant time and wiped.
struct Characters {
    room: Zeroizing<[u8; 86]>,
    len: usize,
}

impl Characters {
    fn of(octets: &[u8]) -> Self {
        let mut room = Zeroizing::new([0; 86]);
        let len = base64url::encode_secret(octets, room.as_mut_slice()).map_or(0, str::len);
        Characters { room, len }
    }

    fn as_str(&self) -> &str {
        self.room
            .get(..self.len)
            .and_then(|characters| core::str::from_utf8(characters).ok())
            .unwrap_or_default()
    }
}
