//! What the simulator does not let happen to itself.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use smallgate_tests::simulator::{Process, Temporary};
use smallgate_tests::wire::{Request, Wire};

fn with(config: &str) -> (Process, Temporary) {
    let file = Temporary::new(config);
    let process = Process::serve(&["--config", file.path(), "--clock", "2026-01-01T00:00:00Z"]);
    (process, file)
}

fn anything() -> Request {
    Request::new("GET", "/nowhere")
}

#[test]
fn one_source_can_not_hold_all_connections() {
    let (mut process, _file) = with("[server]\nconnections = 8\nconnections_per_source = 2");
    let idle = Wire::open(process.address);
    let mut kept = Wire::open(process.address);
    let answer = kept.ask(&anything());
    assert_eq!(
        (answer.status, answer.header("connection")),
        (404, None),
        "{}",
        answer.pretty()
    );
    // Its third is closed at once, long before a head's deadline.
    let begun = Instant::now();
    assert!(Wire::open(process.address).ends());
    assert!(begun.elapsed() < Duration::from_secs(5));
    // The others of it live on, and so does everybody else.
    assert_eq!(kept.ask(&anything()).status, 404);
    drop(idle);
    if cfg!(target_os = "linux") {
        let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
        let mut other = Wire::open_from(other, process.address);
        assert_eq!(other.ask(&anything()).status, 404);
    }
    // A place that was given back can be had again.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let mut again = Wire::open(process.address);
        again.send(&anything().header("Connection", "close").octets());
        if again.rest().starts_with(b"HTTP/1.1 404 ") {
            break;
        }
        assert!(Instant::now() < deadline, "{}", process.log());
    }
    process.kill();
    assert!(process.log().contains("too_many_connections"));
}

#[test]
fn connections_end_with_their_answer_while_there_is_no_room() {
    let (process, _file) = with("[server]\nconnections = 2\nconnections_per_source = 2");
    let mut first = Wire::open(process.address);
    assert_eq!(first.ask(&anything()).header("connection"), None);
    let mut second = Wire::open(process.address);
    let answer = second.ask(&anything());
    assert_eq!(
        (answer.status, answer.header("connection")),
        (404, Some("close"))
    );
    assert!(second.ends());
    // Who waited gets the place.
    let mut third = Wire::open(process.address);
    assert_eq!(third.ask(&anything()).status, 404);
}

#[test]
fn a_trusted_proxy_is_not_one_source() {
    let (process, _file) = with(
        "[server]\nconnections = 8\nconnections_per_source = 1\ntrusted_proxies = ['127.0.0.1']",
    );
    let mut wires: Vec<_> = (0..4).map(|_| Wire::open(process.address)).collect();
    for wire in &mut wires {
        assert_eq!(wire.ask(&anything()).status, 404);
    }
}

#[test]
fn clock_is_not_moved_by_another_site() {
    let (mut process, _file) = with("[server]\ntrusted_proxies = ['127.0.0.1']");
    let ask = |fields: &[(&str, &str)]| {
        let request = Request::new("POST", "/sim/clock");
        let request = fields.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        // What `curl -d` says it is.
        let request = request.form(r#"{"advance":"1h"}"#);
        Wire::open(process.address).ask(&request).status
    };
    for allowed in [
        &[][..],
        &[("Sec-Fetch-Site", "none")],
        &[("Sec-Fetch-Site", "same-origin")],
    ] {
        assert_eq!(ask(allowed), 204, "{allowed:?}");
    }
    for refused in [
        &[("Origin", "https://elsewhere.example")][..],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1:8080")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "")],
        &[("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "null"), ("Sec-Fetch-Site", "same-origin")],
        // Whatever a proxy says, whether it is believed or not.
        &[("X-Forwarded-For", "192.0.2.1")],
        &[("X-Forwarded-For", "127.0.0.1")],
        &[("X-Forwarded-Host", "as.example")],
        &[("Forwarded", "for=192.0.2.1")],
        &[("Via", "1.1 proxy")],
        &[("X-Real-IP", "192.0.2.1")],
    ] {
        assert_eq!(ask(refused), 403, "{refused:?}");
    }
    process.kill();
    let moved = process.log().matches("clock_moved").count();
    assert_eq!(moved, 3, "{}", process.log());
}

#[cfg(unix)]
#[test]
fn more_files_are_opened_than_a_process_may_at_first() {
    let file = Temporary::new("[server]\nconnections = 200\nconnections_per_source = 200");
    let limited = |limit: &str| {
        let set = format!("ulimit {limit}; exec \"$@\"");
        let config = ["--config", file.path()];
        Process::serve_under(&["sh", "-c", &set, "sh"], &config)
    };
    let process = limited("-S -n 100");
    let mut all: Vec<_> = (0..200).map(|_| Wire::open(process.address)).collect();
    for wire in &mut all {
        assert_eq!(wire.ask(&anything()).status, 404);
    }
    assert!(
        !process.log().contains("few_open_files"),
        "{}",
        process.log()
    );
    // Further than it may it does not go, and says so.
    let process = limited("-n 100");
    let log = process.log_with(|log| log.contains("few_open_files"));
    assert!(log.contains(r#""limit":100,"wanted":264"#), "{log}");
    assert_eq!(Wire::open(process.address).ask(&anything()).status, 404);
}
