//! "No input makes a parser take more than a bounded number of steps": of the
//! worst documents that we know of, twice the octets take twice the instructions.
//!
//! `cargo test -p smallgate-tests --features proof --test steps_callgrind`. What
//! is counted is the release build, under valgrind's callgrind.

#[path = "support/callgrind.rs"]
mod callgrind;

use callgrind::count;

/// Instructions that a document may cost before its first octet.
const START: u64 = 20_000;

/// By how much the second doubling may be dearer than twice the first.
const MARGIN: f64 = 1.2;

/// What a document of about so many octets cost.
struct Cost {
    octets: u64,
    instructions: u64,
}

/// Three documents, each twice as long as the one before.
fn costs(parser: &str, shape: &str, octets: u64) -> [Cost; 3] {
    [octets, 2 * octets, 4 * octets].map(|octets| {
        let run = count("steps_subject", &[parser, shape, &octets.to_string()]);
        let (length, good) = run.output.trim().split_once(' ').expect("two words");
        // A document that is refused halfway would cost half.
        assert_eq!(good, "true", "{parser} {shape} {octets}");
        Cost {
            octets: length.parse().expect("a number"),
            instructions: run.instructions,
        }
    })
}

/// How many times dearer an octet of the second doubling is than one of the first.
#[expect(clippy::cast_precision_loss, reason = "millions")]
fn growth([one, two, four]: &[Cost; 3]) -> f64 {
    let slope = |from: &Cost, to: &Cost| {
        (to.instructions as f64 - from.instructions as f64) / (to.octets - from.octets) as f64
    };
    slope(two, four) / slope(one, two)
}

/// The cost grows with the octets, and an octet costs `most` instructions at most.
fn linear(parser: &str, shape: &str, octets: u64, most: u64) {
    let costs = costs(parser, shape, octets);
    for Cost {
        octets,
        instructions,
    } in &costs
    {
        println!("{parser} {shape}: {octets} octets, {instructions} instructions");
        assert!(
            *instructions <= START + most * octets,
            "{parser} {shape}: {instructions} instructions for {octets} octets"
        );
    }
    let growth = growth(&costs);
    assert!(growth <= MARGIN, "{parser} {shape}: {growth:.2}");
}

#[test]
fn r37_json_takes_a_bounded_number_of_steps() {
    // 64 names, each compared with those before it, in escapes.
    linear("json", "names", 8_000, 2_500);
    linear("json", "nested", 8_000, 200);
    linear("json", "text", 8_000, 200);
    linear("json", "digits", 8_000, 200);
    linear("json", "spaces", 8_000, 200);
}

#[test]
fn r05_forms_take_a_bounded_number_of_steps() {
    linear("form", "names", 8_000, 200);
    linear("form", "escapes", 8_000, 200);
}

#[test]
fn r15_basic_takes_a_bounded_number_of_steps() {
    linear("basic", "credentials", 64, 200);
}

#[test]
fn r36_base64url_takes_a_bounded_number_of_steps() {
    linear("base64url", "letters", 8_000, 100);
}

#[test]
fn tokens_and_keys_take_a_bounded_number_of_steps() {
    linear("jwt", "claims", 6_000, 2_000);
    linear("jwk", "key", 1_000, 1_000);
}

/// The measuring can fail.
#[test]
fn a_quadratic_comparison_is_seen() {
    let growth = growth(&costs("quadratic", "short", 2_000));
    println!("quadratic: {growth:.2}");
    assert!(growth > 1.5, "{growth}");
}
