//! The whole life of grants under random operations by honest clients, a thief
//! and a slow network, step by step in any order, beside a reference that was
//! written from the design's table.
//!
//! An exchange borrows its buffers, so that a state machine that owns its state
//! (`proptest-state-machine`) could not hold one half done. Operations are a
//! list instead, and each finds its object modulo what there is: every list is
//! a legal one, so a failing one shrinks well.

mod reference;
mod world;

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use world::{Servers, World};

/// What happens next. The numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    /// A user approves, and the honest client has a code.
    Authorize { client: u8 },
    /// The honest client presents the newest that it has, and waits.
    Honest { grant: u8, lost: bool },
    /// It presents it, and the request is under way.
    HonestBegins { grant: u8 },
    /// The thief presents anything that ever was in a response.
    Thief { grant: u8, which: u8 },
    /// Its request is under way.
    ThiefBegins { grant: u8, which: u8 },
    /// Another client presents it.
    Stranger { grant: u8, which: u8 },
    /// The client revokes.
    Revoke { grant: u8, which: u8 },
    /// Its request is under way.
    RevokeBegins { grant: u8, which: u8 },
    /// A request that is under way does one step.
    Step { flight: u8, lost: bool },
    /// A request that is under way comes to its end.
    Finish { flight: u8, lost: bool },
    /// Time.
    Pass { seconds: u8 },
    /// The server is configured anew: all there, a client gone, the user gone.
    Configure { which: u8 },
    /// The server restarts: what was under way is lost.
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation as O;
    let seconds = prop_oneof![4 => 1..4_u8, 3 => 8..13_u8, 2 => 45..65_u8, 1 => 140..160_u8];
    let lost = prop::bool::weighted(0.25);
    let any = || any::<u8>();
    prop_oneof![
        3 => any().prop_map(|client| O::Authorize { client }),
        8 => (any(), lost).prop_map(|(grant, lost)| O::Honest { grant, lost }),
        7 => any().prop_map(|grant| O::HonestBegins { grant }),
        2 => (any(), any()).prop_map(|(grant, which)| O::Thief { grant, which }),
        2 => (any(), any()).prop_map(|(grant, which)| O::ThiefBegins { grant, which }),
        1 => (any(), any()).prop_map(|(grant, which)| O::Stranger { grant, which }),
        1 => (any(), any()).prop_map(|(grant, which)| O::Revoke { grant, which }),
        1 => (any(), any()).prop_map(|(grant, which)| O::RevokeBegins { grant, which }),
        14 => (any(), lost).prop_map(|(flight, lost)| O::Step { flight, lost }),
        4 => (any(), lost).prop_map(|(flight, lost)| O::Finish { flight, lost }),
        4 => seconds.prop_map(|seconds| O::Pass { seconds }),
        1 => (0..6_u8).prop_map(|which| O::Configure { which }),
        1 => Just(O::Restart),
    ]
}

/// How many lists of operations are run; `PROPTEST_CASES` says otherwise.
const CASES: u32 = 1280;

fn runner() -> TestRunner {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let config = Config {
        cases: cases.and_then(|text| text.parse().ok()).unwrap_or(CASES),
        failure_persistence: None,
        ..Config::default()
    };
    // The same cases each time, unless more of them are asked for.
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn r18_r19_r24_r25_r26_r27_r29_r30_r49_the_whole_life_against_the_table() {
    let servers = Servers::new();
    let totals = Cell::new(world::Counts::default());
    let outcome = runner().run(&vec(operation(), 1..120), |operations| {
        let mut calls = World::room(operations.len());
        let mut world = World::new(&servers, &mut calls);
        for operation in operations {
            world.apply(operation)?;
        }
        world.end()?;
        totals.set(totals.get().plus(&world.counts));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let counts = totals.get();
    println!("{counts:#?}");
    // A model in which nothing happened would hold too.
    for (what, count) in counts.named() {
        assert!(count > 0, "never: {what}");
    }
}
