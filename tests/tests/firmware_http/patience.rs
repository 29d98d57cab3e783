//! How long is waited, and for whom.

use std::time::Duration;

use smallgate_firmware::http::{Deadlines, Ended, Refused};

use crate::framing::{FORM, GET, nothing, refusal, token_request};
use crate::scripted::{Act, Case};

#[test]
fn deadlines_end_what_is_slow() {
    let seconds = Duration::from_secs;
    let silent = Case::default().run([]);
    assert_eq!((silent.ended, silent.text()), (Ended::Idle, String::new()));
    // A head, an octet each second.
    let slow = GET
        .bytes()
        .flat_map(|octet| [Act::Send(vec![octet]), Act::Pause(seconds(1))]);
    let outcome = Case::default().run(slow);
    assert_eq!(outcome.ended, Ended::Refused(Refused::HeadTooLate));
    let late = refusal("408 Request Timeout", "The head did not arrive in time.");
    assert_eq!(outcome.text(), late);
    assert!(outcome.took <= seconds(6), "{:?}", outcome.took);
    // A body that stays short, and one that is slow but in time.
    let request = token_request("", FORM);
    let short = request.as_bytes()[..request.len() - 1].to_vec();
    let outcome = Case::default().run([Act::Send(short.clone())]);
    assert_eq!(outcome.ended, Ended::Refused(Refused::BodyTooLate));
    let late = refusal("408 Request Timeout", "The body did not arrive in time.");
    assert_eq!(outcome.text(), late);
    let last = request.as_bytes()[request.len() - 1..].to_vec();
    let outcome = Case::default().run([
        Act::Send(short),
        Act::Pause(seconds(4)),
        Act::Send(last),
        Act::Finish,
    ]);
    assert!(outcome.text().starts_with("HTTP/1.1 200 OK\r\n"));
    // Idle after an answer.
    let get = || Act::Send(GET.as_bytes().to_vec());
    let outcome = Case::default().run([get(), Act::Pause(seconds(4)), get()]);
    assert_eq!(outcome.text(), nothing("1.1", "").repeat(2));
    assert_eq!(outcome.ended, Ended::Idle);
    assert!(outcome.took <= seconds(10), "{:?}", outcome.took);
    // A client that takes no answer.
    let deaf = Case {
        deaf: true,
        ..Case::default()
    };
    let outcome = deaf.run([get()]);
    assert_eq!(outcome.ended, Ended::Unread);
    assert!(outcome.took <= seconds(6), "{:?}", outcome.took);
}

/// Four that say nothing would keep everybody else from four workers.
#[test]
fn whoever_says_nothing_gives_way() {
    let millis = Duration::from_millis;
    let case = |wanted| Case {
        wanted: Some(millis(wanted)),
        ..Case::default()
    };
    let get = || Act::Send(GET.as_bytes().to_vec());
    // Nobody waits; somebody comes; somebody waits already: then the connection
    // is told with its answer.
    for (wanted, took) in [(60_000, 5_000), (350, 400), (3_000, 3_000), (1, 100)] {
        let outcome = case(wanted).run([get()]);
        assert_eq!(outcome.ended, Ended::Idle, "{wanted}");
        assert_eq!(outcome.text(), nothing("1.1", ""), "{wanted}");
        let closing = Deadlines::DEFAULT.closing;
        assert_eq!(outcome.took, millis(took) + closing, "{wanted}");
    }
    // A request that comes at once is taken all the same.
    let outcome = case(10).run([get(), Act::Pause(millis(99)), get()]);
    let close = nothing("1.1", "connection: close\r\n");
    assert_eq!(outcome.text(), nothing("1.1", "") + &close);
    // So is a new connection's first one, for a second.
    for (pause, answered) in [(900, true), (1_100, false)] {
        let outcome = case(0).run([Act::Pause(millis(pause)), get()]);
        assert_eq!(!outcome.writes.is_empty(), answered, "{pause}");
        assert!(outcome.took <= millis(1_500), "{:?}", outcome.took);
    }
    // Whoever has begun to speak is heard to the end.
    let (first, second) = GET.split_at(10);
    let outcome = case(0).run([
        Act::Send(first.as_bytes().to_vec()),
        Act::Pause(millis(4_000)),
        Act::Send(second.as_bytes().to_vec()),
    ]);
    assert_eq!(outcome.text(), nothing("1.1", "connection: close\r\n"));
}

/// The time for a new connection's first head begins with the connection.
#[test]
fn silence_before_a_head_counts() {
    let outcome = Case::default().run([
        Act::Pause(Duration::from_secs(3)),
        Act::Send(GET.as_bytes()[..10].to_vec()),
    ]);
    assert_eq!(outcome.ended, Ended::Refused(Refused::HeadTooLate));
    let closing = Deadlines::DEFAULT.closing;
    let most = Deadlines::DEFAULT.head + Duration::from_millis(100) + closing;
    assert!(outcome.took <= most, "{:?}", outcome.took);
}
