//! Chips of other measures in the simulator: what one host makes, another opens,
//! and nobody opens it as something that it is not.

use std::process::{Command, Stdio};

use smallgate_core::oauth::State;
use smallgate_firmware::store::FlashStore;
use smallgate_tests::powercut::{Client, Load, Model};
use smallgate_tests::simulator::{Process, binary};

/// What a start with these arguments says before it ends.
fn refused(load: &Load, more: &[&str]) -> String {
    let ended = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(load.arguments())
        .args(more)
        .stdin(Stdio::null())
        .output();
    let ended = ended.expect("smallgate starts");
    assert!(!ended.status.success(), "{ended:?}");
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

fn shown(load: &Load) -> String {
    let shown = Command::new(binary())
        .args(["store", "show"])
        .arg(load.store())
        .output();
    let shown = shown.expect("smallgate starts");
    assert!(shown.status.success(), "{shown:?}");
    String::from_utf8(shown.stdout).expect("text")
}

/// A file that one simulator makes and another goes on with, and then a board
/// that has such a flash.
fn is_opened_again<const UNIT: usize, const SECTOR: usize>(size: usize) {
    let (unit, sector) = (UNIT.to_string(), SECTOR.to_string());
    let size_text = size.to_string();
    let load = Load::new();
    let arguments = load.arguments();
    let made = [
        "--store-unit",
        &unit,
        "--store-sector",
        &sector,
        "--store-size",
        &size_text,
    ];
    let mut process = Process::serve(&[&arguments[..], &made].concat());
    let client = Client::new(0);
    let first = client.first_token(process.address);
    process.kill();
    // The file says what it is.
    let mut process = Process::serve(&arguments);
    let answer = client.refresh(process.address, &first).expect("it answers");
    assert_eq!(answer.status, 200, "{}: {answer:?}", process.log());
    process.kill();
    let text = shown(&load);
    assert!(text.contains("active, generation 2"), "{text}");
    let sectors = format!("{} sectors", size / SECTOR);
    assert!(text.contains(&sectors), "{text}");
    // Whoever names its measures is right.
    drop(Process::serve(&[&arguments[..], &made[..4]].concat()));
    let octets = std::fs::read(load.store()).expect("a file");
    assert_eq!(octets.len(), size);
    let mut board = FlashStore::<_, 256>::new(Model::<UNIT, SECTOR>::holding(octets));
    board.open().expect("it opens on a board");
    let mut states = Vec::new();
    let flash = board.each(|grant| states.push(grant.state));
    flash.expect("the flash works");
    assert_eq!(states, [State::Active { generation: 2 }]);
}

#[test]
fn store_of_octets_is_opened_again() {
    is_opened_again::<1, 256>(12 * 256);
}

#[test]
fn store_of_words_of_4_is_opened_again() {
    is_opened_again::<4, 4096>(16 * 4096);
}

#[test]
fn store_of_words_of_8_is_opened_again() {
    is_opened_again::<8, 2048>(8 * 2048);
}

#[test]
fn store_of_words_of_16_is_opened_again() {
    is_opened_again::<16, 1024>(5 * 1024);
}

#[test]
fn store_of_words_of_32_is_opened_again() {
    is_opened_again::<32, 16_384>(4 * 16_384);
}

#[test]
fn store_of_pages_of_64_is_opened_again() {
    is_opened_again::<64, 512>(32 * 512);
}

#[test]
fn store_of_pages_of_128_is_opened_again() {
    is_opened_again::<128, 4096>(16 * 4096);
}

#[test]
fn store_of_other_measures_is_refused_by_the_options_name() {
    let load = Load::new();
    let arguments = load.arguments();
    let made = ["--store-unit", "8", "--store-sector", "1024"];
    drop(Process::serve(&[&arguments[..], &made].concat()));
    let before = std::fs::read(load.store()).expect("a file");
    for (more, told) in [
        (
            ["--store-unit", "32"],
            "--store-unit 32: it was made with 8",
        ),
        (["--store-unit", "1"], "--store-unit 1: it was made with 8"),
        (
            ["--store-sector", "4096"],
            "--store-sector 4096: it was made with 1024",
        ),
        (
            ["--store-size", "131072"],
            "--store-size 131072: it has 65536 octets",
        ),
    ] {
        let said = refused(&load, &more);
        assert!(said.contains(told), "{more:?}: {said}");
        assert!(said.contains("grants.flash"), "{more:?}: {said}");
    }
    assert_eq!(std::fs::read(load.store()).expect("a file"), before);
    // Cells of these are alike.
    for (made, other) in [("128", "32"), ("32", "64"), ("64", "128")] {
        let load = Load::new();
        let arguments = load.arguments();
        drop(Process::serve(
            &[&arguments[..], &["--store-unit", made]].concat(),
        ));
        let said = refused(&load, &["--store-unit", other]);
        let told = format!("--store-unit {other}: it was made with {made}");
        assert!(said.contains(&told), "{said}");
    }
}

#[test]
fn store_that_can_not_be_made_is_refused_by_the_options_name() {
    let load = Load::new();
    for (more, told) in [
        (&["--store-unit", "3"][..], "--store-unit"),
        (&["--store-unit", "256"], "--store-unit"),
        (&["--store-sector", "5000"], "--store-sector"),
        (&["--store-sector", "128"], "--store-sector"),
        (
            &["--store-size", "8192"],
            "--store-size: use a multiple of 4096 from 12288 to 16777216",
        ),
        (
            &["--store-size", "16777216", "--store-sector", "256"],
            "--store-size: use a multiple of 256 from 768 to 16776704",
        ),
        (
            &["--store-size", "66560", "--store-sector", "2048"],
            "--store-size: use a multiple of 2048 from 6144 to 16777216",
        ),
    ] {
        let said = refused(&load, more);
        assert!(said.contains(told), "{more:?}: {said}");
        assert!(!load.store().exists(), "{more:?}");
    }
}

/// The first sector's erasure was cut off: the others say what it is.
#[test]
fn store_whose_first_head_is_gone_is_read_by_another() {
    let load = Load::new();
    let arguments = load.arguments();
    let made = [
        "--store-unit",
        "8",
        "--store-sector",
        "256",
        "--store-size",
        "2048",
    ];
    let mut process = Process::serve(&[&arguments[..], &made].concat());
    let client = Client::new(0);
    let mut token = client.first_token(process.address);
    for _ in 0..6 {
        let answer = client.refresh(process.address, &token);
        let next = answer.and_then(|answer| answer.refresh_token());
        token = next.expect("it is good");
    }
    process.kill();
    let mut octets = std::fs::read(load.store()).expect("a file");
    octets[..256].fill(0xFF);
    std::fs::write(load.store(), octets).expect("a file");
    let text = shown(&load);
    assert!(text.contains("active, generation 7"), "{text}");
    let process = Process::serve(&arguments);
    let answer = client.refresh(process.address, &token);
    assert_eq!(answer.map(|answer| answer.status), Some(200));
}
