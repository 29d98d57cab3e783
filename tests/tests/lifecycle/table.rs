//! The state table, a test a row. C is the grant's code, Rk its refresh token
//! of generation k.

use smallgate_core::oauth::{Grant, GrantId, Reason, Record, State};
use smallgate_core::profile::STANDARD;
use smallgate_core::store::{self, Committed, Loaded, MemoryStore, Seen, Store, StoreUnavailable};
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_tests::flow::Operation::{Confirm, Load, Write};
use smallgate_tests::flow::{
    ASK_S256, Call, DEMO, Meddled, OTHER, Operation, Settings, VERIFIER, meddled, redemption,
    refreshing,
};
use smallgate_tests::handles::Handle;
use smallgate_tests::rig::{Reply, Rig, finish};

/// Somebody else's seed.
const ANOTHER: u64 = 1 << 40;

fn settings() -> Settings {
    Settings::new(STANDARD)
}

fn rig() -> Rig {
    settings().rig()
}

/// The request that redeems a code, and the one that uses a refresh token.
fn redeem(code: &str, seed: u64) -> Call {
    let pairs = [
        &redemption(code)[..],
        &[("code_verifier", VERIFIER)],
        &DEMO.pairs(),
    ]
    .concat();
    Call::new("/oauth/token", &pairs, seed)
}

fn refresh(token: &str, seed: u64) -> Call {
    let pairs = [&refreshing(token)[..], &DEMO.pairs()].concat();
    Call::new("/oauth/token", &pairs, seed)
}

/// Runs `call`; the reply, and what the store was asked.
fn watched(rig: &mut Rig, call: Call) -> (Reply, Vec<Operation>) {
    meddled(rig, call, |_, _, _| None)
}

/// Both read the record before either writes; `second` loses the swap. What
/// each was answered, and what the second one asked of the store.
fn race(rig: &mut Rig, mut first: Call, mut second: Call) -> (Reply, Reply, Vec<Operation>) {
    let parts = (&rig.server, rig.clock, &rig.throttle);
    let step = second.begin(parts);
    let mut first = Some(first.begin(parts));
    let mut won = None;
    let mut store = Meddled::new(&mut rig.store, |_, operation, store| {
        if operation == Write
            && let Some(first) = first.take()
        {
            won = Some(finish(first, store));
        }
        None
    });
    let lost = finish(step, &mut store);
    let asked = store.asked;
    (won.expect("the first one ran"), lost, asked)
}

#[track_caller]
fn assert_invalid_grant(reply: &Reply) {
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(reply.member("error"), "invalid_grant");
    assert_eq!(reply.json()["access_token"], serde_json::Value::Null);
}

#[track_caller]
fn assert_unavailable(reply: &Reply) {
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(reply.member("error"), "temporarily_unavailable");
    assert!(reply.header("retry-after").is_some());
}

/// A grant at generation `n`, and its refresh tokens R1 to Rn.
fn active(rig: &mut Rig, n: usize) -> Vec<String> {
    let mut tokens = vec![rig.first_tokens(DEMO).member("refresh_token")];
    while tokens.len() < n {
        let reply = rig.refresh(DEMO, &tokens[tokens.len() - 1], &[]);
        tokens.push(reply.member("refresh_token"));
    }
    tokens
}

// Pending, live; C.

#[test]
fn r18_pending_code_becomes_active_1_in_one_swap() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    assert_eq!(rig.grant().state, State::Pending);
    let (reply, asked) = watched(&mut rig, redeem(&code, ANOTHER));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(asked, [Load, Write]);
    let grant = rig.grant();
    assert_eq!(grant.state, State::Active { generation: 1 });
    let id = grant.id.0;
    assert_eq!(
        reply.member("refresh_token"),
        Handle::refresh(id, 1, "demo").text()
    );
}

#[test]
fn r18_pending_code_on_conflict_is_read_again() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    // A conflict that leaves the grant as it was, as a lost write would.
    let (reply, asked) = meddled(&mut rig, redeem(&code, ANOTHER), |count, operation, _| {
        (operation == Write && count == 0).then_some(Committed::Conflict)
    });
    assert_eq!(asked, [Load, Write, Load, Write]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(rig.grant().state, State::Active { generation: 1 });
}

