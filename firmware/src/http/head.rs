//! The head of a request (RFC 9112 §2 to §7).

use smallgate_core::http::Header;

/// The most header fields a request may have.
pub const MAX_HEADERS: usize = 32;

/// Why a request is refused before anybody looks at what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refused {
    /// It is not HTTP.
    Malformed,
    /// "A server MUST respond with a 400 (Bad Request) status code to any
    /// HTTP/1.1 request message that lacks a Host header field and to any
    /// request message that contains more than one Host header field line"
    /// (RFC 9112 §3.2).
    Host,
    /// There are several lengths, a length that is none, or a length beside a
    /// transfer coding.
    Length,
    /// It ended before its body did.
    BodyBroken,
    /// Its head stayed short until the deadline.
    HeadTooLate,
    /// Its body stayed short until the deadline.
    BodyTooLate,
    /// Its body is chunked. "A server MAY reject a request that contains a
    /// message body but not a Content-Length by responding with 411 (Length
    /// Required)" (RFC 9112 §6.3): a client that meets it can send the length.
    LengthRequired,
    /// "A server that receives a request-target longer than any URI it wishes
    /// to parse MUST respond with a 414 (URI Too Long)" (RFC 9112 §3).
    TargetTooLong,
    /// Its head is too long, or has too many fields.
    HeadTooLong,
    /// "A server that receives a request message with a transfer coding it does
    /// not understand SHOULD respond with 501 (Not Implemented)" (RFC 9112 §6.1).
    Coding,
    /// It is of another version than HTTP/1.1 and HTTP/1.0.
    Version,
    /// The server can not answer: it has no entropy. "The 503 (Service
    /// Unavailable) status code indicates that the server is currently unable to
    /// handle the request" (RFC 9110 §15.6.4): a source that failed may recover.
    Unable,
}

impl Refused {
    /// Status, and what is said about it.
    #[must_use]
    pub const fn answer(self) -> (u16, &'static str) {
        match self {
            Refused::Malformed => (400, "The request is malformed."),
            Refused::Host => (400, "There is not exactly one Host header field."),
            Refused::Length => (400, "The length of the body is not clear."),
            Refused::BodyBroken => (400, "The body is not whole."),
            Refused::HeadTooLate => (408, "The head did not arrive in time."),
            Refused::BodyTooLate => (408, "The body did not arrive in time."),
            Refused::LengthRequired => (411, "A body needs a Content-Length."),
            Refused::TargetTooLong => (414, "The request target is too long."),
            Refused::HeadTooLong => (431, "The head is too long."),
            Refused::Coding => (501, "The transfer coding is not known."),
            Refused::Unable => (503, "The server is not able to answer."),
            Refused::Version => (505, "The HTTP version is neither 1.1 nor 1.0."),
        }
    }
}

/// A head, taken apart.
#[derive(Default)]
pub(super) struct Head<'r> {
    pub(super) method: &'r str,
    pub(super) target: &'r str,
    /// How many header fields there are.
    pub(super) fields: usize,
    pub(super) framing: Framing,
}

/// What the fields of a head say about the message itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    /// It is HTTP/1.0.
    pub is_1_0: bool,
    /// The connection may stay (RFC 9112 §9.3).
    pub keeps_alive: bool,
    /// The client waits for leave to send the body (RFC 9110 §10.1.1).
    pub expects_continue: bool,
    /// The length of the body. What is beyond all bounds is `usize::MAX`.
    pub length: usize,
}

/// Where the head ends in `octets`: after the first empty line.
pub(super) fn end(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = octets.get(at..)?;
        at += rest.iter().position(|octet| *octet == b'\n')? + 1;
        match octets.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

/// Whether what came so far can still become a head.
pub(super) fn check(octets: &[u8]) -> Result<(), Refused> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(octets) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(error, octets)),
    }
}

/// Reads a head that is all of `octets`; its fields go to `headers`.
pub(super) fn read<'r>(
    octets: &'r [u8],
    headers: &mut [Header<'r>; MAX_HEADERS],
) -> Result<Head<'r>, Refused> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(octets) {
        Ok(httparse::Status::Complete(length)) if length == octets.len() => {}
        Ok(_) => return Err(Refused::Malformed),
        Err(error) => return Err(refused(error, octets)),
    }
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return Err(Refused::Malformed);
    };
    for (slot, field) in headers.iter_mut().zip(request.headers.iter()) {
        *slot = Header {
            name: field.name,
            value: field.value,
        };
    }
    let fields = request.headers.iter();
    let fields = fields.map(|field| (field.name, field.value));
    Ok(Head {
        method,
        target: origin_form(target)?,
        fields: request.headers.len(),
        framing: Framing::of(fields, version == 0)?,
    })
}

impl Framing {
    /// What `fields` say in a request of HTTP/1.1, or HTTP/1.0.
    ///
    /// # Errors
    ///
    /// They contradict each other, or do not say where the body ends.
    pub fn of<'f>(
        fields: impl Iterator<Item = (&'f str, &'f [u8])>,
        is_1_0: bool,
    ) -> Result<Self, Refused> {
        let mut seen = Seen::default();
        for (name, value) in fields {
            seen.field(name, value)?;
        }
        if seen.hosts > 1 || (seen.hosts == 0 && !is_1_0) {
            return Err(Refused::Host);
        }
        Ok(Framing {
            is_1_0,
            keeps_alive: !seen.close && (!is_1_0 || seen.keep_alive),
            // "A server that receives a 100-continue expectation in an HTTP/1.0
            // request MUST ignore that expectation" (RFC 9110 §10.1.1).
            expects_continue: seen.expects_continue && !is_1_0,
            length: seen.length(is_1_0)?,
        })
    }
}

