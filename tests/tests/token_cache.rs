//! Verified tokens that are remembered: what a repeat saves, and that it opens
//! nothing that a first look would not.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use smallgate_core::jose::{
    Algorithm, Es256SigningKey, Es256VerifyingKey, Hs256Key, JwsError, Keys, SignatureError,
    Signer, Verifier,
};
use smallgate_core::jwt::{
    self, Audience, CachingVerifier, Claims, ScopeClaim, TokenCache, TokenFormat, Validation,
    VerifyError,
};
use smallgate_core::oauth::AuthorizationServer;
use smallgate_core::profile::{Profile, STANDARD};
use smallgate_core::time::UnixTime;
use smallgate_tests::flow::{ASK_S256, DEMO, Settings, VERIFIER};
use smallgate_tests::rig::{self, Rig};

const NOW: UnixTime = UnixTime(1_700_000_000);
const LIFE: u64 = 3600;

/// A key that counts how often it is asked.
struct Counting<K = Es256VerifyingKey> {
    key: K,
    asked: AtomicUsize,
}

impl<K> Counting<K> {
    fn new(key: K) -> Self {
        Counting {
            key,
            asked: AtomicUsize::new(0),
        }
    }

    /// How often since the last time.
    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

impl<K: Verifier> Verifier for Counting<K> {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    fn key_id(&self) -> Option<&str> {
        self.key.key_id()
    }

    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.key.verify(input, signature)
    }
}

/// A verifier with room for `N` tokens, with its keys, of which there is one.
fn cached<const N: usize>() -> (&'static Counting, Keys<'static>, CachingVerifier<'static>) {
    let counting = rig::keep(Counting::new(key().verifying_key()));
    let keys = Keys::new(rig::keep([counting as &dyn Verifier]));
    let cache = Box::leak(Box::new(TokenCache::<N>::new()));
    (
        counting,
        keys,
        CachingVerifier::new(keys, validation(), cache),
    )
}

fn key() -> Es256SigningKey {
    Es256SigningKey::new(&[9; 32], Some("k1")).unwrap()
}

fn validation() -> Validation<'static> {
    Validation {
        issuer: Some("https://as.example"),
        audience: Some("https://rs.example"),
        ..Validation::new(TokenFormat::ACCESS_TOKEN)
    }
}

/// A token that tells itself from others by its `jti`.
fn token(signer: &dyn Signer, jwt_id: &str) -> Vec<u8> {
    let claims = Claims {
        issuer: Some("https://as.example"),
        subject: Some("al\"ice"),
        audience: Some(Audience::One("https://rs.example")),
        client_id: Some("app"),
        scope: Some(ScopeClaim::Text("read write")),
        issued_at: Some(NOW),
        expires_at: Some(UnixTime(NOW.0 + LIFE)),
        not_before: None,
        jwt_id: Some(jwt_id),
    };
    let mut out = [0; 1024];
    let token = jwt::issue(signer, &TokenFormat::ACCESS_TOKEN, &claims, &mut out);
    token.unwrap().as_str().as_bytes().to_vec()
}

/// What came of it, printed: all claims, and the text.
fn shown(result: Result<jwt::Verified<'_>, VerifyError>) -> Result<String, VerifyError> {
    result.map(|verified| {
        let claims = verified.claims();
        let scope: Vec<_> = claims.scope.iter().flat_map(ScopeClaim::names).collect();
        format!("{claims:?} {scope:?} {}", verified.text())
    })
}

fn verify(
    verifier: &CachingVerifier<'_>,
    token: &[u8],
    now: UnixTime,
) -> Result<String, VerifyError> {
    shown(verifier.verify(token, Some(now), &mut [0; 2048]))
}

fn uncached(keys: &Keys<'_>, token: &[u8], now: UnixTime) -> Result<String, VerifyError> {
    shown(jwt::verify(
        token,
        keys,
        &validation(),
        Some(now),
        &mut [0; 2048],
    ))
}

