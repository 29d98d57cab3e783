//! Two gateways on three servers, and everything that goes wrong between them.

use std::collections::HashSet;
use std::time::Duration;

use smallgate_tests::fleet::{Fleet, Plan, chaos, crowd, crowds};
use smallgate_tests::powercut::{Client, Load};
use smallgate_tests::simulator::Process;

#[test]
fn no_code_works_twice_and_no_rotation_is_lost_whatever_dies() {
    let outcome = chaos(1);
    for complaint in &outcome.complaints {
        println!("{complaint}");
    }
    println!("{outcome:#?}");
    let wrong = (outcome.doubled, outcome.lost, outcome.stranded);
    assert_eq!(wrong, (0, 0, 0));
    // A life without answers would pass too, and one without races.
    assert!(outcome.answers > 500, "{}", outcome.answers);
    assert!(outcome.refused > 10, "{}", outcome.refused);
    assert!(outcome.unavailable > Duration::ZERO);
    assert!(
        outcome.longest < Duration::from_secs(8),
        "{:?}",
        outcome.longest
    );
}

#[test]
fn forty_requests_with_one_code_over_two_gateways_have_one_winner() {
    let fleet = Fleet::start(&Plan::default());
    let crowds = crowds(&fleet, 40);
    println!("{crowds:?}");
    assert_eq!((crowds.rounds, crowds.doubled, crowds.alive), (40, 0, 0));
    assert_eq!(crowds.barren, 0);
    assert!(fleet.logged("commit_refused") > 40);
}

/// What must not pass, and would be seen: two gateways whose store is not one, but
/// two that were the same.
#[test]
fn a_store_that_is_two_stores_is_found_out() {
    let load = Load::new();
    let [config, path, store, file] = load.arguments();
    let mut first = Process::serve(&[config, path, store, file]);
    let client = Client::new(0);
    let codes = [(); 3].map(|()| client.code(first.address));
    first.kill();
    let twin = load.store().with_extension("twin");
    std::fs::copy(load.store(), &twin).expect("a copy");
    let twin = format!("file:{}", twin.display());
    let both = [file, &twin].map(|place| Process::serve(&[config, path, store, place]));
    let gateways = both.each_ref().map(|process| process.address);
    for code in codes {
        let tokens = crowd(&gateways, client, &code);
        assert_eq!(tokens.len(), 2, "{tokens:?}");
        // The same one: a second lineage is not to be told by its handles.
        assert_eq!(tokens.iter().collect::<HashSet<_>>().len(), 1);
    }
}
