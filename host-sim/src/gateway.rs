//! The gateway: the core's server with a clock, a store and the throttle's
//! memory, and the firmware's devices. An exchange runs here from its beginning to its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use smallgate_core::http::Request;
use smallgate_core::oauth::{
    Answer, AuthorizationServer, Clock, Step, Throttle, ThrottlePolicy, ThrottleSlot, Work,
};
use smallgate_core::secret::Entropy;
use smallgate_core::store::Committed;
use smallgate_core::time::UnixTime;
use smallgate_firmware::devices::{self, Ask, Device, Devices};
use smallgate_firmware::http::status;

use crate::breadboard::{Breadboard, Bus, SimulatedLines};
use crate::clock::HostClock;
use crate::noise::Noise;
use crate::outage::Outage;
use crate::store::Store;
use crate::{credentials, log};

/// Failures that are remembered, for pairs of client or user and source.
static PATIENCE: [ThrottleSlot; 1024] = [const { ThrottleSlot::new() }; 1024];

/// Everything that an exchange needs.
pub(crate) struct Gateway {
    server: AuthorizationServer<'static>,
    throttle: Throttle<'static>,
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
    started: Instant,
}

/// There is no entropy, so nothing is answered that could need it.
#[derive(Debug)]
pub(crate) struct Starved;

impl Gateway {
    pub(crate) fn new(
        server: AuthorizationServer<'static>,
        patience: ThrottlePolicy,
        clock: HostClock,
        (store, floor): (Store, UnixTime),
        devices: &'static [Device<'static>],
    ) -> Result<Self, String> {
        let breadboard = Breadboard::of(devices);
        Ok(Gateway {
            server,
            throttle: Throttle::new(&PATIENCE, patience, credentials::random()?),
            store,
            outage: Outage::none(),
            clock,
            floor: AtomicU64::new(floor.0),
            hashing: Mutex::new(()),
            devices: Mutex::new(Devices::new(devices.into(), breadboard.lines())),
            breadboard,
            noise: Noise::start(),
            started: Instant::now(),
        })
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

    /// In seconds, as a board counts them.
    fn uptime(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// What a board says where there is no entropy.
    fn entropy(&self) -> Result<Entropy, Starved> {
        self.noise.octets().map(Entropy::new).ok_or(Starved)
    }

    pub(crate) fn server(&self) -> &AuthorizationServer<'static> {
        &self.server
    }

    /// Answers `request`, in one go: nothing in here waits for the network, so
    /// a client that hangs up can not cut an exchange off before its commit.
    ///
    /// The store is locked for a load or a commit and never while anything is
    /// signed, verified or hashed. What either says is durable, as far as the
    /// store is, before the exchange goes on.
    pub(crate) fn exchange<'x>(
        &'x self,
        request: Request<'_, 'x>,
        out: &'x mut [u8],
    ) -> Result<Answer<'x>, Starved> {
        if status::is_asked(&request) {
            let devices = self.devices().list().count();
            let is_clock_set = self.clock.reading().now.is_some();
            return Ok(status::answer(
                &request,
                &self.server,
                is_clock_set,
                self.noise.is_healthy(),
                self.uptime(),
                devices,
                out,
            ));
        }
        let is_out = self.outage.lasts(&self.store, self.clock.reading().now);
        let list = self.devices().list();
        let Some((ask, scope)) = Ask::of(&request, list) else {
            let entropy = self.entropy()?;
            let step = self
                .server
                .begin(request, self.clock(), entropy, &self.throttle, out);
            return Ok(self.run(step, is_out));
        };
        let step = self
            .server
            .authorize(&request, scope, self.clock(), &self.throttle, out);
        let mut answer = self.run(step, is_out);
        if let Some(permit) = answer.permit() {
            let uptime = self.uptime();
            self.devices().answer(ask, permit, uptime);
        }
        Ok(answer)
    }

    /// Takes an exchange to its end. One that began in an outage commits nothing,
    /// even if that ends meanwhile: it does not know when it did.
    fn run<'x>(&'x self, mut step: Step<'x>, is_out: bool) -> Answer<'x> {
        loop {
            step = match step {
                Step::Load(load) => {
                    let loaded = self.store.load(load.id());
                    if loaded.is_err() {
                        self.outage.begin();
                    }
                    load.resume(loaded)
                }
                Step::Work(work) => self.hash(work),
                Step::Commit(commit) if is_out => commit.resume(Committed::Unavailable),
                Step::Commit(commit) => {
                    let done = self.store.commit(&commit);
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
    use std::path::PathBuf;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::config::Document;

    #[test]
    fn r40_a_commit_of_another_thread_does_not_make_the_clock_go_back() {
        let built = Document::parse("test.toml".to_owned(), String::new(), PathBuf::new())
            .and_then(|document| document.build(None, "http://127.0.0.1:8080"))
            .unwrap();
        let clock = HostClock::from_argument("2026-01-01T00:00:00Z").unwrap();
        let gateway = Gateway::new(
            built.server,
            built.throttle,
            clock,
            (Store::Memory, UnixTime(0)),
            &[],
        )
        .unwrap();
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
