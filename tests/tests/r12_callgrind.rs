//! Requirement 12 by instruction count: "Unknown client and wrong secret are
//! the same in body, status and work done (instruction counts within 1 %)".
//!
//! `cargo test -p smallgate-tests --features proof --test r12_callgrind`. What
//! is counted is the release build, under valgrind's callgrind.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Each as long as the right one.
const WRONG: &str = "wrong-secret-wrong-secret-wrong-secr";

#[test]
fn r12_unknown_client_and_wrong_secret_cost_the_same_by_basic() {
    same_work("basic", &["client-xx", "client-00", "client-49"]);
}

#[test]
fn r12_unknown_client_and_wrong_secret_cost_the_same_by_post() {
    same_work("post", &["client-xx", "client-00", "client-49"]);
}

#[test]
fn r12_unknown_user_and_wrong_password_cost_the_same() {
    same_work("password", &["user-xx", "user-00", "user-49"]);
}

/// The measuring can fail.
#[test]
fn r12_a_leaky_comparison_is_seen() {
    let unknown = count("leaky", "client-xx", WRONG);
    let known = count("leaky", "client-49", WRONG);
    assert_eq!(unknown.output, known.output);
    let spread = spread(&[unknown.instructions, known.instructions]);
    println!(
        "leaky: unknown {}, last {}: {:.2} % apart",
        unknown.instructions,
        known.instructions,
        spread * 100.0
    );
    assert!(spread > 0.1, "a missing hash shows as {spread} only");
}

/// The first of `names` is nobody's; the answers and the work are the same.
fn same_work(how: &str, names: &[&str]) {
    let runs: Vec<_> = names.iter().map(|name| count(how, name, WRONG)).collect();
    let counts: Vec<_> = runs.iter().map(|run| run.instructions).collect();
    let spread = spread(&counts);
    for (name, count) in names.iter().zip(&counts) {
        println!("{how} {name}: {count} instructions");
    }
    println!("{how}: {:.3} % apart", spread * 100.0);
    for (name, run) in names.iter().zip(&runs) {
        assert_eq!(run.output, runs[0].output, "{name} is answered differently");
    }
    assert!(
        runs[0].output.starts_with("40"),
        "no refusal: {}",
        runs[0].output
    );
    assert!(spread <= 0.01, "{names:?} take {counts:?} instructions");
}

/// How far apart the largest and the smallest are, of the smallest.
#[expect(clippy::cast_precision_loss, reason = "millions")]
fn spread(counts: &[u64]) -> f64 {
    let most = *counts.iter().max().expect("some counts");
    let fewest = *counts.iter().min().expect("some counts");
    (most - fewest) as f64 / fewest as f64
}

struct Run {
    instructions: u64,
    output: String,
}

/// Runs one request under callgrind.
fn count(how: &str, name: &str, secret: &str) -> Run {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{how}.{name}"));
    let run = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg("--toggle-collect=*_counted*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(subject())
        .args([how, name, secret])
        .output()
        .expect("valgrind is missing: sudo apt-get install -y valgrind");
    let complaints = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{complaints}");
    let profile = std::fs::read_to_string(&out).expect("callgrind wrote its profile");
    let instructions = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))
        .and_then(|total| total.trim().parse().ok())
        .expect("callgrind's profile has totals");
    assert!(instructions > 0, "no function called *_counted* was met");
    Run {
        instructions,
        output: String::from_utf8(run.stdout).expect("text"),
    }
}

/// The release build of `r12_subject`, made once.
fn subject() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let build = Command::new(env!("CARGO"))
            .args(["build", "--release", "--features", "proof"])
            .args(["--bin", "r12_subject", "--message-format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(build.status.success(), "the release build failed");
        String::from_utf8(build.stdout)
            .expect("text")
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo names the executable")
    })
}
