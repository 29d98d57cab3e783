//! A connection that says and hears what a test wrote down, in virtual time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use smallgate_core::http::Source;
use smallgate_core::oauth::{AuthorizationServer, Event};
use smallgate_core::profile::STANDARD;
use smallgate_core::secret::Entropy;
use smallgate_core::time::UnixTime;
use smallgate_firmware::devices::{Devices, NoPins};
use smallgate_firmware::http::{
    Buffers, Deadlines, Ended, Gateway, Peer, Platform, Rooms, Subnet, Surroundings, serve,
};
use smallgate_firmware::progress::Pulse;
use smallgate_tests::rig::{Rig, START};

/// Time that passes when all wait.
#[derive(Default)]
pub(crate) struct Virtual {
    now: Cell<Duration>,
    next: Cell<Option<Duration>>,
}

impl Virtual {
    /// Somebody kept the processor for so long.
    pub(crate) fn pass(&self, duration: Duration) {
        self.now.set(self.now.get() + duration);
    }

    async fn until(&self, time: Duration) {
        poll_fn(|_| {
            if self.now.get() >= time {
                return Poll::Ready(());
            }
            let next = self.next.get().map_or(time, |next| next.min(time));
            self.next.set(Some(next));
            Poll::Pending
        })
        .await;
    }

    async fn wait(&self, duration: Duration) {
        self.until(self.now.get() + duration).await;
    }

    /// Runs `future` to its end.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        struct Flag(AtomicBool);
        impl Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut future = pin!(future);
        loop {
            self.next.set(None);
            if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return done;
            }
            if !flag.0.swap(false, Ordering::Relaxed) {
                let next = self.next.get().expect("it waits for something");
                self.now.set(next);
            }
        }
    }
}

/// What a client does next.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    Pause(Duration),
    /// Ends its side.
    Finish,
    /// Is gone: reading fails.
    Vanish,
}

pub(crate) struct Connection<'v> {
    time: &'v Virtual,
    script: VecDeque<Act>,
    /// Until when, if it pauses.
    paused: Option<Duration>,
    /// Each write of the server's.
    pub(crate) writes: Vec<Vec<u8>>,
    pub(crate) reads: usize,
    /// The client takes no octet.
    deaf: bool,
    pub(crate) closed: bool,
    pub(crate) aborted: bool,
}

impl<'v> Connection<'v> {
    pub(crate) fn new(time: &'v Virtual, script: impl IntoIterator<Item = Act>) -> Self {
        Connection {
            time,
            script: script.into_iter().collect(),
            paused: None,
            writes: Vec::new(),
            reads: 0,
            deaf: false,
            closed: false,
            aborted: false,
        }
    }
}

impl ErrorType for Connection<'_> {
    type Error = ErrorKind;
}

impl Read for Connection<'_> {
    async fn read(&mut self, room: &mut [u8]) -> Result<usize, ErrorKind> {
        self.reads += 1;
        loop {
            match self.script.front_mut() {
                // It stays, and says nothing.
                None => std::future::pending().await,
                Some(Act::Finish) => return Ok(0),
                Some(Act::Vanish) => return Err(ErrorKind::ConnectionReset),
                Some(Act::Pause(duration)) => {
                    // A read that is given up does not begin the pause anew.
                    let now = self.time.now.get();
                    let until = *self.paused.get_or_insert(now + *duration);
                    self.time.until(until).await;
                    self.paused = None;
                    self.script.pop_front();
                }
                Some(Act::Send(octets)) if octets.is_empty() => drop(self.script.pop_front()),
                Some(Act::Send(octets)) => {
                    let length = room.len().min(octets.len());
                    room[..length].copy_from_slice(&octets[..length]);
                    octets.drain(..length);
                    return Ok(length);
                }
            }
        }
    }
}

