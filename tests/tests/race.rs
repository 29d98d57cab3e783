//! Forty clients at once, on threads, with one handle: every load and every
//! commit takes the store's lock for itself, so that others come in between.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};

use smallgate_core::oauth::{Reason, State, Step};
use smallgate_core::profile::STANDARD;
use smallgate_core::store::{Committed, MemoryStore, Store};
use smallgate_core::time::Seconds;
use smallgate_tests::flow::{
    ASK_S256, Call, DEMO, Pairs, Settings, VERIFIER, redemption, refreshing,
};
use smallgate_tests::rig::{GRANTS, Reply, Rig, finish};

const CLIENTS: u64 = 40;

/// What a crowd was answered, and how often a commit was refused.
struct Crowd {
    replies: Vec<Reply>,
    conflicts: u64,
}

impl Crowd {
    fn with_tokens(&self) -> impl Iterator<Item = &Reply> {
        self.replies.iter().filter(|reply| reply.status == 200)
    }
}

/// Everybody sends the same at the same time.
fn crowd(rig: &mut Rig, seed: u64, pairs: Pairs<'_>) -> Crowd {
    let pairs = [pairs, &DEMO.pairs()].concat();
    let conflicts = AtomicU64::new(0);
    let store = Mutex::new(std::mem::take(&mut rig.store));
    let barrier = Barrier::new(CLIENTS as usize);
    let replies = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let mut call = Call::new("/oauth/token", &pairs, (seed << 16) + client + (1 << 40));
                let parts = (&rig.server, rig.clock, &rig.throttle);
                let (store, barrier, conflicts) = (&store, &barrier, &conflicts);
                scope.spawn(move || {
                    barrier.wait();
                    go(call.begin(parts), store, conflicts)
                })
            })
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Reply>| thread.join();
        threads
            .into_iter()
            .map(|thread| join(thread).expect("no panic"))
            .collect()
    });
    rig.store = store.into_inner().expect("no panic");
    Crowd {
        replies,
        conflicts: conflicts.into_inner(),
    }
}

fn go(mut step: Step<'_>, store: &Mutex<MemoryStore<GRANTS>>, conflicts: &AtomicU64) -> Reply {
    loop {
        step = match step {
            Step::Load(load) => {
                let loaded = store.lock().expect("no panic").load(load.id());
                // As if the answer took its time.
                std::thread::yield_now();
                load.resume(loaded)
            }
            Step::Commit(commit) => {
                let (now, id, seen) = (commit.now(), *commit.id(), commit.seen());
                let done = store
                    .lock()
                    .expect("no panic")
                    .commit(now, &id, seen, commit.write());
                if done == Committed::Conflict {
                    conflicts.fetch_add(1, Ordering::Relaxed);
                }
                std::thread::yield_now();
                commit.resume(done)
            }
            step @ (Step::Done(_) | Step::Work(_)) => {
                return finish(step, &mut MemoryStore::<1>::new());
            }
        };
    }
}

#[test]
fn r18_r19_of_forty_redemptions_of_one_code_one_wins_and_the_others_revoke_it() {
    const ROUNDS: u64 = 40;
    let mut conflicts = 0;
    for round in 0..ROUNDS {
        let mut rig = Settings::new(STANDARD).rig();
        let code = rig.code(DEMO, ASK_S256);
        let pairs = [&redemption(&code)[..], &[("code_verifier", VERIFIER)]].concat();
        let crowd = crowd(&mut rig, round, &pairs);
        conflicts += crowd.conflicts;
        let won: Vec<_> = crowd.with_tokens().collect();
        assert_eq!(won.len(), 1, "round {round}");
        for lost in crowd.replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!(lost.status, 400, "{lost:?}");
            assert_eq!(lost.member("error"), "invalid_grant");
        }
        assert_eq!(rig.grant().state, State::Revoked(Reason::CodeReplayed));
        assert_eq!(rig.me(&won[0].member("access_token")).status, 401);
        let reply = rig.refresh(DEMO, &won[0].member("refresh_token"), &[]);
        assert_eq!(reply.member("error"), "invalid_grant");
    }
    println!("codes: {ROUNDS} rounds of {CLIENTS}, {conflicts} commits refused");
    assert!(conflicts > 0, "nobody ever raced");
}

