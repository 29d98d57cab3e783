//! The table of what each record says to each handle, and races between
//! requests, interleaved by hand.

use smallgate_core::oauth::{Event, Reason, Record, State, Step};
use smallgate_core::profile::{self, Profile, Rotation};
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Loaded, MemoryStore, Seen, Store, Write};
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_tests::rig::{GRANTS, Reply, Rig, START, finish};

use crate::support::{Act, Call, Handle, ROTATING, Scripted, basic, claims};

const FIRST: &str = "grant_type=client_credentials&scope=read+write";
const DAY: u64 = 86_400;

fn first(rig: &mut Rig) -> String {
    let reply = rig.token(Some(&basic("demo")), FIRST);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.member("refresh_token")
}

fn body(token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={token}")
}

pub(crate) fn refresh(rig: &mut Rig, token: &str) -> Reply {
    rig.token(Some(&basic("demo")), &body(token))
}

/// The refresh token that a refresh gives.
fn next(rig: &mut Rig, token: &str) -> String {
    let reply = refresh(rig, token);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.member("refresh_token")
}

pub(crate) fn assert_refused(reply: &Reply, cause: &str) {
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(
        reply.events.concat().contains(cause),
        "{cause}: {:?}",
        reply.events
    );
    let members: Vec<_> = reply.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["error", "error_description"]);
}

pub(crate) fn state(rig: &Rig) -> State {
    let mut grants = rig.store.records().map(|record| record.grant().unwrap());
    let state = grants.next().unwrap().state;
    assert!(grants.next().is_none());
    state
}

#[test]
fn r25_refresh_gives_a_new_token_each_time() {
    let mut rig = Rig::new(ROTATING);
    let mut tokens = vec![first(&mut rig)];
    for generation in 2..=20 {
        rig.pass(11);
        let token = next(&mut rig, tokens.last().unwrap());
        assert!(!tokens.contains(&token));
        tokens.push(token);
        assert_eq!(state(&rig), State::Active { generation });
    }
    assert_eq!(rig.store.len(), 1);
}

#[test]
fn r25_replaced_token_after_the_grace_revokes_the_family() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let r2 = next(&mut rig, &r1);
    rig.pass(10);
    let reply = refresh(&mut rig, &r1);
    assert_refused(&reply, "RefreshReused");
    assert!(
        reply.events.iter().any(|event| event.contains("Revoked {")),
        "{:?}",
        reply.events
    );
    assert_eq!(state(&rig), State::Revoked(Reason::RefreshReused));
    assert_refused(&refresh(&mut rig, &r2), "GrantRevoked");
    assert_refused(&refresh(&mut rig, &r1), "GrantRevoked");
}

#[test]
fn r27_immediate_predecessor_in_grace_gets_the_same_successor() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let r2 = next(&mut rig, &r1);
    for _ in 0..9 {
        rig.pass(1);
        assert_eq!(next(&mut rig, &r1), r2);
    }
    assert_eq!(state(&rig), State::Active { generation: 2 });
    let r3 = next(&mut rig, &r2);
    assert_ne!(r3, r2);
}

#[test]
fn r27_predecessor_in_grace_is_confirmed_and_not_written() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    next(&mut rig, &r1);
    let mut grants = std::mem::take(&mut rig.store);
    let mut store = Scripted::new(&mut grants, &[]);
    let reply = finish(rig.begin(Some(&basic("demo")), &body(&r1)), &mut store);
    assert_eq!(
        (reply.status, store.calls),
        (200, vec![Call::Load, Call::Confirm])
    );
}

#[test]
fn r27_token_two_generations_old_revokes_even_in_grace() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let r2 = next(&mut rig, &r1);
    let r3 = next(&mut rig, &r2);
    assert_refused(&refresh(&mut rig, &r1), "RefreshReused");
    assert_refused(&refresh(&mut rig, &r3), "GrantRevoked");
}

#[test]
fn r27_grace_starts_anew_when_serving_does() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let r2 = next(&mut rig, &r1);
    rig.pass(3600);
    rig.clock.serving_since = UnixTime(START.0 + 3595);
    assert_eq!(next(&mut rig, &r1), r2, "the client could not come earlier");
    rig.pass(5);
    assert_refused(&refresh(&mut rig, &r1), "RefreshReused");
}

