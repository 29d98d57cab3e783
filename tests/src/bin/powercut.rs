//! Cuts the power of a store of grants, and prints what came of it as JSON: a
//! list of `{name, value, unit, limit}`. Its arguments are how often the simulator
//! is killed besides, and how often the board, if that is in it.

use serde_json::json;
use smallgate_tests::powercut::{GRANTS, Kills, Model, Servers, kill, live, rates, spent, wear};

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
    let spent = spent();
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
        {"name": format!("written per redemption, {on_64_kib}"), "value": spent.redemption, "unit": "octets", "limit": 128},
        {"name": format!("written per refresh, {on_64_kib}"), "value": spent.refresh, "unit": "octets", "limit": 128},
        {"name": "written per commit, 256 grants in 64 KiB", "value": full.octets, "unit": "octets", "limit": 128},
        {"name": "life at a refresh a minute, 32 grants", "value": few.years, "unit": "years", "limit": null},
        {"name": "life at a refresh a minute, 256 grants", "value": full.years, "unit": "years", "limit": null},
        {"name": "the same on an EEPROM, 32 grants", "value": few.eeprom_years, "unit": "years", "limit": null},
        {"name": "the same on an EEPROM, 256 grants", "value": full.eeprom_years, "unit": "years", "limit": null},
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
