//! The binary as a stranger meets it: no configuration, its own demonstration,
//! the lines it prints.

use std::process::Command;
use std::time::Duration;

use smallgate_tests::simulator::Process;
use smallgate_tests::suite::session::{basic, basic_octets, post};
use smallgate_tests::wire::{Request, Response, Wire};

/// The lines that a demonstration prints after its address.
fn printed(process: &Process) -> Vec<String> {
    std::iter::from_fn(|| {
        process
            .printed
            .recv_timeout(Duration::from_millis(500))
            .ok()
    })
    .collect()
}

/// Runs each printed `curl` line that is not a comment; what it said.
fn pasted(profile: &str) -> Vec<serde_json::Value> {
    let process = Process::serve(&["--profile", profile]);
    let lines = printed(&process);
    let answers: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("curl "))
        .map(|line| {
            let output = Command::new("sh")
                .args(["-c", line])
                .output()
                .expect("a shell");
            assert!(output.status.success(), "{line}");
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
                panic!(
                    "{line}: {error}: {}",
                    String::from_utf8_lossy(&output.stdout)
                )
            })
        })
        .collect();
    assert!(!answers.is_empty(), "{lines:?}");
    answers
}

#[test]
fn printed_curl_lines_of_three_profiles_work_as_they_stand() {
    for profile in ["standard", "teen-quotes", "breakout"] {
        let answers = pasted(profile);
        let has = |name: &str| answers.iter().any(|answer| answer[name].is_string());
        assert!(has("access_token"), "{profile}: {answers:?}");
        assert!(
            has("sub") || profile == "teen-quotes",
            "{profile}: {answers:?}"
        );
        assert!(
            answers.iter().all(|answer| answer["error"].is_null()),
            "{profile}: {answers:?}"
        );
    }
}

/// The documents' codes are nobody's any more, and the lines say so.
#[test]
fn printed_lines_of_two_profiles_with_a_placeholder_are_invalid_grant() {
    for profile in ["drillster", "dressipi"] {
        for answer in pasted(profile) {
            assert_eq!(answer["error"], "invalid_grant", "{profile}: {answer}");
        }
    }
}

/// What is printed for a browser shows the form to log in with.
#[test]
fn printed_addresses_for_a_browser_show_the_form() {
    for profile in ["standard", "drillster", "dressipi"] {
        let process = Process::serve(&["--profile", profile]);
        let lines = printed(&process);
        let address = lines.iter().find_map(|line| line.strip_prefix("# http://"));
        let address = address.unwrap_or_else(|| panic!("{profile}: {lines:?}"));
        let (host, target) = address.split_at(address.find('/').expect("a path"));
        assert_eq!(host, process.address.to_string());
        let page = Wire::open(process.address).ask(&Request::new("GET", target));
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.text().contains("form_token"), "{}", page.text());
    }
}

fn ask(profile: &str, request: impl FnOnce() -> Request) -> (Response, Process) {
    let process = Process::serve(&["--profile", profile]);
    let response = Wire::open(process.address).ask(&request());
    (response, process)
}

