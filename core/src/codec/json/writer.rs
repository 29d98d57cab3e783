//! Writing JSON into a slice.

use core::fmt;

use super::scanner::plain_run;
use super::{JsonError, plain};
use crate::codec::{copy, hex_digit};

/// Writes JSON into a slice, member by member, without a buffer of its own.
///
/// Commas, quotes, colons and escapes are the writer's; that what is begun is
/// ended is the caller's. When the slice is full, nothing more is written and
/// [`Writer::finish`] says so.
///
/// ```
/// use smallgate_core::codec::json::Writer;
///
/// let mut out = [0; 64];
/// let mut json = Writer::new(&mut out);
/// json.begin_object();
/// json.member_text("token_type", "Bearer");
/// json.member_u64("expires_in", 3600);
/// json.begin_text("scope");
/// json.push_text("read");
/// json.push_text(" write");
/// json.end_text();
/// json.end_object();
/// assert_eq!(
///     json.finish()?,
///     br#"{"token_type":"Bearer","expires_in":3600,"scope":"read write"}"#
/// );
/// # Ok::<(), smallgate_core::codec::json::JsonError>(())
/// ```
pub struct Writer<'o> {
    out: &'o mut [u8],
    length: usize,
    /// Whether a member or item has been written at this level, so that a
    /// comma goes before the next one.
    comma: bool,
    overflow: bool,
}

impl<'o> Writer<'o> {
    /// A writer that begins at the start of `out`.
    #[must_use]
    pub const fn new(out: &'o mut [u8]) -> Self {
        Writer {
            out,
            length: 0,
            comma: false,
            overflow: false,
        }
    }

    /// `{`, alone or as an item of an array.
    pub fn begin_object(&mut self) {
        self.separate();
        self.raw(b"{");
        self.comma = false;
    }

    /// `"name":{`
    pub fn begin_object_member(&mut self, name: &str) {
        self.name(name);
        self.raw(b"{");
        self.comma = false;
    }

    /// `}`
    pub fn end_object(&mut self) {
        self.raw(b"}");
        self.comma = true;
    }

    /// `"name":"value"`
    pub fn member_text(&mut self, name: &str, value: &str) {
        if cfg!(target_pointer_width = "64")
            && self.at_once(|out, comma| plain::text(out, comma, name, value))
        {
            return;
        }
        self.begin_text(name);
        self.push_text(value);
        self.end_text();
    }

    /// `"name":"value"` for each name that has a value.
    pub fn member_texts(&mut self, members: &[(&str, Option<&str>)]) {
        for (name, value) in members {
            if let Some(value) = value {
                self.member_text(name, value);
            }
        }
    }

    /// `"name":"value"`, the value being all `parts` one after the other.
    pub fn member_text_parts(&mut self, name: &str, parts: &[&str]) {
        self.begin_text(name);
        for part in parts {
            self.push_text(part);
        }
        self.end_text();
    }

    /// `"name":"`, for [`Writer::push_text`].
    pub fn begin_text(&mut self, name: &str) {
        self.name(name);
        self.raw(b"\"");
    }

    /// A part of a string that has been begun, escaped as necessary.
    pub fn push_text(&mut self, part: &str) {
        self.push_octets(part.as_bytes());
    }

    /// The same for octets that are UTF-8 together with those before and after.
    pub(crate) fn push_octets(&mut self, part: &[u8]) {
        let mut rest = part;
        loop {
            let Some((run, tail)) = rest.split_at_checked(plain_run(rest)) else {
                return;
            };
            self.raw(run);
            let Some((special, tail)) = tail.split_first() else {
                return;
            };
            self.escape(*special);
            rest = tail;
        }
    }

    /// `"`
    pub fn end_text(&mut self) {
        self.raw(b"\"");
    }

    /// `"name":"value"`, the value being what `write` puts at the start of the
    /// room that is left: characters that need no escape, as many as it says.
    /// `None` counts as a lack of room.
    pub fn member_text_with(&mut self, name: &str, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        self.begin_text(name);
        let room = self.out.get_mut(self.length..).unwrap_or_default();
        let end = write(room).and_then(|written| self.length.checked_add(written));
        match end.filter(|end| *end <= self.out.len()) {
            Some(end) => self.length = end,
            None => self.overflow = true,
        }
        self.end_text();
    }

    /// `"name":value`
    pub fn member_u64(&mut self, name: &str, value: u64) {
        if cfg!(target_pointer_width = "64")
            && self.at_once(|out, comma| plain::number(out, comma, name, value))
        {
            return;
        }
        self.name(name);
        self.raw(digits(value, &mut [0; 20]));
    }

    /// `"name":true` or `"name":false`
    pub fn member_bool(&mut self, name: &str, value: bool) {
        self.name(name);
        self.raw(if value { b"true" } else { b"false" });
    }

    /// `"name":` and `value`, which must be JSON.
    pub fn member_raw(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.raw(value);
    }

    /// `"name":[`
    pub fn begin_array_member(&mut self, name: &str) {
        self.name(name);
        self.raw(b"[");
        self.comma = false;
    }

