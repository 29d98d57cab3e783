//! The checked-in tokens of 460 octets, their keys and what is expected of them.

use smallgate_core::jose::{Jwk, Signer, Verifier};
use smallgate_core::jwt::{Audience, Claims, ScopeClaim, TokenFormat, Validation};
use smallgate_core::time::UnixTime;

/// A key with the token that it signed.
pub(crate) struct Keys {
    pub(crate) name: &'static str,
    pub(crate) kid: &'static str,
    pub(crate) jwk: serde_json::Value,
    pub(crate) token: &'static str,
    pub(crate) claims: Text,
    pub(crate) signer: Box<dyn Signer>,
    pub(crate) verifier: Box<dyn Verifier>,
}

/// The claims that differ between the two tokens.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub(crate) issuer: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) audience: &'static str,
    pub(crate) client_id: &'static str,
}

pub(crate) const SCOPE: &str = "read write";
pub(crate) const ISSUED_AT: u64 = 1_767_225_600;
pub(crate) const EXPIRES_AT: u64 = 4_102_444_800;
pub(crate) const JWT_ID: &str = "AQIDBAUGBwgJCgsMDQ4PEA";

impl Keys {
    pub(crate) fn hs256() -> Self {
        let jwk = include_str!("../vectors/bench_hs256.jwk.json");
        let key = Jwk::parse(jwk.as_bytes()).expect("a JWK");
        let key = key.hs256_key().expect("a symmetric key");
        Keys {
            name: "HS256",
            kid: "k1",
            jwk: serde_json::from_str(jwk).expect("JSON"),
            token: include_str!("../vectors/bench_hs256.jwt"),
            claims: Text {
                issuer: "https://auth.example.com/realms/devices",
                subject: "9b2f6c1e-6d53-4c6e-8a55-1f0f2f7c3d10",
                audience: "https://gateway.example.com/api/v1",
                client_id: "874a16d4ac764ce4a545f0cca4584c63",
            },
            signer: Box::new(key.clone()),
            verifier: Box::new(key),
        }
        .checked()
    }

    pub(crate) fn es256() -> Self {
        let jwk = include_str!("../vectors/bench_es256.jwk.json");
        let key = Jwk::parse(jwk.as_bytes()).expect("a JWK");
        Keys {
            name: "ES256",
            kid: "es1",
            jwk: serde_json::from_str(jwk).expect("JSON"),
            token: include_str!("../vectors/bench_es256.jwt"),
            claims: Text {
                issuer: "https://auth.example.com/devices",
                subject: "9b2f6c1e6d534c6e8a551f0f2f7c3d10",
                audience: "https://gateway.example.com",
                client_id: "gateway-874a16d4a",
            },
            signer: Box::new(key.es256_signing_key().expect("a private key")),
            verifier: Box::new(key.es256_verifying_key().expect("a public key")),
        }
        .checked()
    }

    /// The token has the length it is known for, and is the one that Smallgate
    /// signs: HMAC and RFC 6979 leave nothing to chance.
    fn checked(self) -> Self {
        assert_eq!(self.token.len(), 460, "{}", self.name);
        let mut out = [0; 512];
        let format = TokenFormat::ACCESS_TOKEN;
        let issued = smallgate_core::jwt::issue(&*self.signer, &format, &self.claims(), &mut out);
        assert_eq!(issued.expect("a token").as_str(), self.token);
        self
    }

    pub(crate) fn claims(&self) -> Claims<'static> {
        Claims {
            issuer: Some(self.claims.issuer),
            subject: Some(self.claims.subject),
            audience: Some(Audience::One(self.claims.audience)),
            client_id: Some(self.claims.client_id),
            scope: Some(ScopeClaim::Text(SCOPE)),
            issued_at: Some(UnixTime(ISSUED_AT)),
            expires_at: Some(UnixTime(EXPIRES_AT)),
            not_before: None,
            jwt_id: Some(JWT_ID),
        }
    }

    pub(crate) fn validation(&self) -> Validation<'static> {
        Validation {
            issuer: Some(self.claims.issuer),
            audience: Some(self.claims.audience),
            ..Validation::new(TokenFormat::ACCESS_TOKEN)
        }
    }
}
