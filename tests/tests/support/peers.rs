//! The hostile tokens before other libraries, each asked as its documentation says, for all that it
//! can be asked for and RFC 9068 §4 wants: keys by `kid`, `typ`, issuer, audience, times without
//! leeway. What a library leaves to its caller, the caller does here.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::crypto::rust_crypto;
use jwt_compact::AlgorithmExt;
use jwt_compact::alg::{Es256, Hs256, Hs256Key, VerifyingKey};
use jwt_compact::prelude::{TimeOptions, Token, UntrustedToken};
use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike, ES256PublicKey, HS256Key, MACLike, VerificationOptions,
};
use serde::{Deserialize, Serialize};
use smallgate_core::jose::Algorithm;

use super::hostile::{AUDIENCE, ISSUER, OTHER_SECRET, Rig, With};
use super::tokens::{HS256_SECRET, KEY_ID, es256};

const TYPE: &str = "at+jwt";

/// `aud` may be one or several (RFC 7519 §4.1.3).
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn has(&self, name: &str) -> bool {
        match self {
            Audience::One(one) => one == name,
            Audience::Many(many) => many.iter().any(|one| one == name),
        }
    }
}

/// What RFC 9068 §2.2 requires, and a scope, where the library knows no claims itself.
#[derive(Serialize, Deserialize)]
struct All {
    iss: String,
    sub: String,
    aud: Audience,
    client_id: String,
    scope: String,
    iat: u64,
    exp: u64,
    nbf: Option<u64>,
    jti: String,
}

/// The same without times.
#[derive(Serialize, Deserialize, Clone)]
#[serde(bound = "")]
struct Untimed {
    iss: String,
    sub: String,
    aud: serde_json::Value,
    client_id: String,
    scope: String,
    jti: String,
}

/// The same without registered claims.
#[derive(Serialize, Deserialize)]
struct Own {
    client_id: String,
    scope: String,
}

fn point() -> Vec<u8> {
    let (x, y) = es256().verifying_key().coordinates();
    [&[4], &x[..], &y[..]].concat()
}

/// A library, and whether it accepts a token now.
type Peer = (&'static str, fn(&str, Algorithm) -> Option<()>);

const PEERS: [Peer; 3] = [
    ("jsonwebtoken", jsonwebtoken),
    ("jwt-simple", jwt_simple),
    ("jwt-compact", jwt_compact),
];

fn jsonwebtoken(token: &str, algorithm: Algorithm) -> Option<()> {
    use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
    let _ = rust_crypto::DEFAULT_PROVIDER.install_default();
    let (key, algorithm) = match (decode_header(token).ok()?.kid?.as_str(), algorithm) {
        (KEY_ID, Algorithm::Es256) => {
            let point = point();
            let key = DecodingKey::from_ec_der(&point);
            (key, jsonwebtoken::Algorithm::ES256)
        }
        (KEY_ID, Algorithm::Hs256) => (
            DecodingKey::from_secret(&HS256_SECRET),
            jsonwebtoken::Algorithm::HS256,
        ),
        ("k2", _) => (
            DecodingKey::from_secret(&OTHER_SECRET),
            jsonwebtoken::Algorithm::HS256,
        ),
        _ => return None,
    };
    let mut validation = Validation::new(algorithm);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let data = decode::<All>(token, &key, &validation).ok()?;
    (data.header.typ.as_deref() == Some(TYPE)).then_some(())
}

fn jwt_simple(token: &str, algorithm: Algorithm) -> Option<()> {
    let options = VerificationOptions {
        required_signature_type: Some(TYPE.into()),
        allowed_issuers: Some([ISSUER.to_owned()].into()),
        allowed_audiences: Some([AUDIENCE.to_owned()].into()),
        time_tolerance: Some(jwt_simple::prelude::Duration::from_secs(0)),
        ..VerificationOptions::default()
    };
    let metadata = jwt_simple::token::Token::decode_metadata(token).ok()?;
    let claims = match (metadata.key_id()?, algorithm) {
        (KEY_ID, Algorithm::Es256) => {
            let key = ES256PublicKey::from_bytes(&point()).ok()?;
            key.verify_token::<Own>(token, Some(options)).ok()?
        }
        (KEY_ID, Algorithm::Hs256) => {
            let key = HS256Key::from_bytes(&HS256_SECRET);
            key.verify_token::<Own>(token, Some(options)).ok()?
        }
        ("k2", _) => {
            let key = HS256Key::from_bytes(&OTHER_SECRET);
            key.verify_token::<Own>(token, Some(options)).ok()?
        }
        _ => return None,
    };
    claims.subject?;
    claims.jwt_id?;
    claims.issued_at?;
    claims.expires_at?;
    Some(())
}

fn jwt_compact(token: &str, algorithm: Algorithm) -> Option<()> {
    let untrusted = UntrustedToken::new(token).ok()?;
    let token: Token<Untimed> = match (untrusted.header().key_id.as_deref()?, algorithm) {
        (KEY_ID, Algorithm::Es256) => {
            let key = <<Es256 as jwt_compact::Algorithm>::VerifyingKey as VerifyingKey<Es256>>::from_slice(&point());
            Es256.validator(&key.ok()?).validate(&untrusted).ok()?
        }
        (KEY_ID, Algorithm::Hs256) => {
            let key = Hs256Key::new(HS256_SECRET);
            Hs256.validator(&key).validate(&untrusted).ok()?
        }
        ("k2", _) => {
            let key = Hs256Key::new(OTHER_SECRET);
            Hs256.validator(&key).validate(&untrusted).ok()?
        }
        _ => return None,
    };
    let clock = TimeOptions::from_leeway(Default::default());
    let claims = token.claims();
    claims.validate_expiration(&clock).ok()?;
    if claims.not_before.is_some() {
        claims.validate_maturity(&clock).ok()?;
    }
    let audience: Audience = serde_json::from_value(claims.custom.aud.clone()).ok()?;
    let right = token.header().token_type.as_deref() == Some(TYPE)
        && claims.issued_at? <= claims.expiration?
        && claims.custom.iss == ISSUER
        && audience.has(AUDIENCE);
    right.then_some(())
}

/// Seconds since 1970, with half a second left before the next: libraries that have no other clock
/// read it again.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    if now.subsec_millis() < 500 {
        return now.as_secs();
    }
    sleep(Duration::from_secs(1) - Duration::from_nanos(now.subsec_nanos().into()));
    now.as_secs() + 1
}

