//! A board that is broken from the start: its bus, its source of entropy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallgate_tests::board::{
    BOTH_LOW, Board, IS_HIGH, LISTENING, SAME_AGAIN, SOURCE, ZEROS, firmware, image, says,
};
use smallgate_tests::host::{Host, START};
use smallgate_tests::load::token_request;
use smallgate_tests::machine::{Eeprom, Elf, Machine, Plan};
use smallgate_tests::simulator::Temporary;
use smallgate_tests::suite::failures::assert_nobody_waits;
use smallgate_tests::suite::session::{basic, post};
use smallgate_tests::suite::setups::{DEMO, DEVICES, OTHER, standard};
use smallgate_tests::wire::{Request, Response, Wire};

use crate::time::Server;

/// How long a board may take to do what it does at once.
const SOON: Duration = Duration::from_secs(20);

/// The firmware with other octets at an address. QEMU reads the file when it
/// starts.
fn broken(at: Result<u32, String>, others: &[u8], image: Vec<u8>, waits_for: &str) -> Machine {
    let copy = Temporary::new("");
    let at = at.unwrap_or_else(|error| panic!("{error}"));
    let broken: Result<Elf, String> = firmware().patched(copy.path().as_ref(), at, others);
    let plan = Plan {
        firmware: Arc::new(broken.expect("a firmware")),
        image,
        clock: Some(START),
        eeprom: Eeprom::Begun,
        port: 0,
        counts: false,
        network: None,
        dies_with_thread: false,
    };
    let mut machine = Machine::start(&plan).expect("it starts");
    for line in [LISTENING, waits_for] {
        let found = machine.wait_for(SOON, |lines| says(lines, line));
        assert_eq!(found, Ok(true), "no {line}: {:?}", machine.log());
    }
    machine
}

fn ask(machine: &Machine, request: &Request) -> Response {
    Wire::open(machine.address()).ask(request)
}

fn read(name: &str, token: &str) -> Request {
    Request::new("GET", &format!("/devices/{name}"))
        .header("Authorization", &format!("Bearer {token}"))
}

/// Neither the real-time clock nor a sensor can be read: the time is a server's.
#[test]
fn a_bus_that_is_held_low_from_the_start_delays_nobody() {
    let server = Server::start(|_, question| vec![question.answer(START + 1000)]);
    let image = server.image(standard().tables(DEVICES));
    let at = firmware().function(IS_HIGH);
    let machine = broken(at, &BOTH_LOW, image, "clock_set");
    let lines = machine.log().expect("a log");
    assert!(says(&lines, "rtc_failed\" cause=Bus"), "{lines:?}");
    let form = "grant_type=client_credentials&scope=read+write";
    let token = |client| {
        let request = post("/oauth/token", Some(&basic(client)), form);
        ask(&machine, &request).member("access_token")
    };
    let (demos, others) = (token(DEMO), token(OTHER));
    assert_nobody_waits(machine.address(), [(DEMO, &demos), (OTHER, &others)]);
    let failed = ask(&machine, &read("cellar", &demos));
    assert_eq!(failed.outcome(), (502, "device_failed".to_owned()));
    assert!(failed.text().contains("bus fails"), "{}", failed.text());
}

/// What SP 800-90B's tests find, and what only the one for repetition does.
#[test]
fn a_source_of_entropy_that_is_broken_from_the_start_issues_nothing() {
    let image = image(&standard().tables(DEVICES).whole());
    let twin = Board::with_image(image.clone());
    let twins = |request: &Request| Wire::open(twin.address()).ask(request);
    let token = twins(&token_request()).member("access_token");
    for (source, line) in [
        (ZEROS, "entropy_failed\" cause=Stuck"),
        (SAME_AGAIN, "entropy_failed\" cause=Repeats"),
    ] {
        let machine = broken(firmware().constant(SOURCE), source, image.clone(), line);
        for _ in 0..3 {
            let refused = ask(&machine, &token_request());
            let expected = (503, "temporarily_unavailable".to_owned());
            assert_eq!(refused.outcome(), expected);
            assert!(refused.header("retry-after").is_some());
        }
        let page = ask(&machine, &Request::new("GET", "/"));
        assert!(page.text().contains("failing"), "{}", page.text());
        // A token of another board with the same keys, whose clock may be ahead: it was
        // started before.
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut relay = ask(&machine, &read("relay", &token));
        while relay.status == 401 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(100));
            relay = ask(&machine, &read("relay", &token));
        }
        assert_eq!(relay.status, 200, "{}", relay.pretty());
    }
}
