//! What a stolen handle is worth: a test for each row of the table in the
//! documentation of `smallgate_core::oauth`, in its order and by its number.

use base64ct::{Base64, Encoding};
use smallgate_core::oauth::{Reason, State};
use smallgate_core::profile::{BREAKOUT, STANDARD};
use smallgate_core::time::UnixTime;
use smallgate_tests::flow::{
    ASK_S256, Call, DEMO, OTHER, PASSWORD, PUBLIC, Pairs, REDIRECT, Settings, USERNAME, VERIFIER,
    Who, encode, meddled, redemption, refreshing,
};
use smallgate_tests::rig::{Reply, Rig, SECRET, START};

/// Who knows the client's name and not its secret.
const NAMELESS: Who = Who("demo", false);
const PROVEN: Pairs<'static> = &[("code_verifier", VERIFIER)];
const INTROSPECT: &str = "/oauth/introspect";
const REVOKE: &str = "/oauth/revoke";
const INACTIVE: &str = "{\"active\":false}";

fn rig() -> Rig {
    Settings::new(STANDARD).rig()
}

/// The newest refresh token after `rotations` of them, and all before it.
fn rotated(rig: &mut Rig, who: Who, rotations: usize) -> Vec<String> {
    let mut tokens = vec![rig.first_tokens(who).member("refresh_token")];
    for at in 0..rotations {
        let reply = rig.refresh(who, &tokens[at], &[]);
        tokens.push(reply.member("refresh_token"));
    }
    tokens
}

fn show(rig: &mut Rig, path: &str, who: Who, token: &str) -> Reply {
    rig.post(path, &[&[("token", token)][..], &who.pairs()].concat())
}

/// The thief's request is refused, and no store is asked.
#[track_caller]
fn assert_unasked(rig: &mut Rig, who: Who, pairs: Pairs<'_>, (status, error): (u16, &str)) {
    let pairs = [pairs, &who.pairs()].concat();
    let call = Call::new("/oauth/token", &pairs, 1 << 40);
    let (reply, asked) = meddled(rig, call, |_, _, _| None);
    assert_eq!(
        (reply.status, reply.member("error").as_str()),
        (status, error)
    );
    assert_eq!(asked, []);
}

#[track_caller]
fn assert_refused(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.member("error").as_str()),
        (400, "invalid_grant")
    );
}

#[track_caller]
fn assert_lost(rig: &Rig, reason: Reason) {
    assert_eq!(rig.grant().state, State::Revoked(reason));
}

#[test]
fn r09_row_1_a_code_without_the_clients_secret() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    let pairs = [&redemption(&code)[..], PROVEN].concat();
    assert_unasked(&mut rig, NAMELESS, &pairs, (401, "invalid_client"));
    assert_eq!(rig.redeem(DEMO, &code, PROVEN).status, 200);
}

#[test]
fn r22_row_2_a_code_without_its_verifier() {
    for who in [DEMO, PUBLIC] {
        let mut rig = rig();
        let code = rig.code(who, ASK_S256);
        let guess = "g".repeat(43);
        for verifier in [&[][..], &[("code_verifier", guess.as_str())]] {
            let pairs = [&redemption(&code)[..], verifier].concat();
            assert_unasked(&mut rig, who, &pairs, (400, "invalid_grant"));
        }
        assert_eq!(rig.redeem(who, &code, PROVEN).status, 200);
    }
}

#[test]
fn r21_row_3_a_code_without_its_redirect_uri() {
    let mut rig = rig();
    let named = [("redirect_uri", REDIRECT)];
    let code = rig.code(DEMO, &named);
    for uri in [&[][..], &[("redirect_uri", "https://client.example/other")]] {
        let pairs = [&redemption(&code)[..], uri].concat();
        assert_unasked(&mut rig, DEMO, &pairs, (400, "invalid_grant"));
    }
    assert_eq!(rig.redeem(DEMO, &code, &named).status, 200);
}

#[test]
fn r19_row_4_a_code_before_the_owner() {
    let mut rig = rig();
    let code = rig.code(DEMO, &[]);
    let thiefs = rig.redeem(DEMO, &code, &[]);
    assert_eq!(thiefs.status, 200);
    assert_refused(&rig.redeem(DEMO, &code, &[]));
    assert_lost(&rig, Reason::CodeReplayed);
    assert_refused(&rig.refresh(DEMO, &thiefs.member("refresh_token"), &[]));
    assert_eq!(rig.me(&thiefs.member("access_token")).status, 401);
}

