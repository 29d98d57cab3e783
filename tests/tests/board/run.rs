//! `cargo xtask board run`, once the firmware is built: what it prints works as
//! it stands, and Ctrl-C ends it and its QEMU.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use smallgate_tests::board::{firmware, provision};
use smallgate_tests::simulator::Temporary;

/// A run that does not outlive its handle.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Starts a demonstration; the lines it prints until it answers.
fn run(profile: &str) -> (Run, Vec<String>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_board"))
        .args(["run", "--demo", profile, "--firmware"])
        .arg(firmware().path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let stdout = child.stdout.take().expect("it is piped");
    let run = Run(child);
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let lines: Vec<String> = lines
        .take_while(|line| line != "# Ctrl-C ends it")
        .collect();
    let first = lines.first().map_or("", String::as_str);
    assert!(
        first.starts_with("listening on http://127.0.0.1:"),
        "{lines:?}"
    );
    (run, lines)
}

/// Runs with these arguments until it ends by itself, which is a failure; what
/// it said on standard error.
fn refused(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_board"))
        .arg("run")
        .args(arguments)
        .arg("--firmware")
        .arg(firmware().path())
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_demonstrations_issuer_is_where_it_listens_also_when_the_usual_port_is_taken() {
    // Somebody else's may stand there as well.
    let _taken = TcpListener::bind("127.0.0.1:8080");
    let (_run, lines) = run("standard");
    let url = lines[0].trim_start_matches("listening on ");
    assert!(!url.ends_with(":8080"), "{url}");
    let metadata = format!("{url}/.well-known/oauth-authorization-server");
    let output = Command::new("curl").args(["-s", &metadata]).output();
    let said = output.expect("curl").stdout;
    let said: serde_json::Value = serde_json::from_slice(&said).expect("JSON");
    assert_eq!(said["issuer"], url);
}

#[test]
fn a_port_that_is_asked_for_and_taken_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it has one").port().to_string();
    let said = refused(&["--listen", &port]);
    assert!(said.contains(&format!("port {port}")), "{said}");
}

#[test]
fn a_damaged_image_is_tried_and_ends_it() {
    let mut image = provision(&["--demo", "standard"]).expect("an image");
    image[100] ^= 1;
    let file = Temporary::new("");
    std::fs::write(file.path(), image).expect("it is written");
    let said = refused(&["--image", file.path()]);
    assert!(said.starts_with("warning: "), "{said}");
    assert!(
        said.contains("image_refused") && said.contains("serves nothing"),
        "{said}"
    );
}

#[test]
fn an_eeprom_has_its_size_and_is_made_blank() {
    let file = Temporary::new("too short");
    let said = refused(&["--eeprom", file.path()]);
    assert!(
        said.contains("9 octets") && said.contains("65536"),
        "{said}"
    );
    std::fs::remove_file(file.path()).expect("it is there");
    // The image ends it; the chip was made before, and a store is not begun on it.
    let image = Temporary::new("none");
    refused(&["--eeprom", file.path(), "--image", image.path()]);
    let octets = std::fs::read(file.path()).expect("it was made");
    assert!(octets.len() == 65_536 && octets.iter().all(|octet| *octet == 0xFF));
}

/// The processes that this one started.
fn children(id: u32) -> String {
    let path = format!("/proc/{id}/task/{id}/children");
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Sends the signal of Ctrl-C and waits; the exit code.
fn interrupted(run: &mut Run) -> Option<i32> {
    let id = run.0.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.expect("kill").success());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = run.0.try_wait().expect("it is our child") {
            return status.code();
        }
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn printed_curl_lines_work_as_they_stand_and_ctrl_c_ends_it() {
    for profile in ["standard", "teen-quotes", "breakout"] {
        let (mut run, lines) = run(profile);
        let mut tokens = 0;
        for line in lines.iter().filter(|line| line.starts_with("curl ")) {
            let output = Command::new("sh").args(["-c", line]).output();
            let said = output.expect("a shell").stdout;
            let said = String::from_utf8_lossy(&said);
            assert!(
                said.starts_with('{') && !said.contains("\"error\""),
                "{line}: {said}"
            );
            tokens += usize::from(said.contains("\"access_token\""));
        }
        assert!(tokens > 0, "{lines:?}");
        let machines = children(run.0.id());
        assert!(!machines.is_empty());
        assert_eq!(interrupted(&mut run), Some(0));
        for id in machines.split_whitespace() {
            let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
            assert!(!name.starts_with("qemu"), "{name} is still there");
        }
    }
}

/// `cargo xtask board transcript`, once the firmware is built.
#[test]
fn every_answer_of_the_transcript_is_the_expected_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_board"))
        .args(["transcript", "--firmware"])
        .arg(firmware().path())
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let said = String::from_utf8_lossy(&output.stdout);
    for status in [200, 303, 400, 401, 403, 404, 405, 413, 415, 429, 502, 503] {
        let line = format!("\nHTTP/1.1 {status} ");
        assert!(said.contains(&line), "no {status} in {said}");
    }
}
