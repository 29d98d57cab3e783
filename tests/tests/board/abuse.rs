//! Connections that mean no good, and then clean ones.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use smallgate_tests::host::Host;
use smallgate_tests::load::{closing, keeping, token_request};
use socket2::SockRef;

use crate::{assert_unharmed, board};

/// How many connections of each kind.
const EACH: u64 = 80;

/// A sequence that is the same at every run (SplitMix64).
struct Octets(u64);

impl Octets {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// How an abusive connection behaves. What becomes of it is its own affair:
/// all that it does may fail.
type Abuse = fn(TcpStream, &mut Octets);

const ABUSES: [(&str, Abuse); 10] = [
    ("garbage", |stream, random| {
        let length = 1 + random.below(3000);
        say_and_listen(stream, &random.take(length));
    }),
    (
        "one octet at a time, and then no more",
        |mut stream, random| {
            let request = token_request().octets();
            let until = 1 + random.below(60);
            for octet in request.iter().take(until) {
                let _gone = stream.write_all(&[*octet]);
                std::thread::sleep(Duration::from_millis(1));
            }
        },
    ),
    ("a truncated request", |mut stream, random| {
        let request = token_request().octets();
        let until = random.below(request.len());
        let _gone = stream.write_all(request.get(..until).unwrap_or_default());
    }),
    ("a truncated request, and reset", |mut stream, random| {
        let request = token_request().octets();
        let until = random.below(request.len());
        let _gone = stream.write_all(request.get(..until).unwrap_or_default());
        reset(&stream);
    }),
    (
        "a whole request, and reset before the answer",
        |mut stream, _| {
            let _gone = stream.write_all(&token_request().octets());
            reset(&stream);
        },
    ),
    ("a huge length", |stream, random| {
        let length = random.next();
        say_and_listen(
            stream,
            format!(
                "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: {length}{length}\r\n\r\na=b"
            )
            .as_bytes(),
        );
    }),
    ("a long head", |stream, random| {
        let long = "x".repeat(2000 + random.below(20_000));
        say_and_listen(
            stream,
            format!("GET /me/ HTTP/1.1\r\nHost: a\r\nX-Long: {long}\r\n\r\n").as_bytes(),
        );
    }),
    ("a body longer than allowed", |stream, random| {
        let body = "y".repeat(1025 + random.below(10_000));
        say_and_listen(
            stream,
            format!(
                "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
    }),
    ("a hello of TLS", |stream, random| {
        let mut hello = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3];
        hello.extend(random.take(512));
        say_and_listen(stream, &hello);
    }),
    ("nothing at all", |stream, _| drop(stream)),
];

/// How many of those that are slow: each takes a worker until its deadline.
const SLOW: usize = 8;

fn say_and_listen(mut stream: TcpStream, octets: &[u8]) {
    let _gone = stream.write_all(octets);
    let _gone = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _gone = stream.read_to_end(&mut answer);
}

/// Ends the connection by RST and not by FIN.
fn reset(stream: &TcpStream) {
    let _gone = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("QEMU takes connections");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a deadline");
    stream.set_write_timeout(patience).expect("a deadline");
    stream
}

#[test]
fn eight_hundred_abusive_connections_harm_nobody_after_them() {
    let board = board();
    let address = board.address();
    assert_eq!(EACH * ABUSES.len() as u64, 800);
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                let mut random = Octets(half);
                for number in 0..EACH / 2 {
                    // Each time another one follows another.
                    let first = usize::try_from(number).expect("small") % ABUSES.len();
                    let (before, after) = ABUSES.split_at(first);
                    for (_, abuse) in after.iter().chain(before) {
                        abuse(connect(address), &mut random);
                    }
                }
            });
        }
    });
    closing(address, 200);
    keeping(address, 4, 200);
    assert_unharmed(&board);
}

/// They take every worker and every seat, and lose them at their deadlines.
#[test]
fn slow_connections_give_way_at_their_deadlines() {
    let board = board();
    let address = board.address();
    let request = token_request().octets();
    let mut slow: Vec<TcpStream> = (0..SLOW).map(|_| connect(address)).collect();
    for octets in request.chunks(1).take(40) {
        for stream in &mut slow {
            let _gone = stream.write_all(octets);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    closing(address, 100);
    drop(slow);
    closing(address, 100);
    assert_unharmed(&board);
}
