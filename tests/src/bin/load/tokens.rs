//! Token requests: memory while they are answered, and how many are in a second.

use std::path::Path;
use std::time::Duration;

use crate::client::{self, TokenRequest};
use crate::figure::Figure;
use crate::server::{self, Scenario, Server};
use crate::{Options, grown, wrk};

/// Requests before the first of the two memory figures.
const WARM_UP: u32 = 1000;

/// Connections, each with one request on its way.
const CONNECTIONS: u32 = 32;

/// What of it is printed.
pub(crate) fn figures(binary: &Path, options: &Options) -> Vec<Figure> {
    let mut figures = Vec::new();
    for scenario in server::scenarios(binary) {
        figures.extend(memory(binary, &scenario, options));
        figures.extend(rate(binary, &scenario, options.length));
    }
    figures
}

/// Resident memory idle, warm, and after all requests.
fn memory(binary: &Path, scenario: &Scenario, options: &Options) -> Vec<Figure> {
    let requests = options.requests;
    let server = Server::start(binary, scenario);
    let request = TokenRequest::new(&server, scenario);
    let idle = server.resident_kib();
    client::send(&request, CONNECTIONS, WARM_UP);
    let warm = server.resident_kib();
    // The twin's is one that keeps what it was given: connections that nobody uses.
    let leaked = if options.twin { 100 } else { 0 };
    let _leaked = client::come(&request, leaked, client::HERE);
    // Halfway, too, so that a slow growth can be told from a first step.
    client::send(&request, CONNECTIONS, requests / 2);
    let halfway = server.resident_kib();
    client::send(&request, CONNECTIONS, requests - requests / 2);
    let end = server.resident_kib();
    let named = |when: &str| format!("{}, memory {when}", scenario.name);
    let kib = |when: &str, value| Figure::count(named(when), value, "KiB");
    vec![
        kib("idle", idle),
        kib(&format!("after {WARM_UP} requests"), warm),
        kib(&format!("after {} more", requests / 2), halfway),
        kib(&format!("after {requests} more"), end),
        grown(options, named("grown since it was warm"), warm, end),
    ]
}

/// Answers a second over keep-alive connections.
fn rate(binary: &Path, scenario: &Scenario, length: Duration) -> Vec<Figure> {
    let server = Server::start(binary, scenario);
    let request = TokenRequest::new(&server, scenario);
    client::send(&request, CONNECTIONS, WARM_UP);
    let (found, by) = match wrk::run(&request, CONNECTIONS, length) {
        Some(found) => (found, "wrk"),
        None => {
            eprintln!(
                "load: there is no wrk, so a loop of this program's own takes its place, and its figures are not to be compared with wrk's: sudo apt-get install -y wrk"
            );
            let found = client::found(&request, CONNECTIONS, length);
            (found, "its own loop")
        }
    };
    let named = |what: &str| format!("{}, {what}by {by}", scenario.name);
    vec![
        Figure::new(named(""), found.rate, "requests/s"),
        Figure::new(named("median latency "), found.median_ms, "ms"),
        Figure::new(named("99 % latency "), found.most_ms, "ms"),
    ]
}