#[test]
fn a_repeat_says_the_same_without_the_signature() {
    let (counting, keys, verifier) = cached::<4>();
    let token = token(&key(), "1");
    let first = uncached(&keys, &token, NOW).unwrap();
    assert_eq!(counting.asked(), 1);
    for round in 0..10 {
        assert_eq!(verify(&verifier, &token, NOW).as_ref(), Ok(&first));
        assert_eq!(counting.asked(), usize::from(round == 0));
    }
    // And wants no more scratch than the first time.
    let mut least = vec![0; least_scratch(&keys, &token)];
    assert!(verifier.verify(&token, Some(NOW), &mut least).is_ok());
    counting.asked();
    verify(&verifier, &token, NOW).unwrap();
    assert_eq!(counting.asked(), 0);
    let mut nothing = [];
    let refused = verifier.verify(&token, Some(NOW), &mut nothing);
    let too_small = VerifyError::Jws(JwsError::ScratchTooSmall);
    assert_eq!(shown(refused), Err(too_small));
}

/// How much scratch the first time takes.
fn least_scratch(keys: &Keys<'_>, token: &[u8]) -> usize {
    let enough = |length: &usize| {
        let mut scratch = vec![0; *length];
        jwt::verify(token, keys, &validation(), Some(NOW), &mut scratch).is_ok()
    };
    (0..token.len())
        .find(enough)
        .expect("the token's length is enough")
}

#[test]
fn a_repeat_is_judged_by_the_clock() {
    let (counting, _, verifier) = cached::<4>();
    let token = token(&key(), "1");
    let at = |seconds: i64| UnixTime(NOW.0.checked_add_signed(seconds).unwrap());
    verify(&verifier, &token, NOW).unwrap();
    assert_eq!(counting.asked(), 1);
    let last = i64::try_from(LIFE).unwrap();
    assert!(verify(&verifier, &token, at(last - 1)).is_ok());
    assert_eq!(counting.asked(), 0);
    for late in [last, last + 1, last * 1000] {
        assert_eq!(
            verify(&verifier, &token, at(late)),
            Err(VerifyError::Expired)
        );
    }
    // The first refusal vacated its place.
    assert_eq!(counting.asked(), 2);
    // A clock that went back: nothing of what was is taken for granted, and what is
    // not valid yet is refused.
    verify(&verifier, &token, at(100)).unwrap();
    assert_eq!(counting.asked(), 1);
    verify(&verifier, &token, at(99)).unwrap();
    assert_eq!(counting.asked(), 0, "two who read the clock in turns");
    verify(&verifier, &token, at(50)).unwrap();
    assert_eq!(counting.asked(), 1);
    assert_eq!(
        verify(&verifier, &token, at(-1)),
        Err(VerifyError::IssuedInFuture)
    );
    // A clock that is not set.
    verify(&verifier, &token, NOW).unwrap();
    counting.asked();
    let mut scratch = [0; 2048];
    let unset = verifier.verify(&token, None, &mut scratch);
    assert_eq!(shown(unset), Err(VerifyError::ClockUnset));
    verify(&verifier, &token, NOW).unwrap();
    assert_eq!(counting.asked(), 1);
}

#[test]
fn a_flipped_bit_anywhere_misses() {
    let (counting, keys, verifier) = cached::<4>();
    let token = token(&key(), "1");
    verify(&verifier, &token, NOW).unwrap();
    for at in 0..token.len() {
        let mut flipped = token.clone();
        flipped[at] ^= 1 << (at % 7);
        let refused = verify(&verifier, &flipped, NOW);
        assert!(refused.is_err(), "{at}");
        assert_eq!(refused, uncached(&keys, &flipped, NOW), "{at}");
    }
    for cut in 0..token.len() {
        assert!(verify(&verifier, &token[..cut], NOW).is_err(), "{cut}");
    }
    assert!(verify(&verifier, &[&token[..], b"A"].concat(), NOW).is_err());
    // What was refused washed nothing out.
    counting.asked();
    verify(&verifier, &token, NOW).unwrap();
    assert_eq!(counting.asked(), 0);
}

