//! A connection's requests, one after another.

use core::time::Duration;

use embassy_futures::select::{Either, select};
use embassy_futures::yield_now;
use embedded_io_async::{Read, Write};
use smallgate_core::http::{Body, Header, Request};
use zeroize::Zeroize;

use super::head::{self, Framing, Refused};
use super::input::Input;
use super::reply::{Content, Manner, send};
use super::source::source;
use super::{Buffers, Deadlines, Ended, Exchange, Handler, MAX_HEADERS, Peer, Platform, Rooms};

/// How many octets are read and thrown away after the last answer, so that the
/// client reads that and not a reset (RFC 9112 §9.6).
const LEFTOVER: usize = 64 * 1024;

/// Empty lines before a request, in octets: "a server that is expecting to
/// receive and parse a request-line SHOULD ignore at least one empty line (CRLF)
/// received prior to the request-line" (RFC 9112 §2.2).
const EMPTY_LINES: usize = 4;

/// How often a worker that waits for its client looks whether it is wanted, and
/// how long a client may say nothing between two requests then.
const SILENCE: Duration = Duration::from_millis(100);

/// How long a client may take for whatever it is at though its worker is wanted:
/// what it has sent may still be on the way.
const GRACE: Duration = Duration::from_secs(1);

/// What serves a connection.
pub(super) struct Worker<'w, 'r, C, P, H> {
    connection: &'w mut C,
    peer: Peer<'w>,
    platform: &'w P,
    deadlines: &'w Deadlines,
    handler: &'w H,
    input: Input<'w>,
    rooms: &'w Rooms<'r>,
    sending: &'w mut [u8],
    /// A request of this connection was answered.
    answered: bool,
}

/// Why a request is the last one.
enum Last {
    Ended(Ended),
    Refused(Refused, Manner),
}

/// Where a request is in the input.
#[derive(Clone, Copy)]
struct Extent {
    /// The length of its head.
    head: usize,
    /// The length of its body; none if that is too long.
    body: Option<usize>,
}

impl Extent {
    fn end(self) -> usize {
        self.head.saturating_add(self.body.unwrap_or(0))
    }
}

