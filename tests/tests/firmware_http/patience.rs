//! How long is waited, and for whom.

use std::time::Duration;

use smallgate_firmware::http::{Deadlines, Ended, Refused};

use crate::framing::{FORM, GET, nothing, refusal, token_request};
use crate::scripted::{Act, Case};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

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
    // Whoever has begun to speak is heard for a second, and for as long as the
    // deadlines say while nobody waits.
    let (first, second) = GET.split_at(10);
    let spoken = |pause| {
        [
            Act::Send(first.as_bytes().to_vec()),
            Act::Pause(millis(pause)),
            Act::Send(second.as_bytes().to_vec()),
        ]
    };
    let heard = nothing("1.1", "connection: close\r\n");
    assert_eq!(case(0).run(spoken(900)).text(), heard);
    let outcome = case(0).run(spoken(4_000));
    assert_eq!(outcome.ended, Ended::Refused(Refused::HeadTooLate));
    assert!(outcome.took <= millis(1_600), "{:?}", outcome.took);
    let outcome = case(60_000).run(spoken(4_000));
    assert!(outcome.text().starts_with(&nothing("1.1", "")));
}

/// A body and an answer are waited for no longer than a head, once others wait.
#[test]
fn whoever_is_slow_gives_way_too() {
    let wanted = |wanted| Case {
        wanted: Some(millis(wanted)),
        ..Case::default()
    };
    let short = || {
        let head = "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
        Act::Send(head.as_bytes().to_vec())
    };
    for (at, took) in [(0, 1_000), (2_500, 2_500), (60_000, 5_000)] {
        let outcome = wanted(at).run([short()]);
        assert_eq!(outcome.ended, Ended::Refused(Refused::BodyTooLate), "{at}");
        let closing = Deadlines::DEFAULT.closing;
        assert!(
            outcome.took <= millis(took + 100) + closing,
            "{at}: {:?}",
            outcome.took
        );
    }
    for (at, took) in [(0, 1_000), (60_000, 5_000)] {
        let deaf = Case {
            deaf: true,
            ..wanted(at)
        };
        let outcome = deaf.run([Act::Send(GET.as_bytes().to_vec())]);
        assert_eq!(outcome.ended, Ended::Unread, "{at}");
        let closing = Deadlines::DEFAULT.closing;
        assert!(
            outcome.took <= millis(took + 100) + closing,
            "{at}: {:?}",
            outcome.took
        );
    }
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
