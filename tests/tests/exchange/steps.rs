//! The step form: what an exchange asks of its caller, and what it makes of
//! every answer.

use smallgate_core::http::{Body, Request};
use smallgate_core::oauth::{Record, Step};
use smallgate_core::profile::{self, Profile};
use smallgate_core::store::{Committed, MemoryStore, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_tests::rig::{HERE, Message, Reply, Rig, START, finish};

use crate::support::{Act, Call, ROTATING, Scripted, basic, claims, octets};

const FIRST: &str = "grant_type=client_credentials";
const PASSWORD: &str =
    "grant_type=password&username=admin%40break-out.org&password=password&scope=read+write";

/// Answers a request with a store that follows `script`.
fn scripted(rig: &mut Rig, body: &str, script: &[Act]) -> (Reply, Vec<Call>, Vec<[u8; 96]>) {
    let mut grants = std::mem::take(&mut rig.store);
    let mut store = Scripted::new(&mut grants, script);
    let reply = finish(rig.begin(Some(&basic("demo")), body), &mut store);
    let (calls, written) = (store.calls, store.written);
    rig.store = grants;
    (reply, calls, written)
}

fn refresh_body(reply: &Reply) -> String {
    format!(
        "grant_type=refresh_token&refresh_token={}",
        reply.member("refresh_token")
    )
}

/// An answer that says "later" and holds nothing of the tokens it had written.
fn assert_later(reply: &Reply, cause: &str) {
    assert_eq!(reply.status, 400, "Teen Quotes' status for it");
    assert_eq!(reply.member("error"), "temporarily_unavailable");
    assert_eq!(reply.json().as_object().unwrap().len(), 2);
    assert!(reply.header("retry-after").is_some());
    assert_eq!(reply.events.len(), 1, "{:?}", reply.events);
    assert!(reply.events[0].contains(cause), "{:?}", reply.events);
}

#[test]
fn client_credentials_without_refresh_token_touch_no_store() {
    let mut rig = Rig::new(profile::STANDARD);
    let (reply, calls, _) = scripted(&mut rig, FIRST, &[]);
    assert_eq!((reply.status, calls), (200, vec![]));
    assert!(reply.json().get("refresh_token").is_none());
}

#[test]
fn refused_requests_touch_no_store() {
    let mut rig = Rig::new(ROTATING);
    for body in [
        "",
        "grant_type=password",
        "grant_type=client_credentials&scope=none",
        "x=%",
    ] {
        let (reply, calls, _) = scripted(&mut rig, body, &[]);
        assert!(reply.status >= 400, "{body}");
        assert_eq!(calls, [], "{body}");
    }
}

#[test]
fn first_tokens_leave_after_one_commit_of_a_new_record() {
    let rig = Rig::new(ROTATING);
    let Step::Commit(commit) = rig.begin(Some(&basic("demo")), FIRST) else {
        panic!("no commit");
    };
    assert_eq!(commit.now(), START);
    assert_eq!(commit.seen(), Seen::ABSENT);
    let Write::Record(record) = commit.write() else {
        panic!("no record");
    };
    let grant = record.grant().unwrap();
    assert_eq!(grant.id, *commit.id());
    assert_eq!(grant.created, START);
    assert_eq!(grant.user, None);
    let Step::Done(answer) = commit.resume(Committed::Done) else {
        panic!("not done");
    };
    assert_eq!(answer.response().status(), 200);
}

#[test]
fn record_says_what_was_granted() {
    let mut rig = Rig::new(profile::BREAKOUT);
    let reply = rig.token(Some(&basic("demo")), PASSWORD);
    assert_eq!(reply.status, 200);
    let grant = rig.store.records().next().unwrap().grant().unwrap();
    assert_eq!(grant.client, smallgate_core::oauth::Tag::client("demo"));
    assert_eq!(grant.user, Some(smallgate_core::oauth::Tag::user("94173")));
    assert_eq!(grant.scope.bits(), 0b011);
    assert!(grant.refreshable && grant.reuse);
    assert_eq!(grant.ends, UnixTime(START.0 + 90 * 86_400));
    assert_eq!(grant.keep_until, UnixTime(START.0 + 30 * 86_400));
}

#[test]
fn full_store_gives_no_tokens() {
    let (reply, _, _) = scripted(&mut Rig::new(ROTATING), FIRST, &[Act::Say(Committed::Full)]);
    assert_later(&reply, "StoreFull");
}

#[test]
fn unavailable_store_gives_no_tokens() {
    let act = [Act::Say(Committed::Unavailable)];
    let (reply, _, _) = scripted(&mut Rig::new(ROTATING), FIRST, &act);
    assert_later(&reply, "StoreUnavailable");
    assert_eq!(reply.header("retry-after"), Some("5"));
}

#[test]
fn id_that_is_taken_gives_no_tokens() {
    let act = [Act::Say(Committed::Conflict)];
    let (reply, calls, _) = scripted(&mut Rig::new(ROTATING), FIRST, &act);
    assert_later(&reply, "Contended");
    assert_eq!(calls, [Call::Write]);
}

#[test]
fn unknown_commit_is_sent_again_octet_for_octet() {
    let unknown = Act::Say(Committed::Unknown);
    let (reply, calls, written) = scripted(&mut Rig::new(ROTATING), FIRST, &[unknown; 3]);
    assert_eq!((reply.status, calls.len()), (200, 4));
    assert!(written.iter().all(|record| *record == written[0]));
}

#[test]
fn r30_lost_acknowledgement_of_a_commit_that_was_done_gives_the_tokens() {
    let mut rig = Rig::new(ROTATING);
    let (first, calls, _) = scripted(&mut rig, FIRST, &[Act::Lose]);
    assert_eq!(first.status, 200);
    assert_eq!(calls, [Call::Write, Call::Write, Call::Load]);
    assert_eq!(rig.store.len(), 1);
    // Rotation likewise, and the token that it gives is good.
    let (second, _, _) = scripted(&mut rig, &refresh_body(&first), &[Act::Lose]);
    assert_eq!(second.status, 200);
    let (third, _, _) = scripted(&mut rig, &refresh_body(&second), &[]);
    assert_eq!(third.status, 200);
}

#[test]
fn deadline_after_an_unknown_commit_gives_no_tokens() {
    let script = [
        Act::Say(Committed::Unknown),
        Act::Say(Committed::Unavailable),
    ];
    let (reply, _, _) = scripted(&mut Rig::new(ROTATING), FIRST, &script);
    assert_later(&reply, "StoreUnavailable");
}

#[test]
fn anothers_record_after_an_unknown_commit_gives_no_tokens() {
    let script = [Act::Say(Committed::Unknown), Act::Say(Committed::Conflict)];
    let (reply, calls, _) = scripted(&mut Rig::new(ROTATING), FIRST, &script);
    assert_later(&reply, "Contended");
    assert_eq!(calls, [Call::Write, Call::Write, Call::Load]);
}

#[test]
fn refresh_reads_once_and_swaps_once() {
    let mut rig = Rig::new(ROTATING);
    let first = rig.token(Some(&basic("demo")), FIRST);
    let (reply, calls, _) = scripted(&mut rig, &refresh_body(&first), &[]);
    assert_eq!((reply.status, calls), (200, vec![Call::Load, Call::Write]));
}

#[test]
fn refresh_with_a_store_that_cannot_be_read_is_answered_later() {
    let mut rig = Rig::new(ROTATING);
    let first = rig.token(Some(&basic("demo")), FIRST);
    let mut grants = std::mem::take(&mut rig.store);
    let mut store = Scripted::new(&mut grants, &[]);
    store.unreadable = true;
    let step = rig.begin(Some(&basic("demo")), &refresh_body(&first));
    assert_later(&finish(step, &mut store), "StoreUnavailable");
    assert_eq!(store.calls, [Call::Load]);
}

#[test]
fn contended_refresh_gives_up_after_four_rounds() {
    let mut rig = Rig::new(ROTATING);
    let first = rig.token(Some(&basic("demo")), FIRST);
    let conflict = Act::Say(Committed::Conflict);
    let (reply, calls, written) = scripted(&mut rig, &refresh_body(&first), &[conflict; 9]);
    assert_later(&reply, "Contended");
    assert_eq!(calls, [Call::Load, Call::Write].repeat(4));
    let mut nonces: Vec<_> = written.iter().map(|record| &record[20..24]).collect();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 4, "a fresh nonce for each decision");
}

