//! The numbers that C sees, and what they mean.

use core::ffi::{CStr, c_char, c_int};

use smallgate_core::jose::{JwkError, JwsError, KeyError, SignError, SignatureError};
use smallgate_core::jwt::{IssueError, VerifyError};
use smallgate_core::oauth::ConfigurationError;
use smallgate_firmware::image::{ImageError, RoomError};

use crate::header;

macro_rules! errors {
    ($($name:ident = $number:ident, $words:literal;)+) => {
        /// `SMALLGATE_ERROR_…` of the header.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(i32)]
        pub(crate) enum Error {
            $($name = header::$number,)+
        }

        /// All of them, with their words.
        const WORDS: &[(c_int, &CStr)] = &[$((header::$number, $words)),+];
    };
}

errors! {
    Null = ERROR_NULL, c"a pointer is NULL";
    Alignment = ERROR_ALIGNMENT, c"a pointer is not aligned";
    TooSmall = ERROR_TOO_SMALL, c"the memory for a result is too small";
    Length = ERROR_LENGTH, c"a length that nothing in memory has";
    Text = ERROR_TEXT, c"a text that is not UTF-8, or too long";
    State = ERROR_STATE, c"the object is not made, over, in use, or at another step";
    Abi = ERROR_ABI, c"the header and the library are of different versions";
    Unsupported = ERROR_UNSUPPORTED, c"not in this build of the library";
    Value = ERROR_VALUE, c"a number that means nothing here";
    Overlap = ERROR_OVERLAP, c"memory that is written to overlaps";
    Internal = ERROR_INTERNAL, c"the library failed";
    TooMany = ERROR_TOO_MANY, c"more than there is room for";
    Json = ERROR_JSON, c"not a JSON object within its bounds";
    Jwk = ERROR_JWK, c"a member of the key is missing or wrong";
    KeyTooShort = ERROR_KEY_TOO_SHORT, c"an HS256 key of fewer than 32 octets";
    KeyTooLong = ERROR_KEY_TOO_LONG, c"a symmetric key of more than 64 octets";
    KeyPublic = ERROR_KEY_PUBLIC, c"a public key offered as an HMAC secret";
    KeyPoint = ERROR_KEY_POINT, c"not a point on P-256";
    KeyRange = ERROR_KEY_RANGE, c"a private key out of range";
    KeyPair = ERROR_KEY_PAIR, c"a private and a public key that are no pair";
    KeyId = ERROR_KEY_ID, c"a key id of more than 48 octets";
    KeyType = ERROR_KEY_TYPE, c"a key of another type, or one that can not sign";
    NoKey = ERROR_NO_KEY, c"a set without a key that is of use here";
    Clock = ERROR_CLOCK, c"the clock is not set";
    Leeway = ERROR_LEEWAY, c"the leeway is more than 60 seconds";
    Expectation = ERROR_EXPECTATION, c"the policy lacks an issuer or an audience";
    Malformed = ERROR_MALFORMED, c"not a compact JWT, or too long";
    Header = ERROR_HEADER, c"the token's header is not good JSON";
    Critical = ERROR_CRITICAL, c"the token's header has crit or b64, or brings a key";
    Type = ERROR_TYPE, c"typ is another kind of token";
    KeyUnknown = ERROR_KEY_UNKNOWN, c"kid names no key, or is missing";
    Algorithm = ERROR_ALGORITHM, c"alg is not the key's algorithm";
    Signature = ERROR_SIGNATURE, c"the signature does not match";
    Payload = ERROR_PAYLOAD, c"the token's payload is not good JSON";
    ClaimType = ERROR_CLAIM_TYPE, c"a claim of the wrong type";
    ClaimValue = ERROR_CLAIM_VALUE, c"a claim with a value that it can not have";
    ClaimMissing = ERROR_CLAIM_MISSING, c"a claim is missing";
    Issuer = ERROR_ISSUER, c"the token is another issuer's";
    Audience = ERROR_AUDIENCE, c"the token is for another audience";
    Expired = ERROR_EXPIRED, c"the token has expired";
    NotYetValid = ERROR_NOT_YET_VALID, c"the token is not valid yet";
    FromTheFuture = ERROR_FROM_THE_FUTURE, c"the token was issued in the future";
    Scope = ERROR_SCOPE, c"the token lacks a scope";
    Backend = ERROR_BACKEND, c"a callback or the key's backend failed";
    Image = ERROR_IMAGE, c"no provisioning image, or damaged";
    ImageLayout = ERROR_IMAGE_LAYOUT, c"a provisioning image of another layout";
    ImageValue = ERROR_IMAGE_VALUE, c"a value in the provisioning image that can not be";
    Configuration = ERROR_CONFIGURATION, c"the parts of the provisioning image do not go together";
}