impl<'w, 'r, C, P, H> Worker<'w, 'r, C, P, H>
where
    C: Read + Write,
    P: Platform<C>,
    H: Handler,
{
    pub(super) fn new(
        connection: &'w mut C,
        peer: Peer<'w>,
        platform: &'w P,
        buffers: Buffers<'w, 'r>,
        deadlines: &'w Deadlines,
        handler: &'w H,
    ) -> Self {
        Worker {
            connection,
            peer,
            platform,
            deadlines,
            handler,
            input: Input {
                octets: buffers.request,
                filled: 0,
            },
            rooms: buffers.rooms,
            sending: buffers.sending,
            answered: false,
        }
    }

    /// Answers requests until the connection ends, and ends it.
    pub(super) async fn serve(&mut self) -> Ended {
        let ended = loop {
            match self.request().await {
                // Whoever pipelines waits for those who do not.
                Ok(()) if self.input.filled > 0 => yield_now().await,
                Ok(()) => {}
                Err(Last::Ended(ended)) => break ended,
                Err(Last::Refused(refused, manner)) => {
                    break self.refuse(refused, manner).await;
                }
            }
        };
        self.end().await;
        ended
    }

    /// Takes a request and answers it; an error if it was the last one.
    async fn request(&mut self) -> Result<(), Last> {
        let end = self.head().await?;
        let (framing, mut manner) = self.framing(end)?;
        let is_too_long = framing.length > self.handler.body_limit();
        let extent = Extent {
            head: end,
            body: (!is_too_long).then_some(framing.length),
        };
        if self.input.filled < extent.end() {
            let received = self.body(extent.end(), framing.expects_continue).await;
            received.map_err(|refused| Last::Refused(refused, manner))?;
        }
        let sent = {
            self.platform.is_at_rest();
            let mut room = self.rooms.lease().await;
            self.platform.is_at_work();
            let mut exchange = begin(
                self.handler,
                self.peer,
                self.input.octets,
                extent,
                &mut room,
            );
            while !exchange.advance() {
                self.platform.is_at_work();
                yield_now().await;
            }
            let Some(answer) = exchange.answer() else {
                return Err(Last::Refused(Refused::Unable, manner));
            };
            manner.is_cut = is_too_long || self.platform.is_wanted();
            manner.keeps_alive = framing.keeps_alive && !manner.is_cut;
            manner.now = self.handler.now();
            let sending = send(
                self.connection,
                self.sending,
                Content::Answer(answer),
                manner,
            );
            let patience = patience(self.platform, self.deadlines.sending, GRACE, || {
                self.rooms.is_wanted()
            });
            select(sending, patience).await
        };
        self.sending.zeroize();
        match sent {
            Either::First(Ok(())) => {}
            Either::First(Err(_)) => return Err(Last::Ended(Ended::Broken)),
            Either::Second(()) => return Err(Last::Ended(Ended::Unread)),
        }
        self.input.consume(extent.end());
        self.answered = true;
        match (manner.keeps_alive, is_too_long) {
            (true, _) => Ok(()),
            (false, false) => Err(Last::Ended(Ended::AfterAnswer)),
            (false, true) => Err(Last::Ended(Ended::TooLong)),
        }
    }

    /// Receives a head and says where it ends. More may have come with it.
    async fn head(&mut self) -> Result<usize, Last> {
        if self.answered && self.input.filled == 0 {
            self.first().await.map_err(Last::Ended)?;
        }
        let body = self.handler.body_limit();
        let longest = self.input.octets.len().saturating_sub(body);
        let receiving = async {
            let mut ignored = 0;
            let mut looked_at = 0;
            loop {
                let blank = self.input.filled().iter();
                let blank = blank.take_while(|octet| matches!(octet, b'\r' | b'\n'));
                let blank = blank.count();
                ignored += blank;
                if ignored > EMPTY_LINES {
                    return Err(Last::Refused(Refused::Malformed, Manner::CUT));
                }
                self.input.consume(blank);
                let filled = self.input.filled();
                match head::end(filled) {
                    Some(end) if end <= longest => return Ok(end),
                    None if filled.len() < longest => {}
                    _ => {
                        let refused = match filled.contains(&b'\n') {
                            true => Refused::HeadTooLong,
                            false => Refused::TargetTooLong,
                        };
                        return Err(Last::Refused(refused, Manner::CUT));
                    }
                }
                // Each line is looked at when it is whole, at most one for each
                // field, so that nobody waits for the rest of what is no head.
                let fresh = filled.get(looked_at..).unwrap_or_default();
                if fresh.contains(&b'\n') {
                    head::check(filled).map_err(|refused| Last::Refused(refused, Manner::CUT))?;
                }
                looked_at = filled.len();
                let more = self.input.more(self.connection).await;
                more.map_err(Last::Ended)?;
            }
        };
        let patience = patience(self.platform, self.deadlines.head, GRACE, || false);
        match select(receiving, patience).await {
            Either::First(outcome) => outcome,
            Either::Second(()) if self.input.filled == 0 => Err(Last::Ended(Ended::Idle)),
            Either::Second(()) => Err(Last::Refused(Refused::HeadTooLate, Manner::CUT)),
        }
    }

    /// Waits for the first octets of another head. Whoever says nothing gives way
    /// to those who wait.
    async fn first(&mut self) -> Result<(), Ended> {
        let patience = patience(self.platform, self.deadlines.idle, SILENCE, || false);
        let more = self.input.more(self.connection);
        match select(more, patience).await {
            Either::First(more) => more,
            Either::Second(()) => Err(Ended::Idle),
        }
    }

    /// What the head says about the message itself, and how it is answered.
    fn framing(&self, end: usize) -> Result<(Framing, Manner), Last> {
        let octets = self.input.octets.get(..end).unwrap_or_default();
        let mut manner = Manner {
            without_body: octets.starts_with(HEAD),
            ..Manner::CUT
        };
        let mut slots = [NO_HEADER; MAX_HEADERS];
        match head::read(octets, &mut slots) {
            Ok(head) => {
                manner.is_1_0 = head.framing.is_1_0;
                Ok((head.framing, manner))
            }
            Err(refused) => Err(Last::Refused(refused, manner)),
        }
    }

    /// Receives a body, which ends at `end` of the input.
    async fn body(&mut self, end: usize, expects_continue: bool) -> Result<(), Refused> {
        let receiving = async {
            if expects_continue {
                let go_on = self.connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
                go_on.await.map_err(|_| Refused::BodyBroken)?;
            }
            self.input.fill(self.connection, end).await
        };
        let patience = patience(self.platform, self.deadlines.body, GRACE, || false);
        match select(receiving, patience).await {
            Either::First(received) => received,
            Either::Second(()) => Err(Refused::BodyTooLate),
        }
    }

    /// Says why a request is refused. It is the connection's last.
    async fn refuse(&mut self, refused: Refused, mut manner: Manner) -> Ended {
        manner.now = self.handler.now();
        // Also before the whole head is there.
        manner.without_body = self.input.filled().starts_with(HEAD);
        let content = Content::Refusal(refused);
        let sending = send(self.connection, self.sending, content, manner);
        let patience = patience(self.platform, self.deadlines.sending, GRACE, || false);
        match select(sending, patience).await {
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

/// Is over after `whole`; or after `least`, once the worker is wanted, or
/// something else that it holds is.
async fn patience<C, P: Platform<C>>(
    platform: &P,
    whole: Duration,
    least: Duration,
    is_wanted: impl Fn() -> bool,
) {
    let mut left = whole;
    while left > Duration::ZERO {
        let slice = SILENCE.min(left);
        platform.wait(slice).await;
        left = left.saturating_sub(slice);
        let is_due = whole.saturating_sub(left) >= least;
        if is_due && (is_wanted() || platform.is_wanted()) {
            break;
        }
    }
}

/// Hands a request that is all there to `handler`. The slots for its head are
/// gone afterwards: no worker keeps such.
#[inline(never)]
fn begin<'x, H: Handler>(
    handler: &'x H,
    peer: Peer<'_>,
    octets: &'x mut [u8],
    extent: Extent,
    out: &'x mut [u8],
) -> H::Exchange<'x> {
    let mut slots = [NO_HEADER; MAX_HEADERS];
    let whole = octets.get_mut(..extent.end()).unwrap_or_default();
    let (octets, body) = whole.split_at_mut_checked(extent.head).unwrap_or_default();
    // It could be read before, so it can be.
    let head = head::read(octets, &mut slots).unwrap_or_default();
    let headers = slots.get(..head.fields).unwrap_or_default();
    let forwarded = headers
        .iter()
        .filter(|field| field.name.eq_ignore_ascii_case("x-forwarded-for"))
        .map(|field| field.value);
    let request = Request {
        method: head.method,
        target: head.target,
        headers,
        body: match extent.body {
            Some(_) => Body::Whole(body),
            None => Body::TooLong,
        },
        source: source(peer.origin(forwarded)),
    };
    handler.begin(request, out)
}

/// How a request begins whose answer has no body.
const HEAD: &[u8] = b"HEAD ";

const NO_HEADER: Header<'static> = Header {
    name: "",
    value: b"",
};
