//! An answer on its way out.

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

/// Gathers octets, so that what fits in its buffer is one write.
pub(super) struct Gathered<'w, C> {
    pub(super) connection: &'w mut C,
    pub(super) room: &'w mut [u8],
    pub(super) used: usize,
}

impl<C: Write> Gathered<'_, C> {
    /// Sends the core's answer.
    pub(super) async fn answer(
        mut self,
        answer: &Answer<'_>,
        manner: Manner,
    ) -> Result<(), C::Error> {
        let answer = answer.response();
        self.status(answer.status(), manner).await?;
        for (name, value) in answer.headers() {
            self.field(name, value.as_bytes()).await?;
        }
        self.end_of_head(answer.body().len(), manner).await?;
        if !manner.without_body {
            self.push(answer.body()).await?;
        }
        self.send().await
    }

    /// Sends a refusal of the host's own, which is always the last answer.
    pub(super) async fn refusal(
        mut self,
        refused: Refused,
        manner: Manner,
    ) -> Result<(), C::Error> {
        let (status, description) = refused.answer();
        let body: [&[u8]; 5] = [
            b"{\"error\":\"",
            if status < 500 {
                b"invalid_request"
            } else {
                b"server_error"
            },
            b"\",\"error_description\":\"",
            description.as_bytes(),
            b"\"}",
        ];
        self.status(status, manner).await?;
        self.field("content-type", b"application/json").await?;
        self.field("cache-control", b"no-store").await?;
        self.field("pragma", b"no-cache").await?;
        let length = body.iter().map(|piece| piece.len()).sum();
        self.end_of_head(length, manner).await?;
        if !manner.without_body {
            for piece in body {
                self.push(piece).await?;
            }
        }
        self.send().await
    }

    async fn status(&mut self, status: u16, manner: Manner) -> Result<(), C::Error> {
        self.push(match manner.is_1_0 {
            true => b"HTTP/1.0 ",
            false => b"HTTP/1.1 ",
        })
        .await?;
        self.number(status.into()).await?;
        self.push(b" ").await?;
        self.push(reason(status).as_bytes()).await?;
        self.push(b"\r\n").await
    }

    async fn field(&mut self, name: &str, value: &[u8]) -> Result<(), C::Error> {
        self.push(name.as_bytes()).await?;
        self.push(b": ").await?;
        self.push(value).await?;
        self.push(b"\r\n").await
    }

    async fn end_of_head(&mut self, length: usize, manner: Manner) -> Result<(), C::Error> {
        // What HTTP/1.0 has without a word, it has without a word.
        if manner.keeps_alive && manner.is_1_0 {
            self.field("connection", b"keep-alive").await?;
        } else if !manner.keeps_alive && (!manner.is_1_0 || manner.is_cut) {
            self.field("connection", b"close").await?;
        }
        self.push(b"content-length: ").await?;
        self.number(length).await?;
        self.push(b"\r\n").await?;
        // "An origin server without a clock MUST NOT generate a Date header
        // field" (RFC 9110 §6.6.1).
        if let Some(now) = manner.now {
            self.field("date", &imf_fixdate(now)).await?;
        }
        self.push(b"\r\n").await
    }

    async fn number(&mut self, mut number: usize) -> Result<(), C::Error> {
        let mut digits = [0; 20];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            used += 1;
            if number == 0 {
                break;
            }
        }
        let start = digits.len() - used;
        self.push(digits.get(start..).unwrap_or_default()).await
    }

    async fn push(&mut self, mut octets: &[u8]) -> Result<(), C::Error> {
        if self.room.is_empty() {
            return self.connection.write_all(octets).await;
        }
        while !octets.is_empty() {
            let room = self.room.get_mut(self.used..).unwrap_or_default();
            let fits = room.len().min(octets.len());
            let (now, later) = octets.split_at(fits);
            if let Some(room) = room.get_mut(..fits) {
                room.copy_from_slice(now);
            }
            self.used += fits;
            octets = later;
            if !octets.is_empty() {
                self.write().await?;
            }
        }
        Ok(())
    }

    /// Sends what is left. A socket's write sends by itself; its flush would
    /// wait until the client has said that it got everything.
    async fn send(mut self) -> Result<(), C::Error> {
        self.write().await
    }

    async fn write(&mut self) -> Result<(), C::Error> {
        let octets = self.room.get(..self.used).unwrap_or_default();
        self.used = 0;
        self.connection.write_all(octets).await
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
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
