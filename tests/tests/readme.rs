//! The README's commands as they stand there, with another port: each indented
//! block is given to a shell whole, and what it prints is what was promised.

use serde_json::Value;
use smallgate_tests::command::Folder;
use smallgate_tests::simulator::Process;

const README: &str = include_str!("../../README.md");

/// Where the README has its gateway.
const ADDRESS: &str = "127.0.0.1:8080";

/// A line of each block that a test of this file runs.
const RUN: [&str; 9] = [
    TOKEN, TOOLS, CLOCK, WIRING, CODE, VERIFY, BOARD, UF2, PROVISION,
];
const TOKEN: &str = "curl -s -u demo:demo-secret-demo-secret-demo-secret -d grant_type=client_credentials http://127.0.0.1:8080/oauth/token";
const TOOLS: &str = "smallgate config example > gateway.toml";
const CLOCK: &str = r#"curl -d '{"advance":"1h"}'"#;
const WIRING: &str = "S=http://127.0.0.1:8080/sim";
const CODE: &str = "A=http://127.0.0.1:8080/oauth/authorize";
const VERIFY: &str = "curl -sf http://127.0.0.1:8080/jwks.json > jwks.json";
const BOARD: &str = "smallgate config example --board > gateway.toml";
const UF2: &str = "smallgate provision gateway.toml --uf2 0x10100000 -o gateway-config.uf2";
const PROVISION: &str = "smallgate provision gateway.toml -o image.bin";

/// Lines that are left out: what they need is not on every computer.
const OTHERS: [&str; 3] = ["cargo ", "probe-rs ", "cd "];

/// The indented blocks.
fn blocks() -> Vec<Vec<&'static str>> {
    let mut blocks = vec![Vec::new()];
    for line in README.lines() {
        match line.strip_prefix("    ") {
            Some(line) => blocks.last_mut().expect("one at least").push(line),
            None => blocks.push(Vec::new()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// The only block with a line that begins so.
fn block(start: &str) -> Vec<&'static str> {
    let mut found = blocks();
    found.retain(|block| block.iter().any(|line| line.starts_with(start)));
    assert_eq!(found.len(), 1, "{start}");
    found.remove(0)
}

fn script(lines: &[&str], process: &Process) -> String {
    lines
        .join("\n")
        .replace(ADDRESS, &process.address.to_string())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn every_block_with_a_command_is_run() {
    for block in blocks() {
        let is_command = |line: &&str| line.starts_with("curl ") || line.starts_with("smallgate ");
        // What stands in brackets is for the reader to choose from.
        let is_synopsis = block[0].contains('[');
        if block.iter().any(is_command) && !is_synopsis {
            let runs = RUN
                .iter()
                .filter(|start| block.iter().any(|line| line.starts_with(**start)));
            assert!(runs.count() > 0, "nothing runs {block:?}");
        }
    }
}

#[test]
fn the_first_lines_give_a_token() {
    let process = Process::serve(&[]);
    let folder = Folder::new("readme-token");
    let answer = json(&folder.pasted(&script(&block(TOKEN), &process)));
    assert_eq!(answer["token_type"], "Bearer");
    assert!(
        answer["access_token"]
            .as_str()
            .is_some_and(|token| token.len() > 100)
    );
}

#[test]
fn the_tools_do_what_their_lines_say() {
    let folder = Folder::new("readme-tools");
    let printed = folder.pasted(&block(TOOLS).join("\n"));
    assert!(printed.starts_with("gateway.toml: good. "), "{printed}");
    assert!(printed.contains(r#"{"kty":"EC","#), "{printed}");
    assert!(printed.contains("--issuer"), "{printed}");
    assert!(printed.contains("\nimage.bin: "), "{printed}");
    let process = Process::serve(&["--image", &folder.file("image.bin")]);
    process.log_with(|log| log.contains("http://127.0.0.1:8080"));
}

#[test]
fn the_clock_is_moved() {
    let process = Process::serve(&["--clock", "2026-01-01T00:00:00Z"]);
    let folder = Folder::new("readme-clock");
    let moved = script(&block(CLOCK), &process);
    assert_eq!(folder.pasted(&moved), "");
    let shown = folder.pasted(&format!("curl -s http://{}/sim/clock", process.address));
    assert_eq!(shown, r#"{"now":"2026-01-01T01:00:00Z"}"#);
}

#[test]
fn what_is_wired_is_turned() {
    let process = Process::serve(&[]);
    let folder = Folder::new("readme-wiring");
    let turned = script(&block(WIRING), &process);
    let broken = r#"{"state":"hangs"}{"state":"starved"}"#;
    assert_eq!(folder.pasted(&turned), broken);
    for (thing, shown) in [
        ("devices/temperature", r#"{"value":-7.5}"#),
        ("devices/button", r#"{"value":true}"#),
        ("devices/relay", r#"{"value":false}"#),
        ("bus", r#"{"state":"works"}"#),
        ("entropy", r#"{"state":"works"}"#),
    ] {
        let get = format!("curl -s http://{}/sim/{thing}", process.address);
        assert_eq!(folder.pasted(&get), shown);
    }
}

#[test]
fn a_code_without_a_browser() {
    let process = Process::serve(&[]);
    let folder = Folder::new("readme-code");
    let answer = json(&folder.pasted(&script(&block(CODE), &process)));
    assert!(answer["access_token"].is_string(), "{answer}");
    assert!(answer["refresh_token"].is_string(), "{answer}");
}

#[test]
fn a_token_is_verified() {
    let process = Process::serve(&[]);
    let folder = Folder::new("readme-verify");
    let claims = json(&folder.pasted(&script(&block(VERIFY), &process)));
    assert_eq!(claims["iss"], format!("http://{}", process.address));
    assert_eq!(claims["sub"], "demo");
}

/// A configuration for a board, which the simulator serves in its place, packed
/// in both ways.
#[test]
fn keys_and_a_client_of_your_own() {
    let folder = Folder::new("readme-board");
    let lines = block(BOARD);
    let board = lines.iter().position(|line| line.starts_with(OTHERS[0]));
    let (make, ask) = lines.split_at(board.expect("it is served"));
    let made = folder.sh(&make.join("\n"), "correct horse\n");
    let told = String::from_utf8(made.stderr).expect("text");
    assert!(made.status.success(), "{told}");
    let checked = String::from_utf8(made.stdout).expect("text");
    assert!(checked.starts_with("gateway.toml: good. "), "{checked}");
    // Their client is not there yet, as the block says.
    let notes: Vec<&str> = checked
        .lines()
        .filter(|line| line.starts_with("note:"))
        .collect();
    assert!(
        matches!(notes[..], [note] if note.contains("nobody can log in")),
        "{checked}"
    );
    let secret = told.lines().find(|line| line.contains("shown here alone"));
    let secret = secret
        .and_then(|line| line.rsplit(' ').next())
        .expect("a secret");

    let process = Process::serve(&["--config", &folder.file("gateway.toml")]);
    let ask = script(&ask[1..], &process).replace("SECRET", secret);
    let answer = json(&folder.pasted(&ask));
    assert!(answer["access_token"].is_string(), "{answer}");

    for (start, file) in [(UF2, "gateway-config.uf2"), (PROVISION, "image.bin")] {
        let mut lines = block(start);
        lines.retain(|line| !OTHERS.iter().any(|other| line.starts_with(other)));
        let printed = folder.pasted(&lines.join("\n"));
        assert!(printed.starts_with(&format!("{file}: ")), "{printed}");
    }
}
