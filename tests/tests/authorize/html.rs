//! Nothing that comes in a request or a configuration is ever more than text on
//! a page.

use proptest::prelude::*;
use smallgate_core::profile::STANDARD;
use smallgate_tests::flow::{ASK_S256, Settings, hidden, value};
use smallgate_tests::rig::Reply;

const ATTACKS: [&str; 12] = [
    "\"><script>alert(1)</script>",
    "'><img src=x onerror=alert(1)>",
    "\" autofocus onfocus=\"alert(1)",
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</form><form action=https://evil.example>",
    "<!--",
    "--><svg onload=alert(1)>",
    "&lt;script&gt;",
    "&#x22;&#62;<b>",
    "javascript:alert(1)",
    "\u{2028}<\u{0}>\"",
];

/// The tags of a page, which are all written by the server.
fn tags(page: &Reply) -> Vec<&str> {
    page.body
        .split('<')
        .skip(1)
        .map(|tag| {
            let end = tag.find([' ', '>']).expect("a tag has an end");
            &tag[..end]
        })
        .collect()
}

/// The structure is the same as that of the page for a harmless value, and the
/// value is read back as it was.
#[track_caller]
fn assert_only_text(page: &Reply, harmless: &Reply) {
    assert_eq!(page.status, harmless.status, "{page:?}");
    assert_eq!(tags(page), tags(harmless), "{}", page.body);
    for octet in ['"', '>', '\''] {
        // A quote or bracket more would be the request's.
        assert_eq!(
            page.body.matches(octet).count(),
            harmless.body.matches(octet).count(),
            "{}",
            page.body
        );
    }
}

fn ask(name: &str, text: &str) -> (Reply, Reply) {
    let mut rig = Settings::new(STANDARD).rig();
    let base = [
        ASK_S256,
        &[("response_type", "code"), ("client_id", "demo")],
    ]
    .concat();
    let with = |value| [&base[..], &[(name, value)]].concat();
    let harmless = rig.ask(&with("x"));
    (rig.ask(&with(text)), harmless)
}

#[test]
fn r46_state_is_only_text() {
    for attack in ATTACKS {
        let (page, harmless) = ask("state", attack);
        assert_eq!(page.status, 200);
        assert_only_text(&page, &harmless);
        assert_eq!(value(&hidden(&page.body), "state"), attack);
    }
}

#[test]
fn r46_what_is_refused_is_not_reflected_at_all() {
    for name in [
        "redirect_uri",
        "client_id",
        "decision",
        "form_token",
        "error",
        "x",
    ] {
        for attack in ATTACKS {
            let mut rig = Settings::new(STANDARD).rig();
            let base = [ASK_S256, &[("response_type", "code")]].concat();
            let mut pairs = base.clone();
            if name != "client_id" {
                pairs.push(("client_id", "demo"));
            }
            pairs.push((name, attack));
            for reply in [rig.ask(&pairs), rig.post("/oauth/authorize", &pairs)] {
                let tag = attack.trim_start_matches(['"', '\'', '>']);
                assert!(
                    !reply.body.contains(tag) || tag.is_empty(),
                    "{}",
                    reply.body
                );
                assert!(!reply.body.contains("alert(1)"), "{}", reply.body);
            }
        }
    }
    for name in [
        "response_type",
        "scope",
        "code_challenge",
        "code_challenge_method",
    ] {
        for attack in ATTACKS {
            let mut rig = Settings::new(STANDARD).rig();
            let mut pairs = vec![("client_id", "demo")];
            let good = [ASK_S256, &[("response_type", "code")]].concat();
            pairs.extend(good.into_iter().filter(|(known, _)| *known != name));
            pairs.push((name, attack));
            let reply = rig.ask(&pairs);
            assert_eq!(reply.status, 303, "{name} {attack}");
            let location = reply.header("location").expect("a redirect");
            assert!(
                !location.contains(['<', '>', '"', '\'', '\r', '\n']),
                "{location}"
            );
        }
    }
}

#[test]
fn r46_a_loopback_redirect_uri_and_a_login_are_only_text() {
    let settings = Settings::new(STANDARD).with(|settings| {
        settings.client("demo").redirect_uris = &["http://127.0.0.1/c?a=b&c='&lt;'"]
    });
    let mut rig = settings.rig();
    let uri = "http://127.0.0.1:8080/c?a=b&c='&lt;'";
    let base = [
        ASK_S256,
        &[("response_type", "code"), ("client_id", "demo")],
    ]
    .concat();
    let page = rig.ask(&[&base[..], &[("redirect_uri", uri)]].concat());
    assert_eq!(page.status, 200);
    assert_eq!(value(&hidden(&page.body), "redirect_uri"), uri);
    for attack in ATTACKS {
        let login = [("username", attack), ("password", attack)];
        let again = rig.submit(&page, &login, "approve");
        rig.pass(60);
        let harmless = rig.submit(&page, &[("username", "u"), ("password", "p")], "approve");
        rig.pass(60);
        assert_eq!(again.status, 403);
        assert_only_text(&again, &harmless);
        if rig.clock.now.expect("set").0 > smallgate_tests::rig::START.0 + 400 {
            rig.clock.now = Some(smallgate_tests::rig::START);
        }
    }
}

#[test]
fn r46_names_in_the_configuration_are_only_text() {
    let id = "<b>\"'&</b>";
    let scope = "a<i>b&'c";
    let settings = Settings::new(STANDARD).with(|settings| {
        settings.client("demo").id = id;
        settings.scopes[0] = scope;
    });
    let mut rig = settings.rig();
    let page = rig.ask(
        &[
            ASK_S256,
            &[
                ("response_type", "code"),
                ("client_id", id),
                ("scope", scope),
            ],
        ]
        .concat(),
    );
    assert_eq!(page.status, 200, "{page:?}");
    assert!(
        page.body
            .contains("<strong>&lt;b&gt;&quot;&#39;&amp;&lt;/b&gt;</strong>")
    );
    assert!(page.body.contains("<li>a&lt;i&gt;b&amp;&#39;c</li>"));
    let fields = hidden(&page.body);
    assert_eq!(value(&fields, "client_id"), id);
    assert_eq!(value(&fields, "scope"), scope);
    assert_eq!(rig.approve(&page).status, 303);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn r46_any_state_is_only_text(state in prop_oneof![
        "[<>&\"'=/ a-z#;!-]{1,80}",
        "\\PC{1,40}",
        any::<String>().prop_filter("bounded", |text| !text.is_empty() && text.len() < 100),
    ]) {
        let (page, harmless) = ask("state", &state);
        if page.status == 200 {
            assert_only_text(&page, &harmless);
            let fields = hidden(&page.body);
            prop_assert_eq!(value(&fields, "state"), &state);
        } else {
            prop_assert!(state.bytes().any(|octet| octet < 0x20 || octet == 0x7F));
        }
    }
}

#[test]
fn r45_a_state_of_150_characters_of_any_kind_fits_there_and_back() {
    for character in ["a", "'", "&", "\"", "~", "\u{7f}"] {
        let state = character.repeat(150);
        let mut rig = Settings::new(STANDARD).rig();
        let pairs = [
            ASK_S256,
            &[
                ("response_type", "code"),
                ("client_id", "demo"),
                ("state", &state),
            ],
        ]
        .concat();
        let page = rig.ask(&pairs);
        assert_eq!(page.status, 200, "{character}: {}", page.body);
        assert_eq!(rig.approve(&page).status, 303, "{character}");
    }
}
