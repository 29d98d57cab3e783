use core::fmt;

use crate::codec::base64url::Base64Error;
use crate::codec::json::JsonError;

/// A member of a JWK that this crate reads (RFC 7517 §4, RFC 7518 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum JwkMember {
    /// `kty`.
    KeyType,
    /// `use`.
    PublicKeyUse,
    /// `key_ops`.
    KeyOperations,
    /// `alg`.
    Algorithm,
    /// `kid`.
    KeyId,
    /// `crv` of an EC key.
    Curve,
    /// `x` of an EC key.
    XCoordinate,
    /// `y` of an EC key.
    YCoordinate,
    /// `d` of an EC key.
    EccPrivateKey,
    /// `k` of a symmetric key.
    KeyValue,
    /// `n` of an RSA key.
    Modulus,
    /// `e` of an RSA key.
    Exponent,
}

impl JwkMember {
    /// The member's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            JwkMember::KeyType => "kty",
            JwkMember::PublicKeyUse => "use",
            JwkMember::KeyOperations => "key_ops",
            JwkMember::Algorithm => "alg",
            JwkMember::KeyId => "kid",
            JwkMember::Curve => "crv",
            JwkMember::XCoordinate => "x",
            JwkMember::YCoordinate => "y",
            JwkMember::EccPrivateKey => "d",
            JwkMember::KeyValue => "k",
            JwkMember::Modulus => "n",
            JwkMember::Exponent => "e",
        }
    }
}

/// Why a JWK was refused, or cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum JwkError {
    /// Not a JSON object within its bounds, or a name stands twice.
    Json(JsonError),
    /// A member that this type of key needs is not there.
    Missing(JwkMember),
    /// A member of the wrong JSON type.
    Type(JwkMember),
    /// A value that is not strict base64url.
    Encoding(JwkMember, Base64Error),
    /// A value of the wrong number of octets.
    Length(JwkMember),
    /// A `kty`, `crv` or `alg` that this crate does not know, or an `alg` of
    /// another type of key.
    Unsupported(JwkMember),
    /// A `use` other than `sig`, or `key_ops` without `sign` and `verify`.
    NotForSignatures,
    /// A `kid` longer than [`KeyId`](crate::jose::KeyId) holds.
    KeyIdTooLong,
    /// The key has no such form.
    NotWritable,
}

impl fmt::Display for JwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, member) = match self {
            JwkError::Json(error) => return error.fmt(f),
            JwkError::Missing(member) => ("the key has no ", Some(member)),
            JwkError::Type(member) => ("of the wrong type: ", Some(member)),
            JwkError::Encoding(member, error) => {
                f.write_str(member.name())?;
                f.write_str(": ")?;
                return error.fmt(f);
            }
            JwkError::Length(member) => ("of the wrong length: ", Some(member)),
            JwkError::Unsupported(member) => ("not supported: ", Some(member)),
            JwkError::NotForSignatures => ("the key is not for signatures", None),
            JwkError::KeyIdTooLong => ("a key id of more than 48 octets", None),
            JwkError::NotWritable => ("the key has no such form", None),
        };
        f.write_str(text)?;
        member.map_or(Ok(()), |member| f.write_str(member.name()))
    }
}

impl core::error::Error for JwkError {}
