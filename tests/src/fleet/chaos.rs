//! Everything that goes wrong between gateways and servers, while clients work.

use std::time::{Duration, Instant};

use super::gateways::{Fleet, Plan, STREAM};
use super::history::{Operation, Said, judge};
use super::load::{Record, work};
use super::proxy::Wire;

/// How long clients work undisturbed between two disturbances.
const REST: Duration = Duration::from_secs(3);

/// How long leaders are dead, which is before another is elected and after.
const DEATH: Duration = Duration::from_secs(12);

/// How long a leader is cut off. Servers take ten seconds to see it.
const CUT: Duration = Duration::from_secs(14);

/// How long servers may take to have the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How often everything went wrong.
    pub rounds: u64,
    /// Good answers.
    pub answers: u64,
    /// Codes that gave tokens more than once.
    pub doubled: u64,
    /// Grants whose answers no order explains.
    pub lost: u64,
    /// Grants whose newest token was refused though nobody had ended them.
    pub stranded: u64,
    /// The longest time without a good answer after a leader's death.
    pub unavailable: Duration,
    /// The longest time that a request took.
    pub longest: Duration,
    /// Commits that the servers refused, since another was first.
    pub refused: u64,
    /// Streams that are not the same on all servers in the end.
    pub apart: u64,
    /// What is wrong, in words.
    pub complaints: Vec<String>,
}

/// Two gateways on three servers, 16 clients, and `rounds` times all disturbances.
///
/// # Panics
///
/// Something does not start.
#[must_use]
pub fn chaos(rounds: u64) -> Outcome {
    let mut fleet = Fleet::start(&Plan {
        // A code outlives what is done to its gateways.
        tables: "[lifetimes]\ncode = 600\n",
        ..Plan::default()
    });
    let gateways = fleet.addresses();
    let start = Instant::now();
    let (record, deaths) = work(&gateways, start, || {
        let mut deaths = Vec::new();
        for round in 0..rounds {
            std::thread::sleep(REST);
            deaths.push(disturb(&mut fleet, start, round));
        }
        std::thread::sleep(REST);
        deaths
    });
    let refused = fleet.logged("commit_refused");
    let agree = fleet.servers.agree(STREAM, PATIENCE);
    Outcome {
        apart: u64::from(!agree),
        ..outcome(&record, &deaths, refused)
    }
}

/// All that can go wrong, once each; when a leader died.
fn disturb(fleet: &mut Fleet, start: Instant, round: u64) -> Duration {
    // The leader dies and comes back.
    let leader = fleet.leader();
    let died = start.elapsed();
    fleet.servers.kill(leader);
    std::thread::sleep(DEATH);
    fleet.servers.start_all();
    std::thread::sleep(REST);
    // A follower stands still.
    let follower = (fleet.leader() + 1) % 3;
    fleet.servers.pause(follower, true);
    std::thread::sleep(REST);
    fleet.servers.pause(follower, false);
    std::thread::sleep(REST);
    // The leader is cut off from its quorum: with no word, or with one.
    let leader = fleet.leader();
    let wire = [Wire::Still, Wire::Cut][usize::from(round % 2 == 1)];
    fleet.servers.route(leader, wire);
    std::thread::sleep(CUT);
    fleet.servers.route(leader, Wire::Whole);
    std::thread::sleep(REST);
    // A gateway loses its servers, each way there is.
    for wire in [Wire::Late, Wire::Mute, Wire::Still, Wire::Cut] {
        let gateway = usize::from(round % 2 == 1);
        fleet.wire(gateway, wire);
        std::thread::sleep(REST);
        fleet.wire(gateway, Wire::Whole);
        std::thread::sleep(REST);
    }
    // All are lost.
    fleet.servers.kill_all();
    std::thread::sleep(REST);
    fleet.servers.start_all();
    fleet.servers.wait_for_leader(STREAM);
    std::thread::sleep(REST);
    died
}

fn outcome(record: &Record, deaths: &[Duration], refused: u64) -> Outcome {
    let verdict = judge(&record.operations);
    let good: Vec<&Operation> = record
        .operations
        .iter()
        .filter(|one| matches!(one.said, Said::Tokens(_) | Said::Over))
        .collect();
    let took = |one: &Operation| one.ended.saturating_sub(one.begun);
    Outcome {
        rounds: deaths.len() as u64,
        answers: good.len() as u64,
        doubled: verdict.doubled,
        lost: verdict.lost,
        stranded: record.stranded.len() as u64,
        unavailable: deaths
            .iter()
            .map(|died| silence(&good, *died, *died + DEATH + REST))
            .max()
            .unwrap_or_default(),
        longest: record.operations.iter().map(took).max().unwrap_or_default(),
        refused,
        apart: 0,
        complaints: [verdict.complaints, record.stranded.clone()].concat(),
    }
}

/// The longest time between two good answers from one moment to another.
fn silence(good: &[&Operation], from: Duration, to: Duration) -> Duration {
    let within = good.iter().map(|one| one.ended);
    let mut times: Vec<_> = within.filter(|at| (from..to).contains(at)).collect();
    times.extend([from, to]);
    times.sort();
    let gaps = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    gaps.max().unwrap_or_default()
}
