//! A token that comes again is not verified again: what the simulator does with its cache, counted
//! in its own process under valgrind's callgrind.

use std::path::Path;
use std::process::Command;

use smallgate_tests::load::token_request;
use smallgate_tests::simulator::Process;
use smallgate_tests::wire::{Request, Wire};

/// What checks a signature by a key of the simulator's.
const CHECK: &str =
    "<smallgate_es256::verifying::Es256VerifyingKey as smallgate_core::jose::Verifier>::verify";

/// What stands behind `key` in a line of callgrind's profile: a number, and where the function is
/// first met, be it as who calls (`fn`) or as who is called (`cfn`), its name.
fn numbered<'p>(line: &'p str, key: &str) -> Option<(&'p str, &'p str)> {
    let (number, name) = line
        .strip_prefix(key)?
        .strip_prefix("=(")?
        .split_once(')')?;
    Some((number, name.trim_start()))
}

/// How often `function` was called, by callgrind's profile.
fn calls(profile: &str, function: &str) -> u64 {
    let number = profile.lines().find_map(|line| {
        let (number, name) = numbered(line, "fn").or_else(|| numbered(line, "cfn"))?;
        (name == function).then_some(number)
    });
    let number = number.unwrap_or_else(|| panic!("{function} was not called"));
    let mut lines = profile.lines();
    let mut times = 0;
    while let Some(line) = lines.next() {
        if numbered(line, "cfn").is_some_and(|(called, _)| called == number) {
            let calls = lines.next().and_then(|line| line.strip_prefix("calls="));
            let count = calls.and_then(|calls| calls.split(' ').next()?.parse::<u64>().ok());
            times += count.expect("how often follows who");
        }
    }
    times
}

#[test]
fn a_name_is_found_wherever_it_stands_first() {
    let called_first = "fn=(1) a\n1 2\ncfn=(2) b\ncalls=3 9\n1 4\nfn=(2)\n1 5\n";
    let caller_first = "fn=(2) b\n1 5\nfn=(1) a\n1 2\ncfn=(2)\ncalls=3 9\n1 4\n";
    for profile in [called_first, caller_first] {
        assert_eq!(calls(profile, "b"), 3);
    }
}

#[test]
fn a_signature_is_checked_once_for_each_token() {
    let name = "callgrind.again";
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let profile = format!("--callgrind-out-file={}", out.display());
    // The demonstration's tokens are ES256.
    let mut process = Process::serve_under(&["valgrind", "--tool=callgrind", &profile], &[]);
    let token = || {
        let answer = Wire::open(process.address).ask(&token_request());
        format!("Bearer {}", answer.member("access_token"))
    };
    let asked = |bearer: &str| {
        let request = Request::new("GET", "/me/").header("Authorization", bearer);
        Wire::open(process.address).ask(&request).status
    };
    let (one, other) = (token(), token());
    for bearer in [&one, &one, &other, &one, &other, &other, &one] {
        assert_eq!(asked(bearer), 200);
    }
    // One that only looks like it is checked, and refused, as often as it comes.
    let (signed, _) = one.rsplit_once('.').expect("a signature");
    let (_, signature) = other.rsplit_once('.').expect("a signature");
    let forged = format!("{signed}.{signature}");
    for _ in 0..3 {
        assert_eq!(asked(&forged), 401);
    }
    let id = process.id().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status();
    assert!(told.expect("kill").success());
    assert_eq!(process.wait(), Some(0), "{}", process.log());
    let profile = std::fs::read_to_string(&out).expect("callgrind wrote its profile");
    assert_eq!(calls(&profile, CHECK), 2 + 3);
}
