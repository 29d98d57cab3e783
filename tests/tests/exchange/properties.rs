//! Whatever comes, an answer goes out, and a well-formed one.

use proptest::prelude::*;
use smallgate_core::http::Source;
use smallgate_core::profile;
use smallgate_tests::rig::{Message, Reply, Rig, SECRET, finish};

use crate::support::{ROTATING, basic};

const STATUSES: [u16; 13] = [
    200, 400, 401, 403, 404, 405, 413, 415, 429, 431, 500, 501, 503,
];

fn assert_well_formed(reply: &Reply) {
    assert!(STATUSES.contains(&reply.status), "{}", reply.status);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let json = reply.json();
    let members = json.as_object().expect("an object");
    match reply.status {
        200 => assert!(!members.contains_key("error")),
        status => {
            let bare = status == 401 && members.is_empty();
            assert!(bare || members["error"].is_string(), "{}", reply.body);
        }
    }
    let names: Vec<_> = reply.headers.iter().map(|(name, _)| name).collect();
    let mut once = names.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), names.len(), "a header came twice: {names:?}");
    assert_eq!(reply.status == 405, reply.header("allow").is_some());
    assert!(reply.status != 401 || reply.header("www-authenticate").is_some());
    for (name, value) in &reply.headers {
        assert!(
            value.bytes().all(|octet| (0x20..0x7F).contains(&octet)),
            "{name}: {value}"
        );
    }
    if let Some(description) = members.get("error_description") {
        let description = description.as_str().expect("text");
        // Teen Quotes' own texts hold quotes.
        let good = |octet| matches!(octet, 0x20..=0x5B | 0x5D..=0x7E);
        assert!(description.bytes().all(good), "{description}");
        assert!(description.len() < 300, "{description}");
    }
}

fn piece() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
        "username",
        "password",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "nonsense",
        "",
    ]);
    let values = prop_oneof![
        prop::sample::select(vec![
            "client_credentials",
            "password",
            "refresh_token",
            "authorization_code",
            "implicit",
            "demo",
            "other",
            "public",
            SECRET,
            "read",
            "read+write",
            "admin%40break-out.org",
            "",
            "%",
            "%zz",
            "%00",
            "%ff",
            "%22%5C",
            "+",
            "a=b",
        ])
        .prop_map(str::to_owned),
        "[A-Za-z0-9_-]{44}",
        "\\PC{0,30}",
    ];
    (names, values).prop_map(|(name, value)| format!("{name}={value}"))
}

fn form() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.join("&").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::collection::vec(any::<u8>(), 1000..1100),
    ]
}

fn json() -> impl Strategy<Value = Vec<u8>> {
    let member = (piece(), 0_u8..6).prop_map(|(piece, kind)| {
        let (name, value) = piece.split_once('=').unwrap();
        let value = match kind {
            0 => "1".to_owned(),
            1 => "null".to_owned(),
            2 => "[[]]".to_owned(),
            _ => serde_json::to_string(&value.replace('+', " ").replace("%40", "@")).unwrap(),
        };
        format!("{}:{value}", serde_json::to_string(name).unwrap())
    });
    (
        prop::collection::vec(member, 0..6),
        prop::sample::select(vec!["}", ",}", "", "]"]),
    )
        .prop_map(|(members, end)| format!("{{{}{end}", members.join(",")).into_bytes())
}

fn authorization() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(basic("demo").into_bytes()),
        Just(basic("public").into_bytes()),
        Just(b"Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA".to_vec()),
        Just(b"Basic".to_vec()),
        "Basic [A-Za-z0-9+/=]{0,300}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..60),
    ]
}

#[derive(Debug, Clone)]
struct Asked {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    clock: Option<u64>,
}

prop_compose! {
    fn asked()(
        method in prop_oneof![
            8 => Just("POST".to_owned()),
            1 => prop::sample::select(vec!["GET", "HEAD", "OPTIONS", "post", ""]).prop_map(str::to_owned),
            1 => "[A-Z]{1,10}",
        ],
        path in prop::sample::select(vec![None, None, None, Some("/me/"), Some("/me"), Some("/"), Some("")]),
        query in prop_oneof![4 => Just(String::new()), 1 => "\\?[a-z_=%&0-9]{0,30}"],
        authorization in prop::collection::vec(authorization(), 0..3),
        content_type in prop_oneof![
            6 => Just(b"application/x-www-form-urlencoded".to_vec()),
            1 => Just(b"application/x-www-form-urlencoded; charset=UTF-8".to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..40),
        ],
        body in form(),
        as_json in prop::option::weighted(0.3, json()),
        clock in prop::option::weighted(0.9, prop_oneof![Just(1_800_000_000), any::<u64>()]),
    ) -> Asked {
        let mut headers: Vec<_> = authorization
            .into_iter()
            .map(|value| ("Authorization".to_owned(), value))
            .collect();
        let (content_type, body) = match as_json {
            Some(body) => (b"application/json".to_vec(), body),
            None => (content_type, body),
        };
        headers.push(("Content-Type".to_owned(), content_type));
        Asked { method, target: format!("{}{query}", path.unwrap_or("@")), headers, body, clock }
    }
}

fn answer(rig: &mut Rig, asked: &Asked) -> Reply {
    let path = rig.server.configuration().profile.token_path;
    let target = asked.target.replace('@', path);
    let headers: Vec<_> = asked
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    let message = Message {
        method: &asked.method,
        target: &target,
        headers: &headers,
        body: &asked.body,
        source: Source::v4([10, 0, 0, 1]),
    };
    rig.clock.now = asked.clock.map(smallgate_core::time::UnixTime);
    rig.exchange(message, finish)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn r07_every_request_gets_a_well_formed_answer(asked in asked()) {
        for profile in profile::ALL.into_iter().chain([&ROTATING]) {
            let mut rig = RIGS.with_borrow_mut(|rigs| rigs.remove(profile.name))
                .unwrap_or_else(|| Rig::new(*profile));
            assert_well_formed(&answer(&mut rig, &asked));
            RIGS.with_borrow_mut(|rigs| rigs.insert(profile.name, rig));
        }
    }
}

thread_local! {
    /// Kept between cases: a user's password is hashed when a rig is made.
    static RIGS: std::cell::RefCell<std::collections::HashMap<&'static str, Rig>> = Default::default();
}
