//! What holds for every input (R33, R36, R37): base64url is a bijection and
//! agrees with base64ct, what is issued verifies, and nothing panics.

#[path = "support/tokens.rs"]
mod tokens;

use std::sync::LazyLock;

use base64ct::{Base64UrlUnpadded, Encoding};
use proptest::collection::vec;
use proptest::prelude::*;
use smallgate_core::codec::base64url;
use smallgate_core::jose::{
    Es256VerifyingKey, ExpectedType, HeaderPolicy, Hs256Key, Jwk, Keys, Signer, Verifier, verify,
};
use smallgate_core::jwt::{
    self, Audience, Claim, Claims, ScopeClaim, ScopeForm, TokenFormat, Validation,
};
use smallgate_core::scope::{ScopeNames, ScopeSet};
use smallgate_core::time::UnixTime;
use tokens::{encoded, es256, hs256, signature};

const SCOPES: &[&str] = &["a", "read", "user/write", "x:y.z", "ROLE_USER"];

const FULL: TokenFormat = TokenFormat {
    typ: Some("at+jwt"),
    claims: &[
        Claim::JwtId,
        Claim::NotBefore,
        Claim::ExpiresAt,
        Claim::IssuedAt,
        Claim::Scope,
        Claim::ClientId,
        Claim::Audience,
        Claim::Subject,
        Claim::Issuer,
    ],
    scope: ScopeForm::Text,
};

/// Characters near the edges of base64url, and any others.
fn base64_like() -> impl Strategy<Value = Vec<u8>> {
    let character = prop_oneof![
        20 => prop::sample::select(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".to_vec()
        ),
        1 => any::<u8>(),
    ];
    vec(character, 0..90)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn r36_base64url_decode_after_encode_is_identity(octets in vec(any::<u8>(), 0..200)) {
        let expected = Base64UrlUnpadded::encode_string(&octets);
        let mut room = vec![0; base64url::encoded_len(octets.len())];
        prop_assert_eq!(base64url::encode(&octets, &mut room), Ok(&*expected));
        let mut secret = vec![0; expected.len()];
        prop_assert_eq!(base64url::encode_secret(&octets, &mut secret), Ok(&*expected));

        let mut back = vec![0; base64url::decoded_len(expected.len())];
        prop_assert_eq!(back.len(), octets.len());
        prop_assert_eq!(base64url::decode(expected.as_bytes(), &mut back).map(|o| &*o), Ok(&*octets));
        prop_assert_eq!(
            base64url::decode_secret(expected.as_bytes(), &mut back).map(|o| &*o),
            Ok(&*octets)
        );
        if !octets.is_empty() {
            let short = expected.len() - 1;
            prop_assert!(base64url::encode(&octets, &mut room[..short]).is_err());
            prop_assert!(base64url::encode_secret(&octets, &mut room[..short]).is_err());
            let short = octets.len() - 1;
            prop_assert!(base64url::decode(expected.as_bytes(), &mut back[..short]).is_err());
            prop_assert!(base64url::decode_secret(expected.as_bytes(), &mut back[..short]).is_err());
        }
    }

    #[test]
    fn r36_base64url_encode_after_decode_is_identity(text in base64_like()) {
        let oracle = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| Base64UrlUnpadded::decode_vec(text).ok());
        let mut room = vec![0; text.len()];
        let decoded = base64url::decode(&text, &mut room).map(|octets| octets.to_vec());
        prop_assert_eq!(decoded.clone().ok(), oracle);
        let mut secret = vec![0; text.len()];
        let secret = base64url::decode_secret(&text, &mut secret).map(|octets| octets.to_vec());
        prop_assert_eq!(secret.ok(), decoded.clone().ok());
        if let Ok(octets) = decoded {
            let mut again = vec![0; text.len()];
            let again = base64url::encode(&octets, &mut again).unwrap();
            prop_assert_eq!(again.as_bytes(), &*text);
        }
    }

    #[test]
    fn r37_no_token_panics(token in vec(any::<u8>(), 0..300), scratch in 0_usize..300) {
        judge(&token, scratch);
    }

    #[test]
    fn r37_no_payload_or_header_panics(
        header in json_like(),
        payload in json_like(),
        scratch in 0_usize..600,
    ) {
        for header in [header, br#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#.to_vec()] {
            let input = format!("{}.{}", encoded(&header), encoded(&payload));
            let token = format!("{input}.{}", encoded(&signature(&hs256(), &input)));
            judge(token.as_bytes(), scratch);
        }
    }

    #[test]
    fn r37_no_jwk_panics(text in json_like(), octets in vec(any::<u8>(), 0..200)) {
        for text in [text, octets] {
            if let Ok(key) = Jwk::parse(&text) {
                let _ = (key.hs256_key(), key.es256_signing_key(), key.thumbprint());
            }
        }
    }
}

/// Pieces of objects as they come in tokens and keys, put together at random.
fn json_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        r"\u0061",
        r"\ud83d\ude00",
        r"\/",
        "null",
        "true",
        "0",
        "1700000000",
        "1.5",
        "-1",
        "1e9",
        r#""alg":"HS256","#,
        r#""typ":"at+jwt","#,
        r#""kid":"k1","#,
        r#""crit":[],"#,
        r#""iss":"https:\/\/as.example","#,
        r#""sub":"\u0061","#,
        r#""aud":["x","y"],"#,
        r#""exp":1700003600,"#,
        r#""iat":0,"#,
        r#""scope":["a\/b","c"],"#,
        r#""scope":"a b","#,
        r#""client_id":"c","#,
        r#""jti":"j""#,
        r#""kty":"EC","crv":"P-256","#,
        r#""kty":"oct","k":"AAAA","#,
        r#""x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
        r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","#,
        r#""d":"AQ","#,
        "x",
        " ",
    ]);
    let any_json = vec(piece, 0..20).prop_map(|pieces| pieces.concat().into_bytes());
    let object = any_json
        .clone()
        .prop_map(|inner| [b"{", &*inner, b"}"].concat());
    prop_oneof![any_json, object]
}