#[test]
fn demonstration_holds_the_documented_clients() {
    let (response, process) = ask("breakout", || {
        let form =
            "username=admin%40break-out.org&password=password&grant_type=password&scope=read+write";
        post(
            "/oauth/token",
            Some(&basic(("breakout_app", "123456789"))),
            form,
        )
    });
    assert_eq!(response.status, 200, "{}", response.text());
    let bearer = format!("Bearer {}", response.member("access_token"));
    let me = Wire::open(process.address)
        .ask(&Request::new("GET", "/me/").header("Authorization", &bearer));
    assert_eq!(
        (me.member("sub"), me.member("username")),
        ("94173".into(), "admin@break-out.org".into())
    );

    let (response, _) = ask("teen-quotes", || {
        let json = r#"{"grant_type":"client_credentials","client_id":"42","client_secret":"IZgwaBTZ2EdtT3hT7UzG2rLQ8S0Vmu9GDxeHwcPz",}"#;
        Request::new("POST", "/oauth").body("application/json", json)
    });
    assert_eq!(response.status, 200, "{}", response.text());

    let (response, _) = ask("standard", || {
        let client = basic(("demo", "demo-secret-demo-secret-demo-secret"));
        post(
            "/oauth/token",
            Some(&client),
            "grant_type=client_credentials",
        )
    });
    assert_eq!(response.status, 200, "{}", response.text());

    // Drillster's literal example: the client is known, the code is not.
    let (response, _) = ask("drillster", || {
        let form = "client_id=874a16d4ac764ce4a545f0cca4584c63&client_secret=5782b2e7532b48b5a0798f2ad6644614&grant_type=authorization_code&code=cIEL8h";
        post("/daas/oauth/token", None, form)
    });
    assert_eq!(response.outcome(), (400, "invalid_grant".to_owned()));

    let (response, _) = ask("dressipi", || {
        let form = "redirect_uri=urn%3Aietf%3Awg%3Aoauth%3A2.0%3Aoob%3Aauto&grant_type=refresh_token&refresh_token=x&client_id=dressipi_app";
        post("/oauth/token", None, form)
    });
    assert_eq!(response.outcome(), (400, "invalid_grant".to_owned()));
}

#[test]
fn demonstration_says_what_it_is() {
    let process = Process::serve(&[]);
    let address = process.address;
    process.log_with(|log| log.contains("demo = true") && log.contains("no key configured"));
    let client = basic(("demo", "demo-secret-demo-secret-demo-secret"));
    let request = post(
        "/oauth/token",
        Some(&client),
        "grant_type=client_credentials",
    );
    let token = Wire::open(address).ask(&request).member("access_token");
    let payload = token.split('.').nth(1).unwrap();
    use base64ct::{Base64UrlUnpadded, Encoding};
    let claims: serde_json::Value =
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(payload).unwrap()).unwrap();
    let url = format!("http://{address}");
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&url.as_str().into(), &url.as_str().into())
    );
}

