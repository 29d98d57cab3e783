//! PBKDF2 beside an implementation that is not ours. The vectors of RFC 7914
//! §11, whose salts are shorter than a user's, are in the core.

use proptest::prelude::*;
use smallgate_core::oauth::{PasswordHash, Step};
use smallgate_core::profile;
use smallgate_tests::rig::{Rig, finish};

use crate::support::basic;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn pbkdf2_agrees_with_the_crate(
        password in "\\PC{0,80}", salt in any::<[u8; 16]>(), iterations in 1_u32..50,
    ) {
        let ours = PasswordHash::new(&password, salt, iterations);
        let mut theirs = [0; 32];
        pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password.as_bytes(), &salt, iterations, &mut theirs);
        prop_assert_eq!(ours.hash, theirs);
    }
}

const REQUEST: &str = "grant_type=password&username=admin%40break-out.org&password=";

/// The slices of hashing that a request takes.
fn slices(body: &str, slice: u32) -> (u32, u16) {
    let mut rig = Rig::new(profile::BREAKOUT);
    let mut store = std::mem::take(&mut rig.store);
    let mut step = rig.begin(Some(&basic("demo")), body);
    let mut count = 0;
    while let Step::Work(work) = step {
        count += 1;
        step = work.run(slice);
    }
    (count, finish(step, &mut store).status)
}

#[test]
fn password_hashed_in_slices_is_the_same_hash() {
    // 1000 iterations, the first of them when the work begins.
    for (slice, count) in [
        (u32::MAX, 1),
        (999, 1),
        (998, 2),
        (100, 10),
        (7, 143),
        (1, 999),
    ] {
        assert_eq!(slices(&format!("{REQUEST}password"), slice), (count, 200));
        assert_eq!(slices(&format!("{REQUEST}Password"), slice), (count, 400));
    }
}

#[test]
fn r12_unknown_user_is_hashed_as_often_as_a_known_one() {
    let unknown = "grant_type=password&username=nobody&password=password";
    assert_eq!(slices(unknown, 10), slices(&format!("{REQUEST}wrong"), 10));
}

#[test]
fn r12_no_slices_of_zero_iterations_make_a_password_right() {
    let mut rig = Rig::new(profile::BREAKOUT);
    let mut store = std::mem::take(&mut rig.store);
    let mut step = rig.begin(Some(&basic("demo")), &format!("{REQUEST}password"));
    for _ in 0..3 {
        let Step::Work(work) = step else {
            panic!("{step:?}");
        };
        step = work.run(0);
    }
    assert!(matches!(step, Step::Work(_)));
    assert_eq!(finish(step, &mut store).status, 200);
}

#[test]
fn second_password_at_a_time_is_answered_at_once() {
    let rig = Rig::new(profile::BREAKOUT);
    let Step::Work(work) = rig.begin(Some(&basic("demo")), &format!("{REQUEST}password")) else {
        panic!("no work");
    };
    let Step::Done(answer) = work.refuse() else {
        panic!("not done");
    };
    assert_eq!(answer.response().status(), 503);
    let retry = answer
        .response()
        .headers()
        .find(|(name, _)| *name == "retry-after");
    assert_eq!(retry, Some(("retry-after", "1")));
    let body = std::str::from_utf8(answer.response().body()).unwrap();
    assert!(
        body.starts_with(r#"{"error":"temporarily_unavailable","#),
        "{body}"
    );
}
