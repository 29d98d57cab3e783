//! The keys of the checked-in tokens, and what is expected of them.

use smallgate_core::jose::{Jwk, Signer, Verifier};
use smallgate_core::jwt::{Audience, Claims, ScopeClaim, TokenFormat, Validation};
use smallgate_core::time::UnixTime;
use smallgate_es256::{Es256SigningKey, Es256VerifyingKey};
use smallgate_turns::samples::{
    ES256, EXPIRES_AT, HS256, ISSUED_AT, JWT_ID, LENGTH, SCOPE, Sample,
};

/// A key with the token that it signed.
pub(crate) struct Keys {
    pub(crate) sample: &'static Sample,
    /// Which backend it is of, where there are several.
    pub(crate) backend: &'static str,
    pub(crate) signer: Box<dyn Signer>,
    pub(crate) verifier: Box<dyn Verifier>,
}

impl Keys {
    pub(crate) fn hs256() -> Self {
        let key = jwk(&HS256).hs256_key().expect("a symmetric key");
        Self::checked(&HS256, "", key.clone(), key)
    }

    /// The simulator's.
    pub(crate) fn es256_assembly() -> Self {
        let jwk = jwk(&ES256);
        let signer = Es256SigningKey::of(&jwk).expect("a private key");
        let verifier = Es256VerifyingKey::of(&jwk).expect("a public key");
        Self::checked(&ES256, ", assembly", signer, verifier)
    }

    /// The core's.
    pub(crate) fn es256_pure() -> Self {
        let jwk = jwk(&ES256);
        let signer = jwk.es256_signing_key().expect("a private key");
        let verifier = jwk.es256_verifying_key().expect("a public key");
        Self::checked(&ES256, ", pure Rust", signer, verifier)
    }

    /// What is signed of the token is what Smallgate signs, and it is as long.
    fn checked(
        sample: &'static Sample,
        backend: &'static str,
        signer: impl Signer + 'static,
        verifier: impl Verifier + 'static,
    ) -> Self {
        let keys = Keys {
            sample,
            backend,
            signer: Box::new(signer),
            verifier: Box::new(verifier),
        };
        let mut out = [0; 512];
        let format = TokenFormat::ACCESS_TOKEN;
        let issued = smallgate_core::jwt::issue(&*keys.signer, &format, &keys.claims(), &mut out);
        let issued = issued.expect("a token").as_str();
        let signed = |token: &str| token.rsplit_once('.').map(|(input, _)| input.to_owned());
        assert_eq!(signed(issued), signed(sample.token));
        assert_eq!(issued.len(), LENGTH);
        keys
    }

    pub(crate) fn claims(&self) -> Claims<'static> {
        Claims {
            issuer: Some(self.sample.issuer),
            subject: Some(self.sample.subject),
            audience: Some(Audience::One(self.sample.audience)),
            client_id: Some(self.sample.client_id),
            scope: Some(ScopeClaim::Text(SCOPE)),
            issued_at: Some(UnixTime(ISSUED_AT)),
            expires_at: Some(UnixTime(EXPIRES_AT)),
            not_before: None,
            jwt_id: Some(JWT_ID),
        }
    }

    pub(crate) fn validation(&self) -> Validation<'static> {
        Validation {
            issuer: Some(self.sample.issuer),
            audience: Some(self.sample.audience),
            ..Validation::new(TokenFormat::ACCESS_TOKEN)
        }
    }
}

fn jwk(sample: &Sample) -> Jwk {
    Jwk::parse(sample.jwk.as_bytes()).expect("a JWK")
}
