//! What becomes of devices and tokens when something fails: a device, its bus, the
//! clock, the source of entropy.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;

use super::devices::{document, get, put, read, start, switch, token, until};
use super::session::{basic, post};
use super::setups::{DEMO, OTHER, standard};
use crate::host::{Bus, Host, Noise};
use crate::wire::{Request, Wire};

pub fn a_device_that_does_not_answer_is_502_and_others_are_not<H: Host>() {
    let mut session = start::<H>(standard());
    let all = token(&session, "read+write");
    let absent = until(&session, "attic", &all, |response| {
        response.text().contains("does not answer")
    });
    assert_eq!(absent.outcome(), (502, "device_failed".to_owned()));
    assert_eq!(read(&session, "cellar", &all).status, 200);
    assert_eq!(switch(&session, "relay", &all, true).status, 200);
    let list = document(&get(&session, "/devices", &all));
    let attic = &list["devices"][1];
    assert_eq!(
        (&attic["error"], attic.get("value")),
        (&json!("device_failed"), None)
    );
    assert!(list["devices"][0]["value"].is_number(), "{list}");
    assert_eq!(list["devices"][2]["value"], json!(true));
    session.log_with(|log| log.contains("attic"));
    if !session.host.turn_bus(Bus::Broken) {
        return session.out_of_reach("devices: a bus that fails or hangs");
    }
    let broken = until(&session, "cellar", &all, |response| response.status == 502);
    assert!(broken.text().contains("bus fails"), "{}", broken.text());
    assert_eq!(read(&session, "relay", &all).status, 200);
    session.host.turn_bus(Bus::Works);
    until(&session, "cellar", &all, |response| response.status == 200);
}

pub fn a_bus_that_hangs_delays_nobody<H: Host>() {
    let mut session = start::<H>(standard());
    let all = token(&session, "read+write");
    let form = "grant_type=client_credentials&scope=read+write";
    let others = session.token(OTHER, form).member("access_token");
    if !session.host.turn_bus(Bus::Hangs) {
        return session.out_of_reach("devices: a bus that fails or hangs");
    }
    assert_nobody_waits(session.host.address(), [(DEMO, &all), (OTHER, &others)]);
    let failed = read(&session, "cellar", &all);
    // A board that moves the wires itself knows more than that nothing came.
    let known = ["not heard of", "bus fails"].map(|words| failed.text().contains(words));
    assert!(known.contains(&true), "{}", failed.text());
    session.host.turn_bus(Bus::Works);
    until(&session, "cellar", &all, |response| response.status == 200);
}

/// Two clients with their tokens, and two connections of each: while the bus
/// hangs, everybody is answered within a second, and of the devices only the
/// sensor fails.
///
/// # Panics
///
/// It is otherwise.
pub fn assert_nobody_waits(address: SocketAddr, clients: [((&str, &str), &str); 2]) {
    /// Longer than a reading is good for.
    const HANGING: Duration = Duration::from_secs(8);
    let deadline = Instant::now() + HANGING;
    std::thread::scope(|scope| {
        for (client, token) in clients {
            for name in ["cellar", "button"] {
                let bearer = format!("Bearer {token}");
                let device = Request::new("GET", &format!("/devices/{name}"));
                let requests = [
                    ("sensor or button", device.header("Authorization", &bearer)),
                    ("relay", put("relay", token, r#"{"value":true}"#)),
                    (
                        "token",
                        post(
                            "/oauth/token",
                            Some(&basic(client)),
                            "grant_type=client_credentials",
                        ),
                    ),
                ];
                scope.spawn(move || {
                    let mut wire = Wire::open(address);
                    let mut last = [0; 3];
                    while Instant::now() < deadline {
                        for ((what, request), last) in requests.iter().zip(&mut last) {
                            let begun = Instant::now();
                            *last = wire.ask(request).status;
                            let took = begun.elapsed();
                            assert!(took < Duration::from_secs(1), "{what} took {took:?}");
                        }
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    let expected = if name == "cellar" { 502 } else { 200 };
                    assert_eq!(last, [expected, 200, 200], "{name}, relay, token");
                });
            }
        }
    });
}

pub fn an_unset_clock_opens_no_device<H: Host>() {
    let session = start::<H>(standard());
    let all = token(&session, "read+write");
    assert_eq!(read(&session, "relay", &all).status, 200);
    drop(session);
    let session = start::<H>(standard().clock_unset());
    for response in [
        read(&session, "cellar", &all),
        get(&session, "/devices", &all),
        switch(&session, "relay", &all, true),
    ] {
        assert_eq!(
            response.outcome(),
            (503, "temporarily_unavailable".to_owned())
        );
        assert!(response.header("retry-after").is_some());
    }
    assert!(!session.host.is_high("relay", 0));
    let stranger = session.ask(&Request::new("GET", "/devices"));
    assert_eq!(stranger.status, 401, "who has no token needs one first");
    let page = session.ask(&Request::new("GET", "/"));
    assert!(page.text().contains("not set"), "{}", page.text());
}

pub fn without_entropy_nothing_is_issued_and_devices_are_read<H: Host>() {
    /// A board looks after its source once a minute.
    const A_MINUTE: Duration = Duration::from_secs(75);
    let form = "grant_type=client_credentials";
    let mut session = start::<H>(standard());
    let all = token(&session, "read+write");
    for noise in [Noise::Starved, Noise::Repeats] {
        session.host.turn_noise(noise);
        // A board notices when it needs more of it: after 256 requests.
        let mut asked = (0..300).map(|_| session.token(DEMO, form));
        let refused = asked.find(|response| response.status != 200);
        let refused = refused.expect("it is noticed");
        assert_eq!(
            refused.outcome(),
            (503, "temporarily_unavailable".to_owned())
        );
        assert!(refused.header("retry-after").is_some());
        assert_eq!(switch(&session, "relay", &all, true).status, 200);
        let page = session.ask(&Request::new("GET", "/"));
        assert!(page.text().contains("failing: nothing"), "{}", page.text());
    }
    session.log_within(A_MINUTE, |log| {
        let mut lines = log.lines().map(str::to_lowercase);
        lines.any(|line| line.contains("entropy_failed") && line.contains("repeats"))
    });
    session.host.turn_noise(Noise::Works);
    session.log_within(A_MINUTE, |log| log.contains("entropy_healthy"));
    assert_eq!(session.token(DEMO, form).status, 200);
    let page = session.ask(&Request::new("GET", "/"));
    assert!(page.text().contains("healthy"), "{}", page.text());
}
