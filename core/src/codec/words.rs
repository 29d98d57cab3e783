//! Looking for octets, a word of them at a time: 4 on a Cortex-M, 8 on a desktop.
//!
//! Each function of a word gives a mask of a word with bit 7 of an octet set where
//! that octet is what was asked for. Above the first such octet there may be
//! others set by a borrow, so a caller looks at the first alone or at each octet
//! again. First is lowest: words are read as little-endian.

/// Octets in a word.
pub(super) const WORD: usize = size_of::<usize>();

const fn repeated(octet: u8) -> usize {
    usize::from_ne_bytes([octet; WORD])
}

/// Where `octet` is.
pub(super) const fn equal_to(word: usize, octet: u8) -> usize {
    below(word ^ repeated(octet), 1)
}

/// Where an octet is below `limit`, which is at most 128.
const fn below(word: usize, limit: u8) -> usize {
    word.wrapping_sub(repeated(limit)) & !word & repeated(0x80)
}

/// Where an octet is that a string in JSON has not as it is (RFC 8259 §7): a
/// quotation mark, a reverse solidus or a control character.
pub(super) const fn special(word: usize) -> usize {
    // As `equal_to` and `below`, but masked once: bit 7 of each octet is the same in all three.
    let quote = (word ^ repeated(b'"')).wrapping_sub(repeated(1));
    let solidus = (word ^ repeated(b'\\')).wrapping_sub(repeated(1));
    let control = word.wrapping_sub(repeated(0x20));
    (quote | solidus | control) & !word & repeated(0x80)
}

/// Where an octet is that parts or escapes something in a form, `%`, `&`, `+` or
/// `=`, and where one is that a form has otherwise not, or seldom: below `,`.
pub(super) const fn special_in_form(word: usize) -> usize {
    let equals = (word ^ repeated(b'=')).wrapping_sub(repeated(1));
    let low = word.wrapping_sub(repeated(b','));
    (equals | low) & !word & repeated(0x80)
}

/// Which octet of its word the lowest bit of `mask` is in.
pub(super) const fn first(mask: usize) -> usize {
    (mask.trailing_zeros() >> 3) as usize
}

/// Where the first `octet` of `text` is.
pub(crate) fn position(text: &[u8], octet: u8) -> Option<usize> {
    let mut before = 0_usize;
    let mut text = text;
    if cfg!(target_pointer_width = "64") {
        // A vector or two at a time, up to the one where it is.
        while let Some((block, rest)) = text.split_first_chunk::<32>() {
            let found = |found, candidate: &u8| found | u8::from(*candidate == octet);
            if block.iter().fold(0, found) != 0 {
                break;
            }
            before = before.wrapping_add(block.len());
            text = rest;
        }
    }
    let (words, tail) = text.as_chunks::<WORD>();
    for word in words {
        let found = equal_to(usize::from_le_bytes(*word), octet);
        if found != 0 {
            return before.checked_add(first(found));
        }
        before = before.wrapping_add(WORD);
    }
    let at = tail.iter().position(|candidate| *candidate == octet)?;
    before.checked_add(at)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::position;

    #[test]
    fn an_octet_is_found_wherever_it_is_first() {
        for length in 0..=80 {
            let others = std::vec![b'x'; length];
            assert_eq!(position(&others, b'.'), None);
            for first in 0..length {
                let mut text = others.clone();
                text[first] = b'.';
                assert_eq!(position(&text, b'.'), Some(first), "of {length}");
                // And everywhere after it.
                text[first..].fill(b'.');
                assert_eq!(position(&text, b'.'), Some(first), "of {length}");
            }
        }
    }
}
