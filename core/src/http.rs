//! HTTP requests and responses as values. The host does the framing; what a
//! request means and how it is answered, octet for octet, is decided here.

use core::fmt;
use core::ops::Range;

use zeroize::Zeroize;

use crate::codec::copy;
use crate::codec::split::{pieces, split_at_first};
use crate::profile::Profile;

#[cfg(test)]
mod tests;

/// A request whose head and body have arrived whole. Its head, `'h`, is read
/// when an exchange begins and not needed afterwards; its body, `'r`, is needed
/// until the exchange is over.
pub struct Request<'h, 'r> {
    /// The method, in the spelling of the request line.
    pub method: &'h str,
    /// The request target: an absolute path, and a query if there is one.
    pub target: &'h str,
    /// The header fields in their order. Names compare without regard to case.
    pub headers: &'h [Header<'h>],
    /// The body. It is decoded in place, so it is gone afterwards.
    pub body: Body<'r>,
    /// Where the request comes from, for the throttle.
    pub source: Source,
}

impl<'h> Request<'h, '_> {
    /// The target's path, and its query if there is one.
    #[must_use]
    pub fn path_and_query(&self) -> (&'h str, Option<&'h str>) {
        match split_at_first(self.target, b'?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        }
    }
}

/// A header field.
#[derive(Clone, Copy)]
pub struct Header<'r> {
    /// The name as it came.
    pub name: &'r str,
    /// The value without the white space around it.
    pub value: &'r [u8],
}

/// The body of a request.
pub enum Body<'r> {
    /// All of it.
    Whole(&'r mut [u8]),
    /// More than the host takes (see `Limits::body`): it is answered 413, and
    /// the host need not read it.
    TooLong,
}

/// An address a request came from: what the throttle tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source([u8; 9]);

impl Source {
    /// A caller on the device itself.
    pub const LOCAL: Source = Source([0; 9]);

    /// An IPv4 address.
    #[must_use]
    pub const fn v4([a, b, c, d]: [u8; 4]) -> Self {
        Source([4, a, b, c, d, 0, 0, 0, 0])
    }

    /// An IPv6 address. Its first 64 bits count, since whoever has one address
    /// of a subnet has all of them; a mapped IPv4 address counts as that.
    #[must_use]
    pub const fn v6(octets: [u8; 16]) -> Self {
        match octets {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d] => Source::v4([a, b, c, d]),
            [a, b, c, d, e, f, g, h, ..] => Source([6, a, b, c, d, e, f, g, h]),
        }
    }

    pub(crate) const fn octets(&self) -> &[u8] {
        &self.0
    }
}

/// As an address is written: `10.0.2.2`, `2001:db8:0:1::/64`, `local`.
#[cfg(feature = "defmt")]
impl defmt::Format for Source {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self.0 {
            [4, a, b, c, d, ..] => defmt::write!(f, "{=u8}.{=u8}.{=u8}.{=u8}", a, b, c, d),
            [6, a, b, c, d, e, g, h, i] => defmt::write!(
                f,
                "{=u16:x}:{=u16:x}:{=u16:x}:{=u16:x}::/64",
                u16::from_be_bytes([a, b]),
                u16::from_be_bytes([c, d]),
                u16::from_be_bytes([e, g]),
                u16::from_be_bytes([h, i])
            ),
            _ => defmt::write!(f, "local"),
        }
    }
}

/// The value of the one header field called `name`; an error when there are
/// several.
pub(crate) fn single<'r>(
    headers: &[Header<'r>],
    name: &str,
) -> Result<Option<&'r [u8]>, RepeatedHeader> {
    let mut values = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value);
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(RepeatedHeader),
    }
}

/// A header field that may come once came twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RepeatedHeader;

