//! A resource of one's own, with the core alone: `ResourceServer` (RFC 6750).

use smallgate_core::bearer::{BearerError, ResourceServer, suffices};
use smallgate_core::http::Header;
use smallgate_core::jose::{Hs256Key, Keys, Verifier};
use smallgate_core::jwt::{
    self, Audience, Claims, ScopeClaim, TokenFormat, Validation, VerifyError,
};
use smallgate_core::time::{Seconds, UnixTime};

const NOW: UnixTime = UnixTime(1_800_000_000);
const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://rs.example";

fn key() -> Hs256Key {
    Hs256Key::new(&[7; 32], Some("k")).expect("32 octets")
}

fn token(scope: &str) -> String {
    let claims = Claims {
        issuer: Some(ISSUER),
        subject: Some("alice"),
        audience: Some(Audience::One(AUDIENCE)),
        client_id: Some("app"),
        scope: Some(ScopeClaim::Text(scope)),
        issued_at: Some(NOW),
        expires_at: Some(NOW.plus(Seconds(60))),
        not_before: None,
        jwt_id: Some("1"),
    };
    let mut out = [0; 512];
    let issued = jwt::issue(&key(), &TokenFormat::ACCESS_TOKEN, &claims, &mut out);
    issued.expect("a token").as_str().to_owned()
}

/// What becomes of a request with these headers to a resource that asks for
/// `scope`.
fn asked(
    headers: &[(&str, &str)],
    query: Option<&str>,
    now: Option<UnixTime>,
    scope: &str,
) -> Result<(), BearerError> {
    let key = key();
    let verifiers: [&dyn Verifier; 1] = [&key];
    let server = ResourceServer {
        keys: Keys::new(&verifiers),
        validation: Validation {
            issuer: Some(ISSUER),
            audience: Some(AUDIENCE),
            ..Validation::new(TokenFormat::ACCESS_TOKEN)
        },
        token_header: Some("x-token"),
    };
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| Header {
            name,
            value: value.as_bytes(),
        })
        .collect();
    let mut scratch = [0; 1024];
    let verified = server.authenticate(&headers, query, now, &mut scratch)?;
    let required = server.require(&verified, scope);
    assert_eq!(required.is_ok(), suffices(&verified, scope));
    required
}

#[test]
fn each_scope_that_is_asked_for_is_there() {
    let bearer = format!("Bearer {}", token("read write"));
    let headers = [("authorization", bearer.as_str())];
    for good in ["", "read", "write read", " read  write "] {
        assert_eq!(asked(&headers, None, Some(NOW), good), Ok(()), "{good}");
    }
    for missing in ["admin", "read admin", "admin read", "rea", "read,write"] {
        let refused = asked(&headers, None, Some(NOW), missing);
        assert_eq!(refused, Err(BearerError::InsufficientScope), "{missing}");
    }
}

#[test]
fn a_token_comes_in_one_place() {
    let token = token("read");
    let bearer = format!("Bearer {token}");
    let ask = |headers: &[(&str, &str)], query| asked(headers, query, Some(NOW), "read");
    let (header, own) = (
        ("authorization", bearer.as_str()),
        ("x-token", token.as_str()),
    );
    assert_eq!(ask(&[header], None), Ok(()));
    assert_eq!(ask(&[own], None), Ok(()));
    assert_eq!(ask(&[], None), Err(BearerError::NoToken));
    assert_eq!(ask(&[header, own], None), Err(BearerError::SeveralTokens));
    assert_eq!(
        ask(&[header, header], None),
        Err(BearerError::SeveralTokens)
    );
    assert_eq!(ask(&[header], Some("a=1&b=access_token")), Ok(()));
    for query in [
        "access_token=x",
        "a=1&access_token",
        "%61ccess%5Ftoken=x",
        "access%5ftoken=x",
    ] {
        let refused = ask(&[header], Some(query));
        assert_eq!(refused, Err(BearerError::TokenInQuery), "{query}");
    }
    for malformed in ["Bearer", "bearer", "Bearer ", "Bearer a b", "Bearer a,b"] {
        let refused = ask(&[("authorization", malformed)], None);
        assert_eq!(refused, Err(BearerError::Malformed), "{malformed}");
    }
    for another in ["", "Beare", "Bearerx", "Basic YTpi"] {
        let refused = ask(&[("authorization", another)], None);
        assert_eq!(refused, Err(BearerError::NoToken), "{another}");
    }
}

#[test]
fn what_is_wrong_has_a_status_and_a_code() {
    let bearer = format!("Bearer {}", token("read"));
    let headers = [("authorization", bearer.as_str())];
    let late = Some(NOW.plus(Seconds(60)));
    let expired = asked(&headers, None, late, "read");
    assert_eq!(expired, Err(BearerError::Invalid(VerifyError::Expired)));
    assert_eq!(
        asked(&headers, None, None, "read"),
        Err(BearerError::ClockUnset)
    );
    for (error, status, code) in [
        (BearerError::NoToken, 401, None),
        (BearerError::TokenInQuery, 400, Some("invalid_request")),
        (BearerError::SeveralTokens, 400, Some("invalid_request")),
        (BearerError::Malformed, 400, Some("invalid_request")),
        (
            BearerError::Invalid(VerifyError::Expired),
            401,
            Some("invalid_token"),
        ),
        (BearerError::Revoked, 401, Some("invalid_token")),
        (
            BearerError::InsufficientScope,
            403,
            Some("insufficient_scope"),
        ),
        (
            BearerError::ClockUnset,
            503,
            Some("temporarily_unavailable"),
        ),
        (
            BearerError::StoreUnavailable,
            503,
            Some("temporarily_unavailable"),
        ),
    ] {
        assert_eq!((error.status(), error.code()), (status, code), "{error:?}");
        assert!(!error.to_string().is_empty());
    }
}
