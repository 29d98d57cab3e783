//! Runs gateways on one store while its servers die, and prints what came of it as
//! JSON: a list of `{name, value, unit, limit}`. Its arguments are how often
//! everything goes wrong, and how many codes are redeemed by many at once.

use serde_json::json;
use smallgate_tests::fleet::{Fleet, Plan, chaos, crowds};
use smallgate_tests::powercut::{rate, rates};

fn main() {
    let number = |at| {
        let text = std::env::args().nth(at);
        text.map_or(0, |text| text.parse::<u64>().expect("a number of rounds"))
    };
    let chaos = chaos(number(1));
    for complaint in &chaos.complaints {
        eprintln!("{complaint}");
    }
    // The rest takes minutes.
    eprintln!(
        "{} rounds: {} double redemptions, {} rotations lost, {} stranded",
        chaos.rounds, chaos.doubled, chaos.lost, chaos.stranded
    );
    let fleet = Fleet::start(&Plan::default());
    let crowds = crowds(&fleet, number(2));
    let refused = chaos.refused + fleet.logged("commit_refused");
    drop(fleet);
    // Without races nothing was tried.
    assert!(refused > 0, "no commit was refused");
    let [memory, file] = rates();
    let [one_one, one_two, three_one, three_two] = [(1, 1), (1, 2), (3, 1), (3, 2)].map(on_servers);
    let doubled = chaos.doubled + crowds.doubled;
    let seconds = |length: std::time::Duration| (length.as_secs_f64() * 10.0).ceil() / 10.0;
    let figures = json!([
        {"name": "rounds", "value": chaos.rounds, "unit": "", "limit": null},
        {"name": "good answers", "value": chaos.answers, "unit": "", "limit": null},
        {"name": "refused commits", "value": refused, "unit": "", "limit": null},
        {"name": "double redemptions", "value": doubled, "unit": "", "limit": 0},
        {"name": "rotations lost", "value": chaos.lost + crowds.alive, "unit": "", "limit": 0},
        {"name": "stranded", "value": chaos.stranded, "unit": "", "limit": 0},
        {"name": "streams that differ", "value": chaos.apart, "unit": "", "limit": 0},
        {"name": "unavailable seconds", "value": seconds(chaos.unavailable), "unit": "s", "limit": 15},
        {"name": "longest request", "value": seconds(chaos.longest), "unit": "s", "limit": 6},
        {"name": "codes redeemed by 40 at once", "value": crowds.rounds, "unit": "", "limit": null},
        {"name": "of them without a winner", "value": crowds.barren, "unit": "", "limit": 0},
        {"name": "refreshes, grants in memory", "value": memory, "unit": "/s", "limit": null},
        {"name": "refreshes, grants in a file", "value": file, "unit": "/s", "limit": null},
        {"name": "refreshes, 1 server, 1 gateway", "value": one_one, "unit": "/s", "limit": null},
        {"name": "refreshes, 1 server, 2 gateways", "value": one_two, "unit": "/s", "limit": null},
        {"name": "refreshes, 3 servers, 1 gateway", "value": three_one, "unit": "/s", "limit": null},
        {"name": "refreshes, 3 servers, 2 gateways", "value": three_two, "unit": "/s", "limit": null},
    ]);
    println!("{figures:#}");
}

/// Refreshes in a second on so many servers, with so many gateways.
fn on_servers((servers, gateways): (usize, usize)) -> u64 {
    let fleet = Fleet::start(&Plan {
        servers,
        gateways,
        ..Plan::default()
    });
    rate(&fleet.addresses())
}
