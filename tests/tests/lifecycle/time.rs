//! Every second that matters: the ends of codes, grace, idle time and grants,
//! and clocks that can not be trusted.

use smallgate_core::oauth::{Clock, Grant, GrantId, Reason, Record, State, Tag};
use smallgate_core::profile::{GrantType, GrantTypes, STANDARD};
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_tests::flow::{ASK_S256, DEMO, Settings, VERIFIER};
use smallgate_tests::rig::{GRANTS, Reply, Rig, START};

fn settings(skew: u32) -> Settings {
    Settings::new(STANDARD).with(|settings| settings.skew = skew)
}

fn at(rig: &mut Rig, seconds: u64) {
    rig.clock.now = Some(UnixTime(START.0 + seconds));
}

#[test]
fn r20_a_code_ends_at_exactly_its_second_and_the_skew_after() {
    for lifetime in [1, 60, 600] {
        for skew in [0, 5] {
            for (passed, status) in [(lifetime + skew - 1, 200), (lifetime + skew, 400)] {
                let mut rig = settings(skew)
                    .with(|settings| settings.profile.lifetimes.code = Seconds(lifetime))
                    .rig();
                let code = rig.code(DEMO, ASK_S256);
                at(&mut rig, u64::from(passed));
                let reply = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
                assert_eq!(reply.status, status, "{lifetime} {skew} {passed}");
            }
        }
    }
}

#[test]
fn r20_no_configuration_lets_a_code_live_for_more_than_ten_minutes() {
    let long = settings(0).with(|settings| settings.profile.lifetimes.code = Seconds(601));
    let refused = smallgate_core::oauth::AuthorizationServer::new(long.build());
    assert_eq!(
        refused.unwrap_err(),
        smallgate_core::oauth::ConfigurationError::CodeLifetime
    );
}

#[test]
fn r27_grace_ends_at_exactly_its_second_and_the_skew_after() {
    for skew in [0, 5] {
        for (passed, status) in [(9 + u64::from(skew), 200), (10 + u64::from(skew), 400)] {
            let mut rig = settings(skew).rig();
            let first = rig.first_tokens(DEMO).member("refresh_token");
            at(&mut rig, 1000);
            let second = rig.refresh(DEMO, &first, &[]).member("refresh_token");
            at(&mut rig, 1000 + passed);
            let reply = rig.refresh(DEMO, &first, &[]);
            assert_eq!(reply.status, status, "{skew} {passed}");
            let goes_on = rig.refresh(DEMO, &second, &[]).status;
            assert_eq!(goes_on, status, "revoked, or not");
        }
    }
}

#[test]
fn r27_r30_grace_counts_from_serving_since() {
    for (since, passed, status) in [(500, 9, 200), (500, 10, 400), (0, 500, 400)] {
        let mut rig = settings(0).rig();
        let first = rig.first_tokens(DEMO).member("refresh_token");
        let second = rig.refresh(DEMO, &first, &[]).member("refresh_token");
        // The power fails here, and the response with it.
        rig.clock.serving_since = UnixTime(START.0 + since);
        at(&mut rig, since + passed);
        let reply = rig.refresh(DEMO, &first, &[]);
        assert_eq!(reply.status, status, "{since} {passed}");
        if status == 200 {
            assert_eq!(reply.member("refresh_token"), second);
        }
    }
}

#[test]
fn r27_serving_since_gives_no_grace_to_what_is_two_generations_old() {
    let mut rig = settings(0).rig();
    let first = rig.first_tokens(DEMO).member("refresh_token");
    let second = rig.refresh(DEMO, &first, &[]).member("refresh_token");
    rig.refresh(DEMO, &second, &[]);
    at(&mut rig, 500);
    rig.clock.serving_since = UnixTime(START.0 + 500);
    assert_eq!(rig.refresh(DEMO, &first, &[]).status, 400);
    assert_eq!(rig.grant().state, State::Revoked(Reason::RefreshReused));
}

