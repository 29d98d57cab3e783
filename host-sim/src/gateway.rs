//! The gateway: the core's server with a clock, a store and the throttle's
//! memory, and the firmware's devices. An exchange runs here from its beginning to its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

use smallgate_core::http::Request;
use smallgate_core::oauth::{Answer, Clock, Step, Work};
use smallgate_core::secret::Entropy;
use smallgate_core::store::{Committed, Loaded, StoreUnavailable};
use smallgate_core::time::UnixTime;
use smallgate_firmware::devices::{self, Ask, Device, Devices};
use smallgate_firmware::http::status;

use crate::breadboard::{Breadboard, Bus, SimulatedLines};
use crate::clock::HostClock;
use crate::generation::Generation;
use crate::log;
use crate::meters::{Gauges, Meters};
use crate::noise::Noise;
use crate::outage::Outage;
use crate::region::Region;
use crate::store::Store;

/// Everything that an exchange needs.
pub(crate) struct Gateway {
    current: RwLock<Arc<Generation>>,
    store: Store,
    outage: Outage,
    pub(crate) clock: HostClock,
    /// The newest time that anything was committed at.
    floor: AtomicU64,
    /// Held while a password is hashed.
    hashing: Mutex<()>,
    devices: Mutex<Devices<'static, SimulatedLines>>,
    pub(crate) breadboard: Breadboard,
    pub(crate) noise: Noise,
    pub(crate) meters: Meters,
    started: Instant,
}

/// There is no entropy, so nothing is answered that could need it.
#[derive(Debug)]
pub(crate) struct Starved;

impl Gateway {
    pub(crate) fn new(
        generation: Generation,
        clock: HostClock,
        (store, floor): (Store, UnixTime),
    ) -> Self {
        let devices = wired(generation.ready().devices);
        let breadboard = Breadboard::of(devices);
        Gateway {
            current: RwLock::new(Arc::new(generation)),
            store,
            outage: Outage::none(),
            clock,
            floor: AtomicU64::new(floor.0),
            hashing: Mutex::new(()),
            devices: Mutex::new(Devices::new(devices.into(), breadboard.lines())),
            breadboard,
            noise: Noise::start(),
            meters: Meters::new(),
            started: Instant::now(),
        }
    }

    /// Reads the sensors and looks after the entropy for the rest of the process's
    /// life, as a board's task does. The sensors are read now, before anybody asks,
    /// and then one after another.
    pub(crate) fn keep_tending(&'static self) -> Result<(), String> {
        let mut bus = self.breadboard.bus();
        self.sample(&mut bus);
        // Two threads: a bus that hangs here does so for longer than a board's.
        every("sensors", devices::INTERVAL, move || self.sample(&mut bus))?;
        every("entropy", Noise::INTERVAL, || self.noise.tend())
    }

    /// The devices are not locked while the bus is waited for.
    fn sample(&self, bus: &mut Bus) {
        let list = self.devices().list();
        for (position, device) in (0..).zip(list) {
            if let Some(reading) = devices::sample(&device, bus) {
                let changed = self.devices().note(position, reading, self.uptime());
                if let Some(health) = changed {
                    log::device(device.name, health);
                }
            }
        }
    }

