//! The bare primitives, below which no token is verified or issued with them.

use std::hint::black_box;

use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use sha2::Sha256;
use smallgate_turns::turns::Case;

use crate::keys::Keys;

pub(crate) fn cases(keys: &[Keys; 3]) -> Vec<Case<'static>> {
    let [hs256, es256, _] = keys;
    let signed = |keys: &Keys| {
        let (input, _) = keys.sample.token.rsplit_once('.').expect("three parts");
        input.as_bytes()
    };
    let (tagged, input) = (signed(hs256), signed(es256));

    let keyed = Hmac::<Sha256>::new_from_slice(&[7; 32]).expect("any length");
    let tag = move || {
        let mut mac = keyed.clone();
        mac.update(black_box(tagged));
        mac.finalize().into_bytes()[0]
    };
    let pure = SigningKey::from_slice(&[7; 32]).expect("a scalar");
    let verifying = *pure.verifying_key();
    let signature: Signature = pure.sign(input);
    let pure_verify = move || verifying.verify(black_box(input), &signature).is_ok();
    let pure_sign = move || -> Signature { pure.sign(black_box(input)) };

    let of = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(of, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(of, made.as_ref(), &random).expect("a key");
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, *pair.public_key());
    let signature = pair.sign(&random, input).expect("a signature");
    let ring_verify = move || public.verify(black_box(input), signature.as_ref()).is_ok();
    let ring_sign = move || pair.sign(&random, black_box(input)).is_ok();

    vec![
        Case::new("floor: hmac and sha2", tag).beside("HS256 verify"),
        Case::new("floor: ring verifies", ring_verify).beside("ES256 verify, assembly"),
        Case::new("floor: ring signs", ring_sign).beside("ES256 issue, assembly"),
        Case::new("floor: p256 verifies", pure_verify).beside("ES256 verify, pure Rust"),
        Case::new("floor: p256 signs", pure_sign).beside("ES256 issue, pure Rust"),
    ]
}
