//! An exchange on a board: the core's server with its store, its clock and its
//! entropy, and the devices behind it.

use core::cell::{Cell, RefCell};

use smallgate_core::http::{Request, Source};
use smallgate_core::oauth::{Answer, AuthorizationServer, Clock, Event, Step, Throttle};
use smallgate_core::secret::Entropy;
use smallgate_core::store::{Committed, Store, StoreUnavailable};
use smallgate_core::time::UnixTime;

use super::{Exchange, Handler, status};
use crate::devices::{Ask, Devices, Pins};

/// What a board brings to an exchange.
pub trait Surroundings {
    /// Seconds since the board started.
    fn uptime(&self) -> u32;

    /// The time, unless it is not known.
    fn now(&self) -> Option<UnixTime>;

    /// Since when this server answers without a break: see
    /// [`Clock::serving_since`].
    fn serving_since(&self) -> UnixTime;

    /// Octets that nobody else gets; none when the source is not healthy.
    fn entropy(&self) -> Option<[u8; Entropy::SIZE]>;

    /// Whether the source was healthy when it was last looked at.
    fn is_entropy_healthy(&self) -> bool;

    /// Something happened that an operator should be able to find later.
    fn event(&self, event: &Event<'_>, source: Source);
}

/// How often a commit is tried that nobody knows the end of.
const TRIES: u8 = 8;

/// Answers requests, for any number of workers of one executor.
pub struct Gateway<'g, S, B, P> {
    server: &'g AuthorizationServer<'g>,
    throttle: &'g Throttle<'g>,
    store: &'g RefCell<S>,
    surroundings: &'g B,
    devices: &'g RefCell<Devices<'g, P>>,
    /// Iterations of password hashing until others have their turn.
    slice: u32,
    /// The newest time that anything was committed at.
    floor: Cell<UnixTime>,
    /// The store does not work, and is not asked until it does again.
    is_down: Cell<bool>,
    /// When the store was found to work again; 0 if it never stopped.
    regained: Cell<UnixTime>,
    /// A password is being hashed.
    hashing: Cell<bool>,
}

impl<'g, S: Store, B: Surroundings, P: Pins> Gateway<'g, S, B, P> {
    /// A gateway that hashes `slice` iterations at a time: 100 of them take
    /// 10 ms at 100 MHz. Nothing was committed after `floor`: what a store that
    /// outlives a reset has seen, else 0.
    pub const fn new(
        server: &'g AuthorizationServer<'g>,
        throttle: &'g Throttle<'g>,
        store: &'g RefCell<S>,
        surroundings: &'g B,
        devices: &'g RefCell<Devices<'g, P>>,
        slice: u32,
        floor: UnixTime,
    ) -> Self {
        Gateway {
            server,
            throttle,
            store,
            surroundings,
            devices,
            slice: if slice == 0 { 1 } else { slice },
            floor: Cell::new(floor),
            is_down: Cell::new(false),
            regained: Cell::new(UnixTime(0)),
            hashing: Cell::new(false),
        }
    }

    /// What it was made with.
    pub const fn surroundings(&self) -> &'g B {
        self.surroundings
    }

    /// What is behind the tokens.
    pub const fn devices(&self) -> &'g RefCell<Devices<'g, P>> {
        self.devices
    }

    /// What keeps the grants.
    pub const fn store(&self) -> &'g RefCell<S> {
        self.store
    }

    /// Whether the store does not work, as far as anybody has seen. What needs it
    /// is answered 503 at once: everything would wait for it otherwise.
    pub const fn is_store_down(&self) -> bool {
        self.is_down.get()
    }

    /// The store does not work; [`regain`](Self::regain) ends that.
    pub fn lose(&self) {
        self.is_down.set(true);
    }

    /// The store works, and nothing in it is from after `newest`. Whoever got no
    /// answer meanwhile is in grace as after a start.
    pub fn regain(&self, newest: UnixTime) {
        self.floor.set(self.floor.get().max(newest));
        // While the time is not known, the clock's own start is still to come.
        if let Some(now) = self.surroundings.now() {
            self.regained.set(now);
        }
        self.is_down.set(false);
    }

    // These are not inlined: a request takes one of them, and would have the frames
    // of all.

    fn clock(&self) -> Clock {
        let now = self.surroundings.now();
        let mut regained = self.regained.get();
        if let Some(now) = now.filter(|now| *now < regained) {
            // A clock that goes back takes it along, or grace would last until then.
            regained = now;
            self.regained.set(now);
        }
        Clock {
            now,
            floor: self.floor.get(),
            serving_since: self.surroundings.serving_since().max(regained),
        }
    }

    /// Whether a request may use a device that asks for `scope`.
    #[inline(never)]
    fn authorize<'x>(
        &'x self,
        request: &Request<'_, '_>,
        scope: &'x str,
        out: &'x mut [u8],
    ) -> Step<'x> {
        self.server
            .authorize(request, scope, self.clock(), self.throttle, out)
    }

    /// What this is.
    #[inline(never)]
    fn describe<'x>(&self, request: &Request<'_, '_>, out: &'x mut [u8]) -> Step<'x> {
        let devices = self.devices.try_borrow();
        Step::Done(status::answer(
            request,
            self.server,
            status::Health {
                clock: self.surroundings.now().is_some(),
                entropy: self.surroundings.is_entropy_healthy(),
                store: !self.is_store_down(),
            },
            self.surroundings.uptime(),
            devices.map_or(0, |devices| devices.list().count()),
            out,
        ))
    }

    /// The core's first step; none without entropy.
    #[inline(never)]
    fn exchange<'x>(&'x self, request: Request<'_, 'x>, out: &'x mut [u8]) -> Option<Step<'x>> {
        let entropy = Entropy::new(self.surroundings.entropy()?);
        let step = self
            .server
            .begin(request, self.clock(), entropy, self.throttle, out);
        Some(step)
    }
}

