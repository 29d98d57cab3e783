//! Power cuts at every operation of the flash.

use smallgate_tests::powercut::{Model, OnBus, Servers, Unchecked, live};

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
        ("words of 64", live::<Model<64, 512>>(&servers, 12, 120, 1)),
        (
            "words of 128",
            live::<Model<128, 1024>>(&servers, 6, 120, 1),
        ),
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

/// It tears by pages: what shares one with the record of a commit goes too.
#[test]
fn r30_power_loss_at_any_write_of_an_eeprom() {
    let servers = Servers::new();
    for (name, tally) in [
        ("24C64", live::<OnBus<8192, 32, 512>>(&servers, 16, 240, 2)),
        (
            "24C128",
            live::<OnBus<16_384, 64, 1024>>(&servers, 16, 240, 1),
        ),
        (
            "24C512",
            live::<OnBus<65_536, 128, 4096>>(&servers, 16, 1200, 4),
        ),
    ] {
        println!("{name}: {} cuts, {} laps", tally.cuts, tally.laps);
        assert_eq!(tally.failures(), 0, "{name}: {:#?}", tally.complaints);
        assert!(tally.cuts > 500, "{name}: {}", tally.cuts);
        assert!(tally.laps > 1, "{name}: {}", tally.laps);
    }
}

/// One that did not tear what is beside a record would prove nothing.
#[test]
fn r30_records_that_share_a_page_of_an_eeprom_are_lost() {
    let tally = live::<OnBus<65_536, 128, 4096, false>>(&Servers::new(), 16, 60, 1);
    println!("{tally:#?}");
    assert!(tally.lost > 0, "{tally:#?}");
}
