//! HTTP/1.1 and HTTP/1.0 on a connection, in memory that the caller lends.
//!
//! A worker accepts a connection, calls [`serve`], and accepts the next one. As
//! many workers as a board has memory for run side by side:
//!
//! ```text
//! accept ─→ serve: head ─→ body ─→ Handler ─→ answer ─→ head … ─→ close ─→ accept …
//! ```
//!
//! What a request means is the core's to say, through a [`Handler`];
//! [`Gateway`] is the one that drives an exchange. Nothing here allocates, and
//! there is no deadline that does not end: whatever a client sends or does not
//! send, a worker is back after a bounded time.

mod date;
mod gateway;
mod head;
mod reply;

use core::future::Future;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embassy_futures::yield_now;
use embedded_io_async::{Read, Write};
use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::oauth::Answer;
use smallgate_core::time::UnixTime;
use zeroize::Zeroize;

pub use date::imf_fixdate;
pub use gateway::{Gateway, Surroundings};
pub use head::{MAX_HEADERS, Refused};
use reply::{Gathered, Manner};

/// What a board knows of time and of its connections.
pub trait Platform<C> {
    /// Is over after `duration`.
    fn wait(&self, duration: Duration) -> impl Future<Output = ()>;

    /// Says to the client that nothing more is sent; what was written before is
    /// still sent, and reading goes on.
    fn close(&self, connection: &mut C);

    /// Ends the connection whatever state it is in. It comes after
    /// [`Platform::close`], and when the client had its time.
    fn abort(&self, connection: &mut C);

    /// Whether a client waits for a worker: then this one's connection ends
    /// with its next answer.
    fn is_wanted(&self) -> bool {
        false
    }
}

/// How a request is answered.
pub trait Handler {
    /// The longest body, in octets. A longer one comes as [`Body::TooLong`].
    fn body_limit(&self) -> usize;

    /// The time for `Date`, if it is known.
    fn now(&self) -> Option<UnixTime>;

    /// Answers `request`, in `out`. It is never dropped before its end, so that
    /// no client that hangs up cuts off a commit.
    ///
    /// # Errors
    ///
    /// The server is not able to answer; the client is told so.
    fn answer<'x>(
        &'x self,
        request: Request<'x>,
        out: &'x mut [u8],
    ) -> impl Future<Output = Result<Answer<'x>, Unable>>;
}

/// There is no entropy, so nothing can be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unable;

impl core::fmt::Display for Unable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the source of entropy failed")
    }
}

impl core::error::Error for Unable {}

/// A worker's memory, the same for one connection after another.
pub struct Buffers<'b> {
    /// Takes a request: the longest body of [`Handler::body_limit`], and the
    /// rest is for the longest head. What is longer is refused with 431.
    pub request: &'b mut [u8],
    /// Takes the core's answer: `AuthorizationServer::ROOM` octets.
    pub answer: &'b mut [u8],
    /// Gathers what is sent: an answer that fits in here is one write. 1,024
    /// octets hold all but pages and key sets.
    pub sending: &'b mut [u8],
}

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For a head, from its first octet on; the first one from the connection's
    /// beginning on.
    pub head: Duration,
    /// For a body.
    pub body: Duration,
    /// Between an answer and the next request.
    pub idle: Duration,
    /// To take an answer.
    pub sending: Duration,
    /// To read the last answer and end the connection on its side.
    pub closing: Duration,
}

impl Deadlines {
    /// 5 s for a head and for a body, as the simulator has it; 5 s idle, since a
    /// board has few workers.
    pub const DEFAULT: Deadlines = Deadlines {
        head: Duration::from_secs(5),
        body: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        sending: Duration::from_secs(5),
        closing: Duration::from_millis(500),
    };
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client ended it, between requests or within a head.
    ByClient,
    /// The client asked for it, is HTTP/1.0, or its place was wanted.
    AfterAnswer,
    /// The body was too long; it was answered and not read.
    TooLong,
    /// A request was refused.
    Refused(Refused),
    /// No request came in time.
    Idle,
    /// The client did not take an answer in time.
    Unread,
    /// Reading or writing failed.
    Broken,
}

/// How many octets are read and thrown away after the last answer, so that the
/// client reads that and not a reset (RFC 9112 §9.6).
const LEFTOVER: usize = 64 * 1024;

/// Empty lines before a request, in octets: "a server that is expecting to
/// receive and parse a request-line SHOULD ignore at least one empty line (CRLF)
/// received prior to the request-line" (RFC 9112 §2.2).
const EMPTY_LINES: usize = 4;