/// The credentials in an `Authorization` value if its scheme is `scheme`:
/// "auth-scheme" compares without regard to case (RFC 9110 §11.1).
pub(crate) fn credentials<'r>(value: &'r [u8], scheme: &str) -> Option<&'r [u8]> {
    let (name, rest) = value.split_at_checked(scheme.len())?;
    if !name.eq_ignore_ascii_case(scheme.as_bytes()) {
        return None;
    }
    match rest {
        [] => Some(rest),
        [b' ', ..] => Some(rest.trim_ascii_start()),
        _ => None,
    }
}

/// What a server of `profile` has at `path`, by a name of few: for counters.
#[must_use]
pub fn route_name(profile: &Profile, path: &str) -> Option<&'static str> {
    Route::find(profile, path).map(|route| match route {
        Route::Token => "token",
        Route::Authorization => "authorize",
        Route::Revocation => "revoke",
        Route::Introspection => "introspect",
        Route::Metadata => "metadata",
        Route::Jwks => "jwks",
        Route::Me => "me",
    })
}

/// The route table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Token,
    Authorization,
    Revocation,
    Introspection,
    Metadata,
    Jwks,
    Me,
}

impl Route {
    pub(crate) const REVOCATION: &str = "/oauth/revoke";
    pub(crate) const INTROSPECTION: &str = "/oauth/introspect";
    pub(crate) const METADATA: &str = "/.well-known/oauth-authorization-server";
    pub(crate) const JWKS: &str = "/jwks.json";

    /// What is at `path` in `profile`.
    pub(crate) fn find(profile: &Profile, path: &str) -> Option<Self> {
        let on = |switched_on: bool, path| switched_on.then_some(path);
        let routes = [
            (Some(profile.token_path), Route::Token),
            (profile.authorization_path, Route::Authorization),
            (on(profile.revocation, Self::REVOCATION), Route::Revocation),
            (
                on(profile.introspection, Self::INTROSPECTION),
                Route::Introspection,
            ),
            (on(profile.metadata, Self::METADATA), Route::Metadata),
            (on(profile.jwks, Self::JWKS), Route::Jwks),
            (Some("/me/"), Route::Me),
        ];
        routes
            .into_iter()
            .find(|(known, _)| *known == Some(path))
            .map(|(_, route)| route)
    }

    /// The value of `Allow`.
    pub(crate) const fn allow(self) -> &'static str {
        match self {
            Route::Token | Route::Revocation | Route::Introspection => "POST",
            Route::Authorization => "GET, HEAD, POST",
            Route::Metadata | Route::Jwks | Route::Me => "GET, HEAD",
        }
    }

    /// Whether `method` is in [`Self::allow`]; methods are case-sensitive.
    pub(crate) fn allows(self, method: &str) -> bool {
        pieces(self.allow(), b',').any(|allowed| allowed.trim_ascii_start() == method)
    }
}

/// An answer, written into the buffer that the caller lent.
pub struct Response<'o> {
    status: u16,
    headers: heapless::Vec<(&'static str, HeaderValue), { Response::MAX_HEADERS }>,
    out: &'o mut [u8],
    used: usize,
    body: Range<usize>,
}

#[derive(Clone)]
enum HeaderValue {
    Fixed(&'static str),
    /// In the buffer: 16 bits each, beside a pointer that is never null, make
    /// this no larger than the text.
    Written {
        at: u16,
        length: u16,
    },
}

impl<'o> Response<'o> {
    /// The most header fields an answer has.
    pub const MAX_HEADERS: usize = 9;

