//! `cargo xtask board run`, once the firmware is built: what it prints works as
//! it stands, and Ctrl-C ends it and its QEMU.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use smallgate_tests::board::firmware;

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