fn judge(token: &[u8], scratch: usize) {
    const ARRAY: TokenFormat = TokenFormat {
        typ: None,
        claims: &[Claim::ExpiresAt],
        scope: ScopeForm::Array,
    };
    static NAMED: LazyLock<Hs256Key> = LazyLock::new(hs256);
    static PUBLIC: LazyLock<Es256VerifyingKey> = LazyLock::new(|| es256().verifying_key());
    let unnamed = Hs256Key::new(&[7; 32], None).unwrap();
    let all: &[&dyn Verifier] = &[&*NAMED, &*PUBLIC];
    let one: &[&dyn Verifier] = &[&unnamed];
    for keys in [all, one, &[]] {
        let keys = Keys::new(keys);
        for format in [FULL, ARRAY, TokenFormat::ACCESS_TOKEN] {
            let validation = Validation {
                issuer: Some("https://as.example"),
                audience: Some("x"),
                ..Validation::new(format)
            };
            let mut scratch = vec![0; scratch];
            let now = Some(UnixTime(1_700_000_000));
            if let Ok(verified) = jwt::verify(token, &keys, &validation, now, &mut scratch) {
                assert!(verified.claims().expires_at.is_some());
            }
        }
        let policy = HeaderPolicy::new(ExpectedType::Any);
        let mut scratch = vec![0; scratch];
        let _ = verify(token, &keys, &policy, &mut scratch);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn r33_what_is_issued_verifies(
        texts in prop::array::uniform5(any::<String>()),
        scopes in 0_u64..32,
        array in any::<bool>(),
        now in 0..=UnixTime::LAST.0 - 1,
        life in 1_u64..10_000_000,
        symmetric in any::<bool>(),
    ) {
        let [issuer, subject, audience, client_id, jwt_id] = &texts;
        let names = ScopeNames::new(SCOPES).unwrap();
        let set = ScopeSet::from_bits(scopes);
        let expires_at = UnixTime((now + life).min(UnixTime::LAST.0));
        let now = UnixTime(now);
        let claims = Claims {
            issuer: Some(issuer),
            subject: Some(subject),
            audience: Some(Audience::One(audience)),
            client_id: Some(client_id),
            scope: Some(ScopeClaim::Names(names, set)),
            issued_at: Some(now),
            expires_at: Some(expires_at),
            not_before: Some(now),
            jwt_id: Some(jwt_id),
        };
        let format = TokenFormat {
            scope: if array { ScopeForm::Array } else { ScopeForm::Text },
            ..FULL
        };
        let (hs256, es256) = (hs256(), es256());
        let public = es256.verifying_key();
        let signer: &dyn Signer = if symmetric { &hs256 } else { &es256 };
        let verifier: &dyn Verifier = if symmetric { &hs256 } else { &public };
        let verifiers = &[verifier];
        let mut out = vec![0; 8192];
        let token = jwt::issue(signer, &format, &claims, &mut out).unwrap();
        let token = token.as_str().as_bytes();

        let mut validation = Validation {
            issuer: Some(issuer),
            audience: Some(audience),
            token_octets: 8192,
            ..Validation::new(format)
        };
        validation.limits.octets = 8192;
        let mut scratch = vec![0; 2 * token.len()];
        let keys = Keys::new(verifiers);
        let verified = jwt::verify(token, &keys, &validation, Some(now), &mut scratch).unwrap();
        let back = verified.claims();
        prop_assert_eq!(back.issuer, Some(&**issuer));
        prop_assert_eq!(back.subject, Some(&**subject));
        prop_assert!(back.audience.unwrap().contains(audience));
        prop_assert_eq!(back.client_id, Some(&**client_id));
        prop_assert_eq!(back.jwt_id, Some(&**jwt_id));
        prop_assert_eq!(back.issued_at, Some(now));
        prop_assert_eq!(back.not_before, Some(now));
        prop_assert_eq!(back.expires_at, Some(expires_at));
        let granted = back.scope.map_or(ScopeSet::EMPTY, |scope| scope.known(&names));
        prop_assert_eq!(granted, set);
    }

    /// No octet of a token can be changed, left out or doubled.
    #[test]
    fn r38_no_other_octets_verify(at in 0_usize..450, to in any::<u8>(), cut in any::<bool>()) {
        let key = hs256();
        let mut out = [0; 512];
        let claims = Claims {
            expires_at: Some(UnixTime(2)),
            subject: Some("alice"),
            ..Claims::default()
        };
        const FORMAT: TokenFormat = TokenFormat {
            typ: None,
            claims: &[Claim::Subject, Claim::ExpiresAt],
            scope: ScopeForm::Absent,
        };
        let token = jwt::issue(&key, &FORMAT, &claims, &mut out).unwrap();
        let mut other = token.as_str().as_bytes().to_vec();
        let at = at % other.len();
        if cut {
            other.remove(at);
        } else {
            prop_assume!(other[at] != to);
            other[at] = to;
        }
        let keys: &[&dyn Verifier] = &[&key];
        let mut scratch = [0; 512];
        let validation = Validation::new(FORMAT);
        let keys = Keys::new(keys);
        let outcome = jwt::verify(&other, &keys, &validation, Some(UnixTime(1)), &mut scratch);
        prop_assert!(outcome.is_err());
    }
}