/// Answers the requests of `connection`, which comes from `source`, until it
/// ends, and ends it. Pipelined requests are answered in their order.
pub async fn serve<C, P, H>(
    connection: &mut C,
    source: Source,
    platform: &P,
    buffers: Buffers<'_>,
    deadlines: &Deadlines,
    handler: &H,
) -> Ended
where
    C: Read + Write,
    P: Platform<C>,
    H: Handler,
{
    let mut worker = Worker {
        connection,
        platform,
        deadlines,
        handler,
        source,
        input: Input {
            octets: buffers.request,
            filled: 0,
        },
        answer: buffers.answer,
        sending: buffers.sending,
        answered: false,
    };
    let ended = loop {
        if let Err(ended) = worker.request().await {
            break ended;
        }
        // Whoever pipelines waits for those who do not.
        if worker.input.filled > 0 {
            yield_now().await;
        }
    };
    worker.end().await;
    ended
}

struct Worker<'w, C, P, H> {
    connection: &'w mut C,
    platform: &'w P,
    deadlines: &'w Deadlines,
    handler: &'w H,
    source: Source,
    input: Input<'w>,
    answer: &'w mut [u8],
    sending: &'w mut [u8],
    /// A request of this connection was answered.
    answered: bool,
}

/// The octets that came and are not yet answered.
struct Input<'b> {
    octets: &'b mut [u8],
    filled: usize,
}

impl Input<'_> {
    fn filled(&self) -> &[u8] {
        self.octets.get(..self.filled).unwrap_or_default()
    }

    /// Forgets the first `length` octets; secrets may have been among them.
    fn consume(&mut self, length: usize) {
        let length = length.min(self.filled);
        self.octets.copy_within(length..self.filled, 0);
        let left = self.filled - length;
        if let Some(gone) = self.octets.get_mut(left..self.filled) {
            gone.zeroize();
        }
        self.filled = left;
    }
}

/// Why no head came.
enum Headless {
    Ended(Ended),
    Refused(Refused),
}

