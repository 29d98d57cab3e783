//! The tools of the real binary: what they print, where it goes, and what they
//! say when they fail.

use std::net::TcpListener;

use sha2::{Digest, Sha256};
use smallgate_tests::command::{Folder, refused, said, smallgate};
use smallgate_tests::simulator::{Process, Temporary};
use smallgate_tests::suite::session::{basic, post};
use smallgate_tests::wire::Wire;

const ISSUER: &str = "https://as.example";

/// Standard output and standard error of a command that succeeds.
fn both(arguments: &[&str]) -> (String, String) {
    let output = smallgate(arguments);
    let text = |octets: Vec<u8>| String::from_utf8(octets).expect("text");
    assert!(output.status.success(), "{arguments:?}");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn without_a_subcommand_it_serves() {
    let process = Process::run(&["--listen", "127.0.0.1:0"]);
    let next = process.printed.recv().expect("curl lines");
    assert!(next.starts_with("# "), "{next}");
    // Whoever has the port: it is the one that is asked for.
    let _taken = TcpListener::bind("127.0.0.1:8080");
    let error = refused(&[]);
    assert!(
        error.contains("127.0.0.1:8080 can not be listened on"),
        "{error}"
    );
    assert!(error.contains("remedy: `--listen 127.0.0.1:0`"), "{error}");
}

#[test]
fn the_log_is_text_or_json() {
    let mut process = Process::run(&["--listen", "127.0.0.1:0", "--log", "text"]);
    process.kill();
    let log = process.log();
    let start = log.lines().find(|line| line.contains("event=\"start\""));
    let start = start.unwrap_or_else(|| panic!("{log}"));
    assert!(
        start.contains(" INFO ") && start.contains("profile=\"standard\""),
        "{start}"
    );
    assert!(!log.contains('\u{1b}'), "no colours in a file");

    let mut process = Process::run(&["--listen", "127.0.0.1:0", "--log", "json"]);
    process.kill();
    let log = process.log();
    let events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(
        events.iter().any(|event| event["event"] == "start"),
        "{log}"
    );
}

/// A key of its kind, as it is printed.
fn key(kind: &str) -> String {
    said(&["key", "new", kind]).trim_end().to_owned()
}

fn issued(key: &str, more: &[&str]) -> String {
    let issue = [
        "token", "issue", "--key", key, "--iss", ISSUER, "--sub", "alice",
    ];
    said(&[&issue[..], more].concat()).trim_end().to_owned()
}

#[test]
fn a_claim_may_be_called_as_whoever_verifies_calls_it() {
    let key = key("hs256");
    let issue = |names: [&str; 3]| {
        let [issuer, audience, subject] = names;
        said(&[
            "token",
            "issue",
            "--key",
            &key,
            issuer,
            ISSUER,
            audience,
            "api",
            subject,
            "alice",
            "--jti",
            "1",
            "--now",
            "2026-01-01T00:00:00Z",
        ])
    };
    let short = issue(["--iss", "--aud", "--sub"]);
    assert_eq!(short, issue(["--issuer", "--audience", "--subject"]));
}

#[test]
fn a_token_that_is_issued_is_verified_and_decoded() {
    let private = key("es256");
    let public = said(&["key", "public", &private]);
    let token = issued(&private, &["--scope", "read write", "--claim", "level=3"]);
    let verify = |token: &str, more: &[&str]| {
        let verify = ["token", "verify", "--key", public.trim(), token];
        [&verify[..], more]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let good = ["--issuer", ISSUER, "--audience", ISSUER];
    let run = |words: &[String]| smallgate(&words.iter().map(String::as_str).collect::<Vec<_>>());

    let output = run(&verify(&token, &good));
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let claims: serde_json::Value = serde_json::from_slice(&output.stdout).expect("claims");
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["scope"], "read write");
    assert_eq!(claims["level"], 3);

    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let altered = format!("{input}.{first}{}", &signature[1..]);
    for (token, expected, cause) in [
        (&altered, &good[..], "not verified: "),
        (&token, &good[..2], "say --audience"),
        (&token, &[][..], "say --issuer"),
        (
            &token,
            &["--issuer", "https://b.example", "--audience", ISSUER][..],
            "issuer",
        ),
    ] {
        let output = run(&verify(token, expected));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{expected:?}");
        assert!(
            error.contains("not verified: ") && error.contains(cause),
            "{error}"
        );
        assert!(
            output.stdout.is_empty(),
            "nothing of a bad token is printed"
        );
    }
}

#[test]
fn decoding_says_loudly_that_nothing_was_verified() {
    let token = issued(&key("hs256"), &[]);
    let (printed, warning) = both(&["token", "decode", &token]);
    assert!(
        warning.starts_with("NOT VERIFIED: anybody can have written this."),
        "{warning}"
    );
    let parts = serde_json::Deserializer::from_str(&printed).into_iter::<serde_json::Value>();
    let parts: Vec<_> = parts.map(|part| part.expect("JSON")).collect();
    assert_eq!(parts[0]["alg"], "HS256");
    assert_eq!(parts[1]["sub"], "alice");
    assert!(refused(&["token", "decode", "a.b"]).contains("three parts"));
}

#[test]
fn a_key_in_a_file_is_named_with_an_at_sign() {
    let folder = Folder::new("command-at");
    let path = folder.file("k.jwk");
    std::fs::write(&path, key("hs256")).expect("a file");
    let issue = |key: &str| {
        [
            "token", "issue", "--sub", "a", "--iss", ISSUER, "--key", key,
        ]
        .map(str::to_owned)
    };
    let words = issue(&path);
    let error = refused(&words.each_ref().map(String::as_str));
    assert!(
        error.contains(&format!("remedy: {path} is a file: write @{path}")),
        "{error}"
    );
    let words = issue(&format!("@{path}"));
    said(&words.each_ref().map(String::as_str));
    let error = refused(&["key", "public", "k"]);
    assert!(
        error.contains("remedy: write the JWK itself, or @FILE"),
        "{error}"
    );
}

#[test]
fn r14_a_new_secret_is_two_lines_with_labels_beside_them() {
    let (printed, labels) = both(&["secret", "new"]);
    let [secret, line] = printed.lines().collect::<Vec<_>>()[..] else {
        panic!("{printed}");
    };
    let hash: String = Sha256::digest(secret)
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    assert_eq!(line, format!("secret = \"sha256:{hash}\""));
    assert!(labels.contains("the secret, for the client"), "{labels}");
    assert!(
        labels.contains("its hash, for the client's table"),
        "{labels}"
    );

    let config = Temporary::new(&format!(
        "[[client]]\nid = 'a'\n{line}\ngrants = ['client_credentials']\n"
    ));
    let process = Process::serve(&["--config", config.path()]);
    let request = post(
        "/oauth/token",
        Some(&basic(("a", secret))),
        "grant_type=client_credentials",
    );
    assert_eq!(Wire::open(process.address).ask(&request).status, 200);
}

#[test]
fn a_new_user_is_a_table_for_the_configuration() {
    let folder = Folder::new("command-user");
    let script = "smallgate user new --username alice --iterations 10000";
    let made = folder.sh(script, "correct horse\n");
    assert!(made.status.success(), "{made:?}");
    let table = String::from_utf8(made.stdout).expect("text");
    assert!(
        table.starts_with("[[user]]\nusername = \"alice\"\nsub = "),
        "{table}"
    );
    assert!(!table.contains("correct horse"), "{table}");
    let config = Temporary::new(&table);
    let checked = said(&["config", "check", config.path()]);
    assert!(checked.contains("1 users"), "{checked}");
    let few = folder.sh("smallgate user new --username a --iterations 9999", "x\n");
    assert!(
        String::from_utf8_lossy(&few.stderr).contains("10000"),
        "{few:?}"
    );
    let empty = folder.sh(script, "\n");
    assert!(String::from_utf8_lossy(&empty.stderr).contains("the password is empty"));
}

/// What is printed goes where its label, the remedies and the example say.
#[test]
fn new_keys_go_where_it_is_said() {
    let folder = Folder::new("command-keys");
    let (handle, label) = both(&["key", "new", "handle"]);
    assert!(label.contains("a line for [keys]"), "{label}");
    for (kind, name) in [("es256", "ES256"), ("hs256", "HS256")] {
        let (jwk, label) = both(&["key", "new", kind]);
        assert!(label.contains("signing = '''JWK'''"), "{label}");
        assert!(label.contains("signing = \"file:PATH\""), "{label}");
        let jwk = jwk.trim_end();
        std::fs::write(folder.file("k.jwk"), jwk).expect("a file");
        let path = format!("file:{}", folder.file("k.jwk"));
        for signing in [format!("'''{jwk}'''"), format!("\"{path}\"")] {
            let text = format!("issuer = '{ISSUER}'\n[keys]\nsigning = {signing}\n{handle}");
            let config = Temporary::new(&text);
            let checked = said(&["config", "check", config.path()]);
            assert!(checked.contains(&format!(", {name}\n")), "{checked}");
            assert!(!checked.contains("each start makes one"), "{checked}");
        }
    }
}

#[test]
fn a_configuration_is_checked() {
    let example = Temporary::new(&said(&["config", "example"]));
    let checked = said(&["config", "check", example.path()]);
    assert!(checked.contains(": good. Profile standard, "), "{checked}");
    assert!(!checked.contains("nobody can log in"), "{checked}");

    let nobody = "[[user]]\nusername = 'u'\nsub = '1'\npassword = 'hush'\n";
    let nobody = Temporary::new(&format!("demo = true\n{nobody}"));
    let checked = said(&["config", "check", nobody.path()]);
    assert!(checked.contains("note: nobody can log in: "), "{checked}");

    let bad = Temporary::new("profile = 'standard'\ncolour = 'red'\n");
    let error = refused(&["config", "check", bad.path()]);
    assert!(error.contains(&format!("{}:2:1: ", bad.path())), "{error}");
    assert!(
        error.contains("colour") && error.contains("\n  remedy: "),
        "{error}"
    );

    let error = refused(&["config", "check", "nofile.toml"]);
    assert!(error.contains("nofile.toml: can not be read"), "{error}");
    let remedy =
        "remedy: check the path, or begin one with `smallgate config example > nofile.toml`";
    assert!(error.contains(remedy), "{error}");
}

/// The commands below a help, but for those that go on for ever.
fn examples(command: &[&str]) -> String {
    let help = said(&[command, &["--help"]].concat());
    let (_, examples) = help
        .split_once("Example")
        .unwrap_or_else(|| panic!("{help}"));
    let lines = examples.lines().skip(1).map(str::trim);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("smallgate ") || line.starts_with("curl "))
    );
    lines.join("\n")
}

