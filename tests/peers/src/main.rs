//! Peers, each as its documentation shows it: `PROCESS [BACKEND] [--case TEXT]`. `cargo bench -p
//! smallgate-tests` starts it, and tells it when it has a turn.
//!
//! As everybody there: keys are parsed before, the claims are the same, the clock is read for each
//! token, and what a peer leaves to its caller of what Smallgate checks, its caller checks.

mod forms;
#[cfg(feature = "josekit")]
mod josekit;
mod jsonwebtoken;
mod jwt_compact;
mod jwt_simple;
mod material;

use std::io;

use smallgate_turns::allocations::Counting;
use smallgate_turns::child;
use smallgate_turns::samples::{ES256, HS256};
use smallgate_turns::turns::{Case, Here};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (mut cases, rest) = match words.as_slice() {
        ["jsonwebtoken", backend, rest @ ..] => (jsonwebtoken::cases(backend), rest),
        ["others", rest @ ..] => (others(), rest),
        _ => return Err(io::Error::other("say whose turns")),
    };
    if let ["--case", text] = rest {
        cases.retain(|case| case.is_named(text));
    }
    let (asked, answers) = (io::stdin().lock(), io::stdout().lock());
    child::serve(&mut Here::new(cases), asked, answers)
}

fn others() -> Vec<Case<'static>> {
    let mut cases = Vec::new();
    for sample in [&HS256, &ES256] {
        cases.extend(jwt_simple::cases(sample));
        cases.extend(jwt_compact::cases(sample));
        #[cfg(feature = "josekit")]
        cases.extend(josekit::cases(sample));
    }
    cases.extend(forms::cases());
    cases
}
