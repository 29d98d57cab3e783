//! `application/x-www-form-urlencoded`, and a flat JSON object, to the same
//! [`Parameters`].
//!
//! RFC 6749 §3.2: "The client MUST use the HTTP "POST" method when making
//! access token requests", and its Appendix B has the parameters as a form in
//! the body. The body is decoded where it lies: what is decoded is never longer.
//!
//! ```
//! use smallgate_core::codec::form::{FormError, Limits, Parameters};
//!
//! let mut body = *b"grant_type=refresh_token&refresh_token=a%2Bb+c&scope=";
//! let parameters = Parameters::from_form(&mut body, &Limits::default())?;
//! assert_eq!(parameters.value("refresh_token"), Ok(Some("a+b c")));
//! assert_eq!(parameters.value("scope"), Ok(None)); // empty is omitted
//!
//! let mut twice = *b"scope=read&sc%6Fpe=write";
//! assert_eq!(
//!     Parameters::from_form(&mut twice, &Limits::default()).err(),
//!     Some(FormError::Repeated)
//! );
//! # Ok::<(), FormError>(())
//! ```

mod component;
mod error;
mod pieces;

#[cfg(test)]
mod tests;

use core::cell::Cell;
use core::{fmt, str};

use heapless::Vec;

use super::json::{self, ESCAPED, JsonError, Object, Unescape};
pub use component::{decode_component, encode_component};
pub use error::{FormError, NotText};
use pieces::split;

/// The most parameters of a request.
pub const MAX_PARAMETERS: usize = 24;

/// The longest body in octets: positions are kept in 15 bits.
pub const MAX_OCTETS: usize = 0x7FFF;

/// How deep a JSON body may be nested: its unknown members are ignored, and may
/// be objects and arrays within reason.
const JSON_DEPTH: u8 = 4;

/// How large a request body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// Octets of the body as it was sent, at most [`MAX_OCTETS`].
    pub octets: usize,
    /// Parameters, at most [`MAX_PARAMETERS`]; in a JSON body, members of all
    /// objects together.
    pub parameters: u8,
}

impl Default for Limits {
    /// 1024 octets, 24 parameters.
    fn default() -> Self {
        Limits {
            octets: 1024,
            parameters: 24,
        }
    }
}

/// Where a parameter's name and value are in the body. Positions and lengths are
/// at most [`MAX_OCTETS`]; a length with [`ESCAPED`] is one of a JSON string that
/// is still to be unescaped.
#[derive(Clone, Copy)]
struct Range {
    name_at: u16,
    name_length: u16,
    value_at: u16,
    /// [`NOT_TEXT`], or the value's length in octets.
    value_length: u16,
}

/// The length of a JSON value that is not a string.
const NOT_TEXT: u16 = u16::MAX;

impl Range {
    fn name<'b>(&self, text: &'b str) -> Option<&'b str> {
        text.get(usize::from(self.name_at)..)?
            .get(..usize::from(self.name_length))
    }

    /// Whether the name, decoded, is `name`: nearly always its length tells.
    fn is_named(&self, text: &str, name: &str) -> bool {
        usize::from(self.name_length) == name.len()
            && text
                .as_bytes()
                .get(usize::from(self.name_at)..)
                .is_some_and(|rest| rest.starts_with(name.as_bytes()))
    }

    fn value<'b>(&self, text: &'b str) -> Option<&'b str> {
        text.get(usize::from(self.value_at)..)?
            .get(..usize::from(self.value_length))
    }
}

type Ranges = Vec<Range, MAX_PARAMETERS>;

/// The parameters of a request body, decoded in place: 8 octets for each of up
/// to [`MAX_PARAMETERS`], about 220 octets in all.
#[derive(Clone)]
pub struct Parameters<'b> {
    text: &'b str,
    ranges: Ranges,
}

