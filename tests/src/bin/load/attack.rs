//! Somebody who guesses a client's secret all the time, from another address
//! than the client's: that the client is not refused, nor kept waiting (R16).

use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::client::{self, Connection, Enough, HERE, TokenRequest, place};
use crate::figure::Figure;
use crate::server::{Scenario, Server};
use crate::{Options, slower};

/// Connections of the client, each with a request on its way.
const CLIENTS: u32 = 8;

/// Connections of the attacker, who pauses after each guess: some 2,000 a
/// second.
const ATTACKERS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(4);

const ELSEWHERE: IpAddr = place(30);

/// `demo:demo-secret-demo-secret-demo-secreu`
const GUESS: &str = "ZGVtbzpkZW1vLXNlY3JldC1kZW1vLXNlY3JldC1kZW1vLXNlY3JldQ==";

/// What the attacker was answered.
#[derive(Default)]
struct Guesses {
    /// 401: looked at.
    wrong: AtomicU64,
    /// 429 with `Retry-After`: not looked at.
    throttled: AtomicU64,
    /// Anything else.
    other: AtomicU64,
}

/// What of it is printed.
pub(crate) fn figures(binary: &Path, options: &Options) -> Vec<Figure> {
    let scenario = Scenario::served(binary, "attack", "");
    let server = Server::start(binary, &scenario);
    let request = TokenRequest::new(&server, &scenario);
    let guess = TokenRequest::new(&server, &scenario.with_basic(GUESS));
    client::send(&request, CLIENTS, 20 * CLIENTS);
    let alone = client::found(&request, CLIENTS, options.length);

    // The twin's is where the client is, and so takes its patience from it.
    let source = if options.twin { HERE } else { ELSEWHERE };
    let guesses = Guesses::default();
    let enough = AtomicBool::new(false);
    let (beside, refused) = std::thread::scope(|scope| {
        let _at_the_end = Enough(&enough);
        for _ in 0..ATTACKERS {
            scope.spawn(|| guess_on(source, &guess, &guesses, &enough));
        }
        // Until none of its guesses is looked at any more, or all are.
        let deadline = Instant::now() + Duration::from_secs(10);
        while guesses.throttled.load(Relaxed) < 100 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let refused = refused(&request);
        let beside = (refused == 0).then(|| client::found(&request, CLIENTS, options.length));
        (beside, refused)
    });

    let named = |what: &str| format!("a secret is guessed elsewhere: {what}");
    let count = |what: &str, value: &AtomicU64| Figure::count(named(what), value.load(Relaxed), "");
    let mut figures = vec![
        // In one window of a minute, or in two.
        count("guesses looked at (401)", &guesses.wrong).at_most(20.0),
        count("guesses not looked at (429)", &guesses.throttled),
        count("other answers to them", &guesses.other).at_most(0.0),
        Figure::count(named("the client refused, of 100"), refused, "").at_most(0.0),
        Figure::new(named("8 of the client alone"), alone.rate, "requests/s"),
        Figure::new(named("median alone"), alone.median_ms, "ms"),
        Figure::new(named("99 % alone"), alone.most_ms, "ms"),
    ];
    if let Some(beside) = beside {
        figures.extend([
            Figure::new(named("8 of the client beside"), beside.rate, "requests/s"),
            Figure::new(named("median beside"), beside.median_ms, "ms"),
            Figure::new(named("99 % beside"), beside.most_ms, "ms"),
            slower(options, named("median beside, of alone"), &alone, &beside),
        ]);
    }
    figures
}

fn guess_on(source: IpAddr, guess: &TokenRequest, guesses: &Guesses, enough: &AtomicBool) {
    let mut connection = Connection::open(source, guess.address).expect("it listens");
    while !enough.load(Relaxed) {
        let answer = connection.ask(&guess.octets).expect("an answer in time");
        let count = match (answer.status, answer.retry_after) {
            (401, false) => &guesses.wrong,
            (429, true) => &guesses.throttled,
            _ => &guesses.other,
        };
        count.fetch_add(1, Relaxed);
        std::thread::sleep(PAUSE);
    }
}

/// How many of 100 requests of the client are refused.
fn refused(request: &TokenRequest) -> u64 {
    let mut connection = Connection::open(HERE, request.address).expect("it listens");
    let mut refused = 0;
    for _ in 0..100 {
        let answer = connection.ask(&request.octets).expect("an answer in time");
        refused += u64::from(answer.status != 200);
    }
    refused
}
