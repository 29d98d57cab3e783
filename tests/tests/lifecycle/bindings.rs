//! What codes and refresh tokens are bound to: verifier, redirect URI, client,
//! scope.

use smallgate_core::oauth::{Client, State};
use smallgate_core::profile::{Profile, RedirectUriRule, STANDARD};
use smallgate_core::scope::ScopeSet;
use smallgate_tests::flow::{
    ASK_S256, DEMO, OTHER, PUBLIC, Pairs, REDIRECT, Settings, VERIFIER, Who, challenge,
};
use smallgate_tests::rig::Rig;

fn rig() -> Rig {
    Settings::new(STANDARD).rig()
}

const NOT_IT: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl";

#[test]
fn r22_pkce_matrix() {
    let long = "v".repeat(129);
    let shortest = "v".repeat(43);
    let short = "v".repeat(42);
    let odd = format!("{}+", "v".repeat(43));
    for who in [DEMO, PUBLIC] {
        for asked in [true, false] {
            let cases: [(Pairs<'_>, bool, &str); 8] = [
                (&[], !asked, "invalid_grant"),
                (&[("code_verifier", "")], !asked, "invalid_grant"),
                (&[("code_verifier", VERIFIER)], asked, "invalid_grant"),
                (&[("code_verifier", NOT_IT)], false, "invalid_grant"),
                (&[("code_verifier", &shortest)], false, "invalid_grant"),
                (&[("code_verifier", &short)], false, "invalid_request"),
                (&[("code_verifier", &long)], false, "invalid_request"),
                (&[("code_verifier", &odd)], false, "invalid_request"),
            ];
            for (more, good, error) in cases {
                let mut rig = rig();
                if who == PUBLIC && !asked {
                    // "Public clients must use it": no code is given without.
                    let reply = rig.ask(&[("response_type", "code"), ("client_id", who.0)]);
                    assert_eq!(reply.status, 303);
                    let location = reply.header("location").expect("a redirect");
                    assert!(location.contains("error=invalid_request"), "{location}");
                    continue;
                }
                let code = rig.code(who, if asked { ASK_S256 } else { &[] });
                let reply = rig.redeem(who, &code, more);
                let case = format!("{who:?} {asked} {more:?}");
                assert_eq!(reply.status, if good { 200 } else { 400 }, "{case}");
                if good {
                    continue;
                }
                assert_eq!(reply.member("error"), error, "{case}");
                // The code is not spent by a guess at its verifier.
                assert_eq!(rig.grant().state, State::Pending, "{case}");
            }
        }
    }
}

#[test]
fn r22_verifiers_of_43_and_128_characters_are_good() {
    for length in [43, 128] {
        let verifier: String = "Az09-._~".chars().cycle().take(length).collect();
        let challenge = challenge(&verifier);
        let mut rig = rig();
        let ask = [
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let code = rig.code(PUBLIC, &ask);
        let reply = rig.redeem(PUBLIC, &code, &[("code_verifier", &verifier)]);
        assert_eq!(reply.status, 200, "{length}: {reply:?}");
    }
}

#[test]
fn r22_a_client_that_became_public_can_not_redeem_a_code_without_a_challenge() {
    let mut rig = rig();
    let code = rig.code(DEMO, &[]);
    let public = Settings::new(STANDARD).with(|settings| {
        let client = settings.client("demo");
        *client = Client {
            secret: None,
            grant_types: smallgate_core::profile::GrantTypes::of(&[
                smallgate_core::profile::GrantType::AuthorizationCode,
            ]),
            ..*client
        };
    });
    rig.reconfigure(&public);
    let reply = rig.redeem(Who("demo", false), &code, &[]);
    assert_eq!(reply.member("error"), "invalid_grant");
}

/// Two registered URIs, so that one has to be named.
fn two_uris(profile: Profile) -> Settings {
    Settings::new(profile).with(|settings| {
        for client in &mut settings.clients {
            client.redirect_uris = &[REDIRECT, "https://client.example/other"];
        }
    })
}

#[test]
fn r21_redirect_uri_matrix() {
    let other = "https://client.example/other";
    let same_but = "https://client.example/cb/";
    // (named when asked, shown when redeemed, good)
    let cases = [
        (Some(REDIRECT), Some(REDIRECT), true),
        (Some(REDIRECT), None, false),
        (Some(REDIRECT), Some(""), false),
        (Some(REDIRECT), Some(other), false),
        (Some(REDIRECT), Some(same_but), false),
        (Some(REDIRECT), Some("HTTPS://client.example/cb"), false),
        (Some(other), Some(other), true),
        (Some(other), Some(REDIRECT), false),
        (None, None, true),
        // Nothing was bound, so there is nothing to compare with.
        (None, Some(REDIRECT), true),
    ];
    for (named, shown, good) in cases {
        let settings = if named.is_none() {
            Settings::new(STANDARD)
        } else {
            two_uris(STANDARD)
        };
        let mut rig = settings.rig();
        let pair = |uri: Option<&'static str>| uri.map(|uri| ("redirect_uri", uri));
        let ask: Vec<_> = ASK_S256.iter().copied().chain(pair(named)).collect();
        let code = rig.code(DEMO, &ask);
        let more: Vec<_> = [("code_verifier", VERIFIER)]
            .into_iter()
            .chain(pair(shown))
            .collect();
        let reply = rig.redeem(DEMO, &code, &more);
        let status = if good { 200 } else { 400 };
        assert_eq!(reply.status, status, "{named:?} {shown:?} {reply:?}");
        if !good {
            assert_eq!(reply.member("error"), "invalid_grant");
            assert_eq!(rig.grant().state, State::Pending);
        }
    }
}

#[test]
fn r21_fixed_redirect_uri_on_every_grant() {
    const FIXED: &str = "https://client.example/cb";
    let settings = Settings::new(Profile {
        redirect_uri: RedirectUriRule::Fixed(FIXED),
        ..STANDARD
    });
    for ask_names_it in [true, false] {
        for (shown, error) in [
            (None, Some("invalid_request")),
            (
                Some("https://client.example/other"),
                Some("invalid_request"),
            ),
            (Some(FIXED), None),
        ] {
            let mut rig = settings.rig();
            let named = ask_names_it.then_some(("redirect_uri", FIXED));
            let ask: Vec<_> = ASK_S256.iter().copied().chain(named).collect();
            let shown: Vec<_> = shown.map(|uri| ("redirect_uri", uri)).into_iter().collect();
            let code = rig.code(DEMO, &ask);
            let more = [&[("code_verifier", VERIFIER)][..], &shown].concat();
            let reply = rig.redeem(DEMO, &code, &more);
            match error {
                Some(error) => assert_eq!(reply.member("error"), error),
                None => {
                    let token = reply.member("refresh_token");
                    let without = rig.refresh(DEMO, &token, &[]);
                    assert_eq!(without.member("error"), "invalid_request");
                    assert_eq!(rig.refresh(DEMO, &token, &shown).status, 200);
                }
            }
        }
    }
}

#[test]
fn r21_r24_codes_and_refresh_tokens_of_another_client() {
    for (owner, thief) in [(DEMO, OTHER), (DEMO, PUBLIC), (PUBLIC, DEMO)] {
        let mut rig = rig();
        let code = rig.code(owner, ASK_S256);
        let reply = rig.redeem(thief, &code, &[("code_verifier", VERIFIER)]);
        assert_eq!(reply.member("error"), "invalid_grant");
        assert_eq!(rig.grant().state, State::Pending);
        let reply = rig.redeem(owner, &code, &[("code_verifier", VERIFIER)]);
        let token = reply.member("refresh_token");
        let reply = rig.refresh(thief, &token, &[]);
        assert_eq!(reply.member("error"), "invalid_grant");
        assert_eq!(
            rig.refresh(owner, &token, &[]).status,
            200,
            "nothing is revoked"
        );
    }
}

#[test]
fn r09_a_confidential_client_authenticates_on_refresh_too() {
    let mut rig = rig();
    let token = rig.first_tokens(DEMO).member("refresh_token");
    let reply = rig.refresh(Who("demo", false), &token, &[]);
    assert_eq!(reply.member("error"), "invalid_client");
    assert_eq!(reply.status, 401);
    assert_eq!(rig.refresh(DEMO, &token, &[]).status, 200);
}

#[test]
fn r28_scope_narrows_for_one_access_token_and_never_widens() {
    let mut rig = rig();
    let ask = [ASK_S256, &[("scope", "read write")]].concat();
    let code = rig.code(DEMO, &ask);
    let first = rig.redeem(
        DEMO,
        &code,
        &[("code_verifier", VERIFIER), ("scope", "ROLE_USER")],
    );
    assert_eq!(
        first.member("scope"),
        "read write",
        "a code's scope is settled"
    );
    let granted = ScopeSet::from_bits(0b011);
    let mut token = first.member("refresh_token");
    for (asked, given) in [
        (None, "read write"),
        (Some("read"), "read"),
        (Some("write"), "write"),
        (Some("write read"), "read write"),
        (Some(""), "read write"),
    ] {
        let scope: Vec<_> = asked.map(|scope| ("scope", scope)).into_iter().collect();
        let reply = rig.refresh(DEMO, &token, &scope);
        assert_eq!(reply.member("scope"), given);
        let me = rig.me(&reply.member("access_token"));
        assert_eq!(me.member("scope"), given);
        assert_eq!(rig.grant().scope, granted);
        token = reply.member("refresh_token");
    }
    for wider in [
        "ROLE_USER",
        "read write ROLE_USER",
        "read unknown",
        "read  write",
    ] {
        let before = rig.grant();
        let reply = rig.refresh(DEMO, &token, &[("scope", wider)]);
        assert_eq!(reply.status, 400);
        assert_eq!(reply.member("error"), "invalid_scope", "{wider}");
        assert_eq!(rig.grant(), before, "nothing was rotated");
    }
    // In grace it may narrow too, and the successor is still the same.
    let next = rig.refresh(DEMO, &token, &[]);
    let again = rig.refresh(DEMO, &token, &[("scope", "read")]);
    assert_eq!(again.member("scope"), "read");
    assert_eq!(again.member("refresh_token"), next.member("refresh_token"));
}
