//! Many requests, and many clients at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use smallgate_tests::host::Host;
use smallgate_tests::load::{closing, everything, keeping, token_request};
use smallgate_tests::wire::Wire;

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
