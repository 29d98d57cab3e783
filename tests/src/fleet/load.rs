//! Clients that redeem and refresh without pause, and write down what they were
//! answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::history::{Asked, Operation, Said};
use crate::flow::{query, value};
use crate::powercut::{Answer, CLIENTS, Client};

/// How many clients there are at once.
pub const CROWD: usize = 16;

/// Rotations of a grant that nobody ends.
const ROTATIONS: usize = 6;

/// Before a client asks again that was told to come back.
const PAUSE: Duration = Duration::from_millis(30);

/// What clients wrote down.
#[derive(Debug, Default)]
pub struct Record {
    /// All that was asked and answered.
    pub operations: Vec<Operation>,
    /// Grants whose newest token was refused though nobody had ended them.
    pub stranded: Vec<String>,
}

/// One client, with what it needs to write down.
struct Worker<'w> {
    client: Client,
    gateways: &'w [SocketAddr],
    /// Which gateway is next.
    turn: usize,
    start: Instant,
    record: Record,
    is_over: &'w AtomicBool,
    next: &'w AtomicU64,
}

/// Lets [`CROWD`] clients work on all gateways while `meanwhile` runs, then until
/// each is done with its grant.
///
/// # Panics
///
/// A client is answered with what no client should be.
pub fn work<R>(
    gateways: &[SocketAddr],
    start: Instant,
    meanwhile: impl FnOnce() -> R,
) -> (Record, R) {
    let (is_over, next) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CROWD)
            .map(|number| {
                let worker = Worker {
                    client: Client::new(number % CLIENTS),
                    gateways,
                    turn: number,
                    start,
                    record: Record::default(),
                    is_over: &is_over,
                    next: &next,
                };
                scope.spawn(move || worker.run(number))
            })
            .collect();
        let end = End(&is_over);
        let done = meanwhile();
        drop(end);
        let mut all = Record::default();
        for worker in workers {
            let record = worker.join().expect("no panic");
            all.operations.extend(record.operations);
            all.stranded.extend(record.stranded);
        }
        (all, done)
    })
}

/// Ends the work, also when what goes on meanwhile panics.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Worker<'_> {
    fn run(mut self, number: usize) -> Record {
        let mut round = number;
        while !self.is_over.load(Ordering::Relaxed) {
            self.live(round);
            round += 1;
        }
        self.record
    }

    /// One grant from its code to its end.
    fn live(&mut self, round: usize) {
        let Some(code) = self.code() else { return };
        let grant = self.next.fetch_add(1, Ordering::Relaxed);
        // Some present their code at two gateways at once.
        if round % 4 == 3 {
            self.twice(grant, Asked::Redeem, &code);
            return;
        }
        let Some(mut newest) = self.insist(grant, Asked::Redeem, &code) else {
            return;
        };
        let mut generation = 1;
        for rotation in 0..ROTATIONS {
            let asked = Asked::Refresh(generation);
            // And some their refresh token.
            if rotation % 3 == 2 {
                self.twice(grant, asked, &newest);
            }
            match self.insist(grant, asked, &newest) {
                Some(token) => newest = token,
                None => return,
            }
            generation += 1;
        }
        if round.is_multiple_of(2) {
            self.insist(grant, Asked::Revoke, &newest);
        } else {
            self.insist(grant, Asked::Redeem, &code);
        }
        self.insist(grant, Asked::Refresh(generation), &newest);
    }

    /// A code, from whoever gives one.
    fn code(&mut self) -> Option<String> {
        while !self.is_over.load(Ordering::Relaxed) {
            let answer = self.client.approved(self.gateway());
            let location = answer.as_ref().and_then(|answer| answer.field("location"));
            if let Some(location) = location {
                let found = query(location);
                return Some(value(&found, "code").to_owned());
            }
            std::thread::sleep(PAUSE);
        }
        None
    }

    fn gateway(&mut self) -> SocketAddr {
        self.turn += 1;
        self.gateways[self.turn % self.gateways.len()]
    }

    /// Asks until there is an answer; the refresh token in it. Each time another
    /// gateway is asked.
    fn insist(&mut self, grant: u64, asked: Asked, handle: &str) -> Option<String> {
        // Somebody else may end what is presented twice; codes have no grace.
        let is_clean = |one: &Operation| {
            one.grant != grant
                || one.said != Said::Nothing
                || matches!(one.asked, Asked::Refresh(_))
        };
        loop {
            let gateway = self.gateway();
            let (operation, token) = self.ask(gateway, grant, asked, handle);
            self.record.operations.push(operation);
            match operation.said {
                Said::Nothing => std::thread::sleep(PAUSE),
                Said::Refused => {
                    let mine = &self.record.operations;
                    let is_ended = mine.iter().any(|one| {
                        one.grant == grant
                            && (one.asked == Asked::Revoke
                                || one.asked == Asked::Redeem && matches!(one.said, Said::Refused))
                    });
                    if !is_ended && mine.iter().all(is_clean) {
                        let story: Vec<_> = mine.iter().filter(|one| one.grant == grant).collect();
                        self.record.stranded.push(format!("{story:#?}"));
                    }
                    return None;
                }
                Said::Tokens(_) | Said::Over | Said::Active(_) => return token,
            }
        }
    }

    /// Asks two gateways at once, once each.
    fn twice(&mut self, grant: u64, asked: Asked, handle: &str) {
        let (one, other) = (self.gateway(), self.gateway());
        let this = &*self;
        let operations = std::thread::scope(|scope| {
            let beside = scope.spawn(|| this.ask(one, grant, asked, handle).0);
            let mine = this.ask(other, grant, asked, handle).0;
            [mine, beside.join().expect("no panic")]
        });
        self.record.operations.extend(operations);
    }

    fn ask(
        &self,
        gateway: SocketAddr,
        grant: u64,
        asked: Asked,
        handle: &str,
    ) -> (Operation, Option<String>) {
        let begun = self.start.elapsed();
        let answer = match asked {
            Asked::Redeem => self.client.redeem(gateway, handle),
            Asked::Refresh(_) => self.client.refresh(gateway, handle),
            Asked::Revoke => self.client.revoke(gateway, handle),
            Asked::Look(_) => None,
        };
        let token = answer.as_ref().and_then(Answer::refresh_token);
        let said = match (answer.as_ref().map(|answer| answer.status), &token) {
            (Some(200), Some(token)) => Said::Tokens(generation(token)),
            (Some(200), None) => Said::Over,
            (Some(400), _) => Said::Refused,
            (Some(503) | None, _) => Said::Nothing,
            (Some(_), _) => panic!("{asked:?}: {answer:?}"),
        };
        let operation = Operation {
            grant,
            asked,
            said,
            begun,
            ended: self.start.elapsed(),
        };
        (operation, token)
    }
}

/// The generation in a refresh token, which is what it is a token of.
///
/// # Panics
///
/// It is no refresh token.
#[must_use]
pub fn generation(token: &str) -> u32 {
    use base64ct::Encoding;
    let octets = base64ct::Base64UrlUnpadded::decode_vec(token).expect("base64url");
    u32::from_be_bytes(octets[13..17].try_into().expect("four octets"))
}
