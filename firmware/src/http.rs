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
//! [`Gateway`] is the one that drives an exchange, and asks the
//! [`devices`](crate::devices). Nothing here allocates, and
//! there is no deadline that does not end: whatever a client sends or does not
//! send, a worker is back after a bounded time.

mod address;
mod date;
mod gateway;
mod head;
mod input;
mod reply;
mod source;
pub mod status;
mod worker;

use core::future::Future;
use core::time::Duration;

use embedded_io_async::{Read, Write};
use smallgate_core::http::Request;
use smallgate_core::oauth::Answer;
use smallgate_core::time::{Seconds, UnixTime};

use crate::image::Timeouts;
use crate::queue::Queue;

pub use date::imf_fixdate;
pub use gateway::{Gateway, Pending, Surroundings};
pub use head::{Framing, MAX_HEADERS, Refused};
pub use source::{Peer, Subnet, source};
use worker::Worker;

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

    /// Whether a client waits for a worker. Then this one's connection ends with
    /// its next answer, or soon if it says nothing: it is asked after an answer,
    /// and ten times a second of silence. A board that counts off the
    /// connections which are being ended spares the others.
    fn is_wanted(&self) -> bool {
        false
    }

    /// The worker did a slice of its work, and will soon do the next one. All
    /// else that it does is over within what it waits for.
    fn is_at_work(&self) {}

    /// The worker waits for another one.
    fn is_at_rest(&self) {}
}

/// How a request is answered.
pub trait Handler {
    /// See [`Exchange`].
    type Exchange<'x>: Exchange<'x>
    where
        Self: 'x;

    /// The longest body, in octets. A longer one comes as
    /// [`Body::TooLong`](smallgate_core::http::Body::TooLong).
    fn body_limit(&self) -> usize;

    /// The time for `Date`, if it is known.
    fn now(&self) -> Option<UnixTime>;

    /// Begins to answer `request`, in `out`.
    fn begin<'x>(&'x self, request: Request<'_, 'x>, out: &'x mut [u8]) -> Self::Exchange<'x>;
}

/// A request that is being answered. It is not dropped before it is over, so
/// that no client that hangs up cuts off a commit. Nor is it moved: it is the
/// largest thing that a worker holds, and a future holds what it moves twice.
pub trait Exchange<'x> {
    /// Does a slice of the work, so that others have their turn between two;
    /// true when it is over, and then it is not asked again.
    fn advance(&mut self) -> bool;

    /// The answer, once it is over; none if the server is not able to answer.
    fn answer(&self) -> Option<&Answer<'x>>;
}

/// Rooms for the core's answers, `AuthorizationServer::ROOM` octets each. Workers
/// share them: most of the time they wait for a client and need none. With fewer
/// rooms than workers a client that is slow to take a long answer, or a password
/// that is being hashed, may let others wait, for [`Deadlines::sending`] at most.
pub type Rooms<'r> = Queue<&'r mut [u8], MAX_ROOMS>;

/// The most [`Rooms`], and the most workers that share them.
pub const MAX_ROOMS: usize = 8;

/// A worker's memory, the same for one connection after another.
pub struct Buffers<'b, 'r> {
    /// Takes a request: the longest body of [`Handler::body_limit`], and the
    /// rest is for the longest head. What is longer is refused with 431.
    pub request: &'b mut [u8],
    /// One of them takes the core's answer, from the moment that the whole
    /// request is there until the answer is handed to the connection.
    pub rooms: &'b Rooms<'r>,
    /// Gathers what is sent: an answer that fits in here is one write. 1,024
    /// octets hold all but pages and key sets.
    ///
    /// It may be empty. Then each piece of an answer, a few dozen of them, is a
    /// write of its own. That is right for a socket that copies what is written
    /// into a transmit buffer and sends when its executor comes to it, as
    /// embassy-net's does with `set_nagle_enabled(false)`: nothing here waits
    /// between two pieces unless that buffer is full, so the network's task runs
    /// after the last one, and sends segments as long as they may be. A socket
    /// that sends at each write needs this buffer.
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
    /// 5 s for a head, for a body, and idle: a board has few workers.
    pub const DEFAULT: Deadlines = Deadlines {
        head: Duration::from_secs(5),
        body: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        sending: Duration::from_secs(5),
        closing: Duration::from_millis(500),
    };

    /// These, but for what an image says.
    #[must_use]
    pub fn with(self, timeouts: Timeouts) -> Self {
        let or = |length: Option<Seconds>, otherwise| {
            length.map_or(otherwise, |length| Duration::from_secs(length.0.into()))
        };
        Deadlines {
            head: or(timeouts.head, self.head),
            body: or(timeouts.body, self.body),
            idle: or(timeouts.idle, self.idle),
            ..self
        }
    }
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Ended {
    /// The client ended it, between requests or within a head.
    ByClient,
    /// The client asked for it, is HTTP/1.0, or its place was wanted.
    AfterAnswer,
    /// The body was too long; it was answered and not read.
    TooLong,
    /// A request was refused.
    Refused(Refused),
    /// No request came in time, or while nobody else waited for the worker.
    Idle,
    /// The client did not take an answer in time.
    Unread,
    /// Reading or writing failed.
    Broken,
}

/// Answers the requests of `connection`, which comes from `peer`, until it
/// ends, and ends it. Pipelined requests are answered in their order.
//
// No `async fn`: its future would hold the arguments beside the worker.
pub fn serve<'w, 'r, C, P, H>(
    connection: &'w mut C,
    peer: Peer<'w>,
    platform: &'w P,
    buffers: Buffers<'w, 'r>,
    deadlines: &'w Deadlines,
    handler: &'w H,
) -> impl Future<Output = Ended>
where
    C: Read + Write,
    P: Platform<C>,
    H: Handler,
{
    let mut worker = Worker::new(connection, peer, platform, buffers, deadlines, handler);
    async move { worker.serve().await }
}