fn with_grace(grace: u32) -> Rig {
    let lifetimes = profile::Lifetimes {
        grace: Seconds(grace),
        ..ROTATING.lifetimes
    };
    Rig::new(Profile {
        lifetimes,
        ..ROTATING
    })
}

#[test]
fn r27_no_grace_is_none() {
    let mut rig = with_grace(0);
    let r1 = first(&mut rig);
    next(&mut rig, &r1);
    assert_refused(&refresh(&mut rig, &r1), "RefreshReused");
}

/// Runs `count` requests so that all of them have read before any has written.
pub(crate) fn race(rig: &mut Rig, requests: &[(&str, &str)]) -> Vec<Reply> {
    let mut store = std::mem::take(&mut rig.store);
    let begun: Vec<_> = requests
        .iter()
        .map(
            |(client, body)| match rig.begin(Some(&basic(client)), body) {
                Step::Load(load) => {
                    let loaded = store.load(load.id());
                    load.resume(loaded)
                }
                other => other,
            },
        )
        .collect();
    let replies = begun
        .into_iter()
        .map(|step| finish(step, &mut store))
        .collect();
    rig.store = store;
    replies
}

#[test]
fn r26_forty_parallel_refreshes_give_one_lineage() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let body = body(&r1);
    let replies = race(&mut rig, &[("demo", body.as_str()); 40]);
    let mut tokens: Vec<_> = replies
        .iter()
        .map(|reply| reply.member("refresh_token"))
        .collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all of them got the same successor");
    assert_eq!(state(&rig), State::Active { generation: 2 });
    assert_eq!(refresh(&mut rig, &tokens[0]).status, 200);
}

#[test]
fn r26_losers_of_a_race_without_grace_revoke_nothing() {
    let mut rig = with_grace(0);
    let r1 = first(&mut rig);
    let body = body(&r1);
    let mut replies = race(&mut rig, &[("demo", body.as_str()); 40]);
    let losers = replies.split_off(1);
    for loser in &losers {
        assert_refused(loser, "RefreshRaced");
    }
    assert_eq!(state(&rig), State::Active { generation: 2 });
    let r2 = replies[0].member("refresh_token");
    assert_eq!(refresh(&mut rig, &r2).status, 200);
}

#[test]
fn revocation_that_cannot_be_committed_is_answered_later() {
    for refused in [Committed::Unavailable, Committed::Full] {
        let mut rig = Rig::new(ROTATING);
        let r1 = first(&mut rig);
        let r2 = next(&mut rig, &r1);
        rig.pass(10);
        let mut grants = std::mem::take(&mut rig.store);
        let mut store = Scripted::new(&mut grants, &[Act::Say(refused)]);
        let reply = finish(rig.begin(Some(&basic("demo")), &body(&r1)), &mut store);
        rig.store = grants;
        assert_eq!(reply.member("error"), "temporarily_unavailable");
        assert_eq!(reply.events.len(), 1, "no Revoked: {:?}", reply.events);
        assert_eq!(refresh(&mut rig, &r2).status, 200);
    }
}

/// A store that was restored from a backup.
#[test]
fn r30_handle_from_the_future_is_never_taken_for_theft() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let old = *rig.store.records().next().unwrap();
    let r2 = next(&mut rig, &r1);
    let mut restored = MemoryStore::<GRANTS>::new();
    restored.commit(START, &old.id(), Seen::ABSENT, Write::Record(&old));
    rig.store = MemoryStore::new();
    let mut store = Scripted::new(&mut restored, &[]);
    let reply = finish(rig.begin(Some(&basic("demo")), &body(&r2)), &mut store);
    assert_eq!(store.calls, [Call::Load; 4]);
    assert_eq!(reply.member("error"), "temporarily_unavailable");
    let futures = reply
        .events
        .iter()
        .filter(|event| event.contains("FromTheFuture"));
    assert_eq!(futures.count(), 1, "{:?}", reply.events);
    assert_eq!(restored.records().next(), Some(&old), "nothing was written");
    rig.store = restored;
    assert_eq!(
        next(&mut rig, &r1),
        r2,
        "whoever is behind goes on from there"
    );
}