#[test]
fn examples_of_the_help_work_as_they_stand() {
    let folder = Folder::new("command-help");
    let tokens = folder.pasted(&examples(&["token", "issue"]));
    assert_eq!(
        tokens
            .lines()
            .filter(|line| line.starts_with("eyJ"))
            .count(),
        3
    );
    let token = tokens.lines().next().expect("a token");
    let verify = examples(&["token", "verify"]);
    let verify: Vec<_> = verify.lines().take(2).collect();
    let claims = folder.pasted(&format!("TOKEN={token}\n{}", verify.join("\n")));
    assert!(claims.contains("\"sub\":\"alice\""), "{claims}");
    let decode = examples(&["token", "decode"]);
    let decode = decode.split("     ").next().expect("a command");
    assert!(
        folder
            .pasted(&format!("TOKEN={token}\n{decode}"))
            .contains("alice")
    );

    let provision = examples(&["provision"]);
    let provision = provision.replace(" && smallgate serve --image image.bin", "");
    let packed = folder.pasted(&provision.replace("breakout -o image.bin", "breakout -o demo.bin"));
    assert_eq!(
        packed
            .lines()
            .filter(|line| line.contains(" octets. Profile "))
            .count(),
        3
    );
    let serve = examples(&["serve"]);
    assert!(serve.contains("--listen 127.0.0.1:0") && serve.contains("config example"));
    assert_eq!(serve, examples(&[]));
}
