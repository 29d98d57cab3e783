//! Revocation, introspection, metadata and JWKS (R48–R50).

use base64ct::{Base64, Encoding};
use smallgate_core::jose::{Es256SigningKey, Hs256Key, Verifier};
use smallgate_core::oauth::{Configuration, Reason, State};
use smallgate_core::profile::{self, BREAKOUT, Profile, STANDARD};
use smallgate_tests::flow::{
    ASK_S256, DEMO, OTHER, PASSWORD, PUBLIC, Pairs, Settings, USERNAME, VERIFIER, Who, encode, keep,
};
use smallgate_tests::rig::{self, Reply, Rig, SECRET};

const REVOKE: &str = "/oauth/revoke";
const INTROSPECT: &str = "/oauth/introspect";
const METADATA: &str = "/.well-known/oauth-authorization-server";
const JWKS: &str = "/jwks.json";

fn rig() -> Rig {
    Settings::new(STANDARD).rig()
}

fn show(rig: &mut Rig, path: &str, who: Who, token: &str) -> Reply {
    rig.post(path, &[&[("token", token)][..], &who.pairs()].concat())
}

fn active(rig: &mut Rig, token: &str) -> bool {
    let reply = show(rig, INTROSPECT, DEMO, token);
    assert_eq!(reply.status, 200, "{reply:?}");
    let active = reply.json()["active"].as_bool().expect("a boolean");
    if !active {
        // R50: "and nothing more".
        assert_eq!(reply.body, "{\"active\":false}");
    }
    active
}

/// R49: 200 and nothing in it, whatever was done.
#[track_caller]
fn assert_done(reply: &Reply) {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body, "");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

// Revocation.

#[test]
fn r49_any_token_of_a_grant_takes_the_whole_grant() {
    // 0: the newest refresh token; 1: its predecessor; 2: the first; 3, 4: access tokens.
    for which in 0..5 {
        let mut rig = rig();
        let code = rig.code(DEMO, ASK_S256);
        let first = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
        let second = rig.refresh(DEMO, &first.member("refresh_token"), &[]);
        let third = rig.refresh(DEMO, &second.member("refresh_token"), &[]);
        let tokens = [
            third.member("refresh_token"),
            second.member("refresh_token"),
            first.member("refresh_token"),
            first.member("access_token"),
            third.member("access_token"),
        ];
        let reply = show(&mut rig, REVOKE, DEMO, &tokens[which]);
        assert_done(&reply);
        let revoked = reply
            .events
            .iter()
            .filter(|event| event.starts_with("Revoked"));
        assert_eq!(revoked.count(), 1);
        assert_eq!(rig.grant().state, State::Revoked(Reason::Requested));
        for reply in [&first, &second, &third] {
            assert_eq!(rig.me(&reply.member("access_token")).status, 401);
            assert!(!active(&mut rig, &reply.member("access_token")));
            assert!(!active(&mut rig, &reply.member("refresh_token")));
            let again = rig.refresh(DEMO, &reply.member("refresh_token"), &[]);
            assert_eq!(again.member("error"), "invalid_grant");
        }
        let replay = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
        assert_eq!(replay.member("error"), "invalid_grant");
        // Twice is once: no second event, and the reason stays.
        let before = rig.grant();
        let reply = show(&mut rig, REVOKE, DEMO, &tokens[which]);
        assert_done(&reply);
        assert!(reply.events.is_empty(), "{:?}", reply.events);
        assert_eq!(rig.grant(), before);
    }
}

#[test]
fn r49_an_unknown_token_is_200() {
    let mut rig = rig();
    rig.first_tokens(DEMO);
    let before = rig.grant();
    let long = "a".repeat(900);
    for token in [
        "x",
        "a.b.c",
        &"A".repeat(44),
        &long,
        "\u{e9}",
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        assert_done(&show(&mut rig, REVOKE, DEMO, token));
    }
    assert_eq!(rig.grant(), before);
}

