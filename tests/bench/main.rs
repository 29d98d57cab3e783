//! `cargo bench -p smallgate-tests [-- --json] [-- --case TEXT]`: nanoseconds and allocations of
//! issuing, verifying and parsing beside others' libraries, and of answering a request.
//!
//! Everybody gets keys that were parsed before, the same claims to issue and the same ones to validate,
//! and reads the same clock. All cases run in turns within one run, peers in processes of their own
//! that wait for theirs, so that what disturbs the machine disturbs each of them; the ratios are of
//! minima. `--slow TEXT` makes some of ours eight times as slow: a run that has to fail.

mod floors;
mod forms;
mod keys;
mod limits;
mod peers;
mod pieces;
mod requests;
mod tokens;

use std::process::ExitCode;

use keys::Keys;
use smallgate_turns::allocations::Counting;
use smallgate_turns::table::Table;
use smallgate_turns::turns::{self, Case, Here, Lane};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let mut pairs = arguments.windows(2);
        let found = pairs.find(|pair| pair[0] == name);
        found.map(|pair| pair[1].as_str())
    };
    // For a profiler: the cases with this text in their name, and no others.
    let only = option("--case");

    let all = [Keys::hs256(), Keys::es256_assembly(), Keys::es256_pure()];
    let mut cases: Vec<Case<'_>> = all.iter().flat_map(tokens::cases).collect();
    cases.push(tokens::again(&all[1]));
    cases.push(forms::case());
    cases.extend(pieces::cases(&all[0]));
    cases.extend(floors::cases(&all));
    cases.extend(requests::cases());
    cases.retain(|case| only.is_none_or(|text| case.is_named(text)));
    if let Some(text) = option("--slow") {
        cases = cases
            .into_iter()
            .map(|case| {
                if case.is_named(text) {
                    case.slowed()
                } else {
                    case
                }
            })
            .collect();
    }

    let mut lanes: Vec<Box<dyn Lane>> = vec![Box::new(Here::new(cases))];
    match peers::start(only) {
        Ok(peers) => lanes.extend(peers),
        Err(error) => {
            eprintln!("bench: the peers: {error}");
            return ExitCode::FAILURE;
        }
    }
    let results = turns::run(&mut lanes);
    drop(lanes);

    let table = Table {
        results: &results,
        limits: limits::LIMITS,
        ours: limits::OURS,
        pieces: (pieces::WHOLE, &pieces::PIECES),
        partial: only.is_some(),
    };
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{:#}", table.json());
    } else {
        print!("{table}");
    }
    let missed = table.missed();
    for line in &missed {
        eprintln!("over the limit: {line}");
    }
    if missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