#[test]
fn real_clock_is_not_moved_by_a_request() {
    let process = Process::serve(&[]);
    let clock = |body: &str| {
        let request = Request::new("POST", "/sim/clock").body("application/json", body);
        Wire::open(process.address).ask(&request).status
    };
    for moved in [r#"{"advance":"1h"}"#, r#"{"set":"2027-01-01T00:00:00Z"}"#] {
        assert_eq!(clock(moved), 409, "{moved}");
    }
    assert_eq!(clock("noon"), 400);
    let shown = || Wire::open(process.address).ask(&Request::new("GET", "/sim/clock"));
    assert_eq!(clock(r#"{"unset":true}"#), 204);
    assert_eq!(shown().text(), r#"{"now":null}"#);
    assert_eq!(clock(r#"{"unset":false}"#), 204);
    assert_ne!(shown().text(), r#"{"now":null}"#);
}

#[test]
fn stepped_clock_says_what_it_does_not_understand() {
    let process = Process::serve(&["--clock", "2026-01-01T00:00:00Z"]);
    let ask = |request: Request| Wire::open(process.address).ask(&request);
    let clock = |body: &str| Request::new("POST", "/sim/clock").body("application/json", body);
    assert_eq!(ask(clock(r#"{"advance":"1h"}"#)).status, 204);
    assert_eq!(ask(clock(r#"{"set":"2027-01-01T00:00:00Z"}"#)).status, 204);
    for body in ["", "{}", "1h", r#"{"advance":"-1h"}"#, r#"{"set":"noon"}"#] {
        assert_eq!(ask(clock(body)).status, 400, "{body}");
    }
    let get = ask(Request::new("GET", "/sim/clock"));
    assert_eq!(get.text(), r#"{"now":"2027-01-01T00:00:00Z"}"#);
    let delete = ask(Request::new("DELETE", "/sim/clock"));
    let allow = "GET, HEAD, POST, PUT";
    assert_eq!((delete.status, delete.header("allow")), (405, Some(allow)));
}

#[test]
fn simulation_is_shown_and_turned_and_says_what_it_does_not_understand() {
    let process = Process::serve(&[]);
    let ask = |request: &Request| Wire::open(process.address).ask(request);
    let put = |path: &str, body: &str| {
        let request = Request::new("PUT", &format!("/sim/{path}"));
        ask(&request.body("application/json", body)).status
    };
    let shown = |path: &str| {
        let shown = ask(&Request::new("GET", &format!("/sim/{path}")));
        assert_eq!(shown.status, 200, "{path}");
        shown.text().to_owned()
    };
    assert_eq!(shown("devices/temperature"), r#"{"value":21.5}"#);
    for value in ["-64.0", "-7.5", "191.875", "null"] {
        let body = format!(r#"{{"value":{value}}}"#);
        assert_eq!(put("devices/temperature", &body), 204, "{value}");
        assert_eq!(shown("devices/temperature"), body);
    }
    assert_eq!(put("devices/button", r#"{"value":true}"#), 204);
    assert_eq!(shown("devices/button"), r#"{"value":true}"#);
    for (thing, states) in [
        ("bus", ["broken", "hangs", "works"].as_slice()),
        ("entropy", &["starved", "repeats", "works"]),
    ] {
        for state in states {
            let body = format!(r#"{{"state":"{state}"}}"#);
            assert_eq!(put(thing, &body), 204);
            assert_eq!(shown(thing), body);
        }
        assert_eq!(put(thing, r#"{"state":"lost"}"#), 400);
    }
    for (name, value) in [
        ("relay", "true"),
        ("button", "1"),
        ("temperature", "true"),
        ("temperature", "192"),
        ("temperature", "-64.5"),
        ("temperature", r#""warm""#),
    ] {
        let body = format!(r#"{{"value":{value}}}"#);
        assert_eq!(
            put(&format!("devices/{name}"), &body),
            400,
            "{name} {value}"
        );
    }
    assert_eq!(put("devices/button", r#"{"value":true,"for":1}"#), 400);
    for nothing in ["devices/nothing", "devices/", "devices", "", "clocks"] {
        assert_eq!(put(nothing, "{}"), 404, "{nothing}");
    }
    let posted = ask(&Request::new("POST", "/sim/bus").form("a=b"));
    assert_eq!(
        (posted.status, posted.header("allow")),
        (405, Some("GET, HEAD, PUT"))
    );
    let page =
        Request::new("PUT", "/sim/devices/button").header("Origin", "https://elsewhere.example");
    assert_eq!(
        ask(&page.body("application/json", r#"{"value":false}"#)).status,
        403
    );
    assert_eq!(shown("devices/button"), r#"{"value":true}"#);
}

/// "Graceful stop on SIGINT/SIGTERM."
#[cfg(unix)]
#[test]
fn stops_gracefully_when_it_is_told_to() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::serve(&[]);
        let client = basic_octets(b"demo:demo-secret-demo-secret-demo-secret");
        let form = "grant_type=client_credentials";
        // A request that is being answered comes to its end.
        let mut wire = Wire::open(process.address);
        let request = post("/oauth/token", Some(&client), form);
        let octets = request.octets();
        let (begun, rest) = octets.split_at(octets.len() - 5);
        wire.send(begun);
        assert!(wire.is_silent_for(Duration::from_millis(200)));
        let id = process.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .expect("kill")
                .success()
        );
        std::thread::sleep(Duration::from_millis(200));
        wire.send(rest);
        assert_eq!(wire.receive().status, 200, "{signal}");
        assert!(wire.ends());
        assert_eq!(process.wait(), Some(0), "{signal}");
    }
}
