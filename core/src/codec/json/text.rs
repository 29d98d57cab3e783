//! Strings: RFC 8259 §7.

use core::{fmt, str};

use super::JsonError;
use super::scanner::plain_run;

/// The contents of a checked JSON string, between its quotes, escapes as they
/// were sent.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    contents: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    pub(super) const fn from_checked(contents: &'a str, escaped: bool) -> Self {
        Text { contents, escaped }
    }

    /// The string that is sent as it is: `None` if there is something to escape in it.
    pub(crate) fn plain(contents: &'a str) -> Option<Self> {
        (plain_run(contents.as_bytes()) == contents.len()).then_some(Text {
            contents,
            escaped: false,
        })
    }

    /// The string itself; `None` when it was sent with an escape.
    #[must_use]
    pub const fn as_str(self) -> Option<&'a str> {
        if self.escaped {
            None
        } else {
            Some(self.contents)
        }
    }

    /// Whether this is the string `other`, however it was spelled. Not for
    /// secrets: the time tells where they differ.
    #[must_use]
    pub fn eq_str(self, other: &str) -> bool {
        if self.escaped {
            self.octets().eq(other.bytes())
        } else {
            self.contents == other
        }
    }

    /// Whether two strings are the same, however they were spelled.
    pub(super) fn same(self, other: Text<'_>) -> bool {
        match other.as_str() {
            Some(plain) => self.eq_str(plain),
            None => self.octets().eq(other.octets()),
        }
    }

    /// The octets of its UTF-8, escapes resolved.
    pub fn octets(self) -> impl Iterator<Item = u8> + 'a {
        Unescape::new(self.contents.bytes())
    }

    /// The characters, escapes resolved.
    pub fn chars(self) -> impl Iterator<Item = char> + 'a {
        let mut chars = self.contents.chars();
        core::iter::from_fn(move || match chars.next()? {
            // What follows a backslash in an escape is ASCII.
            '\\' => escaped_char(
                &mut chars
                    .by_ref()
                    .map(|character| u8::try_from(character).unwrap_or(0)),
            ),
            character => Some(character),
        })
    }

    /// Writes the string to `out`, escapes resolved: never longer than it was
    /// sent.
    ///
    /// # Errors
    ///
    /// [`JsonError::BufferTooSmall`].
    pub fn unescape(self, out: &mut [u8]) -> Result<&str, JsonError> {
        let mut length: usize = 0;
        let mut octets = self.octets();
        for (slot, octet) in out.iter_mut().zip(octets.by_ref()) {
            *slot = octet;
            length = length.saturating_add(1);
        }
        if octets.next().is_some() {
            return Err(JsonError::BufferTooSmall);
        }
        out.get(..length)
            .and_then(|octets| str::from_utf8(octets).ok())
            .ok_or(JsonError::BufferTooSmall)
    }
}

impl fmt::Debug for Text<'_> {
    /// Not the contents: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

/// The octets of a checked string, escapes resolved, from those sent.
pub(in crate::codec) struct Unescape<I> {
    sent: I,
    /// What is left of an escaped character's UTF-8, the next octet first.
    pending: [u8; 4],
    pending_length: u8,
}

impl<I: Iterator<Item = u8>> Unescape<I> {
    pub(in crate::codec) const fn new(sent: I) -> Self {
        Unescape {
            sent,
            pending: [0; 4],
            pending_length: 0,
        }
    }
}

impl<I: Iterator<Item = u8>> Iterator for Unescape<I> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        if self.pending_length == 0 {
            let octet = self.sent.next()?;
            if octet != b'\\' {
                return Some(octet);
            }
            let character = escaped_char(&mut self.sent)?;
            self.pending_length =
                u8::try_from(character.encode_utf8(&mut self.pending).len()).ok()?;
        }
        self.pending_length = self.pending_length.saturating_sub(1);
        let [next, tail @ ..] = self.pending;
        let [second, third, fourth] = tail;
        self.pending = [second, third, fourth, 0];
        Some(next)
    }
}

/// The character that an escape means, its backslash taken; `None` when it
/// means none.
pub(super) fn escaped_char(octets: &mut dyn Iterator<Item = u8>) -> Option<char> {
    Some(match octets.next()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let mut code = four_hex_digits(octets)?;
            // RFC 8259 §7: "To escape an extended character that is not in the Basic
            // Multilingual Plane, the character is represented as a 12-character sequence,
            // encoding the UTF-16 surrogate pair."
            if let 0xD800..=0xDBFF = code {
                let (b'\\', b'u') = (octets.next()?, octets.next()?) else {
                    return None;
                };
                let low = four_hex_digits(octets)?;
                let 0xDC00..=0xDFFF = low else { return None };
                code = (((code & 0x3FF) << 10) | (low & 0x3FF)).checked_add(0x1_0000)?;
            }
            // A low surrogate alone is no character.
            char::from_u32(code)?
        }
        _ => return None,
    })
}

fn four_hex_digits(octets: &mut dyn Iterator<Item = u8>) -> Option<u32> {
    let mut code = 0;
    for _ in 0..4 {
        code = (code << 4) | char::from(octets.next()?).to_digit(16)?;
    }
    Some(code)
}