#[test]
fn r26_r27_of_forty_refreshes_all_get_the_same_successor_in_grace() {
    const GENERATIONS: u32 = 40;
    let mut conflicts = 0;
    let mut rig = Settings::new(STANDARD).rig();
    let mut token = rig.first_tokens(DEMO).member("refresh_token");
    for generation in 2..2 + GENERATIONS {
        let crowd = crowd(&mut rig, u64::from(generation), &refreshing(&token));
        conflicts += crowd.conflicts;
        let mut successors: Vec<_> = crowd
            .with_tokens()
            .map(|reply| reply.member("refresh_token"))
            .collect();
        assert_eq!(successors.len() as u64, CLIENTS, "{generation}");
        successors.dedup();
        assert_eq!(successors.len(), 1, "one lineage");
        assert_eq!(rig.grant().state, State::Active { generation });
        token = successors.remove(0);
    }
    println!("refresh in grace: {GENERATIONS} rounds of {CLIENTS}, {conflicts} commits refused");
    assert!(conflicts > 0, "nobody ever raced");
}

#[test]
fn r26_of_forty_refreshes_without_grace_one_wins_and_no_loser_of_a_swap_revokes() {
    const ROUNDS: u64 = 40;
    let (mut conflicts, mut raced, mut revoked) = (0, 0, 0);
    for round in 0..ROUNDS {
        let mut rig = Settings::new(STANDARD)
            .with(|settings| settings.profile.lifetimes.grace = Seconds(0))
            .rig();
        let token = rig.first_tokens(DEMO).member("refresh_token");
        let crowd = crowd(&mut rig, round, &refreshing(&token));
        conflicts += crowd.conflicts;
        assert_eq!(crowd.with_tokens().count(), 1, "round {round}");
        let caused = |cause: &str| {
            let said = |reply: &&Reply| reply.events.iter().any(|event| event.contains(cause));
            crowd.replies.iter().filter(said).count()
        };
        raced += caused("RefreshRaced");
        // Who read the record only after the swap came too late, and that is
        // no race: the grant is revoked by one of those, or by nobody.
        let late = caused("RefreshReused");
        let state = rig.grant().state;
        if late == 0 {
            assert_eq!(state, State::Active { generation: 2 });
        } else {
            revoked += 1;
            assert_eq!(state, State::Revoked(Reason::RefreshReused));
        }
    }
    println!(
        "refresh without grace: {ROUNDS} rounds of {CLIENTS}, {conflicts} commits refused, \
         {raced} told that they raced, {revoked} rounds with latecomers"
    );
    assert!(conflicts > 0 && raced > 0, "nobody ever raced");
}

#[test]
fn r18_r26_r49_a_revocation_among_refreshes_ends_them_all() {
    const ROUNDS: u64 = 40;
    let (mut conflicts, own) = (0, AtomicU64::new(0));
    for round in 0..ROUNDS {
        let mut rig = Settings::new(STANDARD).rig();
        let reply = rig.first_tokens(DEMO);
        let token = reply.member("refresh_token");
        // The revocation is under way first, so that its swap is refused and it
        // has to read again; whoever comes after it finds the grant revoked.
        let pairs = [&[("token", token.as_str())][..], &DEMO.pairs()].concat();
        let mut call = Call::new("/oauth/revoke", &pairs, 1 << 50);
        let server = Settings::new(STANDARD).rig();
        let step = call.begin((&server.server, rig.clock, &server.throttle));
        let Step::Load(load) = step else {
            panic!("the grant is wanted");
        };
        let loaded = rig.store.load(load.id());
        let step = load.resume(loaded);
        let crowd = crowd(&mut rig, round, &refreshing(&token));
        conflicts += crowd.conflicts;
        assert_eq!(crowd.with_tokens().count() as u64, CLIENTS);
        let store = Mutex::new(std::mem::take(&mut rig.store));
        let reply = go(step, &store, &own);
        rig.store = store.into_inner().expect("no panic");
        assert_eq!(reply.status, 200);
        assert_eq!(rig.grant().state, State::Revoked(Reason::Requested));
        for reply in crowd.with_tokens().take(3) {
            assert_eq!(rig.me(&reply.member("access_token")).status, 401);
            let again = rig.refresh(DEMO, &reply.member("refresh_token"), &[]);
            assert_eq!(again.member("error"), "invalid_grant");
        }
    }
    let own = own.into_inner();
    println!(
        "revocation: {ROUNDS} rounds of {CLIENTS}, {conflicts} commits refused, \
         and {own} of the revocations'"
    );
    assert!(conflicts > 0, "nobody ever raced");
    assert_eq!(own, ROUNDS, "each swap of a revocation came too late once");
}
