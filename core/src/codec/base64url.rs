//! base64url without padding (RFC 4648 §5, RFC 7515 §2), strict both ways.
//!
//! "Base64url Encoding: Base64 encoding using the URL- and filename-safe
//! character set defined in Section 5 of RFC 4648, with all trailing '='
//! characters omitted […] and without the inclusion of any line breaks,
//! whitespace, or other additional characters" (RFC 7515 §2).
//!
//! One octet string has one spelling: what [`decode`] accepts is exactly what
//! [`encode`] writes. [`encode`] and [`decode`] are fast, look characters up in
//! tables, and are for public data, such as a token's header and payload;
//! [`encode_secret`] and [`decode_secret`] take the same time for every value
//! of the same length and are for keys and handles.

use core::fmt;

use super::base64::URL_SAFE;
use super::copy;

mod blocks;

/// Machines of 32 bits are taken to have none, and leave all to the table.
const HAS_VECTORS: bool = cfg!(target_pointer_width = "64");

/// Why octets or characters could not be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Base64Error {
    /// A length that no octet string encodes to: one more than a multiple of four.
    InvalidLength,
    /// A character outside the alphabet: padding and white space are outside.
    InvalidCharacter,
    /// The last character carries bits that belong to no octet, and they are
    /// not zero.
    TrailingBits,
    /// The output does not fit.
    BufferTooSmall,
}

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Base64Error::InvalidLength => "a length that base64url cannot have",
            Base64Error::InvalidCharacter => "a character outside base64url",
            Base64Error::TrailingBits => "stray bits at the end of base64url",
            Base64Error::BufferTooSmall => "the buffer for base64url is too small",
        })
    }
}

impl core::error::Error for Base64Error {}

/// How many characters `octets` octets take; saturates.
#[must_use]
pub const fn encoded_len(octets: usize) -> usize {
    let whole = (octets / 3).saturating_mul(4);
    let tail = match octets % 3 {
        0 => 0,
        1 => 2,
        _ => 3,
    };
    whole.saturating_add(tail)
}

/// How many octets `characters` characters hold; a length that nothing encodes
/// to is rounded down.
#[must_use]
pub const fn decoded_len(characters: usize) -> usize {
    let whole = (characters / 4).saturating_mul(3);
    let tail = match characters % 4 {
        0 | 1 => 0,
        2 => 1,
        _ => 2,
    };
    whole.saturating_add(tail)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// In [`VALUES`], what is no value.
const NONE: u8 = 0xFF;

/// The value of each character.
static VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut rest: &mut [u8] = &mut values;
    let mut character = 0_u8;
    while let Some((value, others)) = rest.split_first_mut() {
        *value = match character {
            b'A'..=b'Z' => character.wrapping_sub(b'A'),
            b'a'..=b'z' => character.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => character.wrapping_sub(b'0').wrapping_add(52),
            b'-' => 62,
            b'_' => 63,
            _ => NONE,
        };
        character = character.wrapping_add(1);
        rest = others;
    }
    values
};

#[inline(always)]
fn character(value: u8) -> u8 {
    // The mask proves the bound, so `get` costs nothing and cannot miss.
    ALPHABET
        .get(usize::from(value & 0x3F))
        .copied()
        .unwrap_or(b'A')
}

#[inline(always)]
fn value(character: u8) -> u8 {
    VALUES.get(usize::from(character)).copied().unwrap_or(NONE)
}

/// Writes `octets`, which are public, as base64url to the beginning of `out`:
/// [`encoded_len`] characters.
///
/// ```
/// use smallgate_core::codec::base64url;
///
/// let mut out = [0; 8];
/// assert_eq!(base64url::encode(&[3, 236, 255], &mut out), Ok("A-z_"));
/// ```
///
/// # Errors
///
/// [`Base64Error::BufferTooSmall`].
pub fn encode<'o>(octets: &[u8], out: &'o mut [u8]) -> Result<&'o str, Base64Error> {
    as_text(encode_octets(octets, out)?)
}

