//! The board's tests: its programs say what they must and keep to their limits, and each way of
//! measuring is shown something that breaks one.

use std::path::Path;

use anyhow::Result;

use crate::board::{Backend, Build, MEASURED, Measured, Opt, build, limited, measure, not_run};
use crate::flash;
use crate::gateway::{self, FLASHED, GATEWAY};
use crate::image::{self, Panic};
use crate::measure::{Measurement, grouped};
use crate::qemu;
use crate::test::{Tally, against_firmware};
use crate::toolchain::{Road, Toolchain};

/// The build in which the twins are: that of the limits.
const LIMITED: Build = Build {
    backend: Backend::Asm,
    opt: Opt::Size,
};

/// Programs that are wrong in one way each.
const TWINS: &[&str] = &[
    "twin_check",
    "twin_large",
    "twin_panic",
    "twin_slow",
    "twin_stack",
];

/// Tests by name, printed as they end.
#[derive(Default)]
struct Tests {
    tally: Tally,
}

impl Tests {
    /// Nothing wrong means passed.
    fn add(&mut self, name: &str, wrong: Option<String>) {
        match wrong {
            None => {
                println!("test board {name} ... ok");
                self.tally.passed += 1;
            }
            Some(wrong) => {
                println!("test board {name} ... FAILED: {wrong}");
                self.tally.failed += 1;
            }
        }
    }

    fn end(self) -> Tally {
        let result = if self.tally.failed == 0 {
            "ok"
        } else {
            "FAILED"
        };
        println!(
            "\ntest result: {result}. {} passed; {} failed; 0 ignored",
            self.tally.passed, self.tally.failed
        );
        self.tally
    }
}

pub(crate) fn run(road: Option<Road>) -> Result<Tally> {
    let toolchain = Toolchain::choose(road, MEASURED.target)?;
    println!("mps2-an386 in QEMU; {toolchain}\n");
    let mut tests = Tests::default();
    twins(&mut tests, &build(&toolchain, LIMITED, TWINS)?)?;
    let all = measure(&toolchain)?;
    for one in &all {
        program(&mut tests, one);
    }
    let whole = gateway::measure(&toolchain, FLASHED)?;
    within_limits(&mut tests, &whole.measurements, &whole.panics);
    let measured = || {
        let of_programs = all.iter().flat_map(|one| &one.measurements);
        of_programs.chain(&whole.measurements)
    };
    let unmeasured: Vec<&str> = limited()
        .filter(|name| !measured().any(|one| one.name == *name))
        .collect();
    tests.add(
        "everything that has a limit was measured",
        (!unmeasured.is_empty()).then(|| unmeasured.join(", ")),
    );
    for board in not_run() {
        let weighed = flash::measure(road, board);
        for measured in weighed.iter().flatten() {
            println!(
                "{}: {} {}",
                measured.full_name(),
                grouped(measured.value),
                measured.unit
            );
        }
        within_limits(&mut tests, weighed.as_deref().unwrap_or_default(), &[]);
        tests.add(
            &format!("{} is built, and can be flashed", board.name),
            weighed.err().map(|error| format!("{error:#}")),
        );
        if board.drive.is_some() {
            tests.add(
                &format!("{}'s file for its drive holds its image", board.name),
                flash::difference(board)?,
            );
        }
    }
    let mut tally = tests.end();
    let images = build(&toolchain, FLASHED, &[GATEWAY])?;
    tally.add(against_firmware(&images.join(GATEWAY), None)?);
    Ok(tally)
}

/// The cases against the firmware with `name` in theirs, and nothing else.
pub(crate) fn cases(road: Option<Road>, name: &str) -> Result<Tally> {
    let toolchain = Toolchain::choose(road, MEASURED.target)?;
    let images = build(&toolchain, FLASHED, &[GATEWAY])?;
    against_firmware(&images.join(GATEWAY), Some(name))
}

