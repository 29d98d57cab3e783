//! `/metrics`, scraped from the real process.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use prometheus_parse::{LineInfo, SampleType, Scrape};
use smallgate_tests::command::{Folder, refused};
use smallgate_tests::suite::session::{basic, post};
use smallgate_tests::wire::{Request, Wire};

use super::gateway::{Gateway, SECRET, client, token_request};

const LISTEN: &str = "[metrics]\nlisten = '127.0.0.1:0'\n";

/// Where counters are shown.
fn address(gateway: &Gateway) -> SocketAddr {
    let says = |line: &&str| line.contains(r#""event":"metrics""#);
    let log = gateway
        .process
        .log_with(|log| log.lines().any(|line| says(&line)));
    let line = log.lines().find(says).expect("it is there");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let address = line["address"].as_str().expect("text");
    address.parse().expect("an address")
}

/// All series with their values, after an independent parser took every line.
fn scrape(gateway: &Gateway) -> BTreeMap<String, f64> {
    let answer = Wire::open(address(gateway)).ask(&Request::new("GET", "/metrics"));
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let mut series = BTreeMap::new();
    let mut typed = Vec::new();
    for line in answer.text().lines() {
        match LineInfo::parse(line) {
            LineInfo::Doc { .. } => {}
            LineInfo::Type {
                metric_name,
                sample_type,
                ..
            } => {
                assert_ne!(sample_type, SampleType::Untyped, "{line}");
                typed.push(metric_name);
            }
            LineInfo::Sample { metric_name, .. } => {
                let (name, value) = line.rsplit_once(' ').expect("a value");
                let last = typed.last().expect("a type comes first");
                assert!(
                    metric_name.starts_with(last.trim_end_matches("_bucket")),
                    "{line}"
                );
                let earlier = series.insert(name.to_owned(), value.parse().expect("a number"));
                assert_eq!(earlier, None, "{name} came twice");
            }
            LineInfo::Empty | LineInfo::Ignored => panic!("{line}"),
        }
    }
    let parsed = Scrape::parse(answer.body.lines()).expect("it is text");
    assert!(
        parsed.samples.len() > 8 && parsed.docs.len() > 8,
        "{}",
        answer.text()
    );
    series
}

/// What has changed, but for the time that something took.
fn difference(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> Vec<String> {
    let mut changed: Vec<_> = after
        .iter()
        .filter(|(name, _)| !name.contains("duration") || name.ends_with("_count"))
        .map(|(name, value)| (name, value - before.get(name).copied().unwrap_or(0.0)))
        .filter(|(_, change)| *change != 0.0)
        .map(|(name, change)| format!("{name} {change}"))
        .collect();
    changed.sort();
    changed
}

#[test]
fn a_script_is_counted_exactly() {
    let gateway = Gateway::start("script", &(LISTEN.to_owned() + &client("app")));
    let before = scrape(&gateway);
    assert_eq!(before["smallgate_clock_set"], 1.0);
    assert_eq!(before["smallgate_store_up"], 1.0);
    assert_eq!(before["smallgate_entropy_healthy"], 1.0);
    assert_eq!(before["smallgate_connections"], 0.0);
    let version = env!("CARGO_PKG_VERSION");
    let info = format!(r#"smallgate_build_info{{version="{version}",profile="standard"}}"#);
    assert_eq!(before[&info], 1.0, "{before:?}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.expect("a clock").as_secs_f64() - before["process_start_time_seconds"];
    assert!((0.0..60.0).contains(&age), "{age}");

    let mut wire = Wire::open(gateway.process.address);
    for _ in 0..3 {
        assert_eq!(wire.ask(&token_request("app")).status, 200);
    }
    let wrong = post(
        "/oauth/token",
        Some(&basic(("app", "wrong"))),
        "grant_type=client_credentials",
    );
    for _ in 0..11 {
        wire.ask(&wrong);
    }
    wire.ask(&token_request("nobody"));
    for target in ["/jwks.json", "/nowhere", "/me/", "/devices", "/"] {
        wire.ask(&Request::new("GET", target));
    }
    gateway.configure("faulty");
    gateway.refused();
    assert_eq!(
        difference(&before, &scrape(&gateway)),
        [
            "smallgate_connections 1",
            r#"smallgate_http_requests_total{route="devices",status="401"} 1"#,
            r#"smallgate_http_requests_total{route="jwks",status="200"} 1"#,
            r#"smallgate_http_requests_total{route="me",status="401"} 1"#,
            r#"smallgate_http_requests_total{route="other",status="404"} 1"#,
            r#"smallgate_http_requests_total{route="status",status="200"} 1"#,
            r#"smallgate_http_requests_total{route="token",status="200"} 3"#,
            r#"smallgate_http_requests_total{route="token",status="401"} 11"#,
            r#"smallgate_http_requests_total{route="token",status="429"} 1"#,
            r#"smallgate_lockouts_total{account="client"} 1"#,
            r#"smallgate_refusals_total{cause="throttled"} 1"#,
            r#"smallgate_refusals_total{cause="unknown_client"} 1"#,
            r#"smallgate_refusals_total{cause="wrong_secret"} 10"#,
            r#"smallgate_reloads_total{outcome="refused"} 1"#,
            r#"smallgate_resource_refusals_total{cause="no_token"} 2"#,
            r#"smallgate_tokens_issued_total{grant_type="client_credentials"} 3"#,
        ]
    );
}

#[test]
fn grants_commits_and_replays_are_counted() {
    let config = format!(
        "profile = 'teen-quotes'\n[lifetimes]\ngrace = 0\n{LISTEN}[[client]]\nid = 'quotes'\n\
         secret = '{SECRET}'\ngrants = ['client_credentials', 'refresh_token']\n"
    );
    let gateway = Gateway::start("grants", &config);
    let ask = |form: &str| {
        let form = format!("{form}&client_id=quotes&client_secret={SECRET}");
        gateway.ask(&post("/oauth", None, &form))
    };
    let before = scrape(&gateway);
    let first = ask("grant_type=client_credentials");
    assert_eq!(first.status, 200, "{}", first.text());
    let refresh = format!(
        "grant_type=refresh_token&refresh_token={}",
        first.member("refresh_token")
    );
    assert_eq!(ask(&refresh).status, 200);
    // It comes again, and the grant is revoked.
    assert_eq!(ask(&refresh).status, 400);
    let after = scrape(&gateway);
    let changed = difference(&before, &after);
    let changed: Vec<_> = changed
        .iter()
        .filter(|line| !line.contains("http_requests") && !line.contains("connections"))
        .collect();
    assert_eq!(
        changed,
        [
            "smallgate_commit_duration_seconds_count 3",
            r#"smallgate_commits_total{outcome="done"} 3"#,
            r#"smallgate_grants_revoked_total{reason="refresh_reused"} 1"#,
            r#"smallgate_refusals_total{cause="refresh_reused"} 1"#,
            r#"smallgate_tokens_issued_total{grant_type="client_credentials"} 1"#,
            r#"smallgate_tokens_issued_total{grant_type="refresh_token"} 1"#,
        ]
    );
    let all = r#"smallgate_commit_duration_seconds_bucket{le="+Inf"}"#;
    assert_eq!(after[all], 3.0, "{after:?}");
}

#[test]
fn hostile_requests_make_no_new_series() {
    let gateway = Gateway::start("hostile", &(LISTEN.to_owned() + &client("app")));
    let mut wire = Wire::open(gateway.process.address);
    let mut abuse = |round: u32| {
        let name = format!("nobody-{round}%22%0a");
        wire.ask(&token_request(&name));
        wire.ask(&Request::new("GET", &format!("/nowhere/{name}?x={round}")));
        wire.ask(&Request::new(&format!("METHOD{round}"), "/oauth/token"));
        let token = format!("Bearer {round}");
        wire.ask(&Request::new("GET", "/me/").header("Authorization", &token));
    };
    (0..20).for_each(&mut abuse);
    let names = |series: BTreeMap<String, f64>| series.into_keys().collect::<Vec<_>>();
    let before = names(scrape(&gateway));
    (20..10_000).for_each(&mut abuse);
    let after = names(scrape(&gateway));
    assert_eq!(before, after);
    assert!(
        !after.iter().any(|name| name.contains("nobody")),
        "{after:?}"
    );
}

#[test]
fn nothing_else_is_there_and_few_connections_are() {
    let gateway = Gateway::start("narrow", LISTEN);
    let address = address(&gateway);
    let mut wire = Wire::open(address);
    for (method, target, status) in [
        ("GET", "/metrics?x=1", 200),
        ("POST", "/metrics", 405),
        ("DELETE", "/metrics", 405),
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("POST", "/oauth/token", 404),
    ] {
        let answer = wire.ask(&Request::new(method, target));
        assert_eq!(answer.status, status, "{method} {target}");
        let allow = (status == 405).then_some("GET, HEAD");
        assert_eq!(answer.header("allow"), allow);
    }
    let mut head = Wire::open(address);
    let asked = Request::new("HEAD", "/metrics").header("Connection", "close");
    head.send(&asked.octets());
    let answer = String::from_utf8(head.rest()).expect("text");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    // The gateway does not show it.
    assert_eq!(gateway.ask(&Request::new("GET", "/metrics")).status, 404);
    // Beyond 16 they are closed at once, and silent ones end.
    let held: Vec<_> = (0..15).map(|_| Wire::open(address)).collect();
    let deadline = Instant::now() + Duration::from_secs(10);
    while Wire::open(address).is_silent_for(Duration::from_millis(200)) {
        assert!(Instant::now() < deadline);
    }
    for mut silent in held {
        assert!(silent.ends());
    }
    assert_eq!(wire.ask(&Request::new("GET", "/metrics")).status, 200);
}

#[test]
fn it_is_not_where_the_gateway_is_and_not_for_boards() {
    let folder = Folder::new("same");
    let config = folder.file("gateway.toml");
    for (text, line) in [
        (
            "[metrics]\nlisten = '127.0.0.1:8080'",
            "gateway.toml:2:10: the gateway itself",
        ),
        (
            "[server]\nlisten = '127.0.0.1:9464'\n[metrics]\nlisten = '127.0.0.1:9464'",
            "gateway.toml:4:10: the gateway itself",
        ),
        (
            "[metrics]\nlisten = 'here'",
            "gateway.toml:2:10: `here` is no address",
        ),
    ] {
        std::fs::write(&config, text).expect("room");
        let error = refused(&["config", "check", &config]);
        assert!(
            error.contains(line) && error.contains("remedy: "),
            "{error}"
        );
    }
    std::fs::write(&config, "[metrics]\nlisten = '127.0.0.1:9464'").expect("room");
    let error = refused(&["provision", &config, "-o", &folder.file("image.bin")]);
    assert!(
        error.contains("gateway.toml:1:1: a board counts nothing"),
        "{error}"
    );
    // What the command line says goes before the file, here too.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = free.local_addr().expect("an address").to_string();
    std::fs::write(&config, format!("[metrics]\nlisten = '{taken}'")).expect("room");
    let error = refused(&["serve", "--listen", "127.0.0.1:0", "--config", &config]);
    assert!(
        error.contains("[metrics]") && error.contains(&taken),
        "{error}"
    );
}
