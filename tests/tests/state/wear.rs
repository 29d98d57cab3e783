//! What redemptions and refreshes cost a flash.

use smallgate_tests::powercut::{Nor, Pages, eeprom_wear, spent, wear};

#[test]
fn redemptions_and_refreshes_program_128_octets_of_flash_at_most() {
    let flash = spent::<Nor>();
    println!("{flash:?}");
    // A record is 96.
    assert!((96..=128).contains(&flash.redemption), "{flash:?}");
    assert!((96..=128).contains(&flash.refresh), "{flash:?}");
    // A page is 128 itself, and so is a sector's head; few are copied.
    let pages = spent::<Pages>();
    println!("{pages:?}");
    assert!((128..=144).contains(&pages.redemption), "{pages:?}");
    assert!((128..=144).contains(&pages.refresh), "{pages:?}");
}

#[test]
fn a_part_lives_longer_the_fewer_grants_are_copied() {
    let (few, full) = (wear(32), wear(256));
    println!("{few:?} {full:?}");
    assert!(few.octets < full.octets && full.octets <= 128, "{full:?}");
    assert!(few.years > full.years && full.years > 20, "{full:?}");
    // An erasure is a write there.
    let (few_pages, full_pages) = (eeprom_wear(32), eeprom_wear(232));
    println!("{few_pages:?} {full_pages:?}");
    assert!(few_pages.octets < full_pages.octets, "{full_pages:?}");
    assert!(few_pages.years > full_pages.years, "{full_pages:?}");
    assert!(few_pages.years * 2 < few.years && full_pages.years > 20);
}
