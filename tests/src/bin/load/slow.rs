//! Clients that say an octet a second, of a head or of a body: that they are
//! ended in time, keep nothing, and take nothing from others.

use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::client::{self, Connection, Enough, TokenRequest, place};
use crate::figure::Figure;
use crate::server::{Scenario, Server};
use crate::{Options, grown, slower};

const BUSY: u32 = 64;

/// They have a share of their own.
const SLOW: IpAddr = place(20);

/// What of a request is said at once; the rest is said slowly.
const BEGINNINGS: [&[u8]; 2] = [
    b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\
      Content-Type: application/x-www-form-urlencoded\r\n\r\n",
];

/// How much longer than the server's own deadline they may be there: an octet's
/// pause, the time for what it throws away of a refused body, and the machine's.
const SLACK: Duration = Duration::from_secs(6);

/// What became of them.
#[derive(Default)]
struct Ended {
    /// Answered 408 (RFC 9110 §15.5.9), and closed.
    answered: u64,
    /// Closed in another way.
    closed: u64,
    open: u64,
}

/// What of it is printed.
pub(crate) fn figures(binary: &Path, options: &Options) -> Vec<Figure> {
    // Those of the twin have all the time that they want.
    let deadline = if options.twin { 600 } else { options.deadline };
    let connections = 4 * options.slow;
    let lines = format!(
        "connections = {connections}\nheader_timeout = {deadline}\nbody_timeout = {deadline}"
    );
    let scenario = Scenario::served(binary, "slow", &lines);
    let server = Server::start(binary, &scenario);
    let request = TokenRequest::new(&server, &scenario);
    client::send(&request, BUSY, 20 * BUSY);
    let alone = client::found(&request, BUSY, options.length);

    let files = server.files();
    // An allocator settles in what the first ones left, by less each time.
    for _ in 0..if options.short { 0 } else { 3 } {
        round(&server, files, &request, options);
    }
    let (before, _, _) = round(&server, files, &request, options);
    let (memory, beside, ended) = round(&server, files, &request, options);

    let named = |what: &str| format!("{} slow clients: {what}", options.slow);
    vec![
        Figure::count(named("answered 408 and closed"), ended.answered, ""),
        Figure::count(named("closed without"), ended.closed, ""),
        Figure::count(
            named("still there 6 s after their deadline"),
            ended.open,
            "",
        )
        .at_most(0.0),
        Figure::count(named("memory with them"), memory, "KiB"),
        grown(
            options,
            named("grown when as many come a fifth time"),
            before,
            memory,
        ),
        Figure::new(named("64 busy ones alone"), alone.rate, "requests/s"),
        Figure::new(named("64 busy ones beside"), beside.rate, "requests/s"),
        slower(options, named("median beside, of alone"), &alone, &beside),
    ]
}

/// They come, say what they have to say, and are looked after; the server's
/// memory while they are there, and what others found meanwhile.
fn round(
    server: &Server,
    files: usize,
    request: &TokenRequest,
    options: &Options,
) -> (u64, client::Found, Ended) {
    let begin = |beginning: &&[u8]| {
        let mut slow = Connection::open(SLOW, request.address).expect("it listens");
        slow.stream().write_all(beginning).expect("it is taken");
        slow
    };
    server.wait_for(files);
    let beginnings = BEGINNINGS.iter().cycle().take(options.slow as usize);
    let mut slow: Vec<Connection> = beginnings.map(begin).collect();
    let begun = Instant::now();
    let patience = Duration::from_secs(options.deadline.into()) + SLACK;
    let memory = server.resident_kib();
    let enough = AtomicBool::new(false);
    let beside = std::thread::scope(|scope| {
        let _at_the_end = Enough(&enough);
        scope.spawn(|| {
            while !enough.load(Relaxed) {
                for one in &mut slow {
                    // It may have been told to go.
                    let _gone = one.stream().write_all(b"a");
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        let beside = client::found(request, BUSY, options.length);
        std::thread::sleep(patience.saturating_sub(begun.elapsed()));
        beside
    });
    let mut ended = Ended::default();
    for one in &mut slow {
        match end_of(one) {
            None => ended.open += 1,
            Some(true) => ended.answered += 1,
            Some(false) => ended.closed += 1,
        }
    }
    (memory, beside, ended)
}

/// Whether it was answered before it was closed; none while it is open.
fn end_of(slow: &mut Connection) -> Option<bool> {
    let stream = slow.stream();
    stream.set_nonblocking(true).expect("a socket option");
    let mut said = Vec::new();
    let read = stream.read_to_end(&mut said);
    let is_open = matches!(&read, Err(error) if error.kind() == ErrorKind::WouldBlock);
    (!is_open).then(|| said.starts_with(b"HTTP/1.1 408 "))
}