fn program(tests: &mut Tests, one: &Measured) {
    let of = format!("{} ({})", one.program, one.build.name());
    for (name, holds) in &one.report.checks {
        tests.add(
            &format!("{of}: {name}"),
            (!holds).then(|| "it does not hold".to_owned()),
        );
    }
    tests.add(
        &format!("{of} comes to its end"),
        (!one.report.done).then(|| "it failed".to_owned()),
    );
    tests.add(
        &format!("{of} counts the same twice"),
        (!one.repeatable).then(|| "it does not".to_owned()),
    );
    within_limits(tests, &one.measurements, &one.panics);
}

fn within_limits(tests: &mut Tests, measurements: &[Measurement], panics: &[Panic]) {
    for measured in measurements {
        if let Some(limit) = measured.limit {
            let name = format!("{} is at most {}", measured.full_name(), grouped(limit));
            let callers = panics
                .iter()
                .map(|panic| format!("\n    {} <- {}", panic.symbol, panic.caller));
            tests.add(
                &name,
                (!measured.holds()).then(|| {
                    let callers: String = if measured.unit == "symbols" {
                        callers.collect()
                    } else {
                        String::new()
                    };
                    format!("{} {}{callers}", grouped(measured.value), measured.unit)
                }),
            );
        }
    }
}

/// A test that cannot fail proves nothing: here each kind of failure happens, and must be seen.
fn twins(tests: &mut Tests, images: &Path) -> Result<()> {
    let failed = qemu::run(&images.join("twin_check"))?;
    let seen = !failed.done && failed.checks.iter().any(|(_, holds)| !holds);
    tests.add(
        "a planted failure is seen",
        (!seen).then(|| format!("{failed:?}")),
    );

    let panics = image::panics(&images.join("twin_panic"))?;
    let seen = image::count(&panics) > LIMITED.limit("panics verify").unwrap_or(u64::MAX)
        && panics.iter().any(|panic| panic.caller.contains("planted"));
    tests.add(
        "a planted panic is seen, and who calls it",
        (!seen).then(|| format!("{panics:?}")),
    );

    for (twin, names) in [
        ("twin_stack", &["stack verify es256"][..]),
        ("twin_slow", &["verify hs256", "verify es256"]),
    ] {
        let report = qemu::run(&images.join(twin))?;
        for name in names {
            let seen = report
                .value(name)
                .zip(LIMITED.limit(name))
                .is_some_and(|(value, limit)| value > limit);
            tests.add(
                &format!("{twin} breaks the limit of {name}"),
                (!seen).then(|| format!("{report:?}")),
            );
        }
    }

    let large = images.join("twin_large");
    let mut figures = gateway::figures("memory", &large)?;
    let flash = "flash: the whole image".to_owned();
    figures.push((flash, image::flash(&large)?, "octets"));
    for name in ["flash: the whole image", "ram: static plus deepest stack"] {
        let figure = figures.iter().find(|(told, ..)| told == name);
        let seen = figure
            .zip(LIMITED.limit(name))
            .is_some_and(|((_, value, _), limit)| *value > limit);
        tests.add(
            &format!("twin_large breaks the limit of {name}"),
            (!seen).then(|| format!("{figures:?}")),
        );
    }

    // This program is an ELF file too, and no board's linker script laid it out.
    let refused = image::require_vector_table(&std::env::current_exe()?).is_err();
    tests.add(
        "an image without a vector table is refused",
        (!refused).then(|| "it was taken".to_owned()),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::BUILDS;

    #[test]
    fn the_build_of_the_twins_has_limits_and_is_measured() {
        assert!(BUILDS.contains(&LIMITED));
        for name in [
            "verify hs256",
            "verify es256",
            "stack verify es256",
            "panics verify",
        ] {
            assert!(LIMITED.limit(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_counted() {
        let mut tests = Tests::default();
        tests.add("right", None);
        tests.add("wrong", Some("so".to_owned()));
        assert_eq!(
            tests.end(),
            Tally {
                passed: 1,
                failed: 1,
                ignored: 0
            }
        );
    }
}