impl<C, P, H> Worker<'_, C, P, H>
where
    C: Read + Write,
    P: Platform<C>,
    H: Handler,
{
    /// Takes a request and answers it; an error if it was the last one.
    async fn request(&mut self) -> Result<(), Ended> {
        let end = match self.head().await {
            Ok(end) => end,
            Err(Headless::Ended(ended)) => return Err(ended),
            Err(Headless::Refused(refused)) => {
                return Err(self.refuse(refused, Manner::CUT).await);
            }
        };
        let limit = self.handler.body_limit();
        let mut slots = [NO_HEADER; MAX_HEADERS];
        let (octets, rest) = self.input.octets.split_at_mut(end);
        let mut manner = Manner {
            without_body: octets.starts_with(b"HEAD "),
            ..Manner::CUT
        };
        let head = match head::read(octets, &mut slots) {
            Ok(head) => head,
            Err(refused) => return Err(self.refuse(refused, manner).await),
        };
        manner.is_1_0 = head.is_1_0;
        let arrived = self.input.filled.saturating_sub(end);
        let is_too_long = head.length > limit;
        let length = if is_too_long { 0 } else { head.length };
        let (body, _) = match rest.split_at_mut_checked(length) {
            Some(parts) => parts,
            // `head` left room for the longest body.
            None => return Err(self.refuse(Refused::HeadTooLong, manner).await),
        };
        if let Some(missing) = body
            .get_mut(arrived..)
            .filter(|missing| !missing.is_empty())
        {
            let receiving = async {
                if head.expects_continue {
                    let go_on = self.connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
                    go_on.await.map_err(|_| Refused::BodyBroken)?;
                }
                fill(self.connection, missing).await
            };
            let received = select(receiving, self.platform.wait(self.deadlines.body)).await;
            let refused = match received {
                Either::First(Ok(())) => None,
                Either::First(Err(refused)) => Some(refused),
                Either::Second(()) => Some(Refused::BodyTooLate),
            };
            // What of the body came after all is not counted, so wipe it here.
            if let Some(refused) = refused {
                body.zeroize();
                return Err(self.refuse(refused, manner).await);
            }
        }
        let request = Request {
            method: head.method,
            target: head.target,
            headers: slots.get(..head.fields).unwrap_or_default(),
            body: match is_too_long {
                true => Body::TooLong,
                false => Body::Whole(body),
            },
            source: self.source,
        };
        let Ok(answer) = self.handler.answer(request, self.answer).await else {
            return Err(self.refuse(Refused::Unable, manner).await);
        };
        manner.is_cut = is_too_long || self.platform.is_wanted();
        manner.keeps_alive = head.keeps_alive && !manner.is_cut;
        manner.now = self.handler.now();
        let sending = Gathered {
            connection: self.connection,
            room: self.sending,
            used: 0,
        }
        .answer(&answer, manner);
        let sent = select(sending, self.platform.wait(self.deadlines.sending)).await;
        drop(answer);
        self.sending.zeroize();
        match sent {
            Either::First(Ok(())) => {}
            Either::First(Err(_)) => return Err(Ended::Broken),
            Either::Second(()) => return Err(Ended::Unread),
        }
        // A body that came in time is all there, counted before or not.
        self.input.filled = self.input.filled.max(end.saturating_add(length));
        self.input.consume(end.saturating_add(length));
        self.answered = true;
        match (manner.keeps_alive, is_too_long) {
            (true, _) => Ok(()),
            (false, false) => Err(Ended::AfterAnswer),
            (false, true) => Err(Ended::TooLong),
        }
    }

    /// Receives a head and says where it ends. More may have come with it.
    async fn head(&mut self) -> Result<usize, Headless> {
        let body = self.handler.body_limit();
        let longest = self.input.octets.len().saturating_sub(body);
        let mut ignored = 0;
        if self.input.filled == 0 && self.answered {
            match select(
                self.input.more(self.connection),
                self.platform.wait(self.deadlines.idle),
            )
            .await
            {
                Either::First(more) => more.map_err(Headless::Ended)?,
                Either::Second(()) => return Err(Headless::Ended(Ended::Idle)),
            }
        }
        let receiving = async {
            let mut looked_at = 0;
            loop {
                let blank = self.input.filled().iter();
                let blank = blank.take_while(|octet| matches!(octet, b'\r' | b'\n'));
                let blank = blank.count();
                ignored += blank;
                if ignored > EMPTY_LINES {
                    return Err(Headless::Refused(Refused::Malformed));
                }
                self.input.consume(blank);
                let filled = self.input.filled();
                match head::end(filled) {
                    Some(end) if end <= longest => return Ok(end),
                    None if filled.len() < longest => {}
                    _ => {
                        return Err(Headless::Refused(match filled.contains(&b'\n') {
                            true => Refused::HeadTooLong,
                            false => Refused::TargetTooLong,
                        }));
                    }
                }
                // Each line is looked at when it is whole, at most one for each
                // field, so that nobody waits for the rest of what is no head.
                let fresh = filled.get(looked_at..).unwrap_or_default();
                if fresh.contains(&b'\n') {
                    head::check(filled).map_err(Headless::Refused)?;
                }
                looked_at = filled.len();
                self.input
                    .more(self.connection)
                    .await
                    .map_err(Headless::Ended)?;
            }
        };
        match select(receiving, self.platform.wait(self.deadlines.head)).await {
            Either::First(outcome) => outcome,
            Either::Second(()) if self.input.filled == 0 => Err(Headless::Ended(Ended::Idle)),
            Either::Second(()) => Err(Headless::Refused(Refused::HeadTooLate)),
        }
    }

    /// Says why a request is refused. It is the connection's last.
    async fn refuse(&mut self, refused: Refused, mut manner: Manner) -> Ended {
        manner.now = self.handler.now();
        let sending = Gathered {
            connection: self.connection,
            room: self.sending,
            used: 0,
        }
        .refusal(refused, manner);
        match select(sending, self.platform.wait(self.deadlines.sending)).await {
            Either::First(Ok(())) => Ended::Refused(refused),
            Either::First(Err(_)) => Ended::Broken,
            Either::Second(()) => Ended::Unread,
        }
    }

    /// Ends the connection, so that the client sees the last answer: "the server
    /// performs a half-close by closing only the write side […] then continues
    /// to read from the connection until it receives a corresponding close by
    /// the client" (RFC 9112 §9.6), or had its time.
    async fn end(&mut self) {
        self.platform.close(self.connection);
        let closing = async {
            let mut left = LEFTOVER;
            while left > 0 {
                match self.connection.read(self.input.octets).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => left = left.saturating_sub(read),
                }
            }
            self.connection.flush().await
        };
        let _ended = select(closing, self.platform.wait(self.deadlines.closing)).await;
        self.input.octets.zeroize();
        self.platform.abort(self.connection);
    }
}

const NO_HEADER: Header<'static> = Header {
    name: "",
    value: b"",
};

impl Input<'_> {
    /// Reads what comes, at least an octet.
    async fn more(&mut self, connection: &mut impl Read) -> Result<(), Ended> {
        let room = self.octets.get_mut(self.filled..).unwrap_or_default();
        let length = room.len();
        match connection.read(room).await {
            Ok(0) => Err(Ended::ByClient),
            Ok(read) => {
                self.filled += read.min(length);
                Ok(())
            }
            Err(_) => Err(Ended::Broken),
        }
    }
}

/// Reads until `octets` are full.
async fn fill(connection: &mut impl Read, mut octets: &mut [u8]) -> Result<(), Refused> {
    while !octets.is_empty() {
        match connection.read(octets).await {
            Ok(0) | Err(_) => return Err(Refused::BodyBroken),
            Ok(read) => octets = octets.get_mut(read..).unwrap_or_default(),
        }
    }
    Ok(())
}
