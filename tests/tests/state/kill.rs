//! The real simulator with a store in a file, killed.

use smallgate_tests::powercut::kill;

#[test]
fn r30_the_simulator_killed_under_load() {
    let kills = kill(6);
    println!("{kills:#?}");
    assert!(kills.answers > 50, "{kills:?}");
    // A life without codes would pass too.
    assert!(kills.redemptions > 5, "{kills:?}");
    assert!(kills.handles > kills.answers, "{kills:?}");
    assert_eq!((kills.lost, kills.doubled, kills.stranded), (0, 0, 0));
}