#[test]
fn r29_idle_expiry_counts_from_the_last_rotation() {
    let idle = 30 * 86_400;
    for (passed, status) in [(idle - 1, 200), (idle, 400)] {
        let mut rig = settings(0).rig();
        let first = rig.first_tokens(DEMO).member("refresh_token");
        at(&mut rig, 86_400);
        let second = rig.refresh(DEMO, &first, &[]).member("refresh_token");
        at(&mut rig, 86_400 + passed);
        assert_eq!(rig.refresh(DEMO, &second, &[]).status, status);
    }
}

#[test]
fn r29_absolute_expiry_comes_however_often_it_is_used() {
    let mut rig = settings(0).rig();
    let mut token = rig.first_tokens(DEMO).member("refresh_token");
    let end = 90 * 86_400;
    for now in (86_400..end).step_by(86_400 * 20).chain([end - 1]) {
        at(&mut rig, now);
        let reply = rig.refresh(DEMO, &token, &[]);
        assert_eq!(reply.status, 200, "{now}");
        token = reply.member("refresh_token");
    }
    at(&mut rig, end);
    assert_eq!(rig.refresh(DEMO, &token, &[]).status, 400);
    // Not revoked, just over: no theft is reported.
    assert!(matches!(rig.grant().state, State::Active { .. }));
}

#[test]
fn r29_grace_does_not_outlive_the_grant() {
    let end = 90 * 86_400;
    let mut rig = settings(0)
        .with(|settings| settings.profile.lifetimes.refresh_idle = Seconds::days(90))
        .rig();
    let first = rig.first_tokens(DEMO).member("refresh_token");
    at(&mut rig, end - 1);
    assert_eq!(rig.refresh(DEMO, &first, &[]).status, 200);
    at(&mut rig, end);
    assert_eq!(rig.refresh(DEMO, &first, &[]).status, 400);
}

#[test]
fn r40_without_a_clock_nothing_is_issued_or_written() {
    let mut rig = settings(0).rig();
    let code = rig.code(DEMO, ASK_S256);
    let pending = rig.grant();
    rig.clock.now = None;
    let redeemed = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    let own = rig.token_request(DEMO, &[("grant_type", "client_credentials")]);
    for reply in [redeemed, own] {
        assert_eq!(reply.status, 503);
        assert_eq!(reply.member("error"), "temporarily_unavailable");
        assert!(reply.header("retry-after").is_some());
        assert!(reply.events[0].contains("ClockUnset"), "{:?}", reply.events);
    }
    assert_eq!(rig.grant(), pending);
}

#[test]
fn r40_a_clock_that_went_back_is_named_and_revokes_nothing() {
    for skew in [0, 5] {
        let mut rig = settings(skew).rig();
        let first = rig.first_tokens(DEMO).member("refresh_token");
        at(&mut rig, 100);
        let second = rig.refresh(DEMO, &first, &[]).member("refresh_token");
        let grant = rig.grant();
        let floor = UnixTime(START.0 + 100);
        let back = |now: u64| Clock {
            now: Some(UnixTime(now)),
            floor,
            serving_since: UnixTime(0),
        };
        rig.clock = back(floor.0 - u64::from(skew) - 1);
        for token in [&first, &second] {
            let reply = rig.refresh(DEMO, token, &[]);
            assert_eq!(reply.status, 503);
            assert!(
                reply.events[0].contains("ClockWentBack"),
                "{:?}",
                reply.events
            );
        }
        assert_eq!(rig.grant(), grant);
        // Within the skew it is another owner's clock, and fine.
        rig.clock = back(floor.0 - u64::from(skew));
        assert_eq!(rig.refresh(DEMO, &second, &[]).status, 200);
    }
}

