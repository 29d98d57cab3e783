//! Codes at the token endpoint, made by the test: R18 to R22.

use smallgate_core::oauth::{Grant, GrantId, Origin, Reason, Record, State, Tag};
use smallgate_core::profile;
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_tests::rig::{Rig, START, finish};

use crate::lifecycle::{assert_refused, race, refresh, state};
use crate::support::{CODE, CodeBinding, Handle, Scripted, basic, claims};

/// 43 characters, the least RFC 7636 §4.1 allows.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REDIRECT: &str = "https://client.example/cb";

/// A pending grant in the store, and the code that goes with it.
fn pending(rig: &mut Rig, client: &'static str, bound: CodeBinding<'_>) -> String {
    let grant = Grant {
        id: GrantId([0xC0; 12]),
        state: State::Pending,
        client: Tag::client(client),
        user: Some(Tag::user("94173")),
        refreshable: true,
        reuse: false,
        origin: Origin::Code,
        scope: ScopeSet::from_bits(0b011),
        scope_names: rig
            .server
            .configuration()
            .scopes
            .fingerprint(ScopeSet::from_bits(0b011)),
        nonce: [1; 4],
        created: START,
        touched: 0,
        ends: UnixTime(START.0 + 60),
        keep_until: UnixTime(START.0 + 60),
    };
    let record = Record::new(&grant);
    let done = rig
        .store
        .commit(START, &grant.id, Seen::ABSENT, Write::Record(&record));
    assert_eq!(done, Committed::Done);
    let handle = Handle {
        master: [9; 32],
        issuer: "https://as.example",
        client,
        head: CODE,
        grant: grant.id.0,
        generation: 0,
        code: Some(bound),
    };
    handle.text()
}

const BOUND: CodeBinding<'static> = CodeBinding {
    verifier: Some(VERIFIER),
    redirect_uri: Some(REDIRECT),
};

fn redemption(code: &str) -> String {
    format!(
        "grant_type=authorization_code&code={code}&redirect_uri={REDIRECT}&code_verifier={VERIFIER}"
    )
}

#[test]
fn r19_second_use_of_a_code_revokes_what_the_first_gave() {
    let mut rig = Rig::new(profile::STANDARD);
    let code = pending(&mut rig, "demo", BOUND);
    let first = rig.token(Some(&basic("demo")), &redemption(&code));
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(claims(&first.member("access_token"))["sub"], "94173");
    let again = rig.token(Some(&basic("demo")), &redemption(&code));
    assert_refused(&again, "CodeReplayed");
    assert_eq!(again.member("error"), "invalid_grant");
    assert_eq!(state(&rig), State::Revoked(Reason::CodeReplayed));
    assert_refused(
        &refresh(&mut rig, &first.member("refresh_token")),
        "GrantRevoked",
    );
    assert_refused(
        &rig.token(Some(&basic("demo")), &redemption(&code)),
        "GrantRevoked",
    );
}

#[test]
fn r18_of_forty_parallel_redemptions_one_wins_and_the_losers_revoke_it() {
    let mut rig = Rig::new(profile::STANDARD);
    let code = pending(&mut rig, "demo", BOUND);
    let body = redemption(&code);
    let replies = race(&mut rig, &[("demo", body.as_str()); 40]);
    let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 39));
    assert!(
        lost.iter()
            .all(|reply| reply.member("error") == "invalid_grant")
    );
    assert_eq!(state(&rig), State::Revoked(Reason::CodeReplayed));
}

#[test]
fn r20_code_is_good_for_sixty_seconds() {
    for (age, status) in [(0, 200), (59, 200), (60, 400), (3600, 400)] {
        let mut rig = Rig::new(profile::STANDARD);
        let code = pending(&mut rig, "demo", BOUND);
        rig.pass(age);
        let reply = rig.token(Some(&basic("demo")), &redemption(&code));
        assert_eq!(reply.status, status, "after {age} s: {}", reply.body);
    }
}

/// Redeems a code bound to `bound` with `parameters`; what it cost the store.
fn bound(client: &'static str, bound: CodeBinding<'_>, parameters: &str) -> (String, usize) {
    let mut rig = Rig::new(profile::STANDARD);
    let code = pending(&mut rig, client, bound);
    let body = format!("grant_type=authorization_code&code={code}{parameters}");
    let mut grants = std::mem::take(&mut rig.store);
    let mut store = Scripted::new(&mut grants, &[]);
    let public = format!("{body}&client_id=public");
    let step = match client {
        "public" => rig.begin(None, &public),
        _ => rig.begin(Some(&basic(client)), &body),
    };
    let reply = finish(step, &mut store);
    let error = match reply.status {
        200 => "none".to_owned(),
        _ => reply.member("error"),
    };
    (error, store.calls.len())
}

#[test]
fn r21_r22_code_is_bound_to_verifier_and_redirect_uri() {
    let none = CodeBinding::default();
    let uri = CodeBinding {
        redirect_uri: Some(REDIRECT),
        ..none
    };
    let pkce = CodeBinding {
        verifier: Some(VERIFIER),
        ..none
    };
    let other = VERIFIER.replace('d', "e");
    let good = format!("&redirect_uri={REDIRECT}&code_verifier={VERIFIER}");
    let with_uri = format!("&redirect_uri={REDIRECT}");
    let with_verifier = format!("&code_verifier={VERIFIER}");
    let wrong_verifier = format!("{with_uri}&code_verifier={other}");
    let short = format!("{with_uri}&code_verifier={}", &VERIFIER[..42]);
    let wrong_uri = format!("{with_verifier}&redirect_uri={REDIRECT}/");
    let invalid = || ("invalid_grant".to_owned(), 0);
    let tokens = || ("none".to_owned(), 2);
    for (who, binding, parameters, expected) in [
        ("demo", BOUND, good.as_str(), tokens()),
        ("demo", BOUND, &with_uri, invalid()),
        ("demo", BOUND, &with_verifier, invalid()),
        ("demo", BOUND, "", invalid()),
        ("demo", BOUND, &wrong_verifier, invalid()),
        ("demo", BOUND, &wrong_uri, invalid()),
        ("demo", BOUND, &short, ("invalid_request".to_owned(), 0)),
        ("demo", uri, &with_uri, tokens()),
        ("demo", uri, &good, invalid()),
        ("demo", pkce, &with_verifier, tokens()),
        ("demo", none, "", tokens()),
        ("demo", none, &with_verifier, invalid()),
        ("public", BOUND, &good, tokens()),
        ("public", pkce, &with_verifier, tokens()),
        ("public", none, "", invalid()),
        ("public", uri, &with_uri, invalid()),
    ] {
        assert_eq!(
            bound(who, binding, parameters),
            expected,
            "{who} {parameters}"
        );
    }
}

#[test]
fn r21_code_is_bound_to_its_client() {
    let mut rig = Rig::new(profile::STANDARD);
    let code = pending(&mut rig, "demo", BOUND);
    assert_refused(
        &rig.token(Some(&basic("other")), &redemption(&code)),
        "CodeInvalid",
    );
    assert_eq!(
        state(&rig),
        State::Pending,
        "nobody can burn another's code"
    );
    assert_eq!(
        rig.token(Some(&basic("demo")), &redemption(&code)).status,
        200
    );
}
