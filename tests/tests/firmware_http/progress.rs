//! A worker's pulse: it says when it will be back, and is. The scripted machine
//! looks at it in every case; here is one that takes long.

use std::cell::Cell;
use std::time::Duration;

use smallgate_core::http::Request;
use smallgate_core::oauth::Answer;
use smallgate_core::time::UnixTime;
use smallgate_firmware::http::{
    Buffers, Deadlines, Ended, Exchange, Handler, Peer, Refused, Rooms, serve,
};
use smallgate_firmware::progress::Pulse;

use crate::scripted::{Act, Connection, HERE, Machine, Virtual};

/// Does its work in slices, and has no answer in the end.
struct Slow<'v> {
    time: &'v Virtual,
    slices: u32,
    /// How long each of them takes.
    slice: Duration,
}

struct Working<'v> {
    slow: &'v Slow<'v>,
    left: Cell<u32>,
}

impl Handler for Slow<'_> {
    type Exchange<'x>
        = Working<'x>
    where
        Self: 'x;

    fn body_limit(&self) -> usize {
        1024
    }

    fn now(&self) -> Option<UnixTime> {
        None
    }

    fn begin<'x>(&'x self, _: Request<'_, 'x>, _: &'x mut [u8]) -> Working<'x> {
        Working {
            slow: self,
            left: Cell::new(self.slices),
        }
    }
}

impl<'x> Exchange<'x> for Working<'x> {
    fn advance(&mut self) -> bool {
        self.slow.time.pass(self.slow.slice);
        self.left.set(self.left.get() - 1);
        self.left.get() == 0
    }

    fn answer(&self) -> Option<&Answer<'x>> {
        None
    }
}

/// Serves one request; whether the worker was ever late.
fn served(slices: u32, slice: Duration) -> bool {
    let time = Virtual::default();
    let slow = Slow {
        time: &time,
        slices,
        slice,
    };
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    let mut connection = Connection::new(&time, [Act::Send(get), Act::Finish]);
    let machine = Machine::new(&time, None);
    let (mut request, mut answer) = ([0; 3072], [0; 64]);
    let rooms = Rooms::new();
    assert!(rooms.put(&mut answer).is_ok());
    let serving = serve(
        &mut connection,
        Peer {
            address: HERE,
            trusted_proxies: &[],
        },
        &machine,
        Buffers {
            request: &mut request,
            rooms: &rooms,
            sending: &mut [],
        },
        &Deadlines::DEFAULT,
        &slow,
    );
    let ended = time.run(serving);
    assert_eq!(ended, Ended::Refused(Refused::Unable));
    machine.was_late.get()
}

#[test]
fn work_in_slices_is_progress_however_long_it_takes() {
    assert!(!served(1000, Duration::from_secs(20)));
    assert!(!served(1, Duration::from_secs(20)));
}

#[test]
fn a_slice_that_takes_too_long_is_none() {
    assert!(served(2, Duration::from_secs(40)));
}

#[test]
fn who_is_back_in_time_is_alive_and_who_is_late_is_not() {
    let pulse = Pulse::new();
    assert!(pulse.is_alive(0) && pulse.is_alive(u64::MAX));
    pulse.back_within(Duration::from_secs(5), 10_000);
    let due = 15_000 + Pulse::GRACE;
    assert!(pulse.is_alive(10_000) && pulse.is_alive(due));
    assert!(!pulse.is_alive(due + 2_000) && !pulse.is_alive(u64::MAX));
    // Back, though late: it goes on.
    pulse.back_within(Duration::ZERO, due + 3_000);
    assert!(pulse.is_alive(due + 3_000));
    pulse.rest();
    assert!(pulse.is_alive(u64::MAX));
}

/// As long as there is: milliseconds of an uptime that is no number of 32 bits
/// of seconds, and lengths of any size.
#[test]
fn a_pulse_has_no_end_of_time() {
    let pulse = Pulse::new();
    for (duration, uptime) in [
        (Duration::MAX, 0),
        (Duration::ZERO, u64::MAX),
        (Duration::MAX, u64::MAX),
        (Duration::ZERO, u64::from(u32::MAX) * 1000),
    ] {
        pulse.back_within(duration, uptime);
        assert!(pulse.is_alive(uptime));
    }
}
