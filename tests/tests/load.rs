//! The simulator beside crowds, slow clients and an attacker, as `load` measures it; here fewer of
//! them, and only what no other test on the machine can move.
#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use serde_json::Value;
use smallgate_tests::simulator::binary;

fn load(arguments: &[&str]) -> Output {
    let load = Command::new(env!("CARGO_BIN_EXE_load"))
        .args(["--short", "--json", "--binary"])
        .arg(binary())
        .args(arguments)
        .output();
    load.expect("it starts")
}

/// The figures whose names end in the words.
fn figures(output: &Output, words: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let is_named = |figure: &Value| {
        let name = figure["name"].as_str();
        name.is_some_and(|name| name.ends_with(words))
    };
    all.into_iter().filter(is_named).collect()
}

fn holds(part: &str, expected: &[(&str, f64)]) {
    let output = load(&["--only", part]);
    assert!(output.status.success(), "{output:?}");
    for (words, value) in expected {
        let figures = figures(&output, words);
        let [figure] = &figures[..] else {
            panic!("{words}: {output:?}");
        };
        assert_eq!(figure["value"], *value, "{figure}");
    }
}

fn is_missed(part: &str, words: &str) {
    let output = load(&["--only", part, "--twin"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let [figure] = &figures(&output, words)[..] else {
        panic!("{words}: {output:?}");
    };
    let (value, limit) = (figure["value"].as_f64(), figure["limit"].as_f64());
    assert!(value > limit, "{figure}");
}

#[test]
fn five_hundred_idle_connections_are_kept() {
    holds("crowd", &[("not answered after that", 0.0)]);
}

#[test]
fn idle_connections_that_are_not_kept_are_missed() {
    is_missed("crowd", "not answered after that");
}

#[test]
fn slow_clients_are_ended() {
    let expected = [
        ("answered 408 and closed", 100.0),
        ("still there 6 s after their deadline", 0.0),
    ];
    holds("slow", &expected);
}

#[test]
fn slow_clients_that_are_not_ended_are_missed() {
    is_missed("slow", "still there 6 s after their deadline");
}

/// R16.
#[test]
fn r16_an_attacker_elsewhere_does_not_lock_the_client_out() {
    let expected = [
        ("guesses looked at (401)", 10.0),
        ("the client refused, of 100", 0.0),
    ];
    holds("attack", &expected);
}

#[test]
fn r16_an_attacker_at_the_clients_place_is_missed() {
    is_missed("attack", "the client refused, of 100");
}