/// [`encode`] for who goes on with octets.
pub(crate) fn encode_octets<'o>(
    octets: &[u8],
    out: &'o mut [u8],
) -> Result<&'o mut [u8], Base64Error> {
    let out = out
        .get_mut(..encoded_len(octets.len()))
        .ok_or(Base64Error::BufferTooSmall)?;
    let (octets, rest) = match HAS_VECTORS {
        true => blocks::encode(octets, out),
        false => (octets, &mut *out),
    };
    let (triples, last) = octets.as_chunks::<3>();
    let (quads, tail) = rest.as_chunks_mut::<4>();
    for ([a, b, c], quad) in triples.iter().zip(quads) {
        *quad = [
            character(a >> 2),
            character(a << 4 | b >> 4),
            character(b << 2 | c >> 6),
            character(*c),
        ];
    }
    encode_tail(last, tail);
    Ok(out)
}

/// Encodes one octet or two that are left of others.
#[inline(always)]
fn encode_tail(octets: &[u8], tail: &mut [u8]) {
    match (octets, tail) {
        ([a], [w, x]) => {
            *w = character(a >> 2);
            *x = character(a << 4);
        }
        ([a, b], [w, x, y]) => {
            *w = character(a >> 2);
            *x = character(a << 4 | b >> 4);
            *y = character(b << 2);
        }
        _ => {}
    }
}

/// Encodes the first `len` octets of `out`, which are public, where they are: from
/// the last to the first, as there are a third more characters. How many these are.
pub(crate) fn encode_in_place(out: &mut [u8], len: usize) -> Result<usize, Base64Error> {
    const BLOCK: usize = 48;
    let out = out
        .get_mut(..encoded_len(len))
        .ok_or(Base64Error::BufferTooSmall)?;
    if HAS_VECTORS && len >= blocks::OCTETS {
        blocks::encode_in_place(out, len).ok_or(Base64Error::BufferTooSmall)?;
        return Ok(out.len());
    }
    let mut read = len.saturating_sub(len % BLOCK);
    loop {
        let write = read.saturating_add(read / 3);
        let octets = out.get(read..len.min(read.saturating_add(BLOCK)));
        let octets = octets.ok_or(Base64Error::BufferTooSmall)?;
        let (mut block, taken) = ([0; BLOCK], octets.len());
        copy(octets, &mut block);
        let octets = block.get(..taken).unwrap_or_default();
        encode_octets(octets, out.get_mut(write..).unwrap_or_default())?;
        if read == 0 {
            return Ok(out.len());
        }
        read = read.saturating_sub(BLOCK);
    }
}

/// Reads base64url of public data to the beginning of `out`: [`decoded_len`]
/// octets. After an error the contents of `out` mean nothing.
///
/// ```
/// use smallgate_core::codec::base64url::{self, Base64Error};
///
/// let mut out = [0; 8];
/// assert_eq!(base64url::decode(b"A-z_", &mut out).unwrap(), [3, 236, 255]);
/// assert_eq!(base64url::decode(b"AA==", &mut out), Err(Base64Error::InvalidCharacter));
/// assert_eq!(base64url::decode(b"AB", &mut out), Err(Base64Error::TrailingBits));
/// ```
///
/// # Errors
///
/// Each [`Base64Error`]; a bad character goes before stray bits.
pub fn decode<'o>(text: &[u8], out: &'o mut [u8]) -> Result<&'o mut [u8], Base64Error> {
    let out = decoded_part(text, out)?;
    // A value has six bits: the top ones are set by NONE alone.
    let mut seen = 0;
    let (text, rest) = match HAS_VECTORS {
        true => blocks::decode(text, out, &mut seen),
        false => (text, &mut *out),
    };
    let (quads, last) = text.as_chunks::<4>();
    let (triples, tail) = rest.as_chunks_mut::<3>();
    for ([w, x, y, z], triple) in quads.iter().zip(triples) {
        let [w, x, y, z] = [value(*w), value(*x), value(*y), value(*z)];
        seen |= w | x | y | z;
        *triple = [w << 2 | x >> 4, x << 4 | y >> 2, y << 6 | z];
    }
    let stray = match (last, tail) {
        ([w, x], [a]) => {
            let [w, x] = [value(*w), value(*x)];
            seen |= w | x;
            *a = w << 2 | x >> 4;
            x & 0x0F
        }
        ([w, x, y], [a, b]) => {
            let [w, x, y] = [value(*w), value(*x), value(*y)];
            seen |= w | x | y;
            *a = w << 2 | x >> 4;
            *b = x << 4 | y >> 2;
            y & 0x03
        }
        _ => 0,
    };
    if seen & 0xC0 != 0 {
        return Err(Base64Error::InvalidCharacter);
    }
    if stray != 0 {
        return Err(Base64Error::TrailingBits);
    }
    Ok(out)
}

