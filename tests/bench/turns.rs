//! Measuring many cases in turns.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::allocations;

/// How often each case has its turn.
const ROUNDS: usize = 400;

/// How long a turn is about.
const TURN: Duration = Duration::from_micros(250);

/// What is measured: `run` does it as often as it is told.
pub(crate) struct Case<'a> {
    pub(crate) name: String,
    /// The name of the case that this one's time is set in relation to.
    pub(crate) beside: Option<String>,
    /// Whether it must not allocate.
    pub(crate) frugal: bool,
    run: Box<dyn FnMut(u32) + 'a>,
}

/// A case's figures.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) beside: Option<String>,
    pub(crate) frugal: bool,
    pub(crate) minimum: f64,
    pub(crate) median: f64,
    pub(crate) allocations: u64,
}

impl<'a> Case<'a> {
    pub(crate) fn new<T>(name: impl Into<String>, mut work: impl FnMut() -> T + 'a) -> Self {
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

    /// Sets its time in relation to the one of `other`.
    pub(crate) fn beside(mut self, other: impl Into<String>) -> Self {
        self.beside = Some(other.into());
        self
    }

    /// It must not allocate.
    pub(crate) fn frugal(mut self) -> Self {
        self.frugal = true;
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

/// Runs all cases in turns.
pub(crate) fn run(cases: &mut [Case<'_>]) -> Vec<Measured> {
    allocations::check();
    let allocated: Vec<_> = cases
        .iter_mut()
        .map(|case| allocations::count(|| (case.run)(1)))
        .collect();
    let times: Vec<_> = cases.iter_mut().map(Case::calibrate).collect();
    let mut samples = vec![Vec::with_capacity(ROUNDS); cases.len()];
    for _ in 0..ROUNDS {
        for ((case, times), samples) in cases.iter_mut().zip(&times).zip(&mut samples) {
            let turn = case.time(*times);
            samples.push(turn.as_secs_f64() * 1e9 / f64::from(*times));
        }
    }
    cases
        .iter()
        .zip(samples)
        .zip(allocated)
        .map(|((case, mut samples), allocations)| {
            samples.sort_by(f64::total_cmp);
            Measured {
                name: case.name.clone(),
                beside: case.beside.clone(),
                frugal: case.frugal,
                minimum: samples[0],
                median: samples[ROUNDS / 2],
                allocations,
            }
        })
        .collect()
}