#[test]
fn refresh_that_wins_in_the_fourth_round_is_answered() {
    let mut rig = Rig::new(ROTATING);
    let first = rig.token(Some(&basic("demo")), FIRST);
    let conflict = Act::Say(Committed::Conflict);
    let (reply, calls, _) = scripted(&mut rig, &refresh_body(&first), &[conflict; 3]);
    assert_eq!((reply.status, calls.len()), (200, 8));
    assert_eq!(
        reply.events.len(),
        1,
        "the lost rounds' events are gone: {:?}",
        reply.events
    );
}

#[test]
fn damaged_record_is_a_server_error() {
    let mut rig = Rig::new(ROTATING);
    let first = rig.token(Some(&basic("demo")), FIRST);
    let mut store = std::mem::take(&mut rig.store);
    let Step::Load(load) = rig.begin(Some(&basic("demo")), &refresh_body(&first)) else {
        panic!("no load");
    };
    let mut loaded = store.load(load.id()).unwrap();
    let mut octets = *loaded.record.unwrap().octets();
    octets[30] ^= 1;
    loaded.record = Some(Record::from_octets(octets));
    let reply = finish(load.resume(Ok(loaded)), &mut store);
    assert_eq!(
        (reply.status, reply.member("error").as_str()),
        (500, "server_error")
    );
    assert!(reply.events.concat().contains("RecordDamaged"));
}