#[test]
fn r18_r19_of_two_that_read_one_code_one_wins_and_the_other_revokes() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    let (first, second) = (redeem(&code, ANOTHER), redeem(&code, ANOTHER + 1));
    let (won, lost, asked) = race(&mut rig, first, second);
    assert_eq!(asked, [Load, Write, Load, Write]);
    assert_eq!(won.status, 200, "{won:?}");
    assert_invalid_grant(&lost);
    assert_eq!(rig.grant().state, State::Revoked(Reason::CodeReplayed));
    assert_eq!(rig.me(&won.member("access_token")).status, 401);
    let reply = rig.refresh(DEMO, &won.member("refresh_token"), &[]);
    assert_invalid_grant(&reply);
}

// Pending, expired; C.

#[test]
fn r20_pending_expired_code_writes_nothing() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    let before = rig.grant();
    rig.pass(60);
    let (reply, asked) = watched(&mut rig, redeem(&code, ANOTHER));
    assert_invalid_grant(&reply);
    assert_eq!(asked, [Load]);
    assert_eq!(rig.grant(), before);
}

// Active n; C.

#[test]
fn r19_active_code_again_revokes_every_generation() {
    for n in 1..=3 {
        let mut rig = rig();
        let code = rig.code(DEMO, ASK_S256);
        let first = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
        let mut newest = first.clone();
        for _ in 1..n {
            newest = rig.refresh(DEMO, &newest.member("refresh_token"), &[]);
        }
        assert_eq!(rig.me(&first.member("access_token")).status, 200);
        let (reply, asked) = watched(&mut rig, redeem(&code, ANOTHER));
        assert_invalid_grant(&reply);
        assert_eq!(asked, [Load, Write]);
        assert!(
            reply
                .events
                .iter()
                .any(|event| event.starts_with("Revoked"))
        );
        assert_eq!(rig.grant().state, State::Revoked(Reason::CodeReplayed));
        for reply in [&first, &newest] {
            assert_eq!(rig.me(&reply.member("access_token")).status, 401);
            let reply = rig.refresh(DEMO, &reply.member("refresh_token"), &[]);
            assert_invalid_grant(&reply);
        }
    }
}

#[test]
fn r19_active_code_again_revokes_until_it_is() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    let mut newest = rig
        .redeem(DEMO, &code, &[("code_verifier", VERIFIER)])
        .member("refresh_token");
    // The thief's refreshes win the swap twice, and it is revoked all the same.
    let (server, clock, throttle) = (&rig.server, rig.clock, &rig.throttle);
    let mut replay = redeem(&code, ANOTHER);
    let step = replay.begin((server, clock, throttle));
    let mut store = Meddled::new(&mut rig.store, |count, operation, store| {
        if operation == Write && count < 2 {
            let mut call = refresh(&newest, ANOTHER + 1 + count as u64);
            let step = call.begin((server, clock, throttle));
            newest = finish(step, store).member("refresh_token");
        }
        None
    });
    let reply = finish(step, &mut store);
    assert_eq!(store.asked, [Load, Write, Load, Write, Load, Write]);
    assert_invalid_grant(&reply);
    assert_eq!(rig.grant().state, State::Revoked(Reason::CodeReplayed));
    assert_invalid_grant(&rig.refresh(DEMO, &newest, &[]));
}

#[test]
fn r19_a_revocation_that_can_not_be_committed_is_503() {
    for (committed, rounds) in [
        (Committed::Conflict, 4),
        (Committed::Unavailable, 1),
        (Committed::Full, 1),
    ] {
        let mut rig = rig();
        let code = rig.code(DEMO, ASK_S256);
        rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
        let (reply, asked) = meddled(&mut rig, redeem(&code, ANOTHER), |_, operation, _| {
            (operation == Write).then_some(committed)
        });
        assert_unavailable(&reply);
        assert_eq!(asked, [Load, Write].repeat(rounds), "{committed:?}");
        assert!(
            !reply
                .events
                .iter()
                .any(|event| event.starts_with("Revoked"))
        );
        assert_eq!(rig.grant().state, State::Active { generation: 1 });
    }
}

