//! Cuts the power of a store of grants, and prints what came of it as JSON: a
//! list of `{name, value, unit, limit}`. Its arguments are how often the simulator
//! is killed besides, and how often the board, if that is in it.

use serde_json::json;
use smallgate_tests::powercut::{
    GRANTS, Kills, Model, Nor, OnBus, Pages, Servers, eeprom_wear, kill, live, rates, spent, wear,
};

fn main() {
    let rounds = |at| {
        let text = std::env::args().nth(at);
        text.map_or(0, |text| text.parse().expect("a number of rounds"))
    };
    let servers = Servers::new();
    let lives = [
        live::<Model<4, 512>>(&servers, 12, 240, 1),
        live::<Model<1, 512>>(&servers, 12, 60, 1),
        live::<Model<8, 1024>>(&servers, 8, 240, 1),
        live::<OnBus<8192, 32, 512>>(&servers, 16, 240, 1),
        live::<Pages>(&servers, 16, 1200, 1),
    ];
    for complaint in lives.iter().flat_map(|life| &life.complaints) {
        eprintln!("{complaint}");
    }
    let sum = |count: fn(&smallgate_tests::powercut::Tally) -> u64| -> u64 {
        lives.iter().map(count).sum()
    };
    let kills = kill(rounds(1));
    let board = on_board(rounds(2));
    let [memory, file] = rates();
    let (few, full) = (wear(32), wear(256));
    let (few_pages, full_pages) = (eeprom_wear(32), eeprom_wear(232));
    let (nor, pages) = (spent::<Nor>(), spent::<Pages>());
    let on_64_kib = format!("{GRANTS} grants in 64 KiB");
    let figures = json!([
        {"name": "cut points", "value": sum(|life| life.cut_points), "unit": "", "limit": null},
        {"name": "cuts", "value": sum(|life| life.cuts), "unit": "", "limit": null},
        {"name": "lost", "value": sum(|life| life.lost) + kills.lost + board.lost, "unit": "", "limit": 0},
        {"name": "doubled", "value": sum(|life| life.doubled) + kills.doubled + board.doubled, "unit": "", "limit": 0},
        {"name": "stranded", "value": sum(|life| life.stranded) + kills.stranded + board.stranded, "unit": "", "limit": 0},
        {"name": "kill rounds", "value": kills.rounds, "unit": "", "limit": null},
        {"name": "kill rounds, board", "value": board.rounds, "unit": "", "limit": null},
        {"name": "answers between kills, board", "value": board.answers, "unit": "", "limit": null},
        {"name": "answers between kills", "value": kills.answers, "unit": "", "limit": null},
        {"name": "codes redeemed between kills", "value": kills.redemptions, "unit": "", "limit": null},
        {"name": "handles presented in the end", "value": kills.handles, "unit": "", "limit": null},
        {"name": "refreshes, grants in memory", "value": memory, "unit": "/s", "limit": null},
        {"name": "refreshes, grants in a file", "value": file, "unit": "/s", "limit": null},
        {"name": format!("written per redemption, {on_64_kib}"), "value": nor.redemption, "unit": "octets", "limit": 128},
        {"name": format!("written per refresh, {on_64_kib}"), "value": nor.refresh, "unit": "octets", "limit": 128},
        {"name": "written per commit, 256 grants in 64 KiB", "value": full.octets, "unit": "octets", "limit": 128},
        {"name": "life at a refresh a minute, 32 grants", "value": few.years, "unit": "years", "limit": null},
        {"name": "life at a refresh a minute, 256 grants", "value": full.years, "unit": "years", "limit": null},
        {"name": "EEPROM: written per redemption, 48 grants", "value": pages.redemption, "unit": "octets", "limit": null},
        {"name": "EEPROM: written per refresh, 48 grants", "value": pages.refresh, "unit": "octets", "limit": null},
        {"name": "EEPROM: written per commit, 232 grants", "value": full_pages.octets, "unit": "octets", "limit": null},
        {"name": "EEPROM: life at that, 32 grants", "value": few_pages.years, "unit": "years", "limit": null},
        {"name": "EEPROM: life at that, 232 grants", "value": full_pages.years, "unit": "years", "limit": null},
    ]);
    println!("{figures:#}");
}

#[cfg(feature = "board")]
fn on_board(rounds: u64) -> Kills {
    match rounds {
        0 => Kills::default(),
        rounds => smallgate_tests::powercut::kill_board(rounds),
    }
}

/// There is no board without the feature for it.
#[cfg(not(feature = "board"))]
fn on_board(_: u64) -> Kills {
    Kills::default()
}
