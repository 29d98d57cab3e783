//! Many requests, and many clients at once.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use smallgate_tests::board::{STACK, firmware};
use smallgate_tests::host::Host;
use smallgate_tests::load::{closing, everything, keeping, token_request};
use smallgate_tests::wire::{Request, Wire};

use crate::{assert_unharmed, board};

#[test]
fn two_thousand_requests_on_connections_of_their_own() {
    let board = board();
    closing(board.address(), 2000);
    assert_unharmed(&board);
}

#[test]
fn two_thousand_requests_on_four_kept_connections() {
    let board = board();
    keeping(board.address(), 4, 2000);
    assert_unharmed(&board);
}

#[test]
fn every_kind_of_request_leaves_stack_untouched() {
    let board = board();
    everything(board.address());
    assert_unharmed(&board);
}

/// The measuring can fail: a board whose paint is gone has no stack left, and one that is painted anew
/// tells of what came after that alone.
#[test]
fn the_stack_is_told_as_it_is() {
    let board = board();
    let deepest = || board.machine().stack().expect("a stack").deepest();
    everything(board.address());
    let all = deepest();
    board.machine().repaint_stack().expect("paint");
    let idle = deepest();
    let metadata = Request::new("GET", "/.well-known/oauth-authorization-server");
    assert_eq!(Wire::open(board.address()).ask(&metadata).status, 200);
    let one = deepest();
    println!("idle {idle}, one request {one}, everything {all}");
    assert!(idle < one && one < all && all <= STACK);
    // What is touched at a depth is told to the octet, in words.
    let depth = u32::try_from(STACK).expect("some KiB");
    let top = firmware().symbol("_stack_start").expect("a stack");
    board
        .machine()
        .write(top - depth - 4, &[0; 4])
        .expect("memory");
    assert_eq!(deepest(), STACK + 4);
    let refused = std::panic::catch_unwind(AssertUnwindSafe(|| drop(board)));
    assert!(refused.is_err(), "a stack past its limit is let pass");
}

/// Four that keep the workers, four that sit and wait for them, four that find no
/// seat: all are answered, and in that order.
#[test]
fn twelve_clients_at_once_wait_in_order() {
    const EACH: usize = 4;
    let board = board();
    let address = board.address();
    let octets = token_request().octets();
    let (begun, end) = octets.split_at(octets.len() - 1);
    for _ in 0..3 {
        let start = Instant::now();
        let mut keeping: Vec<Wire> = opened(address, EACH, begun);
        let waiting: Vec<Wire> = opened(address, 2 * EACH, &octets);
        keeping.iter_mut().for_each(|wire| wire.send(end));
        let waited: Vec<Duration> = std::thread::scope(|scope| {
            let clients: Vec<_> = keeping
                .into_iter()
                .chain(waiting)
                .enumerate()
                .map(|(number, mut wire)| {
                    scope.spawn(move || {
                        let response = wire.receive();
                        assert_eq!(response.status, 200, "{number}: {}", response.pretty());
                        start.elapsed()
                    })
                })
                .collect();
            let ended = clients.into_iter().map(|client| client.join());
            ended.map(|time| time.expect("an answer")).collect()
        });
        // One packet that QEMU holds back is not to count: the middle ones do.
        let middles: Vec<Duration> = waited
            .chunks(EACH)
            .map(|group| {
                let mut group = group.to_vec();
                group.sort();
                group[EACH / 2]
            })
            .collect();
        assert!(middles.is_sorted(), "{waited:?}");
    }
    assert_unharmed(&board);
}

/// Connections one after another, so that there is an order to be kept, each
/// with what it says first.
fn opened(address: SocketAddr, count: usize, octets: &[u8]) -> Vec<Wire> {
    (0..count)
        .map(|_| {
            let mut wire = Wire::open(address);
            wire.send(octets);
            std::thread::sleep(Duration::from_millis(20));
            wire
        })
        .collect()
}

/// Whoever keeps a connection for nothing loses it to who waits: nobody waits
/// longer than an idle connection may last.
#[test]
fn kept_connections_do_not_keep_others_out() {
    let board = board();
    let address = board.address();
    let request = token_request();
    let mut kept: Vec<Wire> = (0..4).map(|_| Wire::open(address)).collect();
    for wire in &mut kept {
        assert_eq!(wire.ask(&request).status, 200);
    }
    let start = Instant::now();
    let mut late = Wire::open(address);
    assert_eq!(late.ask(&request).status, 200);
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
    assert_unharmed(&board);
}
