//! Octets to fields and back: in place, bounded, strict.

mod base64;
pub mod base64url;
pub mod basic;
pub mod crc;
pub mod form;
pub mod json;
pub(crate) mod split;
pub(crate) mod words;

/// Puts `octets` at the beginning of `room`, as far as they fit.
///
/// `copy_from_slice` does the same for equal lengths, but leaves a panic in the
/// image for others wherever it is not inlined.
pub(crate) fn copy(octets: &[u8], room: &mut [u8]) {
    for (to, from) in room.iter_mut().zip(octets) {
        *to = *from;
    }
}

/// The digit, in lower case, of a value below 16.
pub(crate) const fn hex_digit(value: u8) -> u8 {
    match value {
        0..10 => b'0' | value,
        _ => value.wrapping_add(b'a' - 10),
    }
}
