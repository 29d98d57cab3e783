//! What the board keeps on its EEPROM, through resets, and what it does without.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, SystemTime};

use smallgate_core::oauth::{Grant, GrantId, Origin, Record, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_tests::board::{Board, LISTENING, chip, image, machine_with, provision, says};
use smallgate_tests::host::{Host, START};
use smallgate_tests::load::token_request;
use smallgate_tests::machine::eeprom::{self, Grants};
use smallgate_tests::machine::{Eeprom, Machine};
use smallgate_tests::powercut::{Client, Load, Model, kill_board};
use smallgate_tests::simulator::{Process, binary};
use smallgate_tests::suite::browser::{demo, redemption};
use smallgate_tests::suite::session::{Session, basic, password_form, post, refresh_form};
use smallgate_tests::suite::setups::{BREAKOUT, DEMO, DEVICES, USER, breakout, standard};
use smallgate_tests::wire::{Request, Response, Wire};
use socket2::SockRef;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// How long a board may take to listen.
const SOON: Duration = Duration::from_secs(20);

fn opened(octets: Vec<u8>) -> Grants {
    let mut store = Grants::new(Model::holding(octets));
    store.open().expect("it opens");
    store
}

/// Puts a live grant of nobody whom the setups know, made at `created`.
fn put(store: &mut Grants, number: u8, created: UnixTime) -> Committed {
    let record = Record::new(&Grant {
        id: GrantId([1, number, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        state: State::Active { generation: 1 },
        client: Tag([number; 8]),
        user: None,
        refreshable: true,
        reuse: false,
        origin: Origin::Direct,
        scope: ScopeSet::from_bits(1),
        scope_names: [0; 4],
        nonce: [0; 4],
        created,
        touched: 0,
        ends: UnixTime(created.0 + 30 * DAY),
        keep_until: UnixTime(created.0 + 30 * DAY),
    });
    store.commit(created, &record.id(), Seen::ABSENT, Write::Record(&record))
}

/// A machine with this on its EEPROM, when it listens.
fn listening(image: Vec<u8>, clock: u64, eeprom: Eeprom) -> Machine {
    let mut machine = machine_with(image, Some(clock), eeprom);
    let listens = machine.wait_for(SOON, |lines| says(lines, LISTENING));
    assert_eq!(listens, Ok(true), "{:?}", machine.log());
    machine
}

fn token(machine: &Machine, client: (&str, &str), form: &str) -> Response {
    Wire::open(machine.address()).ask(&post("/oauth/token", Some(&basic(client)), form))
}

#[test]
fn r30_grants_outlive_a_reset() {
    let mut session = Session::<Board>::start(standard());
    let (redeemed, pending) = (session.code(&demo()), session.code(&demo()));
    let r1 = session.token(DEMO, &redemption(&redeemed));
    let r2 = session.token(DEMO, &refresh_form(&r1));
    assert_eq!(r2.status, 200, "{}", r2.pretty());
    session.host.restart();
    let r3 = session.token(DEMO, &refresh_form(&r2));
    assert_eq!(r3.status, 200, "{}", r3.pretty());
    assert_eq!(session.me(&r3.member("access_token")).status, 200);
    let other = session.token(DEMO, &redemption(&pending));
    assert_eq!(other.status, 200, "{}", other.pretty());
    session.host.restart();
    // Both codes were redeemed: that they come again ends their grants.
    for code in [&redeemed, &pending] {
        let again = session.token(DEMO, &redemption(code));
        assert_eq!(again.outcome(), (400, "invalid_grant".to_owned()));
    }
    session.host.restart();
    for ended in [&r3, &other] {
        let refused = session.token(DEMO, &refresh_form(ended));
        assert_eq!(refused.outcome(), (400, "invalid_grant".to_owned()));
        assert_eq!(session.me(&ended.member("access_token")).status, 401);
    }
    // The first of the machines found a chip on which nothing was, and the others theirs.
    let log = session.host.log();
    assert_eq!(
        log.matches("event=\"store\" used=0 slots=232").count(),
        1,
        "{log}"
    );
    assert_eq!(
        log.matches("event=\"store\" used=2 slots=232").count(),
        3,
        "{log}"
    );
}

#[test]
fn r30_a_full_store_refuses_new_grants_and_goes_on_with_its_own() {
    let setup = breakout()
        .top("rotation = \"rotate\"")
        .tables("[lifetimes]\ngrace = 1");
    let mut session = Session::<Board>::start(setup);
    let r1 = session.log_in();
    let mut store = opened(session.host.kill());
    for number in 0..231 {
        assert_eq!(put(&mut store, number, UnixTime(START)), Committed::Done);
    }
    session.host.write_chip(store.flash().octets());
    session.host.restart();
    let log_in = |session: &Session<Board>| session.token(BREAKOUT, &password_form(USER));
    let unavailable = (503, "temporarily_unavailable".to_owned());
    let full = log_in(&session);
    assert_eq!(full.outcome(), unavailable);
    assert!(full.header("retry-after").is_some(), "{}", full.pretty());
    let r2 = session.token(BREAKOUT, &refresh_form(&r1));
    assert_eq!(r2.status, 200, "{}", r2.pretty());
    session.host.pass(2);
    // A theft, which is the end of the grant: then there is room for one.
    for ended in [&r1, &r2] {
        let refused = session.token(BREAKOUT, &refresh_form(ended));
        assert_eq!(refused.outcome(), (400, "invalid_grant".to_owned()));
    }
    assert_eq!(log_in(&session).status, 200);
    assert_eq!(log_in(&session).outcome(), unavailable);
    let log = session.log_with(|log| log.matches("the store is full").count() == 2);
    assert!(log.contains("event=\"store\" used=232 slots=232"), "{log}");
}

/// What needs no grant goes on without the EEPROM; grants are not kept elsewhere.
#[test]
fn r30_a_board_without_its_eeprom_keeps_no_grants_and_says_so() {
    let setup = standard().tables(DEVICES);
    let session = Session::<Board>::start(setup.clone());
    let code = session.code(&demo());
    drop(session);
    let mut machine = listening(image(&setup.whole()), START, Eeprom::Absent);
    let issued = Wire::open(machine.address()).ask(&token_request());
    assert_eq!(issued.status, 200, "{}", issued.pretty());
    let bearer = format!("Bearer {}", issued.member("access_token"));
    let devices = Request::new("GET", "/devices").header("Authorization", &bearer);
    let devices = Wire::open(machine.address()).ask(&devices);
    assert_eq!(devices.status, 200, "{}", devices.pretty());
    let refused = token(&machine, DEMO, &redemption(&code));
    assert_eq!(
        refused.outcome(),
        (503, "temporarily_unavailable".to_owned())
    );
    assert!(
        refused.header("retry-after").is_some(),
        "{}",
        refused.pretty()
    );
    let told = machine.wait_for(SOON, |lines| says(lines, "the store does not answer"));
    assert_eq!(told, Ok(true), "{:?}", machine.log());
    let page = Wire::open(machine.address()).ask(&Request::new("GET", "/"));
    assert!(page.text().contains("failing: grants"), "{}", page.text());
    let lines = machine.log().expect("a log");
    let failed = lines
        .iter()
        .filter(|line| line.message.contains("store_failed"));
    assert_eq!(failed.count(), 1, "{lines:?}");
}

/// A real-time clock is no further back than what was committed.
#[test]
fn r40_a_clock_behind_the_newest_commit_issues_nothing() {
    let newest = START + 10 * DAY;
    let mut store = opened(eeprom::begun());
    assert_eq!(put(&mut store, 1, UnixTime(newest)), Committed::Done);
    let chip = chip(store.flash().octets());
    for (clock, status, line) in [
        (newest + 1, 200, "clock_set"),
        (newest - HOUR, 503, "the clock went back"),
        (newest - 2 * DAY, 503, "time_refused\" cause=TooEarly"),
    ] {
        let file = Eeprom::File(chip.path().into());
        let mut machine = listening(image(&standard().whole()), clock, file);
        let answer = Wire::open(machine.address()).ask(&token_request());
        assert_eq!(answer.status, status, "{}", answer.pretty());
        let told = machine.wait_for(SOON, |lines| says(lines, line));
        assert_eq!(told, Ok(true), "no {line}: {:?}", machine.log());
    }
}

/// One format, octet for octet.
#[test]
fn a_chip_goes_from_the_simulator_to_the_board_and_back() {
    let load = Load::new();
    let arguments = load.arguments();
    let mut simulator = Process::serve(&[&arguments[..], &["--store-unit", "128"]].concat());
    let client = Client::new(0);
    let of_simulator = client.first_token(simulator.address);
    simulator.kill();

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    let packed = provision(&[arguments[1]]).expect("an image");
    let mut board = listening(packed, now, Eeprom::File(load.store()));
    let rotated = client.refresh(board.address(), &of_simulator);
    let of_board = rotated.and_then(|answer| answer.refresh_token());
    let of_board = of_board.expect("it is good there too");
    board.kill();

    let shown = Command::new(binary())
        .args(["store", "show"])
        .arg(load.store())
        .output();
    let shown = shown.expect("smallgate starts");
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success(), "{shown:?}");
    assert!(text.contains("active, generation 2"), "{text}");
    assert!(text.contains("1 of 232 slots in use"), "{text}");

    let simulator = Process::serve(&arguments);
    let again = client.refresh(simulator.address, &of_board);
    let again = again.and_then(|answer| answer.refresh_token());
    assert!(again.is_some_and(|token| token != of_board));
}

/// Clients that are gone at any moment of their exchange, which takes as long as
/// the EEPROM does.
#[test]
fn r30_the_commit_outlives_the_clients_hang_up() {
    const CLIENTS: usize = 8;
    let load = Load::new();
    let packed = provision(&[load.arguments()[1]]).expect("an image");
    let chip = chip(&eeprom::blank());
    let start = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("after 1970").as_secs();
        listening(packed.clone(), now, Eeprom::File(chip.path().into()))
    };
    let mut board = start();
    let tokens: Vec<String> = (0..CLIENTS)
        .map(|number| Client::new(number).first_token(board.address()))
        .collect();
    for (number, token) in tokens.iter().enumerate() {
        let mut stream = TcpStream::connect(board.address()).expect("it listens");
        let request = Client::new(number).refresh_request(token);
        stream.write_all(request.as_bytes()).expect("it is sent");
        std::thread::sleep(Duration::from_millis(8 * number as u64));
        // Without an end: RST, and no FIN.
        let reset = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        reset.expect("a reset");
    }
    // The board has its turn for all of them when another one was answered.
    let last = Client::new(0).own(board.address());
    assert_eq!(last.map(|answer| answer.status), Some(200));
    let log = board.log().expect("a log");
    let rotated = log
        .iter()
        .filter(|line| line.message.contains("issued") && line.message.contains("refresh_token"))
        .count();
    assert!(rotated > 0, "{log:?}");
    board.kill();
    let mut store = opened(std::fs::read(chip.path()).expect("a chip"));
    let mut second = 0;
    let each = store.each(|grant| {
        second += usize::from(grant.state == State::Active { generation: 2 });
    });
    each.expect("it is read");
    assert_eq!(
        second, rotated,
        "what was answered is kept, and nothing else"
    );
    // Whoever was not heard has the old token, and whoever was is in grace.
    let board = start();
    for (number, token) in tokens.iter().enumerate() {
        let client = Client::new(number);
        let next = client.refresh(board.address(), token);
        let next = next.and_then(|answer| answer.refresh_token());
        let next = next.unwrap_or_else(|| panic!("{number}: {:?}", board.log()));
        let third = client.refresh(board.address(), &next);
        assert_eq!(third.map(|answer| answer.status), Some(200), "{number}");
    }
}

#[test]
fn r30_the_board_killed_under_load() {
    let kills = kill_board(3);
    println!("{kills:#?}");
    assert!(kills.answers > 20, "{kills:?}");
    assert!(kills.redemptions > 0, "{kills:?}");
    assert!(kills.handles > kills.answers, "{kills:?}");
    assert_eq!((kills.lost, kills.doubled, kills.stranded), (0, 0, 0));
}