#[test]
fn r49_only_the_client_that_owns_it() {
    for (owner, stranger) in [(DEMO, OTHER), (DEMO, PUBLIC), (PUBLIC, DEMO)] {
        let mut rig = rig();
        let reply = rig.first_tokens(owner);
        for member in ["refresh_token", "access_token"] {
            let reply = show(&mut rig, REVOKE, stranger, &reply.member(member));
            assert_done(&reply);
            assert!(reply.events.is_empty());
        }
        assert_eq!(rig.grant().state, State::Active { generation: 1 });
        assert_eq!(rig.me(&reply.member("access_token")).status, 200);
        assert_eq!(
            rig.refresh(owner, &reply.member("refresh_token"), &[])
                .status,
            200
        );
    }
}

#[test]
fn r49_a_public_client_revokes_by_its_name() {
    for member in ["refresh_token", "access_token"] {
        let mut rig = rig();
        let reply = rig.first_tokens(PUBLIC);
        assert_done(&show(&mut rig, REVOKE, PUBLIC, &reply.member(member)));
        assert_eq!(rig.grant().state, State::Revoked(Reason::Requested));
    }
}

#[test]
fn r49_a_token_without_a_grant_can_not_be_revoked_and_says_so() {
    let mut rig = rig();
    let reply = rig.token_request(DEMO, &[("grant_type", "client_credentials")]);
    assert!(rig.store.is_empty());
    let token = reply.member("access_token");
    let reply = show(&mut rig, REVOKE, DEMO, &token);
    assert_eq!(reply.status, 400);
    assert_eq!(reply.member("error"), "unsupported_token_type");
    assert_eq!(rig.me(&token).status, 200, "still good");
    assert!(active(&mut rig, &token));
    // To another client it is nothing.
    assert_done(&show(&mut rig, REVOKE, OTHER, &token));
}

#[test]
fn r49_the_client_authenticates_as_at_the_token_endpoint() {
    let mut rig = rig();
    let token = rig.first_tokens(DEMO).member("refresh_token");
    let basic = |secret: &str| {
        format!(
            "Basic {}",
            Base64::encode_string(format!("demo:{secret}").as_bytes())
        )
    };
    let form = ("content-type", "application/x-www-form-urlencoded");
    let (good, bad) = (basic(SECRET), basic("wrong"));
    for path in [REVOKE, INTROSPECT] {
        let body = encode(&[("token", &token)]);
        let reply = rig.send("POST", path, &[form, ("authorization", &bad)], &body);
        assert_eq!(reply.status, 401);
        assert_eq!(reply.member("error"), "invalid_client");
        assert!(reply.header("www-authenticate").is_some());
        let reply = rig.send("POST", path, &[form], &body);
        assert_eq!(reply.member("error"), "invalid_client");
        let wrong = [
            ("token", token.as_str()),
            ("client_id", "demo"),
            ("client_secret", "x"),
        ];
        assert_eq!(rig.post(path, &wrong).member("error"), "invalid_client");
        let nameless = [("token", token.as_str()), ("client_id", "demo")];
        assert_eq!(rig.post(path, &nameless).member("error"), "invalid_client");
        let twice = [&[("token", token.as_str())][..], &DEMO.pairs()].concat();
        let reply = rig.send(
            "POST",
            path,
            &[form, ("authorization", &good)],
            &encode(&twice),
        );
        assert_eq!(reply.member("error"), "invalid_request");
        // No token, two of them, in the query, not a form, not POST.
        assert_eq!(
            rig.post(path, &DEMO.pairs()).member("error"),
            "invalid_request"
        );
        let two = [&[("token", "a"), ("token", "b")][..], &DEMO.pairs()].concat();
        assert_eq!(rig.post(path, &two).member("error"), "invalid_request");
        let target = format!("{path}?token={token}");
        assert_eq!(
            rig.post(&target, &DEMO.pairs()).member("error"),
            "invalid_request"
        );
        assert_eq!(rig.send("POST", path, &[], "").status, 415);
        let reply = rig.send("GET", path, &[], "");
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    }
    assert_eq!(rig.grant().state, State::Active { generation: 1 });
    // Both good ways, and a hint, which is a hint.
    for hint in ["refresh_token", "access_token", "nonsense"] {
        let body = encode(&[("token", &token), ("token_type_hint", hint)]);
        let reply = rig.send("POST", INTROSPECT, &[form, ("authorization", &good)], &body);
        assert_eq!(reply.json()["active"].as_bool(), Some(true), "{hint}");
    }
    let body = encode(&[("token", &token), ("token_type_hint", "access_token")]);
    assert_done(&rig.send("POST", REVOKE, &[form, ("authorization", &good)], &body));
    assert_eq!(rig.grant().state, State::Revoked(Reason::Requested));
}

