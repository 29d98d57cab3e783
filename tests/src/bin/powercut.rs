//! Cuts the power of a store of grants, and prints what came of it as JSON: a
//! list of `{name, value, unit, limit}`.

use serde_json::json;
use smallgate_tests::powercut::{Model, Servers, live, wear};

fn main() {
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
    let (few, full) = (wear(32), wear(256));
    let figures = json!([
        {"name": "cut points", "value": sum(|life| life.cut_points), "unit": "", "limit": null},
        {"name": "cuts", "value": sum(|life| life.cuts), "unit": "", "limit": null},
        {"name": "lost", "value": sum(|life| life.lost), "unit": "", "limit": 0},
        {"name": "doubled", "value": sum(|life| life.doubled), "unit": "", "limit": 0},
        {"name": "stranded", "value": sum(|life| life.stranded), "unit": "", "limit": 0},
        {"name": "written per commit, 32 grants in 64 KiB", "value": few.octets, "unit": "octets", "limit": 128},
        {"name": "written per commit, 256 grants in 64 KiB", "value": full.octets, "unit": "octets", "limit": null},
        {"name": "life at a commit a minute, 32 grants", "value": few.years, "unit": "years", "limit": null},
        {"name": "life at a commit a minute, 256 grants", "value": full.years, "unit": "years", "limit": null},
    ]);
    println!("{figures:#}");
}
