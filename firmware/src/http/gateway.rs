//! An exchange on a board: the core's server with its store, its clock and its
//! entropy.

use core::cell::{Cell, RefCell};

use smallgate_core::http::{Request, Source};
use smallgate_core::oauth::{Answer, AuthorizationServer, Clock, Event, Step, Throttle};
use smallgate_core::secret::Entropy;
use smallgate_core::store::{Committed, Store, StoreUnavailable};
use smallgate_core::time::UnixTime;

use super::{Exchange, Handler};

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

    /// What it was made with.
    pub const fn surroundings(&self) -> &'g B {
        self.surroundings
    }
}

impl<'g, S: Store, B: Surroundings> Handler for Gateway<'g, S, B> {
    type Exchange<'x>
        = Pending<'x, 'g, S, B>
    where
        Self: 'x;

    fn body_limit(&self) -> usize {
        self.server.configuration().limits.body
    }

    fn now(&self) -> Option<UnixTime> {
        self.surroundings.now()
    }

    fn begin<'x>(&'x self, request: Request<'_, 'x>, out: &'x mut [u8]) -> Self::Exchange<'x> {
        let source = request.source;
        let clock = Clock {
            now: self.surroundings.now(),
            floor: self.floor.get(),
            serving_since: self.surroundings.serving_since(),
        };
        let entropy = self.surroundings.entropy().map(Entropy::new);
        Pending {
            gateway: self,
            source,
            turn: None,
            tries: TRIES,
            step: entropy.map(|entropy| {
                self.server
                    .begin(request, clock, entropy, self.throttle, out)
            }),
        }
    }
}

/// An exchange with a [`Gateway`].
pub struct Pending<'x, 'g, S, B> {
    gateway: &'x Gateway<'g, S, B>,
    source: Source,
    /// Held while a password is hashed.
    turn: Option<Turn<'x>>,
    /// How often a commit may still be tried.
    tries: u8,
    /// None without entropy.
    step: Option<Step<'x>>,
}

impl<'x, S: Store, B: Surroundings> Exchange<'x> for Pending<'x, '_, S, B> {
    fn advance(&mut self) -> bool {
        loop {
            match &self.step {
                None => return true,
                Some(Step::Load(_)) => self.load(),
                Some(Step::Commit(_)) => self.commit(),
                Some(Step::Work(_)) => {
                    if self.work() {
                        return false;
                    }
                }
                Some(Step::Done(answer)) => {
                    self.turn = None;
                    for event in answer.events() {
                        self.gateway.surroundings.event(event, self.source);
                    }
                    return true;
                }
            }
        }
    }

    fn answer(&self) -> Option<&Answer<'x>> {
        match &self.step {
            Some(Step::Done(answer)) => Some(answer),
            _ => None,
        }
    }
}

/// Each of these takes the step that it is called for, and leaves the next one.
// None is inlined: a step is large, and a worker's frame would hold one for each.
impl<'x, S: Store, B> Pending<'x, '_, S, B> {
    #[inline(never)]
    fn load(&mut self) {
        let Some(Step::Load(load)) = self.step.take() else {
            return;
        };
        let loaded = match self.gateway.store.try_borrow_mut() {
            Ok(mut store) => store.load(load.id()),
            Err(_) => Err(StoreUnavailable),
        };
        self.step = Some(load.resume(loaded));
    }

    #[inline(never)]
    fn commit(&mut self) {
        let Some(Step::Commit(commit)) = self.step.take() else {
            return;
        };
        let done = match self.gateway.store.try_borrow_mut() {
            Ok(mut store) => store.commit(commit.now(), commit.id(), commit.seen(), commit.write()),
            Err(_) => Committed::Unavailable,
        };
        if matches!(done, Committed::Done | Committed::GaveWay(_)) {
            let floor = &self.gateway.floor;
            floor.set(floor.get().max(commit.now()));
        }
        self.tries = self.tries.saturating_sub(1);
        let done = match done {
            Committed::Unknown if self.tries == 0 => Committed::Unavailable,
            done => done,
        };
        self.step = Some(commit.resume(done));
    }

    /// Hashes a slice, if nobody else is at it: then it is others' turn.
    #[inline(never)]
    fn work(&mut self) -> bool {
        let Some(Step::Work(work)) = self.step.take() else {
            return false;
        };
        if self.turn.is_none() {
            self.turn = Turn::take(&self.gateway.hashing);
        }
        let hashes = self.turn.is_some();
        self.step = Some(match hashes {
            true => work.run(self.gateway.slice),
            false => work.refuse(),
        });
        hashes
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
