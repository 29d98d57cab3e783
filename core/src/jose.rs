//! Keys and signatures: compact JWS (RFC 7515) with the algorithms of RFC 7518.
//!
//! A key is a value with its algorithm inside: [`Hs256Key`] and, with the
//! feature `es256`, [`Es256SigningKey`] and [`Es256VerifyingKey`]. They are used
//! through two traits that a `dyn` can be made of, [`Signer`] and [`Verifier`],
//! so that another backend (assembly, a secure element) takes their place
//! without a type parameter anywhere. [`Jwk`] reads and writes keys as JSON.
//!
//! "the algorithm belongs to the key": a token's `alg` is compared with the
//! algorithm of the key that its `kid` names, and never chooses anything
//! (RFC 8725 §3.1).

use core::fmt;

#[cfg(feature = "es256")]
mod es256;
mod header;
mod hs256;
mod jwk;
mod jws;

#[cfg(feature = "es256")]
pub use es256::{Es256SigningKey, Es256VerifyingKey};
pub use header::{ExpectedType, HeaderParameter, HeaderPolicy};
pub use hs256::Hs256Key;
pub use jwk::{Jwk, JwkError, JwkMember};
pub use jws::{JwsError, Keys, SignedToken, VerifiedJws, sign, verify};
pub(crate) use jws::{decode_payload, sign_staged};

/// A digital signature or MAC algorithm (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Algorithm {
    /// HMAC using SHA-256.
    Hs256,
    /// ECDSA using P-256 and SHA-256.
    Es256,
}

impl Algorithm {
    /// The value of `alg`: `HS256` or `ES256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Es256 => "ES256",
        }
    }

    /// How many octets a signature has, exactly: 32 or 64.
    #[must_use]
    pub const fn signature_len(self) -> usize {
        match self {
            Algorithm::Hs256 => 32,
            Algorithm::Es256 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The `typ` of a JWT access token (RFC 9068 §2.1).
pub(crate) const ACCESS_TOKEN: Option<&str> = Some("at+jwt");

/// The longest signature of any [`Algorithm`], in octets.
pub const MAX_SIGNATURE: usize = 64;

/// A `kid` (RFC 7515 §4.1.4), at most 48 octets; a thumbprint (RFC 7638) is 43
/// characters.
pub type KeyId = heapless::String<48>;

/// What signs: a private or symmetric key, wherever it lives.
///
/// [`Sync`], so that one server can be shared between the cores of a chip.
pub trait Signer: Sync {
    /// The algorithm of this key, for the header's `alg`.
    fn algorithm(&self) -> Algorithm;

    /// The name of this key, for the header's `kid`.
    fn key_id(&self) -> Option<&str>;

    /// Signs `input`, the JWS Signing Input, into the beginning of `signature`,
    /// and says how many octets that took: [`Algorithm::signature_len`].
    ///
    /// # Errors
    ///
    /// The backend failed; then `signature` means nothing.
    fn sign(&self, input: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError>;

    /// The header of a token with this `typ`, if it was encoded beforehand: what
    /// [`sign`] would write for it, character for character. Without one each
    /// token's is written anew.
    ///
    /// For keys of this crate alone: nobody else can name the type of the last
    /// argument, and so neither make up a header nor pass another key's on.
    #[doc(hidden)]
    fn encoded_header(&self, _typ: Option<&str>, _: sealed::Here) -> Option<&str> {
        None
    }
}

mod sealed {
    /// Nobody else's.
    #[derive(Debug)]
    pub struct Here(pub(super) ());
}

/// What verifies: a public or symmetric key, wherever it lives.
///
/// [`Sync`], so that one server can be shared between the cores of a chip.
pub trait Verifier: Sync {
    /// The algorithm of this key, to which a header's `alg` is compared.
    fn algorithm(&self) -> Algorithm;

    /// The name of this key, by which a header's `kid` finds it.
    fn key_id(&self) -> Option<&str>;

    /// Whether `signature` is this key's over `input`, the JWS Signing Input.
    ///
    /// # Errors
    ///
    /// It is not, and why.
    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), SignatureError>;

    /// The coordinates x and y of a public key on P-256, big-endian, to be
    /// published. A symmetric key has none.
    fn public_point(&self) -> Option<([u8; 32], [u8; 32])> {
        None
    }
}

/// Why a signature, or the token with it, could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SignError {
    /// The backend reported a failure, or what it returned is no signature.
    Backend,
    /// The token does not fit.
    BufferTooSmall,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignError::Backend => "the signature could not be made",
            SignError::BufferTooSmall => "the buffer is too small for the token",
        })
    }
}

impl core::error::Error for SignError {}

/// Why a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SignatureError {
    /// Not exactly [`Algorithm::signature_len`] octets.
    Length,
    /// r or s of an ES256 signature is zero, or not below the group's order.
    OutOfRange,
    /// Well-formed, but not this key's over this input.
    Mismatch,
    /// The backend reported a failure.
    Backend,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignatureError::Length => "a signature of the wrong length",
            SignatureError::OutOfRange => "a signature with r or s out of range",
            SignatureError::Mismatch => "a signature that does not match",
            SignatureError::Backend => "the signature could not be checked",
        })
    }
}

impl core::error::Error for SignatureError {}

/// Why octets are not taken as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum KeyError {
    /// An HS256 key of fewer than 32 octets.
    TooShort,
    /// A symmetric key of more than 64 octets, for a JWK.
    TooLong,
    /// A public key, or a file that holds one, offered as an HMAC secret.
    PublicKey,
    /// Coordinates of no point on P-256, or of the point at infinity.
    OffCurve,
    /// A private scalar that is zero, or not below the group's order.
    OutOfRange,
    /// A private and a public key that do not belong together.
    NotAPair,
    /// A `kid` longer than [`KeyId`] holds.
    KeyIdTooLong,
    /// A key of another type, or a public one where a private one is needed.
    WrongKeyType,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyError::TooShort => "an HS256 key of fewer than 32 octets",
            KeyError::TooLong => "a symmetric key of more than 64 octets",
            KeyError::PublicKey => "a public key offered as an HMAC secret",
            KeyError::OffCurve => "not a point on P-256",
            KeyError::OutOfRange => "a private key out of range",
            KeyError::NotAPair => "a private and a public key that are no pair",
            KeyError::KeyIdTooLong => "a key id of more than 48 octets",
            KeyError::WrongKeyType => "a key of the wrong type",
        })
    }
}

impl core::error::Error for KeyError {}

/// Copies a `kid` into its own room.
pub(crate) fn owned_key_id(key_id: Option<&str>) -> Result<Option<KeyId>, KeyError> {
    key_id
        .map(|id| KeyId::try_from(id).map_err(|_| KeyError::KeyIdTooLong))
        .transpose()
}