#[test]
fn r19_row_5_a_code_after_the_owner() {
    // Long after the code's own end, too.
    for passed in [0, 61, 29 * 86_400] {
        let mut rig = rig();
        let code = rig.code(DEMO, &[]);
        let owners = rig.redeem(DEMO, &code, &[]);
        rig.pass(passed);
        assert_refused(&rig.redeem(DEMO, &code, &[]));
        assert_lost(&rig, Reason::CodeReplayed);
        assert_refused(&rig.refresh(DEMO, &owners.member("refresh_token"), &[]));
    }
}

#[test]
fn r20_row_6_a_code_after_its_end() {
    let mut rig = rig();
    let code = rig.code(DEMO, &[]);
    rig.pass(60);
    assert_refused(&rig.redeem(DEMO, &code, &[]));
    assert_eq!(rig.grant().state, State::Pending);
}

#[test]
fn r49_r50_row_7_a_code_where_tokens_are_shown() {
    let mut rig = rig();
    let code = rig.code(DEMO, &[]);
    let told = show(&mut rig, INTROSPECT, DEMO, &code);
    assert_eq!(told.body, INACTIVE);
    let done = show(&mut rig, REVOKE, DEMO, &code);
    assert_eq!((done.status, done.body.as_str()), (200, ""));
    assert_eq!(rig.redeem(DEMO, &code, &[]).status, 200);
}

#[test]
fn r09_row_8_a_refresh_token_without_the_clients_secret() {
    let mut rig = rig();
    let token = rotated(&mut rig, DEMO, 0).remove(0);
    assert_unasked(
        &mut rig,
        NAMELESS,
        &refreshing(&token),
        (401, "invalid_client"),
    );
    assert_eq!(rig.refresh(DEMO, &token, &[]).status, 200);
}

#[test]
fn r25_row_9_the_newest_refresh_token_before_the_owner() {
    for (passed, status) in [(9, 200), (10, 400)] {
        let mut rig = rig();
        let token = rotated(&mut rig, PUBLIC, 0).remove(0);
        let thiefs = rig.refresh(PUBLIC, &token, &[]).member("refresh_token");
        rig.pass(passed);
        let owners = rig.refresh(PUBLIC, &token, &[]);
        assert_eq!(owners.status, status);
        if status == 200 {
            assert_eq!(owners.member("refresh_token"), thiefs);
        } else {
            assert_lost(&rig, Reason::RefreshReused);
            assert_refused(&rig.refresh(PUBLIC, &thiefs, &[]));
        }
    }
}

/// Both hold `token`: what whoever rotates it second gets, in time and later.
fn shared(mut rig: Rig, token: &str) {
    let first = rig.refresh(PUBLIC, token, &[]).member("refresh_token");
    rig.pass(9);
    let second = rig.refresh(PUBLIC, token, &[]);
    assert_eq!(second.member("refresh_token"), first, "shared again");
    let third = rig.refresh(PUBLIC, &first, &[]);
    assert_eq!(third.status, 200);
    rig.pass(10);
    assert_refused(&rig.refresh(PUBLIC, &first, &[]));
    assert_lost(&rig, Reason::RefreshReused);
}

#[test]
fn r27_row_10_the_predecessor_within_the_grace() {
    let mut rig = rig();
    let tokens = rotated(&mut rig, PUBLIC, 1);
    rig.pass(9);
    let thiefs = rig.refresh(PUBLIC, &tokens[0], &[]);
    assert_eq!(thiefs.member("refresh_token"), tokens[1]);
    shared(rig, &tokens[1]);
}

#[test]
fn r27_row_11_the_predecessor_after_the_server_came_back() {
    let mut rig = rig();
    let tokens = rotated(&mut rig, PUBLIC, 1);
    rig.pass(1000);
    rig.clock.serving_since = UnixTime(START.0 + 1000);
    rig.pass(9);
    let thiefs = rig.refresh(PUBLIC, &tokens[0], &[]);
    assert_eq!(thiefs.member("refresh_token"), tokens[1]);
    shared(rig, &tokens[1]);
}

#[test]
fn r25_row_12_the_predecessor_after_the_grace_or_an_older_one() {
    for (which, passed) in [(1, 10), (0, 0)] {
        let mut rig = rig();
        let tokens = rotated(&mut rig, PUBLIC, 2);
        rig.pass(passed);
        assert_refused(&rig.refresh(PUBLIC, &tokens[which], &[]));
        assert_lost(&rig, Reason::RefreshReused);
        assert_refused(&rig.refresh(PUBLIC, &tokens[2], &[]));
    }
}

