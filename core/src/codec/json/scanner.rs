//! The one pass over a document: grammar, depth, duplicates, member table.

use heapless::Vec;

use super::text::{Text, escaped_char};
use super::{JsonError, Limits, MAX_DEPTH, MAX_MEMBERS, MAX_OCTETS, Value};
use crate::codec::words::{WORD, first, special};

/// Marks a length whose text has an escape; the length is in the other bits.
pub(in crate::codec) const ESCAPED: u16 = 0x8000;

/// Where a member's name and value are in the document. Positions and lengths
/// are below [`super::MAX_OCTETS`], so bit 15 of a length is free for [`ESCAPED`].
#[derive(Clone, Copy)]
pub(in crate::codec) struct Member {
    /// The first octet inside the name's quotes.
    pub(in crate::codec) name_at: u16,
    pub(in crate::codec) name_length: u16,
    /// The first octet of the value, a string's quote included.
    pub(in crate::codec) value_at: u16,
    pub(in crate::codec) value_length: u16,
}

impl Member {
    pub(super) fn name<'a>(&self, text: &'a str) -> Option<Text<'a>> {
        let contents = part(text, self.name_at, self.name_length)?;
        Some(Text::from_checked(
            contents,
            self.name_length & ESCAPED != 0,
        ))
    }

    /// Whether the name is `other`, however it was spelled.
    pub(super) fn is_named(&self, text: &str, other: &str) -> bool {
        (self.name_length & ESCAPED != 0 || usize::from(self.name_length) == other.len())
            && self.name(text).is_some_and(|name| name.eq_str(other))
    }

    pub(super) fn value<'a>(&self, text: &'a str) -> Option<Value<'a>> {
        let (text, escaped) = self.value_text(text)?;
        Value::from_checked(text, escaped)
    }

    /// The value's text, and whether it is a string with an escape.
    pub(super) fn value_text<'a>(&self, text: &'a str) -> Option<(&'a str, bool)> {
        let whole = part(text, self.value_at, self.value_length)?;
        Some((whole, self.value_length & ESCAPED != 0))
    }
}

/// The stretch of `text` from `at`; the flag in `length` is left out.
fn part(text: &str, at: u16, length: u16) -> Option<&str> {
    text.get(usize::from(at)..)?
        .get(..usize::from(length & !ESCAPED))
}

/// An object or array that has been opened.
#[derive(Clone, Copy)]
enum Frame {
    /// An object, and how many entries of the table are not its own.
    Object(u8),
    Array,
}

/// What the grammar allows at this point, white space skipped.
#[derive(Clone, Copy)]
enum Expected {
    /// After `{`: a name or `}`.
    FirstName,
    /// After `[`: a value or `]`.
    FirstItem,
    /// After a value: a comma or the closing bracket.
    Next,
}

/// Checks all of `text` and leaves the members of the outermost object in
/// `table`.
///
/// The table is the stack of all objects open at the time: an object's entries
/// go when it closes, so at the end the outermost ones are left.
pub(super) fn scan(
    text: &str,
    limits: &Limits,
    table: &mut Vec<Member, MAX_MEMBERS>,
) -> Result<(), JsonError> {
    let mut scanner = Scanner {
        text,
        rest: text.as_bytes(),
        frame: Frame::Object(0),
        outer: Vec::new(),
        table,
        names: 0,
        members_left: limits.members,
        depth: usize::from(limits.depth).min(MAX_DEPTH),
    };
    scanner.begin()?;
    let mut expected = Expected::FirstName;
    loop {
        let octet = scanner.next_token()?;
        expected = match (expected, scanner.frame, octet) {
            (Expected::Next, Frame::Object(_), b',') => match scanner.next_token()? {
                b'"' => scanner.member()?,
                b'}' if limits.trailing_comma && scanner.outer.is_empty() => break,
                _ => return Err(JsonError::Syntax),
            },
            (Expected::FirstName, _, b'"') => scanner.member()?,
            (Expected::FirstName | Expected::Next, Frame::Object(_), b'}')
            | (Expected::FirstItem | Expected::Next, Frame::Array, b']') => {
                if scanner.close() {
                    break;
                }
                Expected::Next
            }
            (Expected::Next, Frame::Array, b',') => {
                let octet = scanner.next_token()?;
                scanner.value(octet)?
            }
            (Expected::FirstItem, _, _) => scanner.value(octet)?,
            _ => return Err(JsonError::Syntax),
        };
    }
    scanner.skip_space();
    if scanner.rest.is_empty() {
        Ok(())
    } else {
        Err(JsonError::TrailingOctets)
    }
}

struct Scanner<'s, 't> {
    text: &'t str,
    /// What has not been read.
    rest: &'t [u8],
    /// The innermost open object or array.
    frame: Frame,
    /// Those around it, the outermost first.
    outer: Vec<Frame, MAX_DEPTH>,
    table: &'s mut Vec<Member, MAX_MEMBERS>,
    /// The [`mark`] of every name so far, of whichever object.
    names: u32,
    members_left: u8,
    depth: usize,
}

