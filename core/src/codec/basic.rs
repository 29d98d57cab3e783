//! HTTP Basic credentials: RFC 7617, and how RFC 6749 §2.3.1 fills them.
//!
//! RFC 6749 §2.3.1: "The client identifier is encoded using the
//! "application/x-www-form-urlencoded" encoding algorithm per Appendix B, and
//! the encoded value is used as the username; the client password is encoded
//! using the same algorithm and used as the password." Many clients do not
//! encode, so [`BasicCredentials`] has both readings of each half, and whoever
//! knows the clients chooses.
//!
//! ```
//! use smallgate_core::codec::basic::{self, SCRATCH};
//!
//! let mut scratch = [0; SCRATCH];
//! let credentials = basic::parse(b"czZCaGRSa3F0MzpnWDFmQmF0M2JW", &mut scratch)?;
//! assert_eq!(credentials.id_raw(), "s6BhdRkqt3"); // RFC 6749 §2.3.1
//! assert_eq!(credentials.id_decoded(), Some("s6BhdRkqt3"));
//! assert_eq!(credentials.secret_raw(), "gX1fBat3bV");
//! # Ok::<(), basic::BasicError>(())
//! ```

#[cfg(test)]
mod tests;

use core::{fmt, str};

use super::base64::STANDARD;
use super::base64url::decoded_len;
use super::form::decode_component;
use super::split::split_at_first;

/// The longest `credentials` in octets of base64: 192 octets of name, colon and
/// password.
pub const MAX_CREDENTIALS: usize = 256;

/// Octets of scratch that every `credentials` of up to [`MAX_CREDENTIALS`] fits
/// in: it needs three quarters of its length twice, here 384.
pub const SCRATCH: usize = 512;

/// Why credentials were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BasicError {
    /// More octets than [`MAX_CREDENTIALS`], or than the scratch holds.
    TooLong,
    /// Not base64 as RFC 4648 §4 has it: standard alphabet, padded, no white
    /// space, no stray bits.
    InvalidBase64,
    /// No colon between name and password.
    NoColon,
    /// Not UTF-8.
    InvalidUtf8,
    /// A control character in name or password.
    ControlCharacter,
}

impl fmt::Display for BasicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BasicError::TooLong => "the Basic credentials are too long",
            BasicError::InvalidBase64 => "the Basic credentials are not base64",
            BasicError::NoColon => "the Basic credentials have no colon",
            BasicError::InvalidUtf8 => "the Basic credentials are not UTF-8",
            BasicError::ControlCharacter => "the Basic credentials have a control character",
        })
    }
}

impl core::error::Error for BasicError {}

/// A name and a password, each as it was sent and form-decoded.
#[derive(Clone, Copy)]
pub struct BasicCredentials<'a> {
    id: Half<'a>,
    secret: Half<'a>,
}

#[derive(Clone, Copy)]
struct Half<'a> {
    raw: &'a str,
    decoded: Option<&'a str>,
}

impl<'a> BasicCredentials<'a> {
    /// The client identifier as it was sent.
    #[must_use]
    pub const fn id_raw(&self) -> &'a str {
        self.id.raw
    }

    /// The client identifier form-decoded, as RFC 6749 §2.3.1 wants it read;
    /// the same as [`BasicCredentials::id_raw`] where there is neither `%` nor
    /// `+`. `None` when it can't have been encoded: a bad `%` escape, or octets
    /// that are not UTF-8 or control characters.
    #[must_use]
    pub const fn id_decoded(&self) -> Option<&'a str> {
        self.id.decoded
    }

    /// The client secret as it was sent.
    #[must_use]
    pub const fn secret_raw(&self) -> &'a str {
        self.secret.raw
    }

    /// The client secret form-decoded, as [`BasicCredentials::id_decoded`].
    #[must_use]
    pub const fn secret_decoded(&self) -> Option<&'a str> {
        self.secret.decoded
    }
}

impl fmt::Debug for BasicCredentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicCredentials(..)")
    }
}

/// Reads `credentials`, what is after `Basic ` in the header's value, into
/// `scratch`: [`SCRATCH`] octets are always enough. The secret stays there; the
/// caller wipes it.
///
/// The time depends on lengths, on the name, and on whether the secret is readable; on its octets
/// only where it has `%` or `+`, whose places show.
///
/// # Errors
///
/// See [`BasicError`].
pub fn parse<'a>(
    credentials: &[u8],
    scratch: &'a mut [u8],
) -> Result<BasicCredentials<'a>, BasicError> {
    if credentials.len() > MAX_CREDENTIALS {
        return Err(BasicError::TooLong);
    }
    let octets = credentials.len().div_ceil(4).saturating_mul(3);
    let (plain, copies) = scratch
        .split_at_mut_checked(octets)
        .filter(|(_, copies)| copies.len() >= octets)
        .ok_or(BasicError::TooLong)?;

    // RFC 7617 §2: "constructs the user-pass by concatenating the user-id, a single colon (":")
    // character, and the password"; "and obtains the basic-credentials by encoding this octet
    // sequence using Base64 ([RFC4648], Section 4) into a sequence of US-ASCII characters".
    let plain = decode(credentials, plain).ok_or(BasicError::InvalidBase64)?;
    let plain = str::from_utf8(plain).map_err(|_| BasicError::InvalidUtf8)?;
    // RFC 7617 §2: "The user-id and password MUST NOT contain any control characters".
    if has_control(plain) {
        return Err(BasicError::ControlCharacter);
    }
    // RFC 7617 §2: "a user-id containing a colon character is invalid, as the first colon in a
    // user-pass string separates user-id and password from one another".
    let (id, secret) = split_at_first(plain, b':').ok_or(BasicError::NoColon)?;
    let (id_copy, secret_copy) = copies
        .split_at_mut_checked(id.len())
        .ok_or(BasicError::TooLong)?;
    Ok(BasicCredentials {
        id: half(id, id_copy),
        secret: half(secret, secret_copy),
    })
}

/// Base64 with its padding: "Special processing is performed if fewer than 24
/// bits are available at the end of the data being encoded" (RFC 4648 §4).
fn decode<'o>(text: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let characters = text
        .strip_suffix(b"==")
        .or_else(|| text.strip_suffix(b"="))
        .unwrap_or(text);
    let octets = out.get_mut(..decoded_len(characters.len()))?;
    STANDARD.decode(characters, octets).then_some(octets)
}

/// Both readings of `raw`, the decoded one in `copy`, which is not shorter.
fn half<'a>(raw: &'a str, copy: &'a mut [u8]) -> Half<'a> {
    let encoded = has(raw, |octet| matches!(octet, b'%' | b'+'));
    let decoded = if encoded {
        decoded_copy(raw, copy)
    } else {
        Some(raw)
    };
    Half { raw, decoded }
}

fn decoded_copy<'a>(raw: &str, copy: &'a mut [u8]) -> Option<&'a str> {
    let copy = copy.get_mut(..raw.len())?;
    super::copy(raw.as_bytes(), copy);
    decode_component(copy)
        .ok()
        .filter(|decoded| !has_control(decoded))
}

/// RFC 5234 Appendix B.1: `CTL = %x00-1F / %x7F`.
fn has_control(text: &str) -> bool {
    has(text, |octet| octet.is_ascii_control())
}

/// Whether an octet is as `wanted`. No early end: where it stands in a secret must not show.
fn has(text: &str, wanted: impl Fn(u8) -> bool) -> bool {
    text.bytes()
        .fold(false, |found, octet| found | wanted(octet))
}