#[test]
fn r19_r27_there_is_no_grace_for_codes() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    rig.clock.serving_since = rig.clock.now.expect("set");
    let reply = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    assert_invalid_grant(&reply);
    assert_eq!(rig.grant().state, State::Revoked(Reason::CodeReplayed));
}

// Active n; Rn, live.

#[test]
fn r25_newest_rotates_in_one_swap() {
    let mut rig = rig();
    let tokens = active(&mut rig, 2);
    rig.pass(100);
    let (reply, asked) = watched(&mut rig, refresh(&tokens[1], ANOTHER));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(asked, [Load, Write]);
    let grant = rig.grant();
    assert_eq!(grant.state, State::Active { generation: 3 });
    assert_eq!(grant.touched, 100);
    assert_eq!(
        reply.member("refresh_token"),
        Handle::refresh(grant.id.0, 3, "demo").text()
    );
}

#[test]
fn r26_newest_on_conflict_is_read_again_and_in_grace_gets_the_same_successor() {
    let mut rig = rig();
    let tokens = active(&mut rig, 1);
    let (first, second) = (
        refresh(&tokens[0], ANOTHER),
        refresh(&tokens[0], ANOTHER + 1),
    );
    let (won, reply, asked) = race(&mut rig, first, second);
    assert_eq!(asked, [Load, Write, Load, Confirm]);
    assert_eq!(reply.member("refresh_token"), won.member("refresh_token"));
    assert_ne!(reply.member("access_token"), won.member("access_token"));
    assert_eq!(rig.grant().state, State::Active { generation: 2 });
}

#[test]
fn r26_with_grace_0_the_loser_of_a_swap_gets_invalid_grant_and_revokes_nothing() {
    let mut rig = settings()
        .with(|settings| settings.profile.lifetimes.grace = Seconds(0))
        .rig();
    let tokens = active(&mut rig, 1);
    let (first, second) = (
        refresh(&tokens[0], ANOTHER),
        refresh(&tokens[0], ANOTHER + 1),
    );
    let (won, reply, asked) = race(&mut rig, first, second);
    assert_eq!(asked, [Load, Write, Load]);
    assert_invalid_grant(&reply);
    assert!(
        reply
            .events
            .iter()
            .any(|event| event.contains("RefreshRaced"))
    );
    assert_eq!(rig.grant().state, State::Active { generation: 2 });
    // The winner goes on.
    let won = won.member("refresh_token");
    assert_eq!(rig.refresh(DEMO, &won, &[]).status, 200);
    // Whoever comes later with the same token lost no race: that is theft.
    assert_invalid_grant(&rig.refresh(DEMO, &tokens[0], &[]));
    assert_eq!(rig.grant().state, State::Revoked(Reason::RefreshReused));
}

#[test]
fn r26_four_rounds_then_temporarily_unavailable() {
    let mut rig = rig();
    let tokens = active(&mut rig, 1);
    let before = rig.grant();
    let (reply, asked) = meddled(&mut rig, refresh(&tokens[0], ANOTHER), |_, operation, _| {
        (operation == Write).then_some(Committed::Conflict)
    });
    assert_unavailable(&reply);
    assert_eq!(asked, [Load, Write].repeat(4));
    assert_eq!(rig.grant(), before);
    assert!(!reply.events.iter().any(|event| event.starts_with("Issued")));
    assert_eq!(rig.refresh(DEMO, &tokens[0], &[]).status, 200);
}

#[test]
fn r25_at_the_last_generation_the_grant_is_revoked() {
    let mut rig = rig();
    active(&mut rig, 1);
    let mut grant = rig.grant();
    grant.state = State::Active {
        generation: u32::MAX,
    };
    put(&mut rig, &grant);
    let last = Handle::refresh(grant.id.0, u32::MAX, "demo").text();
    assert_invalid_grant(&rig.refresh(DEMO, &last, &[]));
    assert_eq!(rig.grant().state, State::Revoked(Reason::Exhausted));
}

