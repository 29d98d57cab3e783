//! Hostile tokens (R31, R33–R38, R40). Every case is *one* mutation of a token
//! that is accepted first, under the same keys and the same validation, signed
//! again where what is signed was changed, and is refused with the one error
//! that names it. Each runs with HS256 and with ES256 unless it says otherwise.

#[path = "support/hostile.rs"]
mod hostile;
#[path = "support/peers.rs"]
mod peers;
#[path = "support/tokens.rs"]
mod tokens;

use JwsError as J;
use VerifyError as V;
use hostile::Mutation::*;
use hostile::{
    Case, HEADER, ORDER, PAYLOAD, With, halves, hmac_under, jws, once, padded, run,
    signature_error, with_first, with_trailing_bit, with_trailing_bit_of_token,
};
use sha2::Sha256;
use smallgate_core::codec::base64url::Base64Error as B;
use smallgate_core::codec::json::JsonError;
use smallgate_core::jose::{Es256SigningKey, HeaderParameter, JwsError, SignatureError};
use smallgate_core::jwt::{Claim, VerifyError};
use smallgate_core::time::Seconds;
use tokens::{encoded, es256, signature};

/// "Hostile tokens: at least 80", no two with one name.
#[test]
fn there_are_at_least_80_and_each_is_another() {
    let cases = all();
    let names: Vec<_> = cases.iter().map(|(name, ..)| *name).collect();
    let different: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "a name stands twice");
    assert!(names.len() >= 80, "{}", names.len());
}

fn all() -> Vec<Case> {
    let tables = [
        form_and_base64url(),
        algorithm_and_signature(),
        header(),
        json(),
        claims(),
        clock_and_what_is_expected(),
    ];
    tables.into_iter().flatten().collect()
}

#[test]
fn r36_form_and_base64url() {
    run(&form_and_base64url());
}

