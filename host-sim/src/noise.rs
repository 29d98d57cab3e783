//! Octets that nobody can guess: the firmware's own generator and its health
//! tests, over the system's random numbers as a source that can be turned.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smallgate_firmware::entropy::{EntropyFailed, EntropySource, Generator};

use crate::{credentials, log};

/// How the source is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SourceState {
    #[default]
    Works,
    /// It gives no octets.
    Starved,
    /// It gives the same octets again and again.
    Repeats,
}

/// The system's random numbers, as a board has its source.
struct Source(Arc<Mutex<SourceState>>);

impl EntropySource for Source {
    fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
        match *held(&self.0) {
            SourceState::Works => {
                credentials::fill(octets).map_err(|_message| EntropyFailed::NoOctets)
            }
            SourceState::Starved => Err(EntropyFailed::NoOctets),
            SourceState::Repeats => {
                for (octet, value) in octets.iter_mut().zip((0..=u8::MAX).cycle()) {
                    *octet = value;
                }
                Ok(())
            }
        }
    }
}

/// What is asked for octets, from any thread.
pub(crate) struct Noise {
    state: Arc<Mutex<SourceState>>,
    /// One for each core, so that no thread waits for another one's octets.
    generators: Vec<Mutex<Generator<Source>>>,
    /// What the log was told last.
    told: Mutex<Result<(), EntropyFailed>>,
}

impl Noise {
    /// How often [`Noise::tend`] is to be called, in seconds.
    pub(crate) const INTERVAL: u32 = 60;

    /// Starts, and tests the source.
    pub(crate) fn start() -> Self {
        let state = Arc::default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let generator = |number: usize| {
            let personalization = format!("{} {number}", std::process::id());
            let source = Source(Arc::clone(&state));
            Mutex::new(Generator::start(source, personalization.as_bytes()))
        };
        let generators = (0..cores).map(generator).collect();
        let noise = Noise {
            state,
            generators,
            told: Mutex::new(Ok(())),
        };
        noise.tend();
        noise
    }

    /// `N` octets that nobody else gets; none when the source is not healthy.
    pub(crate) fn octets<const N: usize>(&self) -> Option<[u8; N]> {
        let mut all = self.generators.iter();
        let free = all.find_map(|generator| generator.try_lock().ok());
        let mut generator = free.or_else(|| self.generators.first().map(held))?;
        let octets = generator.octets();
        if octets.is_none() {
            self.note(generator.health());
        }
        octets
    }

    /// Looks after the source, as a board's task does every minute: octets of one
    /// that is well are mixed in, one that failed is tested anew.
    pub(crate) fn tend(&self) {
        let mut all = Ok(());
        for generator in &self.generators {
            let mut generator = held(generator);
            let health = match generator.health() {
                Ok(()) => generator.reseed(&[]),
                Err(_) => generator.restart(),
            };
            all = all.and(health);
        }
        self.note(all);
    }

    /// Whether the source was healthy when it was last looked at.
    pub(crate) fn is_healthy(&self) -> bool {
        held(&self.told).is_ok()
    }

    pub(crate) fn state(&self) -> SourceState {
        *held(&self.state)
    }

    /// Turns the source. It is looked at at once: a board finds out within 256
    /// requests or a minute.
    pub(crate) fn set_state(&self, state: SourceState) {
        *held(&self.state) = state;
        self.tend();
    }

    fn note(&self, health: Result<(), EntropyFailed>) {
        let before = std::mem::replace(&mut *held(&self.told), health);
        if before != health {
            log::entropy(health);
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_is_not_healthy_gives_nothing_until_it_is() {
        let noise = Noise::start();
        for state in [SourceState::Starved, SourceState::Repeats] {
            assert!(noise.octets::<48>().is_some());
            noise.set_state(state);
            assert_eq!(noise.octets::<48>(), None, "{state:?}");
            assert!(!noise.is_healthy());
            noise.set_state(SourceState::Works);
            assert!(noise.is_healthy());
        }
    }

    #[test]
    fn a_failure_is_found_although_nobody_looks_after_the_source() {
        let noise = Noise::start();
        *held(&noise.state) = SourceState::Repeats;
        let octets = (0..1000).map(|_| noise.octets::<48>());
        assert!(octets.last().flatten().is_none());
        assert!(!noise.is_healthy());
        assert_eq!(*held(&noise.told), Err(EntropyFailed::Repeats));
    }

    #[test]
    fn threads_get_octets_at_once_and_never_the_same() {
        let noise = Noise::start();
        let draw = || (0..1000).map(|_| noise.octets::<16>()).collect::<Vec<_>>();
        let mut all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(draw)).collect();
            let drawn = threads.into_iter().map(|thread| thread.join().unwrap());
            drawn.flatten().collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 8000);
        assert!(!all.contains(&None));
    }
}