/// Writes `grant` as a restored backup would.
fn put(rig: &mut Rig, grant: &Grant) {
    let seen = rig.store.load(&grant.id).expect("memory works").seen;
    let record = Record::new(grant);
    let now = rig.clock.now.expect("set");
    let done = rig
        .store
        .commit(now, &grant.id, seen, store::Write::Record(&record));
    assert_eq!(done, Committed::Done);
}

// Active n, n ≥ 2; Rn−1 in grace.

#[test]
fn r27_predecessor_in_grace_gets_the_byte_identical_successor_and_writes_nothing() {
    let mut rig = rig();
    let tokens = active(&mut rig, 3);
    let before = rig.grant();
    let mut access = Vec::new();
    for seed in 0..3 {
        rig.pass(3);
        let (reply, asked) = watched(&mut rig, refresh(&tokens[1], ANOTHER + seed));
        assert_eq!(asked, [Load, Confirm]);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.member("refresh_token"), tokens[2]);
        access.push(reply.member("access_token"));
    }
    assert_eq!(rig.grant(), before);
    access.dedup();
    assert_eq!(access.len(), 3, "each time another access token");
    assert_eq!(rig.refresh(DEMO, &tokens[2], &[]).status, 200);
}

#[test]
fn r27_a_confirmation_that_is_refused_is_read_again() {
    let mut rig = rig();
    let tokens = active(&mut rig, 2);
    let (reply, asked) = meddled(
        &mut rig,
        refresh(&tokens[0], ANOTHER),
        |count, operation, _| (operation == Confirm && count == 0).then_some(Committed::Conflict),
    );
    assert_eq!(asked, [Load, Confirm, Load, Confirm]);
    assert_eq!(reply.member("refresh_token"), tokens[1]);
    // Revoked in between: nothing leaves.
    let mut revoked = rig.grant();
    revoked.state = State::Revoked(Reason::Requested);
    revoked.nonce = [1, 2, 3, 4];
    let (reply, _) = meddled(
        &mut rig,
        refresh(&tokens[0], ANOTHER),
        |count, operation, store| {
            if operation == Confirm && count == 0 {
                let seen = store.load(&revoked.id).expect("memory works").seen;
                let record = Record::new(&revoked);
                store.commit(
                    revoked.created,
                    &revoked.id,
                    seen,
                    store::Write::Record(&record),
                );
            }
            None
        },
    );
    assert_invalid_grant(&reply);
    assert!(!reply.events.iter().any(|event| event.starts_with("Issued")));
}

// Active n; Rn−1 out of grace, or older.

#[test]
fn r25_predecessor_out_of_grace_revokes() {
    let mut rig = rig();
    let reply = rig.first_tokens(DEMO);
    let first = reply.member("refresh_token");
    let second = rig.refresh(DEMO, &first, &[]).member("refresh_token");
    rig.pass(10);
    let (replay, asked) = watched(&mut rig, refresh(&first, ANOTHER));
    assert_invalid_grant(&replay);
    assert_eq!(asked, [Load, Write]);
    assert_eq!(rig.grant().state, State::Revoked(Reason::RefreshReused));
    assert_invalid_grant(&rig.refresh(DEMO, &second, &[]));
    assert_eq!(rig.me(&reply.member("access_token")).status, 401);
}

#[test]
fn r27_two_generations_old_revokes_even_in_grace() {
    for old in 0..3 {
        let mut rig = rig();
        let tokens = active(&mut rig, 4);
        if old == 2 {
            assert_eq!(rig.refresh(DEMO, &tokens[old], &[]).status, 200);
            continue;
        }
        assert_invalid_grant(&rig.refresh(DEMO, &tokens[old], &[]));
        assert_eq!(rig.grant().state, State::Revoked(Reason::RefreshReused));
        assert_invalid_grant(&rig.refresh(DEMO, &tokens[3], &[]));
    }
}

#[test]
fn r25_with_grace_0_the_predecessor_revokes_at_once() {
    let mut rig = settings()
        .with(|settings| settings.profile.lifetimes.grace = Seconds(0))
        .rig();
    let tokens = active(&mut rig, 2);
    assert_invalid_grant(&rig.refresh(DEMO, &tokens[0], &[]));
    assert_eq!(rig.grant().state, State::Revoked(Reason::RefreshReused));
}

