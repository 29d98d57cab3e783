//! Requirement 12 by instruction count: "Unknown client and wrong secret are
//! the same in body, status and work done (instruction counts within 1 %)"; and
//! requirement 13, where not one instruction may tell how much of a secret was
//! right.
//!
//! `cargo test -p smallgate-tests --features proof --test r12_callgrind`. What
//! is counted is the release build, under valgrind's callgrind.

#[path = "support/callgrind.rs"]
mod callgrind;

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

#[test]
fn r13_where_a_client_secret_is_wrong_takes_the_same_instructions() {
    same_instructions("kept-for-basic", "client-00");
    same_instructions("kept-for-post", "client-00");
}

#[test]
fn r13_where_an_api_key_is_wrong_takes_the_same_instructions() {
    same_instructions("api-key", "client-00");
}

#[test]
fn r13_where_a_refresh_tokens_mac_is_wrong_takes_the_same_instructions() {
    same_instructions("handle", "client-00");
}

/// The measuring can fail.
#[test]
fn r13_a_comparison_that_stops_early_is_seen() {
    let [first, last] = ["first", "final"].map(|octet| count("early", "client-00", octet));
    assert_eq!(first.output, last.output);
    assert!(first.instructions < last.instructions);
}

/// What is secret is another in its first octet, and in its last. The request is
/// the same but for a handle's MAC, which the server does not keep.
fn same_instructions(how: &str, name: &str) {
    let [first, last] = ["first", "final"].map(|octet| count(how, name, octet));
    println!("{how}: {} instructions", first.instructions);
    assert!(first.output.starts_with("40"), "{}", first.output);
    assert_eq!(first.output, last.output);
    assert_eq!(first.instructions, last.instructions, "{how}");
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

fn count(how: &str, name: &str, secret: &str) -> callgrind::Run {
    callgrind::count("r12_subject", &[how, name, secret])
}