#[rustfmt::skip] // A case is a line.
fn form_and_base64url() -> Vec<Case> {
    use With::{Both, Es256, Hs256};
    let length = signature_error(SignatureError::Length);
    let mismatch = signature_error(SignatureError::Mismatch);
    let in_header = |error| jws(J::HeaderEncoding(error));
    let in_payload = |error| jws(J::PayloadEncoding(error));
    let in_signature = |error| jws(J::SignatureEncoding(error));
    vec![
        ("nothing", Both, Token(|_| String::new()), jws(J::NotThreeParts)),
        ("no dot", Both, Token(|t| t.replace('.', "")), jws(J::NotThreeParts)),
        ("one dot", Both, Token(|t| t.replacen('.', "", 1)), jws(J::NotThreeParts)),
        ("a fourth part", Both, Token(|t| t + ".AAAA"), jws(J::NotThreeParts)),
        ("a dot at the end", Both, Token(|t| t + "."), jws(J::NotThreeParts)),
        ("a dot at the beginning", Both, Token(|t| format!(".{t}")), jws(J::NotThreeParts)),
        ("a JWE's five parts", Both, Token(|t| t.replacen('.', "..", 1) + ".AA"), jws(J::NotThreeParts)),
        ("dots alone", Both, Token(|_| "..".into()), jws(J::HeaderJson(JsonError::Syntax))),
        ("the JSON serialization", Both, Token(|t| {
            let parts: Vec<_> = t.split('.').collect();
            format!(
                r#"{{"protected":"{}","payload":"{}","signature":"{}"}}"#,
                parts[0], parts[1], parts[2]
            )
        }), jws(J::NotThreeParts)),
        ("too long", Both, Token(|t| format!("{t:A<1025}")), jws(J::TooLong)),
        ("no header", Both, HeaderText(|_| String::new()), jws(J::HeaderJson(JsonError::Syntax))),
        ("no payload", Both, PayloadText(|_| String::new()), V::PayloadJson(JsonError::Syntax)),
        ("header: white space", Both, HeaderText(|t| with_first(t, ' ')), in_header(B::InvalidCharacter)),
        ("header: line break", Both, HeaderText(|t| with_first(t, '\n')), in_header(B::InvalidCharacter)),
        ("header: standard alphabet", Both, HeaderText(|t| with_first(t, '+')), in_header(B::InvalidCharacter)),
        ("header: NUL", Both, HeaderText(|t| with_first(t, '\0')), in_header(B::InvalidCharacter)),
        ("header: not ASCII", Both, HeaderText(|t| format!("é{}", &t[2..])), in_header(B::InvalidCharacter)),
        ("header: padding", Both, HeaderText(padded), in_header(B::InvalidCharacter)),
        ("header: stray bits", Both, HeaderText(with_trailing_bit), in_header(B::TrailingBits)),
        ("header: impossible length", Both, HeaderText(|t| format!("{}A", &t[..t.len() / 4 * 4])), in_header(B::InvalidLength)),
        ("payload: white space", Both, PayloadText(|t| with_first(t, ' ')), in_payload(B::InvalidCharacter)),
        ("payload: tabulator", Both, PayloadText(|t| with_first(t, '\t')), in_payload(B::InvalidCharacter)),
        ("payload: standard alphabet", Both, PayloadText(|t| with_first(t, '/')), in_payload(B::InvalidCharacter)),
        ("payload: percent sign", Both, PayloadText(|t| with_first(t, '%')), in_payload(B::InvalidCharacter)),
        ("payload: padding", Both, PayloadText(padded), in_payload(B::InvalidCharacter)),
        ("payload: stray bits", Both, PayloadText(with_trailing_bit), in_payload(B::TrailingBits)),
        ("payload: impossible length", Both, PayloadText(|t| format!("{}A", &t[..t.len() / 4 * 4])), in_payload(B::InvalidLength)),
        ("signature: none", Both, Signature(|_| Vec::new()), length),
        ("signature: one octet", Both, Signature(|s| s[..1].to_vec()), length),
        ("signature: an octet cut off", Both, Signature(|s| s[..s.len() - 1].to_vec()), length),
        ("signature: an octet more", Both, Signature(|s| [s, vec![0]].concat()), length),
        ("signature: an octet of zero before it", Both, Signature(|s| [vec![0], s].concat()), length),
        ("signature: the other algorithm's length", Both, Signature(|s| vec![1; 96 - s.len()]), length),
        ("signature: twice", Both, Signature(|s| [s.clone(), s].concat()), length),
        ("signature: padding", Both, Token(|t| t + "="), length),
        ("signature: line break after it", Both, Token(|t| t + "\n"), length),
        ("signature: stray bits", Both, Token(with_trailing_bit_of_token), in_signature(B::TrailingBits)),
        ("signature: standard alphabet", Both, Token(|t| t[..t.len() - 1].to_owned() + "+"), in_signature(B::InvalidCharacter)),
        ("signature: padding within its length", Both, Token(|t| t[..t.len() - 1].to_owned() + "="), in_signature(B::InvalidCharacter)),
        ("signature: first bit", Both, Signature(|mut s| { s[0] ^= 0x01; s }), mismatch),
        ("signature: last bit", Both, Signature(|mut s| { *s.last_mut().unwrap() ^= 1; s }), mismatch),
        ("signature: zeros", Hs256, Signature(|s| vec![0; s.len()]), mismatch),
        ("r and s zero", Es256, Signature(|s| vec![0; s.len()]), signature_error(SignatureError::OutOfRange)),
        ("r zero", Es256, Signature(|s| halves(&[0; 32], &s[32..])), signature_error(SignatureError::OutOfRange)),
        ("s zero", Es256, Signature(|s| halves(&s[..32], &[0; 32])), signature_error(SignatureError::OutOfRange)),
        ("r the order", Es256, Signature(|s| halves(&ORDER, &s[32..])), signature_error(SignatureError::OutOfRange)),
        ("s the order", Es256, Signature(|s| halves(&s[..32], &ORDER)), signature_error(SignatureError::OutOfRange)),
        ("s all ones", Es256, Signature(|s| halves(&s[..32], &[0xFF; 32])), signature_error(SignatureError::OutOfRange)),
        ("r and s one", Es256, Signature(|_| {
            let mut one = [0; 32];
            one[31] = 1;
            halves(&one, &one)
        }), mismatch),
        ("r and s exchanged", Es256, Signature(|s| halves(&s[32..], &s[..32])), mismatch),
        ("DER", Es256, Signature(|s| { p256::ecdsa::Signature::from_slice(&s).unwrap().to_der().as_bytes().to_vec() }), length),
    ]
}

#[test]
fn r31_algorithm_and_r38_signature() {
    run(&algorithm_and_signature());
}