#[test]
fn the_oldest_gives_way() {
    let (counting, _, verifier) = cached::<4>();
    let tokens: Vec<_> = (0..6).map(|at| token(&key(), &format!("{at}"))).collect();
    let asks = |at: usize| {
        verify(&verifier, &tokens[at], NOW).unwrap();
        counting.asked()
    };
    assert_eq!([0, 1, 2, 3].map(asks), [1; 4]);
    assert_eq!([0, 1, 2, 3].map(asks), [0; 4]);
    assert_eq!([4, 1, 2, 3, 4].map(asks), [1, 0, 0, 0, 0]);
    assert_eq!([0, 2, 3, 4, 0].map(asks), [1, 0, 0, 0, 0]);
    assert_eq!(asks(1), 1);
    assert_eq!([3, 4, 0, 1].map(asks), [0; 4]);
    // Nothing fits into no room.
    let (counting, _, verifier) = cached::<0>();
    for _ in 0..2 {
        verify(&verifier, &tokens[0], NOW).unwrap();
        assert_eq!(counting.asked(), 1);
    }
}

#[test]
fn another_policy_knows_nothing_of_it() {
    let mut cache = TokenCache::<4>::new();
    let token = token(&key(), "1");
    let good = Counting::new(key().verifying_key());
    let verifiers: [&dyn Verifier; 1] = [&good];
    let verifier = CachingVerifier::new(Keys::new(&verifiers), validation(), &mut cache);
    verify(&verifier, &token, NOW).unwrap();
    verifier.forget();
    verify(&verifier, &token, NOW).unwrap();
    assert_eq!(good.asked(), 2);
    // Another audience.
    let other = Validation {
        audience: Some("https://other.example"),
        ..validation()
    };
    let verifier = CachingVerifier::new(Keys::new(&verifiers), other, &mut cache);
    let refused = verify(&verifier, &token, NOW);
    assert_eq!(refused, Err(VerifyError::AudienceMismatch));
    let verifier = CachingVerifier::new(Keys::new(&verifiers), validation(), &mut cache);
    verify(&verifier, &token, NOW).unwrap();
    assert_eq!(good.asked(), 2);
    // Another key of the same name.
    let changed = Counting::new(
        Es256SigningKey::new(&[8; 32], Some("k1"))
            .unwrap()
            .verifying_key(),
    );
    let verifiers: [&dyn Verifier; 1] = [&changed];
    let verifier = CachingVerifier::new(Keys::new(&verifiers), validation(), &mut cache);
    assert!(verify(&verifier, &token, NOW).is_err());
    assert_eq!(changed.asked(), 1);
}

/// SHA-256 of the token would take as long as its HMAC.
#[test]
fn keys_that_are_as_fast_as_a_look_up_are_asked_each_time() {
    let key = Hs256Key::new(&[7; 32], Some("k1")).unwrap();
    let counting = Counting::new(key.clone());
    let verifiers: [&dyn Verifier; 1] = [&counting];
    let keys = Keys::new(&verifiers);
    let mut cache = TokenCache::<4>::new();
    let verifier = CachingVerifier::new(keys, validation(), &mut cache);
    let token = token(&key, "1");
    let first = uncached(&keys, &token, NOW);
    assert!(first.is_ok() && counting.asked() == 1);
    for _ in 0..3 {
        assert_eq!(verify(&verifier, &token, NOW), first);
        assert_eq!(counting.asked(), 1);
    }
}

