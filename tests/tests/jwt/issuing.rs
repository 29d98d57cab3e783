//! Tokens as they are issued.

use super::*;

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

/// A key that has no header ready.
struct Bare(Hs256Key);

impl Signer for Bare {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Hs256
    }
    fn key_id(&self) -> Option<&str> {
        Signer::key_id(&self.0)
    }
    fn sign(&self, input: &[u8], signature: &mut [u8; 64]) -> Result<usize, SignError> {
        self.0.sign(input, signature)
    }
}

#[test]
fn a_header_that_a_key_has_ready_is_the_one_that_is_written() {
    let longest = "k".repeat(48);
    let escaped = "\"".repeat(48);
    for key_id in [
        None,
        Some(""),
        Some("k1"),
        Some("é\"\\\n"),
        Some(&*longest),
        Some(&*escaped),
    ] {
        let key = Hs256Key::new(&HS256_SECRET, key_id).unwrap();
        let bare = Bare(key.clone());
        for typ in [Some("at+jwt"), Some("AT+JWT"), Some("JWT"), Some(""), None] {
            let format = TokenFormat {
                typ,
                ..TokenFormat::ACCESS_TOKEN
            };
            let (mut ready, mut written) = ([0; 600], [0; 600]);
            let ready = jwt::issue(&key, &format, &claims(), &mut ready).unwrap();
            let written = jwt::issue(&bare, &format, &claims(), &mut written).unwrap();
            assert_eq!(ready.as_str(), written.as_str(), "{key_id:?} {typ:?}");

            let length = ready.as_str().len();
            for room in 0..=length {
                let mut out = [0; 600];
                let issued = jwt::issue(&key, &format, &claims(), &mut out[..room]);
                assert_eq!(issued.is_ok(), room == length, "{room} of {length}");
            }
        }
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
