//! A server, killed under load, and what its clients hold against it.

use std::net::SocketAddr;
use std::ops::{AddAssign, Range};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::load::{CLIENTS, Client, Load, insist};
use crate::simulator::{Process, binary};

/// Of the clients, those that keep one grant; the others redeem codes.
const KEEPERS: usize = CLIENTS / 2;
/// Codes that each of the others has when a round begins.
const CODES: usize = 3;

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kills {
    /// How often the process was killed.
    pub rounds: u64,
    /// Good answers under load.
    pub answers: u64,
    /// Of these, codes that were redeemed.
    pub redemptions: u64,
    /// Codes and refresh tokens that were looked at in the end.
    pub handles: u64,
    /// What had ended was good again.
    pub lost: u64,
    /// A code that was used, or a token two generations back, was good.
    pub doubled: u64,
    /// The newest handle that came was not good.
    pub stranded: u64,
}

impl AddAssign for Kills {
    fn add_assign(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.answers += other.answers;
        self.redemptions += other.redemptions;
        self.handles += other.handles;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.stranded += other.stranded;
    }
}

/// How far a grant is, as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its code was not presented yet.
    Fresh,
    /// Its code was, and nobody knows what came of it.
    Presented,
    /// There are tokens.
    Open,
    /// Its end was asked for, and nobody knows what came of it.
    EndAsked,
    /// The client was told that it is over.
    Over,
}

/// A grant, with each handle that its client was given.
struct Held {
    stage: Stage,
    code: String,
    tokens: Vec<String>,
}

/// A client and all that it was ever given.
struct Holder {
    client: Client,
    is_keeper: bool,
    grants: Vec<Held>,
    /// How many of them were settled in earlier rounds.
    settled: usize,
}

/// A server that can be killed, and keeps its grants in a file.
pub(super) trait Victim: Sized {
    /// How long it lives in a round at least, and at most, in milliseconds.
    const LIFE: Range<u64>;

    /// One of this configuration, when it answers.
    fn start(load: &Load) -> Self;

    /// Where it answers.
    fn address(&self) -> SocketAddr;

    /// Ends it, whatever it is doing.
    fn kill(&mut self);

    /// Starts it again, with what it has kept.
    fn restart(&mut self, load: &Load);

    /// Where it has kept that.
    fn store(&self, load: &Load) -> PathBuf;
}

impl Victim for Process {
    const LIFE: Range<u64> = 30..150;