#[test]
fn r49_a_revocation_that_can_not_be_committed_is_503() {
    use smallgate_core::store::Committed;
    use smallgate_tests::flow::{Call, Operation, meddled};
    for (committed, writes) in [(Committed::Conflict, 4), (Committed::Unavailable, 1)] {
        let mut rig = rig();
        let token = rig.first_tokens(DEMO).member("refresh_token");
        let pairs = [&[("token", token.as_str())][..], &DEMO.pairs()].concat();
        let call = Call::new(REVOKE, &pairs, 1 << 40);
        let (reply, asked) = meddled(&mut rig, call, |_, operation, _| {
            (operation == Operation::Write).then_some(committed)
        });
        assert_eq!(reply.status, 503, "{reply:?}");
        assert_eq!(asked.len(), 2 * writes);
        assert!(
            !reply
                .events
                .iter()
                .any(|event| event.starts_with("Revoked"))
        );
        assert_eq!(rig.grant().state, State::Active { generation: 1 });
    }
}

// Introspection.

#[test]
fn r50_a_public_client_may_not_ask() {
    let mut rig = rig();
    let reply = rig.first_tokens(PUBLIC);
    for member in ["refresh_token", "access_token"] {
        let reply = show(&mut rig, INTROSPECT, PUBLIC, &reply.member(member));
        assert_eq!(reply.status, 401);
        assert_eq!(reply.member("error"), "invalid_client");
        assert_eq!(reply.json()["active"], serde_json::Value::Null);
    }
}

#[test]
fn r50_an_active_access_token_is_described() {
    let mut rig = rig();
    let ask = [ASK_S256, &[("scope", "read write")]].concat();
    let code = rig.code(DEMO, &ask);
    let tokens = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    let token = tokens.member("access_token");
    let now = rig.clock.now.expect("set").0;
    // A resource asks, which is another client.
    for asking in [DEMO, OTHER] {
        let reply = show(&mut rig, INTROSPECT, asking, &token);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let json = reply.json();
        for (name, expected) in [
            ("scope", "read write"),
            ("client_id", "demo"),
            ("username", USERNAME),
            ("token_type", "Bearer"),
            ("sub", "94173"),
            ("iss", "https://as.example"),
            ("aud", "https://rs.example"),
        ] {
            assert_eq!(json[name].as_str(), Some(expected), "{name}");
        }
        assert_eq!(json["active"].as_bool(), Some(true));
        assert_eq!(json["iat"].as_u64(), Some(now));
        assert_eq!(json["exp"].as_u64(), Some(now + 3600));
        assert!(json["jti"].as_str().is_some_and(|jti| jti.len() == 22));
    }
    rig.pass(3600);
    assert!(!active(&mut rig, &token), "expired");
}

#[test]
fn r50_a_clients_own_token_has_no_username() {
    let mut rig = rig();
    let reply = rig.token_request(DEMO, &[("grant_type", "client_credentials")]);
    let reply = show(&mut rig, INTROSPECT, DEMO, &reply.member("access_token"));
    assert_eq!(reply.json()["active"].as_bool(), Some(true));
    assert_eq!(reply.json()["sub"].as_str(), Some("demo"));
    assert_eq!(reply.json()["username"], serde_json::Value::Null);
}