impl<'b> Parameters<'b> {
    /// Decodes a form. A piece without `=` is a name with an empty value, an
    /// empty piece (`&&`) is nothing.
    ///
    /// # Errors
    ///
    /// `TooLong` and `TooManyParameters` past the limits, `BadEscape` for a `%`
    /// without two hexadecimal digits, `InvalidUtf8`, and `Repeated` for two
    /// parameters of one name, whatever their values. After an error the body's
    /// octets are of no more use.
    pub fn from_form(body: &'b mut [u8], limits: &Limits) -> Result<Self, FormError> {
        let mut parameters = Self::none();
        parameters.read_form(body, limits)?;
        Ok(parameters)
    }

    /// No parameters, to be read into: the table is too large to be handed from
    /// one result to the next. After an error there are none either.
    pub(crate) const fn none() -> Self {
        Parameters {
            text: "",
            ranges: Vec::new(),
        }
    }

    /// [`from_form`](Self::from_form) into a place that is there already.
    pub(crate) fn read_form(
        &mut self,
        body: &'b mut [u8],
        limits: &Limits,
    ) -> Result<(), FormError> {
        if body.len() > limits.octets.min(MAX_OCTETS) {
            return Err(FormError::TooLong);
        }
        split(body, limits.parameters, &mut self.ranges)?;
        self.check(body)
    }

    /// Reads a JSON object whose members are the parameters. Members with other
    /// values than strings are remembered, see [`Parameters::value`].
    ///
    /// `trailing_comma` lets one comma pass before the closing brace.
    ///
    /// # Errors
    ///
    /// Those of [`Parameters::from_form`], where the JSON text has the same
    /// fault; everything else is `Json`.
    pub fn from_json(
        body: &'b mut [u8],
        limits: &Limits,
        trailing_comma: bool,
    ) -> Result<Self, FormError> {
        let mut parameters = Self::none();
        parameters.read_json(body, limits, trailing_comma)?;
        Ok(parameters)
    }

    /// [`from_json`](Self::from_json) into a place that is there already.
    // Not inlined: who reads a form should not hold the frame of a JSON object.
    #[inline(never)]
    pub(crate) fn read_json(
        &mut self,
        body: &'b mut [u8],
        limits: &Limits,
        trailing_comma: bool,
    ) -> Result<(), FormError> {
        let limits = json::Limits {
            octets: limits.octets,
            depth: JSON_DEPTH,
            members: limits.parameters,
            trailing_comma,
        };
        let mut object = Object::empty();
        object.read(body, &limits)?;
        if json_ranges(&object, &mut self.ranges)? {
            let octets = Cell::from_mut(&mut *body).as_slice_of_cells();
            for range in &mut self.ranges {
                unescape(octets, range.name_at, &mut range.name_length);
                if range.value_length != NOT_TEXT {
                    unescape(octets, range.value_at, &mut range.value_length);
                }
            }
        }
        self.check(body)
    }

    /// The parameters found, now that `body` is decoded. Without a text they are
    /// none.
    fn check(&mut self, body: &'b mut [u8]) -> Result<(), FormError> {
        // Between two pieces there is still an ASCII separator, and where a piece has shrunk there
        // are spaces: so the whole is UTF-8 exactly if each piece is.
        let text = str::from_utf8(body).map_err(|_| FormError::InvalidUtf8)?;
        refuse_repeated(text, &self.ranges)?;
        self.text = text;
        Ok(())
    }

    /// The value of the parameter `name`; `None` if it was not sent, or is
    /// empty. RFC 6749 §3.2: "Parameters sent without a value MUST be treated
    /// as if they were omitted from the request."
    ///
    /// # Errors
    ///
    /// [`NotText`] if a JSON body has another value than a string there.
    pub fn value(&self, name: &str) -> Result<Option<&'b str>, NotText> {
        let mut ranges = self.ranges.iter();
        let found = ranges.find(|range| range.is_named(self.text, name));
        match found {
            Some(range) if range.value_length == NOT_TEXT => Err(NotText),
            Some(range) => Ok(range.value(self.text).filter(|value| !value.is_empty())),
            None => Ok(None),
        }
    }

    /// The names and values as they were sent, empty ones too, those that are
    /// not text left out.
    pub fn iter(&self) -> impl Iterator<Item = (&'b str, &'b str)> {
        let text = self.text;
        self.ranges
            .iter()
            .filter(|range| range.value_length != NOT_TEXT)
            .filter_map(move |range| Some((range.name(text)?, range.value(text)?)))
    }

    /// How many parameters were sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether none was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

