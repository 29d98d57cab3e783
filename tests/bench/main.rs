//! `cargo bench -p smallgate-tests [-- --json] [-- --case TEXT]`: nanoseconds and allocations of
//! issuing, verifying and answering a request, beside `jsonwebtoken` with its
//! `rust_crypto` backend.
//!
//! Everybody gets keys that were parsed before, the same claims to issue and
//! the same ones to validate, and reads the same clock. All cases run in turns
//! within one run, so that what disturbs the machine disturbs each of them; the
//! ratios are of minima.

mod allocations;
mod keys;
mod peer;
mod pieces;
mod requests;
mod table;
mod tokens;
mod turns;

use std::process::ExitCode;

use keys::Keys;
use table::{Limit, Table};

/// "HS256 verify at most 0.5 of jsonwebtoken's", and what is aimed at later.
const VERIFY_LIMIT: f64 = 0.5;
const VERIFY_AIM: f64 = 0.30;
const ISSUE_AIM: f64 = 0.55;

fn main() -> ExitCode {
    let hs256 = Keys::hs256();
    let es256 = Keys::es256();
    let peer_hs256 = peer::Keys::new(&hs256);
    let peer_es256 = peer::Keys::new(&es256);

    let mut cases = Vec::new();
    for (ours, peer) in [(&hs256, &peer_hs256), (&es256, &peer_es256)] {
        cases.extend(tokens::cases(ours));
        cases.extend(peer::cases(ours, peer));
    }
    cases.extend(pieces::cases(&hs256));
    cases.extend(requests::cases());
    // For a profiler: the cases with this text in their name, and no others.
    let arguments: Vec<String> = std::env::args().collect();
    if let Some([_, text]) = arguments.windows(2).find(|pair| pair[0] == "--case") {
        cases.retain(|case| case.name.contains(text.as_str()));
    }
    let results = turns::run(&mut cases);

    let limit = |at_most, aim| Limit { at_most, aim };
    let table = Table {
        results: &results,
        limits: &[
            ("HS256 verify", limit(Some(VERIFY_LIMIT), Some(VERIFY_AIM))),
            ("HS256 issue", limit(None, Some(ISSUE_AIM))),
            ("ES256 verify", limit(None, None)),
            ("ES256 issue", limit(None, None)),
        ],
    };
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{}", table.json());
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
