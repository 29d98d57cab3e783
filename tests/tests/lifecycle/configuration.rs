//! A grant rests on its client, its user, its scopes' names and the keys of
//! handles. What becomes of it when they change.

use smallgate_core::jwt::{Claim, TokenFormat};
use smallgate_core::oauth::{HandleKeys, MasterKey, Slot, State};
use smallgate_core::profile::{DRESSIPI, Profile, STANDARD};
use smallgate_core::scope::ScopeSet;
use smallgate_core::time::UnixTime;
use smallgate_tests::flow::{ASK_S256, DEMO, Settings, VERIFIER};
use smallgate_tests::rig::{Rig, START};

/// A grant for `read write`, with a code that is out or with tokens.
struct Standing {
    rig: Rig,
    settings: Settings,
    code: Option<String>,
    refresh: String,
    access: String,
}

fn standing(pending: bool) -> Standing {
    let settings = Settings::new(STANDARD);
    let mut rig = settings.rig();
    let ask = [ASK_S256, &[("scope", "read write")]].concat();
    let code = rig.code(DEMO, &ask);
    let mut standing = Standing {
        rig,
        settings,
        code: None,
        refresh: String::new(),
        access: String::new(),
    };
    if pending {
        standing.code = Some(code);
    } else {
        let reply = standing
            .rig
            .redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
        standing.refresh = reply.member("refresh_token");
        standing.access = reply.member("access_token");
    }
    standing
}

