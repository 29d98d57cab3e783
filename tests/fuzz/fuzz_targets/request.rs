//! Any request, to all profiles, twice: an answer that is well formed, and an
//! access token that its server takes.
//!
//! The input is read as one writes a request down: a line with method and
//! target, lines of header fields, an empty line, the body. The target `*` is
//! the profile's token endpoint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smallgate_core::oauth::{Throttle, ThrottlePolicy, ThrottleSlot};
use smallgate_core::profile;
use smallgate_core::store::MemoryStore;
use smallgate_fuzz::{Server, Written, answered, server};

thread_local! {
    static SERVERS: Vec<Server> = profile::ALL.into_iter().map(server).collect();
}

fuzz_target!(|input: &[u8]| SERVERS.with(|servers| {
    let Some(written) = Written::read(input) else {
        return;
    };
    for server in servers {
        let slots = [const { ThrottleSlot::new() }; 8];
        let throttle = Throttle::new(&slots, ThrottlePolicy::DEFAULT, [5; 16]);
        let mut store = MemoryStore::<8>::new();
        for draw in [1, 2] {
            let token = ask(server, &throttle, &mut store, &written, draw);
            if let Some(token) = token {
                let me = Written {
                    method: "GET",
                    target: "/me/",
                    headers: vec![("authorization", format!("Bearer {token}").into_bytes())],
                    body: &[],
                };
                assert_eq!(status(server, &throttle, &mut store, &me), 200);
            }
        }
    }
}));

fn status(
    server: &Server,
    throttle: &Throttle<'_>,
    store: &mut MemoryStore<8>,
    written: &Written<'_>,
) -> u16 {
    answered(server, throttle, store, written, 3, |status, _, _| status)
}

/// Judges an answer, and gives the access token in it.
fn ask(
    server: &Server,
    throttle: &Throttle<'_>,
    store: &mut MemoryStore<8>,
    written: &Written<'_>,
    draw: u8,
) -> Option<String> {
    answered(
        server,
        throttle,
        store,
        written,
        draw,
        |status, headers, body| {
            assert!([200, 303].contains(&status) || (400..=503).contains(&status));
            for (name, value) in headers {
                assert!(!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic()));
                assert!(value.bytes().all(|octet| (0x20..=0x7E).contains(&octet)));
            }
            let value = |wanted| {
                headers
                    .iter()
                    .find(|(name, _)| *name == wanted)
                    .map(|(_, value)| *value)
            };
            // RFC 6750 section 3.1 has challenges with 400 and 403 too.
            match value("www-authenticate") {
                Some(_) => assert!([400, 401, 403].contains(&status)),
                None => assert_ne!(status, 401),
            }
            if value("content-type") != Some("application/json") || body.is_empty() {
                return None;
            }
            let json: serde_json::Value = serde_json::from_slice(body).expect("JSON");
            // Who gave no token is told nothing more (RFC 6750 section 3.1).
            let bare = status == 401 && json.as_object().is_some_and(|object| object.is_empty());
            assert_eq!(json["error"].is_string(), status >= 400 && !bare);
            Some(json["access_token"].as_str()?.to_owned())
        },
    )
}
