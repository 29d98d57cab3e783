//! Forty requests at once with one code, over all gateways.

use std::net::SocketAddr;
use std::sync::Barrier;

use super::gateways::Fleet;
use crate::powercut::{CLIENTS, Client};

/// How many requests.
const REQUESTS: usize = 40;

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crowds {
    /// How many codes.
    pub rounds: u64,
    /// Codes that gave tokens more than once.
    pub doubled: u64,
    /// Codes that gave none.
    pub barren: u64,
    /// Grants that lived on though their code had come again.
    pub alive: u64,
}

/// Has `rounds` codes be redeemed by many at once.
///
/// # Panics
///
/// A gateway gives no codes.
#[must_use]
pub fn crowds(fleet: &Fleet, rounds: u64) -> Crowds {
    let gateways = fleet.addresses();
    let mut crowds = Crowds::default();
    for round in 0..rounds {
        let number = usize::try_from(round).unwrap_or_default();
        let client = Client::new(number % CLIENTS);
        let first = gateways[number % gateways.len()];
        let code = client.code(first);
        let tokens = crowd(&gateways, client, &code);
        crowds.rounds += 1;
        crowds.doubled += u64::from(tokens.len() > 1);
        crowds.barren += u64::from(tokens.is_empty());
        // Some of the others were told to come back, and may have been all: this
        // one is a replay for certain.
        let again = client.insist(first, |client, gateway| client.redeem(gateway, &code));
        let newest = tokens
            .first()
            .map(|token| client.insist(first, |client, gateway| client.refresh(gateway, token)));
        let is_alive = again.status != 400 || newest.is_some_and(|answer| answer.status != 400);
        crowds.alive += u64::from(is_alive);
    }
    crowds
}

/// The refresh tokens that are given for one code to many at once.
///
/// # Panics
///
/// A thread does.
#[must_use]
pub fn crowd(gateways: &[SocketAddr], client: Client, code: &str) -> Vec<String> {
    let barrier = Barrier::new(REQUESTS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..REQUESTS)
            .map(|number| {
                let gateway = gateways[number % gateways.len()];
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    client.redeem(gateway, code)
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().expect("no panic")?.refresh_token())
            .collect()
    })
}
