//! Tokens issued and verified (R32, R33, R36, R39, R40), and applications' own
//! claims.

mod applications;
mod issuing;
#[path = "../support/tokens.rs"]
mod tokens;
mod verifying;

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

/// A token of any header and payload.
fn signed(header: &str, payload: &str) -> String {
    let input = format!(
        "{}.{}",
        encoded(header.as_bytes()),
        encoded(payload.as_bytes())
    );
    format!("{input}.{}", encoded(&signature(&hs256(), &input)))
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
    let token = signed(&header, payload);
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
