//! Tokens issued and verified (R32, R33, R36, R39, R40), and applications' own
//! claims.

#[path = "support/tokens.rs"]
mod tokens;

use base64ct::{Base64UrlUnpadded, Encoding};
use smallgate_core::codec::json::JsonError;
use smallgate_core::jose::{
    Algorithm, Hs256Key, JwsError, Keys, SignError, SignatureError, Signer, Verifier,
};
use smallgate_core::jwt::{
    self, Audience, Claim, Claims, ExtraError, IssueError, ScopeClaim, ScopeForm, TokenFormat,
    Validation, VerifyError,
};
use smallgate_core::scope::{ScopeNames, ScopeSet};
use smallgate_core::time::{Seconds, UnixTime};
use tokens::{HS256_SECRET, KEY_ID, encoded, es256, hs256, signature};

const NOW: UnixTime = UnixTime(1_700_000_000);
const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://rs.example";
const SCOPES: &[&str] = &["read", "write", "admin"];

/// Drillster's: no `iss`, no `aud`, scopes as an array.
const ARRAY: TokenFormat = TokenFormat {
    typ: None,
    claims: &[
        Claim::Subject,
        Claim::ExpiresAt,
        Claim::JwtId,
        Claim::ClientId,
        Claim::Scope,
    ],
    scope: ScopeForm::Array,
};

fn claims() -> Claims<'static> {
    let names = ScopeNames::new(SCOPES).unwrap();
    Claims {
        issuer: Some(ISSUER),
        subject: Some("alice"),
        audience: Some(Audience::One(AUDIENCE)),
        client_id: Some("app"),
        scope: Some(ScopeClaim::Names(names, ScopeSet::from_bits(0b011))),
        issued_at: Some(NOW),
        expires_at: Some(NOW.plus(Seconds(3600))),
        not_before: None,
        jwt_id: Some("id-1"),
    }
}

fn validation() -> Validation<'static> {
    Validation {
        issuer: Some(ISSUER),
        audience: Some(AUDIENCE),
        ..Validation::new(TokenFormat::ACCESS_TOKEN)
    }
}

fn parts(token: &str) -> (String, String) {
    let mut parts = token
        .split('.')
        .map(|part| String::from_utf8(Base64UrlUnpadded::decode_vec(part).unwrap_or_default()));
    let (header, payload) = (parts.next().unwrap(), parts.next().unwrap());
    (header.unwrap(), payload.unwrap())
}