    fn start(load: &Load) -> Self {
        Process::serve(&load.arguments())
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn kill(&mut self) {
        Process::kill(self);
    }

    fn restart(&mut self, load: &Load) {
        *self = Self::start(load);
    }

    fn store(&self, load: &Load) -> PathBuf {
        load.store()
    }
}

/// Kills the simulator `rounds` times, as [`slay`] does.
///
/// # Panics
///
/// The simulator does not start, or does not answer when it has.
#[must_use]
pub fn kill(rounds: u64) -> Kills {
    slay::<Process>(rounds)
}

/// Kills a server `rounds` times while clients redeem codes, refresh and
/// revoke. After each time they go on with the newest that they have, and in the
/// end every handle that they were ever given is presented.
pub(super) fn slay<V: Victim>(rounds: u64) -> Kills {
    let load = Load::patient();
    let mut kills = Kills::default();
    let mut victim = V::start(&load);
    let mut holders: Vec<Holder> = (0..CLIENTS).map(Holder::new).collect();
    for round in 0..rounds {
        let address = victim.address();
        for holder in &mut holders {
            holder.prepare(address);
        }
        kills += std::thread::scope(|scope| {
            let threads: Vec<_> = holders
                .iter_mut()
                .map(|holder| scope.spawn(move || holder.work(address)))
                .collect();
            let longer = round * 37 % (V::LIFE.end - V::LIFE.start);
            std::thread::sleep(Duration::from_millis(V::LIFE.start + longer));
            victim.kill();
            let mut sum = Kills::default();
            for thread in threads {
                sum += thread.join().expect("no panic");
            }
            sum
        });
        kills.rounds += 1;
        victim.restart(&load);
        for holder in &mut holders {
            kills += holder.settle(victim.address());
        }
    }
    for holder in &mut holders {
        kills += holder.audit(victim.address());
    }
    victim.kill();
    kills.lost += u64::from(rounds > 0 && !shows_ends(&victim.store(&load)));
    kills
}

/// Whether `smallgate store show` opens it, and tells of ends alone.
fn shows_ends(path: &Path) -> bool {
    let output = Command::new(binary())
        .args(["store", "show"])
        .arg(path)
        .output();
    let output = output.expect("smallgate starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let is_over = text.contains("revoked: ") && !text.contains("active, generation");
    output.status.success() && is_over
}

impl Holder {
    fn new(number: usize) -> Self {
        Holder {
            client: Client::new(number),
            is_keeper: number < KEEPERS,
            grants: Vec::new(),
            settled: 0,
        }
    }

    /// Gets the codes that it needs.
    fn prepare(&mut self, address: SocketAddr) {
        let codes = match (self.is_keeper, self.grants.len()) {
            (true, 0) => 1,
            (true, _) => 0,
            (false, _) => CODES,
        };
        for _ in 0..codes {
            self.grants.push(Held {
                stage: Stage::Fresh,
                code: self.client.code(address),
                tokens: Vec::new(),
            });
        }
    }

    /// Does what it can until the server is gone.
    fn work(&mut self, address: SocketAddr) -> Kills {
        let mut kills = Kills::default();
        let from = if self.is_keeper { 0 } else { self.settled };
        for held in &mut self.grants[from..] {
            let mut uses = 0;
            loop {
                let wants_end = !self.is_keeper && uses == 3;
                let Some(status) = held.go_on(self.client, address, wants_end) else {
                    return kills;
                };
                match status {
                    200 => {
                        kills.answers += 1;
                        kills.redemptions += u64::from(held.tokens.len() == 1 && uses == 0);
                        uses += 1;
                    }
                    // To come back after.
                    503 => {}
                    _ => {
                        kills.stranded += 1;
                        return kills;
                    }
                }
                if held.stage == Stage::Over {
                    break;
                }
            }
        }
        kills
    }

    /// After the server is back: what ended stays so, the newest is good, and
    /// those who redeem codes end all that they have.
    fn settle(&mut self, address: SocketAddr) -> Kills {
        let mut kills = Kills::default();
        let client = self.client;
        let from = if self.is_keeper { 0 } else { self.settled };
        for held in &mut self.grants[from..] {
            let was_fresh = held.stage == Stage::Fresh;
            if matches!(held.stage, Stage::Fresh | Stage::Presented) {
                let answer = insist(|| client.redeem(address, &held.code));
                held.stage = match answer.refresh_token() {
                    Some(token) => {
                        held.tokens.push(token);
                        Stage::Open
                    }
                    // It was redeemed, and nobody heard of it.
                    None => {
                        kills.stranded += u64::from(was_fresh);
                        Stage::Over
                    }
                };
            } else if held.stage == Stage::Open {
                kills.stranded += u64::from(!held.refresh(client, address));
            }
            if !self.is_keeper && held.stage != Stage::Over {
                let newest = held.tokens.last().expect("it is open");
                let answer = insist(|| client.revoke(address, newest));
                kills.stranded += u64::from(answer.status != 200);
                held.stage = Stage::Over;
            }
            if held.stage == Stage::Over {
                kills.lost += u64::from(held.refresh(client, address));
            }
        }
        if !self.is_keeper {
            self.settled = self.grants.len();
        }
        kills
    }

    /// Presents every handle that it was ever given.
    fn audit(&mut self, address: SocketAddr) -> Kills {
        let mut kills = Kills::default();
        let client = self.client;
        for held in &mut self.grants {
            if held.stage == Stage::Open {
                kills.stranded += u64::from(!held.refresh(client, address));
                // In its grace the newest one's predecessor looks as it does.
                let older = held.tokens.len().saturating_sub(2);
                let mut active = held.tokens[..older].iter();
                kills.doubled += u64::from(active.any(|token| client.is_active(address, token)));
            }
            kills.handles += 1 + held.tokens.len() as u64;
            let again = insist(|| client.redeem(address, &held.code));
            kills.doubled += u64::from(again.status != 400);
            // That was a replay, and ended it if nothing else had.
            kills.lost += u64::from(held.refresh(client, address));
            for token in &held.tokens {
                let answer = insist(|| client.refresh(address, token));
                kills.doubled += u64::from(answer.status != 400);
            }
        }
        kills
    }
}

impl Held {
    /// Whether its newest token is good; then it has a newer one.
    fn refresh(&mut self, client: Client, address: SocketAddr) -> bool {
        let Some(newest) = self.tokens.last() else {
            return false;
        };
        let token = insist(|| client.refresh(address, newest)).refresh_token();
        let is_good = token.is_some();
        self.tokens.extend(token);
        is_good
    }

    /// One request, whatever is next; nothing if no whole answer comes.
    fn go_on(&mut self, client: Client, address: SocketAddr, wants_end: bool) -> Option<u16> {
        let answer = match self.tokens.last() {
            None => {
                self.stage = Stage::Presented;
                client.redeem(address, &self.code)
            }
            Some(newest) if wants_end => {
                self.stage = Stage::EndAsked;
                client.revoke(address, newest)
            }
            Some(newest) => client.refresh(address, newest),
        }?;
        if let Some(token) = answer.refresh_token().filter(|_| !wants_end) {
            self.tokens.push(token);
            self.stage = Stage::Open;
        } else if wants_end && answer.status == 200 {
            self.stage = Stage::Over;
        }
        Some(answer.status)
    }
}

/// Refreshes in a second with grants in memory, and with grants in a file.
///
/// # Panics
///
/// The simulator does not start.
#[must_use]
pub fn rates() -> [u64; 2] {
    let load = Load::new();
    let [config, path, store, file] = load.arguments();
    [[config, path, store, "memory"], [config, path, store, file]]
        .map(|arguments| rate(&[Process::serve(&arguments).address]))
}

/// Refreshes in a second with [`CLIENTS`] clients, who take turns in which gateway
/// they ask for good.
///
/// # Panics
///
/// A gateway gives no codes.
#[must_use]
pub fn rate(gateways: &[SocketAddr]) -> u64 {
    const SECONDS: u64 = 3;
    let clients = (0..CLIENTS).map(|number| {
        let address = gateways[number % gateways.len()];
        (Client::new(number), address)
    });
    let firsts: Vec<_> = clients
        .map(|(client, address)| (client, address, client.first_token(address)))
        .collect();
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let answers: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = firsts
            .into_iter()
            .map(|(client, address, mut token)| {
                scope.spawn(move || {
                    let mut answers = 0;
                    while Instant::now() < end {
                        let answer = client.refresh(address, &token);
                        if let Some(next) = answer.and_then(|answer| answer.refresh_token()) {
                            token = next;
                            answers += 1;
                        }
                    }
                    answers
                })
            })
            .collect();
        let done = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        done.sum()
    });
    answers / SECONDS
}
