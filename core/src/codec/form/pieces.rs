//! The one pass over a form that finds its names and values.

use super::component::decode;
use super::{FormError, Range, Ranges};
use crate::codec::words::{WORD, first, special_in_form};

/// Decodes `form` where it lies and puts its names and values into `ranges`, at most `limit`
/// pairs.
///
/// The URL standard, "parse an application/x-www-form-urlencoded string": the
/// text is split at `&`, empty pieces are skipped, and each is split at its
/// first `=`.
pub(super) fn split(form: &mut [u8], limit: u8, ranges: &mut Ranges) -> Result<(), FormError> {
    let length = form.len();
    let mut pieces = Pieces {
        form,
        ranges,
        limit: limit.into(),
        at: 0,
        name_end: 0,
        value_at: 0,
        escape_at: usize::MAX,
        bad: false,
    };
    let mut at: usize = 0;
    while let Some(octets) = pieces.form.get(at..).and_then(<[u8]>::first_chunk) {
        pieces.word(usize::from_le_bytes(*octets), at)?;
        at = at.wrapping_add(WORD);
    }
    // The rest with ones after it, which mean nothing.
    let rest = pieces.form.get(at..).unwrap_or_default().iter().rev();
    let word = rest.fold(usize::MAX, |word, octet| (word << 8) | usize::from(*octet));
    pieces.word(word, at)?;
    pieces.end(length)?;
    if pieces.bad {
        return Err(FormError::BadEscape);
    }
    Ok(())
}

/// A position in a form: below 2^15, as its length is.
fn short(position: usize) -> u16 {
    u16::try_from(position & super::MAX_OCTETS).unwrap_or(u16::MAX)
}

/// The pieces that have been found, and what is known of the next one.
struct Pieces<'f, 'r> {
    form: &'f mut [u8],
    ranges: &'r mut Ranges,
    /// How many more there may be.
    limit: usize,
    /// Where the next one begins.
    at: usize,
    /// Where its name ends when decoded.
    name_end: usize,
    /// Where its value begins, or zero before its first `=`.
    value_at: usize,
    /// Where the first escape of its name or value is, or [`usize::MAX`].
    escape_at: usize,
    /// Whether a `%` is without its digits: told when all pieces have been found.
    bad: bool,
}

impl Pieces<'_, '_> {
    /// Does what the octets of `word`, which is at `at`, ask for.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn word(&mut self, word: usize, at: usize) -> Result<(), FormError> {
        let mut candidates = special_in_form(word);
        while candidates != 0 {
            self.octet(at.wrapping_add(first(candidates)))?;
            candidates &= candidates.wrapping_sub(1);
        }
        Ok(())
    }

    /// Does what the octet at `at` asks for, if anything.
    #[inline(always)]
    fn octet(&mut self, at: usize) -> Result<(), FormError> {
        let Some(octet) = self.form.get_mut(at) else {
            return Ok(());
        };
        // All four in one `match` would be a table of jumps, and that is slower.
        if *octet >= b',' {
            if *octet == b'=' && self.value_at == 0 {
                self.name_end = self.decoded(at);
                self.value_at = at.wrapping_add(1);
            }
            return Ok(());
        }
        match *octet {
            b'&' => self.end(at)?,
            b'%' => self.escape_at = self.escape_at.min(at),
            b'+' => *octet = b' ',
            _ => {}
        }
        Ok(())
    }

    /// The name or value ends before `end`: gives where it does when decoded.
    fn decoded(&mut self, end: usize) -> usize {
        let at = self.escape_at;
        if at == usize::MAX {
            return end;
        }
        self.escape_at = usize::MAX;
        match self.form.get_mut(at..end).and_then(decode) {
            Some(length) => at.wrapping_add(length),
            None => {
                self.bad = true;
                end
            }
        }
    }

    /// The piece ends before `end`, and another may begin after it.
    fn end(&mut self, end: usize) -> Result<(), FormError> {
        let name_at = self.at;
        self.at = end.wrapping_add(1);
        if name_at == end {
            return Ok(());
        }
        if self.ranges.len() >= self.limit {
            return Err(FormError::TooManyParameters);
        }
        let end = self.decoded(end);
        let (name_end, value_at) = match self.value_at {
            0 => (end, end),
            value_at => (self.name_end, value_at),
        };
        self.value_at = 0;
        let range = Range {
            name_at: short(name_at),
            name_length: short(name_end.wrapping_sub(name_at)),
            value_at: short(value_at),
            value_length: short(end.wrapping_sub(value_at)),
        };
        self.ranges
            .push(range)
            .map_err(|_| FormError::TooManyParameters)
    }
}