#[test]
fn r50_a_refresh_token_is_described_to_its_own_client_alone() {
    let mut rig = rig();
    let tokens = rig.first_tokens(DEMO);
    let first = tokens.member("refresh_token");
    let reply = show(&mut rig, INTROSPECT, DEMO, &first);
    let json = reply.json();
    let now = rig.clock.now.expect("set").0;
    assert_eq!(json["active"].as_bool(), Some(true));
    assert_eq!(json["sub"].as_str(), Some("94173"));
    assert_eq!(json["client_id"].as_str(), Some("demo"));
    assert_eq!(json["iss"].as_str(), Some("https://as.example"));
    assert_eq!(json["scope"].as_str(), Some("read"));
    assert_eq!(json["iat"].as_u64(), Some(now));
    assert_eq!(json["exp"].as_u64(), Some(now + 90 * 86_400));
    assert_eq!(json["token_type"], serde_json::Value::Null);
    let reply = show(&mut rig, INTROSPECT, OTHER, &first);
    assert_eq!(reply.body, "{\"active\":false}");
    // Idle.
    rig.pass(30 * 86_400);
    assert!(!active(&mut rig, &first));
}

#[test]
fn r25_r50_introspection_does_not_tell_a_thief_that_the_owner_came() {
    let mut rig = rig();
    let first = rig.first_tokens(DEMO).member("refresh_token");
    rig.pass(1000);
    let before = show(&mut rig, INTROSPECT, DEMO, &first).body;
    let second = rig.refresh(DEMO, &first, &[]).member("refresh_token");
    let third = rig.refresh(DEMO, &second, &[]).member("refresh_token");
    // Two generations old is old; the predecessor looks like the newest, and
    // as the first did when it was that.
    assert!(!active(&mut rig, &first));
    rig.pass(9);
    for token in [&second, &third] {
        assert_eq!(show(&mut rig, INTROSPECT, DEMO, token).body, before);
    }
    rig.pass(1);
    assert!(!active(&mut rig, &second), "the grace is over");
    assert_eq!(show(&mut rig, INTROSPECT, DEMO, &third).body, before);
    assert_eq!(
        rig.grant().state,
        State::Active { generation: 3 },
        "asking revokes nothing"
    );
}

#[test]
fn r50_whatever_is_not_good_is_inactive_and_nothing_more() {
    let mut rig = rig();
    let tokens = rig.first_tokens(DEMO);
    let access = tokens.member("access_token");
    let mut tampered = access.clone();
    tampered.replace_range(access.len() - 2.., "AA");
    for token in ["x", "a.b.c", &tampered, &"A".repeat(44)] {
        assert!(!active(&mut rig, token));
    }
    // User gone, client gone.
    let no_user = Settings::new(STANDARD).with(|settings| settings.users.clear());
    rig.reconfigure(&no_user);
    assert!(!active(&mut rig, &access));
    assert!(!active(&mut rig, &tokens.member("refresh_token")));
    let no_client = Settings::new(STANDARD)
        .with(|settings| settings.clients.retain(|client| client.id != "demo"));
    rig.reconfigure(&no_client);
    assert_eq!(
        show(&mut rig, INTROSPECT, OTHER, &access).body,
        "{\"active\":false}"
    );
}

#[test]
fn r19_r49_r50_after_a_replay_everything_is_inactive() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    let tokens = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    assert!(active(&mut rig, &tokens.member("access_token")));
    rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    for member in ["access_token", "refresh_token"] {
        assert!(!active(&mut rig, &tokens.member(member)));
    }
    assert_eq!(rig.me(&tokens.member("access_token")).status, 401);
    // Revoking what is revoked is fine, and changes nothing.
    assert_done(&show(
        &mut rig,
        REVOKE,
        DEMO,
        &tokens.member("refresh_token"),
    ));
    assert_eq!(rig.grant().state, State::Revoked(Reason::CodeReplayed));
}

#[test]
fn r49_a_forgotten_grants_access_tokens_are_refused() {
    let mut rig = rig();
    let tokens = rig.first_tokens(DEMO);
    rig.store = smallgate_core::store::MemoryStore::new();
    assert_eq!(rig.me(&tokens.member("access_token")).status, 401);
    assert!(!active(&mut rig, &tokens.member("access_token")));
}

// Metadata.

