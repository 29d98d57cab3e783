//! Any octets on a board's connection: whatever pieces they come in, the same
//! requests are heard and the same answers leave, each of them well formed, and
//! nothing of it is left in memory.
#![no_main]

use std::cell::RefCell;
use std::future::pending;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use libfuzzer_sys::fuzz_target;

use smallgate_core::http::{Body, Request};
use smallgate_core::oauth::{Answer, AuthorizationServer, ResourceRefusal};
use smallgate_core::time::UnixTime;
use smallgate_firmware::http::{
    Buffers, Deadlines, Ended, Exchange, Handler, Peer, Platform, Rooms, serve,
};

fuzz_target!(|input: &[u8]| {
    // A head that ends in the middle of a line is looked at or not.
    let input = &[input, b"\r\n\r\n"].concat();
    let whole = served(input, usize::MAX);
    let refused = usize::from(matches!(whole.ended, Ended::Refused(_)));
    let answers = whole.heard.len();
    assert_eq!(whole.answers.len(), answers + refused, "{whole:?}");
    for piece in [1, 7] {
        // Whether a body is asked for depends on whether it is there; and of what is
        // wrong in more than one way, on what is seen first.
        let again = served(input, piece);
        assert_eq!(whole.heard, again.heard, "in pieces of {piece}");
        assert_eq!(whole.answers[..answers], again.answers[..answers]);
        match (whole.ended, again.ended) {
            (Ended::Refused(_), Ended::Refused(_)) => {}
            (whole, again) => assert_eq!(whole, again, "in pieces of {piece}"),
        }
    }
});

/// What became of a connection.
#[derive(Debug)]
struct Outcome {
    heard: Vec<Heard>,
    answers: Vec<Vec<u8>>,
    ended: Ended,
}

/// A request as the core hears of it.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

/// The octets, in pieces, and then nothing more.
struct Connection<'i> {
    input: &'i [u8],
    piece: usize,
    sent: Vec<u8>,
}

impl ErrorType for Connection<'_> {
    type Error = ErrorKind;
}

impl Read for Connection<'_> {
    async fn read(&mut self, room: &mut [u8]) -> Result<usize, ErrorKind> {
        let length = room.len().min(self.input.len()).min(self.piece);
        let (now, later) = self.input.split_at(length);
        room[..length].copy_from_slice(now);
        self.input = later;
        Ok(length)
    }
}

impl Write for Connection<'_> {
    async fn write(&mut self, octets: &[u8]) -> Result<usize, ErrorKind> {
        self.sent.extend_from_slice(octets);
        Ok(octets.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Time does not pass.
struct Still;

impl Platform<Connection<'_>> for Still {
    fn wait(&self, _: Duration) -> impl Future<Output = ()> {
        pending()
    }

    fn close(&self, _: &mut Connection<'_>) {}

    fn abort(&self, _: &mut Connection<'_>) {}
}

/// Writes down what is asked, and refuses it.
#[derive(Default)]
struct Clerk(RefCell<Vec<Heard>>);

struct Refusal<'x>(Answer<'x>);

impl<'x> Exchange<'x> for Refusal<'x> {
    fn advance(&mut self) -> bool {
        true
    }

    fn answer(&self) -> Option<&Answer<'x>> {
        Some(&self.0)
    }
}

impl Handler for Clerk {
    type Exchange<'x> = Refusal<'x>;

    fn body_limit(&self) -> usize {
        BODY
    }

    fn now(&self) -> Option<UnixTime> {
        Some(UnixTime(1_800_000_000))
    }

    fn begin<'x>(&'x self, request: Request<'_, 'x>, out: &'x mut [u8]) -> Refusal<'x> {
        let headers = request.headers.iter();
        self.0.borrow_mut().push(Heard {
            method: request.method.to_owned(),
            target: request.target.to_owned(),
            headers: headers
                .map(|header| (header.name.to_owned(), header.value.to_vec()))
                .collect(),
            body: match request.body {
                Body::Whole(octets) => Some(octets.to_vec()),
                _ => None,
            },
        });
        Refusal(Answer::refusal(out, ResourceRefusal::method("GET")))
    }
}

/// The longest body, and the longest head.
const BODY: usize = 64;
const HEAD: usize = 256;

fn served(input: &[u8], piece: usize) -> Outcome {
    let mut connection = Connection {
        input,
        piece,
        sent: Vec::new(),
    };
    let clerk = Clerk::default();
    let mut request = [0; HEAD + BODY];
    let mut answer = [0; AuthorizationServer::ROOM];
    let rooms = Rooms::new();
    assert!(rooms.put(&mut answer).is_ok());
    let buffers = Buffers {
        request: &mut request,
        rooms: &rooms,
        sending: &mut [],
    };
    let peer = Peer {
        address: [192, 0, 2, 1].into(),
        trusted_proxies: &[],
    };
    let ended = now(serve(
        &mut connection,
        peer,
        &Still,
        buffers,
        &Deadlines::DEFAULT,
        &clerk,
    ));
    assert!(request.iter().all(|octet| *octet == 0), "a request is left");
    Outcome {
        heard: clerk.0.into_inner(),
        answers: answers(&connection.sent),
        ended,
    }
}

/// What nobody waits for.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    // Others have their turn between two slices.
    for _ in 0..100_000 {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
    panic!("it waits for ever");
}

/// The answers that these octets are, each with as many of them as it says; but
/// not what asks for a body.
fn answers(mut sent: &[u8]) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    while !sent.is_empty() {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut headers);
        let parsed = answer.parse(sent).expect("well formed");
        let head = parsed.unwrap();
        let status = answer.code.expect("a status");
        let length = answer
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |header| {
                let text = std::str::from_utf8(header.value).expect("digits");
                text.parse().expect("a number")
            });
        let after = &sent[head..];
        // One to HEAD says how long its body would be, and has none.
        let is_bare = after.is_empty() || after.starts_with(b"HTTP/1.");
        let end = if is_bare { head } else { head + length };
        if status != 100 {
            answers.push(sent.get(..end).expect("a whole body").to_vec());
        }
        sent = &sent[end..];
    }
    answers
}
