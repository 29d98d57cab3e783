//! The watchdog: a board that hangs begins anew, one that works long does not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallgate_tests::board::{LISTENING, firmware, image, says};
use smallgate_tests::host::START;
use smallgate_tests::load::token_request;
use smallgate_tests::machine::{Eeprom, Elf, Line, Machine, Plan};
use smallgate_tests::simulator::Temporary;
use smallgate_tests::suite::session::{basic, post};
use smallgate_tests::suite::setups::{BREAKOUT, breakout, standard};
use smallgate_tests::wire::{Request, Wire, uninterrupted};

/// How long a board may take to listen.
const SOON: Duration = Duration::from_secs(20);
/// How long the watchdog waits: 20 s.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long anything else may take besides.
const SLACK: Duration = Duration::from_secs(20);

/// A branch to itself, `b .`.
const FOR_EVER: [u8; 2] = [0xFE, 0xE7];

fn start(firmware: Arc<Elf>, image: Vec<u8>) -> Machine {
    let plan = Plan {
        firmware,
        image,
        clock: Some(START),
        eeprom: Eeprom::Begun,
        port: 0,
        counts: false,
        network: None,
        dies_with_thread: false,
    };
    let mut machine = Machine::start(&plan).expect("it starts");
    let listens = machine.wait_for(SOON, |lines| says(lines, LISTENING));
    assert_eq!(listens, Ok(true), "{:?}", machine.log());
    machine
}

fn starts(lines: &[Line]) -> usize {
    let starts = lines.iter();
    starts
        .filter(|line| line.message.contains(LISTENING))
        .count()
}

/// The firmware itself, but for one function, which comes to no end: the one
/// that every request goes through.
#[test]
fn a_board_that_hangs_begins_anew() {
    let copy = Temporary::new("");
    let name = "smallgate_firmware::http::worker::begin";
    let at = firmware().function(name).expect("a function");
    let hanging = firmware().patched(copy.path().as_ref(), at, &FOR_EVER);
    let mut board = start(
        Arc::new(hanging.expect("a firmware")),
        image(&standard().whole()),
    );
    // Nothing was asked: it goes on.
    std::thread::sleep(PATIENCE + Duration::from_secs(5));
    assert_eq!(starts(&board.log().expect("a log")), 1);

    let mut stream = TcpStream::connect(board.address()).expect("QEMU listens");
    stream.write_all(&token_request().octets()).expect("a way");
    let asked = Instant::now();
    let again = board.wait_for(PATIENCE + SLACK, |lines| starts(lines) == 2);
    assert_eq!(again, Ok(true), "{:?}", board.log());
    assert!(asked.elapsed() > PATIENCE / 2, "{:?}", asked.elapsed());

    // Nor is it over after that.
    let mut stream = TcpStream::connect(board.address()).expect("QEMU listens");
    stream.write_all(&token_request().octets()).expect("a way");
    let again = board.wait_for(PATIENCE + SLACK, |lines| starts(lines) == 3);
    assert_eq!(again, Ok(true), "{:?}", board.log());
}

/// Hashing may take longer than the watchdog waits, and than a client may be
/// silent, as 600,000 iterations do on a board of 25 MHz; QEMU is faster, so here
/// are more of them. Others are answered meanwhile.
#[test]
fn hashing_of_a_password_is_progress() {
    let slow = format!(
        "pbkdf2-sha256:3500000:{}:{}",
        "A".repeat(22),
        "A".repeat(43)
    );
    let user = format!("[[user]]\nusername = 'slow'\nsub = 'slow'\npassword = '{slow}'");
    let mut board = start(firmware(), image(&breakout().tables(&user).whole()));
    let log_in = post(
        "/oauth/token",
        Some(&basic(BREAKOUT)),
        "grant_type=password&username=slow&password=x",
    );
    let mut stream = TcpStream::connect(board.address()).expect("QEMU listens");
    let patience = Some(Duration::from_secs(400));
    stream.set_read_timeout(patience).expect("a deadline");
    let asked = Instant::now();
    stream.write_all(&log_in.octets()).expect("a way");
    let answered = std::thread::spawn(move || {
        let mut octets = [0; 2048];
        let length = uninterrupted(|| stream.read(&mut octets)).expect("an answer");
        String::from_utf8_lossy(&octets[..length]).into_owned()
    });
    let mut others = 0;
    while !answered.is_finished() {
        let me = Wire::open(board.address()).ask(&Request::new("GET", "/me/"));
        assert_eq!(me.status, 401, "{:?}", board.log());
        others += 1;
        std::thread::sleep(Duration::from_millis(200));
    }
    let answer = answered.join().expect("an answer");
    // It was hashed to the end: the password is not the one.
    assert!(answer.contains("invalid_grant"), "{answer:?}");
    let long_enough = PATIENCE / 2 + Duration::from_secs(2);
    assert!(asked.elapsed() > long_enough, "{:?}", asked.elapsed());
    assert!(others > 10, "{others}");
    let lines = board.log().expect("a log");
    assert_eq!(starts(&lines), 1, "{lines:?}");
    assert!(!says(&lines, "stuck"), "{lines:?}");
    assert!(board.ended().is_none());
}