    /// `"name":["value",…]`
    pub fn member_array(&mut self, name: &str, values: &mut dyn Iterator<Item = &str>) {
        self.begin_array_member(name);
        for value in values {
            self.array_text(value);
        }
        self.end_array();
    }

    /// `"value"` as an item of an array.
    pub fn array_text(&mut self, value: &str) {
        self.separate();
        self.raw(b"\"");
        self.push_text(value);
        self.end_text();
    }

    /// `]`
    pub fn end_array(&mut self) {
        self.raw(b"]");
        self.comma = true;
    }

    /// `octets` as they are: no comma, no quotes, no escape.
    // In line where there is room for it: most are one or two octets, known beforehand.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn raw(&mut self, octets: &[u8]) {
        let free = self
            .out
            .get_mut(self.length..)
            .and_then(|free| free.get_mut(..octets.len()));
        match free {
            Some(free) if !self.overflow => {
                copy(octets, free);
                self.length = self.length.saturating_add(octets.len());
            }
            _ => self.overflow = true,
        }
    }

    /// How many octets have been written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What has been written.
    ///
    /// # Errors
    ///
    /// [`JsonError::BufferTooSmall`] when the slice was too short for all of it.
    pub fn finish(self) -> Result<&'o mut [u8], JsonError> {
        if self.overflow {
            return Err(JsonError::BufferTooSmall);
        }
        self.out
            .get_mut(..self.length)
            .ok_or(JsonError::BufferTooSmall)
    }

    /// Lets `write` write a member to the room that is left; whether it did.
    #[inline(always)]
    fn at_once(&mut self, write: impl FnOnce(&mut [u8], bool) -> Option<usize>) -> bool {
        let room = match self.overflow {
            true => None,
            false => self.out.get_mut(self.length..),
        };
        let written = room.and_then(|room| write(room, self.comma));
        if let Some(written) = written {
            self.length = self.length.saturating_add(written);
            self.comma = true;
        }
        written.is_some()
    }

    /// A comma where one is due, and that one will be.
    fn separate(&mut self) {
        if self.comma {
            self.raw(b",");
        }
        self.comma = true;
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.raw(b"\"");
        self.push_text(name);
        self.raw(b"\":");
    }

    /// One character that RFC 8259 §7 wants escaped: the quotation mark, the
    /// reverse solidus, a control character.
    fn escape(&mut self, octet: u8) {
        let short = match octet {
            b'"' | b'\\' => octet,
            0x08 => b'b',
            0x09 => b't',
            0x0A => b'n',
            0x0C => b'f',
            0x0D => b'r',
            _ => {
                let (high, low) = (hex_digit(octet >> 4), hex_digit(octet & 0x0F));
                self.raw(&[b'\\', b'u', b'0', b'0', high, low]);
                return;
            }
        };
        self.raw(&[b'\\', short]);
    }
}

/// The digits of `value` at the end of `room`: `u64::MAX` has 20.
#[inline(always)]
fn digits(value: u64, room: &mut [u8; 20]) -> &[u8] {
    let mut left = value;
    let mut first = room.len();
    for (position, digit) in room.iter_mut().enumerate().rev() {
        let (tenth, remainder) = divided_by_ten(left);
        *digit = b'0' | remainder;
        first = position;
        left = tenth;
        if left == 0 {
            break;
        }
    }
    room.get(first..).unwrap_or_default()
}

/// A tenth of `number`, and what remains.
fn divided_by_ten(number: u64) -> (u64, u8) {
    match cfg!(target_pointer_width = "64") {
        true => (number / 10, (number % 10) as u8),
        false => long_division(number),
    }
}

/// [`divided_by_ten`], 16 bits at a time. A machine of 32 bits divides those at
/// once, and 64 in a routine of 900 octets.
#[inline(always)]
fn long_division(number: u64) -> (u64, u8) {
    let mut remainder = 0_u32;
    let mut tenth = 0;
    for shift in [48, 32, 16, 0] {
        let [.., high, low] = (number >> shift).to_be_bytes();
        let part = remainder << 16 | u32::from(u16::from_be_bytes([high, low]));
        tenth = tenth << 16 | u64::from(part / 10);
        remainder = part % 10;
    }
    (tenth, u8::try_from(remainder).unwrap_or(0))
}

impl fmt::Debug for Writer<'_> {
    /// Not what was written: it may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} octets)", self.length)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn numbers_have_their_digits_however_they_are_divided() {
        let near_powers = (0..20).map(|tens| 10_u64.pow(tens)).flat_map(|power| {
            let digits = 0x0123_4567_89AB_CDEF % power;
            [power - 1, power, power + 1, power.saturating_add(digits)]
        });
        let shifted = (0..64).map(|bits| u64::MAX >> bits);
        for value in near_powers.chain(shifted) {
            let mut room = [0; 20];
            assert_eq!(digits(value, &mut room), std::format!("{value}").as_bytes());
            let tenth = (value / 10, (value % 10).to_le_bytes()[0]);
            assert_eq!(divided_by_ten(value), tenth);
            assert_eq!(long_division(value), tenth, "{value}");
        }
    }
}
