//! Keys (R8, R31, R35) and JSON Web Keys (R37, R48).

use smallgate_core::codec::base64url::Base64Error;
use smallgate_core::codec::json::{JsonError, Writer};
use smallgate_core::jose::{
    Algorithm, Es256SigningKey, Es256VerifyingKey, Hs256Key, Jwk, JwkError, JwkMember, KeyError,
    SignatureError, Signer, Verifier,
};

/// RFC 7515 appendix A.3.
const A3: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
/// RFC 7520 §3.5.
const OCT: &str = r#"{"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#;

/// The group's order.
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

fn jwk(text: &str) -> Jwk {
    Jwk::parse(text.as_bytes()).unwrap()
}

fn refused(text: &str) -> JwkError {
    Jwk::parse(text.as_bytes()).unwrap_err()
}

fn written(write: impl FnOnce(&mut Writer<'_>) -> Result<(), JwkError>) -> String {
    let mut out = [0; 512];
    let mut json = Writer::new(&mut out);
    write(&mut json).unwrap();
    String::from_utf8(json.finish().unwrap().to_vec()).unwrap()
}

#[test]
fn r35_hs256_keys_have_32_octets_or_more() {
    for len in 0..32 {
        assert_eq!(
            Hs256Key::new(&vec![7; len], None).unwrap_err(),
            KeyError::TooShort
        );
    }
    for len in [32, 33, 63, 64, 65, 200] {
        assert!(Hs256Key::new(&vec![7; len], None).is_ok(), "{len}");
    }
}

#[test]
fn r35_hs256_tag_is_exactly_32_octets() {
    let key = Hs256Key::new(&[7; 32], None).unwrap();
    let mut signature = [0; 64];
    assert_eq!(key.sign(b"input", &mut signature), Ok(32));
    assert_eq!(key.verify(b"input", &signature[..32]), Ok(()));
    for len in (0..=64).filter(|len| *len != 32) {
        assert_eq!(
            key.verify(b"input", &signature[..len]),
            Err(SignatureError::Length)
        );
    }
}

#[test]
fn r35_es256_signature_is_exactly_64_octets_and_high_s_is_no_fault() {
    let key = Es256SigningKey::new(&[7; 32], None).unwrap();
    let public = key.verifying_key();
    let mut signature = [0; 64];
    assert_eq!(key.sign(b"input", &mut signature), Ok(64));
    assert_eq!(public.verify(b"input", &signature), Ok(()));
    for len in 0..64 {
        assert_eq!(
            public.verify(b"input", &signature[..len]),
            Err(SignatureError::Length)
        );
    }
    let other = p256::ecdsa::Signature::from_slice(&signature).unwrap();
    let (r, s) = other.split_scalars();
    let other = p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
    assert_ne!(other.to_bytes()[..], signature[..]);
    assert_eq!(public.verify(b"input", &other.to_bytes()), Ok(()));
}

#[test]
fn r31_a_public_key_is_no_hmac_secret() {
    let a3 = jwk(A3);
    let (x, y) = a3.coordinates().unwrap();
    let point = [&[4], &x[..], &y[..]].concat();
    // SubjectPublicKeyInfo of P-256, RFC 5480.
    let ec_der = [
        &[0x30, 0x59, 0x30, 0x13, 0x06, 0x07][..],
        &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08],
        &[
            0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ],
        &point,
    ]
    .concat();
    // The beginning of one of RSA with 2048 bits.
    let rsa_der = [
        &[0x30, 0x82, 0x01, 0x22, 0x30, 0x0D, 0x06, 0x09][..],
        &[
            0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
        ],
        &[
            0x03, 0x82, 0x01, 0x0F, 0x00, 0x30, 0x82, 0x01, 0x0A, 0x02, 0x82,
        ],
        &[0xAB; 200],
    ]
    .concat();
    let texts = [
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
        "\n-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ",
        "-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEA",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY",
        A3,
        r#" { "kty" : "RSA", "e":"AQAB", "n":"AAAAAAAAAA"}"#,
    ];
    let all = texts
        .iter()
        .map(|text| text.as_bytes())
        .chain([&point[..], &ec_der, &rsa_der]);
    for octets in all {
        assert!(octets.len() >= 32);
        assert_eq!(
            Hs256Key::new(octets, None).unwrap_err(),
            KeyError::PublicKey,
            "{octets:?}"
        );
    }
    // As a JWK it is of another type, whatever its members claim.
    assert_eq!(a3.hs256_key().unwrap_err(), KeyError::WrongKeyType);
    assert_eq!(
        refused(&A3.replace("{", r#"{"alg":"HS256","#)),
        JwkError::Unsupported(JwkMember::Algorithm)
    );
    assert_eq!(
        refused(&OCT.replace("HS256", "ES256")),
        JwkError::Unsupported(JwkMember::Algorithm)
    );
    assert_eq!(
        jwk(OCT).es256_verifying_key().unwrap_err(),
        KeyError::WrongKeyType
    );
    assert_eq!(
        jwk(OCT).es256_signing_key().unwrap_err(),
        KeyError::WrongKeyType
    );
}

#[test]
fn r31_random_octets_are_a_secret_however_they_begin() {
    let with = |at: usize, part: &[u8], length: usize| {
        let mut octets = vec![7; length];
        octets[at..at + part.len()].copy_from_slice(part);
        octets
    };
    let ec = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
    for octets in [
        // A sequence in DER, but of nothing that a public key has.
        with(0, &[0x30], 32),
        // What a public key has, but not in a sequence, or not where it has it.
        with(4, &ec, 64),
        [&[0x30], &[7; 31][..], &ec].concat(),
        // The octet before a point, but not as many as a point has; as many, but not the octet.
        with(0, &[0x04], 64),
        with(0, &[0x03], 65),
        // An object that is no JWK, and what a JWK has in no object.
        with(0, b"{", 32),
        with(1, b"\"kty\"", 32),
        with(1, b"ssh-rsa", 32),
    ] {
        assert!(Hs256Key::new(&octets, None).is_ok(), "{octets:?}");
    }
}

#[test]
fn r31_the_algorithm_is_the_keys() {
    let hs256 = jwk(OCT).hs256_key().unwrap();
    assert_eq!(Signer::algorithm(&hs256), Algorithm::Hs256);
    assert_eq!(Verifier::algorithm(&hs256), Algorithm::Hs256);
    let es256 = jwk(A3).es256_signing_key().unwrap();
    assert_eq!(es256.algorithm(), Algorithm::Es256);
    assert_eq!(es256.verifying_key().algorithm(), Algorithm::Es256);
}

#[test]
fn p256_points_off_the_curve_and_at_infinity_are_refused() {
    let a3 = jwk(A3);
    let (x, y) = a3.coordinates().unwrap();
    assert!(Es256VerifyingKey::new(x, y, None).is_ok());
    let mut off = *y;
    off[31] ^= 1;
    // p, the field's prime: 2^256 - 2^224 + 2^192 + 2^96 - 1, no coordinate.
    let mut prime = [0xFF; 32];
    prime[4..20].fill(0);
    prime[7] = 1;
    for (x, y) in [
        (x, &off),
        (y, x),
        (&[0; 32], &[0; 32]),
        (&[0xFF; 32], &[0xFF; 32]),
        (&prime, y),
        (x, &[0; 32]),
    ] {
        assert_eq!(
            Es256VerifyingKey::new(x, y, None).unwrap_err(),
            KeyError::OffCurve
        );
        assert!(Es256SigningKey::pair(&[1; 32], x, y, None).is_err());
    }
}

#[test]
fn p256_scalars_out_of_range_and_no_pairs_are_refused() {
    let mut above = ORDER;
    above[31] += 1;
    let mut below = ORDER;
    below[31] -= 1;
    assert!(Es256SigningKey::new(&below, None).is_ok());
    for secret in [[0; 32], ORDER, above, [0xFF; 32]] {
        assert_eq!(
            Es256SigningKey::new(&secret, None).unwrap_err(),
            KeyError::OutOfRange
        );
        assert_eq!(Jwk::p256(&secret).unwrap_err(), KeyError::OutOfRange);
    }
    let a3 = jwk(A3);
    let (x, y) = a3.coordinates().unwrap();
    assert_eq!(
        Es256SigningKey::pair(&[1; 32], x, y, None).unwrap_err(),
        KeyError::NotAPair
    );
}

#[test]
fn key_ids_are_at_most_48_octets() {
    let (fits, longer) = ("x".repeat(48), "x".repeat(49));
    let key = Hs256Key::new(&[7; 32], Some(&fits)).unwrap();
    assert_eq!(Signer::key_id(&key), Some(&*fits));
    let error = KeyError::KeyIdTooLong;
    assert_eq!(Hs256Key::new(&[7; 32], Some(&longer)).unwrap_err(), error);
    assert_eq!(
        Es256SigningKey::new(&[7; 32], Some(&longer)).unwrap_err(),
        error
    );
    let long = OCT.replace("018c0ae5-4d9b-471b-bfd6-eef314bc7037", &longer);
    assert_eq!(refused(&long), JwkError::KeyIdTooLong);
}

#[test]
fn r08_keys_show_their_names_alone() {
    let oct = jwk(OCT);
    let a3 = jwk(A3);
    let signing = Es256SigningKey::new(&[7; 32], Some("018c0ae5")).unwrap();
    for (shown, kind) in [
        (format!("{oct:?}"), "Jwk"),
        (format!("{:?}", oct.hs256_key().unwrap()), "Hs256Key"),
        (format!("{signing:?}"), "Es256SigningKey"),
    ] {
        assert!(shown.starts_with(kind) && shown.contains("018c0ae5"));
    }
    for shown in [
        format!("{oct:?}"),
        format!("{a3:?}"),
        format!("{:?}", oct.hs256_key().unwrap()),
        format!("{:?}", a3.es256_signing_key().unwrap()),
    ] {
        assert!(shown.len() < 90, "{shown}");
        assert!(!shown.contains("hJtX") && !shown.contains("jps"));
    }
}

#[test]
fn r48_the_public_form_has_nothing_private() {
    let public = written(|json| jwk(A3).write_public(json));
    assert_eq!(
        public,
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","use":"sig","alg":"ES256"}"#
    );
    assert!(!jwk(&public).is_private());
    assert_eq!(
        jwk(&public).es256_signing_key().unwrap_err(),
        KeyError::WrongKeyType
    );

    let mut out = [0; 512];
    let mut json = Writer::new(&mut out);
    assert_eq!(
        jwk(OCT).write_public(&mut json),
        Err(JwkError::NotWritable),
        "a symmetric key has no public form"
    );
    assert!(json.is_empty());
    assert_eq!(
        jwk(&public).write_private(&mut json),
        Err(JwkError::NotWritable)
    );
    assert!(json.is_empty());
}

#[test]
fn r48_a_set_is_written_item_by_item() {
    let key = Es256SigningKey::new(&[7; 32], Some("1")).unwrap();
    let set = written(|json| {
        json.begin_object();
        json.begin_array_member("keys");
        Jwk::from(&key.verifying_key()).write_public(json)?;
        jwk(A3).write_public(json)?;
        json.end_array();
        json.end_object();
        Ok(())
    });
    let set: serde_json::Value = serde_json::from_str(&set).unwrap();
    assert_eq!(set["keys"][0]["kid"], "1");
    assert_eq!(set["keys"][0]["alg"], "ES256");
    assert_eq!(
        set["keys"][1]["x"],
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
    );
}

#[test]
fn keys_made_here_are_named_by_their_thumbprint_and_survive_their_json() {
    let symmetric = Jwk::symmetric(&[7; 40]).unwrap();
    let p256 = Jwk::p256(&[7; 32]).unwrap();
    for key in [symmetric, p256] {
        assert!(key.is_private());
        let mut name = [0; 43];
        let name = smallgate_core::codec::base64url::encode(&key.thumbprint(), &mut name).unwrap();
        assert_eq!(key.key_id(), Some(name));
        let again = jwk(&written(|json| key.write_private(json)));
        assert_eq!(again.key_id(), key.key_id());
        assert_eq!(again.secret_octets(), key.secret_octets());
        assert_eq!(again.coordinates(), key.coordinates());
        assert_eq!(again.thumbprint(), key.thumbprint());
    }
    assert_eq!(
        Jwk::symmetric(&[8; 32]).unwrap().secret_octets(),
        Some(&[8; 32][..])
    );
    assert_eq!(
        Jwk::p256(&[7; 32]).unwrap().secret_octets(),
        Some(&[7; 32][..])
    );
    assert_eq!(Jwk::symmetric(&[7; 31]).unwrap_err(), KeyError::TooShort);
    assert_eq!(Jwk::symmetric(&[7; 65]).unwrap_err(), KeyError::TooLong);
    // What signs and what verifies after the detour belong together.
    let p256 = Jwk::p256(&[7; 32]).unwrap();
    let mut signature = [0; 64];
    let signer = p256.es256_signing_key().unwrap();
    signer.sign(b"input", &mut signature).unwrap();
    let public = jwk(&written(|json| p256.write_public(json)));
    let verifier = public.es256_verifying_key().unwrap();
    assert_eq!(verifier.verify(b"input", &signature), Ok(()));
    assert_eq!(verifier.key_id(), p256.key_id());
}

#[test]
fn a_jwk_that_is_not_quite_one_is_refused_and_says_why() {
    use JwkMember::*;
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let k = "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg";
    let a3 = |from: &str, to: &str| {
        assert_eq!(A3.matches(from).count(), 1, "{from}");
        refused(&A3.replace(from, to))
    };
    let oct = |from: &str, to: &str| {
        assert_eq!(OCT.matches(from).count(), 1, "{from}");
        refused(&OCT.replace(from, to))
    };
    assert_eq!(a3(r#""kty":"EC","#, ""), JwkError::Missing(KeyType));
    assert_eq!(a3(r#""EC""#, "null"), JwkError::Type(KeyType));
    assert_eq!(a3(r#""EC""#, r#""ec""#), JwkError::Unsupported(KeyType));
    assert_eq!(a3(r#""EC""#, r#""OKP""#), JwkError::Unsupported(KeyType));
    assert_eq!(a3("P-256", "P-384"), JwkError::Unsupported(Curve));
    assert_eq!(a3(r#""P-256""#, "256"), JwkError::Type(Curve));
    assert_eq!(a3(r#""crv":"P-256","#, ""), JwkError::Missing(Curve));
    assert_eq!(a3(r#""x":"#, r#""X":"#), JwkError::Missing(XCoordinate));
    assert_eq!(a3(r#""y":"#, r#""Y":"#), JwkError::Missing(YCoordinate));
    assert_eq!(a3(x, ""), JwkError::Length(XCoordinate));
    assert_eq!(
        a3(x, &"A".repeat(42)),
        JwkError::Length(XCoordinate),
        "31 octets"
    );
    assert_eq!(a3(x, &format!("{x}A")), JwkError::Length(XCoordinate));
    assert_eq!(
        a3(x, &format!("{}V", &x[..42])),
        JwkError::Encoding(XCoordinate, Base64Error::InvalidCharacter),
        "a stray bit"
    );
    assert_eq!(
        a3(x, &format!("{}=", &x[..42])),
        JwkError::Encoding(XCoordinate, Base64Error::InvalidCharacter)
    );
    assert_eq!(
        a3(x, &x[..41]),
        JwkError::Encoding(XCoordinate, Base64Error::InvalidLength)
    );
    assert_eq!(
        a3(r#""d":"#, r#""d":1,"z":"#),
        JwkError::Type(EccPrivateKey)
    );
    assert_eq!(
        a3(r#""d":"#, r#""x":"#),
        JwkError::Json(JsonError::DuplicateMember)
    );
    assert_eq!(
        a3(r#""d":"#, r#""\u0078":"#),
        JwkError::Json(JsonError::DuplicateMember)
    );
    assert_eq!(oct(r#""k":"#, r#""K":"#), JwkError::Missing(KeyValue));
    assert_eq!(oct(k, &k.repeat(4)), JwkError::Length(KeyValue));
    assert!(
        jwk(&OCT.replace(k, &"A".repeat(86))).is_private(),
        "64 octets"
    );
    assert_eq!(oct(k, &"A".repeat(87)), JwkError::Length(KeyValue));
    assert_eq!(oct("sig", "enc"), JwkError::NotForSignatures);
    assert_eq!(oct(r#""sig""#, "null"), JwkError::Type(PublicKeyUse));
    assert_eq!(oct(r#""HS256""#, "256"), JwkError::Type(Algorithm));
    assert_eq!(oct("HS256", "none"), JwkError::Unsupported(Algorithm));
    let operations = |list: &str| OCT.replace(r#""use":"sig""#, &format!(r#""key_ops":{list}"#));
    assert!(Jwk::parse(operations(r#"["sign","verify"]"#).as_bytes()).is_ok());
    assert!(Jwk::parse(operations(r#"["wrapKey","verify"]"#).as_bytes()).is_ok());
    assert_eq!(
        refused(&operations(r#"["encrypt"]"#)),
        JwkError::NotForSignatures
    );
    assert_eq!(refused(&operations("[]")), JwkError::NotForSignatures);
    assert_eq!(
        refused(&operations(r#""sign""#)),
        JwkError::Type(KeyOperations)
    );
    assert_eq!(
        refused(&operations(r#"["sign",1]"#)),
        JwkError::Type(KeyOperations)
    );
    assert_eq!(refused("[]"), JwkError::Json(JsonError::NotAnObject));
    assert_eq!(
        refused(&A3.repeat(2)),
        JwkError::Json(JsonError::TrailingOctets)
    );
    assert_eq!(
        refused(r#"{"kty":"RSA","n":"AQAB"}"#),
        JwkError::Missing(Exponent)
    );
    assert_eq!(
        refused(r#"{"kty":"RSA","n":"A+","e":"AQAB"}"#),
        JwkError::Encoding(Modulus, Base64Error::InvalidCharacter)
    );
}

#[test]
fn members_that_are_not_understood_are_ignored() {
    let more = A3.replace(
        "{",
        r#"{"ext":true,"x5t":"AAAA","nbf":1,"\u0065":{"deep":[1]},"#,
    );
    assert_eq!(jwk(&more).coordinates(), jwk(A3).coordinates());
    // The same value in another spelling is the same value.
    let spelled = OCT.replace("hJtX", r"\u0068JtX");
    assert_eq!(jwk(&spelled).secret_octets(), jwk(OCT).secret_octets());
}
