//! The one pass over a form that finds its names and values.

use super::{ESCAPED, FormError, Range, Ranges};
use crate::codec::words::{WORD, equal_to, first};

/// Puts the names and values of `form` into `ranges`, at most `limit` pairs,
/// those with an escape marked [`ESCAPED`]; whether there is one.
///
/// The URL standard, "parse an application/x-www-form-urlencoded string": the
/// text is split at `&`, empty pieces are skipped, and each is split at its
/// first `=`.
pub(super) fn split(form: &[u8], limit: u8, ranges: &mut Ranges) -> Result<bool, FormError> {
    let mut pieces = Pieces {
        ranges,
        left: limit,
        at: 0,
        equals: None,
        name_escaped: 0,
        value_escaped: 0,
        escaped: false,
    };
    let (words, tail) = form.as_chunks::<WORD>();
    // The octets after the end are zero, and not looked for.
    let mut last = [0; WORD];
    for (slot, octet) in last.iter_mut().zip(tail) {
        *slot = *octet;
    }
    let mut word_at: usize = 0;
    for octets in words.iter().chain([&last]) {
        let word = usize::from_le_bytes(*octets);
        let mut candidates = equal_to(word, b'&')
            | equal_to(word, b'=')
            | equal_to(word, b'%')
            | equal_to(word, b'+');
        while candidates != 0 {
            let index = first(candidates);
            candidates &= candidates.wrapping_sub(1);
            let at = short(word_at.saturating_add(index));
            match octets.get(index) {
                Some(b'&') => pieces.end(at)?,
                Some(b'=') => pieces.equals(at),
                Some(b'%' | b'+') => pieces.escape(),
                _ => {}
            }
        }
        word_at = word_at.saturating_add(WORD);
    }
    pieces.end(short(form.len()))?;
    Ok(pieces.escaped)
}

/// A position in a form: below 2^15, as its length is.
fn short(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}

/// The pieces that have been found, and what is known of the next one.
struct Pieces<'r> {
    ranges: &'r mut Ranges,
    /// How many more there may be.
    left: u8,
    /// Where the next one begins.
    at: u16,
    /// Where its first `=` is.
    equals: Option<u16>,
    /// [`ESCAPED`], or zero.
    name_escaped: u16,
    value_escaped: u16,
    /// Whether any of all has an escape.
    escaped: bool,
}

impl Pieces<'_> {
    fn equals(&mut self, at: u16) {
        if self.equals.is_none() {
            self.equals = Some(at);
        }
    }

    fn escape(&mut self) {
        self.escaped = true;
        match self.equals {
            None => self.name_escaped = ESCAPED,
            Some(_) => self.value_escaped = ESCAPED,
        }
    }

    /// The piece ends before `end`, and another may begin after it.
    fn end(&mut self, end: u16) -> Result<(), FormError> {
        let name_at = self.at;
        self.at = end.saturating_add(1);
        if name_at == end {
            return Ok(());
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(FormError::TooManyParameters)?;
        let (name_end, value_at) = match self.equals.take() {
            Some(equals) => (equals, equals.saturating_add(1)),
            None => (end, end),
        };
        let range = Range {
            name_at,
            name_length: name_end.saturating_sub(name_at) | self.name_escaped,
            value_at,
            value_length: end.saturating_sub(value_at) | self.value_escaped,
        };
        self.name_escaped = 0;
        self.value_escaped = 0;
        self.ranges
            .push(range)
            .map_err(|_| FormError::TooManyParameters)
    }
}