// Active or Pending; Rk, k > n.

#[test]
fn r30_a_handle_from_the_future_is_read_again_then_503_and_never_theft() {
    for n in 0..3_u32 {
        for ahead in 1..3 {
            let mut rig = rig();
            if n == 0 {
                rig.code(DEMO, ASK_S256);
            } else {
                active(&mut rig, n as usize);
            }
            let before = rig.grant();
            let token = Handle::refresh(before.id.0, n + ahead, "demo").text();
            let (reply, asked) = watched(&mut rig, refresh(&token, ANOTHER));
            assert_unavailable(&reply);
            assert_eq!(asked, [Load; 4]);
            let events = reply.events.iter();
            let future = events.filter(|event| event.starts_with("FromTheFuture"));
            assert_eq!(future.count(), 1, "{:?}", reply.events);
            assert_eq!(rig.grant(), before);
        }
    }
}

#[test]
fn r30_a_stale_read_is_over_when_the_store_catches_up() {
    let mut rig = rig();
    let tokens = active(&mut rig, 2);
    let newest = rig.grant();
    let mut stale = newest;
    stale.state = State::Active { generation: 1 };
    put(&mut rig, &stale);
    let (reply, asked) = meddled(
        &mut rig,
        refresh(&tokens[1], ANOTHER),
        |count, operation, store| {
            if operation == Load && count == 2 {
                let seen = store.load(&newest.id).expect("memory works").seen;
                let record = Record::new(&newest);
                store.commit(
                    newest.created,
                    &newest.id,
                    seen,
                    store::Write::Record(&record),
                );
            }
            None
        },
    );
    assert_eq!(asked, [Load, Load, Load, Write]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(
        reply
            .events
            .iter()
            .any(|event| event.starts_with("FromTheFuture"))
    );
    assert_eq!(rig.grant().state, State::Active { generation: 3 });
}

// Revoked, ∅, idle or absolute end; any.

#[test]
fn r25_whatever_is_over_answers_invalid_grant_and_writes_nothing() {
    type End = fn(&mut Rig);
    let ends: [(&str, End); 4] = [
        ("revoked", |rig| {
            let mut grant = rig.grant();
            grant.state = State::Revoked(Reason::Requested);
            put(rig, &grant);
        }),
        ("absent", |rig| rig.store = MemoryStore::new()),
        ("idle", |rig| rig.pass(30 * 86_400)),
        ("absolute", |rig| {
            let mut grant = rig.grant();
            // Used all the time, to the end.
            grant.touched = 90 * 86_400 - 1;
            put(rig, &grant);
            rig.pass(90 * 86_400);
        }),
    ];
    for (name, end) in ends {
        let mut rig = rig();
        let code = rig.code(DEMO, ASK_S256);
        let reply = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
        let mut tokens = vec![reply.member("refresh_token")];
        for n in 0..2 {
            let reply = rig.refresh(DEMO, &tokens[n], &[]);
            tokens.push(reply.member("refresh_token"));
        }
        end(&mut rig);
        let before: Vec<_> = rig.store.records().copied().collect();
        let id = Handle::refresh([1; 12], 1, "demo");
        let mut calls = vec![redeem(&code, ANOTHER), refresh(&id.text(), ANOTHER)];
        calls.extend(tokens.iter().map(|token| refresh(token, ANOTHER)));
        for call in calls {
            let (reply, asked) = watched(&mut rig, call);
            assert_invalid_grant(&reply);
            assert_eq!(asked, [Load], "{name}");
        }
        let after: Vec<_> = rig.store.records().copied().collect();
        assert_eq!(before, after, "{name}");
    }
}

// What is refused before the store is asked.

#[test]
fn r21_r22_a_bad_handle_or_binding_never_reaches_the_store() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    let token = rig.first_tokens(DEMO).member("refresh_token");
    let random = Handle {
        master: [1; 32],
        ..Handle::refresh([1; 12], 1, "demo")
    };
    let random = random.text();
    let demo = DEMO.pairs();
    let other = OTHER.pairs();
    let bad = "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong";
    let requests = [
        [&redemption(&code)[..], &[("code_verifier", bad)], &demo].concat(),
        [&redemption(&code)[..], &demo].concat(),
        [
            &redemption(&code)[..],
            &[("code_verifier", VERIFIER)],
            &other,
        ]
        .concat(),
        [&refreshing(&token)[..], &other].concat(),
        [&refreshing(&random)[..], &demo].concat(),
        [&refreshing(&code)[..], &demo].concat(),
        [&redemption(&token)[..], &demo].concat(),
        [&refreshing("x")[..], &demo].concat(),
    ];
    for pairs in requests {
        let call = Call::new("/oauth/token", &pairs, ANOTHER);
        let (reply, asked) = watched(&mut rig, call);
        assert_invalid_grant(&reply);
        assert_eq!(asked, []);
    }
    // And nothing was lost by it.
    let reply = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    assert_eq!(reply.status, 200);
    assert_eq!(rig.refresh(DEMO, &token, &[]).status, 200);
}

