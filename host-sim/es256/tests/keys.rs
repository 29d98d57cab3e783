//! The keys do as the core's do: they are refused for the same reasons, and take each other's
//! signatures.

use smallgate_core::jose::{self, Jwk, KeyError, SignatureError, Signer, Verifier};
use smallgate_es256::{Es256SigningKey, Es256VerifyingKey};

/// FIPS 186-4 D.1.2.3: n, the order of the group.
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

fn jwk(octet: u8) -> Jwk {
    Jwk::p256(&[octet; 32]).unwrap()
}

#[test]
fn keys_are_refused_as_the_core_refuses_them() {
    let (one, other) = (jwk(1), jwk(2));
    let (x, y) = one.coordinates().unwrap();
    let (other_x, other_y) = other.coordinates().unwrap();
    let long = "k".repeat(49);
    let (zero, high) = ([0; 32], [0xFF; 32]);
    for (secret, x, y, key_id) in [
        (&[1; 32], x, y, None),
        (&[1; 32], x, y, Some("k1")),
        (&[1; 32], x, y, Some(long.as_str())),
        (&[1; 32], other_x, other_y, None),
        (&[1; 32], y, x, None),
        (&[1; 32], x, &zero, None),
        (&[1; 32], &zero, &zero, None),
        (&[1; 32], &high, y, None),
        (&zero, x, y, None),
        (&ORDER, x, y, None),
        (&high, x, y, None),
    ] {
        let ours = Es256SigningKey::pair(secret, x, y, key_id).map(drop);
        let cores = jose::Es256SigningKey::pair(secret, x, y, key_id).map(drop);
        assert_eq!(ours, cores);
        let ours = Es256VerifyingKey::new(x, y, key_id).map(|key| key.public_point());
        let cores = jose::Es256VerifyingKey::new(x, y, key_id).map(|key| key.public_point());
        assert_eq!(ours, cores);
    }
    assert!(Es256SigningKey::pair(&[1; 32], x, y, None).is_ok());
}

#[test]
fn a_key_of_another_type_is_refused() {
    let symmetric = Jwk::symmetric(&[1; 32]).unwrap();
    assert_eq!(
        Es256SigningKey::of(&symmetric).unwrap_err(),
        KeyError::WrongKeyType
    );
    assert_eq!(
        Es256VerifyingKey::of(&symmetric).unwrap_err(),
        KeyError::WrongKeyType
    );
    let public = Jwk::from(&jwk(1).es256_verifying_key().unwrap());
    assert_eq!(
        Es256SigningKey::of(&public).unwrap_err(),
        KeyError::WrongKeyType
    );
    assert!(Es256VerifyingKey::of(&public).is_ok());
}

#[test]
fn either_takes_the_others_signatures_and_no_other_keys() {
    let (one, other) = (jwk(1), jwk(2));
    let signers: [&dyn Signer; 2] = [
        &Es256SigningKey::of(&one).unwrap(),
        &one.es256_signing_key().unwrap(),
    ];
    let verifiers: [&dyn Verifier; 3] = [
        &Es256VerifyingKey::of(&one).unwrap(),
        &one.es256_verifying_key().unwrap(),
        &Es256SigningKey::of(&one).unwrap().verifying_key(),
    ];
    let strangers: [&dyn Verifier; 2] = [
        &Es256VerifyingKey::of(&other).unwrap(),
        &other.es256_verifying_key().unwrap(),
    ];
    for length in [0, 1, 55, 64, 370] {
        let input = vec![0x5A; length];
        for signer in signers {
            let mut signature = [0; 64];
            assert_eq!(signer.sign(&input, &mut signature), Ok(64));
            for verifier in verifiers {
                assert_eq!(verifier.verify(&input, &signature), Ok(()));
                assert_eq!(verifier.key_id(), signer.key_id());
                assert_eq!(verifier.algorithm(), signer.algorithm());
                for at in [0, 31, 32, 63] {
                    let mut flipped = signature;
                    flipped[at] ^= 1;
                    assert!(verifier.verify(&input, &flipped).is_err());
                }
            }
            for stranger in strangers {
                let outcome = stranger.verify(&input, &signature);
                assert_eq!(outcome, Err(SignatureError::Mismatch));
            }
        }
    }
}

/// Unlike the core's, which are those of RFC 6979.
#[test]
fn signatures_are_drawn() {
    let key = Es256SigningKey::of(&jwk(1)).unwrap();
    let (mut first, mut second) = ([0; 64], [0; 64]);
    key.sign(b"input", &mut first).unwrap();
    key.sign(b"input", &mut second).unwrap();
    assert_ne!(first, second);
}

#[test]
fn nothing_secret_is_shown() {
    let key = Es256SigningKey::of(&jwk(1)).unwrap();
    let shown = format!("{key:?}");
    assert!(
        shown.starts_with("Es256SigningKey { key_id: Some("),
        "{shown}"
    );
    assert!(shown.ends_with(", .. }"), "{shown}");
}