/// A store that gives a record of another grant is as one that gives none: neither
/// a token nor a refresh token goes by it, nor is a commit taken for done.
#[test]
fn record_of_another_grant_is_a_damaged_store() {
    let mut rig = Rig::new(ROTATING);
    let first = rig.token(Some(&basic("demo")), FIRST);
    let other = rig.token(Some(&basic("demo")), FIRST);
    let mut store = std::mem::take(&mut rig.store);
    let wanted = |step: Step<'static>| match step {
        Step::Load(load) => load,
        other => panic!("no load: {other:?}"),
    };
    let rig: &'static Rig = Box::leak(Box::new(rig));
    let begin = |reply: &Reply| rig.begin(Some(&basic("demo")), &refresh_body(reply));
    let another = {
        let load = wanted(begin(&other));
        store.load(load.id()).unwrap()
    };
    let load = wanted(begin(&first));
    let reply = finish(load.resume(Ok(another)), &mut store);
    assert_later(&reply, "StoreUnavailable");

    // To be settled: whether the commit that nobody knows of was done.
    let load = wanted(begin(&first));
    let loaded = store.load(load.id()).unwrap();
    let Step::Commit(commit) = load.resume(Ok(loaded)) else {
        panic!("no commit");
    };
    let Write::Record(mine) = commit.write() else {
        panic!("nothing to write");
    };
    let mut octets = *mine.octets();
    octets[8] ^= 1;
    let another = smallgate_core::store::Loaded {
        record: Some(Record::from_octets(octets)),
        seen: Seen(9),
    };
    let Step::Commit(commit) = commit.resume(Committed::Unknown) else {
        panic!("it is not tried again");
    };
    let load = wanted(commit.resume(Committed::Conflict));
    let reply = finish(load.resume(Ok(another)), &mut store);
    assert_later(&reply, "StoreUnavailable");
}