#[test]
fn r29_refresh_token_that_is_not_used_ends_after_thirty_days() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    rig.pass(30 * DAY - 1);
    let r2 = next(&mut rig, &r1);
    rig.pass(30 * DAY);
    assert_refused(&refresh(&mut rig, &r2), "RefreshExpired");
}

#[test]
fn r29_grant_ends_after_ninety_days_however_often_it_is_used() {
    let mut rig = Rig::new(ROTATING);
    let mut token = first(&mut rig);
    for _ in 0..3 {
        rig.pass(30 * DAY - 1);
        token = next(&mut rig, &token);
    }
    rig.pass(2);
    token = next(&mut rig, &token);
    rig.pass(1);
    assert_refused(&refresh(&mut rig, &token), "RefreshExpired");
}

#[test]
fn r29_reused_token_that_stays_good_ends_in_the_same_way() {
    let mut rig = Rig::new(profile::BREAKOUT);
    let request = "grant_type=password&username=admin%40break-out.org&password=password";
    let token = rig
        .token(Some(&basic("demo")), request)
        .member("refresh_token");
    for _ in 0..8 {
        rig.pass(10 * DAY);
        assert_eq!(next(&mut rig, &token), token, "it stays");
    }
    rig.pass(10 * DAY - 1);
    assert_eq!(refresh(&mut rig, &token).status, 200);
    rig.pass(1);
    assert_refused(&refresh(&mut rig, &token), "RefreshExpired");
}

#[test]
fn reused_token_goes_on_under_rotation_by_the_rules_of_rotation() {
    let mut rig = Rig::new(profile::BREAKOUT);
    let request = "grant_type=password&username=admin%40break-out.org&password=password";
    let token = rig
        .token(Some(&basic("demo")), request)
        .member("refresh_token");
    let mut strict = Rig::new(Profile {
        rotation: Rotation::Rotate,
        ..profile::BREAKOUT
    });
    strict.store = std::mem::take(&mut rig.store);
    assert_ne!(next(&mut strict, &token), token);
}

#[test]
fn r28_scope_narrows_for_one_token_and_never_widens() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let asked = |rig: &mut Rig, token: &str, scope: &str| {
        rig.token(
            Some(&basic("demo")),
            &format!("{}&scope={scope}", body(token)),
        )
    };
    let narrow = asked(&mut rig, &r1, "write");
    assert_eq!(claims(&narrow.member("access_token"))["scope"], "write");
    let r2 = narrow.member("refresh_token");
    assert_refused(&asked(&mut rig, &r2, "read+ROLE_USER"), "cause: Scope");
    assert_refused(&asked(&mut rig, &r2, "unknown"), "cause: Scope");
    let whole = refresh(&mut rig, &r2);
    assert_eq!(claims(&whole.member("access_token"))["scope"], "read write");
}

