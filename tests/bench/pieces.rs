//! Where the time of verifying an HS256 token goes, piece by piece through the
//! public API. The pieces are what `jwt::verify` does with a token of ours, whose
//! header and claims are read at once and left over; one from elsewhere is scanned.

use std::hint::black_box;

use smallgate_core::codec::base64url;
use smallgate_core::codec::json::Object;
use smallgate_core::jose::{self, ExpectedType, HeaderPolicy, Keys as KeySet, Verifier};
use smallgate_turns::turns::Case;

use crate::keys::Keys;
use crate::tokens;

/// The whole, and the pieces of it.
pub(crate) const WHOLE: &str = "HS256 verify";
pub(crate) const PIECES: [&str; 3] = [
    "piece: base64url, three parts",
    "piece: HMAC-SHA256, keyed before",
    "piece: reading the clock",
];

pub(crate) fn cases(keys: &Keys) -> Vec<Case<'_>> {
    let mut parts = keys.sample.token.split('.');
    let mut part = || parts.next().expect("three parts").as_bytes();
    let (header, payload, signature) = (part(), part(), part());
    let input = keys.sample.token.as_bytes();
    let input = &input[..input.len() - signature.len() - 1];
    let decoded = |text: &[u8]| {
        let mut out = [0; 512];
        base64url::decode(text, &mut out)
            .expect("base64url")
            .to_vec()
    };
    let (header_json, payload_json) = (decoded(header), decoded(payload));
    let tag = decoded(signature);
    let policy = HeaderPolicy::new(ExpectedType::Exactly("at+jwt"));
    let limits = keys.validation().limits;

    let mut scratch = [0; 512];
    let base64 = move || {
        let mut length = 0;
        for text in [header, payload, signature] {
            let octets = base64url::decode(black_box(text), &mut scratch);
            length += octets.expect("base64url").len();
        }
        length
    };
    let json = move || {
        let header = Object::parse(black_box(&header_json), &policy.limits).expect("JSON");
        let header = header.members().count();
        let payload = Object::parse(black_box(&payload_json), &limits).expect("JSON");
        header + payload.members().count()
    };
    let mac = move || keys.verifier.verify(black_box(input), &tag).is_ok();
    let mut scratch = [0; 512];
    let jws = move || {
        let verifiers: [&dyn Verifier; 1] = [&*keys.verifier];
        let token = black_box(keys.sample.token).as_bytes();
        let verified = jose::verify(token, &KeySet::new(&verifiers), &policy, &mut scratch);
        verified.expect("a good token").payload().len()
    };

    let [base64_name, mac_name, clock_name] = PIECES;
    vec![
        Case::new(base64_name, base64).beside(WHOLE).frugal(),
        Case::new("from elsewhere: JSON scan, header and payload", json)
            .beside(WHOLE)
            .frugal(),
        Case::new("from elsewhere: verify HS256", tokens::scanned(keys))
            .beside(WHOLE)
            .frugal(),
        Case::new(mac_name, mac).beside(WHOLE).frugal(),
        Case::new(clock_name, tokens::now).beside(WHOLE).frugal(),
        Case::new("jose::verify alone", jws).beside(WHOLE).frugal(),
    ]
}
