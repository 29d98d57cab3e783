//! An exchange on a board: the core's server with its store, its clock and its
//! entropy.

use core::cell::{Cell, RefCell};

use embassy_futures::yield_now;
use smallgate_core::http::{Request, Source};
use smallgate_core::oauth::{Answer, AuthorizationServer, Clock, Event, Step, Throttle};
use smallgate_core::secret::Entropy;
use smallgate_core::store::{Committed, Store, StoreUnavailable};
use smallgate_core::time::UnixTime;

use super::{Handler, Unable};

/// What a board brings to an exchange.
pub trait Surroundings {
    /// The time, unless it is not known.
    fn now(&self) -> Option<UnixTime>;

    /// Since when this server answers without a break: see
    /// [`Clock::serving_since`].
    fn serving_since(&self) -> UnixTime;

    /// Octets that nobody else gets; none when the source is not healthy.
    fn entropy(&self) -> Option<[u8; Entropy::SIZE]>;

    /// Something happened that an operator should be able to find later.
    fn event(&self, event: &Event<'_>, source: Source);
}

/// How often a commit is tried that nobody knows the end of.
const TRIES: u8 = 8;

/// Answers requests, for any number of workers of one executor.
pub struct Gateway<'g, S, B> {
    server: &'g AuthorizationServer<'g>,
    throttle: &'g Throttle<'g>,
    store: &'g RefCell<S>,
    surroundings: &'g B,
    /// Iterations of password hashing until others have their turn.
    slice: u32,
    /// The newest time that anything was committed at.
    floor: Cell<UnixTime>,
    /// A password is being hashed.
    hashing: Cell<bool>,
}

impl<'g, S: Store, B: Surroundings> Gateway<'g, S, B> {
    /// A gateway that hashes `slice` iterations at a time: 100 of them take
    /// 10 ms at 100 MHz. Nothing was committed after `floor`: what a store that
    /// outlives a reset has seen, else 0.
    pub const fn new(
        server: &'g AuthorizationServer<'g>,
        throttle: &'g Throttle<'g>,
        store: &'g RefCell<S>,
        surroundings: &'g B,
        slice: u32,
        floor: UnixTime,
    ) -> Self {
        Gateway {
            server,
            throttle,
            store,
            surroundings,
            slice: if slice == 0 { 1 } else { slice },
            floor: Cell::new(floor),
            hashing: Cell::new(false),
        }
    }

    async fn exchange<'x>(&'x self, mut step: Step<'x>) -> Answer<'x> {
        let mut hashing = None;
        let mut tries = TRIES;
        loop {
            step = match step {
                Step::Load(load) => {
                    let loaded = match self.store.try_borrow_mut() {
                        Ok(mut store) => store.load(load.id()),
                        Err(_) => Err(StoreUnavailable),
                    };
                    load.resume(loaded)
                }
                Step::Work(work) => {
                    if hashing.is_none() {
                        hashing = Turn::take(&self.hashing);
                    }
                    if hashing.is_none() {
                        work.refuse()
                    } else {
                        let step = work.run(self.slice);
                        yield_now().await;
                        step
                    }
                }
                Step::Commit(commit) => {
                    let done = match self.store.try_borrow_mut() {
                        Ok(mut store) => {
                            store.commit(commit.now(), commit.id(), commit.seen(), commit.write())
                        }
                        Err(_) => Committed::Unavailable,
                    };
                    if matches!(done, Committed::Done | Committed::GaveWay(_)) {
                        self.floor.set(self.floor.get().max(commit.now()));
                    }
                    tries = tries.saturating_sub(1);
                    match done {
                        Committed::Unknown if tries == 0 => commit.resume(Committed::Unavailable),
                        _ => commit.resume(done),
                    }
                }
                Step::Done(answer) => return answer,
            };
        }
    }
}

impl<S: Store, B: Surroundings> Handler for Gateway<'_, S, B> {
    fn body_limit(&self) -> usize {
        self.server.configuration().limits.body
    }

    fn now(&self) -> Option<UnixTime> {
        self.surroundings.now()
    }

    async fn answer<'x>(
        &'x self,
        request: Request<'x>,
        out: &'x mut [u8],
    ) -> Result<Answer<'x>, Unable> {
        let entropy = self.surroundings.entropy().ok_or(Unable)?;
        let clock = Clock {
            now: self.surroundings.now(),
            floor: self.floor.get(),
            serving_since: self.surroundings.serving_since(),
        };
        let source = request.source;
        let entropy = Entropy::new(entropy);
        let step = self
            .server
            .begin(request, clock, entropy, self.throttle, out);
        let answer = self.exchange(step).await;
        answer
            .events()
            .for_each(|event| self.surroundings.event(event, source));
        Ok(answer)
    }
}

/// The turn to hash, until it is dropped.
struct Turn<'t>(&'t Cell<bool>);

impl<'t> Turn<'t> {
    fn take(taken: &'t Cell<bool>) -> Option<Self> {
        (!taken.replace(true)).then_some(Turn(taken))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
