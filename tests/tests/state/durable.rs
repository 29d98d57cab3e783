//! The order in which the simulator writes to its store and to its clients, as
//! the system sees it.

use smallgate_tests::powercut::{Client, Load};
use smallgate_tests::simulator::{Process, Temporary};

/// A store's file in a trace.
const STORE: &str = "grants.flash>";
/// The beginning of an answer with a token.
const ANSWER: &str = "\"HTTP/1.1 200";

/// What a line of a trace tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Octets of the store are written.
    Written,
    /// They are being brought to the disk.
    Syncing,
    /// They are there.
    Synced,
    /// A good answer leaves.
    Answered,
}

/// What a trace tells, in its order. Where another thread's call came between, a
/// call's beginning and its end have a line each.
fn told(trace: &str) -> Vec<Told> {
    let mut told = Vec::new();
    let mut syncing = Vec::new();
    for line in trace.lines() {
        let thread = line.split(' ').next().unwrap_or_default();
        let is_ok = line.ends_with("= 0");
        if line.contains("fdatasync(") && line.contains(STORE) {
            told.push(Told::Syncing);
            match line.ends_with("<unfinished ...>") {
                true => syncing.push(thread),
                false if is_ok => told.push(Told::Synced),
                false => {}
            }
        } else if line.contains("fdatasync resumed") && is_ok && syncing.contains(&thread) {
            syncing.retain(|other| *other != thread);
            told.push(Told::Synced);
        } else if line.contains(" write(") && line.contains(STORE) {
            told.push(Told::Written);
        } else if line.contains(ANSWER) {
            told.push(Told::Answered);
        }
    }
    told
}

/// How many answers left after a write to the store that was on the disk, and
/// whether all did.
fn durable_answers(told: &[Told]) -> (usize, bool) {
    let answers = told.split_inclusive(|one| *one == Told::Answered);
    let answers = answers.filter(|one| one.ends_with(&[Told::Answered]));
    let each: Vec<bool> = answers
        .map(|one| {
            let written = one.iter().rposition(|one| *one == Told::Written);
            let since = written.map_or(&[][..], |at| &one[at..]);
            since == [Told::Written, Told::Syncing, Told::Synced, Told::Answered]
        })
        .collect();
    (each.len(), each.iter().all(|is_durable| *is_durable))
}

#[test]
fn r30_an_answer_leaves_when_its_commit_is_on_the_disk() {
    const REFRESHES: usize = 5;
    let load = Load::new();
    let trace = Temporary::new("");
    let mut process = Process::serve_under(
        &[
            // The simulator stays this test's child, and strace is its grandchild.
            "strace",
            "-D",
            "-f",
            "-y",
            "-s",
            "40",
            "-e",
            "trace=fdatasync,write,writev,sendto,pwrite64",
            "-o",
            trace.path(),
        ],
        &load.arguments(),
    );
    let client = Client::new(0);
    let mut token = client.first_token(process.address);
    for _ in 0..REFRESHES {
        let answer = client.refresh(process.address, &token);
        let next = answer.and_then(|answer| answer.refresh_token());
        token = next.expect("it is good");
    }
    // It ends with what it watches, and that is waited for.
    process.kill();
    let trace = std::fs::read_to_string(trace.path()).expect("a trace");
    let told = told(&trace);
    let (answers, are_durable) = durable_answers(&told);
    assert!(answers > REFRESHES, "{trace}");
    assert!(are_durable, "{told:?}\n{trace}");
}

/// A test that finds no fault would prove nothing.
#[test]
fn r30_an_answer_that_leaves_too_early_is_seen() {
    let write = r#"7 write(9</flash/grants.flash>, "\0"..., 100) = 100"#;
    let sync = "7 fdatasync(9</flash/grants.flash>) = 0";
    let failed = "7 fdatasync(9</flash/grants.flash>) = -1 EIO (Input/output error)";
    let begun = "7 fdatasync(9</flash/grants.flash> <unfinished ...>";
    let ended = "7 <... fdatasync resumed>) = 0";
    let answer = r#"8 writev(10<socket:[1]>, [{iov_base="HTTP/1.1 200 OK\r\n"..., 1) = 400"#;
    let is_durable = |lines: &[&str]| durable_answers(&told(&lines.join("\n"))) == (1, true);
    assert!(is_durable(&[write, sync, answer]));
    assert!(is_durable(&[write, begun, ended, answer]));
    for early in [
        &[write, answer, sync][..],
        &[write, begun, answer, ended],
        &[write, failed, answer],
        &[sync, write, answer],
        &[begun, write, ended, answer],
        &[answer],
    ] {
        assert!(!is_durable(early), "{early:?}");
    }
}
