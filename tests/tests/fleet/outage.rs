//! Gateways whose servers are gone, and come back.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use smallgate_tests::fleet::{Fleet, Plan, Wire, generation};
use smallgate_tests::powercut::{Answer, Client};
use socket2::SockRef;

/// What a client waits at most: the exchange's patience, and what a busy computer
/// takes besides.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long a gateway may take to find its servers again.
const BACK: Duration = Duration::from_secs(20);

fn token(answer: Option<Answer>) -> String {
    let token = answer.as_ref().and_then(Answer::refresh_token);
    token.unwrap_or_else(|| panic!("{answer:?}"))
}

/// Asks until it is answered well.
fn regained(ask: impl Fn() -> Option<Answer>) -> Answer {
    let start = Instant::now();
    loop {
        match ask() {
            Some(answer) if answer.status == 200 => return answer,
            Some(answer) if answer.status == 503 => assert!(start.elapsed() < BACK, "{answer:?}"),
            other => panic!("{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// It says when to come back, and soon.
fn is_turned_away(ask: impl FnOnce() -> Option<Answer>, patience: Duration) {
    let start = Instant::now();
    let answer = ask().expect("an answer");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.field("retry-after").is_some(), "{answer:?}");
    assert!(start.elapsed() < patience, "{:?}", start.elapsed());
}

fn one() -> Fleet {
    Fleet::start(&Plan {
        gateways: 1,
        servers: 1,
        ..Plan::default()
    })
}

#[test]
fn a_gateway_without_its_servers_answers_503_and_is_back_by_itself() {
    for wire in [Wire::Still, Wire::Cut, Wire::Mute] {
        let fleet = one();
        let (client, address) = (Client::new(0), fleet.gateways[0].address);
        let code = client.code(address);
        let mut newest = client.first_token(address);
        fleet.wire(0, wire);
        is_turned_away(|| client.refresh(address, &newest), DEADLINE);
        // It is known now, and nobody waits any more; what is stored is not guessed at.
        let at_once = Duration::from_secs(2);
        is_turned_away(|| client.refresh(address, &newest), at_once);
        is_turned_away(|| client.redeem(address, &code), at_once);
        let own = client.own(address).expect("an answer");
        assert_eq!(own.status, 200, "it needs no store: {own:?}");
        fleet.wire(0, Wire::Whole);
        newest = token(Some(regained(|| client.refresh(address, &newest))));
        // Whatever became of the first, there is one lineage.
        assert_eq!(generation(&newest), 2, "{wire:?}");
        assert_eq!(generation(&token(client.refresh(address, &newest))), 3);
        assert_eq!(fleet.logged("store_failed"), 1, "{wire:?}");
        assert_eq!(fleet.logged("store"), 1, "{wire:?}");
    }
}

/// A swap whose acknowledgement is lost is sent again, and known by its nonce.
#[test]
fn an_acknowledgement_that_is_swallowed_is_found_out() {
    let fleet = one();
    let (client, address) = (Client::new(0), fleet.gateways[0].address);
    let mut newest = client.first_token(address);
    let mut best = Duration::MAX;
    for generations in 2..8 {
        let start = Instant::now();
        // Too short for the gateway to give up.
        fleet.wire(0, Wire::Mute);
        let answer = std::thread::scope(|scope| {
            let asked = scope.spawn(|| client.refresh(address, &newest));
            std::thread::sleep(Duration::from_millis(300));
            fleet.wire(0, Wire::Whole);
            asked.join().expect("no panic").expect("an answer")
        });
        let answer = match answer.status {
            200 => {
                best = best.min(start.elapsed());
                answer
            }
            _ => regained(|| client.refresh(address, &newest)),
        };
        newest = token(Some(answer));
        assert_eq!(generation(&newest), generations);
    }
    println!("the fastest that was answered in spite of it took {best:?}");
}

#[test]
fn a_commit_outlives_the_clients_hang_up() {
    let fleet = one();
    let (client, address) = (Client::new(0), fleet.gateways[0].address);
    let first = client.first_token(address);
    let issued = fleet.logged("issued");
    fleet.wire(0, Wire::Late);
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = client.refresh_request(&first);
    stream.write_all(request.as_bytes()).expect("it is sent");
    // While it waits for the record; without an end, as one that lost its power.
    std::thread::sleep(Duration::from_millis(60));
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("a reset");
    drop(stream);
    let deadline = Instant::now() + DEADLINE;
    while fleet.logged("issued") == issued {
        assert!(Instant::now() < deadline, "{}", fleet.gateways[0].log());
        std::thread::sleep(Duration::from_millis(5));
    }
    fleet.wire(0, Wire::Whole);
    assert_eq!(generation(&token(client.refresh(address, &first))), 2);
}

/// Grace is counted from the end of an outage that the gateway had.
#[test]
fn grace_begins_anew_when_the_servers_are_back() {
    let fleet = Fleet::start(&Plan {
        gateways: 1,
        servers: 1,
        clocks: &["2026-01-01T00:00:00Z"],
        ..Plan::default()
    });
    let (client, address) = (Client::new(0), fleet.gateways[0].address);
    let first = client.first_token(address);
    let second = token(client.refresh(address, &first));
    fleet.wire(0, Wire::Cut);
    is_turned_away(|| client.refresh(address, &first), DEADLINE);
    fleet.advance(0, 3600);
    fleet.wire(0, Wire::Whole);
    let again = regained(|| client.refresh(address, &first));
    assert_eq!(again.refresh_token(), Some(second.clone()));
    fleet.advance(0, 11);
    let late = client.refresh(address, &first).expect("an answer");
    assert_eq!(late.status, 400, "{late:?}");
    let revoked = client.refresh(address, &second).expect("an answer");
    assert_eq!(revoked.status, 400, "{revoked:?}");
}