/// What a token that a peer accepts says of the peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// An RFC says that it MUST be refused.
    Wrong,
    /// No RFC does: we are stricter, or have less room.
    Right,
}
use Verdict::{Right, Wrong};

/// Every token that a peer accepts, with HS256 and ES256 alike: `jsonwebtoken`, `jwt-simple`,
/// `jwt-compact`, and what is to be said of it.
#[rustfmt::skip] // A token is a line.
const ACCEPTED: &[(&str, [bool; 3], Verdict, &str)] = &[
    ("a claim of nobody's twice", [true, true, true], Right, "RFC 7519 §4: or the last one counts"),
    ("a claim twice further in", [true, true, true], Right, "RFC 7519 §4: or the last one counts"),
    ("b64 false", [true, true, true], Right, "RFC 7515 §4: without crit, what is unknown is ignored"),
    ("b64 true", [true, true, true], Right, "RFC 7515 §4: what is unknown is ignored"),
    ("crit a string", [false, false, true], Right, "RFC 7515 §4.1.11: may be refused"),
    ("crit empty", [true, true, true], Right, "RFC 7515 §4.1.11: may be refused"),
    ("crit null", [true, true, true], Right, "RFC 7515 §4.1.11: may be refused"),
    ("crit of alg", [true, false, true], Right, "RFC 7515 §4.1.11: may be refused"),
    ("crit of exp", [true, false, true], Wrong, "RFC 7515 §4.1.11: not understood, then invalid"),
    ("crit with an escape", [true, false, true], Wrong, "RFC 7515 §4.1.11: not understood, then invalid"),
    ("exp beyond 64 bits", [false, true, false], Right, "RFC 7519 §2: a number has no end"),
    ("exp beyond the year 9999", [true, true, true], Right, "RFC 7519 §2: a number has no end"),
    ("exp in milliseconds", [true, true, true], Right, "RFC 7519 §2: a number has no end"),
    ("exp now", [true, false, false], Wrong, "RFC 7519 §4.1.4: on or after which it must not be accepted"),
    ("header nested deep", [true, true, true], Right, "our limit"),
    ("header of many members", [true, true, true], Right, "our limit"),
    ("header too long", [true, true, true], Right, "our limit"),
    ("header with a duplicate further in", [true, true, true], Right, "RFC 7515 §4: names of the header itself"),
    ("iat a fraction to come", [false, true, true], Right, "RFC 7519 §4.1.6 refuses nothing"),
    ("iat negative", [false, false, true], Right, "RFC 7519 §4.1.6 refuses nothing"),
    ("iat to come", [true, false, true], Right, "RFC 7519 §4.1.6 refuses nothing"),
    ("jku", [true, true, true], Right, "not followed"),
    ("jwk", [true, false, true], Right, "not used"),
    ("jwk with an escape", [true, false, true], Right, "not used"),
    ("nbf a fraction to come", [false, true, true], Right, "RFC 7519 §4.1.5: a small leeway"),
    ("payload nested deep", [true, true, true], Right, "our limit"),
    ("payload of many members", [true, true, true], Right, "our limit"),
    ("scope not ASCII", [true, true, true], Right, "text, for the caller (RFC 8693 §4.2)"),
    ("scope with a quotation mark", [true, true, true], Right, "text, for the caller (RFC 8693 §4.2)"),
    ("scope with a tabulator", [true, true, true], Right, "text, for the caller (RFC 8693 §4.2)"),
    ("x5c", [true, true, true], Right, "not used"),
    ("x5u", [true, true, true], Right, "not followed"),
];

