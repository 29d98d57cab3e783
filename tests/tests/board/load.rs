//! Many requests, and many clients at once.

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

/// More than there are workers, and more than there are seats to wait on: all
/// are answered, those that came first before those that came last.
#[test]
fn twelve_clients_at_once_wait_in_order() {
    const CLIENTS: usize = 12;
    let board = board();
    let address = board.address();
    for _ in 0..5 {
        let request = token_request();
        let start = Instant::now();
        let waited: Vec<Duration> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let mut wire = Wire::open(address);
                    wire.send(&request.octets());
                    // So that there is an order to be kept.
                    std::thread::sleep(Duration::from_millis(5));
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
        let (first, rest) = waited.split_at(CLIENTS / 3);
        let (_, last) = rest.split_at(CLIENTS / 3);
        assert!(first.iter().max() <= last.iter().min(), "{waited:?}");
    }
    assert_unharmed(&board);
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
