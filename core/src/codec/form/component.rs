//! One name or value, encoded and decoded.
//!
//! RFC 6749 Appendix B: "names and values MUST be encoded using the UTF-8
//! character encoding scheme first; the resulting octet sequence then needs to
//! be further encoded using the escaping rules".

use core::cell::Cell;
use core::str;

use super::FormError;

/// Decodes one name or value where it lies: `+` is a space, `%` and two
/// hexadecimal digits are an octet. What `text` holds after it is of no use.
///
/// ```
/// use smallgate_core::codec::form::decode_component;
///
/// let mut name = *b"caf%C3%A9+au+lait";
/// assert_eq!(decode_component(&mut name), Ok("café au lait"));
/// ```
///
/// # Errors
///
/// `BadEscape`, `InvalidUtf8`; `TooLong` for more than [`super::MAX_OCTETS`].
pub fn decode_component(text: &mut [u8]) -> Result<&str, FormError> {
    if text.len() > super::MAX_OCTETS {
        return Err(FormError::TooLong);
    }
    for octet in text.iter_mut().filter(|octet| **octet == b'+') {
        *octet = b' ';
    }
    let length = decode(text).ok_or(FormError::BadEscape)?;
    let decoded = text.get(..length).unwrap_or_default();
    str::from_utf8(decoded).map_err(|_| FormError::InvalidUtf8)
}

/// Decodes the escapes of `text`, not its `+`, where they lie, and puts spaces
/// after what is decoded; gives its length, or nothing for a `%` without two
/// digits.
#[inline(never)]
pub(super) fn decode(text: &mut [u8]) -> Option<usize> {
    let octets = Cell::from_mut(text).as_slice_of_cells();
    let mut sent = octets.iter();
    let mut slots = octets.iter();
    while let Some(octet) = sent.next() {
        let octet = match octet.get() {
            b'%' => (hex_digit(sent.next()?)? << 4) | hex_digit(sent.next()?)?,
            octet => octet,
        };
        slots.next()?.set(octet);
    }
    let length = octets.len().saturating_sub(slots.len());
    for slot in slots {
        slot.set(b' ');
    }
    Some(length)
}

fn hex_digit(character: &Cell<u8>) -> Option<u8> {
    let character = character.get();
    match character {
        b'0'..=b'9' => Some(character & 0xF),
        b'a'..=b'f' | b'A'..=b'F' => Some((character & 0xF).wrapping_add(9)),
        _ => None,
    }
}

/// Encodes one name or value as the URL standard's form serializer does:
/// letters, digits and `*-._` stay, a space is `+`, any other octet is `%` and
/// two capital hexadecimal digits. At most three times as long.
///
/// ```
/// use smallgate_core::codec::form::encode_component;
///
/// let mut out = [0; 64];
/// assert_eq!(
///     encode_component("https://a.example/?q=a b", &mut out),
///     Ok("https%3A%2F%2Fa.example%2F%3Fq%3Da+b")
/// );
/// ```
///
/// # Errors
///
/// `TooLong` when `out` is too short.
pub fn encode_component<'o>(text: &str, out: &'o mut [u8]) -> Result<&'o str, FormError> {
    let mut free = out.iter_mut();
    let mut push = |octet| -> Result<(), FormError> {
        let slot = free.next().ok_or(FormError::TooLong)?;
        *slot = octet;
        Ok(())
    };
    let mut length: usize = 0;
    for octet in text.bytes() {
        match octet {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'*' | b'-' | b'.' | b'_' => push(octet)?,
            b' ' => push(b'+')?,
            _ => {
                push(b'%')?;
                push(capital_digit(octet >> 4))?;
                push(capital_digit(octet & 0xF))?;
                length = length.saturating_add(2);
            }
        }
        length = length.saturating_add(1);
    }
    out.get(..length)
        .and_then(|encoded| str::from_utf8(encoded).ok())
        .ok_or(FormError::TooLong)
}

/// The hexadecimal digit of `value`, which is below 16.
const fn capital_digit(value: u8) -> u8 {
    if value < 10 {
        b'0' | value
    } else {
        value.wrapping_add(b'A' - 10)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::super::MAX_OCTETS;
    use super::*;

    #[test]
    fn components_are_encoded() {
        let mut out = [0; 32];
        for (text, expected) in [
            ("", ""),
            ("azAZ09*-._", "azAZ09*-._"),
            (" ~!'()", "+%7E%21%27%28%29"),
            ("é\0", "%C3%A9%00"),
            ("a&b=c%d+e", "a%26b%3Dc%25d%2Be"),
        ] {
            assert_eq!(encode_component(text, &mut out), Ok(expected));
            let short = expected.len().saturating_sub(1);
            if !expected.is_empty() {
                assert_eq!(
                    encode_component(text, &mut out[..short]),
                    Err(FormError::TooLong)
                );
            }
        }
    }

    #[test]
    fn r05_components_are_bounded() {
        let decoded = |octets| {
            let mut text = std::vec![b'x'; octets];
            decode_component(&mut text).map(str::len)
        };
        assert_eq!(decoded(MAX_OCTETS), Ok(MAX_OCTETS));
        for octets in [MAX_OCTETS + 1, MAX_OCTETS + 2] {
            assert_eq!(decoded(octets), Err(FormError::TooLong));
        }
    }
}
