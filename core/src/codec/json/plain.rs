//! Members with nothing to escape, written at once where there is room for it:
//! texts are copied while they are looked at, a word at a time, and it is counted
//! once for a member how much was written.

use crate::codec::words::{WORD, special};

/// Writes `"name":"value"` to the beginning of `out`, after a comma where one is
/// due; how many octets. `None` if it does not fit or there is something to
/// escape, and then what was written means nothing.
pub(super) fn text(out: &mut [u8], comma: bool, name: &str, value: &str) -> Option<usize> {
    let room = out.len();
    let out = self::name(out, comma, name)?;
    let out = put(out, b"\"")?;
    let out = plain(out, value.as_bytes())?;
    let out = put(out, b"\"")?;
    room.checked_sub(out.len())
}

/// The same for `"name":value`.
pub(super) fn number(out: &mut [u8], comma: bool, name: &str, value: u64) -> Option<usize> {
    let room = out.len();
    let out = self::name(out, comma, name)?;
    let length = value
        .checked_ilog10()
        .map_or(1, |tens| tens.saturating_add(1));
    let (digits, out) = out.split_at_mut_checked(usize::try_from(length).ok()?)?;
    // Four at a time, which do not wait for one another.
    let (first, quads) = digits.as_rchunks_mut();
    let mut left = value;
    for quad in quads.iter_mut().rev() {
        let four = left % 10_000;
        left /= 10_000;
        *quad = [four / 1000, four / 100, four / 10, four].map(|digits| b'0' | (digits % 10) as u8);
    }
    for digit in first.iter_mut().rev() {
        *digit = b'0' | (left % 10) as u8;
        left /= 10;
    }
    room.checked_sub(out.len())
}

/// Writes `"name":`; what is left of `out`.
#[inline(always)]
fn name<'o>(out: &'o mut [u8], comma: bool, name: &str) -> Option<&'o mut [u8]> {
    let out = match comma {
        true => put(out, b",\"")?,
        false => put(out, b"\"")?,
    };
    put(plain(out, name.as_bytes())?, b"\":")
}

/// Writes `octets`; what is left of `out`.
#[inline(always)]
fn put<'o, const N: usize>(out: &'o mut [u8], octets: &[u8; N]) -> Option<&'o mut [u8]> {
    let (to, rest) = out.split_first_chunk_mut()?;
    *to = *octets;
    Some(rest)
}

/// Writes `text` if there is nothing to escape in it; what is left of `out`.
#[inline(always)]
fn plain<'o>(out: &'o mut [u8], text: &[u8]) -> Option<&'o mut [u8]> {
    let (to, rest) = out.split_at_mut_checked(text.len())?;
    let found = match (text.last_chunk(), to.last_chunk_mut()) {
        (Some(from), Some(end)) => {
            // The end, which is in another word too if it is no whole one.
            let mut found = copied(from, end);
            let words = text.as_chunks().0.iter();
            for (from, to) in words.zip(to.as_chunks_mut().0) {
                found |= copied(from, to);
            }
            found
        }
        _ => short(text, to),
    };
    (found == 0).then_some(rest)
}

#[inline(always)]
fn copied(from: &[u8; WORD], to: &mut [u8; WORD]) -> usize {
    *to = *from;
    special(usize::from_le_bytes(*from))
}

/// What is shorter than a word: its first half and its last, which overlap.
#[inline(always)]
fn short(text: &[u8], to: &mut [u8]) -> usize {
    halves::<4>(text, to)
        .or_else(|| halves::<2>(text, to))
        .or_else(|| halves::<1>(text, to))
        .unwrap_or(0)
}

#[inline(always)]
fn halves<const N: usize>(text: &[u8], to: &mut [u8]) -> Option<usize> {
    let (first, last) = (text.first_chunk::<N>()?, text.last_chunk::<N>()?);
    *to.first_chunk_mut()? = *first;
    *to.last_chunk_mut()? = *last;
    // What fills a word up is nothing special.
    let mut word = [b' '; WORD];
    let (one, other) = word.split_at_mut_checked(WORD / 2)?;
    *one.first_chunk_mut()? = *first;
    *other.first_chunk_mut()? = *last;
    Some(special(usize::from_le_bytes(word)))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::super::Writer;
    use super::*;

    #[test]
    fn a_text_is_written_if_nothing_is_to_be_escaped_and_it_fits() {
        let letters = "abcdefghijklmnopqrstuvwxyz";
        for length in 0..letters.len() {
            let value = letters.get(..length).unwrap();
            let expected = format!(",\"n\":\"{value}\"");
            for room in 0..40 {
                let mut out = [0; 40];
                let written = text(&mut out[..room], true, "n", value);
                let fits = room >= expected.len();
                assert_eq!(written, fits.then_some(expected.len()));
                assert!(!fits || out.starts_with(expected.as_bytes()));
            }
            for at in 0..length {
                for special in ["\"", "\\", "\0", "\u{1F}"] {
                    let value = [
                        value.get(..at).unwrap(),
                        special,
                        value.get(at + 1..).unwrap(),
                    ]
                    .concat();
                    assert_eq!(text(&mut [0; 99], false, "n", &value), None);
                    assert_eq!(text(&mut [0; 99], false, &value, "v"), None);
                }
            }
        }
        assert!(text(&mut [0; 99], false, "né", "\u{7F}\u{10FFFF}").is_some());
    }

    #[test]
    fn numbers_have_all_their_digits() {
        let powers = (0..20).map(|tens| 10_u64.pow(tens));
        for value in powers
            .flat_map(|power| [power - 1, power, power + 1])
            .chain([u64::MAX])
        {
            let mut out = [0; 40];
            let length = number(&mut out, false, "n", value).unwrap();
            assert_eq!(out[..length], *format!("\"n\":{value}").as_bytes());
            assert_eq!(number(&mut out[..length - 1], false, "n", value), None);
        }
    }

    #[test]
    fn a_member_that_does_not_fit_is_the_last() {
        let mut out = [0; 16];
        let mut json = Writer::new(&mut out);
        json.begin_object();
        json.member_text("a", "too long for it");
        json.member_u64("b", 1);
        json.member_text("c", "");
        assert!(json.finish().is_err());
    }
}
