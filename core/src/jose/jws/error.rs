use core::fmt;

use crate::codec::base64url::Base64Error;
use crate::codec::json::JsonError;
use crate::jose::SignatureError;
use crate::jose::header::HeaderParameter;

/// Why a compact JWS was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum JwsError {
    /// More octets than the policy allows.
    TooLong,
    /// Not three parts with a dot between them.
    NotThreeParts,
    /// The header is not strict base64url.
    HeaderEncoding(Base64Error),
    /// The header is not a JSON object within its bounds, or a name stands twice.
    HeaderJson(JsonError),
    /// A header parameter that is not a string.
    HeaderType(HeaderParameter),
    /// There is a `crit`.
    CriticalHeader,
    /// There is a `b64`.
    UnencodedPayload,
    /// There is a `jwk`, `jku`, `x5u` or `x5c`.
    EmbeddedKey,
    /// There is no `alg`.
    AlgorithmMissing,
    /// `alg` is not the algorithm of the key.
    AlgorithmMismatch,
    /// There is no `typ`, and one was expected.
    TypeMissing,
    /// `typ` is not the one expected.
    TypeMismatch,
    /// There is no `kid`, and more or fewer keys than one.
    KeyIdMissing,
    /// `kid` names no key.
    KeyUnknown,
    /// The signature is not strict base64url.
    SignatureEncoding(Base64Error),
    /// The signature was refused.
    Signature(SignatureError),
    /// The payload, though signed, is not strict base64url.
    PayloadEncoding(Base64Error),
    /// The scratch is shorter than the decoded token.
    ScratchTooSmall,
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, cause): (_, Option<&dyn fmt::Display>) = match self {
            JwsError::TooLong => ("the token is too long", None),
            JwsError::NotThreeParts => ("the token has not three parts", None),
            JwsError::HeaderEncoding(cause) => ("header: ", Some(cause)),
            JwsError::HeaderJson(cause) => ("header: ", Some(cause)),
            JwsError::HeaderType(HeaderParameter::Algorithm) => ("alg is not a string", None),
            JwsError::HeaderType(HeaderParameter::KeyId) => ("kid is not a string", None),
            JwsError::HeaderType(HeaderParameter::Type) => ("typ is not a string", None),
            JwsError::CriticalHeader => ("the header has crit", None),
            JwsError::UnencodedPayload => ("the header has b64", None),
            JwsError::EmbeddedKey => ("the header brings a key", None),
            JwsError::AlgorithmMissing => ("the header has no alg", None),
            JwsError::AlgorithmMismatch => ("alg is not the key's algorithm", None),
            JwsError::TypeMissing => ("the header has no typ", None),
            JwsError::TypeMismatch => ("typ is another kind of token", None),
            JwsError::KeyIdMissing => ("the header has no kid to choose a key by", None),
            JwsError::KeyUnknown => ("kid names no key", None),
            JwsError::SignatureEncoding(cause) => ("signature: ", Some(cause)),
            JwsError::Signature(cause) => ("", Some(cause)),
            JwsError::PayloadEncoding(cause) => ("payload: ", Some(cause)),
            JwsError::ScratchTooSmall => ("the scratch is too small for the token", None),
        };
        f.write_str(part)?;
        cause.map_or(Ok(()), |cause| cause.fmt(f))
    }
}

impl core::error::Error for JwsError {}