    /// The device that is called so.
    pub(crate) fn device(&self, name: &str) -> Option<Device<'static>> {
        self.devices().list().find(|device| device.name == name)
    }

    fn devices(&self) -> MutexGuard<'_, Devices<'static, SimulatedLines>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All counters, as Prometheus reads them.
    pub(crate) fn metrics(&self) -> String {
        let current = self.current();
        self.meters.text(&Gauges {
            profile: current.server().configuration().profile.name,
            clock: self.clock.reading().now.is_some(),
            entropy: self.noise.is_healthy(),
            store: !self.outage.is_on(),
        })
    }

    /// In seconds, as a board counts them.
    fn uptime(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// What a board says where there is no entropy.
    fn entropy(&self) -> Result<Entropy, Starved> {
        self.noise.octets().map(Entropy::new).ok_or(Starved)
    }

    /// The configuration, for a request or connection that begins now.
    pub(crate) fn current(&self) -> Arc<Generation> {
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Has what begins from now on begin with `next`.
    pub(crate) fn take(&self, next: Generation) -> Arc<Generation> {
        let next = Arc::new(next);
        let current = self.current.write();
        // It is freed after the lock, if nobody needs it any more.
        let _previous = std::mem::replace(
            &mut *current.unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&next),
        );
        next
    }

    /// Sees every second whether a store works that other gateways share, so that
    /// it is known without a request that asks. For the rest of the process's life.
    pub(crate) async fn keep_watching(&self) {
        let tell = |beat: Result<(), StoreUnavailable>| match beat {
            Ok(()) => self.outage.end(self.clock.reading().now),
            Err(StoreUnavailable) => self.outage.begin(),
        };
        self.store.beat(tell).await;
    }

    /// Whether an exchange waits for a network: then whoever answers a client that
    /// may hang up has it run by itself.
    pub(crate) const fn waits(&self) -> bool {
        self.store.is_shared()
    }

    /// Answers `request`. With a store of its own it does so in one go and waits
    /// for no network, so a client that hangs up can not cut an exchange off before
    /// its commit.
    ///
    /// The store is locked for a load or a commit and never while anything is
    /// signed, verified or hashed. What either says is durable, as far as the
    /// store is, before the exchange goes on.
    pub(crate) async fn exchange<'x>(
        &'x self,
        generation: &'x Generation,
        request: Request<'_, 'x>,
        out: &'x mut [u8],
    ) -> Result<Answer<'x>, Starved> {
        let (server, throttle) = (generation.server(), &generation.throttle);
        if status::is_asked(&request) {
            let devices = self.devices().list().count();
            let now = self.clock.reading().now;
            let health = status::Health {
                clock: now.is_some(),
                entropy: self.noise.is_healthy(),
                store: !self.outage.lasts(&self.store, now),
            };
            return Ok(status::answer(
                &request,
                server,
                health,
                self.uptime(),
                devices,
                out,
            ));
        }
        let is_out = self.outage.lasts(&self.store, self.clock.reading().now);
        let list = self.devices().list();
        let Some((ask, scope)) = Ask::of(&request, list) else {
            let entropy = self.entropy()?;
            let step = server.begin(request, self.clock(), entropy, throttle, out);
            return Ok(self.run(step, is_out).await);
        };
        let step = server.authorize(&request, scope, self.clock(), throttle, out);
        let mut answer = self.run(step, is_out).await;
        if let Some(permit) = answer.permit() {
            let uptime = self.uptime();
            self.devices().answer(ask, permit, uptime);
        }
        Ok(answer)
    }

    /// Takes an exchange to its end. One that began in an outage commits nothing,
    /// even if that ends meanwhile: it does not know when it did. Of a shared store
    /// it reads nothing either, since that may be no more the truth.
    async fn run<'x>(&'x self, mut step: Step<'x>, is_out: bool) -> Answer<'x> {
        let mut visit = self.store.visit();
        loop {
            step = match step {
                Step::Load(load) if is_out && self.store.is_shared() => {
                    load.resume(Err(StoreUnavailable))
                }
                Step::Load(load) => {
                    let loaded = visit.load(load.id()).await;
                    match &loaded {
                        Err(_) => self.outage.begin(),
                        Ok(loaded) => self.note(loaded),
                    }
                    load.resume(loaded)
                }
                Step::Work(work) => self.hash(work),
                Step::Commit(commit) if is_out => commit.resume(Committed::Unavailable),
                Step::Commit(commit) => {
                    let begun = Instant::now();
                    let done = visit.commit(&commit).await;
                    self.meters.commit(&done, begun.elapsed());
                    if matches!(done, Committed::Done | Committed::GaveWay(_)) {
                        self.floor.fetch_max(commit.now().0, Ordering::Release);
                    }
                    if done == Committed::Unavailable {
                        self.outage.begin();
                    }
                    if done == Committed::Conflict {
                        log::commit_refused(commit.id());
                    }
                    commit.resume(done)
                }
                Step::Done(answer) => return answer,
            };
        }
    }

    /// What another gateway wrote was written in its time: the floor is of all.
    fn note(&self, loaded: &Loaded) {
        if let Some(record) = loaded.record.filter(|_| self.store.is_shared())
            && let Ok(grant) = record.grant()
        {
            let written = grant.touched_at().0;
            self.floor.fetch_max(written, Ordering::Release);
        }
    }

    /// The floor is read before the clock. The other way round another thread
    /// could commit in between, in the clock's next second, and the clock would
    /// seem to have gone back.
    fn clock(&self) -> Clock {
        let floor = UnixTime(self.floor.load(Ordering::Acquire));
        let reading = self.clock.reading();
        Clock {
            now: reading.now,
            floor,
            serving_since: self.outage.serving_since(reading),
        }
    }

    /// Hashes a password on a thread that may take its time, unless another one
    /// is being hashed.
    fn hash<'x>(&self, work: Work<'x>) -> Step<'x> {
        let _hashing = match self.hashing.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return work.refuse(),
        };
        tokio::task::block_in_place(|| work.run(u32::MAX))
    }
}

/// What is wired stays so for the rest of the process's life.
fn wired(devices: &[Device<'_>]) -> &'static [Device<'static>] {
    let region: &'static Region = Box::leak(Box::default());
    let devices = devices.iter().map(|device| Device {
        name: region.text(device.name),
        kind: device.kind,
        read: region.text(device.read),
        write: region.text(device.write),
    });
    region.list(&devices.collect::<Vec<_>>())
}

/// Has a thread call `tend` as often as every so many seconds.
fn every(name: &str, seconds: u32, mut tend: impl FnMut() + Send + 'static) -> Result<(), String> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(seconds.into()));
                tend();
            }
        })
        .map(drop)
        .map_err(|error| format!("no thread for {name}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::generation::{Origin, Source};
    use crate::keys::Made;

    #[test]
    fn r40_a_commit_of_another_thread_does_not_make_the_clock_go_back() {
        let origin = Origin {
            from: Source::Demonstration,
            profile: None,
            made: Made::default(),
            salt: [0; 16],
        };
        let (found, settings) = origin.find().unwrap();
        let generation = origin.generation(found, settings, "http://127.0.0.1:8080");
        let clock = HostClock::from_argument("2026-01-01T00:00:00Z").unwrap();
        let gateway = Gateway::new(generation.unwrap(), clock, (Store::Memory, UnixTime(0)));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Each second has its commit.
                while !done.load(Ordering::Relaxed) {
                    let reading = gateway.clock.step(br#"{"advance":"1s"}"#).unwrap();
                    let now = reading.now.unwrap();
                    gateway.floor.fetch_max(now.0, Ordering::Release);
                }
            });
            let gone_back = (0..2_000_000)
                .map(|_| gateway.clock())
                .filter(|clock| clock.now.unwrap() < clock.floor)
                .count();
            done.store(true, Ordering::Relaxed);
            assert_eq!(gone_back, 0);
        });
    }
}
