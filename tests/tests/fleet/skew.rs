//! Gateways whose clocks are apart.

use smallgate_tests::fleet::{Fleet, Plan};
use smallgate_tests::powercut::{Answer, Client};

fn token(answer: Option<Answer>) -> String {
    let token = answer.as_ref().and_then(Answer::refresh_token);
    token.unwrap_or_else(|| panic!("{answer:?}"))
}

fn status(answer: Option<Answer>) -> u16 {
    answer.expect("an answer").status
}

/// The second one is so many seconds ahead, and 30 is what is configured.
fn apart(seconds: u64) -> Fleet {
    let fleet = Fleet::start(&Plan {
        servers: 1,
        head: "skew = 30",
        clocks: &["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"],
        ..Plan::default()
    });
    fleet.advance(1, seconds);
    fleet
}

#[test]
fn clocks_that_are_apart_by_the_skew_make_no_difference() {
    let fleet = apart(30);
    let [behind, ahead] = [0, 1].map(|at| fleet.gateways[at].address);
    let client = Client::new(0);
    // A code is good for its minute, by either clock.
    let codes = [client.code(behind), client.code(ahead)];
    for gateway in [0, 1] {
        fleet.advance(gateway, 59);
    }
    let mut newest = token(client.redeem(ahead, &codes[0]));
    let _other = token(client.redeem(behind, &codes[1]));
    // Whoever rotated, the predecessor has its grace with the other one.
    for (one, other) in [(behind, ahead), (ahead, behind), (behind, ahead)] {
        let next = token(client.refresh(one, &newest));
        for gateway in [0, 1] {
            fleet.advance(gateway, 9);
        }
        assert_eq!(token(client.refresh(other, &newest)), next);
        newest = next;
    }
    // An answer that is revoked by one is so for the other.
    assert_eq!(status(client.revoke(behind, &newest)), 200);
    assert_eq!(status(client.refresh(ahead, &newest)), 400);
}

/// Single winner and single lineage do not rest on clocks, and nobody is revoked
/// by a wrong one.
#[test]
fn a_clock_that_is_further_behind_issues_nothing_and_revokes_nothing() {
    let fleet = apart(3600);
    let [behind, ahead] = [0, 1].map(|at| fleet.gateways[at].address);
    let client = Client::new(0);
    let first = client.first_token(ahead);
    let second = token(client.refresh(ahead, &first));
    // It learns from the record that its clock went wrong.
    let _learns = client.refresh(behind, &second).expect("an answer");
    assert_eq!(status(client.refresh(behind, &second)), 503);
    assert_eq!(status(client.own(behind)), 503);
    fleet.advance(0, 3600);
    let third = token(client.refresh(behind, &second));
    assert_eq!(token(client.refresh(ahead, &second)), third);
}
