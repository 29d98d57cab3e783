//! Power cuts at every operation of the flash.

use smallgate_tests::powercut::{Model, Servers, Unchecked, live};

/// Twelve sectors of four cells, so that 22 grants are half of it.
const SECTORS: usize = 12;

#[test]
fn r30_power_loss_at_any_operation_of_the_flash() {
    let tally = live::<Model<4, 512>>(&Servers::new(), SECTORS, 240, 1);
    println!("{tally:#?}");
    assert_eq!(tally.failures(), 0, "{:#?}", tally.complaints);
    assert!(tally.cut_points > 5000, "{}", tally.cut_points);
    assert!(tally.laps > 5, "{}", tally.laps);
    // A life in which nothing happened would pass too.
    for act in [
        "authorize",
        "redeem",
        "refresh",
        "again",
        "replay",
        "reuse",
        "revoke",
        "give way",
        "restart",
    ] {
        let found = tally.acts.iter().find(|(name, _)| *name == act);
        assert!(
            found.is_some_and(|(_, times)| *times > 2),
            "{act}: {found:?}"
        );
    }
}

#[test]
fn r30_power_loss_on_flashes_of_other_measures() {
    let servers = Servers::new();
    for (name, tally) in [
        ("octets", live::<Model<1, 256>>(&servers, 24, 120, 7)),
        ("words of 8", live::<Model<8, 1024>>(&servers, 6, 120, 3)),
        ("words of 32", live::<Model<32, 1024>>(&servers, 6, 120, 3)),
    ] {
        println!("{name}: {} cuts", tally.cuts);
        assert_eq!(tally.failures(), 0, "{name}: {:#?}", tally.complaints);
        assert!(tally.cuts > 500, "{name}: {}", tally.cuts);
    }
}

/// A test that a store without a check passes would prove nothing.
#[test]
fn r30_a_store_that_does_not_check_fails_where_the_power_does() {
    let tally = live::<Unchecked<Model<4, 512>>>(&Servers::new(), SECTORS, 60, 1);
    println!("{tally:#?}");
    assert!(tally.lost > 0, "{tally:#?}");
}