/// Signs any payload under the header of an access token, and verifies it.
fn with_payload<R>(
    payload: &str,
    validation: &Validation<'_>,
    then: impl FnOnce(Result<jwt::Verified<'_>, VerifyError>) -> R,
) -> R {
    let header = r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#;
    let header = match validation.format.typ {
        Some(_) => header.to_owned(),
        None => header.replace(r#""typ":"at+jwt","#, ""),
    };
    let input = format!(
        "{}.{}",
        encoded(header.as_bytes()),
        encoded(payload.as_bytes())
    );
    let token = format!("{input}.{}", encoded(&signature(&hs256(), &input)));
    let key = hs256();
    let keys: &[&dyn Verifier] = &[&key];
    let mut scratch = vec![0; token.len()];
    then(jwt::verify(
        token.as_bytes(),
        &Keys::new(keys),
        validation,
        Some(NOW),
        &mut scratch,
    ))
}

fn payload_with(from: &str, to: &str) -> String {
    let mut out = [0; 512];
    let token = jwt::issue(&hs256(), &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
    let (_, payload) = parts(token.as_str());
    assert_eq!(payload.matches(from).count(), 1, "{from}");
    payload.replace(from, to)
}

#[test]
fn r32_access_token_is_rfc9068_octet_for_octet() {
    let es256 = es256();
    for signer in [&hs256() as &dyn Signer, &es256] {
        let mut out = [0; 512];
        let token = jwt::issue(signer, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
        let (header, payload) = parts(token.as_str());
        let algorithm = signer.algorithm();
        assert_eq!(
            header,
            format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"k1"}}"#)
        );
        assert_eq!(
            payload,
            r#"{"iss":"https://as.example","sub":"alice","aud":"https://rs.example","client_id":"app","scope":"read write","iat":1700000000,"exp":1700003600,"jti":"id-1"}"#
        );
        assert!(!format!("{token:?}").contains("ey"), "R8");
    }
}

#[test]
fn r32_other_formats_write_their_claims_in_their_order() {
    let unnamed = Hs256Key::new(&HS256_SECRET, None).unwrap();
    let mut out = [0; 512];
    let token = jwt::issue(&unnamed, &ARRAY, &claims(), &mut out).unwrap();
    let (header, payload) = parts(token.as_str());
    assert_eq!(header, r#"{"alg":"HS256"}"#);
    assert_eq!(
        payload,
        r#"{"sub":"alice","exp":1700003600,"jti":"id-1","client_id":"app","scope":["read","write"]}"#
    );

    let keys: &[&dyn Verifier] = &[&unnamed];
    let mut scratch = [0; 512];
    let verified = jwt::verify(
        token.as_str().as_bytes(),
        &Keys::new(keys),
        &Validation::new(ARRAY),
        Some(NOW),
        &mut scratch,
    )
    .unwrap();
    let scope = verified.claims().scope.unwrap();
    assert_eq!(scope.names().collect::<Vec<_>>(), ["read", "write"]);
    assert!(scope.contains("write") && !scope.contains("wri") && !scope.contains("admin"));
    let names = ScopeNames::new(SCOPES).unwrap();
    assert_eq!(scope.known(&names), ScopeSet::from_bits(0b011));
}

#[test]
fn r32_a_claim_that_is_listed_and_missing_is_never_left_out() {
    type Removal = (Claim, fn(&mut Claims<'_>));
    let removals: [Removal; 7] = [
        (Claim::Issuer, |c| c.issuer = None),
        (Claim::Subject, |c| c.subject = None),
        (Claim::Audience, |c| c.audience = None),
        (Claim::ClientId, |c| c.client_id = None),
        (Claim::IssuedAt, |c| c.issued_at = None),
        (Claim::ExpiresAt, |c| c.expires_at = None),
        (Claim::JwtId, |c| c.jwt_id = None),
    ];
    for (claim, remove) in removals {
        let mut claims = claims();
        remove(&mut claims);
        let mut out = [0; 512];
        assert_eq!(
            jwt::issue(&hs256(), &TokenFormat::ACCESS_TOKEN, &claims, &mut out).unwrap_err(),
            IssueError::ClaimMissing(claim)
        );
    }
}

#[test]
fn r32_an_empty_scope_is_no_claim_and_still_verifies() {
    let names = ScopeNames::new(SCOPES).unwrap();
    for scope in [None, Some(ScopeClaim::Names(names, ScopeSet::EMPTY))] {
        let claims = Claims { scope, ..claims() };
        let mut out = [0; 512];
        let token = jwt::issue(&hs256(), &TokenFormat::ACCESS_TOKEN, &claims, &mut out).unwrap();
        let (_, payload) = parts(token.as_str());
        assert!(!payload.contains("scope"));
        with_payload(&payload, &validation(), |verified| {
            assert!(verified.unwrap().claims().scope.is_none());
        });
    }
}

#[test]
fn r05_the_room_needed_is_the_token_and_nothing_else() {
    for signer in [&hs256() as &dyn Signer, &es256()] {
        for subject in ["", "a", "ab", "abc", &"x".repeat(300)] {
            let claims = Claims {
                subject: Some(subject),
                ..claims()
            };
            let mut out = [0; 1024];
            let format = &TokenFormat::ACCESS_TOKEN;
            let token = jwt::issue(signer, format, &claims, &mut out).unwrap();
            let expected = token.as_str().to_owned();
            let mut exact = vec![0; expected.len()];
            let token = jwt::issue(signer, format, &claims, &mut exact).unwrap();
            assert_eq!(token.as_str(), expected);
            for less in 0..expected.len() {
                assert_eq!(
                    jwt::issue(signer, format, &claims, &mut exact[..less]).unwrap_err(),
                    IssueError::BufferTooSmall
                );
            }
        }
    }
}

#[test]
fn r37_a_token_may_be_as_long_as_is_said_and_no_longer() {
    let key = hs256();
    let keys: &[&dyn Verifier] = &[&key];
    let mut out = [0; 512];
    let token = jwt::issue(&key, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
    let token = token.as_str().as_bytes();
    for (token_octets, refused) in [
        (token.len(), None),
        (token.len() - 1, Some(JwsError::TooLong)),
    ] {
        let validation = Validation {
            token_octets,
            ..validation()
        };
        let mut scratch = [0; 512];
        let outcome = jwt::verify(
            token,
            &Keys::new(keys),
            &validation,
            Some(NOW),
            &mut scratch,
        );
        assert_eq!(outcome.map(|_| ()).err(), refused.map(VerifyError::Jws));
    }
}

#[test]
fn r40_times_beyond_the_year_9999_are_not_issued() {
    let issued = |seconds| {
        let claims = Claims {
            expires_at: Some(UnixTime(seconds)),
            ..claims()
        };
        jwt::issue(&hs256(), &TokenFormat::ACCESS_TOKEN, &claims, &mut [0; 512]).map(|_| ())
    };
    assert_eq!(issued(UnixTime::LAST.0), Ok(()));
    assert_eq!(
        issued(UnixTime::LAST.0 + 1),
        Err(IssueError::TimeOutOfRange(Claim::ExpiresAt))
    );
}

#[test]
fn r32_scopes_are_issued_with_one_space_between_them() {
    for scope in ["read write", " read write", "read write ", "read  write"] {
        let claims = Claims {
            scope: Some(ScopeClaim::Text(scope)),
            ..claims()
        };
        let mut out = [0; 512];
        let token = jwt::issue(&hs256(), &TokenFormat::ACCESS_TOKEN, &claims, &mut out).unwrap();
        let (_, payload) = parts(token.as_str());
        assert!(payload.contains(r#""scope":"read write","#), "{scope:?}");
    }
}

/// A backend that claims to have signed.
struct Broken(Backend);

type Backend = fn(&mut [u8; 64]) -> Result<usize, SignError>;

impl Signer for Broken {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }
    fn key_id(&self) -> Option<&str> {
        None
    }
    fn sign(&self, _: &[u8], signature: &mut [u8; 64]) -> Result<usize, SignError> {
        self.0(signature)
    }
}

#[test]
fn r35_a_broken_backend_issues_nothing() {
    let broken: [Backend; 5] = [
        |_| Err(SignError::Backend),
        |_| Ok(64), // silent zeros
        |signature| {
            signature.fill(1);
            Ok(63)
        },
        |signature| {
            signature.fill(1);
            Ok(usize::MAX)
        },
        |signature| {
            signature.fill(1);
            Ok(0)
        },
    ];
    for backend in broken {
        let mut out = [0; 512];
        let format = TokenFormat::ACCESS_TOKEN;
        assert_eq!(
            jwt::issue(&Broken(backend), &format, &claims(), &mut out).unwrap_err(),
            IssueError::Backend
        );
    }
}

#[test]
fn r33_typ_is_compared_as_a_media_type() {
    let key = hs256();
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
        r"at\u002Bjwt",
        r"application\/at+jwt",
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"{typ}","kid":"k1"}}"#);
        let payload = payload_with("alice", "alice");
        let input = format!(
            "{}.{}",
            encoded(header.as_bytes()),
            encoded(payload.as_bytes())
        );
        let token = format!("{input}.{}", encoded(&signature(&key, &input)));
        let keys: &[&dyn Verifier] = &[&key];
        let mut scratch = [0; 512];
        let keys = Keys::new(keys);
        let verified = jwt::verify(
            token.as_bytes(),
            &keys,
            &validation(),
            Some(NOW),
            &mut scratch,
        );
        assert!(verified.is_ok(), "{typ}: {verified:?}");
    }
}

#[test]
fn r33_aud_is_a_string_or_an_array_of_strings() {
    for aud in [
        r#""https://rs.example""#,
        r#"["https://rs.example"]"#,
        r#"["https://a.example", "https://rs.example"]"#,
        r#"["https:\/\/rs.example"]"#,
    ] {
        let payload = payload_with(r#""https://rs.example""#, aud);
        with_payload(&payload, &validation(), |verified| {
            let audience = verified.unwrap().claims().audience.unwrap();
            assert!(audience.contains(AUDIENCE), "{aud}");
            assert!(!audience.contains("https://c.example"), "{aud}");
        });
    }
}

#[test]
fn r33_leeway_counts_to_the_second_and_for_the_token() {
    let payload = payload_with("1700000000", r#"1700000060,"nbf":1700000060"#);
    let with = |leeway| Validation {
        leeway: Seconds(leeway),
        ..validation()
    };
    with_payload(&payload, &with(60), |v| assert!(v.is_ok()));
    with_payload(&payload, &with(59), |v| {
        assert_eq!(v.unwrap_err(), VerifyError::NotYetValid);
    });

    let payload = payload_with("1700003600", "1699999941");
    with_payload(&payload, &with(60), |v| assert!(v.is_ok()));
    with_payload(&payload, &with(59), |v| {
        assert_eq!(v.unwrap_err(), VerifyError::Expired);
    });
}

#[test]
fn r33_dates_with_a_fraction_are_dates() {
    let payload = payload_with("1700003600", "1700000000.5");
    with_payload(&payload, &validation(), |v| {
        assert_eq!(v.unwrap_err(), VerifyError::Expired);
    });
    let payload = payload_with("1700003600", "1700000001.25");
    with_payload(&payload, &validation(), |v| {
        assert_eq!(
            v.unwrap().claims().expires_at,
            Some(UnixTime(1_700_000_001))
        );
    });
}

#[test]
fn r36_claims_with_escapes_are_resolved_and_the_text_is_kept() {
    // As PHP writes it.
    let payload = payload_with(r#""https://as.example""#, r#""https:\/\/as.example""#);
    let payload = payload.replace("alice", r"al\u00efce \uD83D\uDE00 \\ \u0022");
    with_payload(&payload, &validation(), |verified| {
        let verified = verified.unwrap();
        assert_eq!(verified.claims().issuer, Some(ISSUER));
        assert_eq!(verified.claims().subject, Some("alïce 😀 \\ \""));
        assert_eq!(verified.text(), payload);
    });
}

#[test]
fn r36_scope_names_with_escapes_are_found() {
    let payload = r#"{"sub":"alice","exp":1700003600,"jti":"id-1","client_id":"app","scope":["read","user\/write"]}"#;
    with_payload(payload, &Validation::new(ARRAY), |verified| {
        let scope = verified.unwrap().claims().scope.unwrap();
        assert_eq!(scope.names().collect::<Vec<_>>(), ["read", "user/write"]);
        assert!(matches!(scope, ScopeClaim::Text("read user/write")));
    });
    // A name with a space in it would become two.
    for name in [r#"read admin"#, r"read\u0020admin", "", r#"\""#] {
        let payload = payload.replace(r"user\/write", name);
        with_payload(&payload, &Validation::new(ARRAY), |verified| {
            assert_eq!(
                verified.unwrap_err(),
                VerifyError::ClaimValue(Claim::Scope),
                "{name}"
            );
        });
    }
}

#[test]
fn r05_escapes_beyond_the_scratch_are_refused_and_twice_the_token_is_enough() {
    let payload = payload_with("alice", &format!(r"\/{}", "x".repeat(400)));
    with_payload(&payload, &validation(), |verified| {
        assert_eq!(verified.unwrap_err(), VerifyError::ScratchTooSmall);
    });
    let header = r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#;
    let input = format!(
        "{}.{}",
        encoded(header.as_bytes()),
        encoded(payload.as_bytes())
    );
    let token = format!("{input}.{}", encoded(&signature(&hs256(), &input)));
    let key = hs256();
    let keys: &[&dyn Verifier] = &[&key];
    let mut scratch = vec![0; 2 * token.len()];
    let keys = Keys::new(keys);
    let verified = jwt::verify(
        token.as_bytes(),
        &keys,
        &validation(),
        Some(NOW),
        &mut scratch,
    );
    assert_eq!(verified.unwrap().claims().subject.map(str::len), Some(401));
}

#[test]
fn r39_two_keys_at_once_and_the_retired_one_until_it_is_taken_away() {
    let retired = Hs256Key::new(&HS256_SECRET, Some("2025")).unwrap();
    let current = Hs256Key::new(&[1; 32], Some("2026")).unwrap();
    let es256 = es256();
    let public = es256.verifying_key();
    let all: &[&dyn Verifier] = &[&current, &retired, &public];
    let without: &[&dyn Verifier] = &[&current, &public];

    for (signer, keys, expected) in [
        (&retired as &dyn Signer, all, None),
        (&current, all, None),
        (&es256, all, None),
        (&current, without, None),
        (&retired, without, Some(JwsError::KeyUnknown)),
        (&es256, &all[..2], Some(JwsError::KeyUnknown)),
        (&retired, &[], Some(JwsError::KeyUnknown)),
    ] {
        let mut out = [0; 512];
        let token = jwt::issue(signer, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
        let mut scratch = [0; 512];
        let outcome = jwt::verify(
            token.as_str().as_bytes(),
            &Keys::new(keys),
            &validation(),
            Some(NOW),
            &mut scratch,
        );
        assert_eq!(outcome.map(|_| ()).err(), expected.map(VerifyError::Jws));
    }
}

#[test]
fn r34_kid_finds_a_key_and_proves_nothing() {
    let unnamed = Hs256Key::new(&HS256_SECRET, None).unwrap();
    let named = hs256();
    let impostor = Hs256Key::new(&[1; 32], Some(KEY_ID)).unwrap();
    let verify = |signer: &dyn Signer, keys: &[&dyn Verifier]| {
        let mut out = [0; 512];
        let token = jwt::issue(signer, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
        let token = token.as_str().as_bytes();
        let mut scratch = [0; 512];
        let keys = Keys::new(keys);
        jwt::verify(token, &keys, &validation(), Some(NOW), &mut scratch).map(|_| ())
    };
    // The only key, with and without a name, for tokens with and without.
    assert_eq!(verify(&unnamed, &[&unnamed]), Ok(()));
    assert_eq!(verify(&unnamed, &[&named]), Ok(()));
    assert_eq!(verify(&named, &[&unnamed]), Ok(()));
    assert_eq!(verify(&named, &[&named]), Ok(()));
    let mismatch = VerifyError::Jws(JwsError::Signature(SignatureError::Mismatch));
    assert_eq!(verify(&impostor, &[&unnamed]), Err(mismatch));
    assert_eq!(verify(&impostor, &[&named]), Err(mismatch));
    // A key with a name is not asked about a token for another, be it the only one.
    let other = Hs256Key::new(&HS256_SECRET, Some("other")).unwrap();
    assert_eq!(
        verify(&other, &[&named]),
        Err(VerifyError::Jws(JwsError::KeyUnknown))
    );
    // Of two with the same name the first is asked, and no other is tried.
    assert_eq!(verify(&named, &[&impostor, &named]), Err(mismatch));
    assert_eq!(
        verify(&unnamed, &[]),
        Err(VerifyError::Jws(JwsError::KeyIdMissing))
    );
}

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
struct Device<'a> {
    #[serde(borrow)]
    device: &'a str,
    floor: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<[u8; 2]>,
}

#[test]
fn an_applications_claims_come_after_ours_and_come_back() {
    let device = Device {
        device: "lamp-7",
        floor: 2,
        rooms: Some([3, 4]),
    };
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &ARRAY, &claims(), &device, &mut out).unwrap();
    let (_, payload) = parts(token.as_str());
    assert_eq!(
        payload,
        r#"{"sub":"alice","exp":1700003600,"jti":"id-1","client_id":"app","scope":["read","write"],"device":"lamp-7","floor":2,"rooms":[3,4]}"#
    );
    with_payload(&payload, &Validation::new(ARRAY), |verified| {
        assert_eq!(verified.unwrap().extra::<Device<'_>>(), Ok(device));
    });
}

#[test]
fn an_applications_claims_may_be_empty_or_alone() {
    #[derive(serde::Serialize)]
    struct Nothing {}
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &ARRAY, &claims(), &Nothing {}, &mut out).unwrap();
    let (_, payload) = parts(token.as_str());
    assert!(payload.ends_with(r#""scope":["read","write"]}"#));

    const BARE: TokenFormat = TokenFormat {
        typ: None,
        claims: &[],
        scope: ScopeForm::Absent,
    };
    let device = Device {
        device: "lamp-7",
        floor: 2,
        rooms: None,
    };
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &BARE, &claims(), &device, &mut out).unwrap();
    assert_eq!(parts(token.as_str()).1, r#"{"device":"lamp-7","floor":2}"#);
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &BARE, &claims(), &Nothing {}, &mut out).unwrap();
    assert_eq!(parts(token.as_str()).1, "{}");
}

#[test]
fn an_applications_claim_with_a_registered_name_is_refused() {
    #[derive(serde::Serialize)]
    struct Subject {
        sub: &'static str,
    }
    #[derive(serde::Serialize)]
    struct NotBefore {
        nbf: u64,
    }
    #[derive(serde::Serialize)]
    struct Twice {
        a: u8,
        #[serde(rename = "a")]
        b: u8,
    }
    let mut out = [0; 512];
    let key = hs256();
    let mut issue = |error| match error {
        0 => jwt::issue_with(&key, &ARRAY, &claims(), &Subject { sub: "root" }, &mut out).err(),
        // The format has no nbf; the name is ours all the same.
        1 => jwt::issue_with(&key, &ARRAY, &claims(), &NotBefore { nbf: 0 }, &mut out).err(),
        2 => jwt::issue_with(&key, &ARRAY, &claims(), &Twice { a: 1, b: 2 }, &mut out).err(),
        3 => jwt::issue_with(&key, &ARRAY, &claims(), &"sub", &mut out).err(),
        _ => jwt::issue_with(&key, &ARRAY, &claims(), &[1, 2], &mut out).err(),
    };
    assert_eq!(issue(0), Some(IssueError::ExtraReserved(Claim::Subject)));
    assert_eq!(issue(1), Some(IssueError::ExtraReserved(Claim::NotBefore)));
    assert_eq!(
        issue(2),
        Some(IssueError::ExtraJson(JsonError::DuplicateMember))
    );
    assert_eq!(issue(3), Some(IssueError::ExtraNotAnObject));
    assert_eq!(issue(4), Some(IssueError::ExtraNotAnObject));
}

#[test]
fn an_applications_claims_need_the_room_of_the_token_and_nothing_else() {
    let device = Device {
        device: "lamp-7",
        floor: 2,
        rooms: None,
    };
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &ARRAY, &claims(), &device, &mut out).unwrap();
    let expected = token.as_str().to_owned();
    let mut exact = vec![0; expected.len()];
    let token = jwt::issue_with(&hs256(), &ARRAY, &claims(), &device, &mut exact).unwrap();
    assert_eq!(token.as_str(), expected);
    for less in 0..expected.len() {
        assert_eq!(
            jwt::issue_with(&hs256(), &ARRAY, &claims(), &device, &mut exact[..less]).unwrap_err(),
            IssueError::BufferTooSmall
        );
    }
}

#[test]
fn r33_an_applications_claim_is_never_absent_because_of_its_spelling() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Optional<'a> {
        #[serde(borrow)]
        device: Option<&'a str>,
    }
    for (extra, expected) in [
        (r#""device":"x""#, Ok(Optional { device: Some("x") })),
        (r#""other":"a\u0062:c""#, Ok(Optional { device: None })),
        (
            r#""other":{"b\"":1},"device":"x""#,
            Err(ExtraError::EscapedName),
        ),
        (r#""d\u0065vice":"x""#, Err(ExtraError::EscapedName)),
        (r#""other":[{"\u0061" : 1}]"#, Err(ExtraError::EscapedName)),
        (r#""device":7"#, Err(ExtraError::Mismatch)),
        (r#""device":"a\u0062""#, Err(ExtraError::Mismatch)),
    ] {
        let payload = payload_with(r#""sub":"alice""#, &format!(r#""sub":"alice",{extra}"#));
        with_payload(&payload, &validation(), |verified| {
            let verified = verified.unwrap();
            assert_eq!(verified.extra::<Optional<'_>>(), expected, "{extra}");
        });
    }
}

#[test]
fn an_applications_own_strings_have_their_escapes_resolved() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Owned {
        device: String,
    }
    let payload = payload_with(r#""sub":"alice""#, r#""sub":"a","device":"l\u00e4mp\/7""#);
    with_payload(&payload, &validation(), |verified| {
        let verified = verified.unwrap();
        let device = "lämp/7".to_owned();
        assert_eq!(verified.extra(), Ok(Owned { device }));
        let short: Result<Owned, _> = verified.extra_with(&mut [0; 6]);
        assert_eq!(short, Err(ExtraError::Mismatch));
    });
}

#[test]
fn every_error_says_something_and_no_secret() {
    let errors = [
        VerifyError::ClockUnset.to_string(),
        VerifyError::ClaimType(Claim::Audience).to_string(),
        VerifyError::Jws(JwsError::Signature(SignatureError::Length)).to_string(),
        VerifyError::PayloadJson(JsonError::TooDeep).to_string(),
        IssueError::ClaimMissing(Claim::JwtId).to_string(),
    ];
    assert_eq!(
        errors,
        [
            "the clock is not set",
            "of the wrong type: aud",
            "a signature of the wrong length",
            "payload: the JSON text is nested too deeply",
            "the token needs jti",
        ]
    );
}

/// As a gateway does that exchanges a token for one of its own.
#[test]
fn several_audiences_are_issued_as_they_were_received() {
    let audiences = r#"["https://rs.example","a\"b\\c\u000a","\u00e9\ud83d\ude00"]"#;
    let one = format!(r#""{AUDIENCE}""#);
    let payload = payload_with(&one, audiences);
    let issued = with_payload(&payload, &validation(), |verified| {
        let verified = verified.unwrap();
        let mut out = [0; 512];
        let claims = verified.claims();
        let token = jwt::issue(&hs256(), &TokenFormat::ACCESS_TOKEN, claims, &mut out).unwrap();
        parts(token.as_str()).1
    });
    let [issued, received] =
        [&issued, &payload].map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
    assert_eq!(issued, received);
    assert_eq!(issued["aud"][1], "a\"b\\c\n");

    let none = payload_with(&one, "[]");
    let refused = with_payload(&none, &validation(), |verified| verified.err());
    assert_eq!(refused, Some(VerifyError::AudienceMismatch));
}

#[test]
fn a_format_without_scopes_has_none() {
    let format = TokenFormat {
        scope: ScopeForm::Absent,
        ..TokenFormat::ACCESS_TOKEN
    };
    let mut out = [0; 512];
    let token = jwt::issue(&hs256(), &format, &claims(), &mut out).unwrap();
    let (_, payload) = parts(token.as_str());
    assert!(!payload.contains("scope"), "{payload}");
    // One that there is all the same is the application's, and may be anything.
    let payload = payload.replace('{', r#"{"scope":[7],"#);
    let expecting = Validation {
        format,
        ..validation()
    };
    with_payload(&payload, &expecting, |verified| {
        assert!(verified.unwrap().claims().scope.is_none());
    });
}

#[test]
fn r33_a_scope_is_of_the_formats_form_and_of_no_other() {
    let text = r#"{"sub":"alice","exp":1700003600,"jti":"id-1","client_id":"app","scope":"read"}"#;
    let array = text.replace(r#""read""#, r#"["read"]"#);
    let expecting = |scope| Validation::new(TokenFormat { scope, ..ARRAY });
    for (payload, form, good) in [
        (text, ScopeForm::Text, true),
        (text, ScopeForm::Array, false),
        (&array, ScopeForm::Array, true),
        (&array, ScopeForm::Text, false),
    ] {
        with_payload(payload, &expecting(form), |verified| {
            let wrong = (!good).then_some(VerifyError::ClaimType(Claim::Scope));
            assert_eq!(verified.map(|_| ()).err(), wrong, "{payload}");
        });
    }
}

/// Also in a kind of token that does not have them.
#[test]
fn r33_the_end_and_what_is_expected_are_always_wanted() {
    let format = TokenFormat {
        claims: &[Claim::Subject],
        ..ARRAY
    };
    let plain = Validation::new(format);
    let issuer = Validation {
        issuer: Some(ISSUER),
        ..plain
    };
    let audience = Validation {
        audience: Some(AUDIENCE),
        ..plain
    };
    let (endless, short) = (r#"{"sub":"alice"}"#, r#"{"sub":"alice","exp":1700003600}"#);
    for (payload, validation, missing) in [
        (endless, plain, Some(Claim::ExpiresAt)),
        (short, plain, None),
        (short, issuer, Some(Claim::Issuer)),
        (short, audience, Some(Claim::Audience)),
    ] {
        with_payload(payload, &validation, |verified| {
            let outcome = verified.map(|_| ()).err();
            assert_eq!(outcome, missing.map(VerifyError::ClaimMissing));
        });
    }
}

#[test]
fn r05_claims_without_escapes_need_no_room_beside_the_payload() {
    let payload = payload_with("alice", "alice");
    let key = hs256();
    let keys: &[&dyn Verifier] = &[&key];
    let mut out = [0; 512];
    let token = jwt::issue(&key, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
    for (room, refused) in [
        (payload.len(), None),
        (payload.len() - 1, Some(JwsError::ScratchTooSmall)),
    ] {
        let mut scratch = vec![0; room];
        let outcome = jwt::verify(
            token.as_str().as_bytes(),
            &Keys::new(keys),
            &validation(),
            Some(NOW),
            &mut scratch,
        );
        assert_eq!(outcome.map(|_| ()).err(), refused.map(VerifyError::Jws));
    }
}
