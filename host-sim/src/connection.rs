//! A connection that does not wait for ever.
//!
//! hyper has one deadline for a head, and it runs between requests too. Here a
//! head that has begun, and a connection that is idle, have each their own.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use smallgate_firmware::http::Refused;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;

use crate::refusal;

/// What a connection is doing, as seen from both of its ends: the stream, and
/// the service that answers.
#[derive(Clone)]
pub(crate) struct Phase(Arc<AtomicU32>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// A head has begun, or the connection has.
    Head,
    /// A request is being answered; its body has a deadline of its own.
    Answering,
    /// Nothing, after an answer.
    Idle,
    /// As [`Doing::Idle`], and the rest of the request will not be read.
    Leaving,
}

impl Phase {
    /// A connection that has just begun.
    pub(crate) fn new() -> Self {
        Phase(Arc::new(AtomicU32::new(0)))
    }

    /// A request has arrived.
    pub(crate) fn answering(&self) {
        self.enter(Doing::Answering);
    }

    /// Its answer is on the way.
    pub(crate) fn answered(&self) {
        self.enter(Doing::Idle);
    }

    /// An answer is on the way after which the connection ends, though the
    /// client may still be sending.
    pub(crate) fn leaving(&self) {
        self.enter(Doing::Leaving);
    }

    /// Counts up, so that a phase that comes again is seen to be a new one. Both
    /// ends belong to one task: nothing is ordered by it.
    fn enter(&self, doing: Doing) {
        let count = (self.0.load(Ordering::Relaxed) >> 2).wrapping_add(1);
        self.0.store(count << 2 | doing as u32, Ordering::Relaxed);
    }

    fn stamp(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn doing(&self) -> Doing {
        match self.stamp() & 3 {
            0 => Doing::Head,
            1 => Doing::Answering,
            2 => Doing::Idle,
            _ => Doing::Leaving,
        }
    }
}

/// How long a connection may take.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) head: Duration,
    pub(crate) idle: Duration,
}

/// How much is read and thrown away after an answer, so that the client reads
/// the answer and not a reset (RFC 9112 §9.6), and for how long.
const LEFTOVER: usize = 256 * 1024;
const LEFTOVER_TIME: Duration = Duration::from_secs(2);

/// What carries a connection's octets.
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream that fails once its phase has lasted too long.
pub(crate) struct Stream {
    transport: Transport,
    phase: Phase,
    patience: Patience,
    /// The phase that `sleep` was set for.
    armed: Option<u32>,
    sleep: Pin<Box<Sleep>>,
    /// A head has begun, at least once.
    heard: bool,
    /// What is being sent in the place of an answer of hyper's own.
    instead: Option<VecDeque<u8>>,
    /// What may still be thrown away; none once the end was announced.
    leftover: Option<usize>,
}

impl Stream {
    pub(crate) fn new(transport: Transport, phase: Phase, patience: Patience) -> Self {
        Stream {
            transport,
            phase,
            patience,
            armed: None,
            heard: false,
            instead: None,
            sleep: Box::pin(tokio::time::sleep(patience.head)),
            leftover: None,
        }
    }

    /// Whether the phase has lasted too long; wakes the task when it will have.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let limit = match self.phase.doing() {
            Doing::Head => self.patience.head,
            Doing::Answering => return Poll::Pending,
            Doing::Idle | Doing::Leaving => self.patience.idle,
        };
        let stamp = self.phase.stamp();
        if self.armed != Some(stamp) {
            self.armed = Some(stamp);
            self.sleep.as_mut().reset(Instant::now() + limit);
        }
        self.sleep
            .as_mut()
            .poll(cx)
            .map(|()| io::ErrorKind::TimedOut.into())
    }

    fn or_too_late<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Pending => self.poll_deadline(cx).map(Err),
            ready => ready,
        }
    }

    /// Reads on until the client has read the answer and ends, within bounds.
    fn poll_leftover(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut room = [0; 4096];
        while let Some(left) = self.leftover {
            let mut room = ReadBuf::new(&mut room);
            match Pin::new(&mut self.transport).poll_read(cx, &mut room) {
                Poll::Ready(Ok(())) if !room.filled().is_empty() => {
                    self.leftover = left.checked_sub(room.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending => return self.sleep.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.transport).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.heard = true;
            if self.phase.doing() == Doing::Idle {
                self.phase.enter(Doing::Head);
            }
        }
        let outcome = self.or_too_late(cx, outcome);
        let is_late =
            matches!(&outcome, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::TimedOut);
        if is_late && self.heard && self.phase.doing() == Doing::Head {
            // There is room for it, or nobody who reads.
            let answer = refusal::answer(Refused::HeadTooLate);
            let _unread = Pin::new(&mut self.transport).poll_write(cx, &answer);
            let _unread = Pin::new(&mut self.transport).poll_flush(cx);
        }
        outcome
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.instead.is_none() {
            self.instead = refusal::instead_of(octets).map(VecDeque::from);
        }
        let Some(mut instead) = self.instead.take() else {
            let outcome = Pin::new(&mut self.transport).poll_write(cx, octets);
            return self.or_too_late(cx, outcome);
        };
        while !instead.is_empty() {
            let outcome = Pin::new(&mut self.transport).poll_write(cx, instead.as_slices().0);
            match self.or_too_late(cx, outcome) {
                Poll::Ready(Ok(written)) => drop(instead.drain(..written)),
                unfinished => {
                    self.instead = Some(instead);
                    return unfinished;
                }
            }
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [slice] = slices
            && (self.instead.is_some() || refusal::instead_of(slice).is_some())
        {
            return self.poll_write(cx, slice);
        }
        let outcome = Pin::new(&mut self.transport).poll_write_vectored(cx, slices);
        self.or_too_late(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS takes octets that nobody reads, and waits here.
        let outcome = Pin::new(&mut self.transport).poll_flush(cx);
        self.or_too_late(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.leftover.is_none() {
            let outcome = Pin::new(&mut self.transport).poll_shutdown(cx);
            ready!(self.or_too_late(cx, outcome))?;
            if self.phase.doing() != Doing::Leaving {
                return Poll::Ready(Ok(()));
            }
            self.leftover = Some(LEFTOVER);
            self.sleep.as_mut().reset(Instant::now() + LEFTOVER_TIME);
        }
        self.poll_leftover(cx).map(Ok)
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, octets),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
