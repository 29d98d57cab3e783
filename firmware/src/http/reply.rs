//! An answer on its way out.

use core::future::Future;

use embedded_io_async::Write;
use smallgate_core::oauth::Answer;
use smallgate_core::time::UnixTime;

use super::date::imf_fixdate;
use super::head::Refused;

/// What a host adds to an answer.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// The request was HTTP/1.0, and the answer is.
    pub(super) is_1_0: bool,
    /// The connection stays.
    pub(super) keeps_alive: bool,
    /// It does not stay, and that is not what the request asked for.
    pub(super) is_cut: bool,
    /// The request was `HEAD`: the length is sent, and no body.
    pub(super) without_body: bool,
    /// The time, if it is known.
    pub(super) now: Option<UnixTime>,
}

impl Manner {
    /// Of a refusal before the request is known.
    pub(super) const CUT: Manner = Manner {
        is_1_0: false,
        keeps_alive: false,
        is_cut: true,
        without_body: false,
        now: None,
    };
}

/// What is said.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    /// The core's answer.
    Answer(&'a Answer<'a>),
    /// A refusal of the host's own, which is always the last answer.
    Refusal(Refused),
}

/// Sends an answer. What fits in `room` is one write; without any, each piece
/// is.
///
/// A socket's write sends by itself; its flush would wait until the client has
/// said that it got everything.
//
// It is one loop over pieces and not a function for each part of an answer: what
// such functions keep adds up in every worker's future.
pub(super) fn send<C: Write>(
    connection: &mut C,
    room: &mut [u8],
    content: Content<'_>,
    manner: Manner,
) -> impl Future<Output = Result<(), C::Error>> {
    let mut pieces = pieces(content, manner);
    let mut used = 0;
    async move {
        for piece in &mut pieces {
            let mut text = [0; TEXT];
            let mut octets = piece.octets(&mut text);
            if room.is_empty() {
                connection.write_all(octets).await?;
                continue;
            }
            while !octets.is_empty() {
                let free = room.get_mut(used..).unwrap_or_default();
                let (now, later) = octets.split_at(free.len().min(octets.len()));
                free.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
                used += now.len();
                octets = later;
                if !octets.is_empty() {
                    connection.write_all(room).await?;
                    used = 0;
                }
            }
        }
        connection
            .write_all(room.get(..used).unwrap_or_default())
            .await
    }
}

/// A piece of an answer.
enum Piece<'a> {
    Text(&'a [u8]),
    Number(usize),
    Date(UnixTime),
}

/// The longest text that is made, a date's.
const TEXT: usize = 29;

impl<'a> Piece<'a> {
    /// Its octets, which may need `text`.
    fn octets<'t>(self, text: &'t mut [u8; TEXT]) -> &'t [u8]
    where
        'a: 't,
    {
        match self {
            Piece::Text(octets) => octets,
            Piece::Date(time) => {
                *text = imf_fixdate(time);
                text
            }
            Piece::Number(mut number) => {
                let mut start = text.len();
                for (at, digit) in text.iter_mut().enumerate().rev() {
                    *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
                    number /= 10;
                    start = at;
                    if number == 0 {
                        break;
                    }
                }
                text.get(start..).unwrap_or_default()
            }
        }
    }
}

/// The fields of a refusal.
const FIELDS: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("pragma", "no-cache"),
];

/// Those of one that may pass: "the server MAY generate a Retry-After header
/// field" (RFC 9110 §15.6.4), as long as the core's for a store that fails.
const FIELDS_OF_503: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("pragma", "no-cache"),
    ("retry-after", "5"),
];

/// All pieces of an answer; some are empty.
fn pieces<'a>(content: Content<'a>, manner: Manner) -> impl Iterator<Item = Piece<'a>> {
    Pieces {
        content,
        manner,
        fields: match content {
            Content::Answer(answer) => Some(answer.response().headers()),
            Content::Refusal(_) => None,
        },
        refusals: match content {
            Content::Refusal(Refused::Unable) => FIELDS_OF_503.iter(),
            _ => FIELDS.iter(),
        },
        value: "",
        at: 0,
    }
}

