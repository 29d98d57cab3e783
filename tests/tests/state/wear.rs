//! What redemptions and refreshes cost a flash.

use smallgate_tests::powercut::{spent, wear};

#[test]
fn redemptions_and_refreshes_program_128_octets_at_most() {
    let spent = spent();
    println!("{spent:?}");
    // A record is 96.
    assert!((96..=128).contains(&spent.redemption), "{spent:?}");
    assert!((96..=128).contains(&spent.refresh), "{spent:?}");
}

#[test]
fn a_part_lives_longer_the_fewer_grants_are_copied() {
    let (few, full) = (wear(32), wear(256));
    println!("{few:?} {full:?}");
    assert!(few.octets < full.octets && full.octets <= 128, "{full:?}");
    assert!(few.years > full.years && full.years > 20, "{full:?}");
    // An erasure is a write there, and so is each page.
    assert!(few.eeprom_years * 2 < few.years, "{few:?}");
    assert!(full.eeprom_years > 2, "{full:?}");
}