#[test]
fn many_threads_share_one_cache() {
    let (_, keys, verifier) = cached::<2>();
    let tokens: Vec<_> = (0..3).map(|at| token(&key(), &format!("{at}"))).collect();
    let good: Vec<_> = tokens
        .iter()
        .map(|token| uncached(&keys, token, NOW).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (tokens, good) = (&tokens, &good);
            scope.spawn(move || {
                for round in 0..200 {
                    let at = (round / 5 + thread) % tokens.len();
                    let result = verify(&verifier, &tokens[at], NOW);
                    assert_eq!(result.as_ref(), Ok(&good[at]));
                    let mut bad = tokens[at].clone();
                    bad[round % 20] ^= 1;
                    assert!(verify(&verifier, &bad, NOW).is_err());
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// At any moment, with any token, the cache says what a first look says.
    #[test]
    fn with_and_without_it_come_to_the_same(
        steps in prop::collection::vec((0_usize..6, -10_i64..4000), 1..12)
    ) {
        let key = key();
        let public = key.verifying_key();
        let verifiers: [&dyn Verifier; 1] = [&public];
        let keys = Keys::new(&verifiers);
        let mut cache = TokenCache::<2>::new();
        let verifier = CachingVerifier::new(keys, validation(), &mut cache);
        let stranger = Es256SigningKey::new(&[8; 32], Some("k1")).unwrap();
        for (which, seconds) in steps {
            let signer = if which < 4 { &key } else { &stranger };
            let token = token(signer, &format!("{which}\n\u{e9}"));
            let now = UnixTime(NOW.0.checked_add_signed(seconds).unwrap());
            prop_assert_eq!(verify(&verifier, &token, now), uncached(&keys, &token, now));
        }
    }
}

// The server.

/// A server of which each signature that it checks is counted.
fn counted_rig(settings: &Settings) -> (Rig, &'static Counting) {
    let key = rig::keep(key());
    let counting = rig::keep(Counting::new(key.verifying_key()));
    let mut rig = settings.rig();
    rig.server = server(settings, key, counting);
    (rig, counting)
}

fn server(
    settings: &Settings,
    key: &'static Es256SigningKey,
    counting: &'static Counting,
) -> AuthorizationServer<'static> {
    let mut configuration = settings.build();
    configuration.signer = key;
    configuration.verifiers = rig::keep([counting as &dyn Verifier]);
    let mut server = AuthorizationServer::new(configuration).expect("the configuration is good");
    server.remember(Box::leak(Box::new(TokenCache::<4>::new())));
    server
}

fn settings() -> Settings {
    Settings::new(STANDARD).with(|settings| {
        settings.profile = Profile {
            algorithm: Algorithm::Es256,
            ..settings.profile
        };
    })
}

fn access_token(rig: &mut Rig) -> String {
    let code = rig.code(DEMO, ASK_S256);
    let reply = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    reply.member("access_token")
}

#[test]
fn a_server_verifies_a_token_once() {
    let (mut rig, counting) = counted_rig(&settings());
    let token = access_token(&mut rig);
    let first = rig.me(&token);
    assert_eq!((first.status, counting.asked()), (200, 1));
    for _ in 0..3 {
        assert_eq!(rig.me(&token), first);
    }
    assert_eq!(counting.asked(), 0);
    rig.server.forget_tokens();
    assert_eq!((rig.me(&token), counting.asked()), (first, 1));
}

#[test]
fn an_expired_token_is_refused_though_it_is_remembered() {
    let (mut rig, counting) = counted_rig(&settings());
    let token = access_token(&mut rig);
    assert_eq!(rig.me(&token).status, 200);
    let life = rig.server.configuration().profile.lifetimes.access_token.0;
    rig.pass(u64::from(life) - 1);
    assert_eq!((rig.me(&token).status, counting.asked()), (200, 1));
    rig.pass(1);
    assert_eq!(rig.me(&token).status, 401);
}

#[test]
fn a_revoked_token_is_refused_though_it_is_remembered() {
    let (mut rig, counting) = counted_rig(&settings());
    let token = access_token(&mut rig);
    assert_eq!(rig.me(&token).status, 200);
    let pairs = [&[("token", token.as_str())][..], &DEMO.pairs()].concat();
    assert_eq!(rig.post("/oauth/revoke", &pairs).status, 200);
    let refused = rig.me(&token);
    assert_eq!(refused.status, 401, "{refused:?}");
    assert!(refused.body.contains("revoked"), "{refused:?}");
    // Neither was it verified again.
    assert_eq!(counting.asked(), 1);
}

#[test]
fn who_is_no_longer_registered_is_refused_though_the_token_is_remembered() {
    let (mut rig, _) = counted_rig(&settings());
    let token = access_token(&mut rig);
    assert_eq!(rig.me(&token).status, 200);
    let key = rig::keep(key());
    let counting = rig::keep(Counting::new(key.verifying_key()));
    let without = settings().with(|settings| settings.users.clear());
    rig.server = server(&without, key, counting);
    assert_eq!((rig.me(&token).status, counting.asked()), (401, 1));
    assert_eq!((rig.me(&token).status, counting.asked()), (401, 0));
}