impl Scanner<'_, '_> {
    /// Takes the opening brace of the outermost object.
    fn begin(&mut self) -> Result<(), JsonError> {
        match self.next_token()? {
            b'{' if self.depth == 0 => Err(JsonError::TooDeep),
            b'{' => Ok(()),
            b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Err(JsonError::NotAnObject),
            _ => Err(JsonError::Syntax),
        }
    }

    /// Skips white space and takes the octet after it.
    fn next_token(&mut self) -> Result<u8, JsonError> {
        if let [0..=b' ', ..] = self.rest {
            self.skip_space();
        }
        let (octet, rest) = self.rest.split_first().ok_or(JsonError::Syntax)?;
        self.rest = rest;
        Ok(*octet)
    }

    /// RFC 8259 §2: "Insignificant whitespace is allowed before or after any of
    /// the six structural characters."
    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// How many octets have been read: below 2^15, as the length is.
    fn position(&self) -> u16 {
        short(self.text.len().saturating_sub(self.rest.len()))
    }

    /// A member, the opening quote of its name taken: all of it, unless its value
    /// is an object or an array, which is opened.
    fn member(&mut self) -> Result<Expected, JsonError> {
        self.members_left = self
            .members_left
            .checked_sub(1)
            .ok_or(JsonError::TooManyMembers)?;
        let name_at = self.position();
        let name_length = self.string()?;
        let mut member = Member {
            name_at,
            name_length,
            value_at: 0,
            value_length: 0,
        };
        let mark = match cfg!(target_pointer_width = "64") {
            true => mark(self.text.as_bytes(), &member),
            false => u32::MAX,
        };
        // Nearly always the marks tell that a name is new, where there is room to make them.
        if self.names & mark != 0 && self.is_duplicate(&member) {
            return Err(JsonError::DuplicateMember);
        }
        self.names |= mark;
        if self.table.is_full() {
            return Err(JsonError::TooManyMembers);
        }
        let (b':', octet) = (self.next_token()?, self.next_token()?) else {
            return Err(JsonError::Syntax);
        };
        member.value_at = self.position().saturating_sub(1);
        let expected = if let b'{' | b'[' = octet {
            None
        } else {
            let escaped = self.scalar(octet)?;
            member.value_length = self.position().saturating_sub(member.value_at) | escaped;
            Some(Expected::Next)
        };
        let _there_is_room = self.table.push(member);
        match expected {
            Some(expected) => Ok(expected),
            None => self.value(octet),
        }
    }

    /// Whether the object now open has a member of the same name.
    fn is_duplicate(&self, new: &Member) -> bool {
        let Frame::Object(first) = self.frame else {
            return false;
        };
        let text = self.text.as_bytes();
        let new_octet = text.get(usize::from(new.name_at));
        self.table.iter().skip(usize::from(first)).any(|member| {
            // Nearly always the length or the first octet tells two names apart. (The first octet of
            // an empty name is its closing quote.)
            let plain = (member.name_length | new.name_length) & ESCAPED == 0;
            if plain
                && (member.name_length != new.name_length
                    || text.get(usize::from(member.name_at)) != new_octet)
            {
                return false;
            }
            match (member.name(self.text), new.name(self.text)) {
                (Some(one), Some(other)) => one.same(other),
                _ => false,
            }
        })
    }

    /// The value that begins with `octet`, which has been taken; of an object or
    /// an array the beginning.
    fn value(&mut self, octet: u8) -> Result<Expected, JsonError> {
        match octet {
            b'{' => {
                let first = u8::try_from(self.table.len()).unwrap_or(u8::MAX);
                self.open(Frame::Object(first))?;
                Ok(Expected::FirstName)
            }
            b'[' => {
                self.open(Frame::Array)?;
                Ok(Expected::FirstItem)
            }
            _ => self.scalar(octet).map(|_escaped| Expected::Next),
        }
    }

    /// The rest of a value that holds no other; [`ESCAPED`] if it is a string
    /// with an escape.
    fn scalar(&mut self, octet: u8) -> Result<u16, JsonError> {
        match octet {
            b'"' => return Ok(self.string()? & ESCAPED),
            b't' => self.literal(b"rue")?,
            b'f' => self.literal(b"alse")?,
            b'n' => self.literal(b"ull")?,
            b'-' | b'0'..=b'9' => self.number(octet).ok_or(JsonError::Syntax)?,
            _ => return Err(JsonError::Syntax),
        }
        Ok(0)
    }

    fn open(&mut self, frame: Frame) -> Result<(), JsonError> {
        // The frames around the new one, with the innermost, are one more than those in `outer`.
        if self.outer.len().saturating_add(1) >= self.depth {
            return Err(JsonError::TooDeep);
        }
        self.outer
            .push(self.frame)
            .map_err(|_| JsonError::TooDeep)?;
        self.frame = frame;
        Ok(())
    }