/// For each token, whether each peer accepts it, with this algorithm. We refuse all of them.
fn verdicts(algorithm: Algorithm, only: With) -> BTreeMap<&'static str, [bool; 3]> {
    let mut verdicts = BTreeMap::new();
    for (name, with, mutation, expected) in super::all() {
        if with != With::Both && with != only {
            continue;
        }
        let rig = Rig::at(algorithm, now());
        // What is wrong with the others is not the token.
        if let Some(token) = rig.token(&mutation) {
            assert_eq!(rig.run(&mutation), Err(expected), "{algorithm}: {name}");
            let accepts = PEERS.map(|(_, accepts)| accepts(&token, algorithm).is_some());
            verdicts.insert(name, accepts);
        }
    }
    verdicts
}

#[test]
fn peers_accept_what_is_good() {
    for algorithm in [Algorithm::Hs256, Algorithm::Es256] {
        let token = Rig::at(algorithm, now()).good();
        for (peer, accepts) in PEERS {
            assert!(accepts(&token, algorithm).is_some(), "{peer}: {algorithm}");
        }
    }
}

/// As printed with `--nocapture`. One that changes its mind is seen.
#[test]
fn peers_side_by_side() {
    let known: BTreeMap<_, _> = ACCEPTED
        .iter()
        .map(|(name, accepts, verdict, why)| (*name, (*accepts, *verdict, *why)))
        .collect();
    assert_eq!(known.len(), ACCEPTED.len(), "a name stands twice");
    let word = |accepts| if accepts { "accepted" } else { "refused" };
    let mut names = BTreeMap::new();
    for (algorithm, only) in [
        (Algorithm::Hs256, With::Hs256),
        (Algorithm::Es256, With::Es256),
    ] {
        for (name, accepts) in verdicts(algorithm, only) {
            let expected = known.get(name).map_or([false; 3], |(accepts, ..)| *accepts);
            assert_eq!(accepts, expected, "{algorithm}: {name}");
            names.insert(name, accepts);
        }
    }
    print!("{:<48}{:<12}", "token", "smallgate");
    println!("{}", PEERS.map(|(peer, _)| format!("{peer:<14}")).concat());
    for (name, accepts) in &names {
        let note = known
            .get(name)
            .map_or(String::new(), |(_, verdict, why)| match verdict {
                Right => format!("  {why}"),
                Wrong => format!("  WRONG: {why}"),
            });
        let words = accepts.map(|accepts| format!("{:<14}", word(accepts)));
        println!("{name:<48}{:<12}{}{note}", word(false), words.concat());
    }
    for (at, (peer, _)) in PEERS.iter().enumerate() {
        let wrong =
            |(_, accepts, verdict, _): &&(_, [bool; 3], _, _)| accepts[at] && *verdict == Wrong;
        let count = names.values().filter(|accepts| accepts[at]).count();
        let wrong = ACCEPTED.iter().filter(wrong).count();
        println!(
            "{peer}: {count} of {} accepted, {wrong} of them wrongly",
            names.len()
        );
    }
    assert!(known.keys().all(|name| names.contains_key(name)));
}