/// Restarts with `change`, and says whether the grant still stands: for a code,
/// for a refresh token and at a resource, which must agree.
#[track_caller]
fn stands_after(change: impl Fn(&mut Settings)) -> bool {
    let mut answers = Vec::new();
    for pending in [true, false] {
        let mut standing = standing(pending);
        let before = standing.rig.grant();
        let settings = standing.settings.with(&change);
        standing.rig.reconfigure(&settings);
        if !pending {
            answers.push(standing.rig.me(&standing.access).status == 200);
        }
        let reply = match &standing.code {
            Some(code) => standing
                .rig
                .redeem(DEMO, code, &[("code_verifier", VERIFIER)]),
            None => standing.rig.refresh(DEMO, &standing.refresh, &[]),
        };
        answers.push(reply.status == 200);
        if reply.status != 200 {
            assert_eq!(reply.status, 400, "{reply:?}");
            assert_eq!(reply.member("error"), "invalid_grant");
            assert_eq!(standing.rig.grant(), before, "nothing is written");
        }
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    answers[0]
}

#[test]
fn r24_a_grant_stands_when_nothing_changes() {
    assert!(stands_after(|_| {}));
}

#[test]
fn r24_the_users_removal_ends_the_grant() {
    assert!(!stands_after(|settings| settings.users.clear()));
}

#[test]
fn r24_another_user_with_the_same_name_is_not_the_same_user() {
    assert!(!stands_after(|settings| settings.users[0].subject = "94174"));
    // The name alone means nothing to the grant.
    assert!(stands_after(
        |settings| settings.users[0].username = "renamed"
    ));
}

#[test]
fn r24_the_clients_removal_ends_the_grant() {
    let mut standing = standing(false);
    let settings = standing
        .settings
        .with(|settings| settings.clients.retain(|client| client.id != "demo"));
    standing.rig.reconfigure(&settings);
    let reply = standing.rig.refresh(DEMO, &standing.refresh, &[]);
    assert_eq!(reply.status, 401);
    assert_eq!(reply.member("error"), "invalid_client");
    assert_eq!(standing.rig.me(&standing.access).status, 401);
}

#[test]
fn r24_grants_not_before_a_moment_are_void_at_every_level() {
    for (at, stands) in [(START.0, true), (START.0 + 1, false)] {
        assert_eq!(
            stands_after(|settings| settings.grants_not_before = at),
            stands
        );
        let client = |settings: &mut Settings| {
            settings.client("demo").grants_not_before = UnixTime(at);
        };
        assert_eq!(stands_after(client), stands);
        let user = |settings: &mut Settings| settings.users[0].grants_not_before = UnixTime(at);
        assert_eq!(stands_after(user), stands);
    }
    // Another client's or user's date is none of this grant's business.
    assert!(stands_after(|settings| {
        settings.client("other").grants_not_before = UnixTime(START.0 + 1);
    }));
}

#[test]
fn r24_the_names_of_scopes() {
    // A name that is moved, changed or taken away below the highest bit.
    for names in [
        ["write", "read", "ROLE_USER"],
        ["read", "writes", "ROLE_USER"],
        ["reads", "write", "ROLE_USER"],
        ["ROLE_USER", "read", "write"],
    ] {
        assert!(
            !stands_after(|settings| settings.scopes = names.to_vec()),
            "{names:?}"
        );
    }
    // What comes after the highest bit does not count.
    assert!(stands_after(|settings| settings.scopes.push("fourth")));
    assert!(stands_after(|settings| settings.scopes[2] = "renamed"));
    assert!(stands_after(|settings| settings.scopes.truncate(2)));
}

#[test]
fn r24_r28_a_scope_that_the_client_lost() {
    let only = |bits| {
        move |settings: &mut Settings| {
            let client = settings.client("demo");
            client.scopes = ScopeSet::from_bits(bits);
            client.default_scopes = ScopeSet::EMPTY;
        }
    };
    assert!(!stands_after(only(0b101)));
    assert!(stands_after(only(0b011)));
}

#[test]
fn r24_the_order_of_a_configuration_means_nothing() {
    assert!(stands_after(|settings| settings.clients.reverse()));
    assert!(stands_after(|settings| {
        let first = settings.users[0];
        settings.users.insert(
            0,
            smallgate_core::oauth::User {
                username: "somebody",
                subject: "1",
                ..first
            },
        );
    }));
}

#[test]
fn r24_handles_of_another_issuer() {
    for pending in [true, false] {
        let mut standing = standing(pending);
        let other = standing
            .settings
            .with(|settings| settings.issuer = "https://as2.example");
        standing.rig.reconfigure(&other);
        let reply = match &standing.code {
            Some(code) => standing
                .rig
                .redeem(DEMO, code, &[("code_verifier", VERIFIER)]),
            None => standing.rig.refresh(DEMO, &standing.refresh, &[]),
        };
        assert_eq!(reply.member("error"), "invalid_grant");
    }
}

fn keys(current: u8, slot: Slot, previous: Option<u8>) -> impl Fn(&mut Settings) {
    move |settings| {
        settings.handle_keys = HandleKeys {
            current: MasterKey::new([current; 32]),
            slot,
            previous: previous.map(|octet| MasterKey::new([octet; 32])),
        };
    }
}

#[test]
fn r39_the_previous_handle_key_still_verifies_and_then_not() {
    assert!(stands_after(keys(8, Slot::B, Some(9))));
    for change in [
        // The old key is let go.
        keys(8, Slot::B, None),
        // The same slot with another key.
        keys(8, Slot::A, None),
        keys(8, Slot::A, Some(9)),
        // The right key in the wrong slot.
        keys(9, Slot::B, None),
        keys(9, Slot::B, Some(8)),
    ] {
        for pending in [true, false] {
            let mut standing = standing(pending);
            standing.rig.reconfigure(&standing.settings.with(&change));
            let reply = match &standing.code {
                Some(code) => standing
                    .rig
                    .redeem(DEMO, code, &[("code_verifier", VERIFIER)]),
                None => standing.rig.refresh(DEMO, &standing.refresh, &[]),
            };
            assert_eq!(reply.member("error"), "invalid_grant");
            assert!(!matches!(standing.rig.grant().state, State::Revoked(_)));
        }
    }
}

#[test]
fn r39_after_a_key_change_the_successor_is_of_the_new_key() {
    let mut standing = standing(false);
    let both = standing.settings.with(keys(8, Slot::B, Some(9)));
    standing.rig.reconfigure(&both);
    let next = standing.rig.refresh(DEMO, &standing.refresh, &[]);
    let next = next.member("refresh_token");
    // In grace the old key's token gets the new key's again.
    let again = standing.rig.refresh(DEMO, &standing.refresh, &[]);
    assert_eq!(again.member("refresh_token"), next);
    let only = standing.settings.with(keys(8, Slot::B, None));
    standing.rig.reconfigure(&only);
    assert_eq!(standing.rig.refresh(DEMO, &next, &[]).status, 200);
    assert_eq!(
        standing.rig.refresh(DEMO, &standing.refresh, &[]).status,
        400
    );
    assert!(
        matches!(standing.rig.grant().state, State::Active { .. }),
        "a token of a key that is gone is no theft"
    );
}

/// A token that a client got for itself: no grant is stored.
fn own_token(change: impl FnOnce(&mut Settings)) -> (u16, bool) {
    let settings = Settings::new(STANDARD);
    let mut rig = settings.rig();
    let token = rig
        .token_request(DEMO, &[("grant_type", "client_credentials")])
        .member("access_token");
    assert_eq!(rig.me(&token).status, 200);
    rig.reconfigure(&settings.with(change));
    described(&mut rig, &token)
}

/// What a resource answers, and whether another client is told that it is active.
fn described(rig: &mut Rig, token: &str) -> (u16, bool) {
    let who = [
        ("client_id", "other"),
        ("client_secret", smallgate_tests::rig::SECRET),
        ("token", token),
    ];
    let active = rig.post("/oauth/introspect", &who).json()["active"] == true;
    (rig.me(token).status, active)
}

#[test]
fn r24_a_clients_own_token_ends_with_its_client() {
    let after = UnixTime(START.0 + 1);
    assert_eq!(own_token(|_| {}), (200, true));
    let dated = own_token(|settings| settings.client("demo").grants_not_before = after);
    assert_eq!(dated, (401, false));
    let all = own_token(|settings| settings.grants_not_before = after.0);
    assert_eq!(all, (401, false));
    let gone = own_token(|settings| settings.clients.retain(|client| client.id != "demo"));
    assert_eq!(gone, (401, false));
}

/// A token that does not name its grant, of this format.
fn nameless_token(access_token: TokenFormat, change: impl FnOnce(&mut Settings)) -> (u16, bool) {
    let settings = Settings::new(Profile {
        access_token,
        ..STANDARD
    });
    let mut rig = settings.rig();
    let code = rig.code(DEMO, ASK_S256);
    let reply = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    let token = reply.member("access_token");
    assert_eq!(rig.me(&token).status, 200);
    rig.reconfigure(&settings.with(change));
    described(&mut rig, &token)
}

#[test]
fn r24_a_token_without_a_grants_name_ends_with_its_user() {
    let after = UnixTime(START.0 + 1);
    // Dressipi's does not name its client either.
    let named = TokenFormat {
        claims: &[
            Claim::Issuer,
            Claim::Subject,
            Claim::Audience,
            Claim::ClientId,
            Claim::IssuedAt,
            Claim::ExpiresAt,
        ],
        ..TokenFormat::ACCESS_TOKEN
    };
    for format in [DRESSIPI.access_token, named] {
        assert_eq!(nameless_token(format, |_| {}), (200, true));
        let gone = nameless_token(format, |settings| settings.users.clear());
        assert_eq!(gone, (401, false));
        let dated = nameless_token(format, |settings| {
            settings.users[0].grants_not_before = after;
        });
        assert_eq!(dated, (401, false));
    }
}