/// `profile` with each of the four endpoints on or off.
fn switched(profile: Profile) -> impl Iterator<Item = Profile> {
    (0..16_u8).map(move |bits| Profile {
        revocation: bits & 1 != 0,
        introspection: bits & 2 != 0,
        metadata: bits & 4 != 0,
        jwks: bits & 8 != 0,
        ..profile
    })
}

fn path_of<'u>(json: &'u serde_json::Value, name: &str) -> Option<&'u str> {
    let url = json.get(name)?.as_str().expect("a URL");
    let path = url.strip_prefix("https://as.example");
    Some(path.expect("of the issuer"))
}

fn names(json: &serde_json::Value, name: &str) -> Vec<String> {
    let list = json.get(name).and_then(serde_json::Value::as_array);
    let text = |value: &serde_json::Value| value.as_str().expect("a name").to_owned();
    list.map(|list| list.iter().map(text).collect())
        .unwrap_or_default()
}

/// Whether there is anything at `path`: nothing is 404.
fn is_there(rig: &mut Rig, method: &str, path: &str) -> bool {
    rig.send(method, path, &[], "").status != 404
}

/// Whether the server lets a client in this way, whatever it says next.
fn authenticates(rig: &mut Rig, path: &str, method: &str, pairs: Pairs<'_>) -> bool {
    let basic = format!(
        "Basic {}",
        Base64::encode_string(format!("demo:{SECRET}").as_bytes())
    );
    let form = ("content-type", "application/x-www-form-urlencoded");
    let (headers, own): (Vec<_>, Vec<_>) = match method {
        "client_secret_basic" => (vec![form, ("authorization", &*basic)], vec![]),
        "client_secret_post" => (vec![form], DEMO.pairs()),
        "none" => (vec![form], PUBLIC.pairs()),
        other => panic!("{other}?"),
    };
    let reply = rig.send("POST", path, &headers, &encode(&[pairs, &own].concat()));
    let refused = !reply.body.is_empty() && reply.json()["error"] == "invalid_client";
    !refused
}

#[test]
fn r48_metadata_tells_the_truth_of_every_profile() {
    let mut looked_at = 0;
    for profile in profile::ALL
        .into_iter()
        .flat_map(|profile| switched(*profile))
    {
        let mut rig = Settings::new(profile).rig();
        let reply = rig.send("GET", METADATA, &[], "");
        if !profile.metadata {
            assert_eq!(reply.status, 404, "{}", profile.name);
            continue;
        }
        looked_at += 1;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let json = reply.json();
        assert_eq!(json["issuer"].as_str(), Some("https://as.example"));

        // Each endpoint is named if and only if it is there.
        for (name, method, known) in [
            ("token_endpoint", "POST", Some(profile.token_path)),
            ("authorization_endpoint", "GET", profile.authorization_path),
            ("revocation_endpoint", "POST", Some(REVOKE)),
            ("introspection_endpoint", "POST", Some(INTROSPECT)),
            ("jwks_uri", "GET", Some(JWKS)),
        ] {
            let named = path_of(&json, name).map(str::to_owned);
            match &named {
                Some(path) => assert!(is_there(&mut rig, method, path), "{name} {path}"),
                None => {
                    let path = known.unwrap_or("/oauth/authorize");
                    assert!(!is_there(&mut rig, method, path), "{} {name}", profile.name);
                }
            }
        }

        // Each grant type is taken if and only if it is named.
        let grants = names(&json, "grant_types_supported");
        let basic = format!(
            "Basic {}",
            Base64::encode_string(format!("demo:{SECRET}").as_bytes())
        );
        for grant in [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "password",
        ] {
            let body = encode(&[("grant_type", grant)]);
            let reply = if profile.client_authentication.basic {
                rig.token(Some(&basic), &body)
            } else if profile.client_authentication.post {
                rig.token_request(DEMO, &[("grant_type", grant)])
            } else {
                rig.token_request(PUBLIC, &[("grant_type", grant)])
            };
            let unsupported = reply.json()["error"] == "unsupported_grant_type";
            assert_eq!(
                !unsupported,
                grants.iter().any(|known| known == grant),
                "{grant}"
            );
        }

        // Each authentication method works if and only if it is named.
        for (endpoint, methods, pairs) in [
            (
                "token_endpoint",
                "token_endpoint_auth_methods_supported",
                &[("grant_type", "refresh_token")],
            ),
            (
                "revocation_endpoint",
                "revocation_endpoint_auth_methods_supported",
                &[("token", "x")],
            ),
            (
                "introspection_endpoint",
                "introspection_endpoint_auth_methods_supported",
                &[("token", "x")],
            ),
        ] {
            let Some(path) = path_of(&json, endpoint).map(str::to_owned) else {
                assert!(json.get(methods).is_none(), "{methods}");
                continue;
            };
            let named = names(&json, methods);
            for method in ["client_secret_basic", "client_secret_post", "none"] {
                let works = authenticates(&mut rig, &path, method, pairs);
                let said = named.iter().any(|known| known == method);
                assert_eq!(works, said, "{} {methods} {method}", profile.name);
            }
        }

        assert_eq!(
            names(&json, "scopes_supported"),
            ["read", "write", "ROLE_USER"]
        );
        let codes = profile.authorization_path.is_some();
        let if_codes = |list: &[&str]| -> Vec<String> {
            let list = list.iter().map(|text| (*text).to_owned());
            if codes { list.collect() } else { Vec::new() }
        };
        assert_eq!(
            names(&json, "response_types_supported"),
            if_codes(&["code"])
        );
        assert_eq!(
            names(&json, "code_challenge_methods_supported"),
            if_codes(&["S256"])
        );
        let iss = json["authorization_response_iss_parameter_supported"].as_bool();
        assert_eq!(iss, Some(codes));
    }
    assert_eq!(looked_at, 40);
}

