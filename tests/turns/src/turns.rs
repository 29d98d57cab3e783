//! Cases, and their turns.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::allocations;

/// How often each case has its turn.
const ROUNDS: usize = 400;

/// How long a turn is about.
const TURN: Duration = Duration::from_micros(250);

/// How much slower a case is that is slowed on purpose.
const SLOWER: u32 = 8;

/// What is measured: `run` does it as often as it is told.
pub struct Case<'a> {
    pub(crate) name: String,
    beside: Option<&'static str>,
    frugal: bool,
    run: Box<dyn FnMut(u32) + 'a>,
}

/// What is known of a case before it is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is called: an operation, and after a comma whose it is.
    pub name: String,
    /// The case to whose time its own is a part, or nearly.
    pub beside: Option<&'static str>,
    /// Whether it must not allocate.
    pub frugal: bool,
    /// How often it asks for memory.
    pub allocations: u64,
}

/// A case's figures.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What it is.
    pub known: Known,
    /// Nanoseconds.
    pub minimum: f64,
    /// Nanoseconds.
    pub median: f64,
}

impl<'a> Case<'a> {
    /// A case that does `work`.
    pub fn new<T>(name: impl Into<String>, mut work: impl FnMut() -> T + 'a) -> Self {
        Case {
            name: name.into(),
            beside: None,
            frugal: false,
            run: Box::new(move |times| {
                for _ in 0..times {
                    black_box(work());
                }
            }),
        }
    }

    /// Sets its time in relation to that of the case `other`.
    #[must_use]
    pub fn beside(mut self, other: &'static str) -> Self {
        self.beside = Some(other);
        self
    }

    /// It must not allocate.
    #[must_use]
    pub fn frugal(mut self) -> Self {
        self.frugal = true;
        self
    }

    /// Whether `text` is in its name.
    #[must_use]
    pub fn is_named(&self, text: &str) -> bool {
        self.name.contains(text)
    }

    /// Makes it eight times as slow, for a run that has to fail.
    #[must_use]
    pub fn slowed(mut self) -> Self {
        self.run = Box::new(move |times| (self.run)(times * SLOWER));
        self
    }

    fn time(&mut self, times: u32) -> Duration {
        let start = Instant::now();
        (self.run)(times);
        start.elapsed()
    }

    /// How many times fill a turn.
    fn calibrate(&mut self) -> u32 {
        let mut times = 1;
        while self.time(times) < TURN {
            times *= 2;
        }
        times
    }
}

/// Cases that have their turns one after the other, here or in another process.
pub trait Lane {
    /// The cases, in their order.
    fn known(&self) -> &[Known];

    /// Gives each its turn, and says how many nanoseconds it took once.
    fn round(&mut self) -> Vec<f64>;
}

/// Cases of this process.
pub struct Here<'a> {
    cases: Vec<(Case<'a>, u32)>,
    known: Vec<Known>,
}

impl<'a> Here<'a> {
    /// Counts what each allocates, and finds out how often it fills a turn.
    #[must_use]
    pub fn new(cases: Vec<Case<'a>>) -> Self {
        allocations::check();
        let mut known = Vec::new();
        let mut ready = Vec::new();
        for mut case in cases {
            known.push(Known {
                name: case.name.clone(),
                beside: case.beside,
                frugal: case.frugal,
                allocations: allocations::count(|| (case.run)(1)),
            });
            let times = case.calibrate();
            ready.push((case, times));
        }
        Here {
            cases: ready,
            known,
        }
    }
}

impl Lane for Here<'_> {
    fn known(&self) -> &[Known] {
        &self.known
    }

    fn round(&mut self) -> Vec<f64> {
        let cases = self.cases.iter_mut();
        cases
            .map(|(case, times)| case.time(*times).as_secs_f64() * 1e9 / f64::from(*times))
            .collect()
    }
}

/// Gives all lanes their turns.
pub fn run(lanes: &mut [Box<dyn Lane + '_>]) -> Vec<Measured> {
    let known: Vec<Known> = lanes
        .iter()
        .flat_map(|lane| lane.known().to_vec())
        .collect();
    let mut samples = vec![Vec::with_capacity(ROUNDS); known.len()];
    for _ in 0..ROUNDS {
        let times = lanes.iter_mut().flat_map(|lane| lane.round());
        for (samples, time) in samples.iter_mut().zip(times) {
            samples.push(time);
        }
    }
    let figures = known.into_iter().zip(samples);
    figures
        .map(|(known, mut samples)| {
            samples.sort_by(f64::total_cmp);
            Measured {
                known,
                minimum: samples[0],
                median: samples[ROUNDS / 2],
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_case_that_is_slowed_does_its_work_eight_times() {
        let done = Cell::new(0);
        let work = || done.set(done.get() + 1);
        (Case::new("plain", work).run)(3);
        assert_eq!(done.replace(0), 3);
        (Case::new("slowed", work).slowed().run)(3);
        assert_eq!(done.get(), 24);
    }

    #[test]
    fn every_lane_has_its_turn_in_every_round() {
        struct Told(Vec<Known>, f64);
        impl Lane for Told {
            fn known(&self) -> &[Known] {
                &self.0
            }

            fn round(&mut self) -> Vec<f64> {
                self.1 += 1.0;
                vec![self.1]
            }
        }
        let lane = |name: &str, from: f64| -> Box<dyn Lane> {
            let known = Known {
                name: name.to_owned(),
                beside: None,
                frugal: false,
                allocations: 0,
            };
            Box::new(Told(vec![known], from))
        };
        let measured = run(&mut [lane("one", 0.0), lane("other", 1000.0)]);
        let figures = |at: usize| (measured[at].minimum, measured[at].median);
        assert_eq!(figures(0), (1.0, 201.0));
        assert_eq!(figures(1), (1001.0, 1201.0));
    }
}