    /// Closes the innermost object or array; true when it was the outermost.
    fn close(&mut self) -> bool {
        let Some(outer) = self.outer.pop() else {
            return true;
        };
        if let Frame::Object(first) = self.frame {
            self.table.truncate(usize::from(first));
        }
        self.frame = outer;
        let end = self.position();
        if let (Frame::Object(_), Some(member)) = (outer, self.table.last_mut()) {
            member.value_length = end.saturating_sub(member.value_at);
        }
        false
    }

    /// A string after its opening quote: takes the closing one, and gives the
    /// length of what is between with [`ESCAPED`].
    // With `plain_string` in line a token is scanned in three quarters of the time, where there is
    // room for it.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn string(&mut self) -> Result<u16, JsonError> {
        if cfg!(target_pointer_width = "64")
            && let Some(length) = self.plain_string()
        {
            return Ok(length);
        }
        self.any_string()
    }

    /// [`string`](Self::string) for one without an escape that ends a word before
    /// the text does; for others nothing is taken.
    #[inline(always)]
    fn plain_string(&mut self) -> Option<u16> {
        let before = self.position();
        let mut rest = self.rest;
        let found = loop {
            let (word, after) = rest.split_first_chunk()?;
            let found = special(usize::from_le_bytes(*word));
            if found != 0 {
                break found;
            }
            rest = after;
        };
        let (_, [b'"', after @ ..]) = rest.split_at_checked(first(found))? else {
            return None;
        };
        self.rest = after;
        Some(self.position().wrapping_sub(before).wrapping_sub(1))
    }

    #[inline(never)]
    fn any_string(&mut self) -> Result<u16, JsonError> {
        let at = self.position();
        let mut escaped = 0;
        loop {
            let run = plain_run(self.rest);
            let (_, special) = self.rest.split_at_checked(run).ok_or(JsonError::Syntax)?;
            match special {
                [b'"', rest @ ..] => {
                    let end = self.position().saturating_add(short(run));
                    self.rest = rest;
                    return Ok(end.saturating_sub(at) | escaped);
                }
                [b'\\', rest @ ..] => {
                    escaped = ESCAPED;
                    let mut octets = rest.iter();
                    escaped_char(&mut octets.by_ref().copied()).ok_or(JsonError::Syntax)?;
                    self.rest = octets.as_slice();
                }
                // A control character, or the end of the text.
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    fn literal(&mut self, tail: &[u8]) -> Result<(), JsonError> {
        self.rest = self.rest.strip_prefix(tail).ok_or(JsonError::Syntax)?;
        Ok(())
    }

    /// RFC 8259 §6: `number = [ minus ] int [ frac ] [ exp ]`, the first octet
    /// taken; "Leading zeros are not allowed."
    fn number(&mut self, first: u8) -> Option<()> {
        let mut digit = first;
        if first == b'-' {
            let (octet, rest) = self.rest.split_first()?;
            digit = *octet;
            self.rest = rest;
        }
        match digit {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            _ => return None,
        }
        if let [b'.', rest @ ..] = self.rest {
            self.rest = rest;
            self.digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = match rest {
                [b'+' | b'-', rest @ ..] => rest,
                _ => rest,
            };
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let [b'0'..=b'9', rest @ ..] = self.rest else {
            return None;
        };
        self.rest = rest;
        self.skip_digits();
        Some(())
    }

    fn skip_digits(&mut self) {
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }
}

/// How many octets `octets` begins with that a string has as they are.
///
/// RFC 8259 §7: "All Unicode characters may be placed within the quotation
/// marks, except for the characters that MUST be escaped: quotation mark,
/// reverse solidus, and the control characters (U+0000 through U+001F)."
pub(super) fn plain_run(octets: &[u8]) -> usize {
    let (words, tail) = octets.as_chunks::<WORD>();
    let mut run: usize = 0;
    for word in words {
        let found = special(usize::from_le_bytes(*word));
        if found != 0 {
            return run.saturating_add(first(found));
        }
        run = run.saturating_add(WORD);
    }
    let plain = tail
        .iter()
        .take_while(|octet| !matches!(octet, b'"' | b'\\' | 0..0x20));
    run.saturating_add(plain.count())
}

/// A bit for a name, the same for the same name; all of them for one with an
/// escape, which may be any name.
fn mark(text: &[u8], name: &Member) -> u32 {
    let length = usize::from(name.name_length);
    if name.name_length & ESCAPED != 0 {
        return u32::MAX;
    }
    let from = text.get(usize::from(name.name_at)..).unwrap_or_default();
    let octet = |at: usize| u32::from(from.get(at).copied().unwrap_or(0));
    // Of an empty name the first and the last are the quotes around it.
    let last = octet(length.saturating_sub(1));
    // The claims of RFC 9068 have a bit each.
    let mix = octet(0).wrapping_mul(3) ^ last;
    1_u32.rotate_left(mix.wrapping_add(u32::from(name.name_length)))
}

/// A length within a document: below 2^15, as the document's is.
fn short(length: usize) -> u16 {
    u16::try_from(length & MAX_OCTETS).unwrap_or(u16::MAX)
}