#[rustfmt::skip] // A case is a line.
fn algorithm_and_signature() -> Vec<Case> {
    use With::{Both, Es256, Hs256};
    let mismatch = signature_error(SignatureError::Mismatch);
    let alg = r#""alg":"ALG""#;
    let kid = r#""kid":"k1""#;
    vec![
        ("alg none", Both, Header(alg, r#""alg":"none""#), jws(J::AlgorithmMismatch)),
        ("alg None", Both, Header(alg, r#""alg":"None""#), jws(J::AlgorithmMismatch)),
        ("alg NONE", Both, Header(alg, r#""alg":"NONE""#), jws(J::AlgorithmMismatch)),
        ("alg none with an escape", Both, Header(alg, r#""alg":"n\u006fne""#), jws(J::AlgorithmMismatch)),
        ("alg empty", Both, Header(alg, r#""alg":"""#), jws(J::AlgorithmMismatch)),
        ("alg with a space", Both, Header(alg, r#""alg":"ALG ""#), jws(J::AlgorithmMismatch)),
        ("alg with a NUL", Both, Header(alg, r#""alg":"ALG\u0000""#), jws(J::AlgorithmMismatch)),
        ("alg in lower case", Hs256, Header(alg, r#""alg":"hs256""#), jws(J::AlgorithmMismatch)),
        ("alg es256 in lower case", Es256, Header(alg, r#""alg":"es256""#), jws(J::AlgorithmMismatch)),
        ("alg HS384", Both, Header(alg, r#""alg":"HS384""#), jws(J::AlgorithmMismatch)),
        ("alg RS256", Both, Header(alg, r#""alg":"RS256""#), jws(J::AlgorithmMismatch)),
        ("alg PS256", Both, Header(alg, r#""alg":"PS256""#), jws(J::AlgorithmMismatch)),
        ("alg EdDSA", Both, Header(alg, r#""alg":"EdDSA""#), jws(J::AlgorithmMismatch)),
        ("alg ES256 for a symmetric key", Hs256, Header(alg, r#""alg":"ES256""#), jws(J::AlgorithmMismatch)),
        ("alg HS256 for a public key", Es256, Header(alg, r#""alg":"HS256""#), jws(J::AlgorithmMismatch)),
        ("alg missing", Both, Header(r#""alg":"ALG","#, ""), jws(J::AlgorithmMissing)),
        ("alg null", Both, Header(alg, r#""alg":null"#), jws(J::HeaderType(HeaderParameter::Algorithm))),
        ("alg an array", Both, Header(alg, r#""alg":["ALG"]"#), jws(J::HeaderType(HeaderParameter::Algorithm))),
        ("alg a number", Both, Header(alg, r#""alg":256"#), jws(J::HeaderType(HeaderParameter::Algorithm))),
        ("alg under another name", Both, Header(alg, r#""Alg":"ALG""#), jws(J::AlgorithmMissing)),
        ("alg twice", Both, Header(alg, r#""alg":"ALG","alg":"none""#), jws(J::HeaderJson(JsonError::DuplicateMember))),
        ("alg twice, once escaped", Both, Header(alg, r#""\u0061lg":"none","alg":"ALG""#), jws(J::HeaderJson(JsonError::DuplicateMember))),
        ("kid of no key", Both, Header(kid, r#""kid":"k3""#), jws(J::KeyUnknown)),
        ("kid in upper case", Both, Header(kid, r#""kid":"K1""#), jws(J::KeyUnknown)),
        ("kid a prefix", Both, Header(kid, r#""kid":"k""#), jws(J::KeyUnknown)),
        ("kid empty", Both, Header(kid, r#""kid":"""#), jws(J::KeyUnknown)),
        ("kid a path", Both, Header(kid, r#""kid":"../../../dev/null""#), jws(J::KeyUnknown)),
        ("kid an injection", Both, Header(kid, r#""kid":"k1' OR '1'='1""#), jws(J::KeyUnknown)),
        ("kid missing, two keys", Both, Header(r#","kid":"k1""#, ""), jws(J::KeyIdMissing)),
        ("kid a number", Both, Header(kid, r#""kid":1"#), jws(J::HeaderType(HeaderParameter::KeyId))),
        ("kid null", Both, Header(kid, r#""kid":null"#), jws(J::HeaderType(HeaderParameter::KeyId))),
        ("kid of the other key", Hs256, Header(kid, r#""kid":"k2""#), mismatch),
        ("kid of a key of another algorithm", Es256, Header(kid, r#""kid":"k2""#), jws(J::AlgorithmMismatch)),
        ("another's private key", Es256, Signer(|input| signature(&Es256SigningKey::new(&[1; 32], Some("k1")).unwrap(), input)), mismatch),
        ("another's secret", Hs256, Signer(|input| hmac_under(&[1; 32], input)), mismatch),
        ("an empty secret", Hs256, Signer(|input| hmac_under(b"", input)), mismatch),
        ("the kid as secret", Hs256, Signer(|input| hmac_under(b"k1", input)), mismatch),
        ("a bare hash", Hs256, Signer(|input| <Sha256 as sha2::Digest>::digest(input).to_vec()), mismatch),
        ("the public key as secret, alg left alone", Es256, Signer(|input| {
            let (x, y) = es256().verifying_key().coordinates();
            hmac_under(&halves(&x, &y), input)
        }), signature_error(SignatureError::Length)),
        ("the public key as secret", Es256, Token(|token| {
            // The classic: everything is consistent, but for the key's algorithm.
            let payload = token.split('.').nth(1).unwrap();
            let input = format!(
                "{}.{payload}",
                encoded(HEADER.replace("ALG", "HS256").as_bytes())
            );
            let (x, y) = es256().verifying_key().coordinates();
            let point = [&[4], &x[..], &y[..]].concat();
            format!("{input}.{}", encoded(&hmac_under(&point, &input)))
        }), jws(J::AlgorithmMismatch)),
        ("none, and no signature", Both, Token(|token| {
            let payload = token.split('.').nth(1).unwrap();
            format!(
                "{}.{payload}.",
                encoded(HEADER.replace("ALG", "none").as_bytes())
            )
        }), jws(J::AlgorithmMismatch)),
        ("another payload under the signature", Both, Token(|token| {
            let parts: Vec<_> = token.split('.').collect();
            let payload = once(PAYLOAD, "alice", "admin");
            format!("{}.{}.{}", parts[0], encoded(payload.as_bytes()), parts[2])
        }), mismatch),
        ("another header under the signature", Both, Token(|token| {
            let algorithm = if token.len() > 350 { "ES256" } else { "HS256" };
            let (_, rest) = token.split_once('.').unwrap();
            let header = HEADER.replace("ALG", algorithm).replace("at+jwt", "AT+JWT");
            format!("{}.{rest}", encoded(header.as_bytes()))
        }), mismatch),
        ("claims are not looked at before the signature", Both, Token(|token| {
            let parts: Vec<_> = token.split('.').collect();
            format!("{}.{}.{}", parts[0], encoded(b"not even JSON"), parts[2])
        }), mismatch),
    ]
}

#[test]
fn r34_header() {
    run(&header());
}

#[rustfmt::skip] // A case is a line.
fn header() -> Vec<Case> {
    use With::Both;
    let typ = r#""typ":"at+jwt""#;
    let kid = r#""kid":"k1""#;
    let wrong_type = jws(J::TypeMismatch);
    vec![
        ("crit of exp", Both, Header(kid, r#""kid":"k1","crit":["exp"],"exp":1"#), jws(J::CriticalHeader)),
        ("crit empty", Both, Header(kid, r#""kid":"k1","crit":[]"#), jws(J::CriticalHeader)),
        ("crit null", Both, Header(kid, r#""kid":"k1","crit":null"#), jws(J::CriticalHeader)),
        ("crit a string", Both, Header(kid, r#""kid":"k1","crit":"exp""#), jws(J::CriticalHeader)),
        ("crit of alg", Both, Header(kid, r#""kid":"k1","crit":["alg"]"#), jws(J::CriticalHeader)),
        ("crit with an escape", Both, Header(kid, r#""kid":"k1","cr\u0069t":["x"]"#), jws(J::CriticalHeader)),
        ("b64 false", Both, Header(kid, r#""kid":"k1","b64":false"#), jws(J::UnencodedPayload)),
        ("b64 true", Both, Header(kid, r#""kid":"k1","b64":true"#), jws(J::UnencodedPayload)),
        ("jwk", Both, Header(kid, r#""kid":"k1","jwk":{"kty":"oct","k":"AAAA"}"#), jws(J::EmbeddedKey)),
        ("jwk with an escape", Both, Header(kid, r#""kid":"k1","jw\u006B":{}"#), jws(J::EmbeddedKey)),
        ("jku", Both, Header(kid, r#""kid":"k1","jku":"https://evil.example/keys""#), jws(J::EmbeddedKey)),
        ("x5u", Both, Header(kid, r#""kid":"k1","x5u":"https://evil.example/cert""#), jws(J::EmbeddedKey)),
        ("x5c", Both, Header(kid, r#""kid":"k1","x5c":["MIIB"]"#), jws(J::EmbeddedKey)),
        ("typ missing", Both, Header(r#""typ":"at+jwt","#, ""), jws(J::TypeMissing)),
        ("typ JWT", Both, Header(typ, r#""typ":"JWT""#), wrong_type),
        ("typ of a DPoP proof", Both, Header(typ, r#""typ":"dpop+jwt""#), wrong_type),
        ("typ empty", Both, Header(typ, r#""typ":"""#), wrong_type),
        ("typ with a space", Both, Header(typ, r#""typ":"at+jwt ""#), wrong_type),
        ("typ a prefix", Both, Header(typ, r#""typ":"at+jw""#), wrong_type),
        ("typ of another top-level type", Both, Header(typ, r#""typ":"text/at+jwt""#), wrong_type),
        ("typ with the prefix twice", Both, Header(typ, r#""typ":"application/application/at+jwt""#), wrong_type),
        ("typ the prefix alone", Both, Header(typ, r#""typ":"application/""#), wrong_type),
        ("typ with a Kelvin sign is no k", Both, Header(typ, r#""typ":"at+\u212Awt""#), wrong_type),
        ("typ a number", Both, Header(typ, r#""typ":1"#), jws(J::HeaderType(HeaderParameter::Type))),
        ("typ null", Both, Header(typ, r#""typ":null"#), jws(J::HeaderType(HeaderParameter::Type))),
        ("typ an array", Both, Header(typ, r#""typ":["at+jwt"]"#), jws(J::HeaderType(HeaderParameter::Type))),
        ("typ twice", Both, Header(typ, r#""typ":"at+jwt","typ":"at+jwt""#), jws(J::HeaderJson(JsonError::DuplicateMember))),
    ]
}

#[test]
fn r37_json() {
    run(&json());
}

#[rustfmt::skip] // A case is a line.
fn json() -> Vec<Case> {
    use With::Both;
    let header = |error| jws(J::HeaderJson(error));
    let payload = V::PayloadJson;
    vec![
        ("header an array", Both, HeaderOctets(|h| format!("[{h}]").into()), header(JsonError::NotAnObject)),
        ("header a string", Both, HeaderOctets(|_| br#""alg""#.to_vec()), header(JsonError::NotAnObject)),
        ("header null", Both, HeaderOctets(|_| b"null".to_vec()), header(JsonError::NotAnObject)),
        ("header twice", Both, HeaderOctets(|h| h.repeat(2).into()), header(JsonError::TrailingOctets)),
        ("header with a NUL after it", Both, HeaderOctets(|h| (h + "\0").into()), header(JsonError::TrailingOctets)),
        ("header after a byte order mark", Both, HeaderOctets(|h| format!("\u{FEFF}{h}").into()), header(JsonError::Syntax)),
        ("header not UTF-8", Both, HeaderOctets(|h| {
            once(&h, "k1", "k!")
                .bytes()
                .map(|o| if o == b'!' { 0xFF } else { o })
                .collect()
        }), header(JsonError::InvalidUtf8)),
        ("header cut off", Both, HeaderOctets(|h| h[..h.len() - 1].into()), header(JsonError::Syntax)),
        ("header with a comma at the end", Both, HeaderOctets(|h| once(&h, "}", ",}").into()), header(JsonError::Syntax)),
        ("header with a comment", Both, HeaderOctets(|h| once(&h, "{", "{/**/").into()), header(JsonError::Syntax)),
        ("header with single quotes", Both, HeaderOctets(|h| h.replace('"', "'").into()), header(JsonError::Syntax)),
        ("header nested deep", Both, HeaderOctets(|h| {
            once(
                &h,
                "}",
                &format!(r#","x":{}{}}}"#, "[".repeat(100), "]".repeat(100)),
            )
            .into()
        }), header(JsonError::TooDeep)),
        ("header of brackets", Both, HeaderOctets(|_| [b"{\"x\":".to_vec(), vec![b'['; 500]].concat()), header(JsonError::TooDeep)),
        ("header of many members", Both, HeaderOctets(|h| {
            let many: String = (0..20).map(|n| format!(r#","m{n}":0"#)).collect();
            once(&h, "}", &(many + "}")).into()
        }), header(JsonError::TooManyMembers)),
        ("header too long", Both, HeaderOctets(|h| { once(&h, "}", &format!(r#","x":"{}"}}"#, "x".repeat(507 - h.len()))).into() }), header(JsonError::TooLong)),
        ("header with a duplicate further in", Both, HeaderOctets(|h| once(&h, "}", r#","x":{"a":1,"\u0061":2}}"#).into()), header(JsonError::DuplicateMember)),
        ("payload an array", Both, PayloadOctets(|p| format!("[{p}]").into()), payload(JsonError::NotAnObject)),
        ("payload a string", Both, PayloadOctets(|_| br#""alice""#.to_vec()), payload(JsonError::NotAnObject)),
        ("payload twice", Both, PayloadOctets(|p| p.repeat(2).into()), payload(JsonError::TrailingOctets)),
        ("payload with a word after it", Both, PayloadOctets(|p| (p + " x").into()), payload(JsonError::TrailingOctets)),
        ("payload not UTF-8", Both, PayloadOctets(|p| {
            once(&p, "alice", "al!ce")
                .bytes()
                .map(|o| if o == b'!' { 0xC0 } else { o })
                .collect()
        }), payload(JsonError::InvalidUtf8)),
        ("payload with a surrogate in UTF-8", Both, PayloadOctets(|p| {
            let at = p.find("alice").unwrap();
            [
                &p.as_bytes()[..at],
                &[0xED, 0xA0, 0x80],
                &p.as_bytes()[at..],
            ]
            .concat()
        }), payload(JsonError::InvalidUtf8)),
        ("payload with a lone surrogate", Both, PayloadOctets(|p| once(&p, "alice", r"\uD800").into()), payload(JsonError::Syntax)),
        ("payload with a line break in a string", Both, PayloadOctets(|p| once(&p, "alice", "al\nice").into()), payload(JsonError::Syntax)),
        ("payload with a comma at the end", Both, PayloadOctets(|p| once(&p, "}", ",}").into()), payload(JsonError::Syntax)),
        ("payload nested deep", Both, PayloadOctets(|p| {
            once(
                &p,
                "}",
                &format!(r#","x":{}{}}}"#, "[".repeat(100), "]".repeat(100)),
            )
            .into()
        }), payload(JsonError::TooDeep)),
        ("payload of many members", Both, PayloadOctets(|p| {
            let many: String = (0..50).map(|n| format!(r#","{n}":0"#)).collect();
            once(&p, "}", &(many + "}")).into()
        }), payload(JsonError::TooManyMembers)),
        ("sub twice", Both, Payload(r#""sub":"alice""#, r#""sub":"alice","sub":"admin""#), payload(JsonError::DuplicateMember)),
        ("sub twice, the same", Both, Payload(r#""sub":"alice""#, r#""sub":"alice","sub":"alice""#), payload(JsonError::DuplicateMember)),
        ("sub twice, once escaped", Both, Payload(r#""sub":"alice""#, r#""s\u0075b":"admin","sub":"alice""#), payload(JsonError::DuplicateMember)),
        ("a claim of nobody's twice", Both, Payload(r#""sub":"alice""#, r#""sub":"alice","x":1,"x":1"#), payload(JsonError::DuplicateMember)),
        ("a claim twice further in", Both, Payload(r#""sub":"alice""#, r#""sub":"alice","x":[{"a":1,"a":1}]"#), payload(JsonError::DuplicateMember)),
        ("exp NaN", Both, Payload("1700003600", "NaN"), payload(JsonError::Syntax)),
        ("exp with a zero before it", Both, Payload("1700003600", "01700003600"), payload(JsonError::Syntax)),
        ("exp with a plus sign", Both, Payload("1700003600", "+1700003600"), payload(JsonError::Syntax)),
        ("exp in hexadecimal", Both, Payload("1700003600", "0x6553F110"), payload(JsonError::Syntax)),
    ]
}

#[test]
fn r33_claims() {
    run(&claims());
}

#[rustfmt::skip] // A case is a line.
fn claims() -> Vec<Case> {
    use Claim::*;
    use With::Both;
    let iss = r#""iss":"https://as.example""#;
    let aud = r#""aud":"https://rs.example""#;
    let scope = r#""scope":"read write""#;
    let sub = r#""sub":"alice""#;
    let exp = r#""exp":1700003600"#;
    let iat = r#""iat":1700000000"#;
    let nbf = r#""nbf":1700000000"#;
    vec![
        ("iss missing", Both, Payload(r#""iss":"https://as.example","#, ""), V::ClaimMissing(Issuer)),
        ("iss under another name", Both, Payload(iss, r#""Iss":"https://as.example""#), V::ClaimMissing(Issuer)),
        ("iss null", Both, Payload(iss, r#""iss":null"#), V::ClaimType(Issuer)),
        ("iss a number", Both, Payload(iss, r#""iss":1"#), V::ClaimType(Issuer)),
        ("iss an array", Both, Payload(iss, r#""iss":["https://as.example"]"#), V::ClaimType(Issuer)),
        ("iss an object", Both, Payload(iss, r#""iss":{"https://as.example":1}"#), V::ClaimType(Issuer)),
        ("iss another", Both, Payload(iss, r#""iss":"https://evil.example""#), V::IssuerMismatch),
        ("iss with a slash after it", Both, Payload(iss, r#""iss":"https://as.example/""#), V::IssuerMismatch),
        ("iss in upper case", Both, Payload(iss, r#""iss":"https://AS.example""#), V::IssuerMismatch),
        ("iss a prefix", Both, Payload(iss, r#""iss":"https://as.exampl""#), V::IssuerMismatch),
        ("iss a prefix and a NUL", Both, Payload(iss, r#""iss":"https://as.example\u0000.evil""#), V::IssuerMismatch),
        ("iss empty", Both, Payload(iss, r#""iss":"""#), V::IssuerMismatch),
        ("sub missing", Both, Payload(r#""sub":"alice","#, ""), V::ClaimMissing(Subject)),
        ("sub null", Both, Payload(sub, r#""sub":null"#), V::ClaimType(Subject)),
        ("sub a number", Both, Payload(sub, r#""sub":1"#), V::ClaimType(Subject)),
        ("sub an object", Both, Payload(sub, r#""sub":{"id":"alice"}"#), V::ClaimType(Subject)),
        ("aud missing", Both, Payload(r#""aud":"https://rs.example","#, ""), V::ClaimMissing(Audience)),
        ("aud null", Both, Payload(aud, r#""aud":null"#), V::ClaimType(Audience)),
        ("aud a number", Both, Payload(aud, r#""aud":7"#), V::ClaimType(Audience)),
        ("aud true", Both, Payload(aud, r#""aud":true"#), V::ClaimType(Audience)),
        ("aud an object", Both, Payload(aud, r#""aud":{"https://rs.example":1}"#), V::ClaimType(Audience)),
        ("aud an array with a number", Both, Payload(aud, r#""aud":["https://rs.example",7]"#), V::ClaimType(Audience)),
        ("aud an array in an array", Both, Payload(aud, r#""aud":[["https://rs.example"]]"#), V::ClaimType(Audience)),
        ("aud an empty array", Both, Payload(aud, r#""aud":[]"#), V::AudienceMismatch),
        ("aud an array of others", Both, Payload(aud, r#""aud":["https://a.example","https://b.example"]"#), V::AudienceMismatch),
        ("aud another", Both, Payload(aud, r#""aud":"https://other.example""#), V::AudienceMismatch),
        ("aud in one string with another", Both, Payload(aud, r#""aud":"https://rs.example https://b.example""#), V::AudienceMismatch),
        ("aud longer", Both, Payload(aud, r#""aud":"https://rs.example.evil""#), V::AudienceMismatch),
        ("client_id missing", Both, Payload(r#""client_id":"app","#, ""), V::ClaimMissing(ClientId)),
        ("client_id an array", Both, Payload(r#""client_id":"app""#, r#""client_id":["app"]"#), V::ClaimType(ClientId)),
        ("scope null", Both, Payload(scope, r#""scope":null"#), V::ClaimType(Scope)),
        ("scope a number", Both, Payload(scope, r#""scope":3"#), V::ClaimType(Scope)),
        ("scope an array where a string is expected", Both, Payload(scope, r#""scope":["read","write"]"#), V::ClaimType(Scope)),
        ("scope with a quotation mark", Both, Payload(scope, r#""scope":"read \"write""#), V::ClaimValue(Scope)),
        ("scope with a tabulator", Both, Payload(scope, r#""scope":"read\twrite""#), V::ClaimValue(Scope)),
        ("scope not ASCII", Both, Payload(scope, r#""scope":"réad""#), V::ClaimValue(Scope)),
        ("jti missing", Both, Payload(r#","jti":"id-1""#, ""), V::ClaimMissing(JwtId)),
        ("jti a number", Both, Payload(r#""jti":"id-1""#, r#""jti":1"#), V::ClaimType(JwtId)),
        ("exp missing", Both, Payload(r#""exp":1700003600,"#, ""), V::ClaimMissing(ExpiresAt)),
        ("exp null", Both, Payload(exp, r#""exp":null"#), V::ClaimType(ExpiresAt)),
        ("exp a string", Both, Payload(exp, r#""exp":"1700003600""#), V::ClaimType(ExpiresAt)),
        ("exp true", Both, Payload(exp, r#""exp":true"#), V::ClaimType(ExpiresAt)),
        ("exp an array", Both, Payload(exp, r#""exp":[1700003600]"#), V::ClaimType(ExpiresAt)),
        ("exp negative", Both, Payload(exp, r#""exp":-1"#), V::ClaimValue(ExpiresAt)),
        ("exp minus zero", Both, Payload(exp, r#""exp":-0"#), V::ClaimValue(ExpiresAt)),
        ("exp with an exponent", Both, Payload(exp, r#""exp":17e8"#), V::ClaimValue(ExpiresAt)),
        ("exp infinite", Both, Payload(exp, r#""exp":1e999"#), V::ClaimValue(ExpiresAt)),
        ("exp in milliseconds", Both, Payload(exp, r#""exp":1700003600000"#), V::ClaimValue(ExpiresAt)),
        ("exp beyond the year 9999", Both, Payload(exp, r#""exp":253402300800"#), V::ClaimValue(ExpiresAt)),
        ("exp beyond 64 bits", Both, Payload(exp, r#""exp":18446744073709551616"#), V::ClaimValue(ExpiresAt)),
        ("exp now", Both, Payload(exp, r#""exp":1700000100"#), V::Expired),
        ("exp now and a fraction", Both, Payload(exp, r#""exp":1700000100.9"#), V::Expired),
        ("exp past", Both, Payload(exp, r#""exp":1700000099"#), V::Expired),
        ("exp zero", Both, Payload(exp, r#""exp":0"#), V::Expired),
        ("iat missing", Both, Payload(r#""iat":1700000000,"#, ""), V::ClaimMissing(IssuedAt)),
        ("iat a string", Both, Payload(iat, r#""iat":"1700000000""#), V::ClaimType(IssuedAt)),
        ("iat null", Both, Payload(iat, r#""iat":null"#), V::ClaimType(IssuedAt)),
        ("iat negative", Both, Payload(iat, r#""iat":-1700000000"#), V::ClaimValue(IssuedAt)),
        ("iat to come", Both, Payload(iat, r#""iat":1700000101"#), V::IssuedInFuture),
        ("iat a fraction to come", Both, Payload(iat, r#""iat":1700000100.5"#), V::IssuedInFuture),
        ("nbf a string", Both, Payload(nbf, r#""nbf":"0""#), V::ClaimType(NotBefore)),
        ("nbf null", Both, Payload(nbf, r#""nbf":null"#), V::ClaimType(NotBefore)),
        ("nbf beyond the year 9999", Both, Payload(nbf, r#""nbf":999999999999999999"#), V::ClaimValue(NotBefore)),
        ("nbf to come", Both, Payload(nbf, r#""nbf":1700000101"#), V::NotYetValid),
        ("nbf a fraction to come", Both, Payload(nbf, r#""nbf":1700000100.1"#), V::NotYetValid),
    ]
}

#[test]
fn r40_clock_and_what_is_expected() {
    run(&clock_and_what_is_expected());
}

#[rustfmt::skip] // A case is a line.
fn clock_and_what_is_expected() -> Vec<Case> {
    use With::{Both, Es256, Hs256};
    vec![
        ("clock unset", Both, Now(None), V::ClockUnset),
        ("clock of 1970", Both, Now(Some(0)), V::NotYetValid),
        ("at its end", Both, Now(Some(1_700_003_600)), V::Expired),
        ("at the end of time", Both, Now(Some(u64::MAX)), V::Expired),
        ("a second too early", Both, Now(Some(1_699_999_999)), V::NotYetValid),
        ("leeway of 61 seconds", Both, Validation(|v| v.leeway = Seconds(61)), V::LeewayTooLong),
        ("leeway without end", Both, Validation(|v| v.leeway = Seconds(u32::MAX)), V::LeewayTooLong),
        ("issuer not configured", Both, Validation(|v| v.issuer = None), V::ExpectationMissing(Claim::Issuer)),
        ("audience not configured", Both, Validation(|v| v.audience = None), V::ExpectationMissing(Claim::Audience)),
        ("another issuer configured", Both, Validation(|v| v.issuer = Some("https://b.example")), V::IssuerMismatch),
        ("another audience configured", Both, Validation(|v| v.audience = Some("https://b.example")), V::AudienceMismatch),
        ("an empty audience configured", Both, Validation(|v| v.audience = Some("")), V::AudienceMismatch),
        ("another kind of token configured", Both, Validation(|v| v.format.typ = Some("dpop+jwt")), jws(J::TypeMismatch)),
        ("no kind of token configured", Both, Validation(|v| v.format.typ = None), jws(J::TypeMismatch)),
        ("aud, and a verifier that has no name", Both, Validation(|v| { v.format.claims = &[Claim::ExpiresAt]; v.audience = None; }), V::AudienceMismatch),
        ("a shorter token allowed", Both, Validation(|v| v.token_octets = 200), jws(J::TooLong)),
        ("fewer octets allowed", Both, Validation(|v| v.limits.octets = 100), V::PayloadJson(JsonError::TooLong)),
        ("fewer members allowed", Both, Validation(|v| v.limits.members = 8), V::PayloadJson(JsonError::TooManyMembers)),
        ("no scratch", Both, Scratch(0), jws(J::ScratchTooSmall)),
        ("scratch for the header alone", Hs256, Scratch(60), jws(J::ScratchTooSmall)),
        ("scratch for the header alone, with ES256", Es256, Scratch(60), jws(J::ScratchTooSmall)),
        ("scratch an octet too small", Both, Scratch(PAYLOAD.len() - 1), jws(J::ScratchTooSmall)),
    ]
}