#[test]
fn r49_row_13_any_token_of_a_public_client_shown_at_revocation() {
    for which in 0..4 {
        let mut rig = rig();
        let first = rig.first_tokens(PUBLIC);
        let second = rig.refresh(PUBLIC, &first.member("refresh_token"), &[]);
        let stolen = [&first, &second]
            .map(|reply| [reply.member("refresh_token"), reply.member("access_token")])
            .concat();
        rig.pass(1000);
        // A confidential client's secret would be asked for.
        let named = show(&mut rig, REVOKE, NAMELESS, &stolen[which]);
        assert_eq!(named.status, 401);
        let done = show(&mut rig, REVOKE, PUBLIC, &stolen[which]);
        assert_eq!((done.status, done.body.as_str()), (200, ""));
        assert_lost(&rig, Reason::Requested);
        assert_refused(&rig.refresh(PUBLIC, &second.member("refresh_token"), &[]));
    }
    let mut rig = rig();
    let access = rig.first_tokens(PUBLIC).member("access_token");
    rig.pass(3600);
    show(&mut rig, REVOKE, PUBLIC, &access);
    assert_eq!(rig.grant().state, State::Active { generation: 1 });
}

#[test]
fn r50_row_14_a_refresh_token_shown_at_introspection() {
    let mut rig = rig();
    let tokens = rotated(&mut rig, DEMO, 2);
    let told: Vec<_> = tokens
        .iter()
        .map(|token| show(&mut rig, INTROSPECT, DEMO, token).body)
        .collect();
    assert_eq!(told[0], INACTIVE, "too late");
    assert_eq!(told[1], told[2]);
    assert_ne!(told[2], INACTIVE);
    for who in [OTHER, NAMELESS] {
        let answer = show(&mut rig, INTROSPECT, who, &tokens[2]);
        assert!(
            answer.status == 401 || answer.body == INACTIVE,
            "{answer:?}"
        );
    }
    assert_eq!(rig.grant().state, State::Active { generation: 3 });
    assert_eq!(rig.refresh(DEMO, &tokens[2], &[]).status, 200);
    let own = rotated(&mut rig, PUBLIC, 0).remove(0);
    assert_eq!(show(&mut rig, INTROSPECT, PUBLIC, &own).status, 401);
}

#[test]
fn r29_row_15_any_handle_after_the_end() {
    // Revoked; idle; rotated every 29 days until the absolute end.
    for (revoked, passes) in [(true, &[0][..]), (false, &[30]), (false, &[29, 29, 29, 3])] {
        let mut rig = rig();
        let code = rig.code(DEMO, &[]);
        let mut newest = rig.redeem(DEMO, &code, &[]).member("refresh_token");
        let mut tokens = vec![newest.clone()];
        if revoked {
            show(&mut rig, REVOKE, DEMO, &newest);
        }
        for (at, days) in passes.iter().enumerate() {
            rig.pass(days * 86_400);
            if at + 1 < passes.len() {
                newest = rig.refresh(DEMO, &newest, &[]).member("refresh_token");
                tokens.push(newest.clone());
            }
        }
        let before = rig.grant();
        for token in &tokens {
            assert_refused(&rig.refresh(DEMO, token, &[]));
        }
        assert_refused(&rig.redeem(DEMO, &code, &[]));
        assert_eq!(rig.grant(), before, "nothing is written");
    }
}

#[test]
fn r25_row_16_a_refresh_token_that_stays_good() {
    let mut rig = Settings::new(BREAKOUT).rig();
    let basic = Base64::encode_string(format!("demo:{SECRET}").as_bytes());
    let basic = format!("Basic {basic}");
    let login = [
        ("grant_type", "password"),
        ("username", USERNAME),
        ("password", PASSWORD),
    ];
    let token = rig
        .token(Some(&basic), &encode(&login))
        .member("refresh_token");
    let form = encode(&refreshing(&token));
    let ends = rig.grant().ends;
    // Thief and owner in turn, neither in the other's way.
    for days in [1, 20, 20, 20, 20, 20] {
        rig.pass(days * 86_400);
        let status = if rig.clock.now < Some(ends) { 200 } else { 400 };
        for _thief_and_owner in 0..2 {
            assert_eq!(rig.token(Some(&basic), &form).status, status);
        }
    }
    assert!(rig.clock.now >= Some(ends));
}

#[test]
fn r42_r49_row_17_an_access_token() {
    let mut rig = rig();
    let first = rig.first_tokens(DEMO);
    let access = first.member("access_token");
    assert_eq!(rig.me(&access).status, 200);
    let told = show(&mut rig, INTROSPECT, OTHER, &access);
    assert_eq!(told.json()["username"], USERNAME);
    assert_unasked(&mut rig, DEMO, &refreshing(&access), (400, "invalid_grant"));
    assert_unasked(&mut rig, DEMO, &redemption(&access), (400, "invalid_grant"));
    show(&mut rig, REVOKE, DEMO, &first.member("refresh_token"));
    assert_eq!(rig.me(&access).status, 401);
}
