//! Programs in C about what has to hold: objects while a callback runs and after an
//! error, grants in a file through restarts, damage and a second process, and what
//! a filter says of tokens.

use std::path::Path;
use std::process::Command;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use smallgate_tests::c_gateway::{built, compiled, example, folder};
use smallgate_tests::packed::Image;
use smallgate_tests::suite::setups::standard;

const SANITIZED: [&str; 4] = [
    "-std=c11",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover",
];

/// Runs a program to its end: so many checks, and none failed.
fn assert_clean(command: &mut Command, checks: u32) {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, format!("{checks} checks, 0 failed\n"), "{complaint}");
    assert!(output.status.success(), "{complaint}");
}

#[test]
fn what_is_in_use_is_refused_to_callbacks() {
    let source = folder().join("tests/callbacks.c");
    let image = Image::of(&standard().whole());
    for (compiler, flags) in [
        ("gcc", &SANITIZED[..]),
        ("clang", &["-std=c11", "-O2"]),
        ("g++", &["-std=c++17", "-O2"]),
    ] {
        let name = format!("callbacks-{compiler}");
        let program = compiled(compiler, &name, flags, &[Path::new(&source)]);
        assert_clean(Command::new(program).arg(image.path()), 37);
    }
}

#[test]
fn grants_in_a_file_are_kept_or_refused() {
    let sources = [folder().join("tests/grants.c"), example("grants.c")];
    let sources = sources.each_ref().map(std::path::PathBuf::as_path);
    let program = compiled("gcc", "grants", &SANITIZED, &sources);
    assert_clean(Command::new(program).arg(built("grants.log")), 844);
}

/// An access token of an HS256 key, whose subject is written as it is.
fn token(secret: &[u8], subject: &str) -> String {
    let header = Base64UrlUnpadded::encode_string(br#"{"alg":"HS256","typ":"at+jwt"}"#);
    let payload = format!(
        r#"{{"iss":"i","aud":"a","sub":"{subject}","client_id":"app","jti":"x","iat":100,"exp":200}}"#
    );
    let input = format!(
        "{header}.{}",
        Base64UrlUnpadded::encode_string(payload.as_bytes())
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length");
    mac.update(input.as_bytes());
    let tag = mac.finalize().into_bytes();
    format!("{input}.{}", Base64UrlUnpadded::encode_string(&tag))
}

/// A line is one answer, and a claim is one field of it.
#[test]
fn validate_says_nothing_that_a_token_made_up() {
    let secret = [7; 32];
    let keys = built("held-jwks.json");
    let key = Base64UrlUnpadded::encode_string(&secret);
    let set = format!(r#"{{"keys":[{{"kty":"oct","k":"{key}"}}]}}"#);
    std::fs::write(&keys, set).expect("a file");
    let source = example("validate.c");
    let program = compiled("gcc", "validate-held", &SANITIZED, &[Path::new(&source)]);
    let lines = [
        token(&secret, "alice client_id=admin"),
        token(&secret, r"a\tb=%"),
        token(&secret, &"x".repeat(256)),
        "a".repeat(5000),
        token(&secret, "bob"),
    ];
    let input = built("held-tokens.txt");
    std::fs::write(&input, lines.join("\n")).expect("a file");
    let output = Command::new(program)
        .arg(&keys)
        .args(["i", "a", "150"])
        .stdin(std::fs::File::open(&input).expect("a file"))
        .output()
        .expect("it starts");
    let said = String::from_utf8(output.stdout).expect("text");
    let expected = "good: sub=alice%20client_id%3Dadmin client_id=app\n\
                    good: sub=a%09b%3D%25 client_id=app\n\
                    refused: the memory for a result is too small\n\
                    refused: not a compact JWT, or too long\n\
                    good: sub=bob client_id=app\n";
    assert_eq!(said, expected);
}