impl Write for Connection<'_> {
    async fn write(&mut self, octets: &[u8]) -> Result<usize, ErrorKind> {
        if self.deaf {
            std::future::pending::<()>().await;
        }
        assert!(!self.closed, "nothing is written after the end");
        self.writes.push(octets.to_vec());
        Ok(octets.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

pub(crate) struct Machine<'v> {
    pub(crate) time: &'v Virtual,
    pub(crate) wanted: Option<Duration>,
    /// That of the worker.
    pub(crate) pulse: Pulse,
    pub(crate) was_late: Cell<bool>,
}

impl<'v> Machine<'v> {
    pub(crate) fn new(time: &'v Virtual, wanted: Option<Duration>) -> Self {
        Machine {
            time,
            wanted,
            pulse: Pulse::new(),
            was_late: Cell::new(false),
        }
    }

    pub(crate) fn uptime(&self) -> u64 {
        self.time.now.get().as_millis().try_into().expect("soon")
    }

    fn is_back_within(&self, duration: Duration) {
        let is_late = !self.pulse.is_alive(self.uptime());
        self.was_late.set(self.was_late.get() || is_late);
        self.pulse.back_within(duration, self.uptime());
    }
}

impl Platform<Connection<'_>> for Machine<'_> {
    async fn wait(&self, duration: Duration) {
        self.is_back_within(duration);
        self.time.wait(duration).await;
    }

    fn is_at_work(&self) {
        self.is_back_within(Duration::ZERO);
    }

    fn is_at_rest(&self) {
        self.pulse.rest();
    }

    fn close(&self, connection: &mut Connection<'_>) {
        connection.closed = true;
    }

    fn abort(&self, connection: &mut Connection<'_>) {
        connection.aborted = true;
    }

    fn is_wanted(&self) -> bool {
        self.wanted.is_some_and(|from| self.time.now.get() >= from)
    }
}

/// A clock that stands, entropy that counts, and events to look at.
pub(crate) struct Bench {
    pub(crate) now: Option<UnixTime>,
    pub(crate) healthy: bool,
    draws: Cell<u8>,
    pub(crate) events: RefCell<Vec<String>>,
    pub(crate) sources: RefCell<Vec<Source>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Bench {
            now: Some(START),
            healthy: true,
            draws: Cell::new(0),
            events: RefCell::new(Vec::new()),
            sources: RefCell::new(Vec::new()),
        }
    }
}

impl Surroundings for Bench {
    fn uptime(&self) -> u32 {
        0
    }

    fn now(&self) -> Option<UnixTime> {
        self.now
    }

    fn serving_since(&self) -> UnixTime {
        UnixTime(0)
    }

    fn entropy(&self) -> Option<[u8; Entropy::SIZE]> {
        let draw = self.draws.get().wrapping_add(1);
        self.draws.set(draw);
        self.healthy.then_some([draw; Entropy::SIZE])
    }

    fn is_entropy_healthy(&self) -> bool {
        self.healthy
    }

    fn event(&self, event: &Event<'_>, source: Source) {
        self.events.borrow_mut().push(format!("{event:?}"));
        self.sources.borrow_mut().push(source);
    }
}

/// Devices behind a gateway that has none.
pub(crate) fn nothing() -> Devices<'static, NoPins> {
    Devices::new((&[][..]).into(), NoPins)
}

/// How a scripted connection is served.
pub(crate) struct Case {
    pub(crate) bench: Bench,
    /// From when on the worker is wanted.
    pub(crate) wanted: Option<Duration>,
    pub(crate) deaf: bool,
    pub(crate) trusted_proxies: Vec<Subnet>,
    /// The size of the buffer that gathers what is sent.
    pub(crate) sending: usize,
}

impl Default for Case {
    fn default() -> Self {
        Case {
            bench: Bench::new(),
            wanted: None,
            deaf: false,
            trusted_proxies: Vec::new(),
            sending: 2048,
        }
    }
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) writes: Vec<Vec<u8>>,
    pub(crate) reads: usize,
    pub(crate) took: Duration,
}

impl Outcome {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.writes.concat()).expect("text")
    }
}

/// Where connections come from.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The longest head: 2,048 octets.
pub(crate) const REQUEST: usize = 2048 + 1024;

impl Case {
    pub(crate) fn run(&self, script: impl IntoIterator<Item = Act>) -> Outcome {
        let rig = Rig::new(STANDARD);
        let store = RefCell::new(rig.store);
        let devices = RefCell::new(nothing());
        let gateway = Gateway::new(
            &rig.server,
            &rig.throttle,
            &store,
            &self.bench,
            &devices,
            100,
            UnixTime(0),
        );
        let time = Virtual::default();
        let mut connection = Connection::new(&time, script);
        connection.deaf = self.deaf;
        let machine = Machine::new(&time, self.wanted);
        let mut request = vec![0; REQUEST];
        let mut answer = vec![0; AuthorizationServer::ROOM];
        let rooms = Rooms::new();
        assert!(rooms.put(&mut answer).is_ok());
        let mut sending = vec![0; self.sending];
        let buffers = Buffers {
            request: &mut request,
            rooms: &rooms,
            sending: &mut sending,
        };
        let deadlines = Deadlines::DEFAULT;
        let ended = time.run(serve(
            &mut connection,
            Peer {
                address: HERE,
                trusted_proxies: &self.trusted_proxies,
            },
            &machine,
            buffers,
            &deadlines,
            &gateway,
        ));
        assert!(connection.closed && connection.aborted, "it is ended");
        let outcome = Outcome {
            ended,
            writes: connection.writes,
            reads: connection.reads,
            took: time.now.get(),
        };
        let is_alive = machine.pulse.is_alive(machine.uptime());
        assert!(is_alive && !machine.was_late.get(), "it is never late");
        let answer = time.run(rooms.take());
        assert!(
            request.iter().chain(&*answer).all(|octet| *octet == 0),
            "nothing of a request is left"
        );
        outcome
    }

    pub(crate) fn send(&self, octets: &[u8]) -> Outcome {
        self.run([Act::Send(octets.to_vec()), Act::Finish])
    }
}
