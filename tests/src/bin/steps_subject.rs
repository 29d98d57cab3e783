//! What `tests/steps_callgrind.rs` runs under callgrind: one parser on one
//! document of about as many octets as asked for, built to cost it as much as it
//! can, in one function that is counted.

use std::env;
use std::process::ExitCode;

use smallgate_core::codec::form::{self, Parameters};
use smallgate_core::codec::json::{self, Limits, Object};
use smallgate_core::codec::{base64url, basic};
use smallgate_core::jose::{Hs256Key, Jwk, Keys, Signer, Verifier};
use smallgate_core::jwt::{self, Claim, ScopeForm, TokenFormat, Validation};
use smallgate_core::time::UnixTime;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [parser, shape, octets] = &arguments[..] else {
        eprintln!("steps_subject PARSER SHAPE OCTETS");
        return ExitCode::FAILURE;
    };
    let octets = octets.parse().expect("a number");
    let document = match shape.as_str() {
        "names" if parser == "form" => form_names(octets),
        "names" => json_names("", json::MAX_MEMBERS, octets),
        "key" => json_names(
            r#""kty":"oct","k":"q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA","#,
            JWK_MEMBERS,
            octets,
        ),
        "claims" => json_names(r#""exp":1700003600,"#, CLAIMS, octets),
        "nested" => repeated(r#"{"a":["#, &nested(), ",", "0]}", octets),
        "text" => repeated(r#"{"a":""#, r"\u0061", "", r#""}"#, octets),
        "digits" => repeated(r#"{"a":"#, "1", "", "}", octets),
        "spaces" => repeated("{", " ", "", "}", octets),
        "escapes" => repeated("a=", "%61", "", "", octets),
        "letters" => repeated("", "abcd", "", "", octets / 4 * 4),
        "credentials" => credentials(octets),
        "short" => short_names(octets),
        other => panic!("no shape {other}"),
    };
    let mut document = document.into_bytes();
    let length = document.len();
    let good = match parser.as_str() {
        "json" => json_counted(&document),
        "form" => form_counted(&mut document),
        "basic" => basic_counted(&document),
        "base64url" => base64url_counted(&document, &mut vec![0; length]),
        "jwk" => jwk_counted(&document),
        "jwt" => {
            let key = Hs256Key::new(&[7; 32], None).expect("32 octets");
            let token = signed(&key, &document);
            jwt_counted(&key, &token, &mut vec![0; 2 * token.len()])
        }
        "quadratic" => quadratic_counted(&document),
        other => panic!("no parser {other}"),
    };
    println!("{length} {good}");
    ExitCode::SUCCESS
}

/// Members of a JWK that are not its own: with its own they are 24.
const JWK_MEMBERS: usize = 22;

/// Members of a payload beside `exp`.
const CLAIMS: usize = 47;

/// `item`s between `start` and `end`.
fn repeated(start: &str, item: &str, between: &str, end: &str, octets: usize) -> String {
    let mut text = start.to_owned();
    while text.len() + item.len() + between.len() + end.len() <= octets {
        text.push_str(item);
        text.push_str(between);
    }
    text + end
}

/// As deep as it may be: an object and an array are around it.
fn nested() -> String {
    let depth = json::MAX_DEPTH - 2;
    "[".repeat(depth) + &"]".repeat(depth)
}

/// So many long names that are told apart by their last characters alone, each
/// in escapes, so that telling them apart is as much work as it can be.
fn json_names(start: &str, members: usize, octets: usize) -> String {
    let escapes = (octets / members).saturating_sub(16) / 6;
    let names: Vec<_> = (0..members)
        .map(|at| format!(r#""{}{at:02}":0"#, r"\u0061".repeat(escapes)))
        .collect();
    format!("{{{start}{}}}", names.join(","))
}

/// The same for a form.
fn form_names(octets: usize) -> String {
    let escapes = (octets / form::MAX_PARAMETERS).saturating_sub(8) / 3;
    let names: Vec<_> = (0..form::MAX_PARAMETERS)
        .map(|at| format!("{}{at:02}=", "%61".repeat(escapes)))
        .collect();
    names.join("&")
}

/// Credentials that are read in two ways, since there are escapes in them.
fn credentials(octets: usize) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(repeated("a:", "%61", "", "", octets / 4 * 3).as_bytes())
}

/// Many short names, of which nobody says how many there may be.
fn short_names(octets: usize) -> String {
    let names: Vec<_> = (0..octets / 8).map(|at| format!("{at:07}")).collect();
    names.join(",")
}

fn signed(key: &Hs256Key, payload: &[u8]) -> Vec<u8> {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let encode = Base64UrlUnpadded::encode_string;
    let input = format!("{}.{}", encode(br#"{"alg":"HS256"}"#), encode(payload));
    let mut signature = [0; 64];
    let length = key
        .sign(input.as_bytes(), &mut signature)
        .expect("HMAC does not fail");
    format!("{input}.{}", encode(&signature[..length])).into_bytes()
}

const LIMITS: Limits = Limits {
    octets: json::MAX_OCTETS,
    depth: 16,
    members: 64,
    trailing_comma: false,
};

#[inline(never)]
fn json_counted(text: &[u8]) -> bool {
    Object::parse(text, &LIMITS).is_ok()
}

#[inline(never)]
fn form_counted(body: &mut [u8]) -> bool {
    let limits = form::Limits {
        octets: form::MAX_OCTETS,
        parameters: 24,
    };
    Parameters::from_form(body, &limits).is_ok()
}

#[inline(never)]
fn basic_counted(text: &[u8]) -> bool {
    basic::parse(text, &mut [0; basic::SCRATCH]).is_ok()
}

#[inline(never)]
fn base64url_counted(text: &[u8], out: &mut [u8]) -> bool {
    base64url::decode(text, out).is_ok()
}

#[inline(never)]
fn jwk_counted(text: &[u8]) -> bool {
    Jwk::parse(text).is_ok()
}

#[inline(never)]
fn jwt_counted(key: &Hs256Key, token: &[u8], scratch: &mut [u8]) -> bool {
    const FORMAT: TokenFormat = TokenFormat {
        typ: None,
        claims: &[Claim::ExpiresAt],
        scope: ScopeForm::Absent,
    };
    let validation = Validation {
        token_octets: token.len(),
        limits: LIMITS,
        ..Validation::new(FORMAT)
    };
    let verifiers: &[&dyn Verifier] = &[key];
    let now = Some(UnixTime(1_700_000_000));
    jwt::verify(token, &Keys::new(verifiers), &validation, now, scratch).is_ok()
}

/// How it is done wrongly: each name is compared with all before it, however
/// many there are. The measuring must see that.
#[inline(never)]
fn quadratic_counted(text: &[u8]) -> bool {
    let mut at = 0;
    while at + 7 <= text.len() {
        let mut before = 0;
        while before < at {
            if text[before..before + 7] == text[at..at + 7] {
                return false;
            }
            before += 8;
        }
        at += 8;
    }
    true
}