impl fmt::Debug for Parameters<'_> {
    /// Their number alone: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({})", self.ranges.len())
    }
}

/// RFC 6749 §3.2: "Request and response parameters MUST NOT be included more
/// than once."
fn refuse_repeated(text: &str, ranges: &[Range]) -> Result<(), FormError> {
    // A bit for each length that a name has had, or one 32 longer or shorter: nearly always it is
    // another one.
    let mut lengths: u32 = 0;
    for (index, range) in ranges.iter().enumerate() {
        let length = 1_u32.rotate_left(range.name_length.into());
        if lengths & length != 0
            && let Some(name) = range.name(text)
            && let mut earlier = ranges.iter().take(index)
            && earlier.any(|earlier| earlier.is_named(text, name))
        {
            return Err(FormError::Repeated);
        }
        lengths |= length;
    }
    Ok(())
}

/// The octets that `at` and `length` name, its flag left out.
fn stretch(octets: &[Cell<u8>], at: u16, length: u16) -> &[Cell<u8>] {
    octets
        .get(usize::from(at)..)
        .and_then(|rest| rest.get(..usize::from(length & !ESCAPED)))
        .unwrap_or_default()
}

/// Unescapes one JSON string where it lies, if it is marked.
fn unescape(octets: &[Cell<u8>], at: u16, length: &mut u16) {
    if *length & ESCAPED != 0 {
        let stretch = stretch(octets, at, *length);
        *length = rewrite(stretch, Unescape::new(stretch.iter().map(Cell::get)));
    }
}

/// Puts the octets that `decoded` makes of those in `octets`, each from one or
/// more, in their place, and spaces after them; gives how many they are.
fn rewrite(octets: &[Cell<u8>], mut decoded: impl Iterator<Item = u8>) -> u16 {
    let mut length: u16 = 0;
    let mut slots = octets.iter();
    for slot in slots.by_ref() {
        let Some(octet) = decoded.next() else {
            slot.set(b' ');
            break;
        };
        slot.set(octet);
        length = length.saturating_add(1);
    }
    for slot in slots {
        slot.set(b' ');
    }
    length
}

/// Puts the outermost members of a JSON object into `ranges`, strings without
/// their quotes; whether any of them has an escape.
fn json_ranges(object: &Object<'_>, ranges: &mut Ranges) -> Result<bool, FormError> {
    let text = object.text().as_bytes();
    let mut escaped = false;
    for member in object.table() {
        let mut range = Range {
            name_at: member.name_at,
            name_length: member.name_length,
            value_at: member.value_at.saturating_add(1),
            // The length without quotes; the flag above it is not touched.
            value_length: member.value_length.saturating_sub(2),
        };
        if text.get(usize::from(member.value_at)) != Some(&b'"') {
            range.value_length = NOT_TEXT;
        }
        escaped |= (member.name_length | member.value_length) & ESCAPED != 0;
        ranges
            .push(range)
            .map_err(|_| FormError::TooManyParameters)?;
    }
    Ok(escaped)
}

impl From<JsonError> for FormError {
    /// A fault that a form can have too has the form's name.
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::TooLong => FormError::TooLong,
            JsonError::InvalidUtf8 => FormError::InvalidUtf8,
            JsonError::TooManyMembers => FormError::TooManyParameters,
            JsonError::DuplicateMember => FormError::Repeated,
            other => FormError::Json(other),
        }
    }
}