/// What the header fields say about the message itself.
#[derive(Default)]
struct Seen {
    hosts: usize,
    length: Option<usize>,
    codings: Codings,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
}

/// The transfer codings.
#[derive(Clone, Copy, Default)]
enum Codings {
    #[default]
    None,
    /// `chunked` alone.
    Chunked,
    /// Another one at the end.
    Other,
    /// Others, and `chunked` at the end.
    OtherThenChunked,
    /// `chunked`, and something after it.
    AfterChunked,
}

impl Seen {
    fn field(&mut self, name: &str, value: &[u8]) -> Result<(), Refused> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("host") {
            self.hosts += 1;
        } else if is("content-length") {
            // Even the same length twice: nobody sends that who means well.
            let None = self.length else {
                return Err(Refused::Length);
            };
            self.length = Some(length(value).ok_or(Refused::Length)?);
        } else if is("transfer-encoding") {
            for coding in list(value) {
                self.codings = self.codings.then(coding);
            }
            if matches!(self.codings, Codings::None) {
                self.codings = Codings::Other;
            }
        } else if is("connection") {
            for option in list(value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("expect") {
            self.expects_continue |=
                list(value).any(|member| member.eq_ignore_ascii_case(b"100-continue"));
        }
        Ok(())
    }

    /// The length of the body (RFC 9112 §6.3).
    fn length(&self, is_1_0: bool) -> Result<usize, Refused> {
        match (self.codings, self.length) {
            (Codings::None, length) => Ok(length.unwrap_or(0)),
            // "A server MAY reject a request that contains both Content-Length
            // and Transfer-Encoding": whoever believes the other one is smuggled
            // a request. One with a coding in HTTP/1.0 is to be treated "as if
            // the framing is faulty" (RFC 9112 §6.1).
            (_, Some(_)) => Err(Refused::Length),
            _ if is_1_0 => Err(Refused::Length),
            (Codings::Chunked, None) => Err(Refused::LengthRequired),
            (Codings::OtherThenChunked, None) => Err(Refused::Coding),
            // "If a Transfer-Encoding header field is present in a request and
            // the chunked transfer coding is not the final encoding, the message
            // body length cannot be determined reliably; the server MUST respond
            // with the 400 (Bad Request) status code" (RFC 9112 §6.3).
            (Codings::Other | Codings::AfterChunked, None) => Err(Refused::Length),
        }
    }
}

impl Codings {
    fn then(self, coding: &[u8]) -> Self {
        let chunked = coding.eq_ignore_ascii_case(b"chunked");
        match (self, chunked) {
            (Codings::None, true) => Codings::Chunked,
            (Codings::Other, true) => Codings::OtherThenChunked,
            (Codings::None | Codings::Other, false) => Codings::Other,
            _ => Codings::AfterChunked,
        }
    }
}

/// The members of a list (RFC 9110 §5.6.1).
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|octet| *octet == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// `1*DIGIT`; what no memory holds is `usize::MAX`.
fn length(value: &[u8]) -> Option<usize> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_usize, |length, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit < 10)?;
        Some(length.saturating_mul(10).saturating_add(digit.into()))
    })
}

/// Path and query: "a server MUST accept the absolute-form in requests"
/// (RFC 9112 §3.2.2). There is nothing at a target of another form.
fn origin_form(target: &str) -> Result<&str, Refused> {
    if !target.bytes().all(is_of_uri) {
        return Err(Refused::Malformed);
    }
    if target.starts_with('/') || target == "*" {
        return Ok(target);
    }
    // Not split at "://": looking for a text takes a kilobyte more of flash.
    let Some((scheme, rest)) = target.split_once(':') else {
        return Ok("");
    };
    let Some(rest) = rest.strip_prefix("//") else {
        return Ok("");
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Ok("");
    }
    let path = rest.find(['/', '?']).and_then(|start| rest.get(start..));
    Ok(path.unwrap_or("/"))
}

/// What may stand in a request target; a fragment may not.
const fn is_of_uri(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'#')
}

fn refused(error: httparse::Error, octets: &[u8]) -> Refused {
    match error {
        httparse::Error::TooManyHeaders => Refused::HeadTooLong,
        httparse::Error::Version if has_version(octets) => Refused::Version,
        _ => Refused::Malformed,
    }
}

/// Whether the request line ends with what looks like a version:
/// "HTTP-version = HTTP-name "/" DIGIT "." DIGIT" (RFC 9112 §2.3).
fn has_version(octets: &[u8]) -> bool {
    let line = octets.split(|octet| *octet == b'\n').next();
    let line = line.unwrap_or_default().trim_ascii_end();
    let word = line.rsplit(|octet| *octet == b' ').next();
    matches!(word, Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
        if major.is_ascii_digit() && minor.is_ascii_digit())
}
