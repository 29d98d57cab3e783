//! `cargo run --release -p smallgate-tests --bin load [-- --json]`: the
//! simulator's memory under token requests, and how many it answers in a second.
//!
//! Everything runs on loopback and is bounded: 100,000 requests for the memory
//! and 10 seconds for each rate (`--requests`, `--seconds`). The rate is taken
//! by `wrk`; where there is none this program says how to install it and counts with
//! a loop of its own, and the table says which it was. Client and server share the
//! machine's cores.

mod client;
mod server;
mod wrk;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use client::TokenRequest;
use server::{Scenario, Server};

/// More growth than this between the two memory figures is a leak.
const GROWTH_LIMIT_KIB: u64 = 1024;

/// Requests before the first of the two memory figures.
const WARM_UP: u32 = 1000;

/// Connections, each with one request on its way.
const CONNECTIONS: u32 = 32;

struct Options {
    json: bool,
    requests: u32,
    length: Duration,
    /// A simulator that is built already.
    binary: Option<PathBuf>,
}

/// One figure, as the other measuring commands give theirs.
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    limit: Option<f64>,
}

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
    for scenario in server::scenarios(&binary) {
        figures.extend(memory(&binary, &scenario, options.requests));
        figures.extend(rate(&binary, &scenario, options.length));
    }
    print(&figures, options.json);
    let over = |figure: &Figure| figure.limit.is_some_and(|limit| figure.value > limit);
    if figures.iter().any(over) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        json: false,
        requests: 100_000,
        length: Duration::from_secs(10),
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
            "--json" => options.json = true,
            "--requests" => options.requests = number(value()?)?,
            "--seconds" => options.length = Duration::from_secs(number(value()?)?.into()),
            "--binary" => options.binary = Some(value()?.into()),
            _ => {
                return Err(format!(
                    "`{argument}` is unknown: load [--json] [--requests N] [--seconds N] [--binary SMALLGATE]"
                ));
            }
        }
    }
    Ok(options)
}

/// Resident memory idle, warm, and after all requests.
fn memory(binary: &Path, scenario: &Scenario, requests: u32) -> Vec<Figure> {
    let server = Server::start(binary, scenario);
    let request = TokenRequest::new(&server, scenario);
    let idle = server.resident_kib();
    client::send(&request, CONNECTIONS, WARM_UP);
    let warm = server.resident_kib();
    // Halfway, too, so that a slow growth can be told from a first step.
    client::send(&request, CONNECTIONS, requests / 2);
    let halfway = server.resident_kib();
    client::send(&request, CONNECTIONS, requests - requests / 2);
    let end = server.resident_kib();
    let kib = |when: &str, value: u64, limit: Option<u64>| Figure {
        name: format!("{}, memory {when}", scenario.name),
        #[expect(clippy::cast_precision_loss, reason = "KiB")]
        value: value as f64,
        unit: "KiB",
        #[expect(clippy::cast_precision_loss, reason = "KiB")]
        limit: limit.map(|limit| limit as f64),
    };
    vec![
        kib("idle", idle, None),
        kib(&format!("after {WARM_UP} requests"), warm, None),
        kib(&format!("after {} more", requests / 2), halfway, None),
        kib(&format!("after {requests} more"), end, None),
        kib(
            "grown since it was warm",
            end.saturating_sub(warm),
            Some(GROWTH_LIMIT_KIB),
        ),
    ]
}

/// Answers a second over keep-alive connections.
fn rate(binary: &Path, scenario: &Scenario, length: Duration) -> Vec<Figure> {
    let server = Server::start(binary, scenario);
    let request = TokenRequest::new(&server, scenario);
    client::send(&request, CONNECTIONS, WARM_UP);
    let figure = |what: &str, value: f64, unit| Figure {
        name: format!("{}, {what}", scenario.name),
        value,
        unit,
        limit: None,
    };
    match wrk::run(&request, CONNECTIONS, length) {
        Some(found) => vec![
            figure("by wrk", found.rate, "requests/s"),
            figure("median latency by wrk", found.median_ms, "ms"),
            figure("99 % latency by wrk", found.most_ms, "ms"),
        ],
        None => {
            eprintln!(
                "load: there is no wrk, so a loop of this program's own takes its place, and its figures are not to be compared with wrk's: sudo apt-get install -y wrk"
            );
            let rate = client::rate(&request, CONNECTIONS, length);
            vec![figure("by its own loop", rate, "requests/s")]
        }
    }
}

fn print(figures: &[Figure], as_json: bool) {
    if as_json {
        let list = figures.iter().map(|figure| {
            json!({"name": figure.name, "value": figure.value, "unit": figure.unit, "limit": figure.limit})
        });
        println!("{}", Value::Array(list.collect()));
        return;
    }
    for figure in figures {
        let limit = figure.limit.map_or(String::new(), |limit| {
            let word = if figure.value <= limit {
                "held"
            } else {
                "MISSED"
            };
            format!("limit {limit} {word}")
        });
        let decimals = if figure.unit == "ms" { 2 } else { 0 };
        println!(
            "{:<72}{:>10.decimals$} {:<11}{limit}",
            figure.name, figure.value, figure.unit
        );
    }
}