/// What an error means.
#[unsafe(no_mangle)]
pub extern "C" fn smallgate_strerror(error: c_int) -> *const c_char {
    if error >= 0 {
        return c"no error".as_ptr();
    }
    WORDS
        .iter()
        .find(|(number, _)| *number == error)
        .map_or(c"an unknown error", |(_, words)| words)
        .as_ptr()
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::TooShort => Error::KeyTooShort,
            KeyError::TooLong => Error::KeyTooLong,
            KeyError::PublicKey => Error::KeyPublic,
            KeyError::OffCurve => Error::KeyPoint,
            KeyError::OutOfRange => Error::KeyRange,
            KeyError::NotAPair => Error::KeyPair,
            KeyError::KeyIdTooLong => Error::KeyId,
            KeyError::WrongKeyType => Error::KeyType,
        }
    }
}

impl From<JwkError> for Error {
    fn from(error: JwkError) -> Self {
        match error {
            JwkError::Json(_) => Error::Json,
            JwkError::KeyIdTooLong => Error::KeyId,
            _ => Error::Jwk,
        }
    }
}

impl From<SignError> for Error {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Backend => Error::Backend,
            SignError::BufferTooSmall => Error::TooSmall,
        }
    }
}

impl From<IssueError> for Error {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::ClaimMissing(_) => Error::ClaimMissing,
            IssueError::BufferTooSmall => Error::TooSmall,
            IssueError::Backend => Error::Backend,
            _ => Error::ClaimValue,
        }
    }
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::ClockUnset => Error::Clock,
            VerifyError::LeewayTooLong => Error::Leeway,
            VerifyError::ExpectationMissing(_) => Error::Expectation,
            VerifyError::Jws(error) => error.into(),
            VerifyError::PayloadJson(_) => Error::Payload,
            VerifyError::ClaimType(_) => Error::ClaimType,
            VerifyError::ClaimValue(_) => Error::ClaimValue,
            VerifyError::ClaimMissing(_) => Error::ClaimMissing,
            VerifyError::IssuerMismatch => Error::Issuer,
            VerifyError::AudienceMismatch => Error::Audience,
            VerifyError::Expired => Error::Expired,
            VerifyError::NotYetValid => Error::NotYetValid,
            VerifyError::IssuedInFuture => Error::FromTheFuture,
            VerifyError::ScratchTooSmall => Error::TooSmall,
        }
    }
}

impl From<JwsError> for Error {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong
            | JwsError::NotThreeParts
            | JwsError::HeaderEncoding(_)
            | JwsError::SignatureEncoding(_)
            | JwsError::PayloadEncoding(_) => Error::Malformed,
            JwsError::HeaderJson(_) | JwsError::HeaderType(_) => Error::Header,
            JwsError::CriticalHeader | JwsError::UnencodedPayload | JwsError::EmbeddedKey => {
                Error::Critical
            }
            JwsError::AlgorithmMissing | JwsError::AlgorithmMismatch => Error::Algorithm,
            JwsError::TypeMissing | JwsError::TypeMismatch => Error::Type,
            JwsError::KeyIdMissing | JwsError::KeyUnknown => Error::KeyUnknown,
            JwsError::Signature(SignatureError::Backend) => Error::Backend,
            JwsError::Signature(_) => Error::Signature,
            JwsError::ScratchTooSmall => Error::TooSmall,
        }
    }
}

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Layout(_) => Error::ImageLayout,
            ImageError::Impossible(_) => Error::ImageValue,
            ImageError::Empty | ImageError::Magic | ImageError::Short | ImageError::Damaged => {
                Error::Image
            }
        }
    }
}

impl From<RoomError> for Error {
    fn from(_: RoomError) -> Self {
        Error::TooMany
    }
}

impl From<ConfigurationError> for Error {
    fn from(_: ConfigurationError) -> Self {
        Error::Configuration
    }
}
