//! RFC 8259: a strict, bounded scanner for the JSON objects that arrive, and a
//! writer for the flat ones that leave.
//!
//! [`Object::parse`] checks a whole document before anybody reads a member of
//! it: one pass, no recursion, fixed memory. RFC 8259 §9 lets a parser "set
//! limits on the size of texts that it accepts", "on the maximum depth of
//! nesting", "on the length and character contents of strings", and [`Limits`]
//! does. Stricter than the grammar is this much:
//!
//! * the document is an object;
//! * no object in it has two members of the same name, however they are
//!   spelled. RFC 7519 §4: "The Claim Names within a JWT Claims Set MUST be
//!   unique"; RFC 7515 §4 says the same of header parameters;
//! * an escape names a character: half of a surrogate pair alone is refused;
//! * there is no byte order mark.
//!
//! The work is bounded by the limits: each octet is looked at once for UTF-8
//! and once for the grammar, and each name is compared with at most
//! [`MAX_MEMBERS`] names before it.
//!
//! ```
//! use smallgate_core::codec::json::{Limits, Object, Value};
//!
//! let limits = Limits { octets: 256, depth: 4, members: 16, trailing_comma: false };
//! let claims = Object::parse(br#"{"sub":"me","exp":1700000000}"#, &limits)?;
//! let Some(Value::Number(exp)) = claims.member("exp") else { panic!() };
//! assert_eq!(exp.as_u64(), Some(1_700_000_000));
//!
//! // An escaped spelling of the same name is the same name.
//! assert!(Object::parse(br#"{"sub":"me","s\u0075b":"you"}"#, &limits).is_err());
//! # Ok::<(), smallgate_core::codec::json::JsonError>(())
//! ```

mod array;
mod number;
mod plain;
mod reader;
mod scanner;
mod text;
mod writer;

#[cfg(test)]
mod tests;

use core::fmt;

use heapless::Vec;

pub use array::Array;
pub use number::{Number, NumericDate};
pub(crate) use reader::Reader;
pub(super) use scanner::{ESCAPED, Member};
pub use text::Text;
pub(super) use text::Unescape;
pub use writer::Writer;

/// The most members that all the objects of a document may have together.
pub const MAX_MEMBERS: usize = 64;

/// The deepest nesting; the outermost object is at depth 1.
pub const MAX_DEPTH: usize = 16;

/// The longest document in octets: positions are kept in 15 bits.
pub const MAX_OCTETS: usize = 0x7FFF;

/// How large a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// Octets of the whole text, at most [`MAX_OCTETS`] whatever is said here.
    pub octets: usize,
    /// Objects and arrays inside one another, the outermost object counted; at
    /// most [`MAX_DEPTH`].
    pub depth: u8,
    /// Members of all objects together; at most [`MAX_MEMBERS`].
    pub members: u8,
    /// Whether one `,` before the closing brace of the outermost object is let
    /// pass. RFC 8259 does not know it, a service's documented example does.
    pub trailing_comma: bool,
}

/// Why a document was refused, or could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum JsonError {
    /// More octets than the limit.
    TooLong,
    /// Not UTF-8 (RFC 8259 §8.1).
    InvalidUtf8,
    /// Not the grammar of RFC 8259 §2, or an escape that names no character.
    Syntax,
    /// Objects and arrays nested deeper than the limit.
    TooDeep,
    /// More members than the limit.
    TooManyMembers,
    /// Two members of one object have the same name.
    DuplicateMember,
    /// Another JSON value than an object begins the text.
    NotAnObject,
    /// Something other than white space after the object.
    TrailingOctets,
    /// The output slice is too short.
    BufferTooSmall,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JsonError::TooLong => "the JSON text is too long",
            JsonError::InvalidUtf8 => "the JSON text is not UTF-8",
            JsonError::Syntax => "the text is not JSON",
            JsonError::TooDeep => "the JSON text is nested too deeply",
            JsonError::TooManyMembers => "the JSON text has too many members",
            JsonError::DuplicateMember => "a JSON object names a member twice",
            JsonError::NotAnObject => "the JSON text is not an object",
            JsonError::TrailingOctets => "there is more after the JSON object",
            JsonError::BufferTooSmall => "the buffer is too small for the JSON text",
        })
    }
}

