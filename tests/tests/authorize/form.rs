//! The login form: who may send it, and what comes of it.

use smallgate_core::profile::{Profile, STANDARD};
use smallgate_tests::flow::{
    ASK_S256, CHALLENGE, DEMO, PASSWORD, Pairs, REDIRECT, Settings, USERNAME, VERIFIER, encode,
    hidden, query, value,
};
use smallgate_tests::rig::{Reply, Rig};

const PATH: &str = "/oauth/authorize";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ISSUER: &str = "https://as.example";

fn rig() -> Rig {
    Settings::new(STANDARD)
        .with(|settings| {
            settings.client("demo").redirect_uris = &[REDIRECT, "https://client.example/other"];
            settings.client("other").redirect_uris = &[REDIRECT];
        })
        .rig()
}

const ASKED: Pairs<'static> = &[
    ("response_type", "code"),
    ("client_id", "demo"),
    ("redirect_uri", REDIRECT),
    ("scope", "read write"),
    ("state", "xyz"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// The hidden fields of the form, and the good login.
fn filled_in(page: &Reply) -> Vec<(String, String)> {
    let mut fields = hidden(&page.body);
    for (name, value) in [
        ("username", USERNAME),
        ("password", PASSWORD),
        ("decision", "approve"),
    ] {
        fields.push((name.to_owned(), value.to_owned()));
    }
    fields
}

fn send(rig: &mut Rig, fields: &[(String, String)], headers: Pairs<'_>) -> Reply {
    let pairs: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let headers = [&[FORM], headers].concat();
    rig.send("POST", PATH, &headers, &encode(&pairs))
}

fn set(fields: &mut Vec<(String, String)>, name: &str, value: Option<&str>) {
    fields.retain(|(known, _)| known != name);
    fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
}

#[track_caller]
fn assert_no_code(rig: &Rig, reply: &Reply) {
    let location = reply.header("location").unwrap_or_default();
    assert!(!location.contains("code="), "{location}");
    assert!(!reply.body.contains("id=\"code\""), "{reply:?}");
    assert!(rig.store.is_empty());
}

#[test]
fn r46_the_form_carries_the_request_and_nothing_else() {
    let mut rig = rig();
    let page = rig.ask(ASKED);
    let fields = hidden(&page.body);
    let token = value(&fields, "form_token").to_owned();
    let mut expected: Vec<_> = ASKED
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    expected.push(("form_token".to_owned(), token));
    assert_eq!(fields, expected);
    for part in [
        "<form method=\"post\" action=\"/oauth/authorize\">",
        "<label for=\"username\">",
        "<label for=\"password\">",
        "name=\"decision\" value=\"approve\"",
        "name=\"decision\" value=\"deny\"",
        "<li>read</li>\n<li>write</li>",
        "<strong>demo</strong>",
        "<html lang=\"en\">",
    ] {
        assert!(page.body.contains(part), "{part}");
    }
    assert!(!page.body.contains("<script"));
}

#[test]
fn r46_each_hidden_field_is_bound_by_the_form_token() {
    let mut rig = rig();
    let page = rig.ask(ASKED);
    // Each of them another good value, so that nothing else is wrong.
    let other_challenge = "A".repeat(43);
    for (name, changed) in [
        ("client_id", Some("other")),
        ("redirect_uri", Some("https://client.example/other")),
        ("scope", Some("read")),
        ("scope", Some("write read")),
        ("scope", Some("read write ROLE_USER")),
        ("scope", None),
        ("state", Some("xyZ")),
        ("state", Some("xyzxyz")),
        ("state", None),
        ("code_challenge", Some(&*other_challenge)),
        ("form_token", Some("A")),
        ("form_token", None),
        ("form_token", Some("")),
    ] {
        let mut fields = filled_in(&page);
        set(&mut fields, name, changed);
        let reply = send(&mut rig, &fields, &[]);
        assert_eq!(reply.status, 403, "{name} {changed:?}: {reply:?}");
        assert_no_code(&rig, &reply);
        assert!(
            hidden(&reply.body).is_empty(),
            "no new form for a forged one"
        );
    }
    // Without challenge and method, together, it is a legal request, too.
    let mut fields = filled_in(&page);
    set(&mut fields, "code_challenge", None);
    set(&mut fields, "code_challenge_method", None);
    assert_eq!(send(&mut rig, &fields, &[]).status, 403);
    assert!(rig.store.is_empty());
    // The form as it is works; what comes of it is for tokens that rotate, as the profile is.
    assert_eq!(send(&mut rig, &filled_in(&page), &[]).status, 303);
    assert!(!rig.grant().reuse);
}

#[test]
fn r46_a_form_without_the_button_that_was_pressed_is_no_new_request() {
    let mut rig = rig();
    let page = rig.ask(ASKED);
    let mut fields = filled_in(&page);
    set(&mut fields, "decision", None);
    let reply = send(&mut rig, &fields, &[]);
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(hidden(&reply.body).is_empty());
    assert_no_code(&rig, &reply);
    // What was never in a form is one.
    set(&mut fields, "form_token", None);
    let reply = send(&mut rig, &fields, &[]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_no_code(&rig, &reply);
}

#[test]
fn r46_hidden_fields_are_checked_again() {
    let mut rig = rig();
    let page = rig.ask(ASKED);
    for (name, changed, status) in [
        ("client_id", Some("nobody"), 400),
        ("client_id", None, 400),
        ("redirect_uri", Some("https://evil.example/"), 400),
        ("redirect_uri", None, 400),
        ("response_type", Some("token"), 303),
        ("response_type", None, 303),
        ("scope", Some("unknown"), 303),
        ("code_challenge_method", Some("plain"), 303),
    ] {
        let mut fields = filled_in(&page);
        set(&mut fields, name, changed);
        let reply = send(&mut rig, &fields, &[]);
        assert_eq!(reply.status, status, "{name} {changed:?}");
        assert_no_code(&rig, &reply);
    }
}

#[test]
fn r46_a_page_says_what_is_wrong_with_a_form() {
    let mut rig = rig();
    let page = rig.ask(ASKED);
    let elsewhere: Pairs<'_> = &[("origin", "https://evil.example")];
    for (name, changed, headers, said) in [
        ("client_id", "nobody", &[][..], "is not known here"),
        (
            "redirect_uri",
            "https://evil.example/",
            &[],
            "is not registered",
        ),
        ("state", "xyZ", &[], "is not one of this server"),
        ("state", "xyz", elsewhere, "came from somewhere else"),
    ] {
        let mut fields = filled_in(&page);
        set(&mut fields, name, Some(changed));
        let reply = send(&mut rig, &fields, headers);
        assert!(reply.body.contains(said), "{name} {changed}: {reply:?}");
        assert_no_code(&rig, &reply);
    }
}

#[test]
fn where_there_is_no_form_the_metadata_has_no_codes() {
    for (authorization_path, response_types) in [
        (
            STANDARD.authorization_path,
            "\"response_types_supported\":[\"code\"]",
        ),
        (None, "\"response_types_supported\":[]"),
    ] {
        let mut rig = Settings::new(Profile {
            authorization_path,
            ..STANDARD
        })
        .rig();
        let reply = rig.send("GET", "/.well-known/oauth-authorization-server", &[], "");
        assert_eq!(reply.status, 200);
        assert!(reply.body.contains(response_types), "{}", reply.body);
    }
}

#[test]
fn r46_fields_do_not_run_into_one_another() {
    // The same octets in a row, cut at another place.
    let mut rig = rig();
    let page = rig.ask(
        &[
            &ASKED[..3],
            ASK_S256,
            &[("scope", "read"), ("state", " write")],
        ]
        .concat(),
    );
    let mut fields = filled_in(&page);
    set(&mut fields, "scope", Some("read write"));
    set(&mut fields, "state", None);
    assert_eq!(send(&mut rig, &fields, &[]).status, 403);
    assert!(rig.store.is_empty());
}

#[test]
fn r46_the_form_token_of_another_request_client_or_server() {
    let mut rig = rig();
    let mut other = Settings::new(STANDARD)
        .with(|settings| {
            settings.handle_keys.current = smallgate_core::oauth::MasterKey::new([1; 32]);
        })
        .rig();
    // Two servers may have one key, as handles know.
    let mut neighbour = Settings::new(STANDARD)
        .with(|settings| settings.issuer = "https://as2.example")
        .rig();
    let changed: Vec<_> = ASKED
        .iter()
        .map(|(name, value)| (*name, if *name == "state" { "abc" } else { value }))
        .collect();
    let pages = [rig.ask(&changed), other.ask(ASKED), neighbour.ask(ASKED)];
    let page = rig.ask(ASKED);
    for stranger in pages {
        let token = value(&hidden(&stranger.body), "form_token").to_owned();
        let mut fields = filled_in(&page);
        set(&mut fields, "form_token", Some(&token));
        assert_eq!(send(&mut rig, &fields, &[]).status, 403);
        assert!(rig.store.is_empty());
    }
}

#[test]
fn r46_a_form_expires_after_ten_minutes_and_is_shown_again() {
    for (passed, status) in [(599, 303), (600, 403), (100_000, 403)] {
        let mut rig = rig();
        let page = rig.ask(ASKED);
        rig.pass(passed);
        let reply = rig.approve(&page);
        assert_eq!(reply.status, status, "{passed}");
        if status == 403 {
            assert_no_code(&rig, &reply);
            assert!(reply.body.contains("role=\"alert\""));
            assert!(reply.body.contains("open for too long"));
            // The new form is a good one.
            assert_eq!(rig.approve(&reply).status, 303);
        }
    }
}

#[test]
fn r46_the_previous_key_verifies_forms_that_are_open() {
    use smallgate_core::oauth::{HandleKeys, MasterKey, Slot};
    let settings = Settings::new(STANDARD);
    for (previous, status) in [(Some([9; 32]), 303), (None, 403)] {
        let mut rig = settings.rig();
        let page = rig.ask(ASKED);
        rig.reconfigure(&settings.with(|settings| {
            settings.handle_keys = HandleKeys {
                current: MasterKey::new([8; 32]),
                slot: Slot::B,
                previous: previous.map(MasterKey::new),
            };
        }));
        assert_eq!(rig.approve(&page).status, status);
    }
}

#[test]
fn r46_origin_and_sec_fetch_site_matrix() {
    const HOST: (&str, &str) = ("host", "as.example");
    let origins = [
        (None, true),
        // Good where the next one says whose it is.
        (Some("null"), true),
        (Some(ISSUER), true),
        (Some("http://as.example"), true),
        (Some("https://evil.example"), false),
        (Some("https://as.example.evil.example"), false),
        (Some("https://as.exampl"), false),
        (Some("https://sub.as.example"), false),
        (Some("https://as.example:8443"), false),
        (Some("ftp://as.example"), false),
        (Some("https:"), false),
        (Some(""), false),
        (Some("as.example"), false),
    ];
    let sites = [
        (None, true),
        (Some("same-origin"), true),
        (Some("same-site"), false),
        (Some("cross-site"), false),
        (Some("none"), false),
        (Some("Same-Origin"), false),
        (Some(""), false),
    ];
    for (origin, origin_is_good) in origins {
        for (site, site_is_good) in sites {
            for decision in ["approve", "deny"] {
                let mut rig = rig();
                let page = rig.ask(ASKED);
                let mut fields = filled_in(&page);
                set(&mut fields, "decision", Some(decision));
                let mut headers = vec![HOST];
                headers.extend(origin.map(|origin| ("origin", origin)));
                headers.extend(site.map(|site| ("sec-fetch-site", site)));
                let reply = send(&mut rig, &fields, &headers);
                let nobodys = origin == Some("null") && site.is_none();
                let good = origin_is_good && site_is_good && !nobodys;
                let status = if good { 303 } else { 403 };
                assert_eq!(reply.status, status, "{origin:?} {site:?} {decision}");
                assert_eq!(rig.store.is_empty(), !good || decision == "deny");
            }
        }
    }
}

#[test]
fn r46_a_device_is_reached_by_more_names_than_its_issuer() {
    let mut rig = rig();
    for (origin, host, status) in [
        ("http://192.168.1.7:8080", "192.168.1.7:8080", 303),
        ("http://192.168.1.7:8080", "192.168.1.7", 403),
        ("http://192.168.1.7", "192.168.1.7:8080", 403),
        ("http://evil.example", "192.168.1.7", 403),
    ] {
        let page = rig.ask(ASKED);
        let headers = [("host", host), ("origin", origin)];
        let reply = send(&mut rig, &filled_in(&page), &headers);
        assert_eq!(reply.status, status, "{origin} {host}");
    }
    // Twice is not once.
    let page = rig.ask(ASKED);
    let headers = [("origin", ISSUER), ("origin", "https://evil.example")];
    assert_eq!(send(&mut rig, &filled_in(&page), &headers).status, 403);
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(send(&mut rig, &filled_in(&page), &headers).status, 403);
}

#[test]
fn r43_the_initial_request_may_come_from_anywhere() {
    let mut rig = rig();
    let foreign = [
        FORM,
        ("origin", "https://client.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let reply = rig.send("POST", PATH, &foreign, &encode(ASKED));
    assert_eq!(reply.status, 200);
    assert!(!hidden(&reply.body).is_empty());
}

#[test]
fn r45_denied_is_access_denied_and_needs_no_login() {
    let mut rig = rig();
    let page = rig.ask(ASKED);
    let reply = rig.submit(&page, &[("username", ""), ("password", "")], "deny");
    assert_eq!(reply.status, 303);
    let answer = query(reply.header("location").expect("a redirect"));
    assert_eq!(value(&answer, "error"), "access_denied");
    assert_eq!(value(&answer, "state"), "xyz");
    assert_eq!(value(&answer, "iss"), ISSUER);
    assert_no_code(&rig, &reply);
    // Neither yes nor no.
    let reply = rig.submit(
        &page,
        &[("username", USERNAME), ("password", PASSWORD)],
        "maybe",
    );
    assert_eq!(reply.status, 400);
    assert_no_code(&rig, &reply);
}

#[test]
fn r16_r43_a_wrong_login_shows_the_form_again_and_then_waits() {
    let mut rig = rig();
    let mut page = rig.ask(ASKED);
    for attempt in 0..10 {
        let login = [("username", USERNAME), ("password", "wrong")];
        page = rig.submit(&page, &login, "approve");
        assert_eq!(page.status, 403, "{attempt}");
        assert_eq!(hidden(&page.body).len(), 8, "the form again");
        assert!(page.body.contains("role=\"alert\""));
        assert!(!page.body.contains("wrong\""), "nothing of it comes back");
        let locked = page
            .events
            .iter()
            .any(|event| event.starts_with("LockedOut"));
        assert_eq!(locked, attempt == 9);
        assert_no_code(&rig, &page);
    }
    // Even the right password waits now.
    let reply = rig.approve(&page);
    assert_eq!(reply.status, 429);
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(reply.header("x-frame-options"), Some("DENY"));
    assert!(reply.body.contains("temporarily_unavailable"));
    assert_no_code(&rig, &reply);
    rig.pass(60);
    assert_eq!(rig.approve(&page).status, 303);
}

#[test]
fn r12_r43_an_unknown_user_looks_like_a_wrong_password() {
    let mut rig = rig();
    let page = rig.ask(ASKED);
    let wrong = rig.submit(
        &page,
        &[("username", USERNAME), ("password", "x")],
        "approve",
    );
    let unknown = rig.submit(
        &page,
        &[("username", "nobody"), ("password", "x")],
        "approve",
    );
    assert_eq!(wrong.status, 403);
    assert_eq!(
        (&wrong.headers, &wrong.body),
        (&unknown.headers, &unknown.body)
    );
    // And one who says nothing.
    let silent = rig.submit(&page, &[], "approve");
    assert_eq!(
        (&wrong.headers, &wrong.body),
        (&silent.headers, &silent.body)
    );
}

#[test]
fn r51_every_refusal_of_a_form_is_an_event_with_its_client() {
    let cases: [(u64, Pairs<'_>, &str); 5] = [
        (0, &[], "Missing(Username)"),
        (0, &[("username", USERNAME)], "Missing(Password)"),
        (
            0,
            &[("password", PASSWORD), ("username", "")],
            "Missing(Username)",
        ),
        (
            0,
            &[("username", USERNAME), ("password", "x")],
            "WrongPassword",
        ),
        (
            600,
            &[("username", USERNAME), ("password", PASSWORD)],
            "FormExpired",
        ),
    ];
    for (passed, login, cause) in cases {
        let mut rig = rig();
        let page = rig.ask(ASKED);
        assert!(page.events.is_empty(), "{:?}", page.events);
        rig.pass(passed);
        let reply = rig.submit(&page, login, "approve");
        assert_eq!(reply.status, 403, "{cause}");
        let event = format!("Refused {{ client: Some(\"demo\"), cause: {cause} }}");
        assert_eq!(reply.events, [event]);
        assert_no_code(&rig, &reply);
    }
}

#[test]
fn r46_the_same_form_twice_gives_two_grants_and_each_code_once() {
    // Without a cookie or a store there is no "once" for a form; each code is
    // good once, and who can send it knows the password.
    let mut rig = rig();
    let page = rig.ask(ASKED);
    let code =
        |reply: &Reply| value(&query(reply.header("location").expect("there")), "code").to_owned();
    let codes = [code(&rig.approve(&page)), code(&rig.approve(&page))];
    assert_ne!(codes[0], codes[1]);
    for code in &codes {
        let more = [("code_verifier", VERIFIER), ("redirect_uri", REDIRECT)];
        assert_eq!(rig.redeem(DEMO, code, &more).status, 200);
    }
    assert_eq!(rig.store.len(), 2);
}

#[test]
fn r18_r44_out_of_band_the_code_is_on_the_page() {
    for uri in [
        "urn:ietf:wg:oauth:2.0:oob",
        "urn:ietf:wg:oauth:2.0:oob:auto",
    ] {
        let uris: &'static [&'static str] = smallgate_tests::flow::keep(vec![uri]);
        let mut rig = Settings::new(STANDARD)
            .with(|settings| settings.client("demo").redirect_uris = uris)
            .rig();
        let ask = [
            ASK_S256,
            &[
                ("response_type", "code"),
                ("client_id", "demo"),
                ("redirect_uri", uri),
            ],
        ];
        let ask = ask.concat();
        let page = rig.ask(&ask);
        let reply = rig.approve(&page);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("location"), None);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-frame-options"), Some("DENY"));
        let (_, rest) = reply.body.split_once("<code id=\"code\">").expect("a code");
        let code = rest.split_once("</code>").expect("its end").0;
        let more = [("code_verifier", VERIFIER), ("redirect_uri", uri)];
        assert_eq!(rig.redeem(DEMO, code, &more).status, 200);
        assert_eq!(
            rig.redeem(DEMO, code, &more).member("error"),
            "invalid_grant"
        );
        // Errors have nowhere to go either.
        let denied = rig.submit(&page, &[], "deny");
        assert_eq!(denied.status, 400);
        assert!(denied.body.contains("access_denied"));
        assert!(denied.body.contains("The request was denied."));
        let wrong = [&ask[..], &[("scope", "unknown")]].concat();
        let wrong = rig.ask(&wrong);
        assert_eq!(wrong.status, 400);
        assert!(wrong.body.contains("The request can not be answered now."));
        // What is to be mended is named.
        let short = [&ask[ASK_S256.len()..], &[("code_challenge", "short")]].concat();
        let short = rig.ask(&short);
        assert_eq!(short.status, 400);
        assert!(short.body.contains("code_challenge"), "{short:?}");
        assert!(!short.body.contains("can not be answered now"));
    }
}

#[test]
fn r40_a_clock_that_is_lost_while_the_form_is_open() {
    let mut rig = rig();
    let page = rig.ask(ASKED);
    rig.clock.now = None;
    let reply = rig.approve(&page);
    assert_eq!(reply.status, 303);
    assert!(
        reply
            .header("location")
            .expect("there")
            .contains("temporarily_unavailable")
    );
    assert!(rig.store.is_empty());
}

#[test]
fn r30_no_code_leaves_before_its_grant_is_stored() {
    use smallgate_core::store::Committed;
    use smallgate_tests::flow::{Call, Operation, meddled};
    for committed in [Committed::Full, Committed::Unavailable, Committed::Conflict] {
        let mut rig = rig();
        let page = rig.ask(ASKED);
        let fields = filled_in(&page);
        let pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let call = Call::new(PATH, &pairs, 1 << 40);
        let (reply, asked) = meddled(&mut rig, call, |_, _, _| Some(committed));
        assert_eq!(asked, [Operation::Write]);
        assert_eq!(reply.status, 503, "{committed:?} {reply:?}");
        assert!(
            !reply
                .events
                .iter()
                .any(|event| event.starts_with("CodeIssued"))
        );
        assert_no_code(&rig, &reply);
    }
}