struct Pieces<'a, F> {
    content: Content<'a>,
    manner: Manner,
    /// The fields of an answer that are left, and those of a refusal.
    fields: Option<F>,
    refusals: core::slice::Iter<'static, (&'static str, &'static str)>,
    /// The value of the field whose name was said.
    value: &'a str,
    /// Where it is.
    at: u8,
}

impl<'a, F: Iterator<Item = (&'static str, &'a str)>> Iterator for Pieces<'a, F> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        /// The name of a field, or what comes after the last one.
        const FIELD: u8 = 5;
        const AFTER_FIELDS: u8 = 9;
        const BODY: u8 = 17;
        let Manner {
            is_1_0,
            keeps_alive,
            is_cut,
            without_body,
            now,
        } = self.manner;
        let at = self.at;
        self.at = at.saturating_add(1);
        Some(match at {
            0 if is_1_0 => Piece::Text(b"HTTP/1.0 "),
            0 => Piece::Text(b"HTTP/1.1 "),
            1 => Piece::Number(self.content.status().into()),
            2 => Piece::Text(b" "),
            3 => Piece::Text(reason(self.content.status()).as_bytes()),
            FIELD => {
                let field = match &mut self.fields {
                    Some(fields) => fields.next(),
                    None => self.refusals.next().copied(),
                };
                let Some((name, value)) = field else {
                    self.at = AFTER_FIELDS;
                    return Some(Piece::Text(b""));
                };
                self.value = value;
                Piece::Text(name.as_bytes())
            }
            6 => Piece::Text(b": "),
            7 => Piece::Text(self.value.as_bytes()),
            8 => {
                self.at = FIELD;
                Piece::Text(b"\r\n")
            }
            // What HTTP/1.0 has without a word, it has without a word.
            AFTER_FIELDS if keeps_alive && is_1_0 => Piece::Text(b"connection: keep-alive\r\n"),
            AFTER_FIELDS if !keeps_alive && (!is_1_0 || is_cut) => {
                Piece::Text(b"connection: close\r\n")
            }
            10 => Piece::Text(b"content-length: "),
            11 => Piece::Number(self.content.length()),
            // "An origin server without a clock MUST NOT generate a Date header
            // field" (RFC 9110 §6.6.1).
            13 if now.is_some() => Piece::Text(b"date: "),
            14 => now.map_or(Piece::Text(b""), Piece::Date),
            15 if now.is_none() => Piece::Text(b""),
            4 | 12 | 15 | 16 => Piece::Text(b"\r\n"),
            AFTER_FIELDS | 13 => Piece::Text(b""),
            _ if without_body => return None,
            _ => Piece::Text(self.content.body(at.saturating_sub(BODY))?),
        })
    }
}

impl<'a> Content<'a> {
    fn status(self) -> u16 {
        match self {
            Content::Answer(answer) => answer.response().status(),
            Content::Refusal(refused) => refused.answer().0,
        }
    }

    /// A piece of the body, by its number.
    fn body(self, number: u8) -> Option<&'a [u8]> {
        let (status, description) = match self {
            Content::Answer(answer) if number == 0 => return Some(answer.response().body()),
            Content::Answer(_) => return None,
            Content::Refusal(refused) => refused.answer(),
        };
        Some(match number {
            0 => b"{\"error\":\"",
            1 if status < 500 => b"invalid_request",
            1 if status == 503 => b"temporarily_unavailable",
            1 => b"server_error",
            2 => b"\",\"error_description\":\"",
            3 => description.as_bytes(),
            4 => b"\"}",
            _ => return None,
        })
    }

    fn length(self) -> usize {
        let pieces = (0..).map_while(|number| self.body(number));
        pieces.map(<[u8]>::len).sum()
    }
}

/// The reason phrase of a status, as the simulator has it.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        302 => "Found",
        303 => "See Other",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Payload Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
