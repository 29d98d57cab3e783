//! `cargo run --release -p smallgate-tests --bin load [-- --json]`: the
//! simulator under load. Its memory under token requests and how many it answers
//! in a second; ten thousand idle connections; slow clients; an attacker.
//!
//! Everything runs on loopback and is bounded: 100,000 requests for the memory
//! and 10 seconds for each rate (`--requests`, `--seconds`). The rate of tokens is
//! taken by `wrk`; where there is none this program says how to install it and counts
//! with a loop of its own, and the table says which it was. Client and server
//! share the machine's cores.
//!
//! `--only tokens|crowd|slow|attack` runs a part. `--short` is for tests: fewer
//! of everything, and no limit on a time or on memory, which other tests move. `--twin` changes a part so that a limit of
//! it can not be held, which shows that it is looked at.

mod attack;
mod client;
mod crowd;
mod figure;
mod server;
mod slow;
mod tokens;
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use client::Found;
use figure::Figure;

struct Options {
    json: bool,
    only: Option<String>,
    requests: u32,
    length: Duration,
    /// Idle connections.
    idle: u32,
    /// Slow clients.
    slow: u32,
    /// How many seconds a head or a body may take.
    deadline: u32,
    short: bool,
    twin: bool,
    /// A simulator that is built already.
    binary: Option<PathBuf>,
}

/// The parts, as `--only` names them.
type Part = fn(&std::path::Path, &Options) -> Vec<Figure>;
const PARTS: [(&str, Part); 4] = [
    ("tokens", tokens::figures),
    ("crowd", crowd::figures),
    ("slow", slow::figures),
    ("attack", attack::figures),
];

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let binary = options.binary.clone().unwrap_or_else(server::build);
    let mut figures = Vec::new();
    for (name, part) in PARTS {
        if options.only.as_deref().is_none_or(|only| only == name) {
            figures.extend(part(&binary, &options));
        }
    }
    figure::print(&figures, options.json);
    if figures.iter().all(Figure::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What may be said to it.
const USAGE: &str = "load [--json] [--only tokens|crowd|slow|attack] [--requests N] [--seconds N] [--short] [--twin] [--binary SMALLGATE]

  --requests N  token requests for the memory [default: 100000]
  --seconds N   seconds for each rate [default: 10]
  --short       fewer of everything, and no limit on a time or on memory
  --twin        each part so that a limit must be missed
  --binary      a simulator that is built already";

fn options() -> Result<Options, String> {
    let mut options = Options {
        json: false,
        only: None,
        requests: 100_000,
        length: Duration::from_secs(10),
        idle: 10_000,
        slow: 2_000,
        deadline: 10,
        short: false,
        twin: false,
        binary: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        let number = |text: String| {
            let number = text.parse::<u32>().ok().filter(|number| *number > 0);
            number.ok_or(format!("`{text}` is no number above 0"))
        };
        match argument.as_str() {
            "--help" | "-h" => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            "--json" => options.json = true,
            "--only" => {
                let name = value()?;
                if !PARTS.iter().any(|(part, _)| *part == name) {
                    return Err(format!(
                        "`{name}` is no part: {}",
                        PARTS.map(|part| part.0).join(", ")
                    ));
                }
                options.only = Some(name);
            }
            "--requests" => options.requests = number(value()?)?,
            "--seconds" => options.length = Duration::from_secs(number(value()?)?.into()),
            "--short" => {
                options = Options {
                    requests: 10_000,
                    length: Duration::from_secs(2),
                    idle: 500,
                    slow: 100,
                    deadline: 2,
                    short: true,
                    ..options
                }
            }
            "--twin" => options.twin = true,
            "--binary" => {
                let path = PathBuf::from(value()?);
                if !path.is_file() {
                    return Err(format!(
                        "--binary {}: there is no such file",
                        path.display()
                    ));
                }
                options.binary = Some(path);
            }
            _ => {
                return Err(format!("`{argument}` is unknown: {USAGE}"));
            }
        }
    }
    Ok(options)
}

/// More growth than this between two memory figures that should be the same is
/// a leak.
const GROWTH_LIMIT_KIB: f64 = 1024.0;

fn grown(options: &Options, name: String, from: u64, to: u64) -> Figure {
    let figure = Figure::count(name, to.saturating_sub(from), "KiB");
    match options.short {
        true => figure,
        false => figure.at_most(GROWTH_LIMIT_KIB),
    }
}

/// How many times as long half of the requests may take at most beside what is
/// to leave them alone: with all of it on the same two cores.
const SLOWER_LIMIT: f64 = 2.0;

fn slower(options: &Options, name: String, alone: &Found, beside: &Found) -> Figure {
    let figure = Figure::new(name, beside.median_ms / alone.median_ms, "ratio");
    match options.short {
        true => figure,
        false => figure.at_most(SLOWER_LIMIT),
    }
}
