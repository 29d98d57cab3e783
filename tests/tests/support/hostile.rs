//! The rig of `hostile_tokens.rs`: a good token, one mutation, a verdict.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use smallgate_core::jose::{Algorithm, Hs256Key, JwsError, Keys, SignatureError, Signer, Verifier};
use smallgate_core::jwt::{self, TokenFormat, Validation, VerifyError};
use smallgate_core::time::UnixTime;

use super::tokens::{encoded, es256, hs256, signature};

pub(crate) const HEADER: &str = r#"{"alg":"ALG","typ":"at+jwt","kid":"k1"}"#;
pub(crate) const PAYLOAD: &str = r#"{"iss":"https://as.example","sub":"alice","aud":"https://rs.example","client_id":"app","scope":"read write","iat":1700000000,"exp":1700003600,"nbf":1700000000,"jti":"id-1"}"#;
/// What is expected of a token.
pub(crate) const ISSUER: &str = "https://as.example";
pub(crate) const AUDIENCE: &str = "https://rs.example";
/// The key `k2`, which signs none of these.
pub(crate) const OTHER_SECRET: [u8; 32] = [8; 32];
const NOW: u64 = 1_700_000_100;

/// The one thing that is wrong.
pub(crate) enum Mutation {
    /// In the header's JSON, this once, by that; signed again.
    Header(&'static str, &'static str),
    /// In the payload's JSON, this once, by that; signed again.
    Payload(&'static str, &'static str),
    /// The header's octets; signed again.
    HeaderOctets(fn(String) -> Vec<u8>),
    /// The payload's octets; signed again.
    PayloadOctets(fn(String) -> Vec<u8>),
    /// The header's base64url; signed again.
    HeaderText(fn(String) -> String),
    /// The payload's base64url; signed again.
    PayloadText(fn(String) -> String),
    /// The signature's octets.
    Signature(fn(Vec<u8>) -> Vec<u8>),
    /// The token's characters, not signed again.
    Token(fn(String) -> String),
    /// What is signed is right, but something else signed it.
    Signer(fn(&str) -> Vec<u8>),
    /// The time.
    Now(Option<u64>),
    /// What is expected.
    Validation(fn(&mut Validation<'static>)),
    /// The octets of scratch.
    Scratch(usize),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum With {
    Both,
    Hs256,
    Es256,
}

/// A name, the algorithms, what is wrong, and the verdict.
pub(crate) type Case = (&'static str, With, Mutation, VerifyError);

/// A good token's signer and verifiers, and the time.
pub(crate) struct Rig {
    algorithm: Algorithm,
    signer: Box<dyn Signer>,
    verifier: Box<dyn Verifier>,
    /// Another key, which is configured too: the kid matters.
    other: Hs256Key,
    now: u64,
}

impl Rig {
    /// At the time that [`PAYLOAD`] was made for.
    fn new(algorithm: Algorithm) -> Self {
        Self::at(algorithm, NOW)
    }

    /// At another time: the times in payloads are moved as far.
    pub(crate) fn at(algorithm: Algorithm, now: u64) -> Self {
        let (signer, verifier): (Box<dyn Signer>, Box<dyn Verifier>) = match algorithm {
            Algorithm::Hs256 => (Box::new(hs256()), Box::new(hs256())),
            Algorithm::Es256 => (Box::new(es256()), Box::new(es256().verifying_key())),
        };
        Rig {
            algorithm,
            signer,
            verifier,
            other: Hs256Key::new(&OTHER_SECRET, Some("k2")).unwrap(),
            now,
        }
    }

    fn signed(&self, header: &str, payload: &str) -> String {
        let input = format!("{header}.{payload}");
        let signature = encoded(&signature(&*self.signer, &input));
        format!("{input}.{signature}")
    }

    fn judge(
        &self,
        token: &str,
        validation: &Validation<'_>,
        now: Option<u64>,
        scratch: usize,
    ) -> Result<(), VerifyError> {
        let verifiers: &[&dyn Verifier] = &[&*self.verifier, &self.other];
        let keys = Keys::new(verifiers);
        let mut scratch = vec![0; scratch];
        let now = now.map(UnixTime);
        jwt::verify(token.as_bytes(), &keys, validation, now, &mut scratch).map(|_| ())
    }

    /// What comes of the case; the untouched token is accepted first.
    pub(crate) fn run(&self, mutation: &Mutation) -> Result<(), VerifyError> {
        let mut validation = Validation {
            issuer: Some(ISSUER),
            audience: Some(AUDIENCE),
            ..Validation::new(TokenFormat::ACCESS_TOKEN)
        };
        let good = self.good();
        let mut now = Some(self.now);
        assert_eq!(self.judge(&good, &validation, now, good.len()), Ok(()));
        let token = self.token(mutation);
        let mut room = token.as_ref().unwrap_or(&good).len();
        match mutation {
            Mutation::Now(other) => now = *other,
            Mutation::Validation(edit) => edit(&mut validation),
            Mutation::Scratch(other) => room = *other,
            _ => assert!(token.is_some()),
        }
        self.judge(&token.unwrap_or(good), &validation, now, room)
    }

    fn header(&self) -> String {
        HEADER.replace("ALG", self.algorithm.name())
    }

    /// The token that nothing is wrong with.
    pub(crate) fn good(&self) -> String {
        let payload = self.moved(PAYLOAD.into());
        self.signed(&encoded(self.header().as_bytes()), &encoded(&payload))
    }

    /// The token that is wrong; none where something else is.
    pub(crate) fn token(&self, mutation: &Mutation) -> Option<String> {
        let (header, good) = (self.header(), self.good());
        let header64 = encoded(header.as_bytes());
        let payload64 = encoded(&self.moved(PAYLOAD.into()));
        let (input, signature64) = good.rsplit_once('.').unwrap();
        assert!(!signature64.is_empty());
        let token = match mutation {
            Mutation::Header(from, to) => {
                let (from, to) = (from.replace("ALG", self.algorithm.name()), to);
                let header = once(&header, &from, &to.replace("ALG", self.algorithm.name()));
                self.signed(&encoded(header.as_bytes()), &payload64)
            }
            Mutation::Payload(from, to) => {
                let payload = self.moved(once(PAYLOAD, from, to).into());
                self.signed(&header64, &encoded(&payload))
            }
            Mutation::HeaderOctets(edit) => self.signed(&encoded(&edit(header)), &payload64),
            Mutation::PayloadOctets(edit) => {
                let payload = self.moved(edit(PAYLOAD.to_owned()));
                self.signed(&header64, &encoded(&payload))
            }
            Mutation::HeaderText(edit) => self.signed(&edit(header64), &payload64),
            Mutation::PayloadText(edit) => self.signed(&header64, &edit(payload64)),
            Mutation::Signature(edit) => {
                let octets = signature(&*self.signer, input);
                let edited = edit(octets.clone());
                assert_ne!(octets, edited);
                format!("{input}.{}", encoded(&edited))
            }
            Mutation::Token(edit) => edit(good.clone()),
            Mutation::Signer(sign) => format!("{input}.{}", encoded(&sign(input))),
            Mutation::Now(_) | Mutation::Validation(_) | Mutation::Scratch(_) => return None,
        };
        assert_ne!(token, good, "nothing was changed");
        Some(token)
    }

    /// A payload with its times as far from this rig's as they were from [`NOW`].
    /// One in another spelling, such as `17e8`, stays, and is past.
    fn moved(&self, mut payload: Vec<u8>) -> Vec<u8> {
        let digits = NOW.to_string().len();
        for at in 0..payload.len().saturating_sub(digits - 1) {
            let place = at..at + digits;
            let time = std::str::from_utf8(&payload[place.clone()])
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
                .filter(|time| time.abs_diff(NOW) <= 3600);
            if let Some(time) = time {
                let time = time + self.now - NOW;
                payload.splice(place, time.to_string().into_bytes());
            }
        }
        payload
    }
}

/// Replaces the one place where `from` stands.
pub(crate) fn once(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

/// The next character of base64url's alphabet: the same octets, one stray bit.
pub(crate) fn with_trailing_bit(mut text: String) -> String {
    assert_ne!(text.len() % 4, 0);
    let last = text.pop().unwrap();
    let next = match last {
        'Z' => 'a',
        'z' => '0',
        '9' => '-',
        other => char::from(other as u8 + 1),
    };
    text.push(next);
    text
}

/// The same for the last part of a token.
pub(crate) fn with_trailing_bit_of_token(token: String) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    format!("{input}.{}", with_trailing_bit(signature.to_owned()))
}

pub(crate) fn with_first(text: String, first: char) -> String {
    format!("{first}{}", &text[1..])
}

pub(crate) fn padded(mut text: String) -> String {
    assert_ne!(text.len() % 4, 0);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The group's order, big-endian.
pub(crate) const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

pub(crate) fn halves(r: &[u8], s: &[u8]) -> Vec<u8> {
    [r, s].concat()
}

/// HMAC under anything, as an attacker would, who has no [`Hs256Key`].
pub(crate) fn hmac_under(key: &[u8], input: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(input).finalize().into_bytes().to_vec()
}

pub(crate) fn run(cases: &[Case]) {
    let mut runs = 0;
    for (name, with, mutation, expected) in cases {
        for (algorithm, only) in [
            (Algorithm::Hs256, With::Hs256),
            (Algorithm::Es256, With::Es256),
        ] {
            if *with == With::Both || *with == only {
                let outcome = Rig::new(algorithm).run(mutation);
                assert_eq!(outcome, Err(*expected), "{algorithm}: {name}");
                runs += 1;
            }
        }
    }
    println!("{} hostile tokens, {runs} verifications", cases.len());
}

pub(crate) const fn jws(error: JwsError) -> VerifyError {
    VerifyError::Jws(error)
}

pub(crate) const fn signature_error(error: SignatureError) -> VerifyError {
    VerifyError::Jws(JwsError::Signature(error))
}
