//! A store that fails while it is asked, and one that is full, as clients see it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use smallgate_tests::powercut::{Answer, Client, Load};
use smallgate_tests::simulator::{Process, binary};
use smallgate_tests::wire::{Request, Wire};

const CLOCK: [&str; 2] = ["--clock", "2026-01-01T00:00:00Z"];

/// Starts a simulator that hears of a file's limit as of any failure, and is not
/// ended by it.
fn serve(arguments: &[&str]) -> Process {
    let script = "trap '' XFSZ; exec \"$@\"";
    Process::serve_under(&["sh", "-c", script, "sh"], arguments)
}

/// Has each write to a file fail from now on, or none.
fn let_write(process: &Process, works: bool) {
    let limit = if works { "unlimited:" } else { "0:" };
    let set = Command::new("prlimit")
        .arg(format!("--pid={}", process.id()))
        .arg(format!("--fsize={limit}"))
        .status();
    assert!(set.expect("prlimit starts").success());
}

fn advance(process: &Process, seconds: u64) {
    let body = format!(r#"{{"advance":"{seconds}s"}}"#);
    let request = Request::new("POST", "/sim/clock").body("application/json", &body);
    assert_eq!(Wire::open(process.address).ask(&request).status, 204);
}

/// That the log has `text` so many times, once what was logged has come.
fn assert_logged(process: &Process, text: &str, times: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while process.log().matches(text).count() < times {
        assert!(Instant::now() < deadline, "{text}: {}", process.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    let log = process.log();
    assert_eq!(log.matches(text).count(), times, "{text}: {log}");
}

const FAILED: &str = r#""event":"store_failed""#;
const REGAINED: &str = r#""event":"store""#;
const REFUSED: &str = r#""cause":"the store does not answer""#;

fn assert_unavailable(answer: Option<Answer>) {
    let answer = answer.expect("it answers");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.field("retry-after"), Some("5"), "{answer:?}");
}

#[test]
fn r40_store_that_fails_answers_503_and_serves_anew_when_it_is_regained() {
    let load = Load::new();
    let process = serve(&[&load.arguments()[..], &CLOCK].concat());
    let (address, client) = (process.address, Client::new(0));
    let first = client.first_token(address);
    let second = client.refresh(address, &first);
    let second = second.and_then(|answer| answer.refresh_token());
    let second = second.expect("it is good");
    let code = client.code(address);

    let_write(&process, false);
    assert_unavailable(client.refresh(address, &second));
    assert_unavailable(client.refresh(address, &first));
    assert_unavailable(client.redeem(address, &code));
    assert_unavailable(client.revoke(address, &second));
    assert_unavailable(client.approved(address));
    assert_logged(&process, REFUSED, 5);
    assert_logged(&process, FAILED, 1);
    assert_logged(&process, REGAINED, 0);
    // What needs no write goes on.
    assert!(client.is_active(address, &second));
    assert_eq!(client.own(address).map(|answer| answer.status), Some(200));
    advance(&process, 3600);
    assert_unavailable(client.refresh(address, &first));

    // Nobody could have used the second token for an hour: the first one is good
    // in grace, as its client did not hear of the second.
    let_write(&process, true);
    let again = client.refresh(address, &first);
    let again = again.and_then(|answer| answer.refresh_token());
    assert_eq!(again.as_ref(), Some(&second), "{}", process.log());
    assert_logged(&process, REGAINED, 1);
    assert_logged(&process, FAILED, 1);
    advance(&process, 11);
    let reused = client.refresh(address, &first);
    assert_eq!(reused.map(|answer| answer.status), Some(400));

    // The next failure is told of too.
    let_write(&process, false);
    assert_unavailable(client.approved(address));
    assert_logged(&process, FAILED, 2);
}

/// What the system could not bring to the disk once it does not try again.
#[test]
fn r30_store_whose_fdatasync_failed_promises_nothing_more() {
    let load = Load::new();
    let mut process = Process::serve(&load.arguments());
    let client = Client::new(0);
    let first = client.first_token(process.address);
    process.kill();
    let words = ["strace", "-D", "-f", "-o", "/dev/null"];
    let inject = ["-e", "inject=fdatasync:error=EIO"];
    let mut process = Process::serve_under(&[&words[..], &inject].concat(), &load.arguments());
    for _ in 0..3 {
        assert_unavailable(client.refresh(process.address, &first));
    }
    assert_unavailable(client.approved(process.address));
    process.kill();
    assert_logged(&process, REFUSED, 4);
    assert_logged(&process, FAILED, 1);
    assert_logged(&process, REGAINED, 0);
    let process = Process::serve(&load.arguments());
    let answer = client.refresh(process.address, &first);
    assert_eq!(answer.map(|answer| answer.status), Some(200));
}

#[test]
fn full_store_refuses_new_grants_and_goes_on_rotating_and_revoking_for_clients() {
    let load = Load::new();
    // Three sectors of two grants: two are half of two.
    let smallest = ["--store-size", "768", "--store-sector", "256"];
    let process = Process::serve(&[&load.arguments()[..], &smallest].concat());
    let address = process.address;
    let [one, two, three] = [0, 1, 2].map(Client::new);
    let mut tokens = [one, two].map(|client| client.first_token(address));
    for _ in 0..20 {
        assert_unavailable(three.approved(address));
        for (client, token) in [one, two].into_iter().zip(&mut tokens) {
            let next = client.refresh(address, token);
            *token = next
                .and_then(|next| next.refresh_token())
                .expect("it rotates");
        }
    }
    assert_logged(&process, r#""cause":"the store is full""#, 20);
    assert_logged(&process, FAILED, 0);
    let revoked = one.revoke(address, &tokens[0]);
    assert_eq!(revoked.map(|answer| answer.status), Some(200));
    let refused = one.refresh(address, &tokens[0]);
    assert_eq!(refused.map(|answer| answer.status), Some(400));
    // Its place is free.
    let token = three.first_token(address);
    assert!(three.is_active(address, &token));
    assert!(two.is_active(address, &tokens[1]));
}

#[test]
fn store_that_can_not_be_opened_is_refused_by_name() {
    let load = Load::new();
    let [config, file, store, _] = load.arguments();
    for path in [
        "/dev/full",
        "/dev/null",
        "/proc/self",
        "/no/such/folder/file",
    ] {
        let ended = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", config, file])
            .args([store, &format!("file:{path}")])
            .stdin(Stdio::null())
            .output();
        let ended = ended.expect("smallgate starts");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success(), "{path}: {told}");
        assert!(told.contains(&format!("the store {path}: ")), "{told}");
    }
}