impl core::error::Error for JsonError {}

/// A JSON object whose whole text has been found good: 8 octets of table for
/// each of up to [`MAX_MEMBERS`] members, about 530 octets in all.
#[derive(Clone)]
pub struct Object<'a> {
    text: &'a str,
    members: Vec<Member, MAX_MEMBERS>,
}

impl<'a> Object<'a> {
    /// Checks `text` and finds its outermost members.
    ///
    /// # Errors
    ///
    /// Everything in [`JsonError`] but `BufferTooSmall`: the first fault met,
    /// the length before the encoding, and the encoding before all others.
    pub fn parse(text: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        let mut object = Self::empty();
        object.read(text, limits)?;
        Ok(object)
    }

    /// An object without members, to be [`read`](Self::read) into.
    pub(crate) const fn empty() -> Self {
        Object {
            text: "{}",
            members: Vec::new(),
        }
    }

    /// [`parse`](Self::parse) into a place that is there already: the table is
    /// too large to be handed from one result to the next. After an error there
    /// are no members.
    pub(crate) fn read(&mut self, text: &'a [u8], limits: &Limits) -> Result<(), JsonError> {
        self.members.clear();
        if text.len() > limits.octets.min(MAX_OCTETS) {
            return Err(JsonError::TooLong);
        }
        // RFC 8259 §8.1: "JSON text exchanged between systems that are not part of a closed
        // ecosystem MUST be encoded using UTF-8".
        let text = core::str::from_utf8(text).map_err(|_| JsonError::InvalidUtf8)?;
        let scanned = scanner::scan(text, limits, &mut self.members);
        match scanned {
            Ok(()) => self.text = text,
            Err(_) => self.members.clear(),
        }
        scanned
    }

    /// The value of the outermost member called `name`, in whatever spelling
    /// the document has it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Value<'a>> {
        self.members
            .iter()
            .find(|member| member.is_named(self.text, name))
            .and_then(|member| member.value(self.text))
    }

    /// The outermost members, in the document's order.
    pub fn members(&self) -> impl Iterator<Item = (Text<'a>, Value<'a>)> + '_ {
        self.members
            .iter()
            .filter_map(|member| Some((member.name(self.text)?, member.value(self.text)?)))
    }

    /// [`members`](Self::members) with each value as its text, and whether that is a
    /// string with an escape in it: for [`Value::from_checked`].
    pub(crate) fn texts(&self) -> impl Iterator<Item = (Text<'a>, &'a str, bool)> + '_ {
        self.members.iter().filter_map(|member| {
            let (text, escaped) = member.value_text(self.text)?;
            Some((member.name(self.text)?, text, escaped))
        })
    }

    /// The whole document as it was given, white space around it included.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The outermost members as positions in the document.
    pub(super) fn table(&self) -> &[Member] {
        &self.members
    }
}

impl fmt::Debug for Object<'_> {
    /// The number of members alone: a document may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({} members)", self.members.len())
    }
}

/// One value of a checked document (RFC 8259 §3).
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A string.
    Text(Text<'a>),
    /// A number.
    Number(Number<'a>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An array.
    Array(Array<'a>),
    /// An object, as its text from brace to brace: for [`Object::parse`] again.
    Object(&'a str),
}

impl<'a> Value<'a> {
    /// The value whose whole text is `text`, as the scanner left it; `escaped`
    /// says whether a string in it has an escape.
    pub(crate) fn from_checked(text: &'a str, escaped: bool) -> Option<Self> {
        Some(match text.as_bytes().first()? {
            b'"' => {
                let contents = text.get(1..text.len().checked_sub(1)?)?;
                Value::Text(Text::from_checked(contents, escaped))
            }
            b'{' => Value::Object(text),
            b'[' => Value::Array(Array::from_checked(text)),
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'n' => Value::Null,
            _ => Value::Number(Number::from_checked(text)),
        })
    }
}

impl fmt::Debug for Value<'_> {
    /// The type alone: a document may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::Text(_) => "Text(..)",
            Value::Number(_) => "Number(..)",
            Value::Bool(_) => "Bool(..)",
            Value::Null => "Null",
            Value::Array(_) => "Array(..)",
            Value::Object(_) => "Object(..)",
        })
    }
}