/// "`jti` = grant id ‖ 4 random bytes, random where there is no grant"
#[test]
fn r32_jti_is_made_of_the_grants_id_and_of_entropy() {
    let mut rig = Rig::new(ROTATING);
    let mut seen = Vec::new();
    let first = rig.token(Some(&basic("demo")), FIRST);
    let second = rig.token(Some(&basic("demo")), &refresh_body(&first));
    for reply in [&first, &second] {
        let jti = octets(
            claims(&reply.member("access_token"))["jti"]
                .as_str()
                .unwrap(),
        );
        assert_eq!(jti.len(), 16);
        let id = rig.store.records().next().unwrap().id();
        assert_eq!(jti[..12], id.0);
        seen.push(jti);
    }
    assert_ne!(seen[0], seen[1], "each token has its own");

    let mut rig = Rig::new(profile::STANDARD);
    let mut jtis: Vec<_> = (0..50)
        .map(|_| {
            claims(
                &rig.token(Some(&basic("demo")), FIRST)
                    .member("access_token"),
            )["jti"]
                .to_string()
        })
        .collect();
    jtis.sort();
    jtis.dedup();
    assert_eq!(jtis.len(), 50);
}

/// No octet of entropy serves two purposes.
#[test]
fn entropy_is_used_once() {
    let mut rig = Rig::new(ROTATING);
    let reply = rig.token(Some(&basic("demo")), FIRST);
    let record = *rig.store.records().next().unwrap().octets();
    let jti = octets(
        claims(&reply.member("access_token"))["jti"]
            .as_str()
            .unwrap(),
    );
    let (id, nonce, tail) = (&record[8..20], &record[20..24], &jti[12..]);
    assert!(
        !id.windows(4)
            .any(|octets| octets == nonce || octets == tail)
    );
    assert_ne!(nonce, tail);
}

#[test]
fn damaged_record_is_not_described_and_not_revoked() {
    let mut rig = Rig::new(Profile {
        introspection: true,
        revocation: true,
        ..ROTATING
    });
    let token = rig.token(Some(&basic("demo")), FIRST);
    let body = format!("token={}", token.member("refresh_token"));
    let authorization = basic("demo");
    for target in ["/oauth/introspect", "/oauth/revoke"] {
        let message = Message {
            method: "POST",
            target,
            headers: &[
                ("content-type", b"application/x-www-form-urlencoded"),
                ("authorization", authorization.as_bytes()),
            ],
            body: body.as_bytes(),
            source: HERE,
        };
        let reply = rig.exchange(message, |step, store| {
            let Step::Load(load) = step else {
                panic!("no load: {step:?}");
            };
            let mut loaded = store.load(load.id()).unwrap();
            let mut octets = *loaded.record.unwrap().octets();
            octets[30] ^= 1;
            loaded.record = Some(Record::from_octets(octets));
            finish(load.resume(Ok(loaded)), store)
        });
        assert_eq!(reply.member("error"), "server_error", "{target}");
        assert!(reply.events.concat().contains("RecordDamaged"));
    }
}

#[test]
fn body_that_was_too_long_to_keep_is_413() {
    let rig = Rig::new(profile::STANDARD);
    let mut out = vec![0; 4096];
    let request = Request {
        method: "POST",
        target: "/oauth/token",
        headers: &[],
        body: Body::TooLong,
        source: HERE,
    };
    let step = rig
        .server
        .begin(request, rig.clock, rig.entropy(), &rig.throttle, &mut out);
    let reply = finish(step, &mut MemoryStore::<1>::new());
    assert_eq!(reply.status, 413);
    assert!(reply.events.concat().contains("BodyTooLong"));
}