/// The same rig with another configuration, as after a restart.
fn reconfigured(
    rig: Rig,
    change: impl FnOnce(&mut smallgate_core::oauth::Configuration<'static>),
) -> Rig {
    let mut configuration = smallgate_tests::rig::configuration(ROTATING);
    change(&mut configuration);
    let mut other = Rig::with(configuration);
    other.store = rig.store;
    other.clock = rig.clock;
    other
}

#[test]
fn r24_grant_whose_client_or_scopes_changed_is_void() {
    use smallgate_core::scope::ScopeNames;
    use smallgate_tests::rig::keep;
    type Change = fn(&mut smallgate_core::oauth::Configuration<'static>);
    let changes: [(&str, Change); 4] = [
        ("server voids", |it| {
            it.grants_not_before = UnixTime(START.0 + 1)
        }),
        ("client voids", |it| {
            let mut clients = it.clients.to_vec();
            clients[0].grants_not_before = UnixTime(START.0 + 1);
            it.clients = keep(clients);
        }),
        ("client lost a scope", |it| {
            let mut clients = it.clients.to_vec();
            clients[0].scopes = ScopeSet::from_bits(0b001);
            it.clients = keep(clients);
        }),
        ("scopes reordered", |it| {
            it.scopes = ScopeNames::new(&["write", "read", "ROLE_USER"]).unwrap();
        }),
    ];
    for (what, change) in changes {
        let mut rig = Rig::new(ROTATING);
        let token = first(&mut rig);
        rig.pass(60);
        let mut rig = reconfigured(rig, change);
        assert_refused(&refresh(&mut rig, &token), "GrantOutdated");
        let mut rig = reconfigured(rig, |_| ());
        assert_eq!(
            refresh(&mut rig, &token).status,
            200,
            "{what}: undone again"
        );
    }
    // What came after the grant's scopes, or before the grant, does not matter.
    let mut rig = Rig::new(ROTATING);
    let token = first(&mut rig);
    let mut rig = reconfigured(rig, |it| {
        it.scopes = ScopeNames::new(&["read", "write", "another", "ROLE_USER"]).unwrap();
        it.grants_not_before = START;
    });
    assert_eq!(refresh(&mut rig, &token).status, 200);
}

#[test]
fn r24_grant_whose_user_is_gone_or_voided_is_void() {
    let request = "grant_type=password&username=admin%40break-out.org&password=password";
    let mut rig = Rig::new(profile::BREAKOUT);
    let token = rig
        .token(Some(&basic("demo")), request)
        .member("refresh_token");
    let mut configuration = smallgate_tests::rig::configuration(profile::BREAKOUT);
    configuration.users = &[];
    let mut without = Rig::with(configuration);
    without.store = std::mem::take(&mut rig.store);
    assert_refused(&refresh(&mut without, &token), "GrantOutdated");

    let mut configuration = smallgate_tests::rig::configuration(profile::BREAKOUT);
    let mut user = configuration.users[0];
    user.grants_not_before = UnixTime(START.0 + 1);
    configuration.users = smallgate_tests::rig::keep([user]);
    let mut voided = Rig::with(configuration);
    voided.store = std::mem::take(&mut without.store);
    assert_refused(&refresh(&mut voided, &token), "GrantOutdated");
}

#[test]
fn r51_revocation_names_grant_client_and_reason() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    next(&mut rig, &r1);
    rig.pass(10);
    let mut store = std::mem::take(&mut rig.store);
    let id = store.records().next().unwrap().id();
    let answer =
        smallgate_core::oauth::drive(rig.begin(Some(&basic("demo")), &body(&r1)), &mut store);
    let revoked = Event::Revoked {
        grant: id,
        client: "demo",
        reason: Reason::RefreshReused,
    };
    assert!(answer.events().any(|event| *event == revoked));
}

#[test]
fn record_that_is_gone_means_revoked() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let Step::Load(load) = rig.begin(Some(&basic("demo")), &body(&r1)) else {
        panic!("no load");
    };
    let absent = Loaded {
        record: None,
        seen: Seen::ABSENT,
    };
    let reply = finish(load.resume(Ok(absent)), &mut MemoryStore::<1>::new());
    assert_refused(&reply, "GrantRevoked");
}

#[test]
fn last_generation_is_the_last() {
    let mut rig = Rig::new(ROTATING);
    let r1 = first(&mut rig);
    let id = rig.store.records().next().unwrap().id();
    let loaded = rig.store.load(&id).unwrap();
    let mut grant = loaded.record.unwrap().grant().unwrap();
    grant.state = State::Active {
        generation: u32::MAX,
    };
    let record = Record::new(&grant);
    rig.store
        .commit(START, &id, loaded.seen, Write::Record(&record));
    let handle = Handle {
        master: [9; 32],
        issuer: "https://as.example",
        client: "demo",
        head: crate::support::REFRESH,
        grant: id.0,
        generation: u32::MAX,
        code: None,
    };
    assert_refused(&refresh(&mut rig, &handle.text()), "Exhausted");
    assert_eq!(state(&rig), State::Revoked(Reason::Exhausted));
    assert_refused(&refresh(&mut rig, &r1), "GrantRevoked");
}