    pub(crate) fn new(out: &'o mut [u8]) -> Self {
        Response {
            status: 500,
            headers: heapless::Vec::new(),
            out,
            used: 0,
            body: 0..0,
        }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header fields in their order, names in lower case. `Date`,
    /// `Content-Length` and `Connection` are the host's to add.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| {
            let value = match value {
                HeaderValue::Fixed(text) => text,
                HeaderValue::Written { at, length } => self
                    .out
                    .get(usize::from(*at)..)
                    .and_then(|from| from.get(..usize::from(*length)))
                    .and_then(|octets| core::str::from_utf8(octets).ok())
                    .unwrap_or_default(),
            };
            (*name, value)
        })
    }

    /// The body. Answering `HEAD`, the host sends its length and not the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.out.get(self.body.clone()).unwrap_or_default()
    }

    /// Forgets everything, and wipes the octets that were written.
    pub(crate) fn reset(&mut self) {
        self.out.zeroize();
        self.status = 500;
        self.headers.clear();
        self.used = 0;
        self.body = 0..0;
    }

    pub(crate) fn set_status(&mut self, status: u16) {
        self.status = status;
    }

    pub(crate) fn header(&mut self, name: &'static str, value: &'static str) {
        self.push(name, HeaderValue::Fixed(value));
    }

    /// Adds these header fields.
    pub(crate) fn fields(&mut self, fields: &[(&'static str, &'static str)]) {
        for (name, value) in fields {
            self.header(name, value);
        }
    }

    // Not inlined: it is called for each field of each kind of answer.
    #[inline(never)]
    fn push(&mut self, name: &'static str, value: HeaderValue) -> bool {
        self.headers.push((name, value)).is_ok()
    }

    /// Adds a header field whose value `write` puts into the buffer. It must
    /// come before the body.
    /// False when it does not fit.
    pub(crate) fn header_with(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut Text<'_>),
    ) -> bool {
        self.append(write).is_some_and(|range| {
            match (u16::try_from(range.start), u16::try_from(range.len())) {
                (Ok(at), Ok(length)) => self.push(name, HeaderValue::Written { at, length }),
                _ => false,
            }
        })
    }

    /// Makes what `write` writes the body; false when it does not fit.
    pub(crate) fn body_with(&mut self, write: impl FnOnce(&mut Text<'_>)) -> bool {
        match self.append(write) {
            Some(range) => {
                self.body = range;
                true
            }
            None => false,
        }
    }

    /// What is left of the buffer.
    pub(crate) fn rest(&mut self) -> &mut [u8] {
        self.out.get_mut(self.used..).unwrap_or_default()
    }

    /// Makes the first `length` octets of [`Self::rest`] the body.
    pub(crate) fn set_body(&mut self, length: usize) {
        let end = self.used.saturating_add(length).min(self.out.len());
        self.body = self.used..end;
        self.used = end;
    }

    fn append(&mut self, write: impl FnOnce(&mut Text<'_>)) -> Option<Range<usize>> {
        let start = self.used;
        let mut text = Text {
            out: self.rest(),
            used: Some(0),
        };
        write(&mut text);
        let end = start.checked_add(text.used?)?;
        self.used = end;
        Some(start..end)
    }
}

impl Drop for Response<'_> {
    fn drop(&mut self) {
        self.out.zeroize();
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Text that grows in a bounded buffer; once it does not fit it is lost whole.
pub(crate) struct Text<'a> {
    out: &'a mut [u8],
    used: Option<usize>,
}

impl Text<'_> {
    pub(crate) fn push(&mut self, text: &str) {
        self.push_octets(text.as_bytes());
    }

    /// Adds octets that are UTF-8.
    pub(crate) fn push_octets(&mut self, text: &[u8]) {
        self.used = self.used.and_then(|start| {
            let end = start.checked_add(text.len())?;
            copy(text, self.out.get_mut(start..end)?);
            Some(end)
        });
    }

    /// Adds what `write` puts at the start of the room that is left, as many
    /// octets of UTF-8 as it says; `None` counts as a lack of room.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        self.used = self.used.and_then(|start| {
            let written = write(self.out.get_mut(start..)?)?;
            start
                .checked_add(written)
                .filter(|end| *end <= self.out.len())
        });
    }

    pub(crate) fn push_number(&mut self, number: u32) {
        let mut digits = [0_u8; 10];
        let mut left = number;
        let mut start = digits.len();
        for (position, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0'.saturating_add(u8::try_from(left % 10).unwrap_or(0));
            left /= 10;
            start = position;
            if left == 0 {
                break;
            }
        }
        let text = digits
            .get(start..)
            .and_then(|digits| core::str::from_utf8(digits).ok());
        self.push(text.unwrap_or_default());
    }
}