#[test]
fn r48_the_services_have_none_of_the_four_and_standard_has_all() {
    for profile in profile::ALL {
        let mut rig = Settings::new(*profile).rig();
        let there: Vec<_> = [
            (METADATA, "GET"),
            (JWKS, "GET"),
            (REVOKE, "POST"),
            (INTROSPECT, "POST"),
        ]
        .into_iter()
        .map(|(path, method)| is_there(&mut rig, method, path))
        .collect();
        assert_eq!(there, [profile.name == "standard"; 4], "{}", profile.name);
    }
}

#[test]
fn r48_an_issuer_that_ends_in_a_slash() {
    let mut rig = Settings::new(STANDARD)
        .with(|settings| settings.issuer = "https://as.example/")
        .rig();
    let json = rig.send("GET", METADATA, &[], "").json();
    assert_eq!(json["issuer"].as_str(), Some("https://as.example/"));
    assert_eq!(
        json["token_endpoint"].as_str(),
        Some("https://as.example/oauth/token")
    );
}

// JWKS.

/// A server with these keys, the first of which signs.
fn keyed(profile: Profile, keys: &'static [&'static dyn Verifier], es256: bool) -> Rig {
    let signing = |octet: u8, id| Es256SigningKey::new(&[octet; 32], Some(id)).expect("a scalar");
    Rig::with(Configuration {
        signer: if es256 {
            keep(signing(7, "e1"))
        } else {
            keep(Hs256Key::new(&[0xA7; 32], Some("h1")).expect("32 octets"))
        },
        verifiers: keys,
        ..rig::configuration(profile)
    })
}

