//! The simulator's chip in a file: who may open it, and that it is a board's.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use smallgate_core::oauth::{Grant, GrantId, Origin, Record, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::store::FlashStore;
use smallgate_tests::powercut::{Client, Load, Model};
use smallgate_tests::simulator::{Process, binary};

/// 64 KiB on a board, in units of 4 on flash and 128 on an EEPROM.
type Board<const UNIT: usize> = FlashStore<Model<UNIT, 4096>, 256>;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn grant(number: u8) -> Grant {
    Grant {
        id: GrantId([1, 1, number, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        state: State::Active { generation: 7 },
        client: Tag([number; 8]),
        user: None,
        refreshable: true,
        reuse: false,
        origin: Origin::Direct,
        scope: ScopeSet::from_bits(1),
        scope_names: [0; 4],
        nonce: [0; 4],
        created: NOW,
        touched: 0,
        ends: UnixTime(NOW.0 + 1000),
        keep_until: UnixTime(NOW.0 + 1000),
    }
}

fn path(name: &str) -> PathBuf {
    let name = format!("smallgate-{}-{name}.flash", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _not_there = std::fs::remove_file(&path);
    path
}

fn show(path: &Path) -> Output {
    let shown = Command::new(binary())
        .args(["store", "show"])
        .arg(path)
        .output();
    shown.expect("smallgate starts")
}

fn serve(arguments: &[&str]) -> String {
    let ended = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let ended = ended.expect("smallgate starts");
    assert!(!ended.status.success(), "{ended:?}");
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[test]
fn store_in_a_file_needs_configured_keys() {
    let path = path("keyless");
    let told = serve(&["--store", &format!("file:{}", path.display())]);
    assert!(
        told.contains("configure keys.signing and keys.handle"),
        "{told}"
    );
    assert!(!path.exists());
}

#[test]
fn store_in_a_file_has_one_opener() {
    let load = Load::new();
    let process = Process::serve(&load.arguments());
    let told = serve(&load.arguments());
    assert!(told.contains("another process has it open"), "{told}");
    let shown = show(&load.store());
    assert!(!shown.status.success(), "{shown:?}");
    drop(process);
    let shown = show(&load.store());
    assert!(shown.status.success(), "{shown:?}");
}

/// A slip in its path would be a new store, without a word.
#[test]
fn store_in_a_file_says_whether_it_was_there() {
    let load = Load::new();
    for new in [true, false] {
        let mut process = Process::serve(&load.arguments());
        process.kill();
        let log = process.log();
        let line = log.lines().find(|line| line.contains("store_opened"));
        let line: serde_json::Value = serde_json::from_str(line.expect("a line")).expect("JSON");
        assert_eq!(line["new"], new, "{line}");
        assert_eq!(line["path"], load.store().to_str().expect("text"));
    }
}

/// Who may write to it could bring back what was revoked.
#[cfg(unix)]
#[test]
fn store_in_a_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let load = Load::new();
    drop(Process::serve_under(
        &["sh", "-c", "umask 0; exec \"$@\"", "sh"],
        &load.arguments(),
    ));
    let made = std::fs::metadata(load.store()).expect("a file");
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
}

/// What a simulator made is opened as a board opens its chip.
fn opens_on_a_board<const UNIT: usize>(arguments: &[&str]) {
    let load = Load::new();
    let mut process = Process::serve(&[&load.arguments()[..], arguments].concat());
    for number in 0..3 {
        let _token = Client::new(number).first_token(process.address);
    }
    process.kill();
    let octets = std::fs::read(load.store()).expect("a file");
    let mut board = Board::<UNIT>::new(Model::holding(octets));
    board.open().expect("it opens");
    let mut generations = Vec::new();
    board
        .each(|grant| match grant.state {
            State::Active { generation } => generations.push(generation),
            other => panic!("{other:?}"),
        })
        .expect("the flash works");
    assert_eq!(generations, [1; 3]);
}

#[test]
fn image_of_the_simulator_opens_on_a_board() {
    opens_on_a_board::<4>(&[]);
    opens_on_a_board::<128>(&["--store-unit", "128"]);
}

/// What a board made is shown by the simulator, which says how full it is.
fn opens_in_the_simulator<const UNIT: usize>(full: &str) {
    let mut board = Board::<UNIT>::new(Model::new(16));
    board.open().expect("a new flash opens");
    for number in 0..200 {
        let record = Record::new(&grant(number));
        let write = Write::Record(&record);
        let done = board.commit(NOW, &record.id(), Seen::ABSENT, write);
        assert_eq!(done, Committed::Done);
    }
    let path = path(&format!("board-{UNIT}"));
    std::fs::write(&path, board.flash().octets()).expect("a file");
    let shown = show(&path);
    std::fs::remove_file(&path).expect("it was made");
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success(), "{shown:?}");
    assert_eq!(text.matches("active, generation 7").count(), 200, "{text}");
    assert!(text.contains(full), "{text}");
    assert!(text.contains("0101c7030405060708090a0b"), "{text}");
}

#[test]
fn image_of_a_board_opens_in_the_simulator() {
    opens_in_the_simulator::<4>("200 of 256 slots in use, 56 free");
    opens_in_the_simulator::<128>("200 of 232 slots in use, 32 free");
}