#[test]
fn r40_unset_clock_issues_nothing_and_touches_nothing() {
    for (profile, body, status) in [
        (profile::STANDARD, FIRST, 503),
        (ROTATING, FIRST, 400),
        (profile::BREAKOUT, PASSWORD, 503),
    ] {
        let mut rig = Rig::new(profile);
        rig.clock.now = None;
        let (reply, calls, _) = scripted(&mut rig, body, &[]);
        assert_eq!(reply.status, status);
        assert_eq!(reply.member("error"), "temporarily_unavailable");
        assert_eq!(reply.header("retry-after"), Some("5"));
        assert_eq!(
            reply.events,
            ["Refused { client: None, cause: ClockUnset }"]
        );
        assert_eq!(calls, []);
    }
}

#[test]
fn r40_clock_that_went_back_issues_nothing_and_revokes_nothing() {
    let mut rig = Rig::new(ROTATING);
    let first = rig.token(Some(&basic("demo")), FIRST);
    rig.clock.floor = UnixTime(START.0 + 1);
    for body in [FIRST.to_owned(), refresh_body(&first)] {
        let (reply, calls, _) = scripted(&mut rig, &body, &[]);
        assert_eq!(reply.member("error"), "temporarily_unavailable");
        assert_eq!(
            reply.events,
            ["Refused { client: None, cause: ClockWentBack }"]
        );
        assert_eq!(calls, []);
    }
    rig.pass(1);
    let (reply, _, _) = scripted(&mut rig, &refresh_body(&first), &[]);
    assert_eq!(reply.status, 200, "nothing was revoked meanwhile");
}

#[test]
fn r40_clock_behind_by_no_more_than_the_skew_is_good() {
    let mut configuration = smallgate_tests::rig::configuration(profile::STANDARD);
    configuration.skew = smallgate_core::time::Seconds(5);
    let mut rig = Rig::with(configuration);
    rig.clock.floor = UnixTime(START.0 + 5);
    assert_eq!(rig.token(Some(&basic("demo")), FIRST).status, 200);
    rig.clock.floor = UnixTime(START.0 + 6);
    assert_eq!(rig.token(Some(&basic("demo")), FIRST).status, 503);
}

#[test]
fn r40_unset_clock_lets_nobody_into_a_resource() {
    let mut rig = Rig::new(profile::STANDARD);
    let token = rig
        .token(Some(&basic("demo")), FIRST)
        .member("access_token");
    assert_eq!(rig.me(&token).status, 200);
    rig.clock.now = None;
    let reply = rig.me(&token);
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("5"))
    );
}

#[test]
fn buffer_that_is_too_small_gives_no_piece_of_a_token() {
    use smallgate_core::http::{Body, Header, Request};
    let rig = Rig::new(profile::STANDARD);
    let authorization = basic("demo");
    let headers = [
        Header {
            name: "content-type",
            value: b"application/x-www-form-urlencoded",
        },
        Header {
            name: "Authorization",
            value: authorization.as_bytes(),
        },
    ];
    let mut sizes = [0; 2];
    for room in (0..700).step_by(7) {
        let mut out = vec![0; room];
        let mut body = FIRST.as_bytes().to_vec();
        let request = Request {
            method: "POST",
            target: "/oauth/token",
            headers: &headers,
            body: Body::Whole(&mut body),
            source: smallgate_tests::rig::HERE,
        };
        let step = rig
            .server
            .begin(request, rig.clock, rig.entropy(), &rig.throttle, &mut out);
        let Step::Done(answer) = step else {
            panic!("not done")
        };
        let body = answer.response().body();
        match answer.response().status() {
            200 => {
                sizes[1] += 1;
                assert!(serde_json::from_slice::<serde_json::Value>(body).is_ok());
            }
            500 => {
                sizes[0] += 1;
                assert!(!body.windows(3).any(|octets| octets == b"eyJ"));
                assert!(
                    body.is_empty() || serde_json::from_slice::<serde_json::Value>(body).is_ok()
                );
            }
            other => panic!("{other}"),
        }
    }
    assert!(sizes[0] > 30 && sizes[1] > 5, "{sizes:?}");
}