// An acknowledgement that did not come.

#[test]
fn r30_unknown_resends_the_identical_swap_and_finds_its_own_nonce() {
    for really_written in [true, false] {
        let mut rig = rig();
        let tokens = active(&mut rig, 1);
        let mut call = refresh(&tokens[0], ANOTHER);
        let step = call.begin((&rig.server, rig.clock, &rig.throttle));
        let mut store = Acknowledgement {
            store: &mut rig.store,
            lost: true,
            written: really_written,
            sent: Vec::new(),
        };
        let reply = finish(step, &mut store);
        let sent = store.sent;
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0], sent[1], "the identical swap");
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(rig.grant().state, State::Active { generation: 2 });
        assert_eq!(
            rig.refresh(DEMO, &reply.member("refresh_token"), &[])
                .status,
            200
        );
    }
}

/// A store whose first acknowledgement is lost.
struct Acknowledgement<'s, S> {
    store: &'s mut S,
    lost: bool,
    written: bool,
    sent: Vec<(u64, Record)>,
}

impl<S: Store> Store for Acknowledgement<'_, S> {
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        self.store.load(id)
    }

    fn commit(
        &mut self,
        now: UnixTime,
        id: &GrantId,
        seen: Seen,
        write: store::Write<'_>,
    ) -> Committed {
        if let store::Write::Record(record) = write {
            self.sent.push((seen.0, *record));
        }
        if !std::mem::take(&mut self.lost) {
            return self.store.commit(now, id, seen, write);
        }
        if self.written {
            let done = self.store.commit(now, id, seen, write);
            assert_eq!(done, Committed::Done);
        }
        Committed::Unknown
    }
}

#[test]
fn r51_when_nobody_knows_whether_it_was_written_no_issue_is_reported() {
    let mut rig = rig();
    let tokens = active(&mut rig, 1);
    let (reply, asked) = meddled(
        &mut rig,
        refresh(&tokens[0], ANOTHER),
        |count, operation, _| {
            match (operation, count) {
                (Write, 0) => Some(Committed::Unknown),
                (Write, _) => Some(Committed::Conflict),
                // The read that would tell fails.
                (Load, 1) => Some(Committed::Unavailable),
                _ => None,
            }
        },
    );
    assert_eq!(asked, [Load, Write, Write, Load]);
    assert_unavailable(&reply);
    assert!(!reply.events.iter().any(|event| event.starts_with("Issued")));
}

#[test]
fn r30_a_damaged_record_is_no_theft() {
    let mut rig = rig();
    let tokens = active(&mut rig, 1);
    let id = rig.grant().id;
    let mut octets = *rig.store.records().next().expect("one").octets();
    octets[4] ^= 2;
    let record = Record::from_octets(octets);
    let seen = rig.store.load(&id).expect("memory works").seen;
    rig.store.commit(
        rig.clock.now.expect("set"),
        &id,
        seen,
        store::Write::Record(&record),
    );
    let (reply, asked) = watched(&mut rig, refresh(&tokens[0], ANOTHER));
    assert_eq!(reply.status, 500);
    assert_eq!(reply.member("error"), "server_error");
    assert_eq!(asked, [Load]);
}