#[test]
fn r40_an_age_that_would_be_negative_is_zero() {
    let mut rig = settings(60).rig();
    rig.clock.now = Some(UnixTime(START.0 + 30));
    let first = rig.first_tokens(DEMO).member("refresh_token");
    // Another owner's clock is half a minute behind the one that made it.
    at(&mut rig, 0);
    let reply = rig.refresh(DEMO, &first, &[]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(rig.grant().touched, 0);
    assert_eq!(rig.refresh(DEMO, &first, &[]).status, 200, "in grace");
}

#[test]
fn r40_a_clock_that_went_back_makes_no_token_good_again() {
    let mut rig = Rig::new(STANDARD);
    let token = rig
        .token_request(DEMO, &[("grant_type", "client_credentials")])
        .member("access_token");
    rig.pass(3600);
    assert_eq!(rig.me(&token).status, 401);
    rig.clock.floor = rig.clock.now.expect("set");
    rig.clock.now = Some(smallgate_core::time::UnixTime(rig.clock.floor.0 - 1800));
    let reply = rig.me(&token);
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").is_some());
}

// Grants without refresh tokens.

const ACCESS: u64 = 3600;

/// Codes are redeemed for an access token alone, which outlives the idle time
/// that refresh tokens would have.
fn without_refresh() -> Settings {
    settings(0).with(|settings| {
        settings.profile.lifetimes.refresh_idle = Seconds(600);
        settings.client("demo").grant_types = GrantTypes::of(&[GrantType::AuthorizationCode]);
    })
}

fn redeemed(rig: &mut Rig) -> (String, Reply) {
    let code = rig.code(DEMO, ASK_S256);
    let reply = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["refresh_token"], serde_json::Value::Null);
    (code, reply)
}

#[test]
fn r29_a_grant_without_refresh_tokens_is_kept_until_its_access_token_ends() {
    let mut rig = without_refresh().rig();
    redeemed(&mut rig);
    let grant = rig.grant();
    assert!(!grant.refreshable);
    assert_eq!(grant.keep_until, UnixTime(START.0 + ACCESS));
    // With them it is kept for them.
    let mut rig = settings(0).rig();
    rig.first_tokens(DEMO);
    assert_eq!(rig.grant().keep_until, UnixTime(START.0 + 30 * 86_400));
}

#[test]
fn r29_a_grant_without_refresh_tokens_gives_its_slot_back_with_its_access_token() {
    let mut rig = without_refresh().rig();
    redeemed(&mut rig);
    let grant = rig.grant();
    // Everybody else's grants fill the store, for long.
    for at in 1..GRANTS {
        let other = Grant {
            id: GrantId::new([at as u8; 12]),
            user: Some(Tag::user(&at.to_string())),
            keep_until: UnixTime(START.0 + 10 * ACCESS),
            ..grant
        };
        let record = Record::new(&other);
        let write = Write::Record(&record);
        let done = rig.store.commit(START, &other.id, Seen::ABSENT, write);
        assert_eq!(done, Committed::Done);
    }
    for (passed, status) in [(ACCESS - 1, 503), (ACCESS, 303)] {
        at(&mut rig, passed);
        let page = rig.ask(&[("response_type", "code"), ("client_id", "demo")]);
        assert_eq!(rig.approve(&page).status, status, "{passed}");
    }
    assert_eq!(rig.store.len(), GRANTS);
    assert!(rig.store.records().all(|record| record.id() != grant.id));
}

#[test]
fn r19_a_replayed_code_revokes_while_the_access_token_lives() {
    let replays = [
        (1, State::Revoked(Reason::CodeReplayed)),
        (ACCESS - 1, State::Revoked(Reason::CodeReplayed)),
        // Nothing is left to be revoked, nor to be written.
        (ACCESS, State::Active { generation: 1 }),
    ];
    for (passed, state) in replays {
        let mut rig = without_refresh().rig();
        let (code, reply) = redeemed(&mut rig);
        at(&mut rig, passed);
        let replay = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
        assert_eq!(replay.member("error"), "invalid_grant", "{passed}");
        assert_eq!(rig.grant().state, state, "{passed}");
        assert_eq!(rig.me(&reply.member("access_token")).status, 401);
    }
}