/// [`encode`] for secrets: no table is looked into and nothing branches on a
/// value, so the time depends on the length alone.
///
/// # Errors
///
/// [`Base64Error::BufferTooSmall`].
pub fn encode_secret<'o>(octets: &[u8], out: &'o mut [u8]) -> Result<&'o str, Base64Error> {
    as_text(encode_secret_octets(octets, out)?)
}

/// [`encode_secret`] for who goes on with octets: that they are text does not have to be found out,
/// which is to look at each.
pub(crate) fn encode_secret_octets<'o>(
    octets: &[u8],
    out: &'o mut [u8],
) -> Result<&'o mut [u8], Base64Error> {
    let out = out
        .get_mut(..encoded_len(octets.len()))
        .ok_or(Base64Error::BufferTooSmall)?;
    URL_SAFE.encode(octets, out);
    Ok(out)
}

/// [`decode`] for secrets: no table is looked into and nothing branches on a
/// value, so the time depends on the length and on being valid alone.
///
/// # Errors
///
/// As [`decode`], except that stray bits and a bad character are not told apart:
/// both are [`Base64Error::InvalidCharacter`].
pub fn decode_secret<'o>(text: &[u8], out: &'o mut [u8]) -> Result<&'o mut [u8], Base64Error> {
    let out = decoded_part(text, out)?;
    if URL_SAFE.decode(text, out) {
        Ok(out)
    } else {
        Err(Base64Error::InvalidCharacter)
    }
}

/// As much of `out` as `text` decodes to.
fn decoded_part<'o>(text: &[u8], out: &'o mut [u8]) -> Result<&'o mut [u8], Base64Error> {
    if text.len() % 4 == 1 {
        return Err(Base64Error::InvalidLength);
    }
    out.get_mut(..decoded_len(text.len()))
        .ok_or(Base64Error::BufferTooSmall)
}

fn as_text(characters: &[u8]) -> Result<&str, Base64Error> {
    // Every character is of the alphabet, so this cannot fail.
    core::str::from_utf8(characters).map_err(|_| Base64Error::InvalidCharacter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_without_a_value_is_found_wherever_it_stands_and_beside_another() {
        let bad = Err(Base64Error::InvalidCharacter);
        for length in [2, 3, 4, 6, 7, 8, 12, 40] {
            let good = [b'A'; 40];
            let good = &good[..length];
            for at in 0..length {
                let mut text = [0; 40];
                let text = &mut text[..length];
                text.copy_from_slice(good);
                text[at] = b'!';
                assert_eq!(decode(text, &mut [0; 30]), bad, "{at} of {length}");
                for other in 0..length {
                    let second = core::mem::replace(&mut text[other], 0xFF);
                    assert_eq!(decode(text, &mut [0; 30]), bad, "{at}, {other} of {length}");
                    text[other] = second;
                }
            }
        }
    }

    #[test]
    fn what_is_encoded_where_it_is_is_encoded_as_elsewhere() {
        let octets: [u8; 200] = core::array::from_fn(|at| (at * 151).to_le_bytes()[0]);
        for len in 0..=octets.len() {
            let mut elsewhere = [0; 300];
            let text = encode(&octets[..len], &mut elsewhere).unwrap().as_bytes();
            let mut out = [b'.'; 300];
            out[..len].copy_from_slice(&octets[..len]);
            assert_eq!(encode_in_place(&mut out, len), Ok(text.len()));
            assert_eq!(&out[..text.len()], text, "{len}");
            assert!(out[text.len()..].iter().all(|octet| *octet == b'.'));
            for room in len..text.len() {
                let short = encode_in_place(&mut out[..room], len);
                assert_eq!(short, Err(Base64Error::BufferTooSmall));
            }
        }
    }
}