impl<'g, S: Store, B: Surroundings, P: Pins> Handler for Gateway<'g, S, B, P> {
    type Exchange<'x>
        = Pending<'x, 'g, S, B, P>
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
        let devices = self.devices.try_borrow().map(|devices| devices.list());
        let asked = devices.ok().and_then(|devices| Ask::of(&request, devices));
        Pending {
            gateway: self,
            source,
            turn: None,
            tries: TRIES,
            ask: asked.map(|(ask, _scope)| ask),
            step: match asked {
                Some((_ask, scope)) => Some(self.authorize(&request, scope, out)),
                None if status::is_asked(&request) => Some(self.describe(&request, out)),
                None => self.exchange(request, out),
            },
        }
    }
}

/// An exchange with a [`Gateway`].
pub struct Pending<'x, 'g, S, B, P> {
    gateway: &'x Gateway<'g, S, B, P>,
    source: Source,
    /// Held while a password is hashed.
    turn: Option<Turn<'x>>,
    /// How often a commit may still be tried.
    tries: u8,
    /// What it is about, if that is devices.
    ask: Option<Ask>,
    /// None without entropy.
    step: Option<Step<'x>>,
}

impl<'x, S: Store, B: Surroundings, P: Pins> Exchange<'x> for Pending<'x, '_, S, B, P> {
    fn advance(&mut self) -> bool {
        loop {
            match &mut self.step {
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
                    if let (Some(ask), Some(permit)) = (self.ask, answer.permit())
                        && let Ok(mut devices) = self.gateway.devices.try_borrow_mut()
                    {
                        devices.answer(ask, permit, self.gateway.surroundings.uptime());
                    }
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
impl<'x, S: Store, B, P> Pending<'x, '_, S, B, P> {
    #[inline(never)]
    fn load(&mut self) {
        let Some(Step::Load(load)) = self.step.take() else {
            return;
        };
        let loaded = self.with_store(|store| store.load(load.id()));
        let loaded = loaded.unwrap_or(Err(StoreUnavailable));
        if loaded.is_err() {
            self.gateway.is_down.set(true);
        }
        self.step = Some(load.resume(loaded));
    }

    #[inline(never)]
    fn commit(&mut self) {
        let Some(Step::Commit(commit)) = self.step.take() else {
            return;
        };
        let done = self.with_store(|store| {
            store.commit(commit.now(), commit.id(), commit.seen(), commit.write())
        });
        let done = done.unwrap_or(Committed::Unavailable);
        if matches!(done, Committed::Done | Committed::GaveWay(_)) {
            let floor = &self.gateway.floor;
            floor.set(floor.get().max(commit.now()));
        }
        if done == Committed::Unavailable {
            self.gateway.is_down.set(true);
        }
        self.tries = self.tries.saturating_sub(1);
        let done = match done {
            Committed::Unknown if self.tries == 0 => Committed::Unavailable,
            done => done,
        };
        self.step = Some(commit.resume(done));
    }

    /// Asks the store, unless it is down.
    fn with_store<T>(&self, ask: impl FnOnce(&mut S) -> T) -> Option<T> {
        if self.gateway.is_down.get() {
            return None;
        }
        let mut store = self.gateway.store.try_borrow_mut().ok()?;
        Some(ask(&mut store))
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
