//! The examples in C, as they stand.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use smallgate_tests::c_gateway::{CGateway, built, compiled, example, folder};
use smallgate_tests::host::Host;
use smallgate_tests::suite::session::{Session, refresh_form};
use smallgate_tests::suite::setups::{DEMO, standard, teen_quotes};
use smallgate_tests::wire::Request;

/// A program's output when it is given these lines.
fn filtered(command: &mut Command, lines: &str) -> (Option<i32>, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(lines.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), said)
}

/// A token of the gateway's, its keys in a file, and its issuer.
fn token_and_keys(session: &Session<CGateway>) -> (String, std::path::PathBuf) {
    let token = session
        .token(DEMO, "grant_type=client_credentials")
        .member("access_token");
    let keys = session.ask(&Request::new("GET", "/jwks.json"));
    let path = built(&format!("jwks-{}.json", session.host.address().port()));
    std::fs::write(&path, &keys.body).expect("a file");
    (token, path)
}

#[test]
fn validate_says_who_each_token_is_or_why_not() {
    let session = Session::<CGateway>::start(standard());
    let (token, keys) = token_and_keys(&session);
    let metadata = session.ask(&Request::new(
        "GET",
        "/.well-known/oauth-authorization-server",
    ));
    let issuer = metadata.member("issuer");
    let audience = smallgate_tests::suite::setups::AUDIENCE;
    let source = example("validate.c");
    for compiler in ["gcc", "clang"] {
        let name = format!("validate-{compiler}");
        let program = compiled(compiler, &name, &["-std=c11", "-O1"], &[Path::new(&source)]);
        let cut = &token[..token.len() - 1];
        let lines = format!("{token}\n{cut}\n\n{token}x\n");
        let arguments = [keys.to_str().expect("text"), &issuer, audience];
        let (code, said) = filtered(Command::new(&program).args(arguments), &lines);
        let said: Vec<_> = said.lines().collect();
        assert_eq!(code, Some(1));
        assert_eq!(said.len(), 4, "{said:?}");
        assert_eq!(said[0], "good: sub=demo client_id=demo scope=read");
        assert!(
            said[1..].iter().all(|line| line.starts_with("refused: ")),
            "{said:?}"
        );
        let later = (session.host.now() + 1_000_000).to_string();
        let (code, said) = filtered(Command::new(&program).args(arguments).arg(later), &token);
        assert_eq!(
            (code, said.as_str()),
            (Some(1), "refused: the token has expired\n")
        );
        let other = [arguments[0], "https://other.example", arguments[2]];
        let (_, said) = filtered(Command::new(&program).args(other), &token);
        assert_eq!(said, "refused: the token is another issuer's\n");
    }
    std::fs::remove_file(keys).expect("it is there");
}

/// What was acknowledged outlives a crash, and what was revoked stays so.
#[test]
fn grants_in_a_file_outlive_a_crash() {
    let mut session = Session::<CGateway>::start(teen_quotes());
    let first = session.quote("grant_type=client_credentials");
    session.host.crash();
    let second = session.quote(&refresh_form(&first));
    assert_eq!(second.status, 200, "{}", second.text());
    session.host.crash();
    let third = session.quote(&refresh_form(&second));
    assert_eq!(third.status, 200, "{}", third.text());
    session.host.crash();
    let replayed = session.quote(&refresh_form(&first));
    assert_eq!(replayed.status, 400, "two generations old: theft");
    session.host.crash();
    let over = session.quote(&refresh_form(&third));
    assert_eq!(over.status, 400, "revoked, and stays so");
}

#[test]
fn gateway_ends_when_it_is_told_to() {
    let mut session = Session::<CGateway>::start(standard());
    session.token(DEMO, "grant_type=client_credentials");
    let id = session.host.process().id().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status();
    assert!(told.expect("kill runs").success());
    assert_eq!(session.host.process().wait(), Some(0));
}

/// The program that README.md shows.
fn shown() -> String {
    let readme = folder().join("../../README.md");
    let readme = std::fs::read_to_string(readme).expect("a page");
    let (_, section) = readme.split_once("## Linked from C").expect("a section");
    let lines: Vec<_> = section
        .lines()
        .skip_while(|line| line.is_empty())
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    lines.join("\n").trim_end().to_owned() + "\n"
}

#[test]
fn the_program_of_the_readme_checks_tokens() {
    let program = shown();
    let lines = program.lines().count();
    assert!((20..=40).contains(&lines), "{lines} lines");
    let source = built("check.c");
    std::fs::write(&source, program).expect("a file");
    let session = Session::<CGateway>::start(standard());
    let (token, keys) = token_and_keys(&session);
    for (compiler, arguments) in [
        ("gcc", &["-std=c11"][..]),
        ("clang", &["-std=c11"]),
        ("g++", &["-std=c++17"]),
    ] {
        let name = format!("check-{compiler}");
        let check = compiled(compiler, &name, arguments, &[Path::new(&source)]);
        let checked = |token: &str| {
            let mut command = Command::new(&check);
            filtered(command.arg(&keys).arg(token), "")
        };
        assert_eq!(checked(&token), (Some(0), "demo\n".to_owned()));
        let cut = &token[..token.len() - 2];
        assert_eq!(checked(cut).0, Some(1));
    }
    std::fs::remove_file(keys).expect("it is there");
}

#[test]
fn an_installed_library_is_found_and_linked() {
    let prefix = built("installed");
    let _none_yet = std::fs::remove_dir_all(&prefix);
    let installed = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            "capi",
            "install",
            "--prefix",
        ])
        .arg(&prefix)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let complaint = String::from_utf8_lossy(&installed.stderr);
    assert!(installed.status.success(), "{complaint}");
    for of_static in [false, true] {
        let mut pkg = Command::new("pkg-config");
        pkg.args(["--cflags", "--libs", "smallgate"])
            .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
        if of_static {
            pkg.arg("--static");
        }
        let flags = pkg.output().expect("pkg-config runs");
        assert!(flags.status.success(), "{flags:?}");
        let flags = String::from_utf8(flags.stdout).expect("text");
        let mut flags: Vec<_> = flags.split_whitespace().map(str::to_owned).collect();
        if of_static {
            let archive = prefix.join("lib/libsmallgate.a");
            let archive = archive.to_str().expect("text");
            flags.retain(|flag| flag != "-lsmallgate");
            flags.insert(0, archive.to_owned());
        }
        let out = built("installed-validate");
        let compiled = Command::new("cc")
            .arg("-std=c11")
            .arg(example("validate.c"))
            .args(&flags)
            .arg("-o")
            .arg(&out)
            .output()
            .expect("cc runs");
        let complaint = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "{complaint}");
        let ran = Command::new(&out)
            .env("LD_LIBRARY_PATH", prefix.join("lib"))
            .output()
            .expect("it starts");
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(said.starts_with("usage: "), "{said}");
    }
}