#[test]
fn r48_jwks_holds_public_keys_alone() {
    let es = |octet: u8, id| -> &'static dyn Verifier {
        let key = Es256SigningKey::new(&[octet; 32], Some(id)).expect("a scalar");
        keep(key.verifying_key())
    };
    let hs = |octet: u8, id| -> &'static dyn Verifier {
        keep(Hs256Key::new(&[octet; 32], Some(id)).expect("32 octets"))
    };
    let cases: [(&'static [&'static dyn Verifier], bool, &[&str]); 4] = [
        (keep([es(7, "e1")]), true, &["e1"]),
        (keep([es(7, "e1"), es(8, "e0")]), true, &["e1", "e0"]),
        (keep([hs(0xA7, "h1")]), false, &[]),
        (
            keep([hs(0xA7, "h1"), es(8, "e0"), hs(0xA6, "h0")]),
            false,
            &["e0"],
        ),
    ];
    for (keys, es256, published) in cases {
        let mut rig = keyed(STANDARD, keys, es256);
        let reply = rig.send("GET", JWKS, &[], "");
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("content-type"),
            Some("application/jwk-set+json")
        );
        let json = reply.json();
        let set = json["keys"].as_array().expect("a set");
        let ids: Vec<_> = set
            .iter()
            .map(|key| key["kid"].as_str().expect("a kid"))
            .collect();
        assert_eq!(ids, published);
        for key in set {
            let key = key.as_object().expect("an object");
            for private in ["d", "k", "p", "q", "dp", "dq", "qi", "oth"] {
                assert!(!key.contains_key(private), "{private}");
            }
            assert_eq!(key["kty"], "EC");
            assert_eq!(key["crv"], "P-256");
            assert_eq!(key["x"].as_str().map(str::len), Some(43));
            assert_eq!(key["y"].as_str().map(str::len), Some(43));
        }
        // Nothing of a secret, however spelled.
        use smallgate_tests::handles::base64url;
        for octet in [7, 8, 9, 0xA6, 0xA7] {
            let secret = [octet; 32];
            assert!(!reply.body.contains(&base64url(&secret)));
            assert!(!reply.body.contains(&Base64::encode_string(&secret)));
            let hex: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
            assert!(!reply.body.contains(&hex));
        }
        assert_eq!(rig.send("POST", JWKS, &[], "").status, 405);
    }
}

#[test]
fn r39_r48_a_published_key_verifies_what_the_server_signs() {
    use p256::ecdsa::signature::Verifier as _;
    use p256::ecdsa::{Signature, VerifyingKey};
    let mut rig = Rig::new(STANDARD);
    let token = rig.token_request(DEMO, &[("grant_type", "client_credentials")]);
    let token = token.member("access_token");
    let jwks = rig.send("GET", JWKS, &[], "").json();
    let decode = |text: &serde_json::Value| {
        use base64ct::Base64UrlUnpadded;
        let text = text.as_str().expect("text");
        Base64UrlUnpadded::decode_vec(text).expect("base64url")
    };
    let key = &jwks["keys"][0];
    let point = [vec![4], decode(&key["x"]), decode(&key["y"])].concat();
    let key = VerifyingKey::from_sec1_bytes(&point).expect("a point");
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let signature = decode(&serde_json::Value::from(signature));
    let signature = Signature::from_slice(&signature).expect("64 octets");
    key.verify(input.as_bytes(), &signature)
        .expect("the server's");
}

#[test]
fn r49_breakout_a_password_grants_tokens_where_revocation_is_switched_on() {
    let mut rig = Settings::new(Profile {
        revocation: true,
        ..BREAKOUT
    })
    .rig();
    let basic = format!(
        "Basic {}",
        Base64::encode_string(format!("demo:{SECRET}").as_bytes())
    );
    let login = [
        ("grant_type", "password"),
        ("username", USERNAME),
        ("password", PASSWORD),
    ];
    let tokens = rig.token(Some(&basic), &encode(&login));
    assert_eq!(rig.me(&tokens.member("access_token")).status, 200);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", &*basic),
    ];
    let body = encode(&[("token", &tokens.member("access_token"))]);
    assert_done(&rig.send("POST", REVOKE, &headers, &body));
    assert_eq!(rig.me(&tokens.member("access_token")).status, 401);
}

#[test]
fn r48_metadata_that_does_not_fit_is_an_error_and_not_empty() {
    let names: Vec<&'static str> = (0..64).map(|at| &*format!("{at:0>60}").leak()).collect();
    let mut configuration = smallgate_tests::rig::configuration(STANDARD);
    configuration.scopes = smallgate_core::scope::ScopeNames::new(names.leak()).expect("tokens");
    let mut rig = Rig::with(configuration);
    let reply = rig.send("GET", "/.well-known/oauth-authorization-server", &[], "");
    assert_eq!((reply.status, reply.body.as_str()), (500, ""));
}
